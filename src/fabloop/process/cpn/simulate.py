"""Runs a net alone in virtual time: no work is done, its expected duration passes."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush

import msgspec

from fabloop.base.chance import chance
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.compiled import Binding, CompiledNet, CompiledTransition, Fire

FIRINGS_MAX = 1_000_000
CHOICES_MAX = 1_000


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """One firing: when it began, of which transition, with which variables."""

    at: Instant
    transition: str
    variables: dict[str, object]


class Run(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A finished simulation.

    Attributes
    ----------
    occurrences : in order; empty when they were not kept
    at : the instant of the last firing or of its end
    ended : ``dead`` (nothing can ever happen again), ``until`` or ``firings`` (a limit)
    """

    occurrences: tuple[Occurrence, ...]
    firings: int
    marking: tuple[Bag, ...]
    at: Instant
    ended: str


Answer = Callable[[str, Mapping[str, object]], Mapping[str, object]]
"""What the work of a transition answers in the simulation, from its variables."""


def no_answer(_transition: str, _variables: Mapping[str, object]) -> Mapping[str, object]:
    """Answer every work with nothing."""
    return {}


def simulate(
    net: CompiledNet,
    *,
    until_ns: int,
    seed: int | None = None,
    marking: Sequence[Bag] | None = None,
    answer: Answer = no_answer,
    firings_max: int = FIRINGS_MAX,
    keep: bool = True,
) -> Run:
    """Fire until nothing can happen, `until_ns` has passed or `firings_max` is reached.

    Without a seed the choice is fixed: highest priority, then in turn, oldest tokens first.
    With one, transition and binding are drawn (priority still counts). Distributions in CPN ML
    draw in either case, without a seed always the same.

    Raises
    ------
    Invalid
        A place holds more than its capacity, or an inscription fails on the tokens.
    """
    if net.timeline is not None:
        net.timeline.below = chance(0 if seed is None else ~seed)
    try:
        simulation = _Simulation(net, marking, answer)
        simulation.run(until_ns, firings_max, None if seed is None else chance(seed), keep=keep)
    finally:
        if net.timeline is not None:
            net.timeline.below = None
    return simulation.result()


_Firing = tuple[Fire, tuple[int, ...]]
"""What fires a transition, and those that may be able to fire behind it."""


class _Simulation:
    def __init__(self, net: CompiledNet, marking: Sequence[Bag] | None, answer: Answer) -> None:
        self.net = net
        self.marking = net.initial_marking() if marking is None else [Bag(bag) for bag in marking]
        self.answer = answer
        self.now = Instant(0)
        self.agenda = deque(net.by_priority)
        self.listed = bytearray([1]) * len(net.transitions)
        self.wakes = [
            (at, place) for place, bag in enumerate(self.marking) for at in {*bag.times} if at > 0
        ]
        heapify(self.wakes)
        self.ends: list[tuple[Instant, int, CompiledTransition, Binding]] = []
        self.occurrences: list[Occurrence] = []
        self.firings = 0
        self.ended = ""
        self.ranked = len({each.priority for each in net.transitions}) > 1

    def result(self) -> Run:
        return Run(
            occurrences=tuple(self.occurrences), firings=self.firings,
            marking=tuple(self.marking), at=self.now, ended=self.ended,
        )  # fmt: skip

    def run(
        self, until: int, firings_max: int, below: Callable[[int], int] | None, *, keep: bool
    ) -> None:
        """Fire until an end is reached; what is neither drawn nor kept is fired swiftly."""
        fires = None if keep or below is not None or self.ranked else self._swift()
        if fires is not None:
            self._run_swiftly(fires, until, firings_max)
        else:
            self._run(until, firings_max, below, keep=keep)

    def _swift(self) -> list[_Firing] | None:
        """Return what fires each transition, or None where one of them needs more."""
        if self.net.timeline is not None or any(self.net.freed):
            return None
        fires = []
        for transition in self.net.transitions:
            firing = transition.swift()
            if firing is None:
                return None
            places = (self.net.consumers[place] for place in firing.at_once)
            touched = tuple(dict.fromkeys(number for each in places for number in each))
            fires.append((firing.bind(self.marking, self.wakes), touched))
        return fires

    def _run_swiftly(self, fires: list[_Firing], until: int, firings_max: int) -> None:
        agenda, listed, transitions = self.agenda, self.listed, self.net.transitions
        left = firings_max
        while True:
            now = self.now
            while agenda:
                number = agenda[0]
                if not left and transitions[number].find(self.marking, now) is not None:
                    self.firings, self.ended = firings_max, "firings"
                    return
                fire, touched = fires[number]
                if not left or not fire(now):
                    listed[number] = 0
                    agenda.popleft()
                    continue
                left -= 1
                for each in touched:
                    if not listed[each]:
                        listed[each] = 1
                        agenda.append(each)
                if len(agenda) > 1:
                    agenda.rotate(-1)
            if not self._advance(until):
                self.firings = firings_max - left
                return

    def _run(
        self, until: int, firings_max: int, below: Callable[[int], int] | None, *, keep: bool
    ) -> None:
        transitions, agenda = self.net.transitions, self.agenda
        while True:
            while agenda:
                number = self._choose(below)
                transition = transitions[number]
                binding = transition.find(self.marking, self.now)
                if binding is None:
                    self.listed[number] = 0
                    agenda.remove(number) if agenda[0] != number else agenda.popleft()
                    continue
                if self.firings >= firings_max:
                    self.ended = "firings"
                    return
                if below is not None:
                    binding = self._draw(transition, binding, below)
                if keep:
                    self.occurrences.append(
                        Occurrence(self.now, transition.name, binding.variables)
                    )
                self.firings += 1
                self._fire(transition, binding)
                if below is None and len(agenda) > 1 and agenda[0] == number:
                    agenda.rotate(-1)
            if not self._advance(until):
                return

    def _choose(self, below: Callable[[int], int] | None) -> int:
        """Return the transition to try: one of highest priority, the first or a drawn one."""
        agenda = self.agenda
        if not self.ranked:
            return agenda[0] if below is None else agenda[below(len(agenda))]
        transitions = self.net.transitions
        best = max(transitions[number].priority for number in agenda)
        candidates = [number for number in agenda if transitions[number].priority == best]
        return candidates[0 if below is None else below(len(candidates))]

    def _draw(
        self, transition: CompiledTransition, first: Binding, below: Callable[[int], int]
    ) -> Binding:
        """Draw one of the first `CHOICES_MAX` bindings, each as likely as any other."""
        chosen = first
        for count, binding in enumerate(transition.bindings(self.marking, self.now), start=1):
            if below(count) == 0:
                chosen = binding
            if count == CHOICES_MAX:
                break
        return chosen

    def _fire(self, transition: CompiledTransition, binding: Binding) -> None:
        marking = self.marking
        for place, value, ready_at in binding.consumed:
            marking[place].remove(value, ready_at)
        if self.net.freed:
            self._free(binding)
        if transition.work is None:
            self._put(transition, binding, {})
            return
        end = Instant(self.now + transition.duration(binding))
        heappush(self.ends, (end, self.firings, transition, binding))

    def _free(self, binding: Binding) -> None:
        """Try again what was inhibited by the tokens that are gone."""
        for place in {place for place, _, _ in binding.consumed}:
            if not len(self.marking[place]):
                for number in self.net.freed[place]:
                    if not self.listed[number]:
                        self.listed[number] = 1
                        self.agenda.append(number)

    def _put(
        self, transition: CompiledTransition, binding: Binding, result: Mapping[str, object]
    ) -> None:
        marking, now, listed = self.marking, self.now, self.listed
        consumers, places = self.net.consumers, self.net.places
        for place, value, ready_at in transition.make(binding.variables, result, now):
            marking[place].add(value, ready_at)
            capacity = places[place].capacity
            if capacity is not None and len(marking[place]) > capacity:
                raise Invalid(self._overflow(transition, place, capacity))
            if ready_at > now:
                heappush(self.wakes, (ready_at, place))
                continue
            for number in consumers[place]:
                if not listed[number]:
                    listed[number] = 1
                    self.agenda.append(number)

    def _overflow(self, transition: CompiledTransition, place: int, capacity: int) -> Fault:
        return Fault(
            source=f"net {self.net.id}",
            path=f"transition {transition.name}",
            expected=f"at most {capacity} tokens in place {self.net.places[place].name!r}",
            found=f"{capacity + 1} at {self.now} ns",
            hint="Guard the transition, or take a token of free capacity with it.",
        )

    def _advance(self, until: int) -> bool:
        """Go to the next instant at which something may happen; tell whether there is one."""
        candidates = [heap[0][0] for heap in (self.wakes, self.ends) if heap]
        if not candidates:
            self.ended = "dead"
            return False
        if min(candidates) > until:
            self.ended, self.now = "until", Instant(until)
            return False
        now = self.now = min(candidates)
        listed, agenda, consumers = self.listed, self.agenda, self.net.consumers
        while self.wakes and self.wakes[0][0] == now:
            _, place = heappop(self.wakes)
            for number in consumers[place]:
                if not listed[number]:
                    listed[number] = 1
                    agenda.append(number)
        while self.ends and self.ends[0][0] == now:
            _, _, transition, binding = heappop(self.ends)
            self._put(transition, binding, self.answer(transition.name, binding.variables))
        return True
