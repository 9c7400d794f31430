"""Who does an errand now, and whether somebody else than now could and may."""

from fabloop.app.service_runtime.binding import Binder, Choice, NoChoice
from fabloop.app.service_runtime.binding_reasons import declined
from fabloop.app.service_runtime.directory import Candidate
from fabloop.app.service_runtime.errands import Errand, Phase
from fabloop.app.service_runtime.leases import Leases
from fabloop.app.service_runtime.naming import short
from fabloop.app.service_runtime.reality import Reality
from fabloop.app.service_runtime.wanted import wanted_of
from fabloop.base.instant import Instant
from fabloop.model.explanation import BindingCode, Explanation
from fabloop.run.gate import call_of


class Choosing:
    """Chooses for errands, late: by what they want, by what is so, and by who is excluded."""

    def __init__(self, binder: Binder, leases: Leases, reality: Reality) -> None:
        self._binder = binder
        self._leases = leases
        self._reality = reality

    def choice(
        self, errand: Errand, now: Instant, without: Candidate | None = None
    ) -> Choice | NoChoice:
        """Return who does an errand now; raises Invalid where nobody can tell what it wants."""
        task = errand.task

        def may(each: Candidate) -> tuple[Explanation, ...]:
            other = without is None or each.service.id != without.service.id
            if other and str(each.service.id) not in errand.excluded:
                return ()
            return (declined(each),)

        wanted = wanted_of(task.headers, task.variables, task.node)
        return self._binder.choose(wanted, task.variables, self._reality, now, may, task.about)

    def against_others(self, errand: Errand, now: Instant) -> str:
        """Return why no other service can do an errand now; empty where one can."""
        if stays(errand):
            return "it may have been done without having been said; another one would do it twice"
        found = self.choice(errand, now, without=errand.candidate)
        if isinstance(found, Choice):
            if found.lease is not None:  # it was only asked for
                self._leases.hear(self._binder.release((found.lease,)), now)
            return ""
        others = (short(each) for each in found.reasons if each.code != BindingCode.DECLINED)
        return "; ".join(dict.fromkeys(others)) or "no other service offers it"


def stays(errand: Errand) -> bool:
    """Tell whether whoever an errand is at may have done it, so that nobody else may."""
    candidate = errand.candidate
    if candidate is None or candidate.operation.idempotent:
        return False
    moves = call_of(candidate.service.id, candidate.operation) is not None
    return errand.phase is Phase.TAKEN_ON or (errand.may_have_happened and moves)
