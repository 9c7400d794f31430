"""What is read, and what is refused: every fault at once, with element and line."""

from pathlib import Path

import pytest

from fabloop.base.errors import Invalid, Refused
from fabloop.feel.dmn import limits, read_dmn, read_dmn_in_part
from fabloop.feel.dmn.read import VERSIONS
from feel.dmn.models import context, decision, definitions, given, knowledge, table, text

PAGE = Path(__file__).parents[3] / "docs/reference/dmn.md"


def scored(name):
    return knowledge(name, {"a": "number"}, text("a")).replace(
        "<encapsulatedLogic", '<encapsulatedLogic kind="PMML"'
    )


@pytest.mark.parametrize("namespace", VERSIONS)
def test_the_four_versions_are_read(namespace):
    data = definitions(decision("d", text("1 + 1")), dmn=namespace)
    assert read_dmn(data).evaluate("d", {}).value == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<definitions",
        b"<definitions/>",
        b'<!DOCTYPE d [<!ENTITY e "x">]><definitions>&e;</definitions>',
        definitions(dmn="http://www.omg.org/spec/DMN/20151101/dmn.xsd"),
        definitions(decision("d", text("1")), namespace="urn:a").replace(b"definitions", b"model"),
    ],
)
def test_what_is_no_dmn_is_refused_even_in_part(data):
    with pytest.raises(Invalid):
        read_dmn_in_part(data)


def test_all_faults_are_told_at_once_with_element_and_line():
    data = definitions(
        scored("k"),
        decision("broken", text("1 +")),
        decision("lost", text("2"), "nowhere"),
        decision("typed", text("3"), kind="tNone"),
        decision("cells", table("UNIQUE", ["1"], [("", "", "")], [["> >", "1"], ["1"]])),
        decision("policy", table("BEST", ["1"], [("", "", "")], [])),
        decision("other", '<literalExpression expressionLanguage="http://x/js"/>'),
        "<organisation/>",
        '<import name="p" namespace="urn:p" importType="http://www.dmg.org/PMML-4_2"/>',
    )
    with pytest.raises(Invalid) as caught:
        read_dmn(data)
    told = {fault.path: fault.found for fault in caught.value.faults}
    assert told["element 'k', line 2"] == "kind PMML"
    assert told["element 'broken', line 3, line 1, column 4 of the text"] == "the end"
    assert told["element 'lost', line 4"] == "'#nowhere'"
    assert told["element 'typed', line 5"] == "'tNone'"
    assert told["element 'rule1', line 6"] == "1 and 0"
    assert "element 'rule0', line 6, line 1, column 3 of the text" in told
    assert told["element 'table', line 7"] == "'BEST'"
    assert told["element 'other', line 8"] == "http://x/js"
    assert told["element '', line 9"] == "organisation, which is not carried out"
    assert len(caught.value.faults) >= 10


def test_a_model_read_in_part_is_null_where_it_is_at_fault_and_whole_elsewhere():
    data = definitions(
        scored("k"), decision("d", text("k(1)"), "!k"), decision("e", text("2 * 3")),
        decision("f", text("1 +")),
    )  # fmt: skip
    model = read_dmn_in_part(data)
    assert len(model.faults) == 2
    assert model.evaluate("e", {}).value == 6
    for name in "df":
        outcome = model.evaluate(name, {})
        assert outcome.value is None
        assert outcome.warnings


def test_a_name_of_a_built_in_function_is_refused_for_a_knowledge_model():
    with pytest.raises(Invalid, match="a name that no built-in function has, but found 'sum'"):
        read_dmn(definitions(knowledge("sum", {"a": "number"}, text("a"))))


def test_names_with_signs_and_keywords_are_found_where_they_are_required():
    model = read_dmn(
        definitions(
            given("lead-time"),
            given("time or  money"),
            decision("d", text("lead-time + time or money"), "?lead-time", "?time or  money"),
        )
    )
    assert model.evaluate("d", {"lead-time": 1, "time or money": 2}).value == 3


def test_what_is_too_deep_or_too_large_is_refused(monkeypatch):
    logic = text("1")
    for _ in range(limits.NESTING_MAX):
        logic = context(("a", logic))
    with pytest.raises(Invalid, match=f"at most {limits.NESTING_MAX} deep"):
        read_dmn(definitions(decision("d", logic)))
    many = definitions(*(given(f"i{at}") for at in range(limits.ELEMENTS_MAX + 1)))
    with pytest.raises(Invalid, match=f"at most {limits.ELEMENTS_MAX} elements"):
        read_dmn(many)


def test_a_model_cannot_work_without_end():
    squares = "count(for a in 1..1000, b in 1..1000 return a * b)"
    parts = [decision(f"d{at}", text("for i in 1..2000 return i")) for at in range(2)]
    loop = (
        f'<for iteratorVariable="a"><in>{text("d0")}</in>'
        f"<return>{text('count(d1[item > a])')}</return></for>"
    )
    model = read_dmn(definitions(*parts, decision("all", loop, "d0", "d1")))
    with pytest.raises(Refused, match="steps in one evaluation of a model"):
        model.evaluate("all", {})
    with pytest.raises(Refused):
        read_dmn(definitions(decision("d", text(squares)))).evaluate("d", {})


def test_warnings_are_kept_up_to_a_limit():
    unknown = "".join(f"\n{text('a')}" for _ in range(limits.WARNINGS_MAX + 50))
    outcome = read_dmn(definitions(decision("d", f"<list>{unknown}</list>"))).evaluate("d", {})
    assert len(outcome.warnings) == limits.WARNINGS_MAX


def test_the_reference_names_every_limit():
    said = PAGE.read_text(encoding="utf-8")
    for name, value in vars(limits).items():
        if name.endswith("_MAX"):
            assert f"| {value} |" in said, name
