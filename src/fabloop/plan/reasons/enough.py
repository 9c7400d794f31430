"""Whether changes suffice, asked again and again with little changed; needless ones are dropped."""

from collections.abc import Callable, Collection, Iterable, Mapping

from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.flow import Flow
from fabloop.plan.reasons.reach import Frame, Reach
from fabloop.plan.reasons.seats import WAYS

Chosen = Mapping[Key, Change]


class Enough:
    """Tells whether the product can be made with some changes.

    `able` tells who can do a job with changes, `jobs_of` which jobs a change may matter for, and
    `reach_with` where work pieces then get to.
    """

    def __init__(
        self,
        frame: Frame,
        able: Callable[[int, Chosen], int],
        jobs_of: Callable[[Change], Iterable[int]],
        reach_with: Callable[[Chosen], Reach],
    ) -> None:
        self._frame = frame
        self._able = able
        self._jobs_of = jobs_of
        self._reach_with = reach_with
        self._last: dict[Key, Change] = {}
        self._flow: Flow | None = None

    def is_enough(self, chosen: Chosen) -> bool:
        """Tell whether the product can be made with these changes and no others."""
        if self._flow is None:
            jobs = range(len(self._frame.feeds))
            reach = self._reach_with(chosen)
            self._flow = Flow(self._frame, lambda each: self._able(each, chosen), jobs, reach)
        else:
            if _ways(chosen) != _ways(self._last):
                self._flow.over(self._reach_with(chosen))
            for number in self._moved(chosen):
                self._flow.allow(number, self._able(number, chosen))
        self._last = dict(chosen)
        return self._flow.broken() is None

    def _moved(self, chosen: Chosen) -> Collection[int]:
        """Return the jobs for which anything may be different from the last time."""
        moved: set[int] = set()
        for key in (*chosen, *self._last):
            new, old = chosen.get(key), self._last.get(key)
            if new is not old:
                for each in (new, old):
                    moved.update(() if each is None else self._jobs_of(each))
        return moved

    def lowered(
        self, chosen: Chosen, amounts: Mapping[Key, Mapping[float, Change]]
    ) -> tuple[Change, ...]:
        """Return the changes with each amount as small as it may be, needless ones left out."""
        kept = dict(chosen)
        for key in _hardest_first(chosen.values()):
            rest = {other: each for other, each in kept.items() if other != key}
            if self.is_enough(rest):
                kept = rest
                continue
            for _, change in sorted(amounts.get(key, {}).items()):
                if change.level >= kept[key].level:
                    break
                if self.is_enough({**rest, key: change}):
                    kept[key] = change
                    break
        return tuple(sorted(kept.values(), key=lambda each: (each.price, each.key)))


def _ways(chosen: Chosen) -> frozenset[Key]:
    return frozenset(key for key in chosen if key[0] in WAYS)


def _hardest_first(changes: Iterable[Change]) -> list[Key]:
    return [each.key for each in sorted(changes, key=lambda each: (-each.price, each.key))]
