"""Boxed expressions, each by what it gives."""

from fabloop.feel.dmn import read_dmn
from feel.dmn.models import context, decision, definitions, given, knowledge, text


def evaluated(logic, kind="Any", **inputs):
    parts = [given(name) for name in inputs]
    needs = [f"?{name}" for name in inputs]
    model = read_dmn(definitions(*parts, decision("d", logic, *needs, kind=kind)))
    return model.evaluate("d", inputs)


def part(name, source):
    return f"<{name}>{text(source)}</{name}>"


def test_entries_of_a_context_see_earlier_ones_and_may_give_a_result():
    entries = (("net price", text("x * 2")), ("gross-price", text("net price * 1.5")))
    assert evaluated(context(*entries), x=4).value == {"net price": 8, "gross-price": 12}
    result = (text("gross-price - net price"),)
    assert evaluated(context(*entries, result), x=4).value == 4


def test_a_list_and_a_relation_hold_expressions():
    assert evaluated(f"<list>{text('x')}{text('x + 1')}</list>", x=1).value == [1, 2]
    row = f"<row>{text('x')}{text('x * x')}</row>"
    relation = f'<relation><column name="a"/><column name="b"/>{row}</relation>'
    assert evaluated(relation, x=3).value == [{"a": 3, "b": 9}]


def test_a_conditional_takes_the_else_for_what_is_not_true():
    logic = (
        f"<conditional>{part('if', 'x > 2')}{part('then', '1')}{part('else', '2')}</conditional>"
    )
    assert evaluated(logic, x=3).value == 1
    assert evaluated(logic, x=1).value == 2
    assert evaluated(logic, x=None).value == 2


def test_a_filter_sees_the_item_and_its_components():
    items = [{"size": 1, "name": "a"}, {"size": 5, "name": "b"}]
    logic = f"<filter>{part('in', 'x')}{part('match', 'size > 2 and item.name != null')}</filter>"
    assert evaluated(logic, x=items).value == [items[1]]
    numbers = f"<filter>{part('in', 'x')}{part('match', 'item > 2')}</filter>"
    assert evaluated(numbers, x=[1, 2, 3, 4]).value == [3, 4]


def test_loops_give_lists_and_verdicts():
    def loop(kind, last, source):
        return f'<{kind} iteratorVariable="each">{part("in", "x")}{part(last, source)}</{kind}>'

    assert evaluated(loop("for", "return", "each * 2"), x=[1, 2, 3]).value == [2, 4, 6]
    assert evaluated(loop("for", "return", "each + count(partial)"), x=[1, 1]).value == [1, 2]
    assert evaluated(loop("some", "satisfies", "each > 2"), x=[1, 2, 3]).value is True
    assert evaluated(loop("every", "satisfies", "each > 2"), x=[1, 2, 3]).value is False
    outcome = evaluated(loop("for", "return", "each"), x=None)
    assert outcome.value is None
    assert any("a list or range" in warning for warning in outcome.warnings)


def test_what_a_loop_hands_out_does_not_change_any_more():
    logic = (
        f'<for iteratorVariable="each">{part("in", "x")}{part("return", "[each, partial]")}</for>'
    )
    assert evaluated(logic, x=[1, 2]).value == [[1, []], [2, [[1, []]]]]


def test_a_boxed_function_sees_its_scope_and_may_call_itself():
    factorial = (
        '<functionDefinition><formalParameter name="n" typeRef="number"/>'
        f"{text('if n < 2 then 1 else n * f(n - 1)')}</functionDefinition>"
    )
    logic = context(("f", factorial), (text("f(x)"),))
    assert evaluated(logic, x=6).value == 720


def test_an_invocation_binds_by_name_a_knowledge_model_or_a_built_in():
    binding = "".join(
        f'<binding><parameter name="{name}"/>{text(source)}</binding>'
        for name, source in (("b", "x"), ("a", "10"))
    )
    model = read_dmn(
        definitions(
            given("x"),
            knowledge("minus", {"a": "number", "b": "number"}, text("a - b")),
            decision("d", f"<invocation>{text('minus')}{binding}</invocation>", "?x", "!minus"),
        )
    )
    assert model.evaluate("d", {"x": 4}).value == 6
    found = f'<binding><parameter name="string"/>{text("x")}</binding>'
    assert evaluated(f"<invocation>{text('upper case')}{found}</invocation>", x="a").value == "A"


def test_an_invocation_with_a_wrong_name_is_null_and_says_which_names_there_are():
    wrong = f'<binding><parameter name="c"/>{text("1")}</binding>'
    model = read_dmn(
        definitions(
            knowledge("minus", {"a": "number"}, text("a")),
            decision("d", f"<invocation>{text('minus')}{wrong}</invocation>", "!minus"),
        )
    )
    outcome = model.evaluate("d", {})
    assert outcome.value is None
    assert "Expected arguments named a, but found c" in outcome.warnings[0]


def test_functions_made_in_different_scopes_keep_their_own_variables():
    logic = context(
        ("k", text("[10, 20]")),
        ("f", text("function(i) k[i]")),
        ("g", context(("k", text("[1, 2]")), (text("function(i) k[i] + f(i)"),))),
        (text("[f(1), g(1), f(2), g(2)]"),),
    )
    assert evaluated(logic).value == [10, 11, 20, 22]
