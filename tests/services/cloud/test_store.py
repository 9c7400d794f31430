"""The store: what was journalled makes the same cloud again, also by way of a snapshot."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.codec import from_msgpack, to_msgpack
from fabloop.base.errors import Conflict, FabloopError, Invalid, NotFound, Unavailable
from fabloop.services.cloud import command, state
from fabloop.services.cloud.authorise import GrantAccess, GrantEntry
from fabloop.services.cloud.changes import KINDS, Row
from fabloop.services.cloud.locks import HoldOffers, LockEntry, ReleaseOffers
from fabloop.services.cloud.metadata import any_of, hints
from fabloop.services.cloud.names import DEVICE, INTERFACE, OPERATION, SERVICE, SYSTEM, name_fault
from fabloop.services.cloud.orchestrate import Pull, Rules
from fabloop.services.cloud.people import Ban, Blacklist, Pardon
from fabloop.services.cloud.push import EndPush, Push, Subscribe, SubscriptionEntry, Trigger
from fabloop.services.cloud.records import Form, Job, SecurityPolicy, ServiceInstance, System
from fabloop.services.cloud.registry import (
    DefineServices,
    DeviceEntry,
    Mode,
    RegisterDevices,
    RegisterServices,
    RegisterSystems,
    Revoke,
    ServiceEntry,
    SystemEntry,
)
from fabloop.services.cloud.state import State
from fabloop.services.cloud.tokens import GiveTokens, TokenEntry, UseToken
from fabloop.services.cloud.upkeep import Sweep
from small_cloud import ALL, SmallCloud

NAMES = st.sampled_from(["Alpha", "Beta", "Gamma"])
SERVICES = st.sampled_from(["welding", "milling"])
HTTP = {"address": "10.0.0.9", "port": "8000", "method": "POST", "path": "/pushed"}


def contents(of: State) -> object:
    """All that a state can be asked for, in its order."""
    tables = {kind.__name__: list(of.table(kind).items()) for kind in KINDS.values()}
    found = {name: of.offers.of_definition(name) for name in ("welding", "milling")}
    likely = {name: of.offers.likely(name, hints(({"grade": 1},))) for name in found}
    open_jobs = [each.id for each in of.open_jobs()]
    return tables, found, likely, open_jobs, of.next_number, of.turns


def replayed(rows: list[Row]) -> State:
    again = State()
    for row in rows:
        again.apply(from_msgpack(to_msgpack(row), Row))
    return again


@st.composite
def deeds(draw):
    """One thing that happens, as a function of a cloud."""
    provider, service = draw(NAMES), draw(SERVICES)
    instance = f"{provider}|{service}|1.0.0"
    grade = draw(st.integers(0, 2))
    kind = draw(st.integers(0, 13))
    form = Form(
        definition=service,
        metadata=({"grade": grade},) if draw(st.booleans()) else (),
        exclusivity_s=draw(st.sampled_from([None, 5])),
        flags={"MATCHMAKING": draw(st.booleans())},
    )
    entry = TokenEntry(
        variant=draw(st.sampled_from(
            [SecurityPolicy.USAGE_LIMITED_TOKEN_AUTH, SecurityPolicy.TIME_LIMITED_TOKEN_AUTH]
        )),
        provider=provider, consumer="Consumer", target=service,
    )  # fmt: skip
    entries = (SubscriptionEntry(form=form, protocol="HTTP", properties=HTTP),)

    def do(cloud: SmallCloud) -> None:
        match kind:
            case 0 | 1 | 2:
                cloud.offer(provider, service, {"grade": grade, "allowExclusivity": 10})
            case 3:
                cloud.offer(provider, service, {"grade": grade}, expires_s=3)
            case 4:
                cloud.does(Revoke(kind=System, keys=(provider,)))
            case 5:
                cloud.does(Pull(form=form, requester="Consumer", rules=Rules(authorised=False)))
            case 6:
                cloud.does(HoldOffers(entries=(LockEntry(instance=instance, owner="Consumer"),)))
            case 7:
                cloud.does(ReleaseOffers(owner="Consumer"))
            case 8:
                given = cloud.does(GiveTokens(entries=(entry,), by="Consumer", unbound=True))
                cloud.does(UseToken(secret=given[0].secret, provider=provider))
            case 9:
                cloud.does(Subscribe(entries=entries, owner=provider, trigger=grade == 1))
            case 10:
                for job in cloud.does(Trigger(by="Sysop")):
                    cloud.does(Push(job=job.id))
                    cloud.does(EndPush(job=job.id, trouble="" if grade else "refused"))
            case 11:
                cloud.does(Blacklist(entries=(Ban(system=provider, reason="x"),), by="Sysop"))
            case 12:
                cloud.does(Pardon(systems=(provider,), by="Sysop"))
            case _:
                cloud.later(4)
                cloud.does(Sweep())

    return do


@given(st.lists(deeds(), max_size=25))
def test_replaying_the_journal_and_reading_a_snapshot_give_the_same_cloud(happened):
    cloud = SmallCloud()
    for do in happened:
        try:
            do(cloud)
        except FabloopError:
            continue
    live = contents(cloud.state)
    assert contents(replayed(cloud.rows)) == live
    assert contents(State.of_parts(cloud.state.parts())) == live


@given(st.lists(deeds(), max_size=15))
def test_a_command_that_is_refused_changes_nothing(happened):
    cloud = SmallCloud()
    for do in happened:
        before = contents(cloud.state)
        count = len(cloud.rows)
        try:
            do(cloud)
        except FabloopError:
            if len(cloud.rows) == count:
                assert contents(cloud.state) == before


VALUES = st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from(["", "a", "b"]))
METADATA = st.dictionaries(
    st.sampled_from(["a", "b"]),
    VALUES | st.dictionaries(st.sampled_from(["c", "d"]), VALUES, max_size=2),
    max_size=2,
)


LIMITS = st.builds(
    lambda op, value: {"op": op, "value": value},
    st.sampled_from(["LESS_THAN", "LESS_THAN_OR_EQUALS_TO", "GREATER_THAN",
        "GREATER_THAN_OR_EQUALS_TO", "NOT_EQUALS"]),
    st.integers(-2, 3) | st.floats(-2, 3),
)  # fmt: skip
REQUIRED = st.dictionaries(st.sampled_from(["a", "b.c", "a.d"]), VALUES | LIMITS, max_size=2)


@given(st.lists(METADATA, min_size=1, max_size=24), st.lists(REQUIRED, min_size=1, max_size=3))
def test_finding_by_index_gives_what_comparing_each_gives(offered, required):
    cloud = SmallCloud()
    for number, metadata in enumerate(offered):
        cloud.offer(f"Robot{number}", "welding", metadata)
    for number in range(0, len(offered), 5):
        cloud.does(Revoke(kind=ServiceInstance, keys=(f"Robot{number}|welding|1.0.0",)))
    meets = any_of(required) or (lambda _: True)
    offers = cloud.state.table(ServiceInstance)
    likely = cloud.state.offers.likely("welding", hints(required))
    by_index = [each for each in likely if meets(offers[each].metadata)]
    one_by_one = [each.id for each in offers.values() if meets(each.metadata)]
    assert by_index == one_by_one


def test_only_few_are_looked_at_where_a_limit_tells_most():
    cloud = SmallCloud()
    for number in range(20):
        cloud.offer(f"Robot{number}", "welding", {"reach": 20 - number, "nan": float("nan")})
    index = cloud.state.offers
    found = index.likely("welding", hints([{"reach": {"op": "LESS_THAN", "value": 3}}]))
    assert found == tuple(f"Robot{number}|welding|1.0.0" for number in (17, 18, 19))
    either = [{"reach": {"op": "GREATER_THAN", "value": 18}}, {"reach": 1}]
    assert len(index.likely("welding", hints(either))) == 4
    assert index.likely("welding", hints([{"nan": {"op": "LESS_THAN", "value": 3}}])) == ()


def test_finished_orchestrations_are_forgotten_beyond_the_newest(monkeypatch):
    monkeypatch.setattr(state, "JOBS_MAX", 3)
    cloud = SmallCloud()
    pull = Pull(form=Form(definition="welding"), requester="A")
    made = [cloud.does(pull).job for _ in range(5)]
    assert list(cloud.state.table(Job)) == made[2:]


def test_a_table_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(command, "RECORDS_MAX", 1)
    cloud = SmallCloud()
    cloud.system("Alpha")
    with pytest.raises(Unavailable, match="at most 1 records of kind 'System'"):
        cloud.system("Beta")


def test_every_fault_of_an_offer_is_named():
    cloud = SmallCloud()
    entry = ServiceEntry(
        provider="Nobody",
        definition="welding",
        expires_at=cloud.at,
        interfaces=(
            msgspec.structs.replace(cloud.http(70_000), protocol="ftp"),
            msgspec.structs.replace(cloud.http(), template="telex"),
        ),
    )
    with pytest.raises(Invalid) as caught:
        cloud.does(RegisterServices(entries=(entry,)))
    paths = {each.path.removeprefix("Nobody.welding.") for each in caught.value.faults}
    assert paths == {
        "systemName", "expiresAt", "interfaces[0].protocol",
        "interfaces[0].properties.accessPort", "interfaces[1].templateName",
    }  # fmt: skip


def test_names_are_created_once_updated_when_known_and_told_twice_never():
    cloud = SmallCloud()
    cloud.does(DefineServices(names=("welding",)))
    with pytest.raises(Conflict, match="new, but found 'welding'"):
        cloud.does(DefineServices(names=("welding", "milling")))
    with pytest.raises(Conflict, match="twice"):
        cloud.does(DefineServices(names=("milling", "milling")))
    unknown = RegisterSystems(entries=(SystemEntry(name="Alpha"),), mode=Mode.UPDATE)
    with pytest.raises(NotFound, match="known, but found 'Alpha'"):
        cloud.does(unknown)


def test_a_system_has_the_addresses_of_its_device_which_stays_while_it_runs():
    from fabloop.services.cloud.records import Address, AddressType, Device

    cloud = SmallCloud()
    where = (Address(AddressType.IPV4, "10.0.0.7"),)
    cloud.does(RegisterDevices(entries=(DeviceEntry(name="CELL_7", addresses=where),)))
    entry = SystemEntry(name="Alpha", device="CELL_7")
    assert cloud.does(RegisterSystems(entries=(entry,)))[0].addresses == where
    with pytest.raises(Conflict, match="'Alpha' uses it"):
        cloud.does(Revoke(kind=Device, keys=("CELL_7",)))
    with pytest.raises(Invalid, match="a registered device"):
        cloud.does(RegisterSystems(entries=(SystemEntry(name="Beta", device="X"),)))


def test_a_record_keeps_number_and_birth_when_it_is_replaced():
    cloud = SmallCloud()
    cloud.system("Alpha")
    first = cloud.state.table(System)["Alpha"]
    cloud.later(5)
    cloud.system("Alpha", {"line": 1})
    second = cloud.state.table(System)["Alpha"]
    assert (second.number, second.created_at) == (first.number, first.created_at)
    assert second.updated_at == cloud.at


@pytest.mark.parametrize(
    ("naming", "good", "bad"),
    [
        (
            SYSTEM,
            ["WeldingRobot", "A", "R2d2"],
            ["weldingRobot", "Welding-Robot", "", "Ä", "A" * 64],
        ),
        (SERVICE, ["robotWelding", "w"], ["RobotWelding", "robot_welding", "1a"]),
        (OPERATION, ["start-welding", "a1"], ["start--welding", "Start", "start_", "-a"]),
        (INTERFACE, ["generic_http", "a"], ["generic-http", "Generic", "a__b"]),
        (DEVICE, ["CELL_7", "A"], ["cell", "CELL-7", "_A", "A_"]),
    ],
)
def test_names_have_their_form(naming, good, bad):
    assert [name_fault(naming, each, "", "") for each in good] == [None] * len(good)
    assert all(name_fault(naming, each, "", "") for each in bad)


def test_a_grant_of_the_same_provider_replaces_the_one_before():
    cloud = SmallCloud()
    entry = GrantEntry(provider="Alpha", target="welding", default=ALL)
    first = cloud.does(GrantAccess(entries=(entry,), by="Alpha"))
    second = cloud.does(GrantAccess(entries=(entry,), by="Alpha"))
    assert first[0].id == second[0].id
    with pytest.raises(Conflict, match="new, but found"):
        cloud.does(GrantAccess(entries=(entry,), by="Alpha", only_new=True))
