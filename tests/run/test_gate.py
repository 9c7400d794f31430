"""Behind the gate an actor hears nothing without a verdict."""

import pytest

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import SafetyCode
from fabloop.model.ids import OperationId, OperationName, ServiceId, WorkUnitId
from fabloop.model.safety import Target
from fabloop.model.service import Literal, ServiceOperation
from fabloop.run.actor import JobNotDone, JobOrder
from fabloop.run.gate import GatedActor, call_of, gate_of, simulated, target_of, undeclared
from fabloop.run.permissives import Permitted, Withheld
from run.safety_rules import NOW, OVEN, rules, value, view


class Hearing:
    """An actor that notes what it hears."""

    def __init__(self):
        self.heard, self.answers = [], []

    def begin(self, order):
        self.heard.append(order.job)

    def next_response_at(self):
        return None

    def responses(self, until):
        found, self.answers = tuple(self.answers), []
        return found


class Signals:
    """A gate over signals that a test moves."""

    def __init__(self):
        self.view = view()
        self.gate = gate_of(rules(), lambda: self.view, lambda: NOW)


def job(number, unit="press"):
    return JobOrder(
        job=number, step="s", skill="press", operation=OperationId("o"),
        work_unit=None if unit is None else WorkUnitId(unit), person=None, main=True, begun_at=NOW,
        duration_ns=SECOND,
    )  # fmt: skip


@pytest.fixture
def signals():
    return Signals()


@pytest.fixture
def actor():
    return Hearing()


def test_a_withheld_job_reaches_nobody_and_is_judged_again_each_time_it_comes(signals, actor):
    gated = GatedActor(actor, signals.gate)
    signals.view = view(guard=value(told=False))
    gated.begin(job(1))
    assert actor.heard == []
    assert [each.code for each in gated.held[1]] == [SafetyCode.SIGNAL_CONTRARY]
    signals.view = view()
    gated.begin(job(1))
    assert actor.heard == [1]
    assert gated.held == {}


def test_a_job_that_has_passed_is_handed_on_whatever_the_signals_say_by_then(signals, actor):
    gated = GatedActor(actor, signals.gate)
    gated.begin(job(1))
    signals.view = view(guard=None)
    gated.begin(job(1))
    assert actor.heard == [1, 1]  # whoever knows the number does not start it twice


def test_another_attempt_is_judged_anew(signals, actor):
    gated = GatedActor(actor, signals.gate)
    gated.begin(job(1))
    actor.answers = [JobNotDone(job=1, at=NOW, reason="jam")]
    assert len(gated.responses(Instant(NOW + SECOND))) == 1
    signals.view = view(guard=None)
    gated.begin(job(1))
    assert actor.heard == [1]


def test_a_gate_that_is_built_again_after_a_crash_has_let_nothing_pass(signals, actor):
    GatedActor(actor, signals.gate).begin(job(1))
    signals.view = view(guard=None)
    GatedActor(actor, signals.gate).begin(job(1))
    assert actor.heard == [1]


def test_a_job_that_moves_no_work_unit_needs_no_permissive(signals, actor):
    GatedActor(actor, signals.gate).begin(job(1, unit=None))
    assert actor.heard == [1]
    assert target_of(job(1, unit=None)) is None


def test_without_a_document_nothing_passes_and_says_so(actor):
    verdict = undeclared(target_of(job(1)))
    assert isinstance(verdict, Withheld)
    assert [each.code for each in verdict.reasons] == [SafetyCode.NO_SAFETY_DOCUMENT]
    gated = GatedActor(actor, undeclared)
    gated.begin(job(1))
    assert actor.heard == []


def test_what_is_simulated_passes_and_says_so():
    verdict = simulated(target_of(job(1)))
    assert isinstance(verdict, Permitted)
    assert verdict.because.code == SafetyCode.SIMULATED


def operation(method, **more):
    return ServiceOperation(name=OperationName("bake"), method=method, path="/bake", **more)


def test_a_call_that_only_asks_is_no_command_and_every_other_is():
    oven = ServiceId("oven")
    assert call_of(oven, operation("GET")) is None
    assert call_of(oven, operation("POST")) == OVEN
    warms = (Literal(fluent="hot", arguments=("oven",)),)
    assert call_of(oven, operation("GET", effects=warms)) == OVEN
    assert call_of(oven, operation("delete")) == Target(
        service=oven, operation=OperationName("bake")
    )
