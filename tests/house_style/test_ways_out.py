"""Every place where something leaves fabloop for a machine or service is known, and why it may.

A command passes the gate (`fabloop.run.gate`) before it leaves. A new place that sends anything has
to be entered here: with GATED where it hands on commands, and then a test of its own shows that a
withheld one does not leave; or with the reason why what it sends is none.
"""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "fabloop"

GATED = "asks the gate before it sends"
BEHIND = "is called behind the gate only"
ASKS = "only asks for information"
OURS = "speaks to a program of fabloop itself"
SERVES = "is the other side: it answers, or plays a machine"
TELLS = "tells who offers what, or what has happened; nobody moves anything for it"
CHAOS = "makes services fail and networks repeat, in simulated plants alone"
SAFETY = "beats and asks for safe stops: less motion, never more"

WAYS_OUT = {
    "adapters/modbus/safety.py": SAFETY,
    "adapters/opcua/actor.py": GATED,
    "adapters/opcua/alarms.py": ASKS,
    "adapters/opcua/calls.py": GATED,
    "adapters/plant_servers/jobs.py": SERVES,
    "adapters/plant_servers/opcua.py": SERVES,
    "adapters/plant_servers/opcua_methods.py": SERVES,
    "app/drive.py": GATED,
    "app/wired/line.py": BEHIND,
    "app/wired/machine.py": SERVES,
    "app/wired/plant.py": BEHIND,
    "run/gate.py": GATED,
}
"""Modules that call a machine's method, write its registers, or hand a job to an actor."""

HTTP_CLIENTS = {
    "adapters/arrowhead/five/client.py": ASKS,
    "adapters/arrowhead/four/client.py": ASKS,
    "adapters/arrowhead/four/event_handler.py": TELLS,
    "adapters/dataspace/web.py": ASKS,
    "adapters/openapi/caller.py": GATED,
    "app/chaos/harness.py": CHAOS,
    "adapters/openapi/fetch.py": ASKS,
    "app/choreography/network.py": GATED,
    "app/cloud/pushing.py": TELLS,
    "app/edge/centre.py": OURS,
    "app/service_runtime/calls.py": GATED,
}
"""Modules that make HTTP requests."""

SENDS = {"call_method", "write_value", "write_values", "write_attributes", "write_register",
         "write_registers", "write_coil", "write_coils", "mask_write_register"}  # fmt: skip
HTTP = {"httpx", "requests", "aiohttp", "urllib.request", "http.client",
        "fabloop.adapters.arrowhead.sending"}  # fmt: skip


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def hands_on_jobs(tree):
    """Tell whether a module calls ``begin`` of an actor: of anything, with one argument."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "begin"
        and len(call.args) == 1
        and _is_an_order(call.args[0])
        for call in calls
    )


def _is_an_order(argument):
    text = ast.unparse(argument)
    return "order" in text.lower()


def sends(tree):
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(each.func, ast.Attribute) and each.func.attr in SENDS for each in calls)


def asks_over_http(tree):
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        if HTTP.intersection(names):
            return True
    return False


def found(judge):
    return {name for name, tree in modules() if judge(tree)}


def test_every_place_that_commands_a_machine_is_known():
    assert found(lambda tree: sends(tree) or hands_on_jobs(tree)) == set(WAYS_OUT)


def test_every_place_that_makes_http_requests_is_known():
    assert found(asks_over_http) == set(HTTP_CLIENTS)


@pytest.mark.parametrize(
    "name", [each for each, why in {**WAYS_OUT, **HTTP_CLIENTS}.items() if why == GATED]
)
def test_who_is_said_to_ask_the_gate_knows_it(name):
    text = (SOURCE / name).read_text(encoding="utf-8")
    assert "gate" in text
    assert "Withheld" in text or "GatedActor" in text


def test_verdicts_are_made_in_one_place():
    """Nobody else may say that a command is permitted."""
    makers = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Permitted"
    }
    assert makers == {"run/permissives.py", "run/gate.py"}
