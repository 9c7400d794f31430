"""Which requests are made together: of one recipe, up to a size, before one waits too long."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be made: how much of which recipe, and since when it waits."""

    id: str
    recipe: str
    size: int
    since: Instant


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How large a batch gets, and how long its first request waits for others at most."""

    capacity: int
    wait_ns: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that are made together; `due` is when their time of waiting is over."""

    recipe: str
    requests: tuple[Request, ...]
    full: bool
    due: Instant

    @property
    def size(self) -> int:
        """How much it is."""
        return sum(each.size for each in self.requests)


def batches(waiting: Iterable[Request], policy: Policy) -> tuple[Batch, ...]:
    """Return the batches that waiting requests make up, first come first served.

    A request goes into the oldest batch of its recipe that has room; a batch is full when nothing
    fits any more or when a later batch of its recipe had to be begun. Sizes never exceed the
    capacity, and every request is in exactly one batch.

    Raises
    ------
    Invalid
        A request is larger than the capacity: it has to be split before.
    """
    by_recipe: dict[str, list[list[Request]]] = {}
    for each in sorted(waiting, key=lambda request: (request.since, request.id)):
        if not 0 < each.size <= policy.capacity:
            raise Invalid(_fault(each, policy))
        groups = by_recipe.setdefault(each.recipe, [])
        for group in groups:
            if _size(group) + each.size <= policy.capacity:
                group.append(each)
                break
        else:
            groups.append([each])
    found = [
        Batch(
            recipe=recipe,
            requests=tuple(group),
            full=_size(group) == policy.capacity or number < len(groups) - 1,
            due=Instant(group[0].since + policy.wait_ns),
        )
        for recipe, groups in by_recipe.items()
        for number, group in enumerate(groups)
    ]
    return tuple(sorted(found, key=lambda each: (each.due, each.requests[0].id)))


def closing(found: Sequence[Batch], now: Instant) -> tuple[Batch, ...]:
    """Return the batches that begin now: full ones, and those that have waited long enough."""
    return tuple(each for each in found if each.full or each.due <= now)


def _size(group: Sequence[Request]) -> int:
    return sum(each.size for each in group)


def _fault(request: Request, policy: Policy) -> Fault:
    return Fault(
        source="batching",
        path=f"request '{request.id}'",
        expected=f"a size of 1 to {policy.capacity}",
        found=str(request.size),
        hint="Split it into several requests.",
    )
