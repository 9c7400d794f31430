"""Who does a job: skill first, then shift, then load; nobody is given two jobs at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, instant_of
from fabloop.model.calendar import CalendarException, Shift, WorkCalendar
from fabloop.model.explanation import DispatchCode
from fabloop.model.ids import PersonId, SiteId, SkillId
from fabloop.model.site import Person
from fabloop.model.skill import Skill, SkillVocabulary
from fabloop.services.assignment import Assigned, NobodyNow, assign, next_start, on_shift
from plan.instances import site

ZONE = "Europe/Vienna"
EARLY = Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR)
LATE = Shift(id="late", label="Late", start_ns=14 * HOUR, end_ns=22 * HOUR)
NIGHT = Shift(id="night", label="Night", start_ns=22 * HOUR, end_ns=30 * HOUR)
SHIFTS = {each.id: each for each in (EARLY, LATE, NIGHT)}
MANUAL, FIT, WELD = SkillId("manual"), SkillId("fit"), SkillId("weld")
WORDS = SkillVocabulary(
    skills={
        MANUAL: Skill(id=MANUAL, label="Manual"),
        FIT: Skill(id=FIT, label="Fit", broader=MANUAL),
        WELD: Skill(id=WELD, label="Weld", broader=MANUAL),
    }
)


def person(name, shift="early", *skills):
    return Person(
        id=PersonId(name),
        label=name,
        site=SiteId("graz"),
        skills=tuple(skills) or (FIT,),
        shift=shift,
    )


def place(*persons):
    made = site("graz", [], [], persons=persons)
    return msgspec.structs.replace(made, shifts=tuple(SHIFTS.values()))


def at(text):
    return instant_of(f"2026-11-{text}:00+01:00")


def ask(*persons, skill=FIT, load=None, busy=(), now=None):
    return assign(place(*persons), skill, WORDS, load or {}, busy, now or at("23T10:00"))


def test_who_lacks_the_skill_is_not_asked():
    answer = ask(person("a", "early", WELD), person("b", "early", FIT))
    assert isinstance(answer, Assigned)
    assert answer.person.id == "b"
    assert answer.because.code == DispatchCode.ASSIGNED
    assert answer.because.details == {"label": "b", "skill": "fit", "choice": "1"}


def test_a_narrower_skill_serves_a_broader_job_but_not_the_reverse():
    assert isinstance(ask(person("a", "early", WELD), skill=MANUAL), Assigned)
    assert isinstance(ask(person("a", "early", MANUAL), skill=WELD), NobodyNow)


def test_the_one_with_the_least_work_given_so_far_is_taken():
    load = {PersonId("a"): 2 * HOUR, PersonId("b"): HOUR}
    assert ask(person("a"), person("b"), load=load).person.id == "b"
    assert ask(person("a"), person("b"), person("c"), load=load).person.id == "c"


def test_a_tie_goes_to_the_first_id_whatever_the_order_of_the_document():
    assert ask(person("b"), person("a")).person.id == "a"
    assert ask(person("a"), person("b")).person.id == "a"


def test_who_is_busy_is_passed_over_even_with_less_load():
    assert ask(person("a"), person("b"), busy=["a"], load={PersonId("b"): DAY}).person.id == "b"


def test_a_shift_holds_from_its_first_instant_to_just_before_its_end():
    for hour, there in (("05:59", False), ("06:00", True), ("13:59", True), ("14:00", False)):
        assert isinstance(ask(person("a"), now=at(f"23T{hour}")), Assigned) is there


def test_a_night_shift_goes_on_after_midnight():
    for text, there in (
        ("23T21:59", False),
        ("23T22:00", True),
        ("24T00:00", True),
        ("24T05:59", True),
        ("24T06:00", False),
    ):
        assert isinstance(ask(person("a", "night"), now=at(text)), Assigned) is there


def test_where_nobody_is_on_shift_the_next_shift_of_a_skilled_person_is_told():
    answer = ask(person("a", "night"), person("b", "late"), person("c", "early", WELD))
    assert isinstance(answer, NobodyNow)
    assert answer.because.code == DispatchCode.NOBODY_ON_SHIFT
    assert answer.look_again_at == at("23T14:00")
    assert [each.value for each in answer.because.evidence] == [2, 0]


def test_a_shift_that_is_over_today_comes_again_tomorrow():
    answer = ask(person("a", "early"), now=at("23T15:00"))
    assert answer.look_again_at == at("24T06:00")


def test_where_all_are_busy_somebody_else_comes_with_the_next_shift():
    answer = ask(person("a"), person("b", "late"), busy=["a"])
    assert answer.because.code == DispatchCode.ALL_PERSONS_BUSY
    assert answer.look_again_at == at("23T14:00")


def test_where_all_are_busy_and_nobody_else_will_come_no_time_is_promised():
    answer = ask(person("a"), busy=["a"])
    assert answer.because.code == DispatchCode.ALL_PERSONS_BUSY
    assert answer.look_again_at is None


def test_where_nobody_has_the_skill_no_shift_will_help():
    answer = ask(person("a", "early", WELD))
    assert answer.because.code == DispatchCode.NOBODY_SKILLED
    assert answer.look_again_at is None


def test_a_night_shift_over_the_change_of_clocks_ends_when_the_clock_shows_its_end():
    """On 2026-10-25 the clocks go back: the night has nine hours."""
    begin = instant_of("2026-10-24T22:00:00+02:00")
    end = instant_of("2026-10-25T06:00:00+01:00")
    assert end - begin == 9 * HOUR
    night = WorkCalendar(shifts=(NIGHT,))
    assert on_shift(night, ZONE, Instant(end - 1))
    assert not on_shift(night, ZONE, end)
    assert next_start(night, ZONE, Instant(begin - 1)) == begin
    assert next_start(night, ZONE, begin) == instant_of("2026-10-25T22:00:00+01:00")


def test_nobody_is_there_on_a_day_off_or_while_the_site_is_closed():
    week = msgspec.structs.replace(EARLY, weekdays=(0, 1, 2, 3, 4))
    closed = WorkCalendar(exceptions=(CalendarException(date="2026-11-23"),))
    made = msgspec.structs.replace(place(person("a")), shifts=(week,), calendar=closed)
    friday_evening = at("20T20:00")
    answer = assign(made, FIT, WORDS, {}, (), friday_evening)
    assert isinstance(answer, NobodyNow)
    assert answer.look_again_at == at("24T06:00")  # not at the weekend, not on the closed Monday


def test_who_never_works_again_is_not_waited_for():
    assert next_start(WorkCalendar(), ZONE, at("23T10:00")) is None


people = st.lists(
    st.builds(
        lambda number, shift, skills: person(f"p{number}", shift, *skills),
        st.integers(0, 9),
        st.sampled_from(sorted(SHIFTS)),
        st.lists(st.sampled_from([FIT, WELD, MANUAL]), min_size=1, max_size=2, unique=True),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)
instants = st.integers(0, 365 * DAY // MINUTE).map(
    lambda minutes: Instant(instant_of("2026-01-01T00:00:00Z") + minutes * MINUTE)
)


@given(
    people,
    st.sets(st.integers(0, 9)),
    st.dictionaries(st.integers(0, 9), st.integers(0, DAY)),
    instants,
)
def test_the_chosen_person_is_skilled_on_shift_free_and_has_the_least_to_do(staff, out, load, now):
    busy = {PersonId(f"p{each}") for each in out}
    given_so_far = {PersonId(f"p{each}"): work for each, work in load.items()}
    answer = ask(*staff, load=given_so_far, busy=busy, now=now)
    fit = [
        each
        for each in staff
        if FIT in each.skills and each.id not in busy and _shows(SHIFTS[each.shift], now)
    ]
    if isinstance(answer, NobodyNow):
        assert not fit
        assert answer.look_again_at is None or answer.look_again_at > now
    else:
        assert answer.person in fit
        assert all(
            given_so_far.get(answer.person.id, 0) <= given_so_far.get(each.id, 0) for each in fit
        )


def _shows(shift, now):
    """Tell by the clock on the wall alone whether a shift is on."""
    wall = datetime.fromtimestamp(now // SECOND, UTC).astimezone(ZoneInfo(ZONE))
    hour = wall.hour + (24 if wall.hour < shift.start_ns // HOUR else 0)
    return shift.start_ns // HOUR <= hour < shift.end_ns // HOUR


@given(people, instants)
def test_at_the_promised_instant_somebody_is_there(staff, now):
    answer = ask(*staff, now=now)
    if isinstance(answer, NobodyNow) and answer.look_again_at is not None:
        assert isinstance(ask(*staff, now=answer.look_again_at), Assigned)
