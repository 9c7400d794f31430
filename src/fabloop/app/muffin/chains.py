"""Services put together by what they give and take: slowing the line, answering burnt muffins."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fabloop.app.service_runtime.calls import Answered, story_headers
from fabloop.app.service_runtime.errands import Errand
from fabloop.app.service_runtime.facts import ChainComposed, MachinesSlowed, PersonAsked
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import Instant, instant_of
from fabloop.model.ids import ServiceId
from fabloop.model.service import Parameter, ServiceDescription, ServiceOperation
from fabloop.model.skill import SkillVocabulary
from fabloop.services.composition import (
    Composition,
    Done,
    Goal,
    carry_out,
    compose,
    feeders,
)
from fabloop.services.discovery import (
    Circumstances,
    Dictionary,
    Entry,
    Index,
    Intent,
    Likeness,
    of_trade,
    of_vocabulary,
)

LATE_RATIO = 1.15
"""A load that takes by so much longer than its description says tells of a slow oven."""

OVEN, DOSING = ServiceId("oven"), ServiceId("dough-line")


class Chains:
    """Composes chains from descriptions, and carries out those that change nothing for good."""

    def __init__(self, runtime: Runtime, vocabulary: SkillVocabulary) -> None:
        self._runtime = runtime
        self._vocabulary = vocabulary
        words = of_vocabulary(vocabulary).joined(of_trade())
        self._likeness = Likeness(Dictionary(own=words))
        self.slowed = False
        for _, fact in runtime.log.history:
            if isinstance(fact, MachinesSlowed):
                self.slowed = fact.delay_percent > 0

    # -- the broken door ----------------------------------------------------------------------

    def baked(self, errand: Errand, now: Instant) -> None:
        """Look at how long a load took: machines that feed a slow oven go slower, or fast again."""
        candidate = errand.candidate
        if candidate is None or candidate.service.id != OVEN:
            return
        promised = candidate.operation.duration_ns
        begun, ended = (errand.result.get(each) for each in ("begun_at", "ended_at"))
        if promised is None or not isinstance(begun, str) or not isinstance(ended, str):
            return
        late = instant_of(ended) - instant_of(begun) > LATE_RATIO * promised
        if late != self.slowed:
            self._slow(errand, now)

    def _slow(self, errand: Errand, now: Instant) -> None:
        """Compose the oven's delay with every service that can slow a machine that feeds it."""
        index = self._index()
        services = tuple(self._runtime.directory.services.values())
        goal = Goal(
            wanted=(Intent(text="slow down the machines", keywords=("slow", "down")),),
            first=_entry(index, "oven.slowdown"),
            each=True,
            among=feeders(services, OVEN),
        )
        found = self._composed(index, goal, errand.task.about, "slow what feeds the oven", now)
        if not found:
            return
        best = found[0]
        if not best.certain:
            self._ask(errand.task.about, found, now)
            return
        made: dict[str, float] = {}
        told: dict[str, Any] = {}

        def invoke(
            service: ServiceDescription,
            operation: ServiceOperation,
            values: Mapping[str, Any],
            key: str,
        ) -> dict[str, Any] | str:
            headers = story_headers(now)
            came = self._runtime.caller.call(service, operation, values, key, headers)
            if not isinstance(came, Answered):
                return str(getattr(came, "reason", type(came).__name__))
            if "delay" in came.result:
                told.update(came.result)
            if "speed" in came.result:
                made[str(service.id)] = float(str(came.result["speed"]))
            return came.result

        done = carry_out(best, {}, invoke, _nothing, f"slow/{errand.task.key}")
        if isinstance(done, Done):
            delay = float(str(told.get("delay", 0.0)))
            self.slowed = delay > 0
            self._runtime.log.tell(
                now, MachinesSlowed(about=errand.task.about, delay_percent=delay, speeds=made)
            )

    # -- burnt muffins ------------------------------------------------------------------------

    def overcooked(self, about: str, couriers: Iterable[str], now: Instant) -> None:
        """Tell the chains that answer burnt muffins: a courier's service and the dosing machine.

        They are carried out by the changed process: its steps are these calls and what lies
        between. `couriers` are those whom the data space names for the orders concerned.
        """
        index = self._index()
        wanted = (
            Intent(text="change the shipment of the courier", keywords=("courier", "shipment")),
            Intent(
                text="dose the ingredients with the dosing machine",
                keywords=("dose", "ingredients", "dosing", "machine"),
            ),
        )
        for courier in dict.fromkeys(couriers):
            goal = Goal(
                wanted=wanted,
                given=(Parameter(name="lot", concept="load"),),
                first=_entry(index, "oven.overcook"),
                among=frozenset((ServiceId(courier), DOSING)),
            )
            self._composed(index, goal, about, "answer overcooked muffins", now)

    def _composed(
        self, index: Index, goal: Goal, about: str, title: str, now: Instant
    ) -> tuple[Composition, ...]:
        """Return the ways to a goal, and write the best one down."""
        found = compose(index, goal, Circumstances(now=now, vocabulary=self._vocabulary))
        if not found.alternatives:
            return ()
        best = found.alternatives[0]
        needs = tuple(each for step in best.steps for need in step.needs for each in need.targets)
        changes = tuple(
            f"{step.entry.name}.{each.input}: {each.change.said}"
            for step in best.steps
            for each in step.bindings
            if each.change.said
        )
        self._runtime.log.tell(
            now,
            ChainComposed(
                about=about,
                goal=title,
                steps=best.signature,
                certain=best.certain,
                needs=tuple(dict.fromkeys(needs)),
                changes=changes,
            ),
        )
        return found.alternatives

    def _ask(self, about: str, found: Sequence[Composition], now: Instant) -> None:
        """Ask a person which way to take; without an answer the line goes on as it is."""
        self._runtime.log.tell(
            now,
            PersonAsked(
                about=about,
                question="Which services slow what feeds the oven?",
                options=tuple(" -> ".join(each.signature) for each in found),
                default="nothing is done",
            ),
        )

    def _index(self) -> Index:
        return Index(self._runtime.directory.services.values(), self._likeness)


def _entry(index: Index, name: str) -> Entry:
    return next(each for each in index.entries if each.name == name)


def _nothing(_need: object, _given: object) -> str:
    return "nothing is needed from the data space"
