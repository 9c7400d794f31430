"""What runs is played on in virtual time; what that expects puts goals in danger, or not."""

import pytest

from adapt.goals.histories import Plant, at, goals
from cli.test_goal import MODEL
from fabloop.adapt.goals.monitor import Monitor
from fabloop.app.goal_ahead import Play, look_ahead
from fabloop.base.errors import Refused
from fabloop.base.instant import HOUR
from fabloop.model.facts import GoalEndangered
from fabloop.model.goal import GoalStatus
from fabloop.model.ids import GoalId
from fabloop.process.commands import CompleteJob, Deploy, StartInstance
from fabloop.process.snapshot import write_snapshot
from fabloop.sim.processes.ahead import Outlook, ahead
from fabloop.sim.processes.spread import draw_of

TWO = MODEL.replace("uniform(2h, 40h)", "20h")


def plant_of(orders: int, model: str = TWO) -> tuple[Plant, Monitor]:
    plant, watch = Plant(), Monitor(goals())
    plant.does(Deploy(process=model.encode()), at(0))
    for number in range(orders):
        plant.does(StartInstance(process="bake", business_key=f"o-{number}"), at(0))
    watch.hear(plant.taken())
    return plant, watch


def test_one_oven_for_two_orders_is_too_slow_for_the_second():
    plant, watch = plant_of(2)
    play = Play(runs=5, capacities={"cook": 1})
    facts = look_ahead(watch, plant.engine.state, at(1), play)
    dangers = [each for each in facts if isinstance(each, GoalEndangered)]
    assert [(each.goal, each.key, each.risk) for each in dangers] == [("G1", "o-1", 1.0)]
    assert dangers[0].because.details["source"] == "simulation"
    assert dangers[0].expected == at(40)
    assert watch.standing(GoalId("G2"), "o-1") is not None


def test_two_ovens_are_quick_enough_for_both():
    plant, watch = plant_of(2)
    assert look_ahead(watch, plant.engine.state, at(1), Play(runs=5)) == ()


def test_nothing_that_is_played_happens():
    plant, watch = plant_of(1)
    before = [bytes(each) for each in write_snapshot(plant.engine.state)]
    look_ahead(watch, plant.engine.state, at(1), Play(runs=3))
    assert [bytes(each) for each in write_snapshot(plant.engine.state)] == before


def test_the_same_seed_expects_the_same():
    plant, _ = plant_of(2, MODEL)
    outlook = Outlook(parts=tuple(write_snapshot(plant.engine.state)), now=at(1))
    first, again, other = (ahead(outlook, seed, 4) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_work_that_goes_on_takes_longer_than_it_has_taken():
    plant, watch = plant_of(1, MODEL)
    look_ahead(watch, plant.engine.state, at(35), Play(runs=20))
    danger = watch.standing(GoalId("G1"), "o-0")
    assert danger is not None
    assert danger.status is GoalStatus.ENDANGERED
    assert danger.expected is not None
    assert danger.expected > at(35)


def test_a_forecast_by_simulation_holds_until_the_order_goes_on():
    plant, watch = plant_of(1)
    slow = Play(runs=3, durations={"hand-over": draw_of("30h", "test")})
    facts = look_ahead(watch, plant.engine.state, at(1), slow)
    assert [each.goal for each in facts] == ["G1"]
    track = watch.memory.tracks["order", "o-0"]
    assert track.expects["fulfilled(order)"]
    job = plant.engine.jobs()[0]
    plant.does(CompleteJob(job=job.key), at(2))
    watch.hear(plant.taken())
    assert not track.expects["fulfilled(order)"]


def test_more_runs_than_the_budget_are_refused():
    plant, _ = plant_of(1)
    outlook = Outlook(parts=tuple(write_snapshot(plant.engine.state)), now=at(1), horizon_ns=HOUR)
    with pytest.raises(Refused, match="at most 100 runs"):
        ahead(outlook, 1, 101)
