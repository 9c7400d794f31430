"""Choices to a configured product: what is filled in, what contradicts, what may be chosen."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.model.product import (
    ByFeature,
    Configured,
    Feature,
    FeatureRule,
    Group,
    Material,
    NotConfigurable,
    ParametricOperation,
    ProductFamily,
)
from fabloop.plan.configure import configure

RATIO = Feature(id="ratio", label="Ratio", options=("50", "80", "100"), default="80")
LOAD = Feature(id="load", label="Load", options=("standard", "heavy"), default="standard")
FLANGE = Feature(id="flange", label="Flange", options=("A", "B", "none"), default="none")
MOTOR = Feature(id="motor", label="Motor", options=("included", "none"))
LOGO = Feature(id="logo", label="Logo", options=("small", "large"), mandatory=False)
MOTOR_NEEDS_A = FeatureRule(
    kind="requires", when=("motor", "included"), other=("flange", "A"), reason="Its bolts fit A."
)
HEAVY_NOT_50 = FeatureRule(kind="excludes", when=("load", "heavy"), other=("ratio", "50"))


def gear(*features: Feature, rules: tuple[FeatureRule, ...] = ()) -> ProductFamily:
    return ProductFamily(
        id="gear",
        label="Gear",
        version="7",
        currency="EUR",
        features=features or (RATIO, LOAD, FLANGE, MOTOR, LOGO),
        rules=rules or (MOTOR_NEEDS_A, HEAVY_NOT_50),
        materials=(
            Material(id="gear", label="Gear"),
            Material(id="motor", label="Motor", condition='motor = "included"'),
        ),
        operations=(
            ParametricOperation(
                id="supply-motor",
                label="",
                skill="supply",
                inputs=(),
                output="motor",
                duration_ns=1,
                energy_j=0.0,
                cost_minor=0,
            ),
            ParametricOperation(
                id="assemble",
                label="",
                skill="assemble",
                constraints={"size": ByFeature(feature="ratio", of={"50": 1.0, "80": 2.0})},
                inputs=("supply-motor",),
                output="gear",
                duration_ns=1,
                energy_j=0.0,
                cost_minor=0,
            ),
        ),
    )


def choices_of(family: ProductFamily, **choices: str) -> dict[str, str]:
    answer = configure(family, choices)
    assert isinstance(answer, Configured), answer
    return answer.product.choices


def conflicts_of(family: ProductFamily, **choices: str) -> tuple[tuple[str, str, str], ...]:
    answer = configure(family, choices)
    assert isinstance(answer, NotConfigurable), answer
    return tuple((each.feature, each.option, each.reason) for each in answer.conflicts)


def without_bills(*features: Feature, rules: tuple[FeatureRule, ...] = ()) -> ProductFamily:
    family = gear(*features, rules=rules)
    last = msgspec.structs.replace(family.operations[1], constraints={}, inputs=())
    return msgspec.structs.replace(
        family, materials=family.materials[:1], operations=(last,), rules=rules
    )


def test_what_is_left_open_takes_its_default():
    assert choices_of(gear(), motor="included", flange="A") == {
        "ratio": "80",
        "load": "standard",
        "flange": "A",
        "motor": "included",
    }


def test_an_optional_feature_without_default_stays_out():
    assert "logo" not in choices_of(gear(), motor="included")
    assert choices_of(gear(), motor="included", logo="small")["logo"] == "small"


def test_a_required_option_goes_before_the_default():
    assert choices_of(gear(), motor="included")["flange"] == "A"


def test_requirements_of_requirements_are_filled_in():
    chain = tuple(
        FeatureRule(kind="requires", when=(f"f{n}", "yes"), other=(f"f{n + 1}", "yes"))
        for n in reversed(range(4))
    )
    features = tuple(
        Feature(id=f"f{n}", label=f"F{n}", options=("yes", "no"), default="no") for n in range(5)
    )
    family = without_bills(*features, rules=chain)
    assert choices_of(family, f0="yes") == {f"f{n}": "yes" for n in range(5)}
    assert choices_of(family, f1="yes")["f0"] == "no"


def test_a_default_that_a_choice_excludes_is_not_taken():
    features = (LOAD, msgspec.structs.replace(RATIO, default="50"))
    assert conflicts_of(without_bills(*features, rules=(HEAVY_NOT_50,)), load="heavy") == (
        ("ratio", "", "Ratio has to be chosen."),
    )


def test_a_mandatory_feature_without_choice_is_named_with_its_options():
    answer = configure(gear(), {"flange": "B"})
    assert isinstance(answer, NotConfigurable)
    (conflict,) = answer.conflicts
    assert (conflict.feature, conflict.reason) == ("motor", "Motor has to be chosen.")
    assert conflict.allowed == ("none",)


def test_every_contradiction_is_named_with_what_may_be_chosen_instead():
    answer = configure(gear(), {"motor": "included", "flange": "B", "load": "heavy", "ratio": "50"})
    assert isinstance(answer, NotConfigurable)
    assert [(each.feature, each.option, each.allowed) for each in answer.conflicts] == [
        ("flange", "B", ("A",)),
        ("ratio", "50", ("80", "100")),
    ]
    assert [each.reason for each in answer.conflicts] == [
        "Motor 'included' requires Flange 'A', but 'B' is chosen. Its bolts fit A.",
        "Load 'heavy' excludes Ratio '50', but '50' is chosen.",
    ]


def test_a_contradiction_among_filled_in_options_is_told_at_a_feature_that_was_chosen():
    clash = FeatureRule(kind="excludes", when=("flange", "A"), other=("load", "heavy"))
    family = without_bills(LOAD, FLANGE, MOTOR, rules=(MOTOR_NEEDS_A, clash))
    assert [each[0] for each in conflicts_of(family, motor="included", load="heavy")] == ["load"]


def test_the_configured_product_holds_the_bills_of_the_variant():
    answer = configure(gear(), {"motor": "included", "ratio": "50"})
    assert isinstance(answer, Configured)
    assert answer.product.version == "7"
    assert answer.product.operation("assemble").requirement.constraints == {"size": 1.0}
    assert answer.product.final().inputs == ("supply-motor",)


def test_unknown_features_and_options_are_all_told_with_near_names():
    with pytest.raises(Invalid) as error:
        configure(gear(), {"motr": "included", "load": "heavyy"})
    assert [fault.sentence() for fault in error.value.faults] == [
        (
            "product 'gear' $.choices.motr: Expected a feature of the product, but found 'motr'. "
            "Did you mean 'motor'?"
        ),
        (
            "product 'gear' $.choices.load: Expected an option of feature 'load', "
            "but found 'heavyy'. Did you mean 'heavy'?"
        ),
    ]


FEATURES = tuple(Feature(id=name, label=name, options=("x", "y")) for name in "abcd")
CHOICE = st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"))
RULES = st.builds(
    FeatureRule, kind=st.sampled_from(["requires", "excludes"]), when=CHOICE, other=CHOICE
).filter(lambda rule: rule.when[0] != rule.other[0])


def satisfies(rule: FeatureRule, choices: dict[str, str]) -> bool:
    if choices[rule.when[0]] != rule.when[1]:
        return True
    same = choices[rule.other[0]] == rule.other[1]
    return same if rule.kind == "requires" else not same


@given(
    st.lists(RULES, max_size=6).map(tuple),
    st.fixed_dictionaries({name: st.sampled_from("xy") for name in "abcd"}),
)
def test_complete_choices_are_configured_exactly_when_they_satisfy_every_rule(rules, choices):
    answer = configure(without_bills(*FEATURES, rules=rules), choices)
    broken = [rule for rule in rules if not satisfies(rule, choices)]
    if isinstance(answer, Configured):
        assert broken == []
        assert answer.product.choices == choices
    else:
        assert len(answer.conflicts) == len(broken)


@given(
    st.lists(RULES, max_size=6).map(tuple),
    st.fixed_dictionaries({name: st.sampled_from("xy") for name in "abcd"}),
)
def test_an_allowed_option_resolves_the_conflict_at_its_feature(rules, choices):
    family = without_bills(*FEATURES, rules=rules)
    answer = configure(family, choices)
    if isinstance(answer, Configured):
        return
    for conflict in answer.conflicts:
        for option in conflict.allowed:
            again = configure(family, {**choices, conflict.feature: option})
            left = again.conflicts if isinstance(again, NotConfigurable) else ()
            assert conflict.feature not in {each.feature for each in left}


def finished(*rules):
    finish = Feature(
        id="finish", label="Finish", options=("oiled", "engraved", "anodised"), group=Group.OR
    )
    load = Feature(id="load", label="Load", options=("heavy", "light"), default="light")
    return without_bills(load, finish, rules=rules)


def rule(kind, when, other):
    return FeatureRule(kind=kind, when=when, other=other)


ANODISED, ENGRAVED = ("finish", "anodised"), ("finish", "engraved")


def test_rules_add_options_of_an_or_group_that_the_customer_left_open():
    family = finished(
        rule("requires", ("load", "heavy"), ENGRAVED), rule("requires", ENGRAVED, ANODISED)
    )
    done = configure(family, {"load": "heavy"})
    assert isinstance(done, Configured)
    assert done.product.choices == {"load": "heavy", "finish": ("engraved", "anodised")}


def test_one_option_of_an_or_group_may_be_chosen_without_a_list():
    done = configure(finished(), {"finish": "oiled"})
    assert isinstance(done, Configured)
    assert done.product.choices["finish"] == ("oiled",)


def test_options_of_an_or_group_that_the_customer_chose_are_not_added_to():
    family = finished(rule("requires", ENGRAVED, ANODISED))
    answer = configure(family, {"finish": ("engraved", "oiled")})
    assert isinstance(answer, NotConfigurable)
    (conflict,) = answer.conflicts
    assert conflict.feature == "finish"
    assert conflict.option == "engraved, oiled"


def test_a_contradiction_far_from_the_choice_is_told_with_what_led_to_it():
    features = tuple(Feature(id=each, label=each.upper(), options=("1", "2")) for each in "abcd")
    rules = (
        rule("requires", ("a", "1"), ("b", "1")),
        rule("requires", ("b", "1"), ("c", "1")),
        rule("excludes", ("c", "1"), ("d", "1")),
    )
    found = conflicts_of(without_bills(*features, rules=rules), a="1", d="1")
    assert found == (
        (
            "d",
            "1",
            (
                "C '1' excludes D '1', but '1' is chosen. C '1' is required by B '1'. "
                "B '1' is required by A '1'."
            ),
        ),
    )
