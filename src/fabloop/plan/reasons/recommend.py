"""What would help: the least changes to product or factory, each verified by solving again.

How much is changed counts, not only how often; a change that serves several operations counts
once. Alternatives contain none of the answers before them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import inf

import msgspec

from fabloop.model.explanation import Option
from fabloop.model.plan import Exclusion, NotProducible
from fabloop.model.product import ConfiguredProduct
from fabloop.plan.engine import currency_of
from fabloop.plan.reasons.applied import has_pattern
from fabloop.plan.reasons.change import Change, World
from fabloop.plan.reasons.conflicts import every_conflict
from fabloop.plan.reasons.effects import Effect, Effects
from fabloop.plan.reasons.penalty import Penalties
from fabloop.plan.reasons.reach import Reach, units_of
from fabloop.plan.reasons.seats import Seats
from fabloop.plan.reasons.shared import Shared
from fabloop.plan.reasons.split import split
from fabloop.plan.reasons.upgrades import Answer, Upgrades
from fabloop.plan.statement.problem import Past, Problem, Setting
from fabloop.plan.statement.roads import Place

ALTERNATIVES_MAX = 4
"""Alternative recommendations of each kind, for the product and for the factory."""

ROUNDING = 1e-6
"""Prices that differ by less count as equal."""

TRIES_PER_ALTERNATIVE = 3
"""Answers looked at for each one told, where solving again does not confirm all of them."""


class Recommendation(msgspec.Struct, frozen=True):
    """Changes that make the product producible, and what its cheapest plan then takes."""

    answer: Answer
    effect: Effect

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes, the easiest first."""
        return self.answer.changes


def not_producible(
    product: ConfiguredProduct,
    setting: Setting,
    problem: Problem,
    exclusions: tuple[Exclusion, ...],
    past: Past | None = None,
    spent_minor: int = 0,
) -> NotProducible:
    """Return the minimal conflicts with verified options, the easiest and cheapest first.

    `spent_minor` is what the past has cost already; costs of options are totals.
    """
    world = World(product, setting)
    why = every_conflict(problem)
    return NotProducible(
        conflicts=tuple(each.reasons for each in why.conflicts),
        complete=why.complete,
        options=recommend(world, problem, past, spent_minor),
        exclusions=exclusions,
    )


def recommend(
    world: World, problem: Problem, past: Past | None = None, spent_minor: int = 0
) -> tuple[Option, ...]:
    """Return options that make the product producible, the easiest and cheapest first."""
    effects = Effects(problem, world, past)
    found = [
        *product_changes(world, problem, past, effects),
        *factory_changes(world, problem, past, effects),
    ]
    found = [
        msgspec.structs.replace(each, effect=effects.told(each.changes, each.effect))
        for each in found
    ]
    found += [] if past is not None else _in_lots(world, problem)
    found.sort(key=_rank)
    return tuple(_option(each, spent_minor, world) for each in found)


def _rank(each: Recommendation) -> tuple[float, int, list[tuple[str, str, str, str]]]:
    keys = [change.key for change in each.changes]
    return each.answer.price, each.effect.cost_minor, sorted(keys)


def _in_lots(world: World, problem: Problem) -> Iterator[Recommendation]:
    """Yield the making in several lots, one after the other, with what all of them take."""
    change = split(world, problem)
    if change is None:
        return
    lots, rest = divmod(world.setting.quantity, round(float(change.after or 1)))
    effects = [(lots, effect_of((change,), problem, world))]
    if rest:
        last = msgspec.structs.replace(change, after=rest)
        effects.append((1, effect_of((last,), problem, world)))
    told = [(count, each) for count, each in effects if each is not None]
    if len(told) == len(effects):
        effect = Effect(
            sum(count * each.cost_minor for count, each in told),
            sum(count * each.makespan_ns for count, each in told),
            sum(count * each.energy_j for count, each in told),
            sum(count * each.co2_kg for count, each in told),
        )
        yield Recommendation(_answer((change,)), effect)


def product_changes(
    world: World, problem: Problem, past: Past | None = None, effects: Effects | None = None
) -> tuple[Recommendation, ...]:
    """Return the least changes of the product that help; none where only a factory can change.

    With `effects` of the same problem what was solved for other changes is made use of.
    """
    seats = Seats(problem, Reach(problem.roads, units_of(problem)), None)
    return tuple(_confirmed(_of_product(seats), effects or Effects(problem, world, past)))


def factory_changes(
    world: World, problem: Problem, past: Past | None = None, effects: Effects | None = None
) -> tuple[Recommendation, ...]:
    """Return the least changes of work units, sites and ways that help."""
    units = units_of(problem)
    for unit in world.setting.network.work_units().values():
        units.setdefault(unit.id, Place(unit.site, unit.area, unit.id))
    seats = Seats(problem, Reach(problem.roads, units), world)
    return tuple(_confirmed(_of_factory(seats), effects or Effects(problem, world, past)))


def _confirmed(answers: Iterator[Answer], effects: Effects) -> Iterator[Recommendation]:
    """Yield the answers that hold when all is matched and solved again with the changes made."""
    told = 0
    for answer in islice(answers, TRIES_PER_ALTERNATIVE * ALTERNATIVES_MAX):
        effect = effects.of(answer.changes)
        if effect is not None:
            told += 1
            yield Recommendation(answer, effect)
        if told == ALTERNATIVES_MAX:
            return


def _of_product(seats: Seats) -> Iterator[Answer]:
    """Yield the least changes of the product, by solving the tree."""
    for changes in Penalties(seats).answers():
        yield _answer(changes)


def _of_factory(seats: Seats) -> Iterator[Answer]:
    """Yield least changes as far as conflicts teach them, else those found that share most."""
    search = Upgrades(seats)
    found: list[Answer] = []
    while True:
        answer = search.next()
        if answer is None or not answer.changes:
            break
        found.append(answer)
        yield answer
    if not search.gave_up:
        return
    for changes in Shared(seats).answers():
        if not any(_contains(changes, each.changes) for each in found):
            answer = _answer(changes, search.floor)
            found.append(answer)
            yield answer


def _answer(changes: Sequence[Change], floor: float = inf) -> Answer:
    """Return the changes, the easiest first; none are worth less than the floor."""
    easiest_first = tuple(sorted(changes, key=lambda each: (each.price, each.key)))
    price = round(sum(each.price for each in changes), 9)
    return Answer(easiest_first, price, price <= floor + ROUNDING, min(floor, price))


def _contains(changes: Sequence[Change], others: Sequence[Change]) -> bool:
    levels = {each.key: each.level for each in changes}
    return all(levels.get(each.key, float("-inf")) >= each.level for each in others)


def effect_of(
    changes: Sequence[Change], problem: Problem, world: World, past: Past | None = None
) -> Effect | None:
    """Return what the cheapest plan takes after the changes; None where there is none."""
    return Effects(problem, world, past).of(changes)


def _option(each: Recommendation, spent_minor: int, world: World) -> Option:
    """Return the first change with the others beside it; figures without ground are left out."""
    first, *others = each.changes
    grounded = all(has_pattern(change, world.setting.network) for change in each.changes)
    effect = each.effect
    return msgspec.structs.replace(
        first.option(),
        cost_minor=spent_minor + effect.cost_minor if grounded else None,
        currency=currency_of(world.setting.network),
        makespan_ns=effect.makespan_ns if grounded else None,
        energy_j=effect.energy_j if grounded else None,
        co2_kg=effect.co2_kg if grounded else None,
        verified=True,
        least=each.answer.proven,
        least_share=None if each.answer.proven else each.answer.floor / each.answer.price,
        also=tuple(change.option() for change in others),
    )
