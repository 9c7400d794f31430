"""What a system may expect of its local cloud, embedded or somewhere else."""

import base64

import pytest

from fabloop.base.errors import Invalid, NotPermitted, Refused
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.authorise import Access, GrantEntry
from fabloop.services.cloud.locks import LockEntry
from fabloop.services.cloud.lookups import ServiceFilter
from fabloop.services.cloud.port import PassWish
from fabloop.services.cloud.push import SubscriptionEntry
from fabloop.services.cloud.records import (
    Address,
    AddressType,
    Form,
    Interface,
    Policy,
    PolicyKind,
    SecurityPolicy,
    TargetType,
)
from fabloop.services.cloud.registry import ServiceEntry, SystemEntry
from small_cloud import ALL, START

PUSH = {"address": "10.0.0.9", "port": "8000", "method": "POST", "path": "/pushed"}
OFFER = "Robot|welding|2.0.0"


class LocalCloudContract:
    """Give `cloud`: a function from the name of a system to its view of one new cloud."""

    def offered(self, cloud, policy: SecurityPolicy = SecurityPolicy.NONE, **metadata: object):
        robot = cloud("Robot")
        here = (Address(AddressType.IPV4, "10.0.0.1"),)
        robot.register_system(SystemEntry(name="Robot", addresses=here, metadata={"hall": 3}))
        interface = Interface(
            template="generic_http",
            protocol="http",
            policy=policy,
            properties={"accessAddresses": ["10.0.0.1"], "accessPort": 80, "basePath": "/weld"},
        )
        entry = ServiceEntry(
            provider="Robot",
            definition="welding",
            version="2.0.0",
            metadata=metadata,
            interfaces=(interface,),
            expires_at=Instant(START + 1_000 * SECOND),
        )
        assert robot.register_service(entry) == OFFER
        return robot, interface

    def granted(self, robot, policy: Policy = ALL, **scoped: Policy) -> str:
        entry = GrantEntry(provider="Robot", target="welding", default=policy, scoped=scoped)
        return robot.grant(entry)

    def test_an_offer_is_found_as_it_was_registered_and_gone_when_it_is_revoked(self, cloud):
        robot, interface = self.offered(cloud, power=3.5)
        wanted = ServiceFilter(
            definitions=("welding",),
            metadata=({"power": {"op": "GREATER_THAN", "value": 3}},),
            address_types=(AddressType.IPV4,),
            alive_at=Instant(START + SECOND),
        )
        (found,) = cloud("Cell").find_services(wanted)
        assert (found.id, found.provider, found.version) == (OFFER, "Robot", "2.0.0")
        assert found.metadata == {"power": 3.5}
        assert found.interfaces == (interface,)
        assert found.expires_at == START + 1_000 * SECOND
        with pytest.raises(NotPermitted):
            cloud("Thief").revoke_service(OFFER)
        assert robot.revoke_service(OFFER) is True
        assert robot.revoke_service(OFFER) is False
        assert cloud("Cell").find_services(wanted) == ()

    def test_with_a_system_its_offers_go(self, cloud):
        robot, _ = self.offered(cloud)
        assert robot.revoke_system() is True
        assert robot.revoke_system() is False
        assert cloud("Cell").find_services(ServiceFilter(providers=("Robot",))) == ()

    def test_a_consumer_with_a_grant_is_bound_and_holds_what_it_asked_for(self, cloud):
        robot, interface = self.offered(cloud, allowExclusivity=60)
        form = Form(definition="welding", flags={"MATCHMAKING": True}, exclusivity_s=30)
        assert cloud("Cell").pull(form).bindings == ()
        self.granted(robot)
        (binding,) = cloud("Cell").pull(form).bindings
        assert (binding.offer.id, binding.offer.provider) == (OFFER, "Robot")
        assert binding.interfaces == (interface,)
        assert binding.until == START + 40 * SECOND
        assert cloud("Other").pull(form).bindings == ()
        cloud("Sysop").release("Cell", (OFFER,))
        assert len(cloud("Other").pull(form).bindings) == 1

    def test_tokens_of_a_binding_are_valid_for_their_provider(self, cloud):
        robot, _ = self.offered(cloud, SecurityPolicy.USAGE_LIMITED_TOKEN_AUTH)
        self.granted(robot)
        form = Form(definition="welding", operations=("start", "stop"))
        (binding,) = cloud("Cell").pull(form).bindings
        assert [each.purpose for each in binding.tokens] == ["start", "stop"]
        shown = robot.use_token(binding.tokens[1].secret)
        assert (shown.consumer, shown.target, shown.scope) == ("Cell", "welding", "stop")
        assert shown.target_type is TargetType.SERVICE_DEF
        assert cloud("Thief").use_token(binding.tokens[1].secret) is None

    def test_a_token_is_given_to_those_with_a_grant(self, cloud):
        robot, _ = self.offered(cloud)
        wish = PassWish(
            variant=SecurityPolicy.BASE64_SELF_CONTAINED_TOKEN_AUTH,
            provider="Robot",
            target="welding",
            scope="start",
        )
        with pytest.raises(NotPermitted):
            cloud("Cell").token(wish)
        self.granted(robot)
        given = cloud("Cell").token(wish)
        assert b"|Cell|Robot|welding|start|" in base64.b64decode(given.secret)
        assert given.expires_at == START + 3_600 * SECOND
        with pytest.raises((Refused, Invalid)):
            robot.use_token(given.secret)

    def test_grants_are_asked_for_and_taken_back(self, cloud):
        robot, _ = self.offered(cloud)
        stop = Policy(kind=PolicyKind.WHITELIST, systems=("Safety",))
        id_ = self.granted(robot, stop=stop)
        access = Access(provider="Robot", consumer="Cell", target="welding", scope="start")
        assert cloud("Cell").may_use(access) is True
        stopping = Access(provider="Robot", consumer="Cell", target="welding", scope="stop")
        assert robot.may_use(stopping) is False
        with pytest.raises(NotPermitted):
            cloud("Stranger").may_use(access)
        with pytest.raises(NotPermitted):
            cloud("Thief").revoke_grant(id_)
        assert robot.revoke_grant(id_) is True
        assert robot.revoke_grant(id_) is False
        assert cloud("Cell").may_use(access) is False

    def test_an_order_to_push_is_placed_and_cancelled(self, cloud):
        entry = SubscriptionEntry(
            form=Form(definition="welding"), protocol="HTTP", properties=PUSH, duration_s=60
        )
        id_ = cloud("Cell").subscribe(entry)
        with pytest.raises(NotPermitted):
            cloud("Thief").unsubscribe(id_)
        assert cloud("Cell").unsubscribe(id_) is True
        assert cloud("Cell").unsubscribe(id_) is False

    def test_offers_are_locked_by_who_may_manage(self, cloud):
        robot, _ = self.offered(cloud)
        self.granted(robot)
        until = Instant(START + 60 * SECOND)
        lock = LockEntry(instance=OFFER, owner="Cell", expires_at=until)
        cloud("Sysop").hold((lock,))
        with pytest.raises((Refused, Invalid)):
            cloud("Sysop").hold((lock,))
        assert cloud("Other").pull(Form(definition="welding")).bindings == ()
        cloud("Sysop").release("Cell", (OFFER,))
        assert len(cloud("Other").pull(Form(definition="welding")).bindings) == 1

    def test_what_is_wrong_is_refused_with_its_place(self, cloud):
        with pytest.raises(Invalid, match="serviceDefinition"):
            cloud("Cell").pull(Form(definition="No Service"))
        with pytest.raises(Invalid, match="exclusivityDuration"):
            cloud("Cell").pull(Form(definition="welding", exclusivity_s=-1))
        with pytest.raises(Invalid):
            cloud("Cell").find_services(ServiceFilter())
        with pytest.raises((Invalid, Refused), match="a registered system"):
            cloud("Nobody").register_service(
                ServiceEntry(provider="Nobody", definition="welding", interfaces=())
            )

    def test_nobody_is_on_the_blacklist_at_first(self, cloud):
        assert cloud("Cell").is_refused("Robot") is False
