"""Variants of a family: none is missed, none is told twice, and what is said of each is true."""

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE
from fabloop.model.product import (
    Alternative,
    Attribute,
    ByFeature,
    ByFormula,
    Configured,
    Feature,
    FeatureRule,
    Group,
    Material,
    ParametricOperation,
    ProductFamily,
    RoutingOption,
)
from fabloop.model.variant import rule_holds, variant
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.catalogue.variants import each_choice, survey_family
from fabloop.plan.configure import configure
from fabloop.plan.engine import is_possible_now
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Setting, problem_of
from plan.instances import NAMES, NOW, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)


def made(name, skill, *inputs, condition="", **constraints):
    return ParametricOperation(
        id=name,
        label=name,
        skill=skill,
        constraints=constraints,
        inputs=inputs,
        output=f"{name}-out",
        duration_ns=10 * MINUTE,
        energy_j=1.0,
        cost_minor=1,
        condition=condition,
    )


def family_of(features, operations, rules=(), alternatives=(), attributes=()):
    return ProductFamily(
        id="f",
        label="F",
        version="1",
        currency="EUR",
        features=tuple(features),
        rules=tuple(rules),
        materials=tuple(Material(id=each.output, label="") for each in operations),
        operations=tuple(operations),
        alternatives=tuple(alternatives),
        attributes=tuple(attributes),
    )


def random_family(seed):
    roll = Random(seed)
    features = [
        Feature(
            id=f"f{number}",
            label="",
            options=tuple("abc"[: roll.randint(1, 3)]),
            mandatory=roll.random() < 0.7,
            group=roll.choice([Group.ALTERNATIVE, Group.ALTERNATIVE, Group.OR]),
            attributes={"a": {"width": 1.0}, "b": {"width": 3.0}},
        )
        for number in range(roll.randint(1, 4))
    ]
    pairs = [(each.id, option) for each in features for option in each.options]
    rules = [
        FeatureRule(kind=kind, when=roll.choice(pairs), other=roll.choice(pairs))
        for kind in roll.choices(["requires", "excludes"], k=roll.randint(0, 3))
    ]
    single = [each for each in features if each.group is Group.ALTERNATIVE and each.mandatory]
    operations, last = [], ()
    for number in range(roll.randint(2, 5)):
        limits = {}
        if roll.random() < 0.5 and single:
            by = roll.choice(single)
            tpe = {option: roll.choice([3e-6, 10e-6, 20e-6]) for option in by.options}
            limits["tpe"] = ByFeature(feature=by.id, of=tpe)
        if roll.random() < 0.3:
            limits["size"] = ByFormula(formula="girth", scale=roll.choice([0.05, 0.2]))
        condition = ""
        if roll.random() < 0.4 and single and last:
            by = roll.choice(single)
            condition = f'{by.id} != "{by.options[0]}"'
        name = f"o{number}"
        operations.append(made(name, roll.choice(NAMES), *last, condition=condition, **limits))
        last = (name,)
    operations.append(made("end", roll.choice(NAMES), *last))
    attributes = (
        Attribute(name="width", label=""),
        Attribute(name="girth", label="", formula="width + 1"),
    )
    return family_of(features, operations, rules, attributes=attributes)


def every_choice(family):
    rows = []
    for each in family.features:
        row = [] if each.mandatory else [None]
        if each.group is Group.OR:
            for size in range(1, len(each.options) + 1):
                row += combinations(each.options, size)
        else:
            row += each.options
        rows.append(row)
    for picks in product(*rows):
        named = zip(family.features, picks, strict=True)
        choices = {feature.id: pick for feature, pick in named if pick is not None}
        if all(rule_holds(rule, choices) for rule in family.rules):
            yield choices


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_every_choice_that_satisfies_the_rules_comes_once(seed):
    family = random_family(seed)
    found = list(each_choice(family))
    assert sorted(map(repr, found)) == sorted(map(repr, every_choice(family)))
    for choices in found:
        answer = configure(family, choices)
        assert isinstance(answer, Configured)
        assert answer.product.choices == choices


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_survey_says_of_every_variant_what_planning_it_says(seed):
    family = random_family(seed)
    _, network, kpis = random_instance(seed, sites=2, units=3)
    surveyor = Surveyor(Plant(network, vocabulary(), kpis), NOW)
    survey = survey_family(family, surveyor)
    assert survey.complete
    seen = {repr(each.choices): each for each in survey.variants}
    assert len(seen) == len(survey.variants)
    for choices in every_choice(family):
        product_ = variant(family, choices)
        problem = problem_of(product_, Setting(network, vocabulary(), kpis, NOW, NOW))
        known = seen.get(repr(choices))
        assert is_possible_now(problem) == (known is not None and known.producible)
        if known is None:
            assert any(
                all(choices.get(name) == choice for name, choice in each.choices.items())
                for each in survey.ruled_out
            )
        else:
            assert known.alone == surveyor.alone(product_)
    for site in network.sites:
        at_site = [repr(each) for each in survey.producible(site)]
        names = {name: variant(family, each.choices) for name, each in seen.items()}
        assert at_site == list(surveyor.makes(site, names))


def test_what_nobody_can_do_in_any_variant_rules_all_out_after_one_look():
    network, kpis = graz_and_vienna()
    features = [Feature(id=f"f{n}", label="", options=("a", "b")) for n in range(12)]
    family = family_of(features, [made("mill", "mill", size=9.0), made("end", "mill", "mill")])
    surveyor = Surveyor(Plant(network, vocabulary(), kpis), NOW)
    survey = survey_family(family, surveyor)
    assert len(survey.variants) == 1
    assert survey.complete
    assert [(each.choices, each.operation) for each in survey.ruled_out] == [({}, "mill")]
    assert list(survey.producible()) == []


def test_a_choice_that_asks_too_much_is_ruled_out_for_all_variants_that_make_it():
    network, kpis = graz_and_vienna()
    features = [Feature(id=f"f{n}", label="", options=("a", "b")) for n in range(8)]
    fine = ByFeature(feature="f3", of={"a": 1e-6, "b": 10e-6})
    operations = [made("ream", "ream", tpe=fine), made("end", "ream", "ream")]
    surveyor = Surveyor(Plant(network, vocabulary(), kpis), NOW)
    survey = survey_family(family_of(features, operations), surveyor)
    assert survey.ruled_out[0].choices == {"f3": "a"}
    assert len(list(survey.producible())) == 128
    assert len(survey.variants) == 129


def test_an_operation_of_an_alternative_rules_nothing_out():
    network, kpis = graz_and_vienna()
    options = (
        RoutingOption(id="ream", label="", operations=("ream",)),
        RoutingOption(id="mill", label="", operations=("mill",)),
    )
    family = family_of(
        [Feature(id="f", label="", options=("a", "b"))],
        [
            made("ream", "ream", tpe=ByFeature(feature="f", of={"a": 1e-9, "b": 1e-9})),
            made("mill", "mill", size=ByFeature(feature="f", of={"a": 0.1, "b": 9.0})),
            made("end", "mill", "ream", "mill"),
        ],
        alternatives=[Alternative(id="a", label="", options=options)],
    )
    survey = survey_family(family, Surveyor(Plant(network, vocabulary(), kpis), NOW))
    assert survey.ruled_out == ()
    assert list(survey.producible()) == [{"f": "a"}]


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_survey_that_is_cut_short_says_so(most):
    network, kpis = graz_and_vienna()
    features = [Feature(id=f"f{n}", label="", options=("a", "b")) for n in range(2)]
    family = family_of(features, [made("mill", "mill"), made("end", "mill", "mill")])
    survey = survey_family(family, Surveyor(Plant(network, vocabulary(), kpis), NOW), most)
    assert len(survey.variants) == most
    assert not survey.complete


def test_a_contradictory_family_has_no_variants():
    network, kpis = graz_and_vienna()
    feature = Feature(id="f", label="", options=("a",))
    never = FeatureRule(kind="excludes", when=("f", "a"), other=("f", "a"))
    family = family_of([feature], [made("mill", "mill")], [never])
    survey = survey_family(family, Surveyor(Plant(network, vocabulary(), kpis), NOW))
    assert (survey.variants, survey.ruled_out, survey.complete) == ((), (), True)
