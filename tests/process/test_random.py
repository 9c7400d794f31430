"""Random block-structured processes end on random paths, and every step replays and undoes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.commands import AdvanceTo, Deploy, InstanceState, Migrate
from fabloop.process.definition import ScopeKind
from fabloop.process.engine import Engine
from process.blocks import built
from process.driver import Plant
from process.generator import (
    ALL_BLOCKS,
    CALLED,
    NET,
    check_rest,
    drive,
    next_commands,
    onwards,
)

STEPS_MAX = 400


def migrate(plant: Plant, key: int, target: BpmnProcess) -> None:
    """Move an instance to a definition with everything of its own and more; nothing is lost."""
    reply = plant.does(Deploy(process=target, nets=(NET.document(),)))
    before = in_progress(plant, key)
    command = Migrate(instance=key, target=reply.key)
    assert plant.engine.plan_migration(command).faults == ()
    plant.rehearses(command)
    plant.does(command)
    assert in_progress(plant, key) == before


def in_progress(plant: Plant, key: int) -> tuple:
    """Return acts by key and node, timers by due date, jobs and waiting tokens."""
    state, view = plant.engine.state, plant.engine.instance(key)
    acts = sorted((act.key, act.node) for frame in view.frames for act in frame.acts)
    timers = sorted((each.key, each.due) for each in state.timers.values())
    tokens = sorted((frame.key, sorted(frame.tokens.items())) for frame in view.frames)
    return acts, timers, tokens, dict(state.jobs), dict(state.subscriptions)


def check_resources(plant: Plant, key: int) -> None:
    """The shared robot is in its place or in the hands of exactly one firing."""
    state = plant.engine.state
    instance = state.instances.get(key)
    if instance is None or not instance.shared:
        return
    frames = [state.frames[each] for each in instance.frames]
    pages = [each for each in frames if state.scope_of(each).kind is ScopeKind.PAGE]
    held = sum(len(frame.acts) for frame in pages)
    assert len(instance.shared[0]) + held == 1


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    block=ALL_BLOCKS, n=st.integers(0, 5), moment=st.integers(0, 12), rests=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_a_random_process_ends_on_a_random_path_and_replays_at_every_step(
    block, n, moment, rests, data
):
    plant = Plant()
    plant.rests = rests
    plant.does(Deploy(process=CALLED))
    key = plant.starts(built(block), {"n": n}, (NET.document(),))
    for step in range(STEPS_MAX):
        check_resources(plant, key)
        if key not in plant.engine.instances():
            break
        if step == moment:
            plant.restores()
            migrate(plant, key, built(("seq", [block, ("job",)])))
        check_rest(plant.engine.state)
        commands = next_commands(plant.engine)
        assert onwards(plant.engine), f"stuck: {plant.engine.instance(key)}"
        choices = commands if step < 40 else onwards(plant.engine)
        command = data.draw(st.sampled_from(choices)) if step < 60 else choices[0]
        if isinstance(command, AdvanceTo):
            plant.now = Instant(max(plant.now, command.now))
        plant.rehearses(command)
        plant.does(command)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()
    state = plant.engine.state
    left = (
        state.instances,
        state.acts,
        state.frames,
        state.jobs,
        state.timers,
        state.subscriptions,
        state.signals,
        state.conditions,
        state.listening,
        state.readers,
        state.repetitions,
        state.ready,
    )
    assert not any(left)


@pytest.mark.parametrize("seed", range(8))
def test_the_process_of_a_seed_is_driven_to_its_end(seed):
    engine = Engine()
    key = drive(engine, seed)
    assert engine.instance(key).state is InstanceState.COMPLETED
    assert engine.incidents() == ()
    assert not any((engine.state.frames, engine.state.acts, engine.state.jobs))
