"""Files that are malformed, huge or hostile end in a clear error with its place, and soon."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.process.cpn.cpnxml import read_cpn
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.ml.parse import parse_declarations, parse_expression
from fabloop.process.cpn.simulate import simulate
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify_net
from process.cpn.cpn_files import COLOURS, colour, cpn, ids, ml, page, place, put, take, transition


def net(put_text: str, *declarations: str, start: str = "1`7", guard: str = "") -> bytes:
    return cpn(
        (*COLOURS, *declarations),
        page("P", place("a", "INT", start), place("z", "INT"), transition("t", guard),
             take("a", "t", "n"), put("z", "t", put_text)),
    )  # fmt: skip


def told(data: bytes) -> str:
    """What reading, compiling and running say is wrong."""
    with pytest.raises(Invalid) as error:
        simulate(compile_net(read_cpn(data, "net.cpn")), until_ns=10, firings_max=10)
    return "\n".join(fault.sentence() for fault in error.value.faults)


DEEP = {
    "lists": "[" * 5_000 + "]" * 5_000,
    "choices": "if b then 1 else " * 500 + "n",
    "functions": "fn x => " * 500 + "n",
    "sums": "+".join(["n"] * 10_000),
    "applications": "n " * 10_000,
    "lets": "let val x = 1 in " * 300 + "n" + " end" * 300,
    "long": "n + " * 20_000 + "n",
    "tuples": "(n," * 400 + "n" + ")" * 400,
}


@pytest.mark.parametrize("form", DEEP)
def test_deeply_nested_inscriptions_are_refused_by_page_and_arc(form):
    text = told(net(DEEP[form]))
    assert "page 'P', arc between 'z' and 't'" in text
    assert "at most" in text


def test_long_multisets_and_spare_brackets_are_no_nesting():
    assert compile_net(read_cpn(net("(" * 5_000 + "n" + ")" * 5_000)))
    sums = " ++ ".join(f"1`{number}" for number in range(3_000))
    document = read_cpn(net("n", start=sums))
    assert sum(each.count for each in document.places[0].initial) == 3_000


@pytest.mark.parametrize(
    ("declaration", "use", "what"),
    [
        ("fun f n = f (n + 1)", "f n", "go too deep"),
        ("fun f 0 = 0 | f n = f (n - 1) + f (n - 1)", "f 60", "no end after"),
        ("fun f (0, s) = size s | f (n, s) = f (n - 1, s ^ s)", 'f (60, "ab")', "a text of more"),
        ("fun f (0, s) = length s | f (n, s) = f (n - 1, s ^^ s)", "f (60, [1])", "a list of more"),
        ("fun f (0, x) = x | f (n, x) = f (n - 1, x * x)", "f (40, 3)", "overflow"),
        ("fun f n = length (List.tabulate (n, fn i => i))", "f 1000000", "1000000"),
        ("fun f n = n div (n - n)", "f n", "ZeroDivisionError"),
        ("fun f [x] = x", "f [n, n]", "no pattern of f fits"),
        ("fun f x = hd x", "f []", "the head of an empty list"),
        ("fun f x = valOf x", "f NONE", "the value of NONE"),
    ],
)
def test_what_fails_or_has_no_end_is_told_with_its_transition(declaration, use, what):
    text = told(net(use, ml(declaration)))
    assert "transition t" in text
    assert what in text


def test_values_and_markings_that_have_no_end_are_told_with_their_place():
    loops = ml("fun f n = f (n + 1)")
    assert "place 'a', line" in told(net("n", loops, start="f 1"))
    assert "100000 are possible" in told(net("n", start="1000000`1"))
    assert "'x'" in told(net("x", loops, ml("val x = f 1")))


@pytest.mark.parametrize(
    "form",
    [
        "<int><with><ml>1</ml><ml>1000000</ml></with></int>",
        f"<product>{ids('BIG', 'BIG')}</product>",
        "<index><ml>1</ml><ml>1000000</ml><id>i</id></index>",
    ],
)
def test_colours_with_a_million_values_are_declared_but_not_listed(form):
    big = colour("BIG", "<int><with><ml>1</ml><ml>1000</ml></with></int>")
    declared = (*COLOURS, big, colour("HUGE", form))
    data = cpn(declared, page("P", place("a", "HUGE", "HUGE.all()")))
    text = told(data)
    assert "all values of HUGE" in text
    assert "place 'a'" in text
    assert compile_net(read_cpn(cpn(declared, page("P", place("a", "HUGE"))))).places


def test_pages_that_multiply_are_refused():
    sheets = [
        page(f"p{n}", transition(f"a{n}", page=f"p{n + 1}"), transition(f"b{n}", page=f"p{n + 1}"))
        for n in range(20)
    ]
    assert "at most 1000" in told(cpn(COLOURS, *sheets, page("p20")))


def test_a_net_that_grows_without_end_is_verified_up_to_the_limit():
    data = cpn(COLOURS, page("P", place("a", "INT"), transition("t"), put("a", "t", "1")))
    report = verify_net(compile_net(read_cpn(data)), limits=Limits(markings=2_000))
    assert (report.exhaustive, report.sound) == (False, None)
    assert "not exhaustive" in report.findings[-1].reason


def test_random_values_are_drawn_in_simulations_and_refused_in_verification():
    compiled = compile_net(read_cpn(net("discrete (1, 6)", start="100`1")))
    runs = [simulate(compiled, until_ns=10, seed=seed).marking[1].values for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {1, 2, 3, 4, 5, 6}
    report = verify_net(compiled)
    assert report.sound is None
    assert "transition 't' draws by chance" in report.findings[0].reason


DOCTYPE_END = b'dtd">'


@pytest.mark.parametrize(
    ("find", "replace", "what"),
    [
        (DOCTYPE_END, b'dtd" [<!ENTITY a "aaa"><!ENTITY b "&a;&a;">]>', "DTD"),
        (b"<!DOCTYPE workspaceElements", b"<!DOCTYPE other", "DTD"),
        (b"<cpnet>", b'<cpnet><!ENTITY x SYSTEM "file:///etc/passwd">', "DTD"),
        (b"</cpnet>", b"", "well-formed"),
        (b"workspaceElements>", b"elements>", "CPN Tools net"),
        (b"<cpnet>", b"<cpnet>" + b"<a>" * 200 + b"</a>" * 200, "deep"),
        (b'idref="a"', b'idref="nowhere"', "a place and a transition"),
        (b'orientation="PtoT"', b'orientation="Sideways"', "Sideways"),
        (b"<int/>", b"<int/><bool/>", "colour set 'INT'"),
        (b"<int/>", b"<list><id>NONE</id></list>", "'NONE'"),
        (b"<int/>", b"<fractal/>", "fractal"),
    ],
)
def test_xml_that_is_broken_or_hostile_is_refused(find, replace, what):
    data = net("n")
    assert find in data
    assert what in told(data.replace(find, replace))


@given(st.text(alphabet="nx12`+-*=<>()[]{},;:.#@~^|_\"' \\\nifthenelsecaseofletinend", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text):
    for read in (parse_expression, parse_declarations):
        with contextlib.suppress(Misread):
            read(text)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused(data):
    whole = net("if n > 3 then 1`n else empty", ml("fun f x = x + 1"), guard="[n > 0, f n < 9]")
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 40))
    junk = data.draw(st.binary(max_size=8))
    with contextlib.suppress(Invalid):
        compile_net(read_cpn(whole[:start] + junk + whole[start + length :]))
