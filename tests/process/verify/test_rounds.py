"""Rounds of activities are looked at one after the other, any number of them."""

import pytest
from msgspec.structs import replace

from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import MultiInstance, StandardLoop
from fabloop.process.verify.explore import Property
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import LeftOut, Verdict
from process.driver import both, error, flows, job, page, process, sub, xor
from process.test_pages import station


def rounds_of(*inside, links: str, loop, catches: tuple = ()):
    box = sub("box", *inside, links=flows(links), loop=loop)
    return process(box, *catches, links=flows("start box end", *(f"{c.id} end" for c in catches)))


LOOPS = [
    MultiInstance(cardinality="n"),
    MultiInstance(sequential=True, cardinality="n"),
    StandardLoop(condition="n > 0"),
    StandardLoop(condition="n > 0", before=True),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_rounds_are_sound_where_each_is(loop):
    model = rounds_of(job("a"), links="box.s a box.e", loop=loop, catches=(error("x", "box", "E"),))
    report = verify(compile_process(model, {}, 1))
    assert report.sound, [each for each in report.findings if each.reason]
    parallel = isinstance(loop, MultiInstance) and not loop.sequential
    assert (LeftOut.AT_ONCE in report.left_out) == parallel


@pytest.mark.parametrize("loop", LOOPS)
def test_a_deadlock_in_a_round_is_found(loop):
    model = rounds_of(xor("g", default="g-a"), job("a"), job("b"), both("j"),
                      links="box.s g a j box.e", loop=loop)  # fmt: skip
    box = model.nodes[1]
    more = flows("g b: n > 1", "b j")
    model = replace(model, nodes=(model.nodes[0], replace(box, flows=box.flows + more),
                                  model.nodes[2]))  # fmt: skip
    report = verify(compile_process(model, {}, 1))
    assert report.finding(Property.DEADLOCK_FREE).verdict is Verdict.VIOLATED


def test_rounds_at_once_that_share_places_are_not_verified():
    loops = {True: MultiInstance(sequential=True, cardinality="2"),
             False: MultiInstance(cardinality="2")}  # fmt: skip
    for sequential, loop in loops.items():
        model = process(page("weld", "n", loop=loop), links=flows("start weld end"))
        report = verify(compile_process(model, {"n": station("n").compiled()}, 1))
        if sequential:
            assert report.sound
        else:
            assert "rounds at once with shared places" in report.findings[0].reason
