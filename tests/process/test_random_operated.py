"""Random processes that an operator changes at random stay in order, and come to an end."""

from random import Random

import pytest

from fabloop.base.errors import Broken, FabloopError
from fabloop.base.instant import Instant
from fabloop.process.commands import (
    ActAt,
    Activate,
    AdvanceTo,
    CancelInstance,
    Command,
    Deploy,
    Modify,
    Move,
    ResolveIncident,
)
from process.blocks import built
from process.driver import Plant
from process.generator import (
    CALLED,
    NET,
    check_rest,
    next_commands,
    onwards,
    random_block,
)

STEPS_MAX = 1_500
OPERATED_WITHIN = 100


def change(plant: Plant, key: int, chance: Random) -> Command:
    """Return a random modification; many are refused, which is fine."""
    state = plant.engine.state
    instance = state.instances[key]
    acts = [act for frame in instance.frames for act in state.frames[frame].acts]
    node = chance.choice(state.definitions[instance.definition].nodes).id
    spot = ActAt(key=chance.choice(acts)) if acts else None
    match chance.randrange(3):
        case 0 if spot is not None:
            return Modify(instance=key, cancel=(spot,))
        case 1 if spot is not None:
            return Modify(instance=key, move=(Move(spot=spot, node=node),))
        case _:
            return Modify(instance=key, activate=(Activate(node=node),))


def next_one(plant: Plant, key: int, step: int, chance: Random) -> Command:
    if step < OPERATED_WITHIN and chance.random() < 0.15:
        return change(plant, key, chance)
    if plant.engine.incidents():
        stuck = plant.engine.incidents()[0]
        if step < OPERATED_WITHIN and stuck.kind != "deadlock":
            return ResolveIncident(incident=stuck.key)
        return CancelInstance(instance=key)
    early = step < OPERATED_WITHIN
    choices = next_commands(plant.engine) if early else onwards(plant.engine)
    assert choices, f"stuck: {plant.engine.instance(key)}"
    return chance.choice(choices)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_process_that_is_modified_ends_and_leaves_nothing(seed):
    chance, plant = Random(seed), Plant()
    plant.does(Deploy(process=CALLED))
    key = plant.starts(built(random_block(chance, 4)), {"n": seed % 6}, (NET.document(),))
    for step in range(STEPS_MAX):
        if key not in plant.engine.instances():
            break
        check_rest(plant.engine.state)
        command = next_one(plant, key, step, chance)
        if isinstance(command, AdvanceTo):
            plant.now = Instant(max(plant.now, command.now))
        try:
            plant.does(command)
        except Broken:
            raise
        except FabloopError:
            continue
    state = plant.engine.state
    assert not any(
        (
            state.frames,
            state.acts,
            state.jobs,
            state.timers,
            state.subscriptions,
            state.signals,
            state.conditions,
            state.repetitions,
            state.incidents,
        )
    )
