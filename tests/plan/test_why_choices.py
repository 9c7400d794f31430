"""The nearest variants that can be made are told, with what they take."""

from itertools import product as every

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import option_sentence
from fabloop.base.instant import MINUTE
from fabloop.model.explanation import ReliefCode
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.product import (
    ByFeature,
    Configured,
    Feature,
    FeatureRule,
    Material,
    ParametricOperation,
    ProductFamily,
)
from fabloop.plan.configure import configure
from fabloop.plan.producible import check
from fabloop.plan.reasons.why_choices import options_of_choices, other_choices
from fabloop.plan.statement.problem import Setting
from plan.instances import NOW, graz_and_vienna, kpis, operation, order, tpe, vocabulary

FITS = {"coarse": 30e-6, "fine": 15e-6, "finest": 5e-6}


def a_step(name, skill, *inputs, **limits):
    return ParametricOperation(
        id=name,
        label=name,
        skill=skill,
        constraints=limits,
        inputs=inputs,
        output=f"{name}-out",
        duration_ns=10 * MINUTE,
        energy_j=1.0,
        cost_minor=1,
    )


def a_family(rules=()):
    """Return a reamed part whose fit, stock and size can be chosen."""
    fit = ByFeature(feature="fit", of=FITS)
    stock = ByFeature(feature="stock", of={"bar": "steel", "plate": "brass"})
    size = ByFeature(feature="size", of={"small": 0.1, "huge": 3.0})
    steps = (
        a_step("mill", "mill", material=stock, size=size),
        a_step("ream", "ream", "mill", tpe=fit, size=size),
    )
    features = (
        Feature(id="fit", label="Fit", options=tuple(FITS)),
        Feature(id="stock", label="Stock", options=("bar", "plate")),
        Feature(id="size", label="Size", options=("small", "huge")),
    )
    return ProductFamily(
        id="part",
        label="Part",
        version="1",
        currency="EUR",
        features=features,
        rules=rules,
        materials=tuple(Material(id=each.output, label="") for each in steps),
        operations=steps,
    )


def asked(family, choices, plant, values):
    product = configure(family, choices).product
    request = order(operation("x", "mill"))
    request = type(request)(
        id=request.id, product=product, received_at=request.received_at, due_at=request.due_at
    )
    return check(request, plant, vocabulary(), values, NOW, plans_max=1)


@settings(max_examples=6, deadline=None)
@given(
    choice=st.tuples(
        st.sampled_from(list(FITS)),
        st.sampled_from(["bar", "plate"]),
        st.sampled_from(["small", "huge"]),
    ),
    error=st.sampled_from([4e-6, 12e-6, 16e-6, 40e-6]),
)
def test_the_nearest_variants_are_told_with_their_cost(choice, error):
    family, (plant, _) = a_family(), graz_and_vienna()
    values = kpis(tpe("g-ream", error), tpe("v-ream", error))
    chosen = dict(zip(("fit", "stock", "size"), choice, strict=True))
    assume(isinstance(asked(family, chosen, plant, values), NotProducible))
    found = other_choices(family, chosen, Setting(plant, vocabulary(), values, NOW, NOW))
    good = {}
    for options in every(FITS, ("bar", "plate"), ("small", "huge")):
        other = dict(zip(("fit", "stock", "size"), options, strict=True))
        answer = asked(family, other, plant, values)
        if isinstance(answer, Producible):
            changes = sum(chosen[name] != other[name] for name in chosen)
            good.setdefault(changes, []).append(answer.plans[0].totals.cost_minor)
    assert bool(found) == bool(good)
    if found:
        assert len(found[0].changed) == min(good)
        assert all(each.least for each in found)
        for each in found:
            assert each.effect.cost_minor in good[len(each.changed)]


def test_no_other_choice_contains_one_before_it():
    family, (plant, values) = a_family(), graz_and_vienna()
    chosen = {"fit": "finest", "stock": "bar", "size": "small"}
    found = other_choices(family, chosen, Setting(plant, vocabulary(), values, NOW, NOW))
    assert [each.changed for each in found] == [
        {"fit": ("finest", "coarse")},
        {"fit": ("finest", "fine")},
    ]


def test_rules_of_the_family_are_kept():
    rule = FeatureRule(kind="requires", when=("fit", "fine"), other=("stock", "plate"))
    family, (plant, values) = a_family((rule,)), graz_and_vienna(graz_tpe=14e-6)
    chosen = {"fit": "finest", "stock": "bar", "size": "small"}
    found = other_choices(family, chosen, Setting(plant, vocabulary(), values, NOW, NOW))
    assert [each.changed["fit"][1] for each in found] == ["coarse"]
    for each in found:
        assert isinstance(configure(family, each.product.choices), Configured)


def test_another_choice_is_told_in_a_sentence():
    family, (plant, values) = a_family(), graz_and_vienna()
    chosen = {"fit": "coarse", "stock": "plate", "size": "huge"}
    setting = Setting(plant, vocabulary(), values, NOW, NOW)
    option = options_of_choices(other_choices(family, chosen, setting), setting)[0]
    assert option.code == ReliefCode.CHOOSE_FEATURE
    assert len(option.also) == 1
    text = option_sentence(option)
    assert "hoose bar instead of plate as stock" in text
    assert "choose small instead of huge as size" in text.lower()
