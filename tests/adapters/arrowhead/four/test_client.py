import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from fabloop.adapters.arrowhead.four import client as four
from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.application import four_routes
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.four.event_handler import Courier
from fabloop.adapters.arrowhead.serving import Serving
from fabloop.app.cloud.folder import open_cloud
from fabloop.base.errors import Broken, Invalid, NotFound, NotPermitted, Unavailable

FORM = wire.QueryForm(service_definition_requirement="welding")
ROBOT = wire.SystemRequest(system_name="robot-a", address="127.0.0.1", port=9000)
OFFER = wire.RegistryRequest(
    service_definition="welding", provider_system=ROBOT, service_uri="/weld",
    interfaces=["HTTP-INSECURE-JSON"], metadata={"cell": "7"},
)  # fmt: skip


@pytest.fixture
def cloud(tmp_path):
    courier = Courier(None)
    with open_cloud(tmp_path / "cloud") as host:
        app = Starlette(routes=four_routes(host, None, courier))
        with Serving(app) as serving, FourClient({"": f"http://127.0.0.1:{serving.port}"}) as found:
            yield found
        courier.close()


def test_a_client_finds_registers_and_takes_back(cloud):
    assert cloud.echo("serviceregistry")
    made = cloud.register(OFFER)
    assert cloud.query(FORM).service_query_data == [made]
    assert (made.provider.system_name, made.metadata) == ("robot-a", {"cell": "7"})
    with pytest.raises(Invalid, match="already exists"):
        cloud.register(OFFER)
    cloud.unregister("welding", ROBOT, "/weld")
    assert cloud.query(FORM).service_query_data == []


def test_a_client_is_bound_by_rules_and_by_what_it_asks(cloud):
    offer = cloud.register(OFFER)
    crane = cloud.register_system(
        wire.SystemRequest(system_name="crane", address="127.0.0.1", port=1)
    )
    asked = wire.OrchestrationRequest(
        requester_system=wire.SystemRequest(system_name="crane"),
        requested_service=FORM,
        orchestration_flags={"overrideStore": True},
    )
    assert cloud.orchestrate(asked) == []
    rules = wire.RuleRequest(
        consumer_id=crane.id, provider_ids=[offer.provider.id],
        service_definition_ids=[offer.service_definition.id],
        interface_ids=[each.id for each in offer.interfaces],
    )  # fmt: skip
    cloud.allow(rules)
    assert [each.service_uri for each in cloud.orchestrate(asked)] == ["/weld"]
    rule = wire.FlexibleRule(
        consumer_system=wire.Describer(system_name="crane"),
        provider_system=wire.Describer(system_name="robot-a"),
        service_definition_name="welding",
    )
    cloud.store([rule])
    stored = wire.OrchestrationRequest(requester_system=wire.SystemRequest(system_name="crane"))
    assert [each.provider.system_name for each in cloud.orchestrate(stored)] == ["robot-a"]


@pytest.fixture
def lying():
    """Return a client of a server that answers with what it is told."""
    given = {}

    async def answer(request):
        return Response(given["body"], given["status"], media_type="application/json")

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "DELETE"])])
    with Serving(app) as serving, FourClient({"": f"http://127.0.0.1:{serving.port}"}) as client:

        def says(status, body):
            given.update(status=status, body=body)
            return client

        yield says


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"", Broken),
        (200, b"<html>", Broken),
        (200, b'{"serviceQueryData": 7}', Broken),
        (400, b'{"errorMessage": "no", "errorCode": 400, "exceptionType": "AUTH"}', Invalid),
        (401, b"{}", NotPermitted),
        (404, b"", NotFound),
        (500, b"boom", Broken),
        (503, b"", Unavailable),
    ],
)
def test_what_a_cloud_answers_is_told_apart(lying, status, body, error):
    with pytest.raises(error):
        lying(status, body).query(FORM)


def test_an_answer_that_is_too_long_is_none(lying, monkeypatch):
    monkeypatch.setattr(four, "BODY_BYTES_MAX", 10)
    with pytest.raises(Broken, match="at most"):
        lying(200, b" " * 11).query(FORM)


def test_a_cloud_that_is_not_there_is_unavailable():
    with FourClient({"": "http://127.0.0.1:9"}) as cloud, pytest.raises(Unavailable, match="9"):
        cloud.notify_step_done(steps.StepResult(session_id=1, session_step_id=1, status="SUCCESS"))
