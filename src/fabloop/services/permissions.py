"""Which work units may be commanded now, as far as it was told; what was not told is withheld."""

from collections.abc import Mapping

import msgspec

from fabloop.model.duties import NO_DUTIES, Duties
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import OperationName, SignalId, WorkUnitId
from fabloop.model.safety import SafetyRules, Target

Told = Mapping[tuple[WorkUnitId, tuple[str, ...]], tuple[Explanation, ...]]
"""Per permissive (its work unit and skills): why it does not hold; empty where it does."""


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """The declared rules, and what was told of each permissive; without rules all may be."""

    rules: SafetyRules | None = None
    told: Told = {}

    @property
    def duties(self) -> Duties:
        """What work asks of persons, where it was declared."""
        return NO_DUTIES if self.rules is None else self.rules.duties

    def against(self, work_unit: WorkUnitId, skill: str) -> tuple[Explanation, ...]:
        """Return why a work unit may not be commanded to do this now; empty where it may."""
        if self.rules is None:
            return ()
        target = Target(work_unit=work_unit, operation=OperationName(skill))
        declared = [each for each in self.rules.permissives if each.speaks_of(target)]
        if not declared:
            return (Explanation(code=SafetyCode.NOT_DECLARED, subject=work_unit),)
        found: list[Explanation] = []
        for each in declared:
            if not each.requires:
                continue
            told = self.told.get((work_unit, each.only))
            found += self._unheard(each.requires[0].signal) if told is None else told
        return tuple(found)

    def _unheard(self, signal: SignalId) -> tuple[Explanation, ...]:
        assert self.rules is not None, "there is a rule that requires the signal"
        controller = self.rules.controller_of(signal).label
        details = {"signal": self.rules.label(signal), "wanted": ""}
        code = SafetyCode.SIGNAL_MISSING
        return (Explanation(code=code, subject=controller, details=details),)
