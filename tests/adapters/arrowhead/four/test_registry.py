import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.arrowhead.four.four_cloud import KEY, FourCloud
from fabloop.adapters.arrowhead.four.names import definition_key, system_key, written

NAMES = st.from_regex(r"[a-z]([0-9a-z-]{0,12}[0-9a-z])?", fullmatch=True)


def query(cloud, definition="welding", **more):
    form = {"serviceDefinitionRequirement": definition, **more}
    return cloud.post("/serviceregistry/query", form)


@given(NAMES)
def test_every_name_of_four_comes_back_from_the_store(name):
    assert written(system_key(name, {})) == name
    assert written(definition_key(name, {})) == name


@given(NAMES, NAMES)
def test_two_names_of_four_are_two_in_the_store(one, other):
    if one != other:
        assert system_key(one, {}) != system_key(other, {})


def test_every_core_system_says_that_it_is_there():
    cloud = FourCloud()
    for core in ("serviceregistry", "authorization", "orchestrator", "eventhandler"):
        assert cloud.get(f"/{core}/echo").text == "Got it!"


def test_an_offer_is_registered_and_found():
    cloud = FourCloud()
    answer = cloud.offer(metadata={"cell": "7"}, endOfValidity="2030-01-01T00:00:00Z")
    assert answer.status_code == 201
    told = answer.json()
    assert told["provider"]["systemName"] == "welding-robot"
    assert told["provider"]["authenticationInfo"] == KEY
    assert told["interfaces"][0]["interfaceName"] == "HTTP-SECURE-JSON"
    found = query(cloud).json()
    assert found["unfilteredHits"] == 1
    assert found["serviceQueryData"] == [told]
    assert told["endOfValidity"] == "2030-01-01T00:00:00Z"
    assert (told["serviceUri"], told["version"], told["metadata"]) == ("/robot", 1, {"cell": "7"})


def test_capitals_of_names_do_not_count():
    cloud = FourCloud()
    cloud.offer("Welding-Robot", "WELDING")
    assert query(cloud, "Welding").json()["unfilteredHits"] == 1


@pytest.mark.parametrize(
    ("required", "hits"),
    [
        ({"interfaceRequirements": ["HTTP-SECURE-JSON", "HTTP-SECURE-XML"]}, 1),
        ({"interfaceRequirements": ["HTTP-INSECURE-JSON"]}, 0),
        ({"interfaceRequirements": [None]}, 1),
        ({"securityRequirements": ["TOKEN"]}, 1),
        ({"securityRequirements": ["NOT_SECURE"]}, 0),
        ({"metadataRequirements": {"cell": "7"}}, 1),
        ({"metadataRequirements": {"cell": "8"}}, 0),
        ({"versionRequirement": 2}, 1),
        ({"versionRequirement": 1}, 0),
        ({"minVersionRequirement": 2, "maxVersionRequirement": 3}, 1),
        ({"minVersionRequirement": 3}, 0),
    ],
)
def test_what_is_required_decides(required, hits):
    cloud = FourCloud()
    cloud.offer(secure="TOKEN", metadata={"cell": "7"}, version=2)
    found = query(cloud, **required).json()
    assert len(found["serviceQueryData"]) == hits
    assert found["unfilteredHits"] == 1


def test_providers_that_do_not_answer_are_left_out_where_that_is_asked():
    cloud = FourCloud()
    cloud.offer()
    assert len(query(cloud, pingProviders=True).json()["serviceQueryData"]) == 1
    cloud.reached.clear()
    assert query(cloud, pingProviders=True).json()["serviceQueryData"] == []
    assert len(query(cloud).json()["serviceQueryData"]) == 1


def test_an_offer_that_has_expired_is_not_found():
    cloud = FourCloud()
    cloud.offer(endOfValidity="2027-01-15 08:00:01")
    assert len(query(cloud).json()["serviceQueryData"]) == 1
    cloud.small.later(2)
    assert query(cloud).json()["serviceQueryData"] == []


def test_the_same_offer_twice_is_refused_as_four_does():
    cloud = FourCloud()
    cloud.offer()
    answer = cloud.offer()
    assert answer.status_code == 400
    told = answer.json()
    assert told["exceptionType"] == "INVALID_PARAMETER"
    assert told["origin"] == "POST /serviceregistry/register"
    assert "already exists" in told["errorMessage"]


def test_a_provider_takes_its_own_offer_back_and_no_other():
    cloud = FourCloud()
    cloud.offer()
    query_ = "service_definition=welding&system_name=welding-robot&address=10.0.0.1&port=9000"
    path = f"/serviceregistry/unregister?{query_}&service_uri=/robot"
    assert cloud.delete(path, by="crane").status_code == 401
    assert cloud.delete(path, by="welding-robot").status_code == 200
    assert query(cloud).json()["serviceQueryData"] == []
    assert cloud.delete(path, by="welding-robot").status_code == 400


def test_nobody_registers_for_another_system():
    cloud = FourCloud()
    body = {
        "serviceDefinition": "welding",
        "providerSystem": {"systemName": "welding-robot", "address": "10.0.0.1", "port": 9000},
        "interfaces": ["HTTP-SECURE-JSON"],
    }
    answer = cloud.post("/serviceregistry/register", body, by="crane")
    assert answer.status_code == 401
    assert answer.json()["exceptionType"] == "AUTH"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"interfaces": []}, "interfaces"),
        ({"interfaces": ["json"]}, "interfaces"),
        ({"serviceDefinition": "w_e"}, "serviceDefinition"),
        ({"providerSystem": {"systemName": "x", "address": "", "port": 1}}, "address"),
        ({"providerSystem": {"systemName": "x", "address": "a", "port": 0}}, "port"),
        ({"endOfValidity": "tomorrow"}, "endOfValidity"),
        ({"secure": "MAYBE"}, "secure"),
    ],
)
def test_what_is_wrong_with_an_offer_is_told_with_its_place(wrong, place):
    cloud = FourCloud()
    body = {
        "serviceDefinition": "welding",
        "providerSystem": {"systemName": "x", "address": "10.0.0.1", "port": 9000},
        "interfaces": ["HTTP-SECURE-JSON"],
        **wrong,
    }
    answer = cloud.post("/serviceregistry/register", body)
    assert answer.status_code == 400
    assert answer.json()["exceptionType"] == "BAD_PAYLOAD"
    assert place in answer.json()["errorMessage"]


def test_management_is_for_operators():
    cloud = FourCloud()
    offer = cloud.offer().json()
    assert cloud.get("/serviceregistry/mgmt", by="crane").status_code == 401
    assert cloud.get("/serviceregistry/mgmt", by="sysop").json() == {"data": [offer], "count": 1}
    systems = cloud.get("/serviceregistry/mgmt/systems?page=0&item_per_page=1", by="sysop").json()
    assert systems["count"] == 1
    one = f"/serviceregistry/mgmt/{offer['id']}"
    assert cloud.get(one, by="sysop").json() == offer
    assert cloud.delete(one, by="sysop").status_code == 200
    assert cloud.get(one, by="sysop").status_code == 404
    names = cloud.get("/serviceregistry/mgmt/services", by="sysop").json()["data"]
    assert [each["serviceDefinition"] for each in names] == ["welding"]


def test_offers_of_five_are_seen_by_four():
    cloud = FourCloud()
    cloud.small.offer("WeldingRobot", "seatInstallation", {"allowExclusivity": 60})
    found = query(cloud, "seat-installation").json()["serviceQueryData"][0]
    assert found["provider"]["systemName"] == "welding-robot"
    assert found["serviceDefinition"]["serviceDefinition"] == "seat-installation"
    assert (found["provider"]["address"], found["provider"]["port"]) == ("10.0.0.1", 9000)
    assert found["interfaces"][0]["interfaceName"] == "HTTP-INSECURE-JSON"
    assert found["secure"] == "NOT_SECURE"
