"""From a deviation of a running instance to the changed process it goes on by, step by step."""

import time
from collections.abc import Callable

import msgspec

from fabloop.adapt.patterns import Pattern, learned, recalled
from fabloop.adapt.repair.enact import enact
from fabloop.adapt.repair.explain import steps_said
from fabloop.adapt.repair.permits import against, permitted
from fabloop.adapt.repair.proposal import NoRepair, Proposal, RepairAnswer, RepairOption, Situation
from fabloop.adapt.repair.propose import Try, not_tried, repair
from fabloop.adapt.repair.rehearse import rehearse
from fabloop.adapt.repair.task import Budget, counted
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskJobs
from fabloop.app.service_runtime.facts import (
    AlternativeTold,
    Deviated,
    PatternLearned,
    RepairApproved,
    RepairDeclined,
    RepairEnacted,
    RepairImpossible,
    RepairKept,
    RepairProposed,
)
from fabloop.app.service_runtime.kept import packed
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import Instant
from fabloop.process.commands import ProcessDeployed
from fabloop.run.gate import Gate, undeclared

QUESTIONS = 20_000
"""How long is planned for, in questions for the budget: the same on every machine."""

Approve = Callable[[RepairProposed], tuple[int, str] | None]
"""Returns the number of the way out that is wanted (0 is the best) and who wants it, or None."""


def best_first(proposal: RepairProposed) -> tuple[AlternativeTold, ...]:
    """Return the ways out: those with which the goals can be kept, the cheapest, the quickest."""
    ways = (proposal.chosen, *proposal.others)
    return tuple(sorted(ways, key=lambda each: (each.late, each.cost_minor, each.delay_ns)))


def within(seconds: float) -> Budget:
    """Return a budget that ends after some time, and after so many questions on any machine."""
    questions = counted(QUESTIONS)
    end = time.perf_counter() + seconds
    return lambda: min(questions(), max(0.0, (end - time.perf_counter()) / seconds))


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
    needed: bool = True


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was proposed, and the ways out as they can be carried out."""

    told: RepairProposed
    options: tuple[RepairOption, ...]


class Mender:
    """Plans, proposes and enacts repairs; everything is in the log, so that a crash loses nothing.

    Attributes
    ----------
    patterns : repairs that were approved, offered first the next time
    took_ms : per repair, how long it took from noticing to a proposal that is durable
    """

    def __init__(
        self,
        kernel: Host,
        log: FactLog,
        gate: Gate = undeclared,
    ) -> None:
        self._gate = gate
        self._kernel = kernel
        self._log = log
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

    def look(
        self,
        about: str,
        situation: Situation,
        now: Instant,
        *,
        seconds: float,
        own: frozenset[str] = frozenset(),
    ) -> Found | NotMended:
        """Look for ways to bring an instance back to where its process can go on, for so long.

        Each is tried out in the engine before it is proposed. `own` are actions that only the
        process itself does: what would do them otherwise is no way out.
        """
        name = situation.repair
        self.noticed(name)
        again = self._was(name, RepairProposed)  # what was proposed has to be found once more
        budget = counted(QUESTIONS) if again else within(seconds)
        known = recalled(self.patterns, situation, budget)
        tried = not_tried if self._was(name, RepairApproved) else self._rehearsal(situation, now)
        answer = _without(repair(situation, budget, known, tried), own)
        if not again:
            answer = permitted(answer, situation.domain, self._gate)
        match answer:
            case Proposal():
                told = self._told(name) or proposed(about, situation, answer)
                if not again:
                    self._tell(now, told)
                    self.took_ms[name] = (time.perf_counter() - self._noticed[name]) * 1e3
                return Found(told=told, options=answer.options)
            case NoRepair(why=why):
                late = budget() <= 0
                why = f"no plan within {seconds:g} s: {why}" if late else why
                self._impossible(about, situation, why, now)
                return NotMended(why=why)
            case _:
                return NotMended(why="the rest of the process does not need it", needed=False)

    def _rehearsal(self, situation: Situation, now: Instant) -> Try:
        """Return what tries an option out in the engine; nothing of it lasts."""
        return lambda option: self._kernel.ask(
            lambda engine: rehearse(option, situation, engine, now)
        )

    def _impossible(self, about: str, situation: Situation, why: str, now: Instant) -> None:
        if not self._was(situation.repair, RepairImpossible):
            told = RepairImpossible(
                about=about,
                instance=situation.instance,
                repair=situation.repair,
                reasons=(why,),
            )
            self._tell(now, told)

    def enact(
        self, situation: Situation, found: Found, wanted: str, by: str, now: Instant
    ) -> Mended | NotMended:
        """Carry a way out that was found and is wanted out; unless it is not permitted by now."""
        told, name = found.told, situation.repair
        option = next((each for each in found.options if each.id == wanted), None)
        if option is None:
            return NotMended(why=f"{wanted} cannot be found any more")
        if not self._was(name, RepairApproved):
            ways = [each.id for each in (told.chosen, *told.others)]
            approved = RepairApproved(
                about=told.about,
                instance=told.instance,
                repair=name,
                by=by,
                option=ways.index(wanted),
            )
            self._tell(now, approved)
        reasons = against(option, situation.domain, self._gate)
        if reasons and not self._was(name, RepairEnacted):  # an answer may have taken a while
            self._declined(told, "permissives", now)
            return NotMended(why=f"it is withheld: {reasons[0].code} {reasons[0].subject}")
        return self._enacted(told.about, situation, option, now)

    def decline(self, found: Found, now: Instant) -> None:
        """Take note that a person does not want any of what was proposed."""
        if not self._was(found.told.repair, RepairDeclined):
            self._declined(found.told, "person", now)

    def _declined(self, told: RepairProposed, by: str, now: Instant) -> None:
        said = RepairDeclined(about=told.about, instance=told.instance, repair=told.repair, by=by)
        self._tell(now, said)

    def answer_of(self, told: RepairProposed) -> tuple[int, str] | RepairDeclined | None:
        """Return what was answered before a crash: it counts; None where nobody has answered."""
        for _, fact in self._log.history:
            if isinstance(fact, RepairApproved) and fact.repair == told.repair:
                return fact.option, fact.by
            if isinstance(fact, RepairDeclined) and fact.repair == told.repair:
                return fact
        return None

    def _told(self, repair_name: str) -> RepairProposed | None:
        """Return what was proposed before a crash: the answer counts for that."""
        told = (fact for _, fact in self._log.history if isinstance(fact, RepairProposed))
        return next((fact for fact in told if fact.repair == repair_name), None)

    def _enacted(
        self, about: str, situation: Situation, option: RepairOption, now: Instant
    ) -> Mended:
        """Deploy, migrate, enter: each once, however often it is asked for."""
        enactment = enact(option, situation)
        if not self._was(situation.repair, RepairKept):
            data = packed(option, situation)
            self._tell(now, RepairKept(about=about, repair=situation.repair, data=data))
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
    RepairKept,
    RepairEnacted,
)
_Mark = (
    Deviated
    | RepairProposed
    | RepairApproved
    | RepairDeclined
    | RepairImpossible
    | RepairKept
    | RepairEnacted
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
        drawn=tuple(
            dict.fromkeys(e.action for e in option.course.steps if e.action in situation.drawn)
        ),
    )
