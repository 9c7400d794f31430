"""Decision tables: hit policies, defaults, priorities, aggregation."""

import pytest
from hypothesis import assume
from hypothesis import given as given_any
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.feel.dmn import read_dmn
from feel.dmn.models import decision, definitions, given, table

OVERLAPPING = [["> 5", '"high"'], ["> 3", '"medium"'], ["-", '"low"']]
VALUES = '"low", "high", "medium"'


def model_of(policy, rules, *, outputs=(("", "", ""),), aggregation="", inputs=("x",)):
    logic = table(policy, inputs, outputs, rules, aggregation)
    parts = [given(each) for each in inputs]
    return read_dmn(definitions(*parts, decision("d", logic, *(f"?{each}" for each in inputs))))


def value(model, **inputs):
    return model.evaluate("d", inputs).value


def test_of_several_rules_a_unique_table_takes_none_and_says_so():
    outcome = model_of("UNIQUE", OVERLAPPING).evaluate("d", {"x": 9})
    assert outcome.value is None
    assert "3 do" in outcome.warnings[0]
    assert "element 'table'" in outcome.warnings[0]


def test_first_takes_the_first_rule_and_priority_the_most_important_value():
    assert value(model_of("FIRST", OVERLAPPING), x=9) == "high"
    ranked = model_of("PRIORITY", OVERLAPPING, outputs=(("", VALUES, ""),))
    assert value(ranked, x=9) == "low"


def test_rule_order_and_output_order_list_all_rules_that_match():
    assert value(model_of("RULE ORDER", OVERLAPPING), x=9) == ["high", "medium", "low"]
    ordered = model_of("OUTPUT ORDER", OVERLAPPING, outputs=(("", VALUES, ""),))
    assert value(ordered, x=9) == ["low", "high", "medium"]


def test_any_takes_rules_that_agree_and_is_null_where_they_differ():
    model = model_of("ANY", [["> 1", "[1, {a: 2}]"], ["> 2", "[1, {a: 2}]"], ["> 9", "3"]])
    assert value(model, x=5) == [1, {"a": 2}]
    outcome = model.evaluate("d", {"x": 10})
    assert outcome.value is None
    assert "they differ" in outcome.warnings[0]


@pytest.mark.parametrize(
    ("aggregation", "wanted"),
    [("", [4, 2, 2]), ("SUM", 8), ("MIN", 2), ("MAX", 4), ("COUNT", 3)],
)
def test_collect_aggregates_what_matches(aggregation, wanted):
    rules = [["-", "4"], ["-", "2"], ["> 0", "2"], ["< 0", "7"]]
    assert value(model_of("COLLECT", rules, aggregation=aggregation), x=1) == wanted


def test_several_outputs_make_a_context():
    outputs = (("Risk", "", ""), ("Rate", "", ""))
    model = model_of("UNIQUE", [["1", '"low"', "x * 2"], ["2", '"high"', ""]], outputs=outputs)
    assert value(model, x=1) == {"Risk": "low", "Rate": 2}
    assert value(model, x=2) == {"Risk": "high", "Rate": None}


def test_priority_of_several_outputs_goes_by_the_first_output_first():
    outputs = (("a", '"x", "y"', ""), ("b", "1, 2", ""))
    rules = [["-", '"y"', "1"], ["-", '"x"', "2"], ["-", '"x"', "1"]]
    model = model_of("OUTPUT ORDER", rules, outputs=outputs)
    found = value(model, x=0)
    assert [(each["a"], each["b"]) for each in found] == [("x", 1), ("x", 2), ("y", 1)]


def test_without_a_match_the_default_counts_else_null_with_a_warning():
    assert value(model_of("UNIQUE", [["1", "2"]], outputs=(("", "", "x + 40"),)), x=2) == 42
    outcome = model_of("UNIQUE", [["1", "2"]]).evaluate("d", {"x": 2})
    assert outcome.value is None
    assert "none does" in outcome.warnings[0]
    assert value(model_of("COLLECT", [["1", "2"]]), x=2) == []
    assert value(model_of("COLLECT", [["1", "2"]], aggregation="COUNT"), x=2) == 0


def test_a_default_of_a_table_that_lists_is_listed():
    assert value(model_of("RULE ORDER", [["1", "2"]], outputs=(("", "", "3"),)), x=2) == [3]


def test_an_output_that_is_not_among_its_values_is_null():
    outcome = model_of("FIRST", [["-", '"other"']], outputs=(("", VALUES, ""),)).evaluate(
        "d", {"x": 1}
    )
    assert outcome.value is None
    assert 'string "other"' in outcome.warnings[0]


def test_a_cell_may_test_with_a_question_mark_and_use_other_inputs():
    both = model_of(
        "FIRST", [["? > y and ? < 10", "-", "1"], ["<= y", "-", "2"]], inputs=("x", "y")
    )
    assert value(both, x=5, y=3) == 1
    assert value(both, x=5, y=7) == 2


def test_a_test_that_is_null_does_not_match():
    model = model_of("FIRST", [["> 3", "1"], ["-", "2"]])
    assert value(model, x="text") == 2
    assert value(model, x=None) == 2


def test_priority_without_an_order_and_sums_over_two_outputs_are_refused():
    with pytest.raises(Invalid, match="an order of output values for hit policy PRIORITY"):
        model_of("PRIORITY", OVERLAPPING)
    outputs = (("a", "", ""), ("b", "", ""))
    with pytest.raises(Invalid, match="one output to aggregate by SUM"):
        model_of("COLLECT", [["-", "1", "2"]], outputs=outputs, aggregation="SUM")


@given_any(
    bounds=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=8),
    x=st.integers(-10, 10),
)
def test_all_policies_agree_on_the_rules_that_match(bounds, x):
    rules = [[f"[{min(pair)}..{max(pair)}]", str(at)] for at, pair in enumerate(bounds)]
    hits = [at for at, pair in enumerate(bounds) if min(pair) <= x <= max(pair)]
    assume(hits)
    assert value(model_of("COLLECT", rules), x=x) == hits
    assert value(model_of("RULE ORDER", rules), x=x) == hits
    assert value(model_of("FIRST", rules), x=x) == hits[0]
    assert value(model_of("COLLECT", rules, aggregation="COUNT"), x=x) == len(hits)
    assert value(model_of("UNIQUE", rules), x=x) == (hits[0] if len(hits) == 1 else None)
    falling = ", ".join(str(at) for at in reversed(range(len(rules))))
    ordered = model_of("OUTPUT ORDER", rules, outputs=(("", falling, ""),))
    assert value(ordered, x=x) == hits[::-1]


@given_any(
    cells=st.lists(st.sampled_from(['"a"', '"b", "c"', "-", '"c", "d"', '"e"']), min_size=8),
    x=st.sampled_from(["a", "b", "c", "e", "other", None, 1, ["a"]]),
)
def test_a_table_that_is_looked_up_gives_what_trying_every_rule_gives(cells, x):
    rules = [[cell, str(at)] for at, cell in enumerate(cells)]
    tried = [
        [cell if cell == "-" else f"{cell}, null and ?", str(at)] for at, cell in enumerate(cells)
    ]
    assert value(model_of("COLLECT", rules), x=x) == value(model_of("COLLECT", tried), x=x)
