"""Laws of planning: more capability is never worse, and names and orders mean nothing."""

from itertools import count
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.model.ids import SkillId, WorkUnitId
from fabloop.model.plan import Producible
from fabloop.model.site import Network
from fabloop.model.skill import Choices, LiveRating, Rating, SkillVocabulary, Span
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.engine import is_possible_now, least
from fabloop.plan.producible import check
from fabloop.plan.quick import quick_plan
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from plan.instances import NAMES, NOW, lane, link, offer, random_instance, tpe, unit, vocabulary
from plan.test_alternatives import with_alternatives

SEEDS = st.integers(0, 1_000_000)
replace = msgspec.structs.replace


def drawn(seed, **sizes):
    order, network, kpis = random_instance(seed, **sizes)
    return with_alternatives(order, seed, count=seed % 3), network, kpis


def stated(order, network, kpis, words=None):
    words = words or vocabulary()
    return problem_of(order.product, Setting(network, words, kpis, NOW, NOW))


def with_site(network, name, **changes):
    sites = {**network.sites, name: replace(network.sites[name], **changes)}
    return replace(network, sites=sites)


def another_unit(roll, order, network, kpis):
    at = network.sites[roll.choice(list(network.sites))]
    skills = roll.sample(NAMES, 2)
    new = unit("zz-new", at.id, roll.choice(["hall", "gate", "yard"]), *map(offer, skills), rate=60)
    value = tpe("zz-new", 5e-6)
    where = roll.randint(0, len(at.work_units))
    units = (*at.work_units[:where], new, *at.work_units[where:])
    more = with_site(network, at.id, work_units=units)
    return order, more, {**kpis, (value.work_unit, value.kpi): value}


def another_offer(roll, order, network, kpis):
    at = network.sites[roll.choice(list(network.sites))]
    chosen = roll.choice(at.work_units)
    new = offer(roll.choice(NAMES), size=0.5, monitored=False)
    offers = [*chosen.offers]
    offers.insert(roll.randint(0, len(offers)), new)
    units = tuple(
        replace(each, offers=tuple(offers)) if each is chosen else each for each in at.work_units
    )
    return order, with_site(network, at.id, work_units=units), kpis


def a_looser_offer(roll, order, network, kpis):
    at = network.sites[roll.choice(list(network.sites))]

    def looser(given):
        values = {**given.values}
        values["size"] = Span(low=None, high=roll.choice([0.5, None]))
        values["material"] = Choices(values=("steel", "aluminium", "brass"))
        return replace(given, values=values)

    units = tuple(replace(each, offers=tuple(map(looser, each.offers))) for each in at.work_units)
    return order, with_site(network, at.id, work_units=units), kpis


def a_finer_machine(roll, order, network, kpis):
    slot = roll.choice(sorted(kpis))
    finer = tpe(slot[0], kpis[slot].value * roll.choice([0.2, 0.7]))
    return order, network, {**kpis, slot: finer}


def another_way(roll, order, network, kpis):
    if roll.random() < 0.5:
        sites = list(network.sites)
        new = lane(roll.choice(sites), roll.choice(sites), cost=roll.randint(1, 900), name="zz")
        return order, replace(network, lanes=(*network.lanes, new)), kpis
    at = network.sites[roll.choice(list(network.sites))]
    ends = roll.choices(["hall", "gate", "yard"], k=2)
    new = link(*ends, f"{at.id}agv", minutes=roll.randint(0, 3), cost=roll.randint(0, 20))
    return order, with_site(network, at.id, transport=(*at.transport, new)), kpis


def a_lower_demand(roll, order, network, kpis):
    operations = list(order.product.operations)
    place = roll.randrange(len(operations))
    needed = operations[place].requirement
    kept = {name: needed.constraints[name] for name in list(needed.constraints)[1:]}
    operations[place] = replace(operations[place], requirement=replace(needed, constraints=kept))
    return (
        replace(order, product=replace(order.product, operations=tuple(operations))),
        network,
        kpis,
    )


GROWING = [
    another_unit,
    another_offer,
    a_looser_offer,
    a_finer_machine,
    another_way,
    a_lower_demand,
]


@pytest.mark.parametrize("grow", GROWING)
@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_more_capability_never_makes_anything_worse(grow, seed):
    before = drawn(seed, sites=2, units=3)
    after = grow(Random(seed), *before)
    less, more = stated(*before), stated(*after)
    if is_possible_now(less):
        assert is_possible_now(more)
        for objective in Objective:
            assert least(more, objective) <= least(less, objective) * (1 + 1e-12)
    old = Surveyor(Plant(before[1], vocabulary(), before[2]), NOW).where(before[0].product)
    new = Surveyor(Plant(after[1], vocabulary(), after[2]), NOW).where(after[0].product)
    assert set(old.alone) <= set(new.alone)
    assert set(old.taking_part) <= set(new.taking_part)
    if old.fewest is not None:
        assert len(new.fewest.sites) <= len(old.fewest.sites)


def shuffled(roll, items):
    items = list(items)
    roll.shuffle(items)
    return items


class Renamed:
    """The same order, network, vocabulary and values under other names, in another order."""

    def __init__(self, seed, order, network, kpis):
        self._roll = Random(seed)
        self._names, self._next = {}, count()
        self._free = shuffled(self._roll, range(10_000))
        self.network = Network(
            sites={
                self.name(each): self._site(network.sites[each])
                for each in self._mixed(network.sites)
            },
            lanes=tuple(
                replace(
                    each,
                    id=self.name(each.id),
                    carrier=self.name(each.carrier),
                    origin=self.name(each.origin),
                    destination=self.name(each.destination),
                )
                for each in self._mixed(network.lanes)
            ),
        )
        values = [
            replace(each, work_unit=self.name(each.work_unit), kpi=self.name(each.kpi))
            for each in self._mixed(kpis.values())
        ]
        self.kpis = {(each.work_unit, each.kpi): each for each in values}
        words = vocabulary().skills
        self.words = SkillVocabulary(
            skills={self.name(each): self._skill(words[each]) for each in self._mixed(words)}
        )
        self.order = replace(order, product=self._product(order.product))

    def name(self, old):
        if str(old) not in self._names:
            self._names[str(old)] = f"n{self._free[next(self._next)]}"
        return self._names[str(old)]

    def _mixed(self, items):
        return shuffled(self._roll, items)

    def _site(self, site):
        return replace(
            site,
            id=self.name(site.id),
            gate=self.name(site.gate),
            areas={self.name(each): "" for each in self._mixed(site.areas)},
            work_units=tuple(self._unit(each) for each in self._mixed(site.work_units)),
            transport=tuple(self._link(each) for each in self._mixed(site.transport)),
        )

    def _unit(self, unit_):
        return replace(
            unit_,
            id=self.name(unit_.id),
            site=self.name(unit_.site),
            area=self.name(unit_.area),
            offers=tuple(self._offer(each) for each in self._mixed(unit_.offers)),
        )

    def _offer(self, offer_):
        values = {
            self.name(each): self._value(offer_.values[each]) for each in self._mixed(offer_.values)
        }
        return replace(offer_, skill=self.name(offer_.skill), values=values)

    def _value(self, value):
        match value:
            case Choices():
                return Choices(values=tuple(self.name(each) for each in self._mixed(value.values)))
            case LiveRating():
                return replace(value, kpi=self.name(value.kpi))
            case Span() | Rating():
                return value

    def _link(self, link_):
        ends = [self.name(link_.origin), self.name(link_.destination)]
        self._roll.shuffle(ends)
        return replace(link_, by=self.name(link_.by), origin=ends[0], destination=ends[1])

    def _skill(self, skill):
        return replace(
            skill,
            id=self.name(skill.id),
            broader=None if skill.broader is None else self.name(skill.broader),
            parameters=tuple(
                replace(each, name=self.name(each.name)) for each in self._mixed(skill.parameters)
            ),
        )

    def _product(self, it):
        return replace(
            it,
            operations=tuple(self._operation(each) for each in self._mixed(it.operations)),
            alternatives=tuple(
                replace(
                    each,
                    id=self.name(each.id),
                    options=tuple(
                        replace(
                            option,
                            id=self.name(f"{each.id}/{option.id}"),
                            operations=tuple(self.name(op) for op in option.operations),
                        )
                        for option in self._mixed(each.options)
                    ),
                )
                for each in self._mixed(it.alternatives)
            ),
        )

    def _operation(self, operation):
        needed = operation.requirement
        constraints = {
            self.name(each): self.name(needed.constraints[each])
            if isinstance(needed.constraints[each], str)
            else needed.constraints[each]
            for each in self._mixed(needed.constraints)
        }
        return replace(
            operation,
            id=self.name(operation.id),
            inputs=tuple(self.name(each) for each in self._mixed(operation.inputs)),
            requirement=replace(needed, skill=self.name(needed.skill), constraints=constraints),
        )


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, other=SEEDS)
def test_values_do_not_depend_on_names_and_orders(seed, other):
    order, network, kpis = drawn(seed, sites=2, units=3)
    renamed = Renamed(other, order, network, kpis)
    one = stated(order, network, kpis)
    two = stated(renamed.order, renamed.network, renamed.kpis, renamed.words)
    assert is_possible_now(one) == is_possible_now(two)
    if is_possible_now(one):
        for objective in Objective:
            assert least(two, objective) == pytest.approx(least(one, objective), rel=1e-12)
    here = Surveyor(Plant(network, vocabulary(), kpis), NOW).where(order.product)
    there = Surveyor(Plant(renamed.network, renamed.words, renamed.kpis), NOW).where(
        renamed.order.product
    )
    assert {renamed.name(each) for each in here.alone} == set(there.alone)
    assert {renamed.name(each) for each in here.taking_part} == set(there.taking_part)
    assert {
        renamed.name(step): {renamed.name(each) for each in units}
        for step, units in here.steps.items()
    } == {step: set(units) for step, units in there.steps.items()}
    if here.fewest is not None:
        assert len(here.fewest.sites) == len(there.fewest.sites)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, other=SEEDS)
def test_the_cheapest_plan_costs_the_same_under_other_names_and_orders(seed, other):
    order, network, kpis = drawn(seed, sites=2, units=3)
    renamed = Renamed(other, order, network, kpis)
    one = check(order, network, vocabulary(), kpis, NOW, plans_max=1)
    two = check(renamed.order, renamed.network, renamed.words, renamed.kpis, NOW, plans_max=1)
    assert type(one) is type(two)
    if isinstance(one, Producible):
        assert one.plans[0].totals.cost_minor == two.plans[0].totals.cost_minor


@settings(max_examples=40, deadline=None)
@given(
    seed=SEEDS,
    objective=st.sampled_from([Objective.COST, Objective.ENERGY, Objective.CO2]),
    quantity=st.integers(1, 4),
)
def test_the_plan_that_is_there_at_once_is_checked_and_the_best_there_is(seed, objective, quantity):
    order, network, kpis = drawn(seed)
    order = replace(order, quantity=quantity)
    setting = Setting(network, vocabulary(), kpis, NOW, NOW)
    plan = quick_plan(order, setting, objective)
    problem = problem_of(order.product, replace(setting, quantity=quantity))
    assert (plan is not None) == is_possible_now(problem)
    if plan is not None:
        proof = plan.optimality[0]
        assert proof.proven
        assert proof.value == pytest.approx(least(problem, objective), rel=1e-9)


def test_names_of_the_laws_are_no_accident():
    order, network, kpis = drawn(1)
    renamed = Renamed(2, order, network, kpis)
    assert WorkUnitId("s0u0") not in renamed.network.work_units()
    assert SkillId("mill") not in renamed.words.skills
    assert len(renamed.network.work_units()) == len(network.work_units())
