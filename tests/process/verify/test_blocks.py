"""Block-structured processes are sound; with a gateway changed, both ways of looking agree."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import ExclusiveGateway, ParallelGateway, SubProcess
from fabloop.process.commands import ActivateJobs, AdvanceTo, FailJob
from fabloop.process.verify.explore import Property
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict
from process.blocks import built
from process.driver import Plant, both, xor
from process.generator import ALL_BLOCKS, BLOCKS, next_commands
from process.test_pages import station

LIMITS = Limits(markings=3_000)
NET = station("n").compiled()
CHECKS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def checked(model):
    """Return the verdicts, which must be the same with and without reduction."""
    definition = compile_process(model, {"n": NET}, 1)
    full = verify(definition, limits=LIMITS, reduced=False)
    small = verify(definition, limits=LIMITS)
    verdicts = {each.property: each.verdict for each in full.findings}
    if Verdict.UNKNOWN not in verdicts.values():
        assert {each.property: each.verdict for each in small.findings} == verdicts
    return {each.property: each.verdict for each in small.findings}


@CHECKS
@given(ALL_BLOCKS)
def test_block_structured_processes_are_sound(block):
    verdicts = checked(built(block))
    assume(Verdict.UNKNOWN not in verdicts.values())
    wrong = {which for which, verdict in verdicts.items() if verdict is Verdict.VIOLATED}
    # An error event at a sub-process without a job in it can never happen.
    assert wrong <= {Property.NO_DEAD_ELEMENT}


def gateways(nodes):
    inner = [
        each for node in nodes if isinstance(node, SubProcess) for each in gateways(node.nodes)
    ]
    return [n.id for n in nodes if isinstance(n, ExclusiveGateway | ParallelGateway)] + inner


def swapped(nodes, name):
    """Return nodes with one gateway of the other kind."""
    made = []
    for node in nodes:
        match node:
            case SubProcess():
                made.append(replace(node, nodes=swapped(node.nodes, name)))
            case ExclusiveGateway() if node.id == name:
                made.append(both(name))
            case ParallelGateway() if node.id == name:
                made.append(xor(name))
            case _:
                made.append(node)
    return tuple(made)


@CHECKS
@given(BLOCKS, st.data())
def test_a_changed_gateway_gets_the_same_verdicts_both_ways(block, data):
    model = built(block)
    names = gateways(model.nodes)
    assume(names)
    checked(replace(model, nodes=swapped(model.nodes, data.draw(st.sampled_from(names)))))


@CHECKS
@given(BLOCKS, st.integers(0, 5), st.data())
def test_a_process_that_blocks_when_run_was_not_called_sound(block, n, data):
    model = built(block)
    names = [name for name in gateways(model.nodes) if name.startswith("merge")]
    assume(names)
    model = replace(model, nodes=swapped(model.nodes, data.draw(st.sampled_from(names))))
    plant = Plant()
    key = plant.starts(model, {"n": n}, (station("n").document(),))
    commands: list = []
    for _ in range(40):
        commands = [
            each
            for each in (next_commands(plant.engine) if key in plant.engine.instances() else ())
            if not isinstance(each, ActivateJobs | FailJob)
        ]
        if not commands:
            break
        command = data.draw(st.sampled_from(commands))
        if isinstance(command, AdvanceTo):
            plant.now = Instant(max(plant.now, command.now))
        plant.does(command)
    stuck = not commands and key in plant.engine.instances()
    if stuck and {each.kind for each in plant.engine.incidents()} == {"deadlock"}:
        assert checked(model)[Property.OPTION_TO_COMPLETE] is not Verdict.HOLDS
