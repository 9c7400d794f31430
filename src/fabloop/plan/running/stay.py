"""The best choices that change few work units of an earlier plan: exact, over an in-tree.

The recursion of `tree` with one more number: how many changes there are so far. One edge stays one
array operation, for all counts at once.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.plan.running.gaps import Ends
from fabloop.plan.statement.layout import Bools, Floats, Moves, Spots
from fabloop.plan.statement.problem import ABSENT
from fabloop.plan.tree import Tables, best_maker, optimum

CHANGES_MAX = 200
"""Changes that are counted one by one; a plan that needs more is not held to a number."""


class Stay(msgspec.Struct, frozen=True):
    """The best value with at most some changes, and for each job the number of its candidate."""

    value: float
    choice: tuple[int, ...]
    changes: int


def changed_of(tables: Tables, before: Sequence[int | None]) -> list[Bools]:
    """Return, per job, which choices are not what the earlier plan had."""
    changed = []
    for node, was in zip(tables.nodes, before, strict=True):
        row = np.ones(len(node), dtype=np.bool_)
        if was is not None:
            row[was] = False
        changed.append(row)
    return changed


def fewest_changes(tables: Tables, before: Sequence[int | None]) -> Stay | None:
    """Return the best of the choices that change as little as any can; None where there is none.

    For additive measures only: a change is made dearer than everything else together.
    """
    assert tables.adds, "a price is added"
    changed = changed_of(tables, before)
    price = _dearest(tables)
    nodes = tuple(node + price * row for node, row in zip(tables.nodes, changed, strict=True))
    found = optimum(msgspec.structs.replace(tables, nodes=nodes))
    if found is None:
        return None
    changes = _count(changed, found.choice)
    return Stay(found.value - price * changes, found.choice, changes)


def _dearest(tables: Tables) -> float:
    """Return more than any plan takes in all."""
    jobs = sum(float(_finite(node).max(initial=0.0)) for node in tables.nodes)
    link = float(_finite(tables.moves.link).max(initial=0.0))
    lane = float(_finite(tables.moves.lane).max(initial=0.0))
    return 1.0 + jobs + len(tables.nodes) * (2.0 * link + lane)


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def best_staying(
    tables: Tables, before: Sequence[int | None], changes_max: int, ends: Ends | None = None
) -> Stay | None:
    """Return the best choice that changes at most so many jobs; None where there is none.

    `before` is each job's candidate in the earlier plan, None where that one is out. Where finishes
    count, `ends` tells them beside what others take of the work units.
    """
    if not tables.nodes:
        return Stay(0.0, (), 0)
    changed = changed_of(tables, before)
    best, sent = _counted(tables, changed, changes_max, ends)
    last = best[-1][-1]
    if not np.isfinite(last.min(initial=np.inf)):
        return None
    return _traced(tables, changed, best, sent)


def _counted(
    tables: Tables, changed: Sequence[Bools], most: int, ends_of: Ends | None
) -> tuple[list[Floats], dict[tuple[int, int], Floats]]:
    """Return, per job, the best value up to it by changes allowed and choice, (most + 1, n).

    The second answer is what each maker contributes to each of its takers, likewise.
    """
    best: list[Floats] = []
    sent: dict[tuple[int, int], Floats] = {}
    for job, node in enumerate(tables.nodes):
        arrival: Floats = np.broadcast_to(tables.ready[job], (most + 1, len(node)))
        for makers in tables.feeds(job):
            for each in makers:
                sent[each, job] = _sent(tables, best[each], each, job)
            ends = np.min([sent[each, job] for each in makers], axis=0)
            arrival = _joined(arrival, ends, adds=tables.adds)
        here = arrival + node if ends_of is None else ends_of(job, arrival, node)
        shifted = np.full_like(here, np.inf)
        shifted[1:] = here[:-1]
        best.append(np.where(changed[job], shifted, here))
    return best, sent


def _sent(tables: Tables, value: Floats, child: int, job: int) -> Floats:
    return messages(value, tables.spots[child], tables.spots[job], tables.moves)


def _joined(first: Floats, second: Floats, *, adds: bool) -> Floats:
    """Return the best of all ways to divide the changes between two branches."""
    if np.array_equal(first[0], first[-1]):
        return first + second if adds else np.maximum(first, second)
    found = np.full_like(first, np.inf)
    for count in range(len(first)):
        one, other = first[: count + 1], second[count::-1]
        both = one + other if adds else np.maximum(one, other)
        found[count] = both.min(axis=0)
    return found


def _traced(
    tables: Tables,
    changed: Sequence[Bools],
    best: Sequence[Floats],
    sent: dict[tuple[int, int], Floats],
) -> Stay:
    """Return one best choice; of equally good ones, one with fewest changes."""
    value = best[-1][-1].min()
    allowed = [0] * len(best)
    choice = [ABSENT] * len(best)
    allowed[-1] = _fewest(best[-1].min(axis=1), value)
    choice[-1] = int(best[-1][allowed[-1]].argmin())
    for job in range(len(best) - 1, -1, -1):
        pick = choice[job]
        if pick == ABSENT:
            continue
        left = allowed[job] - int(changed[job][pick])
        feeds = [
            {each: sent[each, job][:, pick] for each in makers} for makers in tables.feeds(job)
        ]
        rows = [np.min(list(each.values()), axis=0) for each in feeds]
        shares = _shares(rows, left, float(tables.ready[job][pick]), adds=tables.adds)
        for each, share in zip(feeds, shares, strict=True):
            maker = _best_of(each, share)
            allowed[maker] = share
            choice[maker] = best_maker(tables, best[maker][share], maker, job, pick)
    return Stay(float(value), tuple(choice), _count(changed, choice))


def _best_of(sent: dict[int, Floats], share: int) -> int:
    """Return which of the makers of an input gives the least with so many changes."""
    return min(sent, key=lambda maker: float(sent[maker][share]))


def _count(changed: Sequence[Bools], choice: Sequence[int]) -> int:
    """Return how many of the jobs that are carried out are changed."""
    pairs = zip(changed, choice, strict=True)
    return sum(int(row[pick]) for row, pick in pairs if pick != ABSENT)


def _fewest(values: Floats, value: float) -> int:
    """Return how few changes give this value."""
    return int(np.flatnonzero(values <= value)[0])


def _shares(rows: Sequence[Floats], left: int, ready: float, *, adds: bool) -> list[int]:
    """Return how the changes left are divided among the children, few where that is as good."""
    if not rows:
        return []
    join = np.add if adds else np.maximum
    heads = [np.full(left + 1, ready)]
    for row in rows:
        heads.append(_joined(heads[-1][:, None], row[: left + 1, None], adds=adds)[:, 0])
    shares = []
    for number in range(len(rows) - 1, -1, -1):
        splits = join(heads[number][left::-1], rows[number][: left + 1])
        share = _fewest(splits, float(splits.min()))
        shares.append(share)
        left -= share
    return shares[::-1]


def messages(value: Floats, start: Spots, end: Spots, moves: Moves) -> Floats:
    """Return ``min over starts of value + movement`` for each row and end; see `message`."""
    between = moves.between(start.layout, end.layout)
    rows = len(value)
    full = np.full((rows, start.layout.count + 1), np.inf)
    full[:, start.slot] = value
    cells = np.minimum.reduceat(full, start.layout.starts, axis=1)[:, start.layout.groups]
    gate = (cells + between.out).min(axis=2, initial=np.inf)
    arrive = (gate[:, :, None] + between.lane).min(axis=1, initial=np.inf)
    reach = arrive[:, :, None] + between.into
    if len(between.here):
        inside = (cells[:, between.here][:, :, :, None] + between.link).min(axis=2)
        reach[:, between.there] = np.minimum(reach[:, between.there], inside)
    found: Floats = reach.reshape(rows, -1)[:, end.cell]
    if between.same is not None:
        np.minimum(found, full[:, between.same[end.slot]], out=found)
    return found
