"""The check of a machine that is wired to the safety controller itself: no permit, no motion."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from fabloop.adapters.modbus.permits import ControllerLook
from fabloop.app.durable import write_durably
from fabloop.app.safety.documents import rules_in
from fabloop.app.sentences import sentence
from fabloop.base.codec import from_json, to_json
from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import ControllerId
from fabloop.model.safety import Permit, SafetyController, SafetyRules, Target
from fabloop.run.actor import JobOrder
from fabloop.run.gate import target_of
from fabloop.run.permit_check import deciding, permits_against, remembered
from fabloop.run.permits import PERMIT_REASON


class PermitCheck:
    """Judges each command that arrives at a machine by the permits that it carries.

    The rules are read from a file whenever that was written anew: it may come, and name another
    address of the controller, while the machine runs. A file that is missing or wrong lets no
    command pass.

    Parameters
    ----------
    document : a safety document, or what else `read` reads
    """

    def __init__(self, document: Path, read: Callable[[Path], SafetyRules] = rules_in) -> None:
        self._document = document
        self._read = read
        self._read_at: tuple[int, int] | None = None
        self._rules: SafetyRules | None = None
        self._looks: dict[ControllerId, tuple[SafetyController, ControllerLook]] = {}
        self._used: Mapping[Permit, str] = {}

    async def against(self, target: Target, carried: str, key: str) -> tuple[Explanation, ...]:
        """Return what stands against a command; nothing: it may be done, and its permit is used.

        `key` is the same whenever that command is sent again.
        """
        rules = self._known()
        if rules is None:
            return (Explanation(code=SafetyCode.NO_SAFETY_DOCUMENT, subject=target.name),)
        asked = deciding(target, rules) if carried else ()
        looks = await asyncio.gather(*(self._look(each).shown() for each in asked))
        shown = dict(zip((each.id for each in asked), looks, strict=True))
        against = permits_against(target, carried, rules, shown, self._used, key)
        if not against:
            self._used = remembered(self._used, carried, key)
        return against

    def _known(self) -> SafetyRules | None:
        """Return the rules as the document has them by now."""
        try:
            stands = self._document.stat()
            read_at = (stands.st_mtime_ns, stands.st_size)
            if read_at != self._read_at:
                self._rules, self._read_at = self._read(self._document), read_at
        except (OSError, Invalid, msgspec.MsgspecError):
            self._rules = self._read_at = None
        return self._rules

    def _look(self, controller: SafetyController) -> ControllerLook:
        known = self._looks.get(controller.id)
        if known is None or known[0] != controller:
            if known is not None:
                known[1].close()
            known = self._looks[controller.id] = (controller, ControllerLook(controller))
        return known[1]


def written_rules(file: Path) -> SafetyRules:
    """Return rules as `write_rules` has put them: at once, where a document needs its units."""
    return from_json(file.read_bytes(), SafetyRules)


def write_rules(file: Path, rules: SafetyRules) -> None:
    """Put rules where machines read them, whole or not at all."""
    write_durably(file, to_json(rules))


def job_check(document: Path) -> Callable[[JobOrder, str], Awaitable[str]]:
    """Return the check of a machine over OPC UA: why it refuses a job, as its method tells it."""
    check = PermitCheck(document)

    async def refusal(order: JobOrder, carried: str) -> str:
        target = target_of(order)
        if target is None:
            return ""
        against = await check.against(target, carried, f"job {order.job}")
        return f"{PERMIT_REASON}: {reasons_text(against)}" if against else ""

    return refusal


def reasons_text(against: Iterable[Explanation]) -> str:
    """Return reasons in one line, each with its code."""
    return " ".join(f"{each.code}: {sentence(each, Instant(0))}" for each in against)
