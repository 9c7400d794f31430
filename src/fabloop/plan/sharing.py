"""Share out stock between orders that are planned together, so that no piece is drawn twice."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from fabloop.model.ids import MaterialId, SiteId
from fabloop.model.order import ProductionOrder
from fabloop.model.site import Network
from fabloop.plan.statement.materials import NEVER_AT, Materials
from fabloop.plan.statement.problem import ABSENT, Problem, Setting, problem_of

Key = tuple[SiteId, MaterialId]
Choose = Callable[[Problem], tuple[int, ...] | None]
"""Returns the best choices for an order alone; None where it cannot be made."""


class Stated(msgspec.Struct, frozen=True):
    """An order with its problem as if it were alone, and with what the others leave of the stock.

    `problem` is None where they leave too little; `setting` is what it was stated with then.
    """

    order: ProductionOrder
    setting: Setting
    whole: Problem
    problem: Problem | None


def shared_out(stated: Sequence[Stated], choose: Choose) -> list[Stated]:
    """Return the orders with stock shared out where it is short: first due, first served.

    An order is given what its best choices alone would draw. Those for which nothing is left then
    are served first in a second try, which counts if fewer are left without.
    """
    short = _short(stated)
    if not short:
        return list(stated)
    rank = sorted(
        range(len(stated)),
        key=lambda it: (stated[it].order.due_at, -stated[it].order.priority, stated[it].order.id),
    )
    first = _served(stated, rank, short, choose)
    without = [number for number in rank if first[number].problem is None]
    if not without:
        return first
    again = [*without, *(number for number in rank if number not in without)]
    second = _served(stated, again, short, choose)
    left = sum(each.problem is None for each in second)
    return second if left < len(without) else first


def _served(
    stated: Sequence[Stated], rank: Sequence[int], short: Mapping[Key, int], choose: Choose
) -> list[Stated]:
    drawn: dict[Key, int] = dict.fromkeys(short, 0)
    found = list(stated)
    for number in rank:
        each = stated[number]
        setting = _claiming(each.setting, drawn)
        problem = problem_of(each.order.product, setting)
        choice = choose(problem)
        if choice is None:
            found[number] = msgspec.structs.replace(each, setting=setting, problem=None)
            continue
        mine = {key: pieces for key, pieces in _draws(problem, choice).items() if key in short}
        # What it does not draw where it would best be made, the orders after it may draw.
        others = {key: drawn[key] if key in mine else short[key] for key in short}
        setting = _claiming(each.setting, others)
        problem = problem_of(each.order.product, setting)
        found[number] = msgspec.structs.replace(each, setting=setting, problem=problem)
        for key, pieces in mine.items():
            drawn[key] = min(short[key], drawn[key] + pieces)
    return found


def _claiming(setting: Setting, drawn: Mapping[Key, int]) -> Setting:
    claimed = {key: setting.claimed.get(key, 0) + drawn.get(key, 0) for key in drawn}
    return msgspec.structs.replace(setting, claimed={**setting.claimed, **claimed})


def _materials(problem: Problem) -> Materials | None:
    return None if problem.charges is None else problem.charges.materials


def _short(stated: Iterable[Stated]) -> dict[Key, int]:
    """Return the stock, with all its pieces, that is not there at once for all who may want it."""
    wanted: dict[Key, int] = defaultdict(int)
    orders: dict[Key, int] = defaultdict(int)
    stock: dict[Key, int] = {}
    ready: dict[Key, int] = {}
    for each in stated:
        materials = _materials(each.whole)
        for name, pieces in _wanted(materials).items():
            for key, in_all, at_once in _stocks(each.setting, name):
                wanted[key] += pieces
                orders[key] += 1
                stock[key], ready[key] = in_all, at_once
    return {key: stock[key] for key in wanted if orders[key] > 1 and wanted[key] > ready[key]}


def _stocks(setting: Setting, name: MaterialId) -> Iterable[tuple[Key, int, int]]:
    """Yield the sites that hold the material: how many pieces in all, and how many now."""
    for site in setting.network.sites.values():
        entries = [each for each in site.stock if each.material == name]
        if entries:
            now = sum(each.quantity for each in entries if each.available_at <= setting.origin)
            yield (site.id, name), sum(each.quantity for each in entries), now


def _wanted(materials: Materials | None) -> dict[MaterialId, int]:
    found: dict[MaterialId, int] = defaultdict(int)
    for row in materials.needs.values() if materials else ():
        for need in row:
            found[need.material.id] += need.pieces
    return found


def _draws(problem: Problem, choice: Sequence[int]) -> dict[Key, int]:
    """Return what the choices want of the stock of their sites, and draw of that of others."""
    materials, found = _materials(problem), defaultdict[Key, int](int)
    for job, pick in zip(problem.jobs, choice, strict=True):
        if materials is None or pick == ABSENT:
            continue
        site, operation = job.candidates[pick].place.site, job.operation.id
        for need in materials.needs.get(operation, ()):
            found[site, need.material.id] += need.pieces
        for each in materials.taken(operation, site, NEVER_AT):
            if each.freight is not None and not each.supplier:
                found[each.freight.origin, each.material] += each.pieces
    return found


def never_enough(stated: Sequence[Stated], network: Network) -> bool:
    """Tell whether all stock together is too little of a material that nobody sells."""
    wanted: dict[MaterialId, int] = defaultdict(int)
    sold: set[MaterialId] = set()
    for each in stated:
        materials = _materials(each.whole)
        for row in materials.needs.values() if materials else ():
            sold.update(need.material.id for need in row if need.material.supply)
        if each.order.product.alternatives:
            continue
        for name, pieces in _wanted(materials).items():
            wanted[name] += pieces
    return any(
        pieces
        > sum(
            each.quantity
            for site in network.sites.values()
            for each in site.stock
            if each.material == name
        )
        for name, pieces in wanted.items()
        if name not in sold
    )
