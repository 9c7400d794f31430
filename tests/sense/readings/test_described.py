"""Series rules: a counter that rolls over is said so where its topics are mapped."""

from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.described import SeriesRule, described
from fabloop.sense.readings.series import Kind


def test_a_rule_says_where_a_counter_rolls_over():
    rules = [SeriesRule(series="*/energy", unit="kWh", kind=Kind.COUNTER, rollover=1000.0)]
    assert rules[0].faults("hall.yaml", "$") == []
    series = described(
        rules, source="hall", address="a", work_unit=WorkUnitId("mill"), name="energy"
    )
    assert series.rollover == 1000.0 * 3.6e6


def test_only_a_counter_rolls_over():
    rules = [
        SeriesRule(series="*", rollover=10.0),
        SeriesRule(series="*", kind=Kind.COUNTER, rollover=0.0),
    ]
    told = [fault.path for each in rules for fault in each.faults("hall.yaml", "$")]
    assert told == ["$.rollover", "$.rollover"]
