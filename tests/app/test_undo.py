"""An adaptation is undone while nothing stands against it, and else refused with the reason."""

import os
import signal

import msgspec
import pytest

from app import stories
from app.killed_story import MOMENTS, DeadlyJournal
from app.stories import agree, first_plan
from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.demo import resume
from fabloop.app.house import House
from fabloop.app.snapshot import Stage
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationUndone,
    LotMade,
    OrderFinished,
    ProcessMigrated,
    TestMeasured,
    UndoAsked,
    UndoRefused,
    WorkUnitBroke,
    WorkUnitRepaired,
)


@pytest.fixture
def running(tmp_path):
    return stories.begun(tmp_path / "data")


def state(demo):
    return demo.house.snapshot.orders[stories.ORDER]


def tells(demo, kind, **fields):
    at = Instant(demo.house.snapshot.now + MINUTE)
    if kind in (WorkUnitBroke, WorkUnitRepaired):
        fields["at"] = at
    return demo.house.hears(kind(**fields), at)


def of(heard, kind):
    return [each for each in heard if isinstance(each, kind)]


def measured(demo, value):
    """Let the machine that reams be as good as this."""
    known = next(iter(demo.scenario.knowledge.kpis))
    at = Instant(demo.house.snapshot.now + MINUTE)
    told = msgspec.structs.replace(
        known, work_unit=stories.U630, value=value, upper=value + 0.5e-6, at=at
    )
    return demo.house.hears(TestMeasured(work_unit=stories.U630, at=at, value=told), at)


def approved(demo):
    plan = state(demo).proposal.plan.id
    tells(demo, AdaptationApproved, order=stories.ORDER, plan=plan, by="planner")
    assert state(demo).stage is Stage.RUNNING


def adapted(demo):
    """Let the machine that reams wear out, and approve the plan without it."""
    measured(demo, 17e-6)
    approved(demo)


def undone(demo):
    return tells(demo, UndoAsked, order=stories.ORDER, by="planner")


def refused(demo):
    (fact,) = of(undone(demo), UndoRefused)
    return {each.code for each in fact.reasons}


def units(plan):
    return {each.operation: each.work_unit for each in plan.steps}


def test_when_the_machine_is_good_again_plan_and_process_go_back(running):
    first = state(running).plan
    adapted(running)
    assert units(state(running).plan) != units(first)
    measured(running, 13e-6)
    heard = undone(running)
    (fact,) = of(heard, AdaptationUndone)
    (migrated,) = of(heard, ProcessMigrated)
    assert units(fact.plan) == units(first)
    assert fact.plan.id == "wg-1/plan-1.2", "the way back is a plan of its own"
    assert migrated.tokens_before == migrated.tokens_after
    assert state(running).plan == fact.plan
    assert state(running).stage is Stage.RUNNING


def test_what_was_undone_is_carried_out_to_the_end_and_nothing_twice(running):
    adapted(running)
    measured(running, 13e-6)
    undone(running)
    running.clock.wait_until(running.house.snapshot.now)
    running.play(first_plan, agree)
    heard = [fact for _, fact in running.house.history]
    made = [each.record.operation for each in of(heard, LotMade)]
    assert len(made) == len(set(made)) == 27
    assert of(heard, OrderFinished)[0].passed


def test_while_the_machine_is_worn_there_is_no_way_back(running):
    adapted(running)
    assert refused(running) == {"step-endangered"}
    assert state(running).stage is Stage.RUNNING


def test_work_that_has_begun_elsewhere_is_not_called_back(running):
    """The machine that was to make more than one part is broken: another store serves at once."""
    tells(running, WorkUnitBroke, work_unit=stories.U630)
    approved(running)
    tells(running, WorkUnitRepaired, work_unit=stories.U630)
    assert refused(running) == {"begun-elsewhere"}


def test_an_order_that_was_never_adapted_has_nothing_to_undo(running):
    assert refused(running) == {"nothing-to-undo"}


def test_what_was_undone_can_be_undone_again(running):
    adapted(running)
    second = state(running).plan
    measured(running, 13e-6)
    undone(running)
    (fact,) = of(undone(running), AdaptationUndone)
    assert units(fact.plan) == units(second)


def test_what_was_undone_is_known_again_after_a_restart(running):
    adapted(running)
    measured(running, 13e-6)
    undone(running)
    again = House(running.scenario.knowledge, running.house._journal)
    assert again.snapshot == running.house.snapshot
    assert again.snapshot.orders[stories.ORDER].plan.id == "wg-1/plan-1.2"


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_it_goes_back_it_has_gone_back_or_can_be_asked_again(tmp_path, moment):
    folder = tmp_path / "data"
    demo = stories.begun(folder, SqliteJournal)
    adapted(demo)
    measured(demo, 13e-6)
    demo.close()
    child = os.fork()
    if child == 0:
        undone(resume(folder, open_journal=lambda path: DeadlyJournal(path, 1, moment)))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    demo = resume(folder)
    if moment == "durable":
        assert state(demo).plan.id == "wg-1/plan-1.2"
    if state(demo).plan.id == "wg-1/plan-1.1":
        undone(demo)
    demo.play(first_plan, agree)
    demo.close()
    heard = [fact for _, fact in demo.house.history]
    assert len(of(heard, AdaptationUndone)) == 1
    assert of(heard, OrderFinished)[0].passed
    assert len(of(heard, LotMade)) == 27
