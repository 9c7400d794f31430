"""Symmetric nets as PNML: each operator does what ISO/IEC 15909-1 says, or is refused by line."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.model import InitialToken, Put, Take
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.verify.explore import explore
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import flat_net

HEAD = """<pnml xmlns="http://www.pnml.org/version-2009/grammar/pnml">
<net id="n" type="http://www.pnml.org/version-2009/grammar/symmetricnet">
<declaration><structure><declarations>
<namedsort id="D" name="Dot"><dot/></namedsort>
<namedsort id="C" name="Phase"><cyclicenumeration>
<feconstant id="c0" name="red"/><feconstant id="c1" name="green"/><feconstant id="c2" name="blue"/>
</cyclicenumeration></namedsort>
<namedsort id="F" name="Size"><finiteenumeration>
<feconstant id="s" name="small"/><feconstant id="l" name="large"/></finiteenumeration></namedsort>
<namedsort id="R" name="R"><finiteintrange start="1" end="3"/></namedsort>
<namedsort id="P" name="P"><productsort>
<usersort declaration="C"/><usersort declaration="R"/></productsort></namedsort>
<namedoperator id="two" name="two"><def><finiteintrangeconstant value="2">
<finiteintrange start="1" end="3"/></finiteintrangeconstant></def></namedoperator>
<variabledecl id="x" name="x"><usersort declaration="C"/></variabledecl>
<variabledecl id="y" name="y"><usersort declaration="C"/></variabledecl>
<variabledecl id="z" name="lambda"><usersort declaration="F"/></variabledecl>
<variabledecl id="r" name="r"><usersort declaration="R"/></variabledecl>
</declarations></structure></declaration>
<page id="g">
"""
TAIL = "</page></net></pnml>"

X, Y, Z, R = (f'<variable refvariable="{name}"/>' for name in "xyzr")
RED, GREEN, BLUE = (f'<useroperator declaration="c{n}"/>' for n in range(3))
ALL = '<all><usersort declaration="C"/></all>'
TWO = '<useroperator declaration="two"/>'


def op(name, *terms):
    return f"<{name}>" + "".join(f"<subterm>{each}</subterm>" for each in terms) + f"</{name}>"


def times(count, term):
    number = f'<numberconstant value="{count}"><positive/></numberconstant>'
    return op("numberof", number, term)


def labelled(label, term):
    return f"<{label}><structure>{term}</structure></{label}>" if term else ""


def place(name, sort, marking=""):
    kind = labelled("type", f'<usersort declaration="{sort}"/>')
    return f'<place id="{name}">{kind}{labelled("hlinitialMarking", marking)}</place>\n'


def transition(name, condition=""):
    return f'<transition id="{name}">{labelled("condition", condition)}</transition>\n'


def arc(source, target, term):
    inside = labelled("hlinscription", term)
    return f'<arc id="{source}-{target}" source="{source}" target="{target}">{inside}</arc>\n'


def document(*parts, head=HEAD):
    return read_pnml((head + "".join(parts) + TAIL).encode())


def counts(*parts):
    found = explore(flat_net(compile_net(document(*parts)), Limits()), Limits())
    return found.markings, found.arcs


def moves(take, put, *, sort="C", to="C", marking=ALL, condition=""):
    """Return the net in which `t` takes from `p` and puts to `q`."""
    return (
        place("p", sort, marking), place("q", to), transition("t", condition),
        arc("p", "t", take), arc("t", "q", put),
    )  # fmt: skip


def test_sorts_become_colours():
    colours = document(place("p", "C"), place("q", "P"), place("d", "D")).colours
    assert colours["Phase"].values == ("red", "green", "blue")
    assert colours["Size"].values == ("small", "large")
    assert (colours["R"].low, colours["R"].high) == (1, 3)
    assert colours["P"].of == ("Phase", "R")
    assert document(place("d", "D")).places[0].colour == "unit"


def test_a_marking_may_be_a_sum_of_tuples_of_multisets():
    every = op("tuple", ALL, op("add", TWO, times(2, TWO)))
    initial = document(place("p", "P", every)).places[0].initial
    assert set(initial) == {InitialToken(value=(c, 2), count=3) for c in ("red", "green", "blue")}


def test_coefficients_become_counts():
    [moved] = document(*moves(times(2, X), times(3, X), marking=times(5, RED))).transitions
    assert moved.take == (Take(place="p", pattern="x", count=2),)
    assert moved.put == (Put(place="q", value="x", count="3"),)
    assert counts(*moves(times(2, X), times(3, X), marking=times(5, RED))) == (3, 2)


@pytest.mark.parametrize(
    ("term", "turns"),
    [
        (op("successor", X), 3),
        (op("predecessor", X), 3),
        (op("successor", op("successor", X)), 3),
        (op("successor", op("predecessor", X)), 1),
        (op("successor", op("successor", op("successor", X))), 1),
    ],
)
def test_successors_go_round(term, turns):
    net = (place("p", "C", RED), transition("t"), arc("p", "t", X), arc("t", "p", term))
    assert counts(*net) == (turns, turns)


def test_the_successor_of_a_constant_is_a_constant():
    [moved] = document(*moves(op("successor", BLUE), op("predecessor", RED))).transitions
    assert (moved.take[0].pattern, moved.put[0].value) == ("'red'", "'blue'")


@pytest.mark.parametrize(
    ("condition", "enabled"),
    [
        (op("equality", X, RED), 1),
        (op("inequality", X, RED), 2),
        (op("lessthan", X, BLUE), 2),
        (op("lessthanorequal", X, BLUE), 3),
        (op("greaterthan", X, RED), 2),
        (op("greaterthanorequal", X, BLUE), 1),
        (op("and", op("inequality", X, RED), op("inequality", X, BLUE)), 1),
        (op("or", op("equality", X, RED), op("equality", X, BLUE)), 2),
        (op("not", op("equality", X, RED)), 2),
        (op("imply", op("equality", X, RED), op("equality", X, BLUE)), 2),
        (op("equality", op("tuple", X, TWO), op("tuple", GREEN, TWO)), 1),
        (op("equality", op("successor", X), RED), 1),
    ],
)
def test_conditions_choose_among_the_tokens(condition, enabled):
    assert counts(*moves(X, X, condition=condition))[0] == 2**enabled


def test_numbers_of_a_range_are_compared_as_numbers():
    three = '<all><usersort declaration="R"/></all>'
    net = moves(R, R, sort="R", to="R", marking=three, condition=op("lessthan", R, TWO))
    assert counts(*net) == (2, 1)


def test_a_variable_that_no_input_binds_takes_every_value():
    net = moves(X, op("tuple", Y, TWO), to="P", marking=RED)
    assert counts(*net) == (4, 3)
    [every] = [each for each in document(*net).places if each.name == "every Phase"]
    assert sum(token.count for token in every.initial) == 3


def test_a_free_variable_obeys_the_guard():
    net = moves(X, Y, marking=RED, condition=op("inequality", X, Y))
    assert counts(*net) == (3, 2)


def test_an_input_that_shows_only_a_successor_still_binds():
    assert counts(*moves(op("successor", X), X)) == (8, 12)


def test_two_free_variables_of_a_sort_may_be_equal():
    pairs = op("add", op("tuple", X, R), op("tuple", Y, R))
    three = '<all><usersort declaration="R"/></all>'
    net = moves(R, pairs, sort="R", to="P", marking=three)
    free = {each.pattern for each in document(*net).transitions[0].take}
    assert free == {"r", "x", "y"}
    assert counts(*moves(R, pairs, sort="R", to="P", marking=TWO)) == (1 + 6, 9)


def test_all_may_be_taken_and_put_but_one():
    less = op("subtract", ALL, X)
    net = (
        place("p", "C", ALL), place("q", "C"), place("i", "C", RED), transition("t"),
        arc("p", "t", ALL), arc("i", "t", X), arc("t", "q", less),
    )  # fmt: skip
    [taken] = document(*net).transitions
    assert [each.count for each in taken.put] == [
        f"1 - (1 if '{name}' == x else 0)" for name in ("red", "green", "blue")
    ]
    found = compile_net(document(*net))
    binding = found.transitions[0].find(found.initial_marking(), 0)
    put = found.transitions[0].produce(binding, {}, 0)
    assert sorted(value for _, value, _ in put) == ["blue", "green"]


def test_a_subtraction_inside_tuples_is_exact():
    less = op("subtract", op("tuple", ALL, TWO), op("tuple", X, TWO))
    found = compile_net(document(*moves(X, less, to="P", marking=GREEN)))
    binding = found.transitions[0].find(found.initial_marking(), 0)
    put = found.transitions[0].produce(binding, {}, 0)
    assert sorted(value for _, value, _ in put) == [("blue", 2), ("red", 2)]


def test_names_of_the_language_do_not_collide():
    size = '<all><usersort declaration="F"/></all>'
    net = document(*moves(Z, Z, sort="F", to="F", marking=size))
    assert net.transitions[0].take[0].pattern == "x_lambda"
    assert compile_net(net).transitions[0].variables == ("x_lambda",)


def test_every_fault_is_told_with_element_and_line():
    parts = (
        place("p", "C", X),
        place("q", "missing"),
        place("o", "C", op("scalar", RED)),
        transition("t", op("equality", X, R)),
        arc("p", "t", op("subtract", ALL, X)),
        arc("t", "p", R),
        arc("t", "q", ""),
        transition("u", op("greaterthan", op("tuple", X, R), op("tuple", X, R))),
        arc("p", "u", X),
        arc("u", "p", op("subtract", X, Y)),
        arc("u", "q", op("successor", R)),
    )
    with pytest.raises(Invalid) as refused:
        document(*parts)
    first = HEAD.count("\n") + 1
    for number, element in enumerate(["p", "q", "o", "t", "p-t", "t-p", "t-q", "u"]):
        where = f"element '{element}', line {first + number}"
        assert [fault for fault in refused.value.faults if fault.path == where], where
    for number, element in ((9, "u-p"), (10, "u-q")):
        where = f"element '{element}', line {first + number}"
        assert [fault for fault in refused.value.faults if fault.path == where], where


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<cyclicenumeration>", "<cyclicenumeration><feconstant/>", "an id of its own"),
        ('start="1" end="3"', 'start="3" end="1"', "a range of 1 to"),
        ("<dot/>", "<string/>", "a dot, enumeration, range or product"),
        ("<def>", "<parameter><variabledecl/></parameter><def>", "no parameters"),
        ('<namedsort id="D" name="Dot">', '<partition id="D" name="Dot">', None),
        ('<usersort declaration="C"/><usersort', '<usersort declaration="P"/><usersort', "ends"),
        ('<def><finiteintrangeconstant value="2">', '<def><useroperator declaration="two"/>', None),
    ],
)
def test_declarations_that_cannot_be_carried_out_are_refused(old, new, expected):
    head = HEAD.replace(old, new)
    if "partition" in new:
        head = head.replace("<dot/></namedsort>", "</partition>")
        expected = "a declaration of a sort, a variable or a constant"
    if expected is None:
        head = head.replace('<finiteintrange start="1" end="3"/></finiteintrangeconstant>', "")
        expected = "operators at most"
    with pytest.raises(Invalid) as refused:
        document(*moves(X, op("tuple", X, TWO), to="P"), head=head)
    assert expected in str(refused.value)


def test_a_multiset_too_large_to_write_out_is_refused():
    head = HEAD.replace('start="1" end="3"', 'start="1" end="9000"', 1)
    pairs = '<all><usersort declaration="P"/></all>'
    with pytest.raises(Invalid, match="at most 10000 values, but found 27000"):
        document(place("p", "P", pairs), head=head)


def test_a_transition_that_takes_too_many_kinds_of_tokens_is_refused():
    head = HEAD.replace('start="1" end="3"', 'start="1" end="30"', 1)
    three = '<all><usersort declaration="R"/></all>'
    with pytest.raises(Invalid, match=r"element 't', line .*at most .* kinds of tokens taken"):
        document(*moves(three, R, sort="R", to="R", marking=three), head=head)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (
            '<namedoperator id="o0"><def><empty/></def></namedoperator>'
            + "".join(
                f'<namedoperator id="o{n}"><def><add>'
                + f'<subterm><useroperator declaration="o{n - 1}"/></subterm>' * 10
                + "</add></def></namedoperator>"
                for n in range(1, 20)
            ),
            "values and terms in a net",
        ),
        (
            "".join(
                f'<namedsort id="p{n}"><productsort>'
                + f'<usersort declaration="{f"p{n - 1}" if n else "C"}"/>' * 2
                + "</productsort></namedsort>"
                for n in range(40)
            ),
            "1 to 100 parts",
        ),
        (
            "".join(
                f'<namedsort id="r{n}"><finiteintrange start="{n}" end="{n + 9000}"/></namedsort>'
                for n in range(100)
            ),
            "values and terms in a net",
        ),
        (
            "".join(
                f'<variabledecl id="v{n}" name="v"><usersort declaration="C"/></variabledecl>'
                for n in range(2_000)
            ),
            "at most 2000 declarations",
        ),
    ],
    ids=["operators", "products", "ranges", "variables"],
)
def test_declarations_that_grow_without_measure_are_refused(declared, expected):
    head = HEAD.replace("</declarations>", f"{declared}</declarations>")
    grown = place("p", "C", '<useroperator declaration="o19"/>')
    with pytest.raises(Invalid) as refused:
        document(grown, head=head)
    assert expected in str(refused.value)


def test_more_equal_tokens_than_a_place_may_hold_are_refused():
    with pytest.raises(Invalid, match=r"element 'p', line .*at most 100000 equal tokens"):
        document(place("p", "C", times(400, times(400, RED))))


def test_a_guard_beyond_the_limits_of_the_language_is_refused_at_its_line():
    long = op("and", *[op("equality", X, RED)] * 200)
    with pytest.raises(Invalid, match=r"element 't', line \d+: Expected at most 2000 characters"):
        document(*moves(X, X, condition=long))
