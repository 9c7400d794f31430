"""Late binding: who gets what, and why not."""

import pytest

from fabloop.base.errors import Conflict, Invalid, NotFound, NotPermitted
from fabloop.base.instant import SECOND
from fabloop.services.cloud.authorise import GrantAccess, GrantEntry, RevokeGrants
from fabloop.services.cloud.locks import ExtendLock, HoldOffers, LockEntry, ReleaseOffers, holder
from fabloop.services.cloud.orchestrate import Pull, Rules
from fabloop.services.cloud.people import Ban, Blacklist, Pardon
from fabloop.services.cloud.records import (
    AddressType,
    Form,
    Interface,
    Level,
    Policy,
    PolicyKind,
    SecurityPolicy,
)
from fabloop.services.cloud.registry import Revoke, ServiceInstance, System
from small_cloud import ALL, SmallCloud

OPEN = Rules(authorised=False, tokens=False)
MATCH = {"MATCHMAKING": True}


def robots(count: int, **metadata: object) -> SmallCloud:
    cloud = SmallCloud()
    for number in range(count):
        cloud.offer(f"Robot{number}", "welding", {"number": number, **metadata})
    return cloud


def pulled(cloud: SmallCloud, rules: Rules = OPEN, **form: object):
    made = Form(definition="welding", **form)  # type: ignore[arg-type]  # fields by name
    return cloud.does(Pull(form=made, requester="Choreographer", rules=rules))


def providers(bound) -> list[str]:
    return [each.offer.provider for each in bound.bindings]


def test_all_that_suit_are_told_without_matchmaking():
    assert sorted(providers(pulled(robots(3)))) == ["Robot0", "Robot1", "Robot2"]


def test_consumers_take_turns_over_the_providers():
    cloud = robots(3)
    got = [providers(pulled(cloud, flags=MATCH))[0] for _ in range(6)]
    assert sorted(got[:3]) == ["Robot0", "Robot1", "Robot2"]
    assert got[3:] == got[:3]


def test_metadata_of_one_requirement_all_hold_and_of_several_one():
    cloud = robots(4)
    both = pulled(cloud, metadata=({"number": {"op": "GREATER_THAN", "value": 1}, "x": 1},))
    assert providers(both) == []
    assert both.passed_over == {"metadata": 4}
    either = pulled(cloud, metadata=({"number": 1}, {"number": {"op": "IN", "value": [3]}}))
    assert sorted(providers(either)) == ["Robot1", "Robot3"]


def test_an_offer_is_found_by_a_nested_value_and_lost_when_it_changes():
    cloud = SmallCloud()
    cloud.offer("Robot", "welding", {"place": {"hall": 3, "live": True}})
    assert providers(pulled(cloud, metadata=({"place.hall": 3},))) == ["Robot"]
    assert providers(pulled(cloud, metadata=({"place.live": 1},))) == []
    cloud.offer("Robot", "welding", {"place": {"hall": 4}})
    assert providers(pulled(cloud, metadata=({"place.hall": 3},))) == []
    assert providers(pulled(cloud, metadata=({"place.hall": 4},))) == ["Robot"]


def test_an_offer_with_very_many_values_is_found_by_each_of_them():
    cloud = robots(2)
    cloud.offer("Full", "welding", {f"k{number}": number for number in range(100)})
    assert providers(pulled(cloud, metadata=({"k99": 99},))) == ["Full"]


def test_versions_and_interfaces_narrow_what_suits():
    cloud = SmallCloud()
    cloud.offer("Old", "welding", version="1.0.0")
    cloud.offer("New", "welding", version="2.0.0", address="fe80::1")
    assert providers(pulled(cloud, versions=("2.0.0",))) == ["New"]
    assert providers(pulled(cloud, address_types=(AddressType.IPV6,))) == ["New"]
    assert providers(pulled(cloud, templates=("generic_mqtt",))) == []
    policies = (SecurityPolicy.CERT_AUTH,)
    assert pulled(cloud, policies=policies).passed_over == {"interface": 2}


def test_only_the_interface_that_suits_is_told():
    cloud = SmallCloud()
    web = cloud.http(9000)
    other = Interface(
        template="generic_http",
        protocol="http",
        policy=SecurityPolicy.NONE,
        properties={**web.properties, "accessPort": 9001, "lane": "fast"},
    )
    cloud.offer("Robot", "welding", interfaces=(web, other))
    (got,) = pulled(cloud, properties=({"lane": "fast"},)).bindings
    assert [each.properties["accessPort"] for each in got.interfaces] == [9001]


def test_preferred_providers_come_first_and_others_only_without_them():
    cloud = robots(3)
    assert providers(pulled(cloud, preferred=("Robot2", "Robot1"))) == ["Robot2", "Robot1"]
    assert len(providers(pulled(cloud, preferred=("Nobody",)))) == 3
    only = {"ONLY_PREFERRED": True}
    assert providers(pulled(cloud, preferred=("Nobody",), flags=only)) == []


def test_what_is_held_exclusively_is_given_to_nobody_else_until_it_is_released():
    cloud = robots(2, allowExclusivity=60)
    first = pulled(cloud, exclusivity_s=30)
    assert first.warnings == ("auto_matchmaking",)
    assert first.bindings[0].until == cloud.at + 40 * SECOND
    second = pulled(cloud, exclusivity_s=30)
    assert providers(first) != providers(second)
    third = pulled(cloud, exclusivity_s=30)
    assert third.bindings == ()
    assert third.passed_over == {"locked": 2}
    assert cloud.does(ReleaseOffers(owner="Choreographer", job=first.job)) == 1
    assert providers(pulled(cloud, exclusivity_s=30)) == providers(first)


def test_a_lease_that_ends_frees_the_offer():
    cloud = robots(1, allowExclusivity=60)
    pulled(cloud, exclusivity_s=30)
    cloud.later(39)
    assert providers(pulled(cloud, exclusivity_s=30)) == []
    cloud.later(2)
    assert providers(pulled(cloud, exclusivity_s=30)) == ["Robot0"]


def test_an_offer_is_held_no_longer_than_it_allows_and_the_consumer_is_told():
    cloud = robots(1, allowExclusivity="20")
    got = pulled(cloud, exclusivity_s=30, flags=MATCH)
    assert got.warnings == ("part_time_exclusivity",)
    assert got.bindings[0].until == cloud.at + 30 * SECOND


def test_one_that_can_be_held_is_preferred_and_without_any_the_consumer_is_told():
    cloud = robots(2)
    assert pulled(cloud, exclusivity_s=30).warnings == ("not_exclusive",)
    only = {"ONLY_EXCLUSIVE": True}
    assert pulled(cloud, exclusivity_s=30, flags=only).passed_over == {"not exclusive": 2}
    cloud.offer("Holdable", "welding", {"allowExclusivity": 60})
    assert providers(pulled(cloud, exclusivity_s=30)) == ["Holdable"]


def test_requirements_of_quality_are_not_judged_and_give_nothing():
    got = pulled(robots(1), qualities=({"type": "deviceQos"},))
    assert (got.bindings, got.warnings) == ((), ("qos_not_enabled",))


def test_a_blacklisted_provider_is_passed_over_until_it_is_pardoned():
    cloud = robots(1)
    cloud.does(Blacklist(entries=(Ban(system="Robot0", reason="lies"),), by="Sysop"))
    assert pulled(cloud).passed_over == {"blacklisted": 1}
    assert cloud.does(Pardon(systems=("Robot0",), by="Sysop")) == 1
    assert providers(pulled(cloud)) == ["Robot0"]


def test_a_ban_ends_at_its_time():
    cloud = robots(1)
    ban = Ban(system="Robot0", reason="rests", expires_at=cloud.at + 5 * SECOND)
    cloud.does(Blacklist(entries=(ban,), by="Sysop"))
    cloud.later(6)
    assert providers(pulled(cloud)) == ["Robot0"]


def grant(cloud: SmallCloud, policy: Policy, level: Level = Level.PROVIDER, **scoped: Policy):
    entry = GrantEntry(provider="Robot0", target="welding", default=policy, scoped=scoped)
    return cloud.does(GrantAccess(entries=(entry,), by="Robot0", level=level))[0]


def test_without_a_grant_nobody_is_bound():
    cloud = robots(1)
    assert pulled(cloud, rules=Rules()).passed_over == {"unauthorised": 1}
    made = grant(cloud, ALL)
    assert made.id == "PR|LOCAL|Robot0|SERVICE_DEF|welding"
    assert providers(pulled(cloud, rules=Rules())) == ["Robot0"]
    assert cloud.does(RevokeGrants(ids=(made.id, "none"))) == 1
    assert providers(pulled(cloud, rules=Rules())) == []


def test_an_operator_has_the_first_word():
    cloud = robots(1)
    grant(cloud, ALL)
    grant(cloud, Policy(kind=PolicyKind.BLACKLIST, systems=("Choreographer",)), Level.MGMT)
    assert providers(pulled(cloud, rules=Rules())) == []


def test_a_scope_has_its_own_policy_and_without_scope_all_policies_count():
    cloud = robots(1)
    grant(cloud, ALL, stop=Policy(kind=PolicyKind.WHITELIST, systems=("Safety",)))
    assert providers(pulled(cloud, rules=Rules(), operations=("start",))) == ["Robot0"]
    assert providers(pulled(cloud, rules=Rules(), operations=("start", "stop"))) == []
    assert providers(pulled(cloud, rules=Rules())) == []


def test_systems_are_let_pass_by_their_metadata():
    cloud = robots(1)
    grant(
        cloud, Policy(kind=PolicyKind.SYS_METADATA, metadata={"line": {"op": "IN", "value": [7]}})
    )
    assert providers(pulled(cloud, rules=Rules())) == []
    cloud.system("Choreographer", {"line": 7})
    assert providers(pulled(cloud, rules=Rules())) == ["Robot0"]


def test_hard_constraints_are_asked_of_each_offer():
    cloud = robots(3)
    form = Form(definition="welding")
    pull = Pull(
        form=form,
        requester="Choreographer",
        rules=OPEN,
        constraint=lambda offer: offer.provider == "Robot1",
    )
    bound = cloud.does(pull)
    assert providers(bound) == ["Robot1"]
    assert bound.passed_over == {"constraint": 2}


def test_an_offer_that_has_expired_is_bound_no_more():
    cloud = SmallCloud()
    cloud.offer("Robot", "welding", expires_s=10)
    assert providers(pulled(cloud)) == ["Robot"]
    assert providers(pulled(cloud, alive_at=cloud.at + 20 * SECOND)) == []
    cloud.later(10)
    assert pulled(cloud).passed_over == {"expired": 1}


def test_with_a_system_its_offers_and_their_locks_go():
    cloud = robots(1)
    cloud.does(HoldOffers(entries=(LockEntry(instance="Robot0|welding|1.0.0", owner="A"),)))
    assert cloud.does(Revoke(kind=System, keys=("Robot0",))) == 1
    assert providers(pulled(cloud)) == []
    cloud.offer("Robot0", "welding")
    assert holder(cloud.state, "Robot0|welding|1.0.0", cloud.at) is None


def test_locks_are_taken_all_or_none_and_released_by_their_owner_only():
    cloud = robots(2)
    one, two = "Robot0|welding|1.0.0", "Robot1|welding|1.0.0"
    cloud.does(HoldOffers(entries=(LockEntry(instance=one, owner="A"),)))
    both = HoldOffers(
        entries=(LockEntry(instance=two, owner="B"), LockEntry(instance=one, owner="B"))
    )
    with pytest.raises(Conflict, match="are held"):
        cloud.does(both)
    assert holder(cloud.state, two, cloud.at) is None
    with pytest.raises(NotPermitted, match="held by others"):
        cloud.does(ReleaseOffers(owner="B", instances=(one,)))
    with pytest.raises(Invalid, match="a registered offer"):
        cloud.does(HoldOffers(entries=(LockEntry(instance="x", owner="A"),)))


def test_a_lock_is_extended_by_its_owner_while_it_holds():
    cloud = robots(1)
    one = "Robot0|welding|1.0.0"
    until = cloud.at + 5 * SECOND
    cloud.does(HoldOffers(entries=(LockEntry(instance=one, owner="A", expires_at=until),)))
    cloud.does(ExtendLock(instance=one, owner="A", expires_at=until + 5 * SECOND))
    cloud.later(6)
    assert holder(cloud.state, one, cloud.at) is not None
    cloud.later(6)
    with pytest.raises(Conflict, match="nobody does"):
        cloud.does(ExtendLock(instance=one, owner="A", expires_at=until + 50 * SECOND))


def test_what_is_in_use_is_not_revoked():
    cloud = robots(1)
    with pytest.raises(Conflict, match="uses it"):
        cloud.does(Revoke(kind=type(cloud.definition("welding")), keys=("welding",)))
    assert cloud.does(Revoke(kind=ServiceInstance, keys=("Robot0|welding|1.0.0",))) == 1
    assert cloud.does(Revoke(kind=type(cloud.definition("welding")), keys=("welding",))) == 1


def test_an_unknown_subscription_is_not_triggered():
    from fabloop.services.cloud.push import Trigger

    with pytest.raises(NotFound, match="subscriptions that hold"):
        SmallCloud().does(Trigger(by="Sysop", subscriptions=("none",)))
