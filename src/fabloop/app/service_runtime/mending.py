"""From a deviation of a running instance to the changed process it goes on by, step by step."""

import time
from collections.abc import Callable

import msgspec

from fabloop.adapt.patterns import Pattern, learned, recalled
from fabloop.adapt.repair.enact import enact
from fabloop.adapt.repair.explain import steps_said
from fabloop.adapt.repair.permits import against, permitted
from fabloop.adapt.repair.proposal import NoRepair, Proposal, RepairAnswer, RepairOption, Situation
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.task import Budget, counted
from fabloop.app.processes.questions import AskJobs
from fabloop.app.processes.service import Service
from fabloop.app.service_runtime.facts import (
    AlternativeTold,
    Deviated,
    PatternLearned,
    RepairApproved,
    RepairDeclined,
    RepairEnacted,
    RepairImpossible,
    RepairProposed,
)
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import Instant
from fabloop.process.commands import ProcessDeployed
from fabloop.run.gate import Gate, without_document

QUESTIONS = 20_000
"""How long is planned for, in questions for the budget: the same on every machine."""

Approve = Callable[[RepairProposed], tuple[int, str] | None]
"""Returns the number of the way out that is wanted (0 is the best) and who wants it, or None."""


def by_policy(proposal: RepairProposed) -> tuple[int, str]:
    """Take the cheapest way out with which the goals can be kept, then the quickest."""
    ways = (proposal.chosen, *proposal.others)
    best = min(ways, key=lambda each: (each.late, each.cost_minor, each.delay_ns))
    return ways.index(best), "policy"


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """The instance goes on by a changed process; `jobs` of it are still open.

    `delay_ns` is how long the steps of the repair take, as planned.
    """

    repair: str
    process: str
    jobs: frozenset[int]
    delay_ns: int


class NotMended(msgspec.Struct, frozen=True, kw_only=True):
    """No way out was found, wanted or needed."""

    why: str
    declined: bool = False
    needed: bool = True


class Mender:
    """Plans, proposes and enacts repairs; everything is in the log, so that a crash loses nothing.

    Attributes
    ----------
    patterns : repairs that were approved, offered first the next time
    took_ms : per repair, how long it took from noticing to a proposal that is durable
    """

    def __init__(
        self,
        kernel: Service,
        log: FactLog,
        approve: Approve = by_policy,
        budget: Callable[[], Budget] = lambda: counted(QUESTIONS),
        gate: Gate = without_document,
    ) -> None:
        self._gate = gate
        self._kernel = kernel
        self._log = log
        self._approve = approve
        self._budget = budget
        self.took_ms: dict[str, float] = {}
        self._noticed: dict[str, float] = {}
        self.patterns: tuple[Pattern, ...] = ()
        self._known: dict[str, set[type]] = {}
        for _, fact in log.history:
            if isinstance(fact, PatternLearned):
                self.patterns = fact.patterns
            elif isinstance(fact, _MARKS):
                self._known.setdefault(fact.repair, set()).add(type(fact))

    def next_name(self) -> str:
        """Return a name for a further repair."""
        return f"r{len(self._known) + 1}"

    def noticed(self, repair_name: str) -> None:
        """Take note that something was noticed just now for which a repair may be needed."""
        self._noticed.setdefault(repair_name, time.perf_counter())

    def deviated(self, fact: Deviated, now: Instant) -> None:
        """Write a deviation down, once."""
        if not self._was(fact.repair, Deviated):
            self._tell(now, fact)

    def mend(
        self,
        about: str,
        situation: Situation,
        now: Instant,
        own: frozenset[str] = frozenset(),
    ) -> Mended | NotMended:
        """Bring an instance back to where its process can go on, if somebody wants it.

        `own` are actions that only the process itself does: what would do them otherwise is no
        way out.
        """
        self.noticed(situation.repair)
        known = recalled(self.patterns, situation, counted(QUESTIONS))
        answer = _without(repair(situation, self._budget(), known), own)
        if not self._was(situation.repair, RepairProposed):
            answer = permitted(answer, situation.domain, self._gate)
        match answer:
            case Proposal():
                return self._decided(about, situation, answer, now)
            case NoRepair(why=why):
                if not self._was(situation.repair, RepairImpossible):
                    self._tell(
                        now,
                        RepairImpossible(
                            about=about,
                            instance=situation.instance,
                            repair=situation.repair,
                            reasons=(why,),
                        ),
                    )
                return NotMended(why=why)
            case _:
                return NotMended(why="the rest of the process does not need it", needed=False)

    def _decided(
        self, about: str, situation: Situation, proposal: Proposal, now: Instant
    ) -> Mended | NotMended:
        told = self._told(situation.repair) or proposed(about, situation, proposal)
        name = situation.repair
        if not self._was(name, RepairProposed):
            self._tell(now, told)
            self.took_ms[name] = (time.perf_counter() - self._noticed[name]) * 1e3
        number, declined = self._answer(told, name, now)
        if declined:
            return NotMended(why="it was declined", declined=True)
        wanted = (told.chosen, *told.others)[number].id
        option = next(each for each in proposal.options if each.id == wanted)
        reasons = against(option, situation.domain, self._gate)
        if reasons and not self._was(name, RepairEnacted):  # an answer may have taken a while
            self._tell(
                now,
                RepairDeclined(
                    about=about, instance=situation.instance, repair=name, by="permissives"
                ),
            )
            return NotMended(why=f"it is withheld: {reasons[0].code} {reasons[0].subject}")
        return self._enacted(about, situation, option, now)

    def _told(self, repair_name: str) -> RepairProposed | None:
        """Return what was proposed before a crash: the answer counts for that."""
        told = (fact for _, fact in self._log.history if isinstance(fact, RepairProposed))
        return next((fact for fact in told if fact.repair == repair_name), None)

    def _answer(self, told: RepairProposed, name: str, now: Instant) -> tuple[int, bool]:
        """Ask, once: an answer that was given before a crash counts."""
        for _, fact in self._log.history:
            if isinstance(fact, RepairApproved) and fact.repair == name:
                return fact.option, False
            if isinstance(fact, RepairDeclined) and fact.repair == name:
                return 0, True
        answer = self._approve(told)
        if answer is None:
            said = RepairDeclined(
                about=told.about, instance=told.instance, repair=name, by="person"
            )
            self._tell(now, said)
            return 0, True
        number, by = answer
        self._tell(
            now,
            RepairApproved(
                about=told.about, instance=told.instance, repair=name, by=by, option=number
            ),
        )
        return number, False

    def _enacted(
        self, about: str, situation: Situation, option: RepairOption, now: Instant
    ) -> Mended:
        """Deploy, migrate, enter: each once, however often it is asked for."""
        enactment = enact(option, situation)
        deployed = self._kernel.submit(
            enactment.deploy, request=f"deploy/{option.woven.process.id}"
        )
        assert isinstance(deployed, ProcessDeployed), "a deployment is answered with versions"
        for request, command in enactment.commands(deployed.key):
            self._kernel.submit(command, request=request)
        if not self._was(situation.repair, RepairEnacted):
            self._tell(
                now,
                RepairEnacted(
                    about=about,
                    instance=situation.instance,
                    repair=situation.repair,
                    process=deployed.key.id,
                ),
            )
            self._learn(about, option, situation, now)
        jobs = self._kernel.query(AskJobs(instance=situation.instance))
        return Mended(
            repair=situation.repair,
            process=deployed.key.id,
            jobs=frozenset(each.key for each in jobs),
            delay_ns=option.course.duration_ns,
        )

    def _learn(self, about: str, option: RepairOption, situation: Situation, now: Instant) -> None:
        """Remember what was approved, without the names of things."""
        self.patterns = learned(self.patterns, option, situation)
        used = max(self.patterns, key=lambda each: (each.id == option.id, each.used))
        self._log.tell(now, PatternLearned(about=about, pattern=used.id, patterns=self.patterns))

    def was_enacted(self, repair_name: str) -> bool:
        """Tell whether a repair was carried out already."""
        return self._was(repair_name, RepairEnacted)

    def _was(self, repair_name: str, kind: type) -> bool:
        return kind in self._known.get(repair_name, set())

    def _tell(self, now: Instant, fact: "_Mark") -> None:
        self._known.setdefault(fact.repair, set()).add(type(fact))
        self._log.tell(now, fact)


_MARKS = (
    Deviated,
    RepairProposed,
    RepairApproved,
    RepairDeclined,
    RepairImpossible,
    RepairEnacted,
)
_Mark = (
    Deviated | RepairProposed | RepairApproved | RepairDeclined | RepairImpossible | RepairEnacted
)


def _without(answer: RepairAnswer, own: frozenset[str]) -> RepairAnswer:
    """Return an answer without the ways out in which somebody else would do these actions."""
    if not isinstance(answer, Proposal):
        return answer
    options = tuple(
        each for each in answer.options if own.isdisjoint(step.action for step in each.course.steps)
    )
    if options:
        return msgspec.structs.replace(answer, options=options)
    why = "every way out needs what only the process itself does"
    return NoRepair(repair=answer.repair, instance=answer.instance, reasons=answer.reasons, why=why)


def proposed(about: str, situation: Situation, proposal: Proposal) -> RepairProposed:
    """Return a proposal as a fact: the best way out with its difference, and the others."""
    best, *others = proposal.options
    return RepairProposed(
        about=about,
        instance=proposal.instance,
        repair=situation.repair,
        reasons=proposal.reasons,
        chosen=_alternative(best, situation),
        others=tuple(_alternative(each, situation) for each in others),
        added=best.changes.added,
        removed=best.changes.removed,
        changed=best.changes.changed,
        properties={each.name: each.verdict for each in best.properties},
        markings=best.markings,
        proven=proposal.proven,
        process=best.woven.process.id,
    )


def _alternative(option: RepairOption, situation: Situation) -> AlternativeTold:
    return AlternativeTold(
        id=option.id,
        where=f"{option.spot.how} {', '.join(option.spot.nodes)}",
        steps=steps_said(option.course, situation.domain),
        cost_minor=option.cost_minor,
        currency=option.currency,
        duration_ns=option.course.duration_ns,
        delay_ns=option.delay_ns,
        late=option.late,
        because=option.reasons,
        pattern=option.pattern,
    )
