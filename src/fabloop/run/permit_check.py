"""What a machine has against a command, by the permits that it carries and its controllers show."""

from collections.abc import Iterator, Mapping

import msgspec

from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import ControllerId
from fabloop.model.safety import ControllerState, Permit, SafetyController, SafetyRules, Target
from fabloop.run.permissives import controllers_of
from fabloop.run.safety_words import WORD, Grant, Told, command_number

PERMITS_MAX = 100
"""Permits that one command carries."""
USED_MAX = 1_000
"""Permits that a machine remembers as used; the controller shows fewer grants than that."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a controller shows at the moment at which a command arrives."""

    told: Told
    grants: tuple[Grant, ...]


Used = Mapping[Permit, str]
"""Which command a permit came with, by the key that is the same whenever that is sent again."""


def deciding(target: Target, rules: SafetyRules) -> tuple[SafetyController, ...]:
    """Return whose permits a command has to carry."""
    known = (rules.controllers[key] for key in controllers_of(target, rules))
    return tuple(each for each in known if each.decides)


def permits_in(text: str) -> tuple[Permit, ...] | None:
    """Return the permits of a line such as ``cell=17/4``; None where it makes no sense."""
    found = tuple(_permit(each.strip()) for each in text.split(",")) if text.strip() else ()
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) <= PERMITS_MAX else None


def permits_against(
    target: Target,
    carried: str,
    rules: SafetyRules,
    shown: Mapping[ControllerId, Shown | None],
    used: Used,
    key: str,
) -> tuple[Explanation, ...]:
    """Return everything that stands against a command; nothing: it may be done.

    `shown` holds None for a controller that does not answer, or whose heart stands still.
    """
    asked = deciding(target, rules)
    permits = permits_in(carried)
    if permits is None:
        details = {"found": carried[:80]}
        code = SafetyCode.PERMIT_UNREADABLE
        return (Explanation(code=code, subject=target.name, details=details),) if asked else ()
    by_controller = {each.controller: each for each in permits}
    return tuple(
        Explanation(code=code, subject=each.label, details={"command": target.name, **details})
        for each in asked
        for code, details in _faults(
            target, by_controller.get(each.id), shown.get(each.id), used, key
        )
    )


def remembered(used: Used, carried: str, key: str) -> dict[Permit, str]:
    """Return what is remembered once a command was accepted."""
    new = dict.fromkeys(permits_in(carried) or (), key)
    return dict(list({**used, **new}.items())[-USED_MAX:])


def _faults(
    target: Target, permit: Permit | None, shown: Shown | None, used: Used, key: str
) -> Iterator[tuple[SafetyCode, dict[str, str]]]:
    """Yield what is wrong by what one controller shows."""
    if permit is None:
        yield SafetyCode.PERMIT_MISSING, {}
        return
    if shown is None:
        yield SafetyCode.PERMIT_UNCHECKED, {}
        return
    told, about = shown.told, {"permit": f"{permit.number}/{permit.claim}"}
    if told.state is not ControllerState.RUNS:
        yield SafetyCode.CONTROLLER_STOPPED, {"state": told.state}
    if permit.number != told.permit:
        yield SafetyCode.PERMIT_OVER, {**about, "shown": str(told.permit)}
        return
    granted = next((each for each in shown.grants if each.claim == permit.claim), None)
    if granted is None:
        yield SafetyCode.PERMIT_UNKNOWN, about
    elif granted.command != command_number(target):
        yield SafetyCode.PERMIT_FOREIGN, about
    if used.get(permit, key) != key:
        yield SafetyCode.PERMIT_USED, about


def _permit(text: str) -> Permit | None:
    name, _, rest = text.partition("=")
    number, _, claim = rest.partition("/")
    if not name or not _is_word(number) or not _is_word(claim):
        return None
    return Permit(controller=ControllerId(name), number=int(number), claim=int(claim))


def _is_word(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(WORD)) and int(text) < WORD
