"""Feature models: what no variant can have is found, with a minimal set of rules to blame."""

from itertools import combinations, pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.model.features import Dead, FeatureModel
from fabloop.model.product import Choice, Feature, FeatureRule, Group
from fabloop.model.variant import rule_holds

OPTIONS = ("x", "y", "z")


@st.composite
def features(draw) -> tuple[Feature, ...]:
    count = draw(st.integers(1, 4))
    return tuple(
        Feature(
            id=name,
            label=name,
            options=OPTIONS[: draw(st.integers(1, 3))],
            mandatory=draw(st.booleans()),
            group=draw(st.sampled_from(Group)),
        )
        for name in "abcd"[:count]
    )


@st.composite
def models(draw) -> tuple[tuple[Feature, ...], tuple[FeatureRule, ...]]:
    known = draw(features())
    ends = st.sampled_from([(each.id, option) for each in known for option in each.options])
    rules = st.builds(
        lambda kind, when, other: FeatureRule(kind=kind, when=when, other=other),
        st.sampled_from(["requires", "excludes"]),
        ends,
        ends,
    ).filter(lambda rule: rule.when[0] != rule.other[0])
    return known, tuple(draw(st.lists(rules, max_size=8)) if len(known) > 1 else ())


def everything(known: tuple[Feature, ...]) -> list[dict[str, Choice]]:
    """List every choice that the groups allow, whatever the rules say."""
    ways = []
    for feature in known:
        own: list[Choice | None] = [] if feature.mandatory else [None]
        if feature.group is Group.OR:
            sizes = range(1, len(feature.options) + 1)
            own += [some for size in sizes for some in combinations(feature.options, size)]
        else:
            own += list(feature.options)
        ways.append(own)
    names = [each.id for each in known]
    return [
        {name: choice for name, choice in zip(names, chosen, strict=True) if choice is not None}
        for chosen in product(*ways)
    ]


def allowed(known, rules) -> list[dict[str, Choice]]:
    return [each for each in everything(known) if all(rule_holds(rule, each) for rule in rules)]


def having(choices: dict[str, Choice], feature: str, option: str) -> bool:
    return option in (choices.get(feature) or ())


@settings(deadline=None)
@given(models())
def test_exactly_what_no_variant_has_is_dead(model):
    known, rules = model
    variants = allowed(known, rules)
    found = FeatureModel(known, rules).dead()
    if not variants:
        assert [(each.feature, each.option) for each in found] == [("", "")]
        return
    expected = set()
    for feature in known:
        dead = [o for o in feature.options if not any(having(v, feature.id, o) for v in variants)]
        whole = len(dead) == len(feature.options)
        expected |= {(feature.id, "")} if whole else {(feature.id, each) for each in dead}
    assert {(each.feature, each.option) for each in found} == expected


@settings(deadline=None)
@given(models())
def test_the_rules_to_blame_are_conflicting_and_none_is_too_many(model):
    known, rules = model
    for dead in FeatureModel(known, rules).dead():
        if dead.feature and not dead.option:
            continue  # the reasons of several options together

        def kept_out(some, dead=dead):
            variants = allowed(known, [rules[each] for each in some])
            return not any(
                not dead.feature or having(each, dead.feature, dead.option) for each in variants
            )

        assert kept_out(dead.rules)
        for each in dead.rules:
            assert not kept_out([other for other in dead.rules if other != each])


@settings(deadline=None)
@given(models(), st.data())
def test_choices_are_found_where_there_are_any(model, data):
    known, rules = model
    feature = data.draw(st.sampled_from(known))
    option = data.draw(st.sampled_from(feature.options))
    found = FeatureModel(known, rules).choices({feature.id: option})
    variants = [each for each in allowed(known, rules) if having(each, feature.id, option)]
    if found is None:
        assert not variants
    else:
        assert having(found, feature.id, option)
        assert {n: set(c) if isinstance(c, tuple) else c for n, c in found.items()} in [
            {n: set(c) if isinstance(c, tuple) else c for n, c in each.items()} for each in variants
        ]


def test_a_large_model_is_answered_within_its_limit():
    names = [f"f{number}" for number in range(60)]
    known = tuple(Feature(id=each, label=each, options=("on", "off")) for each in names)
    chain = tuple(
        FeatureRule(kind="requires", when=(one, "on"), other=(other, "on"))
        for one, other in pairwise(names)
    )
    last = FeatureRule(kind="excludes", when=(names[-1], "on"), other=(names[0], "on"))
    found = FeatureModel(known, (*chain, last)).dead()
    assert found == (Dead("f0", "on", tuple(range(60))),)
