"""What a bulk is to the stream before it."""

from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.sense.streams.follow import Position, Verdict, follow

STEP, SAMPLES = 2_000_000, 50
LENGTH = STEP * SAMPLES


def taken(*bulks, position=None):
    """Follow bulks of (sequence, start in bulks since the beginning)."""
    position, verdicts = position or Position(), []
    for sequence, begin in bulks:
        start = Instant(10**18 + round(begin * LENGTH))
        position, verdict = follow(
            position, sequence=sequence, start=start, samples=SAMPLES, step_ns=STEP
        )
        verdicts.append(verdict)
    return position, verdicts


def test_bulks_in_a_row_follow_each_other():
    position, verdicts = taken((7, 0), (8, 1), (9, 2))
    assert verdicts == [Verdict.FIRST, Verdict.NEXT, Verdict.NEXT]
    assert (position.taken, position.lost) == (3, 0)


def test_lost_bulks_are_counted():
    position, verdicts = taken((0, 0), (5, 5))
    assert verdicts[-1] is Verdict.GAP
    assert (position.gaps, position.lost) == (1, 4)


def test_a_retry_is_left_out_however_far_it_came_since():
    position, verdicts = taken((0, 0), (1, 1), (2, 2), (1, 1), (0, 0), (3, 3))
    assert verdicts[3:] == [Verdict.REPEATED, Verdict.REPEATED, Verdict.NEXT]
    assert (position.taken, position.repeated) == (4, 2)


def test_a_sender_that_counts_anew_at_a_later_time_has_restarted():
    position, verdicts = taken((100, 0), (101, 1), (0, 30), (1, 31))
    assert verdicts[2:] == [Verdict.RESTARTED, Verdict.NEXT]
    assert position.restarts == 1


def test_a_clock_that_jumps_either_way_is_told():
    _, verdicts = taken((0, 0), (1, 51), (2, 12), (3, 13))
    assert verdicts[1:] == [Verdict.CLOCK_JUMPED, Verdict.CLOCK_JUMPED, Verdict.NEXT]


def test_jitter_below_half_a_sample_is_no_jump():
    _, verdicts = taken((0, 0), (1, 1 + 0.4 / SAMPLES))
    assert verdicts[1] is Verdict.NEXT


@given(
    numbers=st.sets(st.integers(0, 300), min_size=1),
    repeats=st.lists(st.integers(0, 300), max_size=20),
    data=st.data(),
)
def test_whatever_is_lost_or_repeated_the_counts_add_up(numbers, repeats, data):
    sent = sorted(numbers)
    stream = [(number, number) for number in sent]
    for each in repeats:
        at = data.draw(st.integers(1, len(stream)))
        earlier = stream[:at][each % at]
        stream.insert(at, earlier)
    position, verdicts = taken(*stream)
    assert position.taken == len(sent)
    assert position.repeated == len(repeats)
    assert position.taken + position.lost == sent[-1] - sent[0] + 1
    assert verdicts.count(Verdict.RESTARTED) == 0
