"""Services put together by what they give and take: slowing the line, answering burnt muffins."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fabloop.app.muffin.drawing import dosed, drawn
from fabloop.app.service_runtime.calls import Answered, story_headers
from fabloop.app.service_runtime.errands import Errand
from fabloop.app.service_runtime.facts import ChainComposed, MachinesSlowed
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
from fabloop.services.composition.carry_out import Fill
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

ANSWERS = (
    Intent(text="change the shipment of the courier", keywords=("courier", "shipment")),
    Intent(
        text="dose the ingredients with the dosing machine",
        keywords=("dose", "ingredients", "dosing", "machine"),
    ),
)
BROUGHT = ("told", "dosed")
"""What is wanted where muffins are overcooked, and what has to be so by it."""


class Chains:
    """Composes chains from descriptions, and carries out those that change nothing for good."""

    def __init__(self, runtime: Runtime, vocabulary: SkillVocabulary) -> None:
        self._runtime = runtime
        self._vocabulary = vocabulary
        words = of_vocabulary(vocabulary).joined(of_trade())
        self._likeness = Likeness(Dictionary(own=words))
        self.slowed = False
        self._drawn: dict[str, list[ChainComposed]] = {}
        for _, fact in runtime.log.history:
            if isinstance(fact, MachinesSlowed):
                self.slowed = fact.delay_percent > 0
            elif isinstance(fact, ChainComposed):
                self._remember(fact)

    # -- the broken door ----------------------------------------------------------------------

    def is_news(self, errand: Errand) -> bool:
        """Tell whether a load took longer than tolerated while the line is fast, or the reverse."""
        late = lateness(errand)
        return late is not None and (late > LATE_RATIO - 1) != self.slowed

    def delay_percent(self, now: Instant) -> float | None:
        """Return the delay that the oven tells when it is asked; None where it tells none."""
        entry = _entry(self._index(), "oven.slowdown")
        headers = story_headers(now)
        key = f"slowdown@{now}"
        came = self._runtime.caller.call(entry.service, entry.operation, {}, key, headers)
        told = came.result.get("delay") if isinstance(came, Answered) else None
        return float(told) if isinstance(told, int | float) else None

    def pace(self, about: str, now: Instant) -> Composition | str:
        """Compose the oven's delay with every service that can slow a machine that feeds it.

        Where it is not certain which, a person has to say so.
        """
        index = self._index()
        services = tuple(self._runtime.directory.services.values())
        goal = Goal(
            wanted=(Intent(text="slow down the machines", keywords=("slow", "down")),),
            first=_entry(index, "oven.slowdown"),
            each=True,
            among=feeders(services, OVEN),
        )
        found = self._composed(index, goal, about, "slow what feeds the oven", now)
        if not found:
            return "no services that slow what feeds the oven were found"
        if not found[0].certain:
            ways = "; ".join(" -> ".join(each.signature) for each in found)
            return f"which services slow what feeds the oven is not certain: {ways}"
        return found[0]

    def slow(self, way: Composition, errand: Errand, now: Instant) -> str:
        """Carry a composition out that slows machines; say why it could not be."""
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

        done = carry_out(way, {}, invoke, _nothing, f"slow/{errand.task.key}")
        if not isinstance(done, Done):
            return f"{done.at}: {done.why}"
        delay = float(str(told.get("delay", 0.0)))
        self.slowed = delay > 0
        self._runtime.log.tell(
            now, MachinesSlowed(about=errand.task.about, delay_percent=delay, speeds=made)
        )
        return ""

    # -- burnt muffins ------------------------------------------------------------------------

    def overcooked(
        self,
        about: str,
        lot: str,
        burnt: Mapping[str, Sequence[Mapping[str, Any]]],
        fill: Fill,
        now: Instant,
    ) -> None:
        """Compose the chains that answer burnt muffins: a courier's service and the dosing machine.

        They are worked out with the data space, and drawn on by the repair: it plans when and
        beside what their calls are made for `lot`, the load that is made again. `burnt` are the
        muffins of each courier whom the data space names.
        """
        index = self._index()
        known = {step for fact in self._drawn.get(lot, ()) for step in fact.steps}
        for courier, items in burnt.items():
            if any(each.startswith(f"{courier}.") for each in known):
                continue  # it was drawn on before a crash
            goal = Goal(
                wanted=ANSWERS,
                given=(Parameter(name="lot", concept="load"),),
                first=_entry(index, f"{OVEN}.overcook"),
                among=frozenset((ServiceId(courier), DOSING)),
                brings=BROUGHT,
            )
            at = Circumstances(now=now, vocabulary=self._vocabulary)
            found = compose(index, goal, at).alternatives
            if found:
                fact = drawn(found[0], about, lot, items, fill)
                self._runtime.log.tell(now, fact)
                self._remember(fact)

    def _remember(self, fact: ChainComposed) -> None:
        if fact.certain and not fact.stopped and fact.lot:
            self._drawn.setdefault(fact.lot, []).append(fact)

    def drawn_for(self, lots: Iterable[str]) -> tuple[str, ...]:
        """Return what the chains do that were composed for loads, by service and operation."""
        facts = [fact for lot in lots for fact in self._drawn.get(lot, ())]
        return tuple(dict.fromkeys(step for fact in facts for step in fact.steps[1:]))

    def dosing(self, lot: str) -> tuple[list[str], list[float]] | None:
        """Return what the chains dose for a load; None where none was composed for it."""
        return dosed(self._drawn.get(lot, ()))

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

    def _index(self) -> Index:
        return Index(self._runtime.directory.services.values(), self._likeness)


def lateness(errand: Errand) -> float | None:
    """Return by what share a load took longer in the own oven than its description says."""
    candidate = errand.candidate
    if candidate is None or candidate.service.id != OVEN:
        return None
    promised = candidate.operation.duration_ns
    begun, ended = (errand.result.get(each) for each in ("begun_at", "ended_at"))
    if promised is None or not isinstance(begun, str) or not isinstance(ended, str):
        return None
    return (instant_of(ended) - instant_of(begun)) / promised - 1


def _entry(index: Index, name: str) -> Entry:
    return next(each for each in index.entries if each.name == name)


def _nothing(_need: object, _given: object) -> str:
    return "nothing is needed from the data space"
