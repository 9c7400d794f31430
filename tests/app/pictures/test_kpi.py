from itertools import pairwise

import msgspec

from app.pictures.kpi_course import LIMIT_M, course
from app.pictures.reading import outside, titles, tree, words
from fabloop.app.pictures import kpi_picture
from fabloop.app.pictures.kpi import POINTS_MAX, _tick_step
from fabloop.app.pictures.timeline import Axis
from fabloop.base.instant import DAY, HOUR, Instant, instant_of, iso_of


def test_values_whose_upper_bound_is_over_the_limit_are_marked_one_by_one():
    values = course()
    over = [each for each in values if each.upper > LIMIT_M]
    told = [each for each in titles(kpi_picture(values, LIMIT_M)) if each.startswith("Over")]
    assert 0 < len(over) < len(values)
    assert len(told) == len(over)


def test_the_verdict_is_told_in_words_and_looks_at_the_upper_bound():
    values = course()
    last = values[-1]
    between = (last.value + last.upper) / 2
    assert "over the limit" in words(kpi_picture(values, between))
    assert "within the limit" in words(kpi_picture(values, last.upper))


def test_the_line_is_broken_where_a_value_had_expired():
    def lines(svg):
        return [e for e in tree(svg).iter("{*}polyline") if e.get("class") == "line value"]

    assert len(lines(kpi_picture(course(), LIMIT_M))) == 1
    broken = kpi_picture(course(gap_at=12), LIMIT_M)
    assert len(lines(broken)) == 2
    assert "The value had expired; nothing newer was known." in titles(broken)


def test_higher_values_stand_higher():
    svg = kpi_picture(course(), LIMIT_M)
    (line,) = (e for e in tree(svg).iter("{*}polyline") if e.get("class") == "line value")
    points = [tuple(map(float, each.split(","))) for each in line.get("points").split()]
    assert points[0][0] < points[-1][0]
    assert points[0][1] > points[-1][1]


def test_terms_are_told_with_axis_and_unit():
    drawn = words(kpi_picture(course(), LIMIT_M))
    assert "backlash (X)" in drawn
    assert "4.1 µm" in drawn
    assert "31 N" in drawn


def test_without_a_limit_nothing_is_judged():
    drawn = words(kpi_picture(course(), None))
    assert not any("limit" in each for each in drawn)


def test_without_values_it_says_so():
    assert "No value yet." in words(kpi_picture([], LIMIT_M))


def test_one_value_alone_is_drawn():
    assert "limit 15 µm" in words(kpi_picture(course(1), LIMIT_M))


def test_long_courses_are_thinned_but_hide_no_breach():
    values = [msgspec.structs.replace(each, upper=LIMIT_M / 2) for each in course(3 * POINTS_MAX)]
    lone = 2 * POINTS_MAX + 1
    values[lone] = msgspec.structs.replace(values[lone], upper=2 * LIMIT_M)
    svg = kpi_picture(values, LIMIT_M)
    (line,) = (e for e in tree(svg).iter("{*}polyline") if e.get("class") == "line upper")
    assert len(line.get("points").split()) <= POINTS_MAX + 1
    assert len([each for each in titles(svg) if each.startswith("Over")]) == 1


def test_a_picture_stands_alone():
    assert outside(kpi_picture(course(gap_at=12), LIMIT_M)) == []


def test_tick_steps_are_round_and_few():
    for top in (17e-6, 0.9, 1.0, 8.0, 99.0, 100.0, 12345.0):
        step = _tick_step(top)
        assert 2 <= top / step <= 6
        assert f"{step:e}"[0] in "125"


def test_ticks_are_round_local_times():
    begin = instant_of("2026-03-29T00:20:00Z")
    axis = Axis(begin=begin, end=Instant(begin + 10 * HOUR), left=0, right=700)
    assert [words for _, words in axis.ticks("Asia/Kolkata")][:3] == [
        "29 Mar 06:00",
        "07:00",
        "08:00",
    ]
    days = Axis(begin=begin, end=Instant(begin + 9 * DAY), left=0, right=700)
    assert [words for _, words in days.ticks("UTC")][:2] == ["30 Mar", "31 Mar"]


def test_days_begin_at_midnight_where_clocks_are_put_forward_and_back():
    for begin in ("2026-03-27T23:00:00Z", "2026-10-23T22:00:00Z"):
        at = instant_of(begin)
        axis = Axis(begin=at, end=Instant(at + 4 * DAY), left=0, right=700)
        ticks = axis.ticks("Europe/Vienna", 140)
        assert [iso_of(each, "Europe/Vienna")[11:16] for each, _ in ticks] == ["00:00"] * len(ticks)
        assert len({words for _, words in ticks}) == len(ticks) > 3


def test_the_hour_that_clocks_leave_out_or_repeat_has_no_tick_of_its_own_length():
    for begin in ("2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"):
        at = instant_of(begin)
        axis = Axis(begin=at, end=Instant(at + 5 * HOUR), left=0, right=700)
        ticks = [each for each, _ in axis.ticks("Europe/Vienna", 100)]
        assert {b - a for a, b in pairwise(ticks)} == {HOUR}


def test_a_new_year_is_told():
    at = instant_of("2026-12-31T12:00:00Z")
    axis = Axis(begin=at, end=Instant(at + 20 * HOUR), left=0, right=700)
    words = [words for _, words in axis.ticks("UTC")]
    assert words[0] == "31 Dec 12:00"
    assert "01 Jan 2027" in words
    assert "2026" not in " ".join(words)
