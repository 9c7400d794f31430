"""Requirements, knowledge models, services and imports."""

import pytest

from fabloop.base.errors import Invalid, NotFound, Refused
from fabloop.feel.dmn import read_dmn, read_dmn_in_part
from feel.dmn.models import decision, definitions, given, item, knowledge, text


def service(name, outputs, *, encapsulated=(), decisions=(), data=(), kind=""):
    inside = f'<variable name="{name}" typeRef="{kind}"/>'
    for tag, found in (
        ("outputDecision", outputs),
        ("encapsulatedDecision", encapsulated),
        ("inputDecision", decisions),
        ("inputData", data),
    ):
        inside += "".join(f'<{tag} href="#{each}"/>' for each in found)
    return f'<decisionService id="{name}" name="{name}">{inside}</decisionService>'


def imported(name, namespace, location=""):
    kind = "https://www.omg.org/spec/DMN/20230324/MODEL/"
    return (
        f'<import name="{name}" namespace="{namespace}" locationURI="{location}" '
        f'importType="{kind}"/>'
    )


def test_a_decision_is_computed_once_for_all_that_need_it():
    chain = [decision("d0", text("[1]"))]
    for at in range(1, 60):
        both = text(f"count(d{at - 1}) + count(d{at - 1})")
        chain.append(decision(f"d{at}", both, f"d{at - 1}"))
    outcome = read_dmn(definitions(*chain)).evaluate("d59", {})
    assert outcome.value == 2


def test_an_input_that_is_not_given_is_null_with_a_warning():
    model = read_dmn(definitions(given("x"), decision("d", text("x = null"), "?x")))
    outcome = model.evaluate("d", {})
    assert outcome.value is True
    assert outcome.warnings == ("input 'x': Expected a value, but none was given.",)


def test_a_decision_sees_only_what_it_requires():
    model = read_dmn(definitions(given("x"), decision("d", text("x"))))
    outcome = model.evaluate("d", {"x": 1})
    assert outcome.value is None
    assert "Expected a variable 'x'" in outcome.warnings[0]


def test_a_decision_without_logic_is_null_and_an_unknown_one_is_told_with_near_names():
    model = read_dmn(definitions(decision("Approval", "")))
    assert "has none" in model.evaluate("Approval", {}).warnings[0]
    with pytest.raises(NotFound, match=r"'Aproval'\. It has 'Approval'"):
        model.evaluate("Aproval", {})


def test_knowledge_models_may_call_themselves_and_one_another():
    even = knowledge(
        "is even", {"n": "number"}, text("if n = 0 then true else is odd(n - 1)"), "!is odd"
    )
    odd = knowledge(
        "is odd", {"n": "number"}, text("if n = 0 then false else is even(n - 1)"), "!is even"
    )
    model = read_dmn(
        definitions(
            even, odd, decision("d", text("[is even(8), is odd(8)]"), "!is even", "!is odd")
        )
    )
    assert model.evaluate("d", {}).value == [True, False]


def test_knowledge_models_that_never_end_are_refused():
    loop = knowledge("loop", {"n": "number"}, text("loop(n + 1)"))
    model = read_dmn(definitions(loop, decision("d", text("loop(0)"), "!loop")))
    with pytest.raises(Refused, match="calls inside one another"):
        model.evaluate("d", {})


def test_arguments_and_results_take_their_declared_types():
    bkm = knowledge("k", {"a": "number"}, text("[a]", "number"))
    asked = decision("d", text('[k(1), k("one")]'), "!k")
    outcome = read_dmn(definitions(bkm, asked)).evaluate("d", {})
    assert outcome.value == [1, None]
    assert any("'a' to be number" in warning for warning in outcome.warnings)


def test_a_service_is_asked_from_outside_and_called_with_data_first():
    parts = (
        given("x", "string"),
        decision("inner", text('"computed"'), kind="string"),
        decision("out", text('x + "-" + inner'), "?x", "inner"),
        decision("other", text("inner"), "inner"),
        service("s", ["out"], decisions=["inner"], data=["x"]),
        service("both", ["out", "other"], encapsulated=["inner"], data=["x"]),
        decision("d", text('[s("a", "b"), s(inner: "c", x: "d"), s(1, "e")]'), "!s"),
    )
    model = read_dmn(definitions(*parts))
    assert model.services == ("s", "both")
    assert model.evaluate_service("s", {"x": "a", "inner": "b"}).value == "a-b"
    both = model.evaluate_service("both", {"x": "a"}).value
    assert both == {"out": "a-computed", "other": "computed"}
    assert model.evaluate("d", {}).value == ["a-b", "d-c", None]


def test_the_result_of_a_service_takes_the_type_of_its_function():
    function = '<itemDefinition name="tS"><functionItem outputTypeRef="string"/></itemDefinition>'
    model = read_dmn(
        definitions(function, decision("out", text("1")), service("s", ["out"], kind="tS"))
    )
    assert model.evaluate_service("s", {}).value is None


BASE = definitions(
    item("tAge", "number", allowed="[0..150]"),
    given("Age", "tAge"),
    decision("Is adult", text("Age >= 18"), "?Age"),
    knowledge("older", {"by": "number", "age": "tAge"}, text("age + by")),
    namespace="urn:base",
)


def test_an_imported_model_is_known_below_the_name_of_the_import():
    model = read_dmn(
        definitions(
            imported("base model", "urn:base", "./base.dmn"),
            given("extra", "base model.tAge"),
            decision(
                "d",
                text("if base model.Is adult then base model.older(1, extra) else 0"),
                "urn:base#Is adult", "!urn:base#older", "?extra",
            ),
        ),
        {"broken.dmn": b"<", "base.dmn": BASE},
    )  # fmt: skip
    assert model.inputs == ("extra", "base model.Age")
    for age in ({"Age": 20}, {"base model.Age": 20}, {"base model": {"Age": 20}}):
        assert model.evaluate("d", {**age, "extra": 4}).value == 5
    assert model.evaluate("d", {"Age": 20, "extra": 400}).value is None
    assert model.evaluate("base model.Is adult", {"Age": 3}).value is False


def test_an_import_without_a_name_brings_its_names_as_they_are():
    model = read_dmn(
        definitions(
            imported("", "urn:base"),
            decision("d", text("Is adult", "boolean"), "urn:base#Is adult"),
        ),
        {"any.dmn": BASE},
    )
    assert model.evaluate("d", {"Age": 30}).value is True


def test_imports_in_a_circle_and_models_that_are_not_given_are_refused():
    first = definitions(imported("b", "urn:b"), namespace="urn:a")
    second = definitions(imported("a", "urn:a"), namespace="urn:b")
    with pytest.raises(Invalid, match="imports without a circle"):
        read_dmn(first, {"b.dmn": second, "a.dmn": first})
    with pytest.raises(Invalid, match="'urn:b' in none of the files given"):
        read_dmn(first)


def test_decisions_that_need_one_another_are_refused_by_name():
    model = definitions(decision("a", text("b"), "b"), decision("b", text("a"), "a"))
    with pytest.raises(Invalid, match=r"requirements without a circle, but found '[ab]' -> "):
        read_dmn_in_part(model)
