"""Brings the steps of a stand-alone net into its unfolding: what can happen, and what forbids it.

A net is unfolded by its values without regard to what happens together (`Unfolding.close`). Where
that has no end, as with a text that grows, or where few markings are reachable, the net is fired
from its start instead, and only what happened is brought in.
"""

from collections import Counter

import msgspec

from fabloop.base.errors import Invalid
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.space import Reached, Step, reach
from fabloop.process.verify.flat import Exceeded, FlatTransition, Limits
from fabloop.process.verify.unfold import Page, Unfolding

FEW_MARKINGS = 2_000
"""Markings within which firing is tried first, for nets in CPN ML."""
FEW_VALUES, FEW_STEPS = 300, 10_000
"""Values of a place and steps within which such a net is then unfolded by its values."""


TIMED_MARKINGS_MAX = 100_000
"""Markings with the clock of a net in CPN ML; where there are more, time is left out."""


class Partial(Exception):
    """More can be reached than the limits allow; `reached` is what was seen of it."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(reached.limit)
        self.reached = reached


def unfolded(net: CompiledNet, limits: Limits) -> tuple[Unfolding, Page]:
    """Return the unfolding of a stand-alone net.

    Raises
    ------
    Exceeded
        An inscription fails, or hangs on what only a run can tell.
    Partial
        A limit was met.
    """
    _refuse_chance(net)
    fires = all(each.work is None for each in net.transitions)
    if fires and net.timeline is not None:
        reached = _reached(net, msgspec.structs.replace(limits, markings=FEW_MARKINGS))
        if not reached.limit:
            return _brought(net, limits, reached)
        limits_of_values = msgspec.structs.replace(
            limits, values=min(limits.values, FEW_VALUES), bindings=min(limits.bindings, FEW_STEPS)
        )
    else:
        limits_of_values = limits
    unfolding, page = _begun(net, limits_of_values)
    try:
        unfolding.close()
    except Exceeded as exceeded:
        if not fires:
            raise
        reached = _reached(net, limits)
        if reached.limit:
            reached.limit = f"{reached.limit}, and by values {exceeded}"
            raise Partial(reached) from None
        return _brought(net, limits, reached)
    return unfolding, page


def _begun(net: CompiledNet, limits: Limits) -> tuple[Unfolding, Page]:
    unfolding = Unfolding(limits)
    page = unfolding.page(net, "", list(range(len(net.places))), frozenset())
    unfolding.initial.update(unfolding.initial_fields(page, shared=False))
    return unfolding, page


def fired_with_time(net: CompiledNet, limits: Limits) -> Reached | None:
    """Return what a timed net in CPN ML can reach by the clock; None if that has no end.

    Raises
    ------
    Exceeded
        An inscription fails, or draws by chance.
    """
    works = any(each.work is not None for each in net.transitions)
    if net.timeline is None or works or not any(place.timed for place in net.places):
        return None
    _refuse_chance(net)
    few = msgspec.structs.replace(limits, markings=min(limits.markings, TIMED_MARKINGS_MAX))
    reached = _reached(net, few, timed=True)
    return None if reached.limit else reached


def _refuse_chance(net: CompiledNet) -> None:
    for each in net.transitions:
        if each.draws:
            raise Exceeded(f"transition {each.name!r} draws by chance")


def _reached(net: CompiledNet, limits: Limits, *, timed: bool = False) -> Reached:
    try:
        return reach(
            net, markings=limits.markings, arcs=limits.arcs, memory=limits.memory, timed=timed
        )
    except Invalid as invalid:
        raise Exceeded(f"an inscription fails: {invalid.faults[0].sentence()}") from invalid


def _brought(net: CompiledNet, limits: Limits, reached: Reached) -> tuple[Unfolding, Page]:
    """Return an unfolding with the steps that happened; their number has its own limit."""
    most = max(limits.bindings, len(reached.steps))
    values = max(limits.values, 2 * len(reached.steps))
    unfolding, page = _begun(net, msgspec.structs.replace(limits, bindings=most, values=values))
    for step in reached.steps:
        pre = Counter(unfolding.token_field(page, *token) for token in step.takes)
        post = Counter(unfolding.token_field(page, *token) for token in step.puts)
        name = net.transitions[step.transition].name
        unfolding.add(
            FlatTransition(
                label=step_label(net, step), elements=(name,), pre=dict(pre), post=dict(post)
            )
        )
    return unfolding, page


def step_label(net: CompiledNet, step: Step) -> str:
    """Return how a person reads a step: the transition and its variables."""
    name = net.transitions[step.transition].name
    shown = ", ".join(f"{variable}={value!r:.40}" for variable, value in step.variables)
    return f"{name}({shown})" if shown else name


def with_rules(unfolding: Unfolding, page: Page, net: CompiledNet) -> list[FlatTransition]:
    """Return the flat transitions with zero tests, emptied places and priorities.

    In a timed net priorities are left out, as time is: what goes first may not be ready.
    """
    flat = unfolding.transitions
    timed = any(place.timed for place in net.places)
    ranked = not timed and len({each.priority for each in net.transitions}) > 1
    if not ranked and not any(each.inhibits or each.resets for each in net.transitions):
        return flat
    numbers = {each.name: n for n, each in enumerate(net.transitions)}
    source = [net.transitions[numbers[each.elements[0]]] for each in flat]
    above: dict[int, frozenset[int]] = {
        priority: frozenset(n for n, each in enumerate(source) if each.priority > priority)
        for priority in {each.priority for each in source}
    }
    return [
        msgspec.structs.replace(
            each,
            zero=frozenset(unfolding.known_fields(page, frozenset(coloured.inhibits))),
            clears=frozenset(unfolding.known_fields(page, frozenset(coloured.resets))),
            yields=above[coloured.priority] if ranked else frozenset(),
        )
        for each, coloured in zip(flat, source, strict=True)
    ]
