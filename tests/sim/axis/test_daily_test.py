"""The daily test as a whole: simulated control, edge, measurement, wear."""

from functools import cache

import msgspec
import numpy as np
import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.sense.daily_test import measure
from fabloop.sense.edge import Edge, Finished, Spoiled, advance
from fabloop.sense.position_error import Basis, SkillClass, TermName
from fabloop.sense.program import daily_program
from fabloop.sense.recording import BULK_SAMPLES, SAMPLE_NS
from fabloop.sim.axis.daily_test import bulks, run_test
from fabloop.sim.axis.machine import Mill, reaming, reference_mill, worn

PROGRAM = daily_program()
CALIBRATED = Instant(1_780_000_000_000_000_000)
MILL = reference_mill(CALIBRATED)


@cache
def run(hours=0.0, seed=0, day=1.0):
    at = Instant(CALIBRATED + int(day * DAY))
    return run_test(worn(MILL, hours), PROGRAM, seed, started_at=at)


@cache
def error_after(hours, seed=0, day=1.0):
    at = Instant(CALIBRATED + int(day * DAY) + HOUR)
    return measure(run(hours, seed, day), MILL.calibration, reaming(), at)


@pytest.mark.parametrize("seed", [0, 50])
def test_the_mill_holds_fifteen_micrometres_until_it_is_worn(seed):
    new, old = error_after(0.0, seed), error_after(900.0, seed, 30.0)
    assert 13.5e-6 < new.upper_m < 14.3e-6
    assert 16.0e-6 < old.upper_m < 16.6e-6
    assert new.basis is old.basis is Basis.MEASURED


def test_a_mill_that_does_not_work_stays_below_its_limit():
    assert error_after(0.0, day=30.0).upper_m < 14.3e-6


def test_wear_shows_in_the_terms_that_it_acts_on():
    terms = [
        {term.name: term.value_m for term in error.axes[0].terms}
        for error in (error_after(0.0, 0), error_after(900.0, 0))
    ]
    grown = {name for name in TermName if terms[1][name] > 1.001 * terms[0][name]}
    assert grown == {TermName.REVERSAL, TermName.PROCESS}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_bytes():
    first, other = run(), run(seed=50)
    again = run.__wrapped__()
    for one, two, three in zip(first.segments, again.segments, other.segments, strict=True):
        assert one.values.tobytes() == two.values.tobytes()
        assert one.time_ns.tobytes() == two.time_ns.tobytes()
        assert one.values.tobytes() != three.values.tobytes()


def test_what_the_edge_assembles_is_what_was_recorded():
    recording = run()
    edge, outcomes = Edge(program=PROGRAM), []
    stream = list(bulks(recording, first_sequence=40))
    for bulk in stream:
        assert len(bulk.trigger) == BULK_SAMPLES
        edge, outcome = advance(edge, bulk)
        outcomes += [outcome] if outcome else []
    (finished,) = outcomes
    assert isinstance(finished, Finished)
    for sent, received in zip(recording.segments, finished.recording.segments, strict=True):
        assert (sent.values == received.values).all()
        assert (sent.time_ns == received.time_ns).all()
    spoiled = [
        outcome
        for outcome in told_without(stream, len(stream) // 2)
        if isinstance(outcome, Spoiled)
    ]
    assert [each.reason[:12] for each in spoiled] == ["1 bulks lost"]


def told_without(stream, lost):
    edge = Edge(program=PROGRAM)
    for number, bulk in enumerate(stream):
        if number != lost:
            edge, outcome = advance(edge, bulk)
            yield outcome


def test_samples_are_two_milliseconds_apart_and_segments_follow_each_other():
    recording = run()
    last = 0
    for record in recording.segments:
        assert (np.diff(record.time_ns) == SAMPLE_NS).all()
        assert record.time_ns[0] > last
        last = record.time_ns[-1]


def spoilt(recording, number, change):
    """The recording with one segment's values changed."""
    segments = tuple(
        msgspec.structs.replace(each, values=change(each.values.copy()))
        if each.number == number
        else each
        for each in recording.segments
    )
    return msgspec.structs.replace(recording, segments=segments)


def test_a_sample_that_is_no_number_rejects_the_measurement():
    def holed(values):
        values[100, 2] = np.nan
        return values

    at = Instant(CALIBRATED + DAY + HOUR)
    error = measure(spoilt(run(), 7, holed), MILL.calibration, reaming(), at)
    assert error.basis is Basis.VENDOR
    assert error.upper_m == pytest.approx(2.0 * 7.5e-6 * 1.25)
    assert [each.text for each in error.reasons] == ["segment 7 has samples that are no numbers"]


@pytest.mark.parametrize("number", range(1, len(PROGRAM.segments) + 1))
def test_an_axis_that_stands_still_is_never_called_better(number):
    at = Instant(CALIBRATED + DAY + HOUR)
    still = spoilt(run(), number, lambda values: np.repeat(values[:1], len(values), axis=0))
    error = measure(still, MILL.calibration, reaming(), at)
    assert error.basis is Basis.VENDOR
    assert error.reasons


@pytest.mark.parametrize("quantity", [0, 1, 3, 4, 5, 7])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_dead_sensor_is_never_called_better(quantity, value):
    def dead(values):
        values[:, quantity] = value
        return values

    recording = run()
    for number in range(1, len(PROGRAM.segments) + 1):
        recording = spoilt(recording, number, dead)
    at = Instant(CALIBRATED + DAY + HOUR)
    error = measure(recording, MILL.calibration, reaming(), at)
    assert error.basis is Basis.VENDOR
    assert error.reasons


def test_a_missing_segment_and_a_missing_series_reject_the_measurement():
    recording = run()
    at = Instant(CALIBRATED + DAY + HOUR)
    short = msgspec.structs.replace(recording, segments=recording.segments[:-1])
    assert measure(short, MILL.calibration, reaming(), at).basis is Basis.VENDOR
    blind = msgspec.structs.replace(recording, series=("other", *recording.series[1:]))
    reasons = measure(blind, MILL.calibration, reaming(), at).reasons
    assert [(each.axis, each.text) for each in reasons] == [("X", "series not recorded")]


def test_an_empty_recording_is_rejected():
    nothing = msgspec.structs.replace(run(), segments=())
    error = measure(nothing, MILL.calibration, reaming(), Instant(CALIBRATED + DAY))
    assert error.basis is Basis.VENDOR


def test_yesterdays_recording_counts_and_the_day_befores_does_not():
    recording = run()
    for hours, basis in ((30, Basis.MEASURED), (40, Basis.VENDOR)):
        at = Instant(CALIBRATED + DAY + hours * HOUR)
        error = measure(recording, MILL.calibration, reaming(), at)
        assert error.basis is basis
        assert error.upper_m > 13e-6


def test_a_recording_from_the_future_is_refused():
    with pytest.raises(Invalid, match="not after"):
        measure(run(), MILL.calibration, reaming(), CALIBRATED)


def test_milling_the_bore_needs_more_than_reaming_it():
    recording, at = run(), Instant(CALIBRATED + DAY + HOUR)
    milling = msgspec.structs.replace(reaming(), skill=SkillClass.CONTOUR)
    reamed = measure(recording, MILL.calibration, reaming(), at)
    milled = measure(recording, MILL.calibration, milling, at)
    assert milled.upper_m > reamed.upper_m + 2e-6


def test_a_mill_is_plain_data():
    assert msgspec.json.decode(msgspec.json.encode(MILL), type=Mill) == MILL
