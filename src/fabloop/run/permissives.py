"""May a command leave now? Only where everything it requires is told, good, fresh and true."""

from collections.abc import Iterable, Iterator

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Evidence, Explanation, SafetyCode
from fabloop.model.ids import ControllerId
from fabloop.model.safety import (
    ControllerState,
    Permissive,
    Permit,
    Required,
    SafetyController,
    SafetyRules,
    SafetyView,
    Target,
)

AHEAD_NS_MAX = SECOND
"""How far a signal's time may be ahead of ours before it counts as wrong."""


class Permitted(msgspec.Struct, frozen=True, kw_only=True):
    """The command may leave at this moment, and why; a moment later has to be asked again.

    Attributes
    ----------
    permits : of controllers that decide by themselves; the command carries them
    good_until_ns : by this machine's monotonic time; None where nobody measured it
    """

    because: Explanation
    permits: tuple[Permit, ...] = ()
    good_until_ns: int | None = None


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """The command may not leave: every reason, not the first."""

    reasons: tuple[Explanation, ...]


Verdict = Permitted | Withheld


def permits(target: Target, rules: SafetyRules, view: SafetyView, now: Instant) -> Verdict:
    """Judge a command by all that is declared for it; what nobody declared is withheld."""
    declared = [each for each in rules.permissives if each.speaks_of(target)]
    if not declared:
        return Withheld(reasons=(Explanation(code=SafetyCode.NOT_DECLARED, subject=target.name),))
    required = [one for each in declared for one in each.requires]
    against = tuple(required_against(required, rules, view, now))
    if against:
        return Withheld(reasons=against)
    return Permitted(because=_because(target, declared, required, rules, view))


def controllers_of(target: Target, rules: SafetyRules) -> tuple[ControllerId, ...]:
    """Return whose signals a command rests on."""
    found = (
        rules.controller_of(one.signal).id
        for each in rules.permissives
        if each.speaks_of(target)
        for one in each.requires
    )
    return tuple(dict.fromkeys(found))


def troubles_of(
    controller: SafetyController, view: SafetyView, now: Instant
) -> Iterator[Explanation]:
    """Yield what a controller itself has against any command in its zone."""
    stop = view.stops.get(controller.id)
    if stop is not None:
        yield Explanation(
            code=SafetyCode.STOP_STANDS,
            subject=controller.label,
            details={"cause": stop.cause, "by": stop.by, "why": stop.why},
            evidence=(Evidence(subject=controller.id, parameter="stopped", at=stop.since),),
        )
    sight = view.sights.get(controller.id)
    if sight is None:
        return  # then each of its signals is missing, which says it
    unheard_ns = now - sight.beat_at
    if unheard_ns > controller.heartbeat_ns or unheard_ns < -AHEAD_NS_MAX:
        yield Explanation(
            code=SafetyCode.HEARTBEAT_LOST,
            subject=controller.label,
            evidence=(
                Evidence(
                    subject=controller.id, parameter="heartbeat", relation="at most",
                    value=(now - sight.beat_at) / SECOND, limit=controller.heartbeat_ns / SECOND,
                    at=sight.beat_at, source=controller.url,
                ),
            ),
        )  # fmt: skip
    if sight.state is not ControllerState.RUNS:
        yield Explanation(
            code=SafetyCode.CONTROLLER_STOPPED,
            subject=controller.label,
            details={"state": sight.state},
        )


def required_against(
    required: Iterable[Required], rules: SafetyRules, view: SafetyView, now: Instant
) -> Iterator[Explanation]:
    """Yield everything that stands against commands which require these signals."""
    required = tuple(dict.fromkeys(required))
    asked = dict.fromkeys(rules.controller_of(each.signal).id for each in required)
    for controller in asked:
        yield from troubles_of(rules.controllers[controller], view, now)
    for each in required:
        found = _signal_against(each, rules, view, now)
        if found is not None:
            yield found


def _signal_against(
    each: Required, rules: SafetyRules, view: SafetyView, now: Instant
) -> Explanation | None:
    """Return why a signal does not permit; None where it does."""
    controller = rules.controller_of(each.signal)
    sight = view.sights.get(controller.id)
    told = sight.signals.get(each.signal) if sight is not None else None
    code = None
    if told is None:
        code = SafetyCode.SIGNAL_MISSING
    elif not told.good:
        code = SafetyCode.SIGNAL_BAD
    elif told.at - now > AHEAD_NS_MAX:
        code = SafetyCode.SIGNAL_FROM_FUTURE
    elif now - told.at > each.fresh_ns:
        code = SafetyCode.SIGNAL_STALE
    elif told.value is not each.wanted:
        code = SafetyCode.SIGNAL_CONTRARY
    if code is None:
        return None
    return Explanation(
        code=code,
        subject=controller.label,
        details={"signal": rules.label(each.signal), "wanted": _word(wanted=each.wanted)},
        evidence=(_evidence(each, rules, view),),
    )


def _because(
    target: Target,
    declared: Iterable[Permissive],
    required: Iterable[Required],
    rules: SafetyRules,
    view: SafetyView,
) -> Explanation:
    evidence = tuple(_evidence(each, rules, view) for each in dict.fromkeys(required))
    if evidence:
        return Explanation(code=SafetyCode.PERMITTED, subject=target.name, evidence=evidence)
    why = next(each.free_because for each in declared)
    return Explanation(code=SafetyCode.DECLARED_FREE, subject=target.name, details={"why": why})


def _evidence(each: Required, rules: SafetyRules, view: SafetyView) -> Evidence:
    controller = rules.controller_of(each.signal)
    sight = view.sights.get(controller.id)
    told = sight.signals.get(each.signal) if sight is not None else None
    return Evidence(
        subject=each.signal,
        parameter=rules.label(each.signal),
        relation="is",
        value=None if told is None else _word(wanted=told.value),
        limit=_word(wanted=each.wanted),
        at=None if told is None else told.at,
        source=controller.url,
    )


def _word(*, wanted: bool) -> str:
    return "true" if wanted else "false"
