"""Nets of CPN Tools: what is read, what it means, what is refused."""

import json
import os
from pathlib import Path

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.cpn.cpnxml import read_cpn
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.simulate import Run, simulate
from fabloop.process.cpn.space import Reached, reach
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify_net
from process.cpn.cpn_files import (
    COLOURS,
    arc,
    colour,
    cpn,
    ids,
    ml,
    page,
    place,
    put,
    take,
    transition,
    var,
)

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data"))


def reached(data: bytes) -> Reached:
    return reach(compile_net(read_cpn(data)), markings=10_000, arcs=100_000, memory=10**9)


def run(data: bytes, seed: int | None = None) -> Run:
    return simulate(compile_net(read_cpn(data)), until_ns=10**6, seed=seed, firings_max=1_000)


def tokens(data: bytes, name: str) -> list[object]:
    net = compile_net(read_cpn(data))
    ended = simulate(net, until_ns=10**6, firings_max=1_000)
    return sorted(ended.marking[net.place_number(name)].values, key=repr)


def one_step(put_text: str, *declarations: str, out: str = "INT", start: str = "1`7") -> bytes:
    """A net that takes the number n and puts what an inscription says."""
    return cpn(
        (*COLOURS, *declarations),
        page("P", place("a", "INT", start), place("z", out), transition("t"),
             take("a", "t", "n"), put("z", "t", put_text)),
    )  # fmt: skip


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as told:
        compile_net(read_cpn(data, "net.cpn"))
    return "\n".join(fault.sentence() for fault in told.value.faults)


@pytest.mark.parametrize(
    ("inscription", "expected"),
    [
        ("n", [7]),
        ("1`n", [7]),
        ("2`n ++ 1`(n+1)", [7, 7, 8]),
        ("empty", []),
        ("if n > 3 then 1`n else empty", [7]),
        ("if n > 9 then 1`n else empty", []),
        ("if n > 9 then 1 else if n > 5 then 2 else 3", [2]),
        ("case n of 1 => 1`1 | 7 => 2`2 | _ => empty", [2, 2]),
        ("(1`n ++ 1`2) -- 1`n", [2]),
        ("2 ** (1`n ++ 1`1)", [1, 1, 7, 7]),
        ("[n > 3] % n", [7]),
        ("[n > 8] % n", []),
        ("let val x = n val y = x * 2 in x + y end", [21]),
        ("let fun f 0 = 1 | f x = x * f (x - 1) in f 4 end", [24]),
        ("(fn (x, y) => x - y) (n, 10)", [-3]),
        ("~n div 2", [-4]),
        ("(~n) mod 5", [3]),
        ("7 mod ~5", [-3]),
        ("#2 (1, n)", [7]),
        ("#y {x = 1, y = n}", [7]),
        ("hd (tl [1, n, 3])", [7]),
        ("length ([1] ^^ [2, 3]) + n", [10]),
        ("List.foldl (fn (x, y) => x + y) 0 [1, 2, n]", [10]),
        ("list_to_ms (List.map (fn x => x + n) [1, 2])", [8, 9]),
        ("List.tabulate (3, fn i => i)", [0, 1, 2]),
        ('size "abc" + (if true andalso not false orelse false then 1 else 0)', [4]),
        ('valOf (Int.fromString "12")', [12]),
        ("floor 2.7 + round 2.4", [4]),
        ("List.length (ListPair.zip ([1, 2], [n, n]))", [2]),
        ("case Int.compare (n, 8) of LESS => 1 | _ => 2", [1]),
        ("size (INT.mkstr ~12 ^ BOOL.mkstr (n = 7))", [7]),
    ],
)
def test_inscriptions_put_what_they_say(inscription: str, expected: list[object]):
    assert tokens(one_step(inscription), "z") == expected


def test_a_list_on_a_list_place_is_one_token_and_elsewhere_several():
    lists = colour("LIST", f"<list>{ids('INT')}</list>")
    assert tokens(one_step("[n, 1]", lists, out="LIST"), "z") == [(7, 1)]
    assert tokens(one_step("1`[n] ++ 2`[]", lists, out="LIST"), "z") == [(), (), (7,)]
    assert tokens(one_step("empty", lists, out="LIST"), "z") == []
    assert tokens(one_step("[]", lists, out="LIST"), "z") == [()]
    assert tokens(one_step("[n, 1]", lists, out="INT"), "z") == [1, 7]


def test_functions_have_clauses_patterns_and_may_call_each_other():
    even = ml("fun even 0 = true | even n = odd (n - 1) and odd 0 = false | odd n = even (n - 1);")
    curried = ml("fun add x (y, _) = x + y")
    shadow = ml("val n = 3;")
    assert tokens(one_step("if even n then 1 else 0", even), "z") == [0]
    assert tokens(one_step("add n (3, 4)", curried), "z") == [10]
    assert tokens(one_step("n", shadow), "z") == [7], "a variable, not the value of the same name"


def test_a_guard_binds_by_equations_also_several_variables():
    net = cpn(
        (*COLOURS, ml("fun both x = (x + 1, x + 2)")),
        page("P", place("a", "INT", "1`5"), place("z", "INT"), transition("t", "[(k, m) = both n]"),
             take("a", "t", "n"), put("z", "t", "k * m")),
    )  # fmt: skip
    assert tokens(net, "z") == [42]


def test_a_variable_that_nothing_binds_takes_every_value_of_a_small_colour():
    net = cpn(
        COLOURS,
        page("P", place("a", "INT", "1`5"), place("z", "INT"), transition("t"),
             take("a", "t", "n"), put("z", "t", "if b then 1`n else empty")),
    )  # fmt: skip
    found = reached(net)
    assert (found.markings, found.arcs, found.dead) == (3, 2, 2)


def test_an_unbound_variable_of_a_large_colour_is_refused():
    text = refusal(one_step("k"))
    assert "'k'" in text
    assert "transition t" in text


def test_input_arcs_take_multisets_that_depend_on_other_arcs():
    net = cpn(
        COLOURS,
        page("P", place("a", "INT", "1`2"), place("u", "UNIT", "3`()"), place("z", "INT"),
             transition("t"), take("a", "t", "n"), take("u", "t", "n`()"), put("z", "t", "n")),
    )  # fmt: skip
    assert tokens(net, "z") == [2]
    assert tokens(net, "u") == [()]
    found = reached(net)
    assert (found.markings, found.arcs) == (2, 1)


def test_conditional_inputs_take_only_what_their_branch_says():
    net = cpn(
        COLOURS,
        page("P", place("a", "INT", "1`1 ++ 1`2"), place("u", "UNIT", "1`()"), place("z", "INT"),
             transition("t"), take("a", "t", "n"),
             take("u", "t", "if n = 1 then 1`() else empty"), put("z", "t", "n")),
    )  # fmt: skip
    assert tokens(net, "z") == [1, 2]
    assert tokens(net, "u") == []


UNION = (
    colour("PAIR", f"<product>{ids('INT', 'STRING')}</product>"),
    colour("MSG", "<union><unionfield><id>Data</id><type><id>PAIR</id></type></unionfield>"
           "<unionfield><id>Ack</id><type><id>INT</id></type></unionfield>"
           "<unionfield><id>Stop</id></unionfield></union>"),
    colour("REC", "<record><recordfield><id>from</id><id>INT</id></recordfield>"
           "<recordfield><id>what</id><id>MSG</id></recordfield></record>"),
    colour("M", "<index><ml>1</ml><ml>limit</ml><id>m</id></index>"),
)  # fmt: skip


def test_unions_records_and_indices_are_matched_and_made():
    net = cpn(
        (*COLOURS, ml("val limit = 2;"), *UNION, var("REC", "r")),
        page("P", place("a", "MSG", '1`Data(1,"x") ++ 1`Ack 5 ++ 1`Stop'),
             place("i", "M", "M.all()"), place("z", "REC"), place("y", "M"), transition("t"),
             take("a", "t", "Data(n,s)"), put("z", "t", "{from = n, what = Ack(n + 1)}"),
             transition("u"), take("z", "u", "{from = n, what = Ack k}"), take("i", "u", "m(n)"),
             put("y", "u", "m(k)")),
    )  # fmt: skip
    assert tokens(net, "y") == [("m", 2)]
    assert tokens(net, "a") == ["Stop", ("Ack", 5)]


def test_subsets_are_given_by_function_or_list():
    small = colour("SMALL", f"<subset>{ids('INT')}<with>{ml('[1,2,3]')}</with></subset>")
    even = colour("EVEN", f"<subset>{ids('INT')}<by>{ml('even')}</by></subset>")
    declared = (*COLOURS, ml("fun even x = x mod 2 = 0"), small, even)
    good = cpn(declared, page("P", place("a", "SMALL", "SMALL.all()"), place("b", "EVEN", "1`4")))
    assert reached(good).peaks == (3, 1)
    bad = cpn(declared, page("P", place("b", "EVEN", "1`3")))
    assert "place 'b'" in refusal(bad)


def test_time_is_counted_from_stamps_and_delays():
    net = cpn(
        (*COLOURS, colour("T", "<int/>", timed=True), var("T", "x")),
        page("P", place("a", "T", "1`1@5 +++ 1`2"), place("z", "T"), transition("t", delay="@+10"),
             take("a", "t", "x"), put("z", "t", "x @+ x * 3"), transition("u"), take("z", "u", "x"),
             place("y", "INT"), put("y", "u", "time()")),
    )  # fmt: skip
    ended = run(net)
    assert [(each.at, each.transition) for each in ended.occurrences] == [
        (0, "t"), (5, "t"), (16, "u"), (18, "u")
    ]  # fmt: skip
    assert tokens(net, "y") == [16, 18]


def test_verification_of_a_timed_net_keeps_to_its_clock():
    net = cpn(
        (*COLOURS, colour("T", "<int/>", timed=True), var("T", "x")),
        page("P", place("a", "T", "1`1@5 +++ 1`2@3"), place("u", "UNIT", "()"), place("z", "T"),
             place("late", "T"), transition("first", "[x = 2]"), take("a", "first", "x"),
             take("u", "first", "()"), put("z", "first", "x"), transition("last"),
             take("a", "last", "x"), take("u", "last", "()"), put("late", "last", "x")),
    )  # fmt: skip
    report = verify_net(compile_net(read_cpn(net)), counted=True)
    assert (report.markings, report.arcs, report.exhaustive) == (3, 2, True)
    assert (report.bounds["late"], report.left_out) == (1, ())
    assert report.counterexample == ("first(x=2)",), "at 3, when token 1 is not ready yet"


def test_of_equal_values_the_oldest_is_taken():
    net = cpn(
        (*COLOURS, colour("T", "<int/>", timed=True), var("T", "x")),
        page("P", place("a", "T", "1`1@5 +++ 1`1@2 +++ 1`1@9"), place("z", "T"), transition("t"),
             take("a", "t", "x"), put("z", "t", "x @+ 100")),
    )  # fmt: skip
    assert [each.at for each in run(net).occurrences] == [2, 5, 9]


def test_lower_numbers_go_first_and_inhibitors_and_resets_work():
    net = cpn(
        COLOURS,
        page("P", place("a", "UNIT", "2`()"), place("b", "UNIT"), place("z", "UNIT"),
             transition("low", priority="2000"), take("a", "low", "()"), put("z", "low", "()"),
             transition("high", priority="10"), take("a", "high", "()"), put("b", "high", "()"),
             transition("clean"), arc("Inhibitor", "a", "clean"), arc("Reset", "b", "clean"),
             place("once", "UNIT", "()"), take("once", "clean", "()")),
    )  # fmt: skip
    found = reached(net)
    assert (found.markings, found.arcs, found.dead) == (4, 3, 1)
    assert tokens(net, "b") == []
    assert [each.transition for each in run(net).occurrences] == ["high", "high", "clean"]


HIERARCHY = cpn(
    COLOURS,
    page("Top", place("in", "INT", "1`1 ++ 1`2"), place("middle", "INT"), place("out", "INT"),
         transition("First", page="Step", sockets="(i,in)(o,middle)"),
         transition("Second", page="Step", sockets="(i,middle)(o,out)")),
    page("Step", place("i", "INT", port="In"), place("o", "INT", port="Out"), place("busy", "INT"),
         place("machine", "UNIT", "()"), transition("start"), take("i", "start", "n"),
         take("machine", "start", "()"), put("busy", "start", "n"), transition("end"),
         take("busy", "end", "n"), put("machine", "end", "()"), put("o", "end", "n")),
    more='<fusion id="f" name="Machine"><fusion_elm idref="machine"/></fusion>',
)  # fmt: skip


def test_pages_become_one_net_with_an_instance_for_each_use():
    document = read_cpn(HIERARCHY)
    assert [each.name for each in document.transitions] == [
        "Step.start", "Step.end", "Step#2.start", "Step#2.end",
    ]  # fmt: skip
    assert [each.name for each in document.places] == [
        "Top.in", "Top.middle", "Top.out", "Step.busy", "Machine", "Step#2.busy",
    ]  # fmt: skip
    assert tokens(HIERARCHY, "Top.out") == [1, 2]
    report = verify_net(compile_net(document), limits=Limits(), counted=True)
    assert report.bounds["Step.busy"] == 1, "the fused machine is shared by both instances"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (cpn(COLOURS, page("P", transition("t", code="input (); output (); action print 1;"))),
         ["page 'P', transition 't'", "code segment"]),
        (cpn(COLOURS, page("P", transition("t", channel="!c"))), ["transition 't'", "channel"]),
        (one_step("n + TextIO.size n"), ["arc between 'z' and 't'", "TextIO.size"]),
        (one_step("f n", ml('fun f n = (print "x"; n)')), ["'f'", "sequence"]),
        (one_step("f n", ml("fun f n = n handle _ => 1")), ["'f'", "handler"]),
        (one_step("(r := n)"), ["assignment"]),
        (one_step("n +"), ["the end of 'n +'", "page 'P', arc"]),
        (one_step("n", start="1`nothing"), ["'nothing'", "place 'a'"]),
        (one_step("n @+ 5"), ["untimed"]),
        (cpn(COLOURS, page("P", place("a", "INTS"))), ["'INTS'", "INT"]),
        (cpn(COLOURS, page("A", transition("t", page="A"))), ["itself"]),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(data: bytes, told: list[str]):
    text = refusal(data)
    for each in told:
        assert each in text, text


def test_unsupported_declarations_that_nothing_uses_do_no_harm():
    spare = ml('fun log x = (print x; x) handle _ => ""')
    assert tokens(one_step("n", spare), "z") == [7]


def manifest() -> list[dict[str, object]]:
    file = DATA / "nets" / "manifest.json"
    return json.loads(file.read_text())["cpn"] if file.is_file() else []


@pytest.mark.skipif(not manifest(), reason=f"the public nets are not at {DATA / 'nets'}")
def test_public_nets_give_the_published_counts_or_are_refused_by_name():
    checked = 0
    for each in manifest():
        file = DATA / "nets" / "cpn" / str(each["file"])
        if "nodes" not in each:
            continue
        net = compile_net(read_cpn(file.read_bytes(), str(each["file"])))
        report = verify_net(net, limits=Limits(markings=20_000), counted=True)
        found = (report.markings, report.arcs, report.dead_markings)
        assert found == (each["nodes"], each["arcs"], each["dead_markings"]), each["file"]
        checked += 1
    assert checked >= 19
