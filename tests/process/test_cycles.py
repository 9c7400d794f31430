"""Timers that are due again and again, at every position, in the zone that they name."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, SECOND, Instant, iso_of
from fabloop.base.period import moment_of
from fabloop.process.bpmn.model import BoundaryEvent, CatchEvent
from fabloop.process.bpmn.triggers import TimerTrigger
from fabloop.process.commands import DatesSkipped, IncidentOpened, InstanceState, TimerFired
from fabloop.process.schedule import ENDLESS, following, read_dates
from fabloop.process.timers import MISSED_DATES_MAX
from fabloop.process.trigger import SpanKind
from process.driver import Plant, flows, job, process, script, wait


@pytest.fixture
def plant():
    return Plant()


def reminds(cycle: str, **more: object) -> BoundaryEvent:
    more.setdefault("interrupting", False)
    return BoundaryEvent(id="t", attached_to="a", trigger=TimerTrigger(cycle=cycle), **more)


def counting(cycle: str):
    return process(job("a"), reminds(cycle), script("s", "n + 1", "n"),
                   links=flows("start a end", "t s end"))  # fmt: skip


def test_a_cycle_happens_as_often_as_it_says(plant):
    key = plant.starts(counting("R2/PT10S"), {"n": 0})
    for _ in range(5):
        plant.passes(10)
    assert plant.engine.instance(key).variables == {"n": 2}
    assert plant.engine.next_due() is None


def test_a_cycle_without_a_number_ends_with_its_activity(plant):
    key = plant.starts(counting("R/PT10S"), {"n": 0})
    plant.passes(55)
    assert plant.engine.instance(key).variables == {"n": 5}
    assert plant.engine.next_due() == plant.now + 5 * SECOND, "counted from the due time"
    plant.completes("a")
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.next_due() is None


def test_a_cycle_that_interrupts_and_one_on_the_way_happen_once(plant):
    p = process(
        CatchEvent(id="c", trigger=TimerTrigger(cycle="R5/PT10S")),
        job("a"),
        reminds("R/PT1S", interrupting=True),
        links=flows("start c a end", "t end"),
    )
    key = plant.starts(p)
    plant.passes(10)
    assert plant.open_nodes() == ["a"]
    plant.passes(99)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert len(plant.told(TimerFired)) == 2


def test_a_cycle_may_be_computed_and_in_cron(plant):
    plant.now = moment_of("2026-11-20T05:00:00Z")
    key = plant.starts(counting("line"), {"n": 0, "line": "0 0 6-8 * * * @Europe/Vienna"})
    plant.passes(24 * 3_600)
    assert plant.engine.instance(key).variables["n"] == 3
    due = [iso_of(each.due, "Europe/Vienna")[11:16] for each in plant.told(TimerFired)]
    assert due == ["07:00", "08:00", "06:00"]


def test_missed_dates_happen_one_by_one_up_to_a_limit_then_are_skipped(plant):
    key = plant.starts(counting(f"R{3 * MISSED_DATES_MAX}/PT1S"), {"n": 0})
    plant.passes(2 * MISSED_DATES_MAX)
    assert plant.engine.instance(key).variables["n"] == MISSED_DATES_MAX
    (skipped,) = plant.told(DatesSkipped)
    assert (skipped.until - skipped.first) // SECOND == MISSED_DATES_MAX
    for _ in range(2 * MISSED_DATES_MAX):
        plant.passes(1)
    assert plant.engine.instance(key).variables["n"] == 2 * MISSED_DATES_MAX, "the count went on"
    assert plant.engine.next_due() is None


@pytest.mark.parametrize(
    ("cycle", "at", "due", "left"),
    [
        ("R3/PT1H", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", 3),
        ("R/P1M", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", ENDLESS),
        ("R-1/PT1H", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", ENDLESS),
        ("R5/2026-02-01T08:00:00Z/PT1H", "2026-01-01T00:00:00Z", "2026-02-01T08:00:00Z", 5),
        ("R5/2026-02-01T08:00:00Z/PT1H", "2026-02-01T09:30:00Z", "2026-02-01T10:00:00Z", 3),
        ("R/2026-03-28T02:30:00@Europe/Vienna/P1D", "2026-03-28T12:00:00Z",
         "2026-03-29T01:00:00Z", ENDLESS),
    ],
)  # fmt: skip
def test_the_first_date_of_a_cycle(cycle, at, due, left):
    dates = read_dates(SpanKind.CYCLE, cycle, moment_of(at))
    assert (iso_of(dates.due), dates.left) == (due, left)


def test_days_of_a_cycle_with_a_zone_keep_the_time_that_clocks_show():
    at = moment_of("2026-03-27T00:00:00Z")
    dates = read_dates(SpanKind.CYCLE, "R/2026-03-27T08:00:00@Europe/Vienna/P1D", at)
    due, shown = dates.due, []
    for _ in range(4):
        shown.append(iso_of(due, "Europe/Vienna"))
        due, passed = following(dates.rule, due, due)
        assert passed == 1
    assert [each[11:] for each in shown] == ["08:00:00+01:00"] * 2 + ["08:00:00+02:00"] * 2
    ahead, passed = following(dates.rule, dates.due, Instant(dates.due + 100 * 24 * HOUR))
    assert passed == 101
    assert iso_of(ahead, "Europe/Vienna") == "2026-07-06T08:00:00+02:00"


@pytest.mark.parametrize(
    "cycle",
    ["R0/PT1H", "R3/PT0S", "R3/nonsense/PT1H", "R/PT1H/2027-01-01T00:00:00Z", "61 * * * * *",
     "@fortnightly", "R/2026-01-01T00:00:00/PT1H"],
)  # fmt: skip
def test_a_cycle_that_says_no_date_is_refused_at_deployment(plant, cycle):
    with pytest.raises(Invalid, match="a cycle or a cron line"):
        plant.starts(counting(cycle))


@pytest.mark.parametrize("value", ["R0/PT1H", "every day", 7, None])
def test_a_computed_cycle_that_says_no_date_is_an_incident(plant, value):
    key = plant.starts(counting("line"), {"line": value})
    assert [each.kind for each in plant.engine.incidents(key)] == ["timer"]


@pytest.mark.parametrize("text", ["PT", "-PT5S", "PT5X", "2026-11-23T06:00:00+01:00"])
def test_text_that_is_no_duration_is_refused_at_deployment(plant, text):
    drawn = process(wait("c", text), links=flows("start c end"))
    with pytest.raises(Invalid, match="an ISO 8601 duration"):
        plant.starts(drawn)


@pytest.mark.parametrize("text", ["P1M", "2026-13-01T06:00:00Z", "2026-11-23T06:00:00"])
def test_text_that_is_no_date_is_refused_at_deployment(plant, text):
    dated = CatchEvent(id="c", trigger=TimerTrigger(date=text))
    with pytest.raises(Invalid, match="a date and time"):
        plant.starts(process(dated, links=flows("start c end")))


def test_a_computed_date_that_is_none_is_an_incident_that_tells_the_form(plant):
    dated = CatchEvent(id="c", trigger=TimerTrigger(date="when"))
    plant.starts(process(dated, links=flows("start c end")), {"when": "PT7S"})
    (opened,) = plant.told(IncidentOpened)
    assert "such as '2026-11-23T06:00:00+01:00', but found 'PT7S'" in opened.text
