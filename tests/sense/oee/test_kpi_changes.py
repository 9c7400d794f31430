"""KPIs of a shift are told when they changed enough, and not for each event."""

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.events import PartsCounted, StateTold
from fabloop.sense.oee.kpi_changes import VALID_NS, KpiChanges
from fabloop.sense.oee.kpis import indicators

PRESS = WorkUnitId("press")


def pressed() -> Oee:
    """A press that makes a good part each two seconds for an hour, and then stands still."""
    engine = Oee([UnitSetting(work_unit=PRESS, time_zone="UTC", rates={"": 2 * SECOND})])
    engine.take(
        [
            StateTold(id="a", work_unit=PRESS, at=Instant(0), state="producing"),
            *(PartsCounted(id=f"p{n}", work_unit=PRESS, at=Instant((2 * n + 2) * SECOND), good=1)
              for n in range(1_799)),
            StateTold(id="b", work_unit=PRESS, at=Instant(HOUR), state="stopped"),
        ],
        Instant(2 * HOUR),
    )  # fmt: skip
    return engine


def told(changes: KpiChanges, engine: Oee, minutes: range) -> list[tuple[int, str]]:
    found = []
    for minute in minutes:
        at = Instant(minute * MINUTE)
        figures = indicators(engine.totals(PRESS, Instant(0), at))
        found += [(minute, each.value.kpi) for each in changes.new(PRESS, figures, at, "shift")]
    return found


def test_figures_that_stay_are_told_once_and_again_before_they_expire() -> None:
    changes, engine = KpiChanges(), pressed()
    found = told(changes, engine, range(2, 60))
    renewed = VALID_NS // MINUTE // 2
    assert {minute for minute, _ in found} == set(range(2, 60, renewed))
    assert changes.told == len(found) < 1_800 / 10


def test_a_figure_that_moves_is_told_with_the_one_before() -> None:
    changes, engine = KpiChanges(), pressed()
    told(changes, engine, range(59, 60))
    at = Instant(70 * MINUTE)
    figures = indicators(engine.totals(PRESS, Instant(0), at))
    moved = {each.value.kpi: each for each in changes.new(PRESS, figures, at, "shift")}
    assert moved["availability"].value.value == 6 / 7
    assert moved["availability"].previous.value == 1
    assert {"oee", "availability"} <= set(moved)


def test_what_is_not_known_is_not_told() -> None:
    engine = Oee([UnitSetting(work_unit=PRESS, time_zone="UTC")])
    figures = indicators(engine.totals(PRESS, Instant(0), Instant(HOUR)))
    assert KpiChanges().new(PRESS, figures, Instant(HOUR), "shift") == []
