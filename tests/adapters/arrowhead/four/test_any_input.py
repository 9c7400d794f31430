import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.arrowhead.four.four_cloud import KEY, FourCloud

SYSTEM = {"systemName": "crane", "address": "10.0.0.2", "port": 9001}
FORM = {"serviceDefinitionRequirement": "welding"}
GOOD = {
    "/serviceregistry/register": {
        "serviceDefinition": "welding", "providerSystem": SYSTEM, "serviceUri": "/x",
        "endOfValidity": "2030-01-01T00:00:00Z", "secure": "TOKEN", "metadata": {"a": "b"},
        "version": 1, "interfaces": ["HTTP-SECURE-JSON"],
    },
    "/serviceregistry/query": {**FORM, "versionRequirement": 1, "metadataRequirements": {"a": "b"}},
    "/serviceregistry/register-system": SYSTEM,
    "/serviceregistry/mgmt/systems": SYSTEM,
    "/authorization/intracloud/check": {
        "consumer": SYSTEM, "serviceDefinitionId": 1,
        "providerIdsWithInterfaceIds": [{"id": 1, "idList": [1]}],
    },
    "/authorization/intercloud/check": {"cloud": {}},
    "/authorization/subscription/check": {"consumer": SYSTEM, "publishers": [SYSTEM]},
    "/authorization/token": {
        "consumer": SYSTEM, "service": "welding", "duration": 5,
        "providers": [{"provider": {**SYSTEM, "authenticationInfo": KEY},
                       "serviceInterfaces": ["HTTP-SECURE-JSON"]}],
    },
    "/authorization/mgmt/intracloud": {
        "consumerId": 1, "providerIds": [1], "serviceDefinitionIds": [2], "interfaceIds": [3],
    },
    "/orchestrator/orchestration": {
        "requesterSystem": SYSTEM, "requestedService": FORM, "orchestrationFlags": {},
        "preferredProviders": [{"providerSystem": SYSTEM}], "commands": {"EXCLUSIVITY": "5"},
    },
    "/orchestrator/store/flexible": [
        {"consumerSystem": {"systemName": "crane"}, "providerSystem": {"systemName": "crane"},
         "serviceDefinitionName": "welding", "priority": 1},
    ],
    "/eventhandler/subscribe": {
        "eventType": "A", "subscriberSystem": SYSTEM, "notifyUri": "/n", "matchMetaData": True,
        "filterMetaData": {"a": "b"}, "startDate": "2027-01-01T00:00:00Z", "sources": [SYSTEM],
    },
    "/eventhandler/publish": {
        "eventType": "A", "source": SYSTEM, "payload": "x", "metaData": {"a": "b"},
        "timeStamp": "2027-01-15T08:00:00Z",
    },
}  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["", " ", "ä", "a" * 100, "HTTP--JSON", "2026-13-45", "../x", "\x00"]),
    st.just([]), st.just({}), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)  # fmt: skip


def places(value, path=()):
    """Yield where something stands in a document."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def changed(value, path, odd):
    """Return a document with something else at a place."""
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], odd)
    return copy


@pytest.mark.parametrize("path", GOOD)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_is_answered_or_refused_with_a_reason(path, data):
    cloud = FourCloud()
    cloud.offer("crane")
    good = GOOD[path]
    place = data.draw(st.sampled_from(list(places(good))))
    answer = cloud.post(path, changed(good, place, data.draw(ODD)))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        told = answer.json()
        assert told["errorCode"] == answer.status_code
        assert told["errorMessage"]
        assert told["origin"] == f"POST {path}"


@pytest.mark.parametrize("path", GOOD)
def test_what_is_right_is_answered(path):
    cloud = FourCloud()
    if path != "/serviceregistry/register":
        cloud.offer("crane")
    answer = cloud.post(path, GOOD[path])
    expected = 404 if "intracloud" in path else 200
    assert answer.status_code in (expected, 201, 200), answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_json_is_refused(body):
    cloud = FourCloud()
    for path in GOOD:
        cloud.who = ""
        answer = cloud.http.post(path, content=body)
        assert answer.status_code == 400, (path, answer.text)


def test_more_than_a_request_may_have_is_refused():
    cloud = FourCloud()
    answer = cloud.http.post("/serviceregistry/query", content=b" " * (4 * 2**20 + 1))
    assert answer.status_code == 400
    assert "at most" in answer.json()["errorMessage"]
