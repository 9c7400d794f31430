"""Subscriptions and pushes, tokens, people and fixed bindings."""

import base64

import pytest

from fabloop.base.errors import Conflict, Invalid, NotFound, NotPermitted, Refused
from fabloop.base.instant import SECOND
from fabloop.services.cloud.authorise import GrantAccess, GrantEntry
from fabloop.services.cloud.fixed import (
    ChangePriorities,
    DropRules,
    KeepRules,
    RuleEntry,
    fixed_bindings,
)
from fabloop.services.cloud.orchestrate import Pull, Rules, form_faults
from fabloop.services.cloud.people import (
    ChangePassword,
    DropIdentities,
    IdentityEntry,
    KeepIdentities,
    Login,
    Logout,
    session_of,
)
from fabloop.services.cloud.push import (
    PUSH_ATTEMPTS_MAX,
    EndPush,
    Push,
    Subscribe,
    SubscriptionEntry,
    Trigger,
    Unsubscribe,
)
from fabloop.services.cloud.records import (
    EncryptionKey,
    Form,
    Job,
    JobStatus,
    Lock,
    SecurityPolicy,
    Subscription,
    Token,
)
from fabloop.services.cloud.tokens import GiveTokens, KeepKeys, RevokeTokens, TokenEntry, UseToken
from fabloop.services.cloud.upkeep import Sweep
from small_cloud import ALL, SmallCloud

HTTP = {"address": "10.0.0.9", "port": "8000", "method": "POST", "path": "/pushed"}
FREE = Rules(authorised=False)


def subscribed(cloud: SmallCloud, owner: str = "Robot", **form: object) -> Subscription:
    made = Form(definition="welding", **form)  # type: ignore[arg-type]  # fields by name
    entry = SubscriptionEntry(form=made, protocol="http", properties=HTTP)
    return cloud.does(Subscribe(entries=(entry,), owner=owner))[0][0]


def test_a_subscription_takes_the_place_of_the_one_before():
    cloud = SmallCloud()
    first = subscribed(cloud)
    second = subscribed(cloud)
    assert list(cloud.state.table(Subscription)) == [second.id]
    assert first.id != second.id


def test_a_trigger_makes_a_job_for_each_subscription_that_holds():
    cloud = SmallCloud()
    one, two = subscribed(cloud, "Alpha"), subscribed(cloud, "Beta")
    assert len(cloud.does(Trigger(by="Sysop"))) == 2
    assert [x.target for x in cloud.does(Trigger(by="Sysop", targets=("Beta",)))] == ["Beta"]
    made = cloud.does(Trigger(by="Sysop", subscriptions=(one.id,)))
    assert [each.subscription for each in made] == [one.id]
    assert two.target == "Beta"


def test_a_push_carries_the_result_and_ends_when_it_is_delivered():
    cloud = SmallCloud()
    cloud.offer("Arm", "welding")
    subscription = subscribed(cloud)
    (job,) = cloud.does(Trigger(by="Sysop"))
    got = cloud.does(Push(job=job.id, rules=FREE))
    assert got is not None
    assert got[0] == subscription
    assert [each.offer.provider for each in got[1].bindings] == ["Arm"]
    assert cloud.state.open_jobs()[0].status is JobStatus.IN_PROGRESS
    assert cloud.does(EndPush(job=job.id)).status is JobStatus.DONE
    assert cloud.state.open_jobs() == ()
    with pytest.raises(NotFound, match="an open orchestration"):
        cloud.does(Push(job=job.id))


def test_a_push_that_fails_is_tried_again_later_and_given_up_in_the_end():
    cloud = SmallCloud()
    cloud.offer("Arm", "welding", {"allowExclusivity": 60})
    subscribed(cloud, exclusivity_s=30)
    (job,) = cloud.does(Trigger(by="Sysop"))
    for attempt in range(1, PUSH_ATTEMPTS_MAX + 1):
        got = cloud.does(Push(job=job.id, rules=FREE))
        assert got is not None
        assert len(got[1].bindings) == 1, "its own lock is not in the way of a new try"
        ended = cloud.does(EndPush(job=job.id, trouble="connection refused"))
        assert ended.attempts == attempt
    assert ended.status is JobStatus.ERROR
    assert "not delivered in 5 attempts: connection refused" in ended.message
    assert not cloud.state.table(Lock), "what nobody heard of is held for nobody"


def test_each_wait_between_deliveries_is_longer():
    cloud = SmallCloud()
    subscribed(cloud)
    (job,) = cloud.does(Trigger(by="Sysop"))
    waits = []
    for _ in range(PUSH_ATTEMPTS_MAX - 1):
        cloud.does(Push(job=job.id, rules=FREE))
        due = cloud.does(EndPush(job=job.id, trouble="x")).due_at
        assert due is not None
        waits.append((due - cloud.at) / SECOND)
    assert waits == [1, 2, 4, 8]


def test_a_push_whose_subscription_has_gone_ends_with_its_reason():
    cloud = SmallCloud()
    subscription = subscribed(cloud)
    (job,) = cloud.does(Trigger(by="Sysop"))
    cloud.does(Unsubscribe(ids=(subscription.id,), owner="Robot"))
    assert cloud.does(Push(job=job.id)) is None
    assert "has gone" in cloud.state.table(Job)[job.id].message


def test_only_the_owner_or_an_operator_unsubscribes():
    cloud = SmallCloud()
    subscription = subscribed(cloud)
    with pytest.raises(NotPermitted, match="are of others"):
        cloud.does(Unsubscribe(ids=(subscription.id,), owner="Thief"))
    assert cloud.does(Unsubscribe(ids=(subscription.id, "none"))) == 1


def test_everything_wrong_with_where_to_deliver_is_named():
    entry = SubscriptionEntry(
        form=Form(definition="welding"),
        protocol="HTTP",
        properties={"port": "99999", "method": "SEND"},
        duration_s=0,
    )
    with pytest.raises(Invalid) as caught:
        SmallCloud().does(Subscribe(entries=(entry,), owner="Robot"))
    names = {each.path.rpartition(".")[2] for each in caught.value.faults}
    assert names == {"address", "path", "port", "method", "duration"}
    telex = SubscriptionEntry(form=Form(definition="welding"), protocol="telex", properties={})
    with pytest.raises(Invalid, match="HTTP, HTTPS, MQTT, MQTTS"):
        SmallCloud().does(Subscribe(entries=(telex,), owner="Robot"))


def test_everything_wrong_with_an_orchestration_is_named():
    form = Form(
        definition="welding",
        flags={"MATCHMAKNG": True, "ONLY_PREFERRED": True, "ONLY_EXCLUSIVE": True},
    )
    assert [each.path for each in form_faults(form)] == [
        "orchestrationFlags.MATCHMAKNG",
        "serviceRequirement.preferredProviders",
        "exclusivityDuration",
    ]
    assert len(list(form_faults(Form(definition="welding", exclusivity_s=0)))) == 1


def entry(variant: SecurityPolicy, **told: object) -> TokenEntry:
    return TokenEntry(variant=variant, provider="Arm", consumer="Cell", target="welding", **told)  # type: ignore[arg-type]


def test_a_token_is_given_to_those_with_a_grant():
    cloud = SmallCloud()
    wish = GiveTokens(entries=(entry(SecurityPolicy.TIME_LIMITED_TOKEN_AUTH),), by="Cell")
    with pytest.raises(NotPermitted, match=r"Arm\|welding"):
        cloud.does(wish)
    grant = GrantEntry(provider="Arm", target="welding", default=ALL)
    cloud.does(GrantAccess(entries=(grant,), by="Arm"))
    (given,) = cloud.does(wish)
    used = cloud.does(UseToken(secret=given.secret, provider="Arm"))
    assert used is not None
    assert used.consumer == "Cell"
    assert given.secret not in repr(cloud.state.table(Token)), "the token itself is not kept"


def test_a_token_counts_for_its_provider_and_its_time_only():
    cloud = SmallCloud()
    wish = entry(SecurityPolicy.TIME_LIMITED_TOKEN_AUTH, expires_at=cloud.at + 5 * SECOND)
    (given,) = cloud.does(GiveTokens(entries=(wish,), by="Cell", unbound=True))
    assert cloud.does(UseToken(secret=given.secret, provider="Other")) is None
    assert cloud.does(UseToken(secret="forged", provider="Arm")) is None
    cloud.later(5)
    assert cloud.does(UseToken(secret=given.secret, provider="Arm")) is None


def test_a_counted_token_is_used_up():
    cloud = SmallCloud()
    wish = entry(SecurityPolicy.USAGE_LIMITED_TOKEN_AUTH, usage_limit=2)
    (given,) = cloud.does(GiveTokens(entries=(wish,), by="Cell", unbound=True))
    seen = [cloud.does(UseToken(secret=given.secret, provider="Arm")) for _ in range(3)]
    assert [each is not None for each in seen] == [True, True, False]
    cloud.does(Sweep())
    assert not cloud.state.table(Token)


def test_a_new_token_for_the_same_takes_the_place_of_the_old_one():
    cloud = SmallCloud()
    wish = GiveTokens(
        entries=(entry(SecurityPolicy.TIME_LIMITED_TOKEN_AUTH),), by="Cell", unbound=True
    )
    (first,), (second,) = cloud.does(wish), cloud.does(wish)
    assert (first.is_new, second.is_new) == (True, False)
    assert cloud.does(UseToken(secret=first.secret, provider="Arm")) is None
    assert cloud.does(RevokeTokens(references=(second.record.reference, "none"))) == 1


def test_a_self_contained_token_says_all_and_is_not_asked_for():
    cloud = SmallCloud()
    wish = entry(SecurityPolicy.BASE64_SELF_CONTAINED_TOKEN_AUTH, scope="start")
    (given,) = cloud.does(GiveTokens(entries=(wish,), by="Cell", unbound=True))
    assert base64.b64decode(given.secret).decode() == (
        "LOCAL|Cell|Arm|welding|start|SERVICE-DEF|2027-01-15T09:00:00Z"
    )
    with pytest.raises(Refused, match="self-contained"):
        cloud.does(UseToken(secret=given.secret, provider="Arm"))


def test_without_a_key_nothing_is_signed_and_kinds_without_token_are_refused():
    cloud = SmallCloud()
    wish = entry(SecurityPolicy.RSA_SHA512_JSON_WEB_TOKEN_AUTH)
    with pytest.raises(Refused, match="a private key to sign"):
        cloud.does(GiveTokens(entries=(wish,), by="Cell", unbound=True))
    wishes = (entry(SecurityPolicy.CERT_AUTH),)
    with pytest.raises(Invalid, match="tokenVariant"):
        cloud.does(GiveTokens(entries=wishes, by="Cell", unbound=True))


def test_keys_of_another_length_or_algorithm_are_refused():
    key = EncryptionKey(system="Arm", algorithm="ROT13", secret="short", created_at=0)
    with pytest.raises(Invalid) as caught:
        SmallCloud().does(KeepKeys(entries=(key,)))
    assert len(caught.value.faults) == 2


def test_an_orchestration_gives_the_tokens_that_its_interfaces_ask_for():
    cloud = SmallCloud()
    secured = cloud.http(policy=SecurityPolicy.USAGE_LIMITED_TOKEN_AUTH)
    cloud.offer("Arm", "welding", interfaces=(secured,))
    form = Form(definition="welding", operations=("start", "stop"))
    bound = cloud.does(Pull(form=form, requester="Cell", rules=FREE))
    tokens = bound.bindings[0].tokens
    assert [each.purpose for each in tokens] == ["start", "stop"]
    used = cloud.does(UseToken(secret=tokens[0].secret, provider="Arm"))
    assert used is not None
    assert used.scope == "start"


def test_a_system_logs_in_and_out_and_changes_its_password():
    cloud = SmallCloud()
    cloud.does(KeepIdentities(entries=(IdentityEntry(system="Arm", password="one"),), by="Sysop"))
    with pytest.raises(NotPermitted):
        cloud.does(Login(system="Arm", password="two"))
    with pytest.raises(NotPermitted):
        cloud.does(Login(system="Nobody", password="one"))
    secret, ends = cloud.does(Login(system="Arm", password="one"))
    reference = cloud.crypto.reference(secret)
    session = session_of(cloud.state, reference, cloud.at)
    assert session is not None
    assert session.system == "Arm"
    assert session_of(cloud.state, reference, ends) is None
    cloud.does(ChangePassword(system="Arm", password="one", new_password="two"))
    assert session_of(cloud.state, reference, cloud.at) is None
    cloud.does(Login(system="Arm", password="two"))
    assert cloud.does(Logout(system="Arm", password="two")) == 1
    with pytest.raises(Conflict, match="new systems"):
        cloud.does(KeepIdentities(entries=(IdentityEntry(system="Arm", password="x"),), by="S"))
    assert cloud.does(DropIdentities(systems=("Arm",))) == 1


def test_fixed_bindings_are_given_by_priority():
    cloud = SmallCloud()
    one, two = cloud.offer("Arm", "welding"), cloud.offer("Leg", "welding")
    entries = (
        RuleEntry(consumer="Cell", instance=one, priority=2),
        RuleEntry(consumer="Cell", instance=two, priority=1),
        RuleEntry(consumer="Cell", instance="Gone|welding|1.0.0", priority=3),
    )
    made = cloud.does(KeepRules(entries=entries, by="Sysop"))
    found, lacking = fixed_bindings(cloud.state, "Cell", "welding", cloud.at)
    assert [each.offer.provider for each in found] == ["Leg", "Arm"]
    assert sum(lacking.values()) == 1
    with pytest.raises(Conflict, match="a priority of its own"):
        cloud.does(KeepRules(entries=entries[:1], by="Sysop"))
    cloud.does(ChangePriorities(priorities={made[0].id: 1, made[1].id: 2}, by="Sysop"))
    found, _ = fixed_bindings(cloud.state, "Cell", "", cloud.at)
    assert [each.offer.provider for each in found] == ["Arm", "Leg"]
    assert cloud.does(DropRules(ids=(made[0].id, "none"))) == 1
    with pytest.raises(Invalid, match="a system, a service and a version"):
        cloud.does(KeepRules(entries=(RuleEntry(consumer="C", instance="x", priority=1),), by="S"))
