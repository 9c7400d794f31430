"""What a service that describes itself is in a local cloud, and how its offers are judged."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Conflict, Invalid
from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.model.ids import OperationName, ServiceId, SkillId, SystemName
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.model.skill import Offer
from fabloop.services.cloud.authorise import Access, GrantAccess, is_granted
from fabloop.services.cloud.bind import Exclusion, bind, judged
from fabloop.services.cloud.described import (
    definition_of,
    described_by,
    grant_entries,
    offer_entries,
    offer_of,
    system_entry,
)
from fabloop.services.cloud.locks import HoldOffers, LockEntry
from fabloop.services.cloud.records import Form, ServiceInstance, System
from fabloop.services.cloud.registry import RegisterServices, RegisterSystems
from small_cloud import SmallCloud

PRINT = ServiceOperation(
    name=OperationName("printLiners"), method="POST", path="/liners",
    offer=Offer(skill=SkillId("print-liners")), exclusive_ns=4 * HOUR,
)  # fmt: skip
STATUS = ServiceOperation(name=OperationName("status"), method="GET", path="/status")
PRINTER = ServiceDescription(
    id=ServiceId("liner-printer"), system=SystemName("liner-printer"), title="Liner printer",
    version="1.2", base_url="http://127.0.0.1:8080/v1", operations=(PRINT, STATUS),
)  # fmt: skip


def registered(cloud: SmallCloud, service: ServiceDescription) -> None:
    known = cloud.state.find(System, system_entry(service, None).name)
    entries = tuple(offer_entries(service, cloud.state))
    cloud.does(RegisterSystems(entries=(system_entry(service, known),)))
    cloud.does(RegisterServices(entries=entries))
    cloud.does(GrantAccess(entries=tuple(grant_entries(service)), by="LinerPrinter"))


def test_a_description_is_kept_with_its_system_and_offers_stand_for_skills():
    cloud = SmallCloud()
    registered(cloud, PRINTER)
    system = cloud.state.table(System)["LinerPrinter"]
    assert list(described_by(system)) == [PRINTER]
    offers = cloud.state.table(ServiceInstance)
    assert set(offers) == {"LinerPrinter|printLiners|1.2.0", "LinerPrinter|status|1.2.0"}
    told = offers[offer_of(PRINTER, PRINT)]
    assert told.metadata == {"service": "liner-printer", "allowExclusivity": 4 * 3600}
    assert told.interfaces[0].properties["operations"] == {
        "print-liners": {"path": "/liners", "method": "POST"}
    }
    assert "allowExclusivity" not in offers[offer_of(PRINTER, STATUS)].metadata


def test_services_of_one_system_are_all_kept_but_may_not_offer_the_same():
    cloud = SmallCloud()
    registered(cloud, PRINTER)
    folder = msgspec.structs.replace(
        PRINTER,
        id=ServiceId("liner-folder"),
        operations=(msgspec.structs.replace(STATUS, name=OperationName("fold")),),
    )
    registered(cloud, folder)
    system = cloud.state.table(System)["LinerPrinter"]
    assert {each.id for each in described_by(system)} == {"liner-printer", "liner-folder"}
    twin = msgspec.structs.replace(PRINTER, id=ServiceId("liner-printer-b"))
    with pytest.raises(Conflict, match="'liner-printer' and 'liner-printer-b'"):
        registered(cloud, twin)


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://h:port", "http://h:99999999"])
def test_where_a_service_answers_has_to_be_told(url):
    with pytest.raises(Invalid, match="liner-printer"):
        system_entry(msgspec.structs.replace(PRINTER, base_url=url), None)


def test_a_service_is_granted_to_all_or_to_those_it_serves():
    cloud = SmallCloud()
    registered(cloud, PRINTER)
    access = Access(provider="LinerPrinter", consumer="MyMuffin", target=definition_of(PRINT))
    assert is_granted(cloud.state, access)
    registered(cloud, msgspec.structs.replace(PRINTER, serves=(SystemName("rival-bakery"),)))
    assert not is_granted(cloud.state, access)
    assert is_granted(cloud.state, msgspec.structs.replace(access, consumer="RivalBakery"))


offers = st.fixed_dictionaries(
    {"held": st.booleans(), "granted": st.booleans(), "exclusive": st.booleans(),
     "suits": st.booleans(), "gone": st.booleans()}
)  # fmt: skip


@given(told=st.lists(offers, min_size=1, max_size=6), exclusive=st.booleans())
def test_each_offer_is_judged_as_binding_judges_all(told, exclusive):
    cloud = SmallCloud()
    ids = []
    for number, each in enumerate(told):
        metadata = {"allowExclusivity": 600} if each["exclusive"] else {}
        name = f"Printer{number}"
        ids.append(cloud.offer(name, "print", metadata, expires_s=5 if each["gone"] else None))
        if each["granted"]:
            entry = next(grant_entries(PRINTER))
            entry = msgspec.structs.replace(entry, provider=name, target="print")
            cloud.does(GrantAccess(entries=(entry,), by=name))
        if each["held"]:
            until = Instant(cloud.at + 60 * SECOND)
            lock = LockEntry(instance=ids[-1], owner="Other", expires_at=until)
            cloud.does(HoldOffers(entries=(lock,)))
    cloud.later(10)
    suiting = {id_ for id_, each in zip(ids, told, strict=True) if each["suits"]}
    form = Form(
        definition="print",
        exclusivity_s=60 if exclusive else None,
        flags={"ONLY_EXCLUSIVE": True} if exclusive else {},
    )
    one_by_one = judged(
        cloud.state, form, "MyMuffin", cloud.at, ids, constraint=lambda x: x.id in suiting
    )
    assert [each.offer.id for each in one_by_one] == ids
    free = {each.offer.id for each in one_by_one if each.against is None}
    found = bind(cloud.state, form, "MyMuffin", cloud.at, constraint=lambda x: x.id in suiting)
    chosen = {each.offer.id for each in found.chosen}
    assert chosen <= free
    assert bool(chosen) == bool(free)
    assert exclusive or chosen == free
    for each, verdict in zip(told, one_by_one, strict=True):
        assert (verdict.lock is not None) == (verdict.against is Exclusion.LOCKED)
        if each["held"] and not each["gone"]:
            assert verdict.against is Exclusion.LOCKED
