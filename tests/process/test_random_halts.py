"""Random processes that are suspended now and then lose nothing, replay and come to their end."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.process.commands import AdvanceTo, Command, Deploy, InstanceState
from fabloop.process.operations import ResumeInstance, SuspendInstance
from process.blocks import built
from process.driver import Plant
from process.generator import ALL_BLOCKS, CALLED, NET, next_commands, onwards

STEPS_MAX = 400
HALTS_WITHIN = 40


def done(plant: Plant, command: Command) -> None:
    if isinstance(command, AdvanceTo):
        plant.now = Instant(max(plant.now, command.now))
    plant.rehearses(command)
    plant.does(command)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(block=ALL_BLOCKS, n=st.integers(0, 5), data=st.data())
def test_a_random_process_that_halts_now_and_then_comes_to_its_end(block, n, data):
    plant = Plant()
    plant.does(Deploy(process=CALLED))
    key = plant.starts(built(block), {"n": n}, (NET.document(),))
    for step in range(STEPS_MAX):
        if key not in plant.engine.instances():
            break
        commands = next_commands(plant.engine)
        assert onwards(plant.engine), f"stuck: {plant.engine.instance(key)}"
        choices = commands if step < HALTS_WITHIN else onwards(plant.engine)
        command = data.draw(st.sampled_from(choices))
        halts = step < HALTS_WITHIN and data.draw(st.booleans())
        if halts:
            done(plant, SuspendInstance(instance=key))
        done(plant, command)
        if halts and key in plant.engine.instances():
            done(plant, ResumeInstance(instance=key))
            done(plant, AdvanceTo(now=plant.now))
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()
    assert not plant.engine.state.suspended
    assert not plant.engine.state.ready
