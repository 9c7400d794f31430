"""No call that moves anything leaves without a verdict, from the bakery or from an executor."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.executor import Task
from fabloop.app.choreography.network import Line, NetworkSpeech
from fabloop.app.service_runtime.calls import Caller, NoAnswer, NotPermitted
from fabloop.base.errors import NotPermitted as Forbidden
from fabloop.base.errors import Unavailable
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import ControllerId, OperationName, ServiceId, SystemName
from fabloop.model.safety import Permit
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.run.gate import VERDICT_NS_MAX, VERDICTS_MAX, simulated
from fabloop.run.permissives import Withheld

BECAUSE = Explanation(code=SafetyCode.SIGNAL_CONTRARY, subject="Oven cell")
NOWHERE = "http://127.0.0.1:1"


def closed(target):
    return Withheld(reasons=(BECAUSE,))


def asked(gate, method):
    operation = ServiceOperation(name=OperationName("bake"), method=method, path="/bake")
    service = ServiceDescription(
        id=ServiceId("oven"), system=SystemName("oven"), title="Oven", version="1",
        base_url=NOWHERE, operations=(operation,),
    )  # fmt: skip
    caller = Caller(gate=gate)
    try:
        return caller.call(service, operation, {}, "job-1", {})
    finally:
        caller.close()


def test_a_withheld_call_is_not_sent_and_a_question_is():
    assert asked(closed, "POST") == NotPermitted(reasons=(BECAUSE,))
    assert isinstance(asked(closed, "GET"), NoAnswer)  # nobody is there, but it was sent
    assert isinstance(asked(simulated, "POST"), NoAnswer)


TASK = Task(session_id=1, session_step_id=2, service="bake")


def provider(port):
    return wire.OrchestrationResult(
        provider=wire.SystemResponse(
            id=1, system_name="oven", address="127.0.0.1", port=port, created_at="", updated_at=""
        ),
        service=wire.DefinitionResponse(
            id=1, service_definition="bake", created_at="", updated_at=""
        ),
        service_uri="bake",
        interfaces=[
            wire.InterfaceResponse(
                id=1, interface_name=wire.INSECURE_JSON, created_at="", updated_at=""
            )
        ],
    )  # fmt: skip


def test_a_task_carries_what_its_controllers_have_granted():
    heard = []

    class Oven(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(self.headers["Fabloop-Permit"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    def granting(target):
        permits = (Permit(controller=ControllerId("cell"), number=17, claim=4),)
        return msgspec.structs.replace(simulated(target), permits=permits)

    with HTTPServer(("127.0.0.1", 0), Oven) as server, Line(None) as line:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        for gate in (granting, simulated):
            NetworkSpeech(line, None, None, None, gate=gate).execute(
                provider(server.server_port), TASK
            )
        server.shutdown()
        serving.join()
    assert heard == ["cell=17/4", None]


def test_an_executor_sends_no_task_that_is_withheld():
    task, found = TASK, provider(1)
    judged = []

    def gate(target):
        judged.append(target.name)
        return closed(target)

    with Line(None) as line:
        with pytest.raises(Forbidden, match="signal-contrary Oven cell"):
            NetworkSpeech(line, None, None, None, gate=gate).execute(found, task)
        with pytest.raises(Unavailable):
            NetworkSpeech(line, None, None, None, gate=simulated).execute(found, task)
        with pytest.raises(Forbidden, match="no-safety-document oven/bake"):
            NetworkSpeech(line, None, None, None).execute(found, task)
    assert judged == ["oven/bake"]


def test_a_verdict_that_took_too_long_counts_no_more():
    times = []

    def slow(target):
        times.append(time.monotonic_ns())
        while time.monotonic_ns() - times[-1] < VERDICT_NS_MAX:
            pass
        return simulated(target)

    came = asked(slow, "POST")
    assert isinstance(came, NotPermitted)
    assert [each.code for each in came.reasons] == [SafetyCode.VERDICT_TOO_SLOW]
    assert len(times) == VERDICTS_MAX
