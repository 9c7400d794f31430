"""The one gate through which commands leave: an actor behind it hears nothing without a verdict."""

from collections.abc import Callable, Mapping

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import OperationName, ServiceId, WorkUnitId
from fabloop.model.safety import SafetyRules, SafetyView, Target
from fabloop.model.service import ServiceOperation
from fabloop.run.actor import Actor, JobOrder, JobResponse
from fabloop.run.permissives import Permitted, Verdict, Withheld, permits

Gate = Callable[[Target], Verdict]
"""Judges a command at the moment at which it would leave."""

READ_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})
VERDICTS_MAX = 20
VERDICT_NS_MAX = SECOND // 20
"""A verdict without a time of its own counts no more if this machine took longer for it."""


def gate_of(rules: SafetyRules, seen: Callable[[], SafetyView], now: Callable[[], Instant]) -> Gate:
    """Return the gate of declared rules over what is known whenever it is asked."""

    def judge(target: Target) -> Verdict:
        return permits(target, rules, seen(), now())

    return judge


def undeclared(target: Target) -> Verdict:
    """Withhold everything: there is no safety document that says what commands require.

    The gate of whoever was given no other one.
    """
    because = Explanation(code=SafetyCode.NO_SAFETY_DOCUMENT, subject=target.name)
    return Withheld(reasons=(because,))


def simulated(target: Target) -> Verdict:
    """Let pass what moves nothing: its machines are simulated by this program.

    The verdict says so. Nobody has this gate who did not ask for it by name.
    """
    return Permitted(because=Explanation(code=SafetyCode.SIMULATED, subject=target.name))


def leaving(gate: Gate, target: Target, monotonic_ns: Callable[[], int]) -> Verdict:
    """Judge a command as the last thing before it leaves.

    A verdict that is over by the time it comes, on a machine that was busy with something else, is
    asked for anew.
    """
    for _ in range(VERDICTS_MAX):
        asked_ns = monotonic_ns()
        verdict = gate(target)
        if isinstance(verdict, Withheld):
            return verdict
        until_ns = verdict.good_until_ns
        if monotonic_ns() < (asked_ns + VERDICT_NS_MAX if until_ns is None else until_ns):
            return verdict
    late = Explanation(code=SafetyCode.VERDICT_TOO_SLOW, subject=target.name)
    return Withheld(reasons=(late,))


def target_of(order: JobOrder) -> Target | None:
    """Return whom a job is a command for; None where no machine is moved by it (a carrier)."""
    if order.work_unit is None:
        return None
    return Target(work_unit=order.work_unit, operation=OperationName(order.skill))


def call_of(service: ServiceId, operation: ServiceOperation) -> Target | None:
    """Return whom a service call is a command for; None where it only asks for information."""
    asks = operation.method.upper() in READ_ONLY and operation.offer is None
    if asks and not operation.effects:
        return None
    return Target(service=service, operation=operation.name)


def work_unit_target(work_unit: WorkUnitId, skill: str) -> Target:
    """Return the target of a job for a work unit."""
    return Target(work_unit=work_unit, operation=OperationName(skill))


class GatedActor:
    """An actor that hears of a job only once the gate lets it pass, and then for good.

    A job that is withheld waits here, with its reasons in `held`; whoever gives it again (the
    driver does so at every turn) has it judged again. One that has passed is handed on as often as
    it comes: it may have begun. After an answer that it was not done, its number is judged anew.
    """

    def __init__(self, actor: Actor, gate: Gate) -> None:
        self._actor = actor
        self._gate = gate
        self._passed: set[int] = set()
        self._held: dict[int, tuple[Explanation, ...]] = {}

    @property
    def held(self) -> Mapping[int, tuple[Explanation, ...]]:
        """The jobs that were withheld when they last came, and why."""
        return self._held

    def begin(self, order: JobOrder) -> None:
        """Start a job if that is permitted now, or go on with the one of that number."""
        target = target_of(order)
        if order.job not in self._passed and target is not None:
            verdict = self._gate(target)
            if isinstance(verdict, Withheld):
                self._held[order.job] = verdict.reasons
                return
        self._passed.add(order.job)
        self._held.pop(order.job, None)
        self._actor.begin(order)

    def next_response_at(self) -> Instant | None:
        """Return when the next response is due, None where only the future can tell."""
        return self._actor.next_response_at()

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return, once each and in order of time, the responses due up to an instant."""
        found = self._actor.responses(until)
        self._passed.difference_update(each.job for each in found)
        return found
