"""Functions of Java's own library, named by models and run natively."""

from decimal import Decimal

import pytest

from fabloop.base.errors import Invalid
from fabloop.feel import compile_expression

SEVERAL = "java.lang.String, [Ljava.lang.Object;"


def call(owner: str, signature: str, *given: str) -> object:
    names = ", ".join(f"p{number}" for number in range(len(given)))
    function = (
        f'function({names}) external {{java: {{class: "java.lang.{owner}", '
        f'method signature: "{signature}"}}}}'
    )
    return compile_expression(f"({function})({', '.join(given)})").value({})[0]


@pytest.mark.parametrize(
    ("owner", "signature", "given", "wanted"),
    [
        ("Math", "max(int, int)", ("123", "456"), 456),
        ("Math", "max(double,double)", ("123.45", "456.78"), Decimal("456.78")),
        ("Math", "cos(double)", ("0",), 1),
        ("Math", "round(double)", ("-2.5",), -2),
        ("Math", "floorMod(int, int)", ("-7", "3"), 2),
        ("Math", "pow(double, double)", ("2", "10"), 1024),
        ("Float", "valueOf(java.lang.String)", ('"1234.56"',), Decimal("1234.56")),
        ("Integer", "parseInt(java.lang.String)", ('"-12"',), -12),
        ("Boolean", "valueOf(java.lang.String)", ('"TRUE"',), True),
        ("String", "valueOf(char)", ('"a"',), "a"),
        ("String", f"format({SEVERAL})", ('"%s: %05.1f%%|%-4d|%x"', '["a", 2.25, 7, 255]'),
         "a: 002.2%|7   |ff"),
        ("String", f"format({SEVERAL})", ('"foo %s"', '"bar"'), "foo bar"),
    ],
)  # fmt: skip
def test_a_method_gives_what_java_gives(owner, signature, given, wanted):
    assert call(owner, signature, *given) == wanted


@pytest.mark.parametrize(
    ("owner", "signature", "given"),
    [
        ("Byte", "valueOf(byte)", ("128",)),
        ("Short", "valueOf(short)", ("1.5",)),
        ("String", "valueOf(char)", ('"ab"',)),
        ("Math", "sqrt(double)", ("-1",)),
        ("Math", "pow(double, double)", ("10", "400")),
        ("Integer", "valueOf(java.lang.String)", ('"9999999999"',)),
        ("Integer", "valueOf(java.lang.String)", ('"1.5"',)),
        ("String", f"format({SEVERAL})", ('"%d"', '["a"]')),
        ("String", f"format({SEVERAL})", ('"%s %s"', '["a"]')),
        ("Math", "ceil(double)", ("null",)),
    ],
)
def test_an_argument_that_java_does_not_take_gives_null(owner, signature, given):
    assert call(owner, signature, *given) is None


@pytest.mark.parametrize(
    ("owner", "signature"),
    [
        ("Runtime", "exit(int)"),
        ("Math", "foo(double)"),
        ("Math", "max(java.lang.String, java.lang.String)"),
        ("Math", "cos(double, double)"),
        ("System", "getenv(java.lang.String)"),
    ],
)
def test_what_is_no_pure_function_of_the_library_is_refused(owner, signature):
    given = ["1"] * signature.count(",") + ["1"]
    with pytest.raises(Invalid, match=r"function of java\.lang"):
        call(owner, signature, *given)
