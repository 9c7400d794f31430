"""When a KPI is told."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.sense.watch import RULE, Cause, WatchRule, cause_to_tell, worth_telling

LIMIT = 15e-6


def kpi(upper_um, day=0.0, source="tpe/1"):
    return KpiValue(
        work_unit=WorkUnitId("mill"),
        kpi=TOTAL_POSITION_ERROR,
        value=upper_um * 1e-6 - 0.7e-6,
        upper=upper_um * 1e-6,
        dimension=Dimension.LENGTH,
        at=Instant(int(day * DAY)),
        valid_for_ns=36 * HOUR,
        source=source,
    )


def heard(*values):
    """The causes for which a series of values is told, one each."""
    known, causes = None, []
    for value in values:
        cause = cause_to_tell(value, known, (LIMIT,))
        assert worth_telling(value, known, (LIMIT,)) is (cause is not None)
        known = value if cause else known
        causes.append(cause)
    return causes


def test_the_first_value_is_told():
    assert heard(kpi(13.8)) == [Cause.FIRST]


def test_small_changes_are_kept_quiet_until_they_add_up():
    values = kpi(13.8), kpi(13.9, 0.1), kpi(14.0, 0.2), kpi(14.1, 0.3)
    assert heard(*values) == [Cause.FIRST, None, None, Cause.MOVED]


def test_a_crossed_limit_is_told_however_small_the_change():
    assert heard(kpi(14.95), kpi(15.0, 0.1), kpi(15.01, 0.2)) == [Cause.FIRST, None, Cause.CROSSED]


def test_a_value_that_trembles_about_the_limit_is_told_once():
    values = [kpi(14.9), *(kpi(15.05 if n % 2 else 14.9, 0.01 * n) for n in range(1, 9))]
    assert heard(*values).count(Cause.CROSSED) == 1


def test_the_limit_is_met_again_only_below_its_hysteresis():
    values = kpi(15.05), kpi(14.86, 0.1), kpi(14.84, 0.2)
    assert heard(*values) == [Cause.FIRST, None, Cause.CROSSED]


def test_an_unchanged_daily_value_is_told_before_the_last_one_expires():
    assert heard(kpi(13.8), kpi(13.8, 0.5), kpi(13.8, 1.0)) == [Cause.FIRST, None, Cause.RENEWED]


def test_another_source_is_told():
    assert heard(kpi(13.8), kpi(13.8, 0.1, source="tpe/1, vendor")) == [Cause.FIRST, Cause.SOURCE]


def test_a_late_older_value_is_left_out():
    assert heard(kpi(13.8, 2.0), kpi(18.0, 1.0)) == [Cause.FIRST, None]


def test_a_wider_dead_band_is_a_parameter():
    wide = WatchRule(dead_band=0.5, hysteresis=0.01, renew_after=0.5)
    assert cause_to_tell(kpi(14.4, 0.1), kpi(13.8), ()) is Cause.MOVED
    assert cause_to_tell(kpi(14.4, 0.1), kpi(13.8), (), wide) is None


@given(st.lists(st.floats(10.0, 20.0), min_size=1, max_size=30))
def test_what_was_told_last_is_never_far_from_the_truth(uppers):
    known = None
    for number, upper in enumerate(uppers):
        value = kpi(upper, 0.01 * number)
        if worth_telling(value, known, (LIMIT,)):
            known = value
        assert abs(known.upper - value.upper) <= RULE.dead_band * known.upper + 1e-12
        if value.upper > LIMIT:  # an exceeded limit is always known
            assert known.upper > LIMIT


def test_a_hundred_thousand_readings_beside_a_limit_become_a_handful_of_facts():
    """A day of a value that wanders by a fifth of a per cent around what an order asks for."""
    roll, known, causes = Random(1), None, []
    for number in range(100_000):
        value = kpi(LIMIT * 1e6 * (1 + roll.gauss(0, 0.002)), number / 100_000)
        if cause := cause_to_tell(value, known, (LIMIT,)):
            known = value
            causes.append(cause)
    assert causes[0] is Cause.FIRST
    assert len(causes) <= 4
