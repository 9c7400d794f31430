"""ServiceOrchestration, ConsumerAuthorization, Authentication and Blacklist of 5.2.1 over HTTP."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from fabloop.adapters.arrowhead.five.senders import IdentityPolicy
from fabloop.adapters.arrowhead.five.settings import Settings, Strategy
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.people import IdentityEntry, KeepIdentities
from five_cloud import five

ORCHESTRATION = "/serviceorchestration/orchestration"
LOCKS = f"{ORCHESTRATION}/mgmt/lock"
PUSHES = f"{ORCHESTRATION}/mgmt/push"
RULES = f"{ORCHESTRATION}/mgmt/simple-store"
HISTORY = f"{ORCHESTRATION}/mgmt/history/query"
AUTHORIZATION = "/consumerauthorization/authorization"
TOKENS = "/consumerauthorization/authorization-token"
IDENTITY = "/authentication/identity"
KELVIN = {"serviceRequirement": {"serviceDefinition": "kelvinInfo"}}
MATCHMAKING = {**KELVIN, "orchestrationFlags": {"MATCHMAKING": "true"}}
PUSHED = {
    "orchestrationRequest": KELVIN,
    "notifyInterface": {
        "protocol": "HTTP",
        "properties": {"address": "10.0.0.9", "port": 8000, "method": "POST", "path": "/pushed"},
    },
}


@pytest.fixture
def cloud():
    with five() as served:
        yield served


def pulled(cloud, who="Consumer", **told):
    answer = cloud(who, "POST", f"{ORCHESTRATION}/pull", {**KELVIN, **told})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_consumer_pulls_its_binding_with_token_and_the_spellings_of_the_wire(cloud):
    cloud.service("Provider", policy="TIME_LIMITED_TOKEN_AUTH",
        metadata={"allowExclusivity": 300}, expiresAt="2030-01-01T00:00:00Z")  # fmt: skip
    assert pulled(cloud) == {"results": [], "warnings": []}
    assert cloud.grant("Provider").status_code == 201
    wish = {
        "serviceRequirement": {
            "serviceDefinition": "kelvinInfo",
            "operations": ["query-temperature"],
            "versions": [],
            "alivesAt": "2028-10-05T11:35:14Z",
            "metadataRequirements": [],
            "interfaceTemplateNames": ["generic_http"],
            "interfaceAddressTypes": ["HOSTNAME", "IPV4"],
            "interfacePropertyRequirements": [],
            "securityPolicies": ["TIME_LIMITED_TOKEN_AUTH"],
            "preferredProviders": [],
        },
        "orchestrationFlags": {"MATCHMAKING": "true", "ONLY_EXCLUSIVE": "false"},
        "exclusivityDuration": 600,
    }
    told = pulled(cloud, **wish)
    assert told["warnings"] == ["part_time_exclusivity"]
    (result,) = told["results"]
    token = result.pop("authorizationTokens")["TIME_LIMITED_TOKEN_AUTH"]["query-temperature"]
    interfaces = result.pop("interfaces")
    assert result == {
        "serviceInstanceId": "Provider|kelvinInfo|1.0.0",
        "providerName": "Provider",
        "serviceDefinitition": "kelvinInfo",
        "version": "1.0.0",
        "cloudIdentitifer": "LOCAL",
        "aliveUntil": "2030-01-01T00:00:00Z",
        "exclusiveUntil": "2027-01-15T08:05:10Z",
        "metadata": {"allowExclusivity": 300},
    }
    assert interfaces[0]["policy"] == "TIME_LIMITED_TOKEN_AUTH"
    assert (token["tokenType"], token["targetType"]) == ("TIME_LIMITED_TOKEN", "SERVICE_DEF")
    verified = cloud("Provider", "GET", f"{TOKENS}/verify/{token['token']}").json()
    assert verified == {
        "verified": True,
        "consumerCloud": "LOCAL",
        "consumer": "Consumer",
        "targetType": "SERVICE_DEF",
        "target": "kelvinInfo",
        "scope": "query-temperature",
    }
    assert cloud("Thief", "GET", f"{TOKENS}/verify/{token['token']}").json() == {"verified": False}


def test_what_is_held_shows_among_the_locks_and_is_released_at_the_end(cloud):
    cloud.service("Provider", metadata={"allowExclusivity": 300})
    cloud.grant("Provider")
    assert len(pulled(cloud, exclusivityDuration=60)["results"]) == 1
    assert pulled(cloud, "Other", exclusivityDuration=60)["results"] == []
    found = cloud("Sysop", "POST", f"{LOCKS}/query", {"owners": ["Consumer"]}).json()
    (lock,) = found["entries"]
    assert lock["serviceInstanceId"] == "Provider|kelvinInfo|1.0.0"
    assert lock["temporary"] is False
    path = f"{LOCKS}/remove/Consumer?instanceIds=Provider%7CkelvinInfo%7C1.0.0"
    assert cloud("Sysop", "DELETE", path).status_code == 200
    assert len(pulled(cloud, "Other", exclusivityDuration=60)["results"]) == 1


def test_operators_lock_offers(cloud):
    cloud.service("Provider")
    cloud.grant("Provider")
    wish = {
        "serviceInstanceId": "Provider|kelvinInfo|1.0.0",
        "owner": "Manager",
        "expiresAt": "2027-01-15T09:00:00Z",
    }
    made = cloud("Sysop", "POST", f"{LOCKS}/create", {"locks": [wish]})
    assert made.status_code == 201
    assert pulled(cloud)["results"] == []
    assert cloud("Sysop", "POST", f"{LOCKS}/create", {"locks": [wish]}).status_code == 400
    assert cloud("Sysop", "POST", f"{LOCKS}/create", {"locks": []}).status_code == 400
    cloud.clock.set(Instant(cloud.clock.now() + 3600 * SECOND))
    assert len(pulled(cloud)["results"]) == 1


def test_every_fault_of_an_orchestration_is_told(cloud):
    wish = {
        "serviceRequirement": {
            "serviceDefinition": "Kelvin Info",
            "operations": ["Query"],
            "metadataRequirements": [{"a": {"op": "ABOUT", "value": 1}}],
            "interfaceAddressTypes": ["IPV5"],
            "securityPolicies": ["SOME"],
        },
        "orchestrationFlags": {"MATCHMAKNG": True, "ONLY_PREFERRED": "maybe"},
        "exclusivityDuration": -1,
    }
    answer = cloud("Consumer", "POST", f"{ORCHESTRATION}/pull", wish)
    assert answer.status_code == 400
    told = answer.json()
    assert told["origin"] == "POST /serviceorchestration/orchestration/pull"
    for part in ("serviceDefinition", "operations[0]", "ABOUT", "IPV5", "SOME", "MATCHMAKNG",
                 "maybe", "exclusivityDuration"):  # fmt: skip
        assert part in told["errorMessage"], part


def test_quality_is_not_judged_and_that_is_told(cloud):
    cloud.service("Provider")
    cloud.grant("Provider")
    for name, value in (("qualityRequirements", [{"type": "x"}]), ("qosRequirements", {"a": "1"})):
        assert pulled(cloud, **{name: value}) == {"results": [], "warnings": ["qos_not_enabled"]}


def test_a_consumer_subscribes_once_for_the_same_and_cancels_its_own(cloud):
    path = f"{ORCHESTRATION}/subscribe?trigger=false"
    first = cloud("Consumer", "POST", path, PUSHED)
    second = cloud("Consumer", "POST", path, PUSHED)
    assert (first.status_code, second.status_code) == (201, 200)
    assert len(first.text) == 36
    assert first.headers["content-type"].startswith("text/plain")
    cancel = f"{ORCHESTRATION}/unsubscribe/{second.text}"
    assert cloud("Thief", "DELETE", cancel).status_code == 403
    assert cloud("Consumer", "DELETE", cancel).status_code == 200
    assert cloud("Consumer", "DELETE", cancel).status_code == 204


def test_operators_subscribe_others_and_trigger_them(cloud):
    wish = {"subscriptions": [{**PUSHED, "targetSystemName": "Robot", "duration": 100}]}
    made = cloud("Sysop", "POST", f"{PUSHES}/subscribe", wish)
    assert made.status_code == 201
    (entry,) = made.json()["entries"]
    assert (entry["ownerSystemName"], entry["targetSystemName"]) == ("Sysop", "Robot")
    assert entry["orchestrationRequest"] == KELVIN
    assert entry["notifyInterface"]["properties"]["port"] == "8000"
    assert entry["expiredAt"] == "2027-01-15T08:01:40Z"
    found = cloud("Sysop", "POST", f"{PUSHES}/query", {"targetSystems": ["Robot"]}).json()
    assert found["entries"] == [entry]
    triggered = cloud("Sysop", "POST", f"{PUSHES}/trigger", {"targetSystems": ["Robot"]})
    assert triggered.status_code == 201
    (job,) = triggered.json()["jobs"]
    assert (job["status"], job["type"], job["subscriptionId"]) == ("PENDING", "PUSH", entry["id"])
    history = cloud("Sysop", "POST", HISTORY, {"type": "PUSH"}).json()
    assert [each["id"] for each in history["entries"]] == [job["id"]]
    assert cloud("Sysop", "DELETE", f"{PUSHES}/unsubscribe?ids={entry['id']}").status_code == 200
    again = cloud("Sysop", "POST", f"{PUSHES}/trigger", {"subscriptionIds": [entry["id"]]})
    assert again.status_code == 404


def test_what_cannot_be_delivered_is_not_subscribed(cloud):
    wish = {**PUSHED, "notifyInterface": {"protocol": "MQTT", "properties": {"topic": "a"}}}
    answer = cloud("Consumer", "POST", f"{ORCHESTRATION}/subscribe", wish)
    assert "This cloud has no broker." in answer.json()["errorMessage"]


def test_fixed_bindings_are_pulled_in_their_order():
    with five(Settings(strategy=Strategy.SIMPLE_STORE)) as cloud:
        for name in ("One", "Two"):
            cloud.service(name)
        entries = [
            {"consumer": "Consumer", "serviceInstanceId": f"{name}|kelvinInfo|1.0.0",
             "priority": priority}
            for name, priority in (("One", 2), ("Two", 1))
        ]  # fmt: skip
        made = cloud("Sysop", "POST", f"{RULES}/create", {"entries": entries})
        assert made.status_code == 201
        ids = [each["id"] for each in made.json()["entries"]]
        assert [x["providerName"] for x in pulled(cloud)["results"]] == ["Two", "One"]
        told = pulled(cloud, exclusivityDuration=5, orchestrationFlags={"MATCHMAKING": True})
        assert [each["providerName"] for each in told["results"]] == ["Two"]
        assert told["warnings"] == ["ignoredFields: exclusivityDuration"]
        change = cloud(
            "Sysop", "POST", f"{RULES}/modify-priorities", dict(zip(ids, (1, 2), strict=True))
        )
        assert [each["priority"] for each in change.json()["entries"]] == [1, 2]
        assert [x["providerName"] for x in pulled(cloud)["results"]] == ["One", "Two"]
        found = cloud("Sysop", "POST", f"{RULES}/query", {"minPriority": 2}).json()
        assert [each["id"] for each in found["entries"]] == ids[1:]
        assert cloud("Sysop", "DELETE", f"{RULES}/remove?uuids={ids[0]}").status_code == 200
        assert [x["providerName"] for x in pulled(cloud)["results"]] == ["Two"]
        assert cloud("Consumer", "POST", f"{ORCHESTRATION}/subscribe", PUSHED).status_code == 404


def test_providers_grant_look_up_and_revoke(cloud):
    scoped = {"config": {"policyType": "WHITELIST", "policyList": ["Manager"]}}
    made = cloud.grant("Provider", description="config for Manager only", scopedPolicies=scoped)
    assert made.json() == {
        "instanceId": "PR|LOCAL|Provider|SERVICE_DEF|kelvinInfo",
        "level": "PROVIDER",
        "cloud": "LOCAL",
        "provider": "Provider",
        "targetType": "SERVICE_DEF",
        "target": "kelvinInfo",
        "description": "config for Manager only",
        "defaultPolicy": {"policyType": "ALL"},
        "scopedPolicies": scoped,
        "createdBy": "Provider",
        "createdAt": "2027-01-15T08:00:00Z",
    }
    assert cloud.grant("Provider").status_code == 200
    found = cloud("Provider", "POST", f"{AUTHORIZATION}/lookup", {"targetNames": ["kelvinInfo"]})
    assert found.json()["count"] == 1
    assert cloud("Provider", "POST", f"{AUTHORIZATION}/lookup", {}).status_code == 400
    path = f"{AUTHORIZATION}/revoke/PR%7CLOCAL%7CProvider%7CSERVICE_DEF%7CkelvinInfo"
    assert cloud("Thief", "DELETE", path).status_code == 403
    assert cloud("Provider", "DELETE", path).status_code == 200
    assert cloud("Provider", "DELETE", path).status_code == 204


def test_access_is_verified_for_those_it_concerns(cloud):
    scoped = {"config": {"policyType": "WHITELIST", "policyList": ["Manager"]}}
    cloud.grant("Provider", scopedPolicies=scoped)
    wish = {"provider": "Provider", "consumer": "Consumer", "targetType": "SERVICE_DEF",
            "target": "kelvinInfo"}  # fmt: skip
    verify = f"{AUTHORIZATION}/verify"
    assert cloud("Consumer", "POST", verify, {**wish, "scope": "query"}).json() is True
    assert cloud("Provider", "POST", verify, {**wish, "scope": "config"}).json() is False
    assert cloud("Consumer", "POST", verify, wish).json() is False
    assert cloud("Stranger", "POST", verify, wish).status_code == 403
    checked = cloud("Sysop", "POST", f"{AUTHORIZATION}/mgmt/check",
        {"list": [{**wish, "scope": "query"}, {**wish, "scope": "config"}]})  # fmt: skip
    assert [each["granted"] for each in checked.json()["entries"]] == [True, False]


def test_operators_grant_first_and_every_fault_is_told(cloud):
    grant = {"provider": "Provider", "targetType": "SERVICE_DEF", "target": "kelvinInfo",
             "defaultPolicy": {"policyType": "BLACKLIST", "policyList": ["Consumer"]}}  # fmt: skip
    cloud.service("Provider")
    cloud.grant("Provider")
    made = cloud("Sysop", "POST", f"{AUTHORIZATION}/mgmt/grant", {"list": [grant]})
    assert made.status_code == 201
    (entry,) = made.json()["entries"]
    assert entry["instanceId"] == "MGMT|LOCAL|Provider|SERVICE_DEF|kelvinInfo"
    assert pulled(cloud)["results"] == []
    assert len(pulled(cloud, "Other")["results"]) == 1
    again = cloud("Sysop", "POST", f"{AUTHORIZATION}/mgmt/grant", {"list": [grant]})
    assert again.status_code == 400
    found = cloud("Sysop", "POST", f"{AUTHORIZATION}/mgmt/query", {"level": "MGMT"}).json()
    assert found["count"] == 1
    bad = {"list": [{"target": "Kelvin", "defaultPolicy": {"policyType": "WHITELIST"}}]}
    told = cloud("Sysop", "POST", f"{AUTHORIZATION}/mgmt/grant", bad).json()["errorMessage"]
    for part in ("provider", "targetType", "target", "policyList"):
        assert f"list[0].{part}" in told or f"defaultPolicy.{part}" in told
    path = f"{AUTHORIZATION}/mgmt/revoke?instanceIds={entry['instanceId'].replace('|', '%7C')}"
    assert cloud("Sysop", "DELETE", path).status_code == 200
    assert len(pulled(cloud)["results"]) == 1


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("variant", "algorithm", "digest"),
    [
        ("RSA_SHA256_JSON_WEB_TOKEN_AUTH", "RS256", hashes.SHA256()),
        ("RSA_SHA512_JSON_WEB_TOKEN_AUTH", "RS512", hashes.SHA512()),
    ],
)
def test_a_web_token_is_verified_with_the_public_key_alone(key, variant, algorithm, digest):
    with five(key=key) as cloud:
        cloud.grant("Provider")
        wish = {"tokenVariant": variant, "provider": "Provider", "targetType": "SERVICE_DEF",
                "target": "kelvinInfo", "scope": "query-temperature"}  # fmt: skip
        made = cloud("Consumer", "POST", f"{TOKENS}/generate", wish)
        assert made.status_code == 201
        token = made.json()["token"]
        text = cloud("Provider", "GET", f"{TOKENS}/public-key").text
        public = serialization.load_der_public_key(base64.b64decode(text))
        head, payload, signature = token.split(".")
        public.verify(unpadded(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), digest)
        assert json.loads(unpadded(head)) == {"typ": "JWT", "alg": algorithm}
        claims = json.loads(unpadded(payload))
        told = {name: claims[name] for name in claims if name not in ("jti", "iat", "nbf", "exp")}
        assert told == {
            "iss": "ConsumerAuthorization",
            "psn": "Provider",
            "csn": "Consumer",
            "ccn": "LOCAL",
            "tat": "SERVICE_DEF",
            "tan": "kelvinInfo",
            "sco": "query-temperature",
        }
        assert claims["exp"] - claims["iat"] == 3600
        assert claims["iat"] - claims["nbf"] == 60
        told = cloud("Provider", "GET", f"{TOKENS}/verify/{token}")
        assert told.status_code == 400


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("algorithm", ["AES/CBC/PKCS5Padding", "AES/ECB/PKCS5Padding"])
def test_self_contained_tokens_are_encrypted_for_providers_that_registered_a_key(cloud, algorithm):
    secret = "0123456789abcdef"
    made = cloud("Provider", "POST", f"{TOKENS}/encryption-key",
        {"key": secret, "algorithm": algorithm})  # fmt: skip
    assert made.status_code == 201
    mode = modes.CBC(base64.b64decode(made.text)) if "CBC" in algorithm else modes.ECB()
    cloud.grant("Provider")
    wish = {"tokenVariant": "BASE64_SELF_CONTAINED_TOKEN_AUTH", "provider": "Provider",
            "targetType": "SERVICE_DEF", "target": "kelvinInfo"}  # fmt: skip
    token = cloud("Consumer", "POST", f"{TOKENS}/generate", wish).json()["token"]
    decryptor = Cipher(algorithms.AES(secret.encode()), mode).decryptor()
    padded = decryptor.update(base64.b64decode(token)) + decryptor.finalize()
    remover = PKCS7(128).unpadder()
    text = base64.b64decode(remover.update(padded) + remover.finalize()).decode("latin-1")
    assert text == "LOCAL|Consumer|Provider|kelvinInfo|*|SERVICE-DEF|2027-01-15T09:00:00Z"
    assert cloud("Provider", "DELETE", f"{TOKENS}/encryption-key").status_code == 200
    assert cloud("Provider", "DELETE", f"{TOKENS}/encryption-key").status_code == 204


def test_without_a_key_there_is_no_web_token(cloud):
    cloud.grant("Provider")
    wish = {"tokenVariant": "RSA_SHA512_JSON_WEB_TOKEN_AUTH", "provider": "Provider",
            "targetType": "SERVICE_DEF", "target": "kelvinInfo"}  # fmt: skip
    assert cloud("Consumer", "POST", f"{TOKENS}/generate", wish).status_code == 400
    assert cloud("Provider", "GET", f"{TOKENS}/public-key").status_code == 404


def test_operators_give_list_and_revoke_tokens(cloud):
    wish = {"tokenVariant": "USAGE_LIMITED_TOKEN_AUTH", "targetType": "SERVICE_DEF",
            "consumer": "Consumer", "provider": "Provider", "target": "kelvinInfo",
            "usageLimit": 2}  # fmt: skip
    path = f"{AUTHORIZATION}/mgmt/token"
    assert cloud("Sysop", "POST", f"{path}/generate", {"list": [wish]}).status_code == 403
    made = cloud("Sysop", "POST", f"{path}/generate?unbound=true", {"list": [wish]})
    (entry,) = made.json()["entries"]
    token = entry.pop("token")
    states = [
        cloud("Provider", "GET", f"{TOKENS}/verify/{token}").json()["verified"] for _ in range(3)
    ]
    assert states == [True, True, False]
    found = cloud("Sysop", "POST", f"{path}/query", {"consumer": "Consumer"}).json()
    assert found["entries"] == [{**entry, "usageLeft": 0}]
    gone = f"{path}/revoke?tokenReferences={entry['tokenReference']}"
    assert cloud("Sysop", "DELETE", gone).status_code == 200
    assert cloud("Sysop", "POST", f"{path}/query", {}).json()["count"] == 0


def test_who_says_nothing_or_nonsense_is_not_let_in(cloud):
    for header in ("", "Basic SYSTEM//A", "Bearer A", "Bearer SYSTEM//", "Bearer SYSTEM//bad name",
                   "Bearer SYSTEM//A//B", "Bearer IDENTITY-TOKEN//x"):  # fmt: skip
        answer = cloud("", "POST", "/serviceregistry/system-discovery/lookup", {}, header=header)
        assert answer.status_code == 401, header
        assert answer.json()["exceptionType"] == "AUTH"


def test_a_blacklisted_system_is_refused_everywhere_and_may_see_why(cloud):
    entity = {"systemName": "Liar", "expiresAt": "", "reason": "lies"}
    made = cloud("Sysop", "POST", "/blacklist/mgmt/create", {"entities": [entity]})
    assert made.status_code == 201
    answer = cloud("Liar", "POST", "/serviceregistry/system-discovery/lookup", {})
    assert answer.status_code == 403
    assert answer.json()["errorMessage"] == "Liar system is blacklisted"
    assert cloud("Anybody", "GET", "/blacklist/check/Liar").json() is True
    assert cloud("Anybody", "GET", "/blacklist/check/li-ar").status_code == 400
    (entry,) = cloud("Liar", "GET", "/blacklist/lookup").json()["entries"]
    assert (entry["reason"], entry["active"]) == ("lies", True)
    found = cloud("Sysop", "POST", "/blacklist/mgmt/query", {"mode": "ACTIVES"}).json()
    assert found["count"] == 1
    assert cloud("Sysop", "DELETE", "/blacklist/mgmt/remove?names=Liar").status_code == 200
    assert cloud("Anybody", "GET", "/blacklist/check/Liar").json() is False
    found = cloud("Sysop", "POST", "/blacklist/mgmt/query", {"mode": "INACTIVES"}).json()
    assert found["entries"][0]["revokedBy"] == "Sysop"


def test_with_the_outsourced_policy_systems_log_in_first():
    with five(Settings(policy=IdentityPolicy.OUTSOURCED)) as cloud:
        people = (
            IdentityEntry(system="Sysop", password="top", sysop=True),
            IdentityEntry(system="Robot", password="one"),
        )
        cloud.host.submit(KeepIdentities(entries=people, by="Sysop"))
        lookup = "/serviceregistry/service-discovery/lookup"
        identity = {"serviceDefinitionNames": ["identity"]}
        assert cloud("", "POST", lookup, identity, header="").status_code == 200
        smuggled = {"serviceDefinitionNames": ["x"], "a": identity}
        assert cloud("", "POST", lookup, smuggled, header="").status_code == 401
        wrong = {"systemName": "Robot", "credentials": {"password": "two"}}
        assert cloud("", "POST", f"{IDENTITY}/login", wrong, header="").status_code == 401
        right = {"systemName": "Robot", "credentials": {"password": "one"}}
        login = cloud("", "POST", f"{IDENTITY}/login", right, header="").json()
        assert login["expirationTime"] == "2027-01-15T09:00:00Z"
        header = f"Bearer IDENTITY-TOKEN//{login['token']}"
        systems = "/serviceregistry/system-discovery"
        made = cloud("", "POST", f"{systems}/register", {"addresses": ["10.0.0.1"]}, header=header)
        assert made.json()["name"] == "Robot"
        told = cloud("", "GET", f"{IDENTITY}/verify/{login['token']}", header=header).json()
        assert (told["verified"], told["systemName"], told["sysop"]) == (True, "Robot", False)
        managed = cloud("", "POST", "/authentication/mgmt/identities/query", {}, header=header)
        assert managed.status_code == 403
        change = {**right, "newCredentials": {"password": "three"}}
        assert cloud("", "POST", f"{IDENTITY}/change", change, header="").status_code == 200
        assert cloud("", "POST", f"{systems}/lookup", {}, header=header).status_code == 401
        top = {"systemName": "Sysop", "credentials": {"password": "top"}}
        token = cloud("", "POST", f"{IDENTITY}/login", top, header="").json()["token"]
        header = f"Bearer IDENTITY-TOKEN//{token}"
        found = cloud("", "POST", "/authentication/mgmt/identities/query", {}, header=header)
        assert found.json()["count"] == 2
        made = cloud("", "POST", "/authentication/mgmt/identities",
            {"authenticationMethod": "PASSWORD", "identities": [wrong]}, header=header)  # fmt: skip
        assert made.status_code == 400
        sessions = cloud("", "POST", "/authentication/mgmt/sessions/query", {}, header=header)
        assert [each["systemName"] for each in sessions.json()["sessions"]] == ["Sysop"]
        gone = cloud("", "DELETE", "/authentication/mgmt/identities?names=Robot", header=header)
        assert gone.status_code == 200
        assert cloud("", "POST", f"{IDENTITY}/logout", top, header="").status_code == 200
        assert cloud("", "POST", f"{systems}/lookup", {}, header=header).status_code == 401


def test_history_tells_each_orchestration(cloud):
    cloud.service("Provider")
    cloud.grant("Provider")
    pulled(cloud)
    pulled(cloud, serviceRequirement={"serviceDefinition": "nothing"})
    found = cloud("Sysop", "POST", HISTORY, {"requesterSystems": ["Consumer"]}).json()
    assert [(x["status"], x["message"]) for x in found["entries"]] == [
        ("DONE", "1 local result"), ("DONE", "No results were found"),
    ]  # fmt: skip
