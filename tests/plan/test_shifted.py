"""Sequences of jobs: moves keep what takes its time, and the best that can be placed is kept."""

from itertools import pairwise

import numpy as np
import pytest

from fabloop.plan.floors.orders_search import booked
from fabloop.plan.floors.sequences import FAR, Move, Sequences
from fabloop.plan.floors.shifted import begun, shifted
from plan.test_tempered import on_one_floor


def loaded(seed, effort=0.1):
    """Return orders on one floor, and their sequences."""
    search = on_one_floor(seed, effort)
    at = Sequences(search.orders)
    begun(search, at)
    return search, at


def assert_sound(search, at):
    """Check all starts against movements and work units, and the finish."""
    ends, spans = [], {}
    for each, (picks, starts) in zip(search.orders, at.plan(), strict=True):
        work = each.work
        for job, (pick, start) in enumerate(zip(picks, starts, strict=True)):
            place, end = work.places[job][pick], start + work.ticks[job][pick]
            spans.setdefault(place.unit or place.area, []).append((start, end))
            ends.append(end)
            for made in work.tables.inputs[job]:
                key = work.spots[made][picks[made]], work.spots[job][pick]
                way = work.floor.way(work.places[made][picks[made]], place, key)
                assert starts[made] + work.ticks[made][picks[made]] + way.ticks <= start
    assert at.finish == max(ends)
    for row in spans.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(row)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sequences_end_no_later_than_what_is_placed(seed):
    search, at = loaded(seed)
    assert at.finish <= search.score()[0]
    for each, (_, starts) in zip(search.orders, at.plan(), strict=True):
        for job, start in enumerate(starts):
            assert start <= each.work.at(job).start
    assert_sound(search, at)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_moves_leave_a_sound_plan(seed):
    search, at = loaded(seed)
    roll = np.random.default_rng(seed)
    for _ in range(30):
        moves = [move for job in at.jobs for _, move in at.moves(job, FAR - 1)]
        assert at.carry_out(moves[int(roll.integers(len(moves)))])
        assert_sound(search, at)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_move_of_another_chain_helps(seed):
    _, at = loaded(seed)
    for move in [move for job in at.jobs for _, move in at.moves(job, FAR - 1)]:
        before, plan = at.finish, at.plan()
        critical = at.head[move.job] + at.ticks[move.job] + at.tail[move.job] == before
        at.carry_out(move)
        assert critical or at.finish >= before
        at.load(plan)


def test_what_would_make_a_circle_is_undone():
    _, at = loaded(1)
    before = at.plan()
    job = next(each for each in at.jobs if len(at.order[at.unit[each]]) > 1)
    order = at.order[at.unit[job]]
    first, second = order[0], order[1]
    at.taker[first], at.inputs[second] = second, [*at.inputs[second], first]
    lags = [[0] * len(at.options[second]) for _ in at.options[first]]
    at.lag[first] = lags
    assert not at.carry_out(Move(second, at.option[second], 0))
    assert at.order[at.unit[job]][:2] == [first, second]
    assert before[0][0] == at.plan()[0][0]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_kept_is_the_best_that_was_told(seed):
    search, at = loaded(seed)
    before, told = search.score()[0], []
    shifted(search, at, 0.0, told.append)
    assert [before, *told] == sorted({before, *told}, reverse=True)
    assert search.score()[0] == min([before, *told])
    for each in search.orders:
        for job in range(each.work.size):
            each.work.release(job)
    lines = [line for each in search.orders for row in each.work.lines for line in row]
    assert all(line.starts == line.ends == [] for line in lines)


def test_first_plans_become_better():
    search, at = loaded(2)
    before = search.score()[0]
    shifted(search, at, 0.0, lambda _: None)
    assert search.score()[0] < before


def test_a_finish_that_is_good_enough_is_left_alone():
    search, at = loaded(1)
    before = booked(search.orders)
    shifted(search, at, search.score()[0], pytest.fail)
    assert booked(search.orders) == before
