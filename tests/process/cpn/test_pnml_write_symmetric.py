"""Nets of finite colours go to symmetric nets and come back doing the same, or are refused."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.net import Net, enum, integer, list_of, product
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.cpn.pnml_write import write_pnml
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify_net
from process.example_nets import weldcell

NETS = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "nets"


def counts(document):
    report = verify_net(compile_net(document), counted=True, limits=Limits(markings=3_000))
    bounds = {place: most for place, most in report.bounds.items() if "every " not in place}
    return report.markings, report.arcs, report.dead_markings, bounds, report.sound


def test_a_weld_cell_comes_back_and_is_as_sound():
    document = untimed(weldcell(3, 2, 2, 2))
    again = read_pnml(write_pnml(document))
    assert counts(again) == counts(document)
    assert again.final == document.final
    assert read_pnml(write_pnml(again)) == again


def untimed(net):
    document = net.document()
    return msgspec.structs.replace(
        document,
        places=tuple(msgspec.structs.replace(each, timed=False) for each in document.places),
        transitions=tuple(msgspec.structs.replace(t, delay="0") for t in document.transitions),
    )


GUARDS = ["", "x != y", "x == y", "n < m", "n <= m and x == 'red'", "not (n == 2 or m > n)"]
PUTS = ["(x, n)", "(y, m)", "('red', n)", "(x, 2)", "(y, top)"]


@st.composite
def finite_nets(draw):
    """Draw nets of products of an enumeration and a range."""
    net = Net("finite", constants={"top": 3})
    phase = net.colour("Phase", enum("red", "green"))
    pair = product(phase, integer(1, 3))
    tokens = st.tuples(st.sampled_from(["red", "green"]), st.integers(1, 3))
    held = [
        net.place(f"p{n}", pair, initial=draw(st.lists(tokens, max_size=2)),
                  capacity=draw(st.sampled_from([None, 2])))
        for n in range(3)
    ]  # fmt: skip
    free = net.place("free", initial=[()] * draw(st.integers(0, 2)))
    for n in range(draw(st.integers(1, 3))):
        one, other, to = (draw(st.sampled_from(held)) for _ in range(3))
        pair_of = {one: ("(x, n)", "(y, m)")} if one == other else {one: "(x, n)", other: "(y, m)"}
        more = {free: "()"} if draw(st.booleans()) else {}
        value, guard = draw(st.sampled_from(PUTS)), draw(st.sampled_from(GUARDS))
        net.transition(f"t{n}", take=pair_of | more, put={to: value}, when=guard)
    net.final("p0 == 0")
    return net.document()


@settings(max_examples=80, deadline=None)
@given(finite_nets())
def test_a_finite_net_comes_back_doing_the_same(document):
    again = read_pnml(write_pnml(document))
    assert counts(again) == counts(document)
    assert [each.capacity for each in again.places] == [each.capacity for each in document.places]


def small_nets():
    manifest = NETS / "manifest.json"
    known = json.loads(manifest.read_text())["mcc"] if manifest.exists() else []
    small = [each for each in known if each["transitions"] and float(each["transitions"]) < 15_000]
    return [NETS / each["file"] for each in small if (NETS / each["file"]).exists()]


@pytest.mark.parametrize("path", small_nets(), ids=lambda path: path.stem)
def test_public_symmetric_nets_go_round(path):
    document = read_pnml(path.read_bytes())
    if any(not put.count.isdigit() for each in document.transitions for put in each.put):
        with pytest.raises(Invalid, match="a count from 1 without delay"):
            write_pnml(document)
        return
    assert counts(read_pnml(write_pnml(document))) == counts(document)


def test_what_a_symmetric_net_cannot_say_is_named():
    net = Net("rich")
    number, phase = integer(0, 9), enum("a", "b")
    any_number = net.place("any", int)
    items = net.place("items", list_of(number))
    clock = net.place("clock", phase, timed=True)
    some = net.place("some", number, initial=[1])
    net.transition("adds", take={some: "x"}, put={some: "x + 1"})
    net.transition("asks", take={some: "x"}, put={some: "x"}, when="x in [1, 2]")
    net.transition("late", take={some: "x"}, put={clock: "'a'"}, delay=3)
    net.transition("moves", take={some: "x"}, put={any_number: "x"})
    net.transition("packs", take={some: "x"}, put={items: "[x]"})
    document = net.document()
    first = msgspec.structs.replace(document.transitions[1], when="", work=TransitionWork(type="w"))
    document = msgspec.structs.replace(document, transitions=(*document.transitions, first))
    document = msgspec.structs.replace(
        document,
        transitions=tuple(
            msgspec.structs.replace(each, name=f"{each.name}{n}")
            for n, each in enumerate(document.transitions)
        ),
    )
    with pytest.raises(Invalid) as raised:
        write_pnml(document)
    paths = {each.path for each in raised.value.faults}
    assert paths >= {
        "colour int", "place clock", "transition adds0", "transition asks1", "transition late2",
        "transition moves3", "transition packs4", "transition asks5",
    }  # fmt: skip
