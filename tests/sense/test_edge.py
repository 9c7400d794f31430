"""Bulks in, a finished recording out."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.sense import edge as edge_module
from fabloop.sense.edge import Edge, Finished, Spoiled, Stage, advance
from fabloop.sense.program import TestProgram, slow_reversal
from fabloop.sense.recording import (
    BULK_SAMPLES,
    SAMPLE_NS,
    TRIGGER_BETWEEN,
    TRIGGER_OFF,
    Bulk,
    series_of,
)

PROGRAM = TestProgram(
    version="t/1", axes=("X",), segments=(slow_reversal(speed=0.005), slow_reversal(speed=0.01))
)
START = Instant(1_000_000_000)
SERIES = ("spindle.power", *series_of("X"))


def stream(trigger, first_sequence=7, start=START):
    """Bulks whose values count the samples."""
    trigger = np.array(trigger, dtype=np.int64)
    trigger = np.concatenate([trigger, np.zeros(-len(trigger) % BULK_SAMPLES, dtype=np.int64)])
    values = np.arange(len(trigger))[:, None] + 0.1 * np.arange(len(SERIES))[None, :]
    return [
        Bulk(
            sequence=first_sequence + number,
            start=Instant(start + first * SAMPLE_NS),
            step_ns=SAMPLE_NS,
            series=SERIES,
            trigger=trigger[first : first + BULK_SAMPLES],
            values=values[first : first + BULK_SAMPLES],
        )
        for number, first in enumerate(range(0, len(trigger), BULK_SAMPLES))
    ]


def run(first=130, second=90, *, lead=60, between=13, after=80):
    return (
        [TRIGGER_OFF] * lead
        + [1] * first
        + [TRIGGER_BETWEEN] * between
        + [2] * second
        + [TRIGGER_OFF] * after
    )


def told(bulks, edge=None):
    """What the edge says of a stream, and its state in the end."""
    edge, outcomes = edge or Edge(program=PROGRAM), []
    for bulk in bulks:
        edge, outcome = advance(edge, bulk)
        if outcome is not None:
            outcomes.append(outcome)
    return outcomes, edge


@settings(max_examples=40, deadline=None)
@given(
    first=st.integers(2, 200),
    second=st.integers(2, 200),
    lead=st.integers(50, 130),
    between=st.integers(0, 70),
)
def test_a_run_is_recorded_to_the_sample_wherever_its_edges_fall(first, second, lead, between):
    outcomes, edge = told(stream(run(first, second, lead=lead, between=between)))
    (finished,) = outcomes
    assert isinstance(finished, Finished)
    one, two = finished.recording.segments
    assert (len(one.time_ns), len(two.time_ns)) == (first, second)
    assert one.time_ns[0] == START + lead * SAMPLE_NS
    assert one.values[:, 0].tolist() == list(range(lead, lead + first))
    assert two.values[0, 0] == lead + first + between
    assert (two.time_ns - START == np.round(two.values[:, 0]) * SAMPLE_NS).all()
    assert edge.stage is Stage.IDLE
    assert edge.parts == ()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_lost_bulk_spoils_the_run_it_falls_into_and_no_other(data):
    bulks = stream(run() + run() + run())
    lost = data.draw(st.integers(1, len(bulks) - 2))
    outcomes, _ = told(bulks[:lost] + bulks[lost + 1 :])
    finished = [each for each in outcomes if isinstance(each, Finished)]
    spoiled = [each for each in outcomes if isinstance(each, Spoiled)]
    hit = (bulks[lost].trigger != TRIGGER_OFF).any()
    assert len(finished) == (2 if hit else 3)
    assert len(spoiled) <= 1
    for each in spoiled:
        assert each.reason == f"1 bulks lost before bulk {bulks[lost + 1].sequence}"
    for each in finished:
        for segment in each.recording.segments:
            assert (np.diff(segment.values[:, 0]) == 1.0).all()


@given(st.integers(0, 8))
def test_a_bulk_that_comes_twice_changes_nothing(twice):
    bulks = stream(run())
    (plain,), _ = told(bulks)
    (repeated,), edge = told(bulks[: twice + 1] + bulks[twice : twice + 1] + bulks[twice + 1 :])
    assert edge.repeated in (0, 1)
    for one, other in zip(plain.recording.segments, repeated.recording.segments, strict=True):
        assert (one.values == other.values).all()
        assert (one.time_ns == other.time_ns).all()


def test_a_program_that_runs_already_when_we_begin_to_listen_is_left_out():
    bulks = stream(run() + run())
    outcomes, _ = told(bulks[3:])
    assert len(outcomes) == 1
    assert outcomes[0].recording.segments[0].values[0, 0] > 370


def test_a_stream_that_begins_anew_spoils_the_run():
    bulks = stream(run())
    outcomes, _ = told(bulks[:4] + stream(run(), first_sequence=0))
    assert isinstance(outcomes[0], Spoiled)
    assert "the stream began anew" in outcomes[0].reason
    assert isinstance(outcomes[1], Finished)


def test_a_clock_that_jumps_spoils_the_run():
    bulks = stream(run())
    late = [msgspec.structs.replace(b, start=Instant(b.start + 10 * SAMPLE_NS)) for b in bulks[3:]]
    outcomes, _ = told(bulks[:3] + late)
    assert isinstance(outcomes[0], Spoiled)
    assert "clock jumped by 20000000 ns" in outcomes[0].reason


def test_a_program_that_ends_early_is_spoiled():
    (outcome,), edge = told(stream([TRIGGER_OFF] * 50 + [1] * 100 + [TRIGGER_OFF] * 50))
    assert isinstance(outcome, Spoiled)
    assert outcome.reason == "segment 2 is missing or interrupted"
    assert edge.stage is Stage.IDLE


def test_a_segment_that_is_interrupted_is_spoiled():
    trigger = [0] * 50 + [1] * 60 + [-1] * 5 + [1] * 60 + [2] * 100 + [0] * 50
    (outcome,), _ = told(stream(trigger))
    assert outcome.reason == "segment 1 is missing or interrupted"


def test_missing_series_are_named():
    bulks = [
        msgspec.structs.replace(b, series=SERIES[:-1], values=b.values[:, :-1])
        for b in stream(run())
    ]
    (outcome,), _ = told(bulks)
    assert outcome.reason == "series not in the stream: X.force"


def test_series_that_change_their_order_spoil_the_run():
    bulks = stream(run())
    bulks[3] = msgspec.structs.replace(bulks[3], series=SERIES[::-1])
    (outcome,), _ = told(bulks)
    assert outcome.reason == "series or cycle changed while the program ran"


def test_a_variable_that_is_never_cleared_ends_at_the_limit(monkeypatch):
    monkeypatch.setattr(edge_module, "RECORDING_BULKS_MAX", 5)
    outcomes, edge = told(stream([0] * 50 + [1] * 500))
    assert [type(each) for each in outcomes] == [Spoiled]
    assert "after 5 bulks" in outcomes[0].reason
    assert edge.parts == ()


@pytest.mark.parametrize("samples", [50, 130])
def test_without_a_program_nothing_is_kept(samples):
    outcomes, edge = told(stream([TRIGGER_OFF] * samples))
    assert outcomes == []
    assert edge.stage is Stage.IDLE
    assert edge.parts == ()
