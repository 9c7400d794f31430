"""Families whose rules leave no product: said so, with a smallest set of rules."""

from itertools import combinations

import pytest

from fabloop.model.product import Feature, FeatureRule, Group, NotConfigurable
from fabloop.plan.configure import configure
from fabloop.plan.feature_rules import contradictory
from plan.test_configure import gear


def feature(name, *options, **more):
    return Feature(id=name, label=name, options=options, **more)


def rule(kind, when, other):
    return FeatureRule(kind=kind, when=when, other=other)


def pigeons(count, holes):
    """Each of the features takes one of the holes, no two the same."""
    names = [f"p{each}" for each in range(count)]
    options = [f"h{each}" for each in range(holes)]
    rules = tuple(
        rule("excludes", (a, hole), (b, hole))
        for a, b in combinations(names, 2)
        for hole in options
    )
    return gear(*(feature(each, *options) for each in names), rules=rules)


def test_more_features_than_options_that_differ_leave_no_product():
    assert contradictory(pigeons(6, 6)) == ()
    family = pigeons(4, 3)
    blamed = contradictory(family)
    assert blamed == tuple(range(len(family.rules)))  # each one is needed
    found = configure(pigeons(7, 6), {})
    assert isinstance(found, NotConfigurable)
    assert found.conflicts[0].feature == ""
    assert "No choices at all satisfy these rules" in found.conflicts[0].reason
    assert " and 102 more." in found.conflicts[0].reason


@pytest.mark.parametrize("group", list(Group))
def test_rules_are_blamed_only_where_they_leave_nothing(group):
    rules = (
        rule("excludes", ("b", "y"), ("c", "u")),  # of no account
        rule("requires", ("a", "x"), ("b", "y")),
        rule("excludes", ("b", "y"), ("a", "x")),
    )
    some = (feature("b", "y", "z"), feature("c", "u", "v"))
    assert contradictory(gear(feature("a", "x", group=group), *some, rules=rules)) == (1, 2)
    free = feature("a", "x", group=group, mandatory=False)
    assert contradictory(gear(free, *some, rules=rules)) == ()


def test_choices_that_break_a_rule_blame_no_family_that_has_products():
    found = configure(gear(), {"load": "heavy", "ratio": "50"})
    assert isinstance(found, NotConfigurable)
    assert all(each.feature for each in found.conflicts)
