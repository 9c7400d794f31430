"""Which steps of a plan decide its finish, what each waits for, and how much time others have."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from graphlib import TopologicalSorter
from itertools import pairwise

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId
from fabloop.model.plan import MovementKind, Plan
from fabloop.model.product import ConfiguredProduct


class Wait(StrEnum):
    """Why something in a plan starts no earlier."""

    INPUT = "input"
    """The piece it takes is not there before."""
    RESOURCE = "resource"
    """The work unit or vehicle does something else before."""
    OTHER = "other"
    """Neither: the plan begins then, or hours, tools, persons or other orders stand before it."""


class Key(msgspec.Struct, frozen=True, order=True):
    """A step (`taken_by` is empty), or one leg of the way from a step to the one that takes it."""

    operation: OperationId
    taken_by: str = ""
    leg: int = 0


class Link(msgspec.Struct, frozen=True):
    """One piece of the critical path: its span, and what it waits for."""

    key: Key
    start: Instant
    end: Instant
    waits_for: Wait


class Criticality(msgspec.Struct, frozen=True):
    """What decides the finish of a plan.

    Attributes
    ----------
    path : what ends last, what that waited for, and so on, in order of time
    slack_ns : for each step and leg, by how much it may be late before the finish is, with
        everything after it as early as its inputs and resources allow; what only `Wait.OTHER`
        holds back counts as if it could move freely
    """

    path: tuple[Link, ...]
    slack_ns: dict[Key, int]

    def is_critical(self, key: Key) -> bool:
        """Tell whether a delay of this step or leg delays the finish."""
        return self.slack_ns[key] == 0


class _Activity(msgspec.Struct, frozen=True):
    key: Key
    start: Instant
    end: Instant
    resource: str


def criticality(plan: Plan, product: ConfiguredProduct) -> Criticality:
    """Return the critical path of a plan and the slack of everything in it.

    Notes
    -----
    Total float of the critical path method (Kelley and Walker, 1959), on the graph of inputs
    and of neighbours on a resource, as a plan orders them.
    """
    activities = {each.key: each for each in _activities(plan)}
    causes = _causes(plan, product, activities)
    latest = _latest(activities, causes)
    slack = {key: latest[key] - each.end for key, each in activities.items()}
    return Criticality(tuple(_path(activities, causes)), slack)


def _activities(plan: Plan) -> Iterator[_Activity]:
    for step in plan.steps:
        yield _Activity(Key(step.operation), step.start, step.end, str(step.work_unit))
    for leg in plan.movements:
        # A carrier between sites does not contend: each shipment is a resource of its own.
        inside = leg.kind is MovementKind.TRANSPORT
        resource = leg.by if inside else f"{leg.by}/{leg.made_by}/{leg.taken_by}/{leg.leg}"
        key = Key(leg.made_by, leg.taken_by, leg.leg)
        yield _Activity(key, leg.start, leg.end, resource)


Causes = dict[Key, dict[Key, Wait]]


def _causes(plan: Plan, product: ConfiguredProduct, activities: dict[Key, _Activity]) -> Causes:
    """Return what each activity follows: the way of its inputs, and its resource's work before."""
    causes: Causes = {key: {} for key in activities}
    for cause, effect in _inputs(plan, product):
        causes[effect][cause] = Wait.INPUT
    by_resource: dict[str, list[_Activity]] = {}
    for each in activities.values():
        if each.end > each.start:  # what takes no time holds nobody up
            by_resource.setdefault(each.resource, []).append(each)
    for row in by_resource.values():
        row.sort(key=lambda each: (each.start, each.end))
        for before, after in pairwise(row):
            if before.end <= after.start:
                causes[after.key].setdefault(before.key, Wait.RESOURCE)
    return causes


def _inputs(plan: Plan, product: ConfiguredProduct) -> Iterator[tuple[Key, Key]]:
    """Yield what follows what on the way of each piece."""
    legs: dict[tuple[str, str], list[Key]] = {}
    for leg in plan.movements:
        key = Key(leg.made_by, leg.taken_by, leg.leg)
        legs.setdefault((leg.made_by, leg.taken_by), []).append(key)
    planned = {step.operation for step in plan.steps}
    for operation in product.operations:
        for made_by in operation.inputs:
            if {made_by, operation.id} <= planned:
                way = sorted(legs.get((made_by, operation.id), ()), key=lambda each: each.leg)
                yield from pairwise([Key(made_by), *way, Key(operation.id)])


def _latest(activities: dict[Key, _Activity], causes: Causes) -> dict[Key, int]:
    """Return when each activity may end at the latest without moving the finish."""
    finish = max(each.end for each in activities.values())
    latest: dict[Key, int] = dict.fromkeys(activities, finish)
    order: Sequence[Key] = tuple(TopologicalSorter(causes).static_order())
    for key in reversed(order):
        each = activities[key]
        begin = latest[key] - (each.end - each.start)
        for cause in causes[key]:
            latest[cause] = min(latest[cause], begin)
    return latest


def _path(activities: dict[Key, _Activity], causes: Causes) -> list[Link]:
    """Return the chain that leads to the finish, each link as early as the one before lets it."""
    here = max(activities.values(), key=lambda each: (each.end, each.start, each.key))
    links: list[Link] = []
    while True:
        before = causes[here.key]
        late = max(
            before, key=lambda key: (activities[key].end, before[key] is Wait.INPUT), default=None
        )
        held = late is not None and activities[late].end >= here.start
        wait = before[late] if late is not None and held else Wait.OTHER
        links.append(Link(here.key, here.start, here.end, wait))
        if late is None:
            return links[::-1]
        here = activities[late]
