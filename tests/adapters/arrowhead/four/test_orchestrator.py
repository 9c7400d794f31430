from adapters.arrowhead.four.four_cloud import AUTHORITY, PROVIDER, FourCloud
from fabloop.adapters.arrowhead.four.tokens import public_key_of, read_token

OVERRIDE = {"overrideStore": True}


def orchestrate(cloud, *, flags=OVERRIDE, by="crane", service=None, **more):
    body = {
        "requesterSystem": {"systemName": "crane", "address": "10.0.0.2", "port": 9001},
        "requestedService": service or {"serviceDefinitionRequirement": "welding"},
        "orchestrationFlags": flags,
        **more,
    }
    return cloud.post("/orchestrator/orchestration", body, by=by)


def allowed(**offer):
    """Return a cloud in which the crane may use the robot."""
    cloud = FourCloud()
    crane = cloud.consumer()
    cloud.allow(crane, cloud.offer(**offer).json())
    return cloud


def test_a_consumer_is_bound_to_what_it_may_use():
    cloud = FourCloud()
    crane = cloud.consumer()
    offer = cloud.offer().json()
    assert orchestrate(cloud).json() == {"response": []}
    cloud.allow(crane, offer)
    found = orchestrate(cloud).json()["response"]
    assert [each["provider"]["systemName"] for each in found] == ["welding-robot"]
    assert found[0]["service"]["serviceDefinition"] == "welding"
    assert found[0]["serviceUri"] == "/robot"
    assert found[0]["warnings"] == ["TTL_UNKNOWN"]


def test_who_asks_for_another_system_is_refused():
    cloud = allowed()
    assert orchestrate(cloud, by="welding-robot").status_code == 401


def test_the_token_is_for_the_provider_alone():
    cloud = allowed(secure="TOKEN")
    found = orchestrate(cloud).json()["response"][0]
    token = found["authorizationTokens"]["HTTP-SECURE-JSON"]
    key = public_key_of(cloud.get("/authorization/publickey").json(), "authorization")
    assert key == AUTHORITY.public_key()
    told = read_token(token, PROVIDER, key, cloud.small.at)
    assert (told.consumer, told.service) == ("crane.assembly-shop.car-maker", "welding")
    assert found["secure"] == "TOKEN"


def test_without_certificates_there_are_no_tokens():
    cloud = FourCloud(secure=False)
    assert cloud.get("/authorization/publickey").status_code == 400


def test_metadata_counts_only_where_a_search_is_asked_for():
    cloud = allowed(metadata={"cell": "7"})
    service = {
        "serviceDefinitionRequirement": "welding",
        "metadataRequirements": {"cell": "8"},
    }
    assert len(orchestrate(cloud, service=service).json()["response"]) == 1
    flags = OVERRIDE | {"metadataSearch": True}
    assert orchestrate(cloud, service=service, flags=flags).json()["response"] == []


def test_preferred_providers_come_alone_where_only_they_are_wanted():
    cloud = FourCloud()
    crane = cloud.consumer()
    for name in ("robot-a", "robot-b"):
        cloud.allow(crane, cloud.offer(name).json())
    preferred = [{"providerSystem": {"systemName": "robot-b", "address": "x", "port": 1}}]
    flags = OVERRIDE | {"onlyPreferred": True, "matchmaking": True}
    found = orchestrate(cloud, flags=flags, preferredProviders=preferred).json()["response"]
    assert [each["provider"]["systemName"] for each in found] == ["robot-b"]
    both = orchestrate(cloud).json()["response"]
    assert {each["provider"]["systemName"] for each in both} == {"robot-a", "robot-b"}


def test_an_offer_that_is_held_is_nobody_elses():
    cloud = allowed(metadata={"allowExclusivity": "600"})
    commands = {"EXCLUSIVITY": "60"}
    first = orchestrate(cloud, flags=OVERRIDE | {"matchmaking": True}, commands=commands)
    assert len(first.json()["response"]) == 1
    assert orchestrate(cloud).json()["response"] == []
    cloud.small.later(71)
    assert len(orchestrate(cloud).json()["response"]) == 1


def test_stored_rules_bind_where_they_are_not_overridden():
    cloud = FourCloud()
    crane = cloud.consumer()
    cloud.offer()
    rule = {
        "consumerSystem": {"systemName": "crane"},
        "providerSystem": {"systemName": "welding-robot"},
        "serviceDefinitionName": "welding",
        "priority": 1,
    }
    assert orchestrate(cloud, flags={}).json()["response"] == []
    assert cloud.post("/orchestrator/store/flexible", [rule], by="crane").status_code == 401
    assert cloud.post("/orchestrator/store/flexible", [rule], by="sysop").status_code == 201
    assert len(orchestrate(cloud, flags={}).json()["response"]) == 1
    stored = cloud.get(f"/orchestrator/orchestration/{crane}", by="crane").json()["response"]
    assert stored[0]["provider"]["systemName"] == "welding-robot"


def test_what_this_cloud_does_not_do_is_refused_by_name():
    cloud = allowed()
    answer = orchestrate(cloud, flags=OVERRIDE | {"triggerInterCloud": True})
    assert answer.status_code == 400
    assert "triggerInterCloud" in answer.json()["errorMessage"]


def test_rules_are_listed_and_taken_back_one_by_one():
    cloud = FourCloud()
    crane, painter = cloud.consumer(), cloud.consumer("painter")
    offer = cloud.offer().json()
    first = cloud.allow(crane, offer)["data"][0]
    cloud.allow(painter, offer)
    rules = cloud.get("/authorization/mgmt/intracloud", by="sysop").json()
    assert rules["count"] == 2
    assert first["consumerSystem"]["systemName"] == "crane"
    path = f"/authorization/mgmt/intracloud/{first['id']}"
    assert cloud.delete(path, by="sysop").status_code == 200
    left = cloud.get("/authorization/mgmt/intracloud", by="sysop").json()["data"]
    assert [each["consumerSystem"]["systemName"] for each in left] == ["painter"]
    assert orchestrate(cloud).json()["response"] == []
    assert cloud.delete(path, by="sysop").status_code == 404


def test_a_check_tells_which_providers_may_be_used():
    cloud = FourCloud()
    crane = cloud.consumer()
    mine, other = cloud.offer("robot-a").json(), cloud.offer("robot-b").json()
    cloud.allow(crane, mine)
    asked = [
        {"id": each["provider"]["id"], "idList": [each["interfaces"][0]["id"]]}
        for each in (mine, other)
    ]
    body = {
        "consumer": {"systemName": "crane", "address": "10.0.0.2", "port": 9001},
        "serviceDefinitionId": mine["serviceDefinition"]["id"],
        "providerIdsWithInterfaceIds": asked,
    }
    told = cloud.post("/authorization/intracloud/check", body).json()
    assert told["authorizedProviderIdsWithInterfaceIds"] == asked[:1]
    body = {"consumer": body["consumer"]}
    told = cloud.post("/authorization/subscription/check", body).json()
    assert {each["systemName"] for each in told["publishers"]} == {"crane", "robot-a"}
