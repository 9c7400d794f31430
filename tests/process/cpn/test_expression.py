"""The expression language computes what it says and refuses everything else."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.cpn.expression import Misread, Words, express, read_tree
from fabloop.process.cpn.net import Net, integer, record

WORDS = Words(frozenset(), {})


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__",
        "x.__class__",
        "__import__('os')",
        "open('x')",
        "lambda: 1",
        "[y for y in x]",
        "{y: 1 for y in x}",
        "(y := 1)",
        "f'{x}'",
        "x if",
        "2 ** 99999999",
        "1 << 99999999",
        "x.len()",
        "len(x, key=1)",
        "record(**x)",
        "{**x}",
        "{1: 2}",
        "b'bytes'",
        "...",
        "1j",
        "await x",
        "_",
        "-" * 60 + "x",
        "+".join(["1"] * 500),
        "x" * 3000,
        "f_len(x)(1)",
        "\x00",
    ],
)
def test_what_is_outside_the_language_is_refused(text):
    with pytest.raises(Misread):
        express(read_tree(text), WORDS)


def compute(text, value=3):
    net = Net("one", constants={"table": {"a": 1}, "pair": [4, 5]})
    start = net.place("start", int, initial=[value])
    end = net.place("end", net.colour("Any", record(v=integer(-1000, 1000))))
    net.transition("t", take={start: "x"}, put={end: f"record(v={text})"})
    transition = net.compiled().transitions[0]
    binding = transition.find(net.compiled().initial_marking(), 0)
    ((_, token, _),) = transition.produce(binding, {}, 0)
    return token["v"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x + 1", 4),
        ("-x * 2", -6),
        ("x // 2", 1),
        ("x % 2", 1),
        ("x if x > 2 else 0", 3),
        ("1 if not x == 3 else 2", 2),
        ("min(x, 2) + max(x, 9) + abs(-1)", 12),
        ("table.a", 1),
        ("table['a']", 1),
        ("pair[1]", 5),
        ("len([*pair, x])", 3),
        ("sum([*pair, x])", 12),
        ("merge({'k': 1}, {'k': x}).k", 3),
        ("1 if x in (1, 3) and x not in [2] or False else 0", 1),
        ("len('abcd'[1:])", 3),
    ],
)
def test_expressions_compute(text, value):
    assert compute(text) == value


@pytest.mark.parametrize(
    "text", ["'a' * 999999999", "x // 0", "table.b", "'%99999999d' % x", "'a'"]
)
def test_a_failing_expression_names_its_transition(text):
    with pytest.raises(Invalid, match="transition t"):
        compute(text)
