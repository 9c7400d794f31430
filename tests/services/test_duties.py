"""What work may ask of a person: qualifications, doses of a shift, rests."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, instant_of
from fabloop.model.calendar import Shift
from fabloop.model.duties import (
    DoseLaw,
    Duties,
    Exposure,
    ExposureLimit,
    Qualification,
    RestRule,
    Strain,
    Worked,
)
from fabloop.model.explanation import DispatchCode
from fabloop.model.ids import PersonId, SiteId, SkillId, WorkUnitId
from fabloop.model.site import Person
from fabloop.model.skill import Skill, SkillVocabulary
from fabloop.services.assignment import Assigned, NobodyNow, Staff, assign_task, standing_of
from fabloop.services.duties import Task, dose_share, shares
from plan.instances import site

GRIND = SkillId("grind")
BENCH = WorkUnitId("bench")
WORDS = SkillVocabulary(skills={GRIND: Skill(id=GRIND, label="Grind")})
NOW = instant_of("2026-11-23T10:00:00+01:00")
VIBRATION = ExposureLimit(
    kind="vibration", label="hand-arm vibration", law=DoseLaw.ENERGY, most=5.0, unit="m/s²"
)
NOISE = ExposureLimit(kind="noise", label="noise", law=DoseLaw.DECIBEL, most=85.0, unit="dB(A)")
MASS = ExposureLimit(kind="mass", label="mass lifted", law=DoseLaw.SUM, most=1_000.0, unit="kg")
STRAIN = Strain(
    work_unit=BENCH,
    qualifications=("grinding",),
    exposures=(Exposure(kind="vibration", level=10.0), Exposure(kind="mass", level=100.0)),
)
REST = RestRule(longest_work_ns=2 * HOUR, rest_ns=15 * MINUTE)
DUTIES = Duties(limits=(VIBRATION, NOISE, MASS), strains=(STRAIN,), rest=REST)
VALID = Qualification(name="grinding", valid_until="2026-11-23")


def person(name="a", *qualifications):
    return Person(
        id=PersonId(name), label=name.upper(), site=SiteId("graz"), skills=(GRIND,), shift="early",
        qualifications=qualifications,
    )  # fmt: skip


def place(*persons):
    early = Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR)
    return msgspec.structs.replace(site("graz", [], [], persons=persons), shifts=(early,))


def task(duration_ns=HOUR, unit=BENCH):
    return Task(work_unit=unit, skill=GRIND, duration_ns=duration_ns)


def worked(start, end, unit=BENCH):
    return Worked(work_unit=unit, skill=GRIND, start=Instant(NOW + start), end=Instant(NOW + end))


def ask(*persons, done=None, duration_ns=HOUR, now=NOW, duties=DUTIES):
    staff = Staff(worked={PersonId(key): each for key, each in (done or {}).items()}, duties=duties)
    return assign_task(place(*persons), GRIND, task(duration_ns), WORDS, staff, now)


def codes(who, done=(), duration_ns=HOUR, now=NOW):
    staff = Staff(worked={who.id: tuple(done)}, duties=DUTIES)
    found = standing_of(who, task(duration_ns), place(who), staff, now)
    return [each.because.code for each in found]


def test_who_lacks_a_qualification_is_passed_over_and_told_so():
    answer = ask(person("a"), person("b", VALID))
    assert isinstance(answer, Assigned)
    assert answer.person.id == "b"
    assert codes(person("a")) == [DispatchCode.QUALIFICATION_MISSING]


def test_a_qualification_holds_to_the_end_of_its_last_day():
    assert codes(person("a", VALID)) == []
    tomorrow = instant_of("2026-11-24T06:00:00+01:00")
    assert codes(person("a", VALID), now=tomorrow) == [DispatchCode.QUALIFICATION_EXPIRED]
    last = instant_of("2026-11-23T23:59:00+01:00")
    assert codes(person("a", VALID), now=last) == []
    for_good = Qualification(name="grinding")
    assert codes(person("a", for_good), now=Instant(NOW + 4_000 * DAY)) == []


@pytest.mark.parametrize(
    ("limit", "level", "hours"),
    [(VIBRATION, 5.0, 8.0), (VIBRATION, 10.0, 2.0), (NOISE, 85.0, 8.0), (MASS, 100.0, 10.0)],
)
def test_a_level_uses_its_limit_up_in_the_time_of_the_directives(limit, level, hours):
    assert dose_share(limit, level, int(hours * HOUR)) == pytest.approx(1.0)


def test_three_decibels_more_double_a_dose_of_noise():
    louder, base = (dose_share(NOISE, level, HOUR) for level in (88.0, 85.0))
    assert louder / base == pytest.approx(2.0, rel=0.01)


def test_a_limit_may_be_met_exactly_and_not_passed():
    who = person("a", VALID)
    hour_before = [worked(-2 * HOUR, -HOUR)]
    assert codes(who, hour_before) == []  # 10 m/s² for two hours is A(8) = 5 m/s²
    found = codes(who, hour_before, duration_ns=HOUR + MINUTE)
    assert found == [DispatchCode.EXPOSURE_REACHED]


def test_work_without_strain_is_never_refused_for_a_dose():
    full = [worked(-3 * HOUR, -HOUR)]
    staff = Staff(worked={PersonId("a"): full}, duties=DUTIES)
    other = task(8 * HOUR, unit=WorkUnitId("desk"))
    assert standing_of(person("a"), other, place(person("a")), staff, NOW) == ()


def test_after_long_work_a_rest_is_due_and_its_end_is_told():
    desk = WorkUnitId("desk")
    duties = Duties(rest=REST)
    done = {"a": (worked(-100 * MINUTE, -5 * MINUTE, desk),)}
    answer = ask(person("a"), done=done, duration_ns=30 * MINUTE, duties=duties)
    assert isinstance(answer, NobodyNow)
    assert answer.because.code == DispatchCode.ALL_PERSONS_REST
    assert answer.look_again_at == NOW + 10 * MINUTE
    rested = ask(
        person("a"), done=done, duration_ns=30 * MINUTE, duties=duties, now=answer.look_again_at
    )
    assert isinstance(rested, Assigned)


def test_a_short_pause_is_no_rest_and_a_job_longer_than_all_is_given_after_one():
    duties = Duties(rest=REST)
    paused = {"a": (worked(-2 * HOUR, -HOUR), worked(-HOUR + 14 * MINUTE, -MINUTE))}
    assert isinstance(ask(person("a"), done=paused, duties=duties), NobodyNow)
    fresh = {"a": (worked(-2 * HOUR, -HOUR),)}
    assert isinstance(ask(person("a"), done=fresh, duration_ns=5 * HOUR, duties=duties), Assigned)


def test_where_nobody_may_the_common_reason_names_no_person_and_no_dose():
    answer = ask(person("a"), person("b", VALID), done={"b": (worked(-3 * HOUR, -HOUR),)})
    assert isinstance(answer, NobodyNow)
    assert answer.because.code == DispatchCode.NOBODY_WITHIN_LIMITS
    told = msgspec.json.encode(answer.because).decode()
    assert "share" not in told
    assert '"a"' not in told
    assert '"b"' not in told


spans = st.lists(
    st.tuples(st.integers(-8 * 60, -1), st.integers(1, 120)).map(
        lambda each: worked(each[0] * MINUTE, min(0, each[0] + each[1]) * MINUTE)
    ),
    max_size=5,
)


@given(spans, spans)
def test_doses_of_jobs_add_up_whatever_their_order(some, more):
    both = shares(DUTIES, [*some, *more])
    apart = [shares(DUTIES, each) for each in (some, more)]
    for kind, share in both.items():
        assert share == pytest.approx(sum(each[kind] for each in apart))
    assert shares(DUTIES, [*more, *some]) == pytest.approx(both)


@given(spans, st.integers(1, 300))
def test_more_work_behind_one_never_makes_more_possible(done, minutes):
    who = person("a", VALID)
    before = codes(who, (), minutes * MINUTE)
    after = codes(who, done, minutes * MINUTE)
    assert set(before) <= set(after)
