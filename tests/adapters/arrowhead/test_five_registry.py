"""ServiceRegistry of 5.2.1 over HTTP: as its interface documents have it."""

import pytest

from fabloop.adapters.arrowhead.five.settings import Settings
from five_cloud import PROPERTIES, five

REGISTRY = "/serviceregistry"
SERVICES = f"{REGISTRY}/service-discovery"
SYSTEMS = f"{REGISTRY}/system-discovery"
DEVICES = f"{REGISTRY}/device-discovery"
MANAGEMENT = f"{REGISTRY}/mgmt"
NOW = "2027-01-15T08:00:00Z"


@pytest.fixture
def cloud():
    with five() as served:
        yield served


def test_a_system_registers_with_its_device_and_is_looked_up(cloud):
    device = {"name": "THERMOMETER_2", "addresses": ["81:ef:1a:44:7a:f5"], "metadata": {"max": 40}}
    assert cloud("A", "POST", f"{DEVICES}/register", device).status_code == 201
    assert cloud("A", "POST", f"{DEVICES}/register", device).status_code == 201
    cloud.clock.set(cloud.clock.now() + 10**9)
    assert cloud("A", "POST", f"{DEVICES}/register", device).status_code == 200
    body = {
        "metadata": {"scales": ["Kelvin"], "location": {"side": "North"}},
        "version": "",
        "addresses": ["192.168.56.116", "tp2.greenhouse.com"],
        "deviceName": "THERMOMETER_2",
    }
    answer = cloud("TemperatureProvider2", "POST", f"{SYSTEMS}/register", body)
    assert answer.status_code == 201
    told = answer.json()
    assert told["name"] == "TemperatureProvider2"
    assert told["version"] == "1.0.0"
    assert told["addresses"] == [
        {"type": "IPV4", "address": "192.168.56.116"},
        {"type": "HOSTNAME", "address": "tp2.greenhouse.com"},
    ]
    assert told["device"]["addresses"] == [{"type": "MAC", "address": "81:ef:1a:44:7a:f5"}]
    assert told["createdAt"] == told["updatedAt"] == "2027-01-15T08:00:01Z"
    wish = {"deviceNames": ["THERMOMETER_2"], "addressType": "IPV4"}
    found = cloud("A", "POST", f"{SYSTEMS}/lookup?verbose=false", wish).json()
    assert found["count"] == 1
    assert found["entries"][0]["device"] == {"name": "THERMOMETER_2"}
    found = cloud("A", "POST", f"{SYSTEMS}/lookup?verbose=true", wish).json()
    assert found["entries"][0]["device"]["metadata"] == {"max": 40}
    locked = cloud("A", "DELETE", f"{DEVICES}/revoke/THERMOMETER_2")
    assert (locked.status_code, locked.json()["exceptionType"]) == (423, "LOCKED")
    assert cloud("TemperatureProvider2", "DELETE", f"{SYSTEMS}/revoke").status_code == 200
    assert cloud("TemperatureProvider2", "DELETE", f"{SYSTEMS}/revoke").status_code == 204
    assert cloud("A", "DELETE", f"{DEVICES}/revoke/THERMOMETER_2").status_code == 200
    assert cloud("A", "POST", f"{DEVICES}/lookup", {}).json() == {"entries": [], "count": 0}


def test_a_service_registers_and_tells_all_of_itself(cloud):
    told = cloud.service("TemperatureProvider2", metadata={"marginOfError": 0.5},
        expiresAt="2030-01-01T00:00:00Z")  # fmt: skip
    assert told == {
        "instanceId": "TemperatureProvider2|kelvinInfo|1.0.0",
        "provider": {
            "name": "TemperatureProvider2",
            "metadata": {},
            "version": "1.0.0",
            "addresses": [{"type": "IPV4", "address": "10.0.0.1"}],
            "createdAt": NOW,
            "updatedAt": NOW,
        },
        "serviceDefinition": {"name": "kelvinInfo", "createdAt": NOW, "updatedAt": NOW},
        "version": "1.0.0",
        "expiresAt": "2030-01-01T00:00:00Z",
        "metadata": {"marginOfError": 0.5},
        "interfaces": [
            {
                "templateName": "generic_http",
                "protocol": "http",
                "policy": "NONE",
                "properties": PROPERTIES,
            }
        ],
        "createdAt": NOW,
        "updatedAt": NOW,
    }


def test_services_are_looked_up_by_what_is_asked_and_briefly_unless_verbose(cloud):
    cloud.service("Warm", metadata={"margin": 0.5})
    cloud.service("Cold", metadata={"margin": 2})
    wish = {
        "serviceDefinitionNames": ["kelvinInfo"],
        "versions": ["1"],
        "alivesAt": "",
        "metadataRequirementsList": [{"margin": {"op": "LESS_THAN", "value": 1}}],
        "addressTypes": ["HOSTNAME"],
        "interfaceTemplateNames": ["generic_http"],
        "interfacePropertyRequirementsList": [{"basePath": "/kelvin"}],
        "policies": ["NONE"],
    }
    found = cloud("A", "POST", f"{SERVICES}/lookup", wish).json()
    assert [each["instanceId"] for each in found["entries"]] == ["Warm|kelvinInfo|1.0.0"]
    assert found["entries"][0]["provider"] == {"name": "Warm"}
    assert found["entries"][0]["serviceDefinition"] == {"name": "kelvinInfo"}
    found = cloud("A", "POST", f"{SERVICES}/lookup?verbose=true", wish).json()
    assert found["entries"][0]["provider"]["version"] == "1.0.0"


def test_an_offer_is_revoked_by_its_provider_only(cloud):
    cloud.service("Warm")
    path = f"{SERVICES}/revoke/Warm%7CkelvinInfo%7C1.0.0"
    answer = cloud("Cold", "DELETE", path)
    assert answer.status_code == 403
    assert answer.json()["exceptionType"] == "FORBIDDEN"
    assert cloud("Warm", "DELETE", path).status_code == 200
    assert cloud("Warm", "DELETE", path).status_code == 204


def test_faults_are_told_together_in_the_form_of_the_framework(cloud):
    body = {
        "serviceDefinitionName": "Kelvin-Info",
        "version": "one",
        "expiresAt": "tomorrow",
        "metadata": {"a.b": 1},
        "interfaces": [{"templateName": "Generic", "policy": "MAYBE"}],
    }
    answer = cloud("Warm", "POST", f"{SERVICES}/register", body)
    assert answer.status_code == 400
    told = answer.json()
    assert set(told) == {"errorMessage", "errorCode", "exceptionType", "origin"}
    assert told["errorCode"] == 400
    assert told["exceptionType"] == "INVALID_PARAMETER"
    assert told["origin"] == "POST /serviceregistry/service-discovery/register"
    for part in ("serviceDefinitionName", "version", "expiresAt", "a.b", "templateName", "policy"):
        assert part in told["errorMessage"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"serviceDefinitionName": 7}, "serviceDefinitionName"),
        ([], "Expected `object`, but found `array`"),
        ({"interfaces": [{"properties": "x"}]}, "interfaces[0].properties"),
    ],
)
def test_a_body_of_another_form_is_refused_with_its_place(cloud, body, words):
    answer = cloud("Warm", "POST", f"{SERVICES}/register", body)
    assert answer.status_code == 400
    assert words in answer.json()["errorMessage"]


def test_what_is_no_json_or_too_long_is_refused(cloud):
    url = f"{SERVICES}/lookup"
    assert cloud("Warm", "POST", url, content=b"{").status_code == 400
    assert cloud("Warm", "POST", url, content=b"\xff\xfe").status_code == 400
    long = cloud("Warm", "POST", url, content=b" " * (5 * 2**20))
    assert "at most 4194304 bytes" in long.json()["errorMessage"]


def test_without_a_filter_services_are_not_looked_up(cloud):
    answer = cloud("A", "POST", f"{SERVICES}/lookup", {})
    assert answer.status_code == 400
    assert "'instanceIds', 'providerNames', 'serviceDefinitionNames'" in answer.text


def test_where_looking_up_is_restricted_others_see_what_everybody_may():
    settings = Settings(restricted=True, direct=frozenset({"Friend"}))
    with five(settings) as cloud:
        cloud.service("Open", metadata={"unrestrictedDiscovery": True})
        cloud.service("Hidden")
        wish = {"serviceDefinitionNames": ["kelvinInfo"]}
        for who, count in (("Stranger", 1), ("Friend", 2), ("Sysop", 2)):
            assert cloud(who, "POST", f"{SERVICES}/lookup", wish).json()["count"] == count


def test_operators_manage_devices_and_systems_in_bulk(cloud):
    devices = {"devices": [{"name": f"ALARM_{n}", "addresses": [f"10.0.0.{n}"]} for n in (1, 2)]}
    assert cloud("Sysop", "POST", f"{MANAGEMENT}/devices", devices).status_code == 201
    again = cloud("Sysop", "POST", f"{MANAGEMENT}/devices", devices)
    assert again.status_code == 400
    assert "'ALARM_1', 'ALARM_2'" in again.text
    assert cloud("Sysop", "PUT", f"{MANAGEMENT}/devices", devices).status_code == 200
    page = {"pagination": {"page": 1, "size": 1, "direction": "DESC", "sortField": "name"}}
    found = cloud("Sysop", "POST", f"{MANAGEMENT}/devices/query", page).json()
    assert (found["count"], found["entries"][0]["name"]) == (2, "ALARM_1")
    systems = {"systems": [{"name": "Alert", "version": "1.1", "deviceName": "ALARM_1"}]}
    made = cloud("Sysop", "POST", f"{MANAGEMENT}/systems", systems)
    assert made.json()["entries"][0]["addresses"] == [{"type": "IPV4", "address": "10.0.0.1"}]
    found = cloud("Sysop", "POST", f"{MANAGEMENT}/systems/query", {"versions": ["1.1.0"]})
    assert found.json()["count"] == 1
    assert cloud("Sysop", "DELETE", f"{MANAGEMENT}/systems?names=Alert").status_code == 200
    gone = f"{MANAGEMENT}/devices?names=ALARM_1&names=ALARM_2"
    assert cloud("Sysop", "DELETE", gone).status_code == 200


def test_operators_manage_definitions_services_and_templates(cloud):
    names = {"serviceDefinitionNames": ["alertService", "calmService"]}
    assert cloud("Sysop", "POST", f"{MANAGEMENT}/service-definitions", names).status_code == 201
    page = {"page": 0, "size": 1, "direction": "DESC", "sortField": "name"}
    found = cloud("Sysop", "POST", f"{MANAGEMENT}/service-definitions/query", page).json()
    assert (found["count"], found["entries"][0]["name"]) == (2, "calmService")
    template = {
        "name": "fast_bus",
        "protocol": "TCP",
        "propertyRequirements": [
            {"name": "rate", "mandatory": True, "validator": "MINMAX",
             "validatorParams": ["1", "10"]}
        ],
    }  # fmt: skip
    made = cloud(
        "Sysop", "POST", f"{MANAGEMENT}/interface-templates", {"interfaceTemplates": [template]}
    )
    assert made.status_code == 201
    assert made.json()["entries"][0]["propertyRequirements"][0]["validatorParams"] == ["1", "10"]
    cloud.system("Alert")
    interface = {"templateName": "fast_bus", "policy": "NONE", "properties": {"rate": 11}}
    body = {
        "instances": [
            {"systemName": "Alert", "serviceDefinitionName": "alertService",
             "interfaces": [interface]}
        ]
    }  # fmt: skip
    refused = cloud("Sysop", "POST", f"{MANAGEMENT}/service-instances", body)
    assert "a number from 1 to 10, but found 11" in refused.text
    interface["properties"]["rate"] = 10
    made = cloud("Sysop", "POST", f"{MANAGEMENT}/service-instances", body)
    assert made.status_code == 201
    assert made.json()["entries"][0]["interfaces"][0]["protocol"] == "tcp"
    change = {
        "instances": [
            {"instanceId": "Alert|alertService|1.0.0", "metadata": {"a": 1},
             "interfaces": [interface]}
        ]
    }  # fmt: skip
    changed = cloud("Sysop", "PUT", f"{MANAGEMENT}/service-instances", change)
    assert changed.json()["entries"][0]["metadata"] == {"a": 1}
    in_use = cloud("Sysop", "DELETE", f"{MANAGEMENT}/service-definitions?names=alertService")
    assert in_use.status_code == 423
    gone = f"{MANAGEMENT}/service-instances?serviceInstances=Alert%7CalertService%7C1.0.0"
    assert cloud("Sysop", "DELETE", gone).status_code == 200
    found = cloud("Sysop", "POST", f"{MANAGEMENT}/interface-templates/query", {}).json()
    assert found["count"] == 5


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"size": 10}, "both page and size"),
        ({"page": 0, "size": 1001}, "a size from 1 to 1000"),
        ({"page": -1, "size": 1}, "a page from 0"),
        ({"sortField": "colour"}, "one of id, name, createdAt"),
        ({"direction": "UP"}, "ASC or DESC"),
    ],
)
def test_a_page_that_is_none_is_refused(cloud, page, words):
    answer = cloud("Sysop", "POST", f"{MANAGEMENT}/devices/query", {"pagination": page})
    assert answer.status_code == 400
    assert words in answer.json()["errorMessage"]


def test_only_operators_and_those_named_manage():
    with five(Settings(managers=frozenset({"Tool"}))) as cloud:
        for who, status in (("Stranger", 403), ("Tool", 200), ("Sysop", 200)):
            answer = cloud(who, "POST", f"{MANAGEMENT}/devices/query", {})
            assert answer.status_code == status


def test_what_is_no_operation_is_told(cloud):
    answer = cloud("A", "GET", "/serviceregistry/teapot")
    assert (answer.status_code, answer.json()["exceptionType"]) == (404, "DATA_NOT_FOUND")
    assert cloud("A", "GET", f"{SERVICES}/register").status_code == 404
    assert cloud("A", "GET", "/serviceregistry/monitor/echo").text == "Got it!"
