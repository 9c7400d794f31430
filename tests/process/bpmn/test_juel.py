"""JUEL to FEEL: the same values as JUEL gives, and names for what has no counterpart."""

import re
from contextlib import suppress
from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.feel import compile_expression
from fabloop.process.bpmn.juel import JUEL_DEPTH_MAX, Unsupported, is_juel
from fabloop.process.bpmn.juel_feel import feel_of_juel

# -- an independent reading of JUEL: trees are tuples, written down and evaluated here only -------

LEVELS = {
    "?": 0, "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "u-": 7, "!": 7, "empty": 7,
}  # fmt: skip
WORDS = {"||": "or", "&&": "and", "==": "eq", "!=": "ne", "<": "lt", ">": "gt", "<=": "le",
         ">=": "ge", "/": "div", "%": "mod", "!": "not"}  # fmt: skip
DIGITS = Context(prec=34)


class Undefined(Exception):
    """JUEL would convert a type, read null as a value, or fail."""


def written(tree, words: bool, level: int = 0) -> str:
    kind, *parts = tree
    if kind == "value":
        return constant(parts[0])
    if kind == "name":
        return parts[0]
    if kind == "at":
        return f"{written(parts[0], words, 8)}[{written(parts[1], words)}]"
    if kind == "dot":
        return f"{written(parts[0], words, 8)}.{parts[1]}"
    own = LEVELS[kind]
    sign = WORDS.get(kind, kind) if words else kind
    if kind == "?":
        condition, first, second = (written(each, words, 1) for each in parts)
        text = f"{condition} ? {first} : {second}"
    elif own == 7:
        text = f"{sign.removeprefix('u')} {written(parts[0], words, 7)}"
    else:
        text = f"{written(parts[0], words, own)} {sign} {written(parts[1], words, own + 1)}"
    return text if own >= level else f"({text})"


def constant(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, str):
        quote = "'" if '"' in value else '"'
        inner = value.replace("\\", "\\\\").replace(quote, "\\" + quote)
        return f"{quote}{inner}{quote}"
    return str(value)


def valued(tree, context):  # noqa: PLR0911  # one case per operator
    kind, *parts = tree
    match kind:
        case "value":
            return Decimal(parts[0]) if is_number(parts[0]) else parts[0]
        case "name":
            return valued(("value", context[parts[0]]), context)
        case "at":
            base, key = (valued(each, context) for each in parts)
            if isinstance(base, list) and is_number(key) and key == int(key):
                return Decimal(base[int(key)]) if 0 <= key < len(base) else undefined()
            return base[key] if isinstance(base, dict) and key in base else undefined()
        case "dot":
            return valued(("at", parts[0], ("value", parts[1])), context)
        case "?":
            return valued(parts[1 if boolean(valued(parts[0], context)) else 2], context)
        case "||":
            return boolean(valued(parts[0], context)) or boolean(valued(parts[1], context))
        case "&&":
            return boolean(valued(parts[0], context)) and boolean(valued(parts[1], context))
        case "!":
            return not boolean(valued(parts[0], context))
        case "empty":
            return valued(parts[0], context) in (None, "", [], {})
        case "u-":
            return -number(valued(parts[0], context))
        case _:
            return operated(kind, *(valued(each, context) for each in parts))


def operated(kind, left, right):
    if kind in ("==", "!="):
        if left is not None and right is not None and type(left) is not type(right):
            undefined()
        return (left == right) == (kind == "==")
    if kind in ("<", ">", "<=", ">="):
        if isinstance(left, str) and isinstance(right, str):
            left, right = [ord(c) for c in left], [ord(c) for c in right]
        else:
            left, right = number(left), number(right)
        return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[
            kind
        ]
    left, right = number(left), number(right)
    if kind in ("/", "%") and right == 0:
        undefined()
    match kind:
        case "+":
            return DIGITS.add(left, right)
        case "-":
            return DIGITS.subtract(left, right)
        case "*":
            return DIGITS.multiply(left, right)
        case "/":
            return DIGITS.divide(left, right)
    return DIGITS.remainder(left, right)


def is_number(value) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def number(value):
    return value if is_number(value) else undefined()


def boolean(value):
    return value if isinstance(value, bool) else undefined()


def undefined():
    raise Undefined


# -- trees and contexts --------------------------------------------------------------------------

NUMBERS = st.integers(-20, 20) | st.decimals(-9, 9, places=1)
TEXTS = st.text("ab \"'\\é", max_size=4)
CONTEXTS = st.fixed_dictionaries(
    {
        "n": NUMBERS, "k": st.integers(0, 2), "b": st.booleans(), "s": TEXTS,
        "z": st.none() | st.integers(0, 3),
        "list": st.lists(st.integers(0, 9), max_size=4),
        "m": st.fixed_dictionaries({"x": NUMBERS, "in": TEXTS}),
    }
)  # fmt: skip
NUMBER_LEAVES = st.one_of(
    st.tuples(st.just("value"), st.integers(0, 30) | st.decimals(0, 9, places=2)),
    st.sampled_from([("name", "n"), ("name", "k"), ("name", "z"), ("dot", ("name", "m"), "x")]),
    st.sampled_from(["k", "n"]).map(lambda key: ("at", ("name", "list"), ("name", key))),
    st.sampled_from(
        [("at", ("name", "list"), ("value", 1)), ("at", ("name", "m"), ("value", "x"))]
    ),
)
TEXT_LEAVES = st.one_of(
    st.tuples(st.just("value"), TEXTS),
    st.sampled_from([("name", "s"), ("dot", ("name", "m"), "in")]),
)
OTHERS = st.sampled_from([("value", None), ("name", "z"), ("name", "list"), ("name", "m")])


def numeric(depth: int):
    if depth == 0:
        return NUMBER_LEAVES
    inner = numeric(depth - 1)
    return st.one_of(
        NUMBER_LEAVES,
        st.tuples(st.sampled_from("+-*/%"), inner, inner),
        st.tuples(st.just("u-"), inner),
        st.tuples(st.just("?"), logical(depth - 1), inner, inner),
    )


def logical(depth: int):
    leaves = st.just(("name", "b")) | st.tuples(st.just("value"), st.booleans())
    if depth == 0:
        return leaves
    inner, number, other = logical(depth - 1), numeric(depth - 1), numeric(0) | TEXT_LEAVES | OTHERS
    return st.one_of(
        leaves,
        st.tuples(st.sampled_from(["||", "&&", "==", "!="]), inner, inner),
        st.tuples(st.sampled_from(["==", "!=", "<", ">", "<=", ">="]), number, number),
        st.tuples(st.sampled_from(["==", "!=", "<", ">"]), TEXT_LEAVES, TEXT_LEAVES),
        st.tuples(st.sampled_from(["==", "!="]), other, other),
        st.tuples(st.just("!"), inner),
        st.tuples(st.just("empty"), other),
        st.tuples(st.just("?"), inner, inner, inner),
    )


ANY = numeric(2) | logical(2) | TEXT_LEAVES | OTHERS
TREES = st.one_of(
    numeric(4),
    logical(4),
    st.tuples(st.sampled_from([each for each, level in LEVELS.items() if 0 < level < 7]), ANY, ANY),
)


def evaluated(text: str, context) -> object:
    given = {key: plain(value) for key, value in context.items()}
    return compile_expression(feel_of_juel(text)).evaluate(given)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return float(value) if isinstance(value, Decimal) else value


@given(TREES, CONTEXTS, st.booleans())
def test_the_feel_of_an_expression_has_the_value_that_juel_gives(tree, context, words):
    try:
        wanted = valued(tree, context)
    except Undefined:
        return
    text = f"${{{written(tree, words)}}}"
    found = evaluated(text, context)
    if is_number(wanted):
        assert found == pytest.approx(float(wanted), rel=1e-9), text
    else:
        assert found == wanted, text


@given(TREES)
def test_what_is_written_in_juel_always_has_feel(tree):
    assert compile_expression(feel_of_juel(f"#{{ {written(tree, words=True)} }}"))


@given(st.text("${}#\\ab.()'\"1+", max_size=30).map(lambda text: f"${{{text}"))
def test_any_text_is_translated_or_refused(text):
    with suppress(Unsupported):
        compile_expression(feel_of_juel(text))


@pytest.mark.parametrize(
    ("juel", "context", "value"),
    [
        ("Hello ${name}, ${n}${gone}!", {"name": "Eva", "n": 2, "gone": None}, "Hello Eva, 2!"),
        ("${execution.getVariable('x')} of #{y}", {"x": 1, "y": 2}, "1 of 2"),
        ("${'a'.equals(s)}", {"s": "a"}, True),
        ("${loopCounter == 0}", {"loopCounter": 1}, True),
        (
            "${nrOfCompletedInstances / nrOfInstances >= 0.5}",
            {"numberOfCompletedInstances": 1, "numberOfInstances": 2},
            True,
        ),
        ("\\${x} ${x}", {"x": 1}, "${x} 1"),
        ("${map['two words']}", {"map": {"two words": 3}}, 3),
        ("${list[k]}", {"list": [{"k": 5}], "k": 0}, {"k": 5}),
        ("${'}'}", {}, "}"),
        ("${a.empty}", {"a": {"empty": 1}}, 1),
        ("${name.size() + name.length()}", {"name": "ab"}, 3),
        (" ${1.} ", {}, 1),
    ],
)
def test_expressions_of_the_plain_kind(juel, context, value):
    assert evaluated(juel, context) == value


@pytest.mark.parametrize(
    ("juel", "part"),
    [
        ("${order.isPremium()}", "a call of method 'isPremium'"),
        ("${fn(1)}", "a call of a function"),
        ("${execution.id}", "'execution' of the Java interface"),
        ("${for}", "the name 'for'"),
        ("${a$b}", "the name 'a$b'"),
        ("${a", "'the end' where '}' should stand"),
        ("${}", "where 'a value' should stand"),
        ("${a b}", "'b' where '}' should stand"),
        ("${list[1.5]}", "the index 1.5"),
        ("${a.'b'}", "where 'a name' should stand"),
        ("${f(a b)}", "where ')' should stand"),
        ("${" + "(" * 100 + "1" + ")" * 100 + "}", f"more than {JUEL_DEPTH_MAX} levels"),
        ("${" + "!" * 100 + "a}", f"more than {JUEL_DEPTH_MAX} levels"),
        ("${a" + ".b" * 100 + "}", "steps of a path"),
        ("${a}" + " " * 30_000 + "x", "characters"),
    ],
)
def test_what_has_no_counterpart_is_named(juel, part):
    with pytest.raises(Unsupported, match=re.escape(part)):
        feel_of_juel(juel)


def test_text_is_juel_only_with_an_expression_in_it():
    assert is_juel("${a}")
    assert is_juel("a #{b}")
    assert not is_juel("a > b")
    assert not is_juel('= "${a}"')
    assert not is_juel("\\${a}")
