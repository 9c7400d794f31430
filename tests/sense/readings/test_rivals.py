"""Two sources for one series: precedence decides, and disagreement is told once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import GOOD, SENSOR_FAILURE
from fabloop.sense.readings.rivals import Precedence, Rivals
from fabloop.sense.readings.series import Catalogue, Kind, Series

T0 = 1_763_800_000 * SECOND
MILL = WorkUnitId("mill-1")
RULE = Precedence(
    series="mill-1/*", sources=("opcua", "mqtt"), tolerance=2.0, relative=0.0, stale_s=30,
    lasting_s=5,
)  # fmt: skip


def series(source, name="load", kind=Kind.GAUGE, unit=MILL):
    return Series(source=source, address=f"{source}/{name}", name=name, work_unit=unit, kind=kind)


def desk(*rules, kind=Kind.GAUGE):
    catalogue = Catalogue([series("mqtt", kind=kind), series("opcua", kind=kind),
                           series("mqtt", "heat")])  # fmt: skip
    return Rivals(catalogue, rules), catalogue


def tell(rivals, second, number, value, quality=GOOD):
    return rivals.take(batch_of([T0 + second * SECOND], number, [value], quality))


def counting(rivals, second):
    return rivals.counting(MILL, "load", Instant(T0 + second * SECOND))


def test_the_source_that_is_configured_first_counts_while_it_is_good_and_fresh():
    rivals, _ = desk(RULE)
    assert rivals.properties() == {(MILL, "load"): (1, 0)}
    assert counting(rivals, 0) is None, "nobody told anything: unknown"
    tell(rivals, 0, 0, 50.0)
    assert counting(rivals, 1) == 0
    tell(rivals, 1, 1, 50.0)
    assert counting(rivals, 2) == 1
    tell(rivals, 2, 1, np.nan, SENSOR_FAILURE)
    tell(rivals, 40, 0, 51.0)
    assert counting(rivals, 40) == 0, "the first one told nothing good for 30 s"
    assert counting(rivals, 100) is None


def test_without_configuration_the_source_that_was_known_first_counts():
    rivals, _ = desk()
    tell(rivals, 0, 0, 50.0)
    tell(rivals, 0, 1, 50.0)
    assert counting(rivals, 0) == 0


def test_disagreement_is_told_once_and_its_end_is_told_once():
    rivals, _ = desk(RULE)
    told = []
    for second in range(40):
        apart = 10.0 if 10 <= second < 25 else 0.0
        told += tell(rivals, second, 1, 50.0)
        told += tell(rivals, second, 0, 50.0 + apart)
    begun, over = told
    assert (begun.counts, begun.other, begun.over) == (1, 0, False)
    assert begun.since == T0 + 10 * SECOND
    assert begun.at == T0 + 15 * SECOND
    assert begun.sentence == (
        "Expected one value of mill-1/load, but found 50 from 'opcua' and 60 from 'mqtt' since "
        "2025-11-22T08:26:50Z: 'opcua' counts. Check both, or their order of precedence."
    )
    assert over.over
    assert over.sentence.startswith("'opcua' and 'mqtt' agree again on mill-1/load")
    assert (rivals.disagreements, rivals.apart) == (1, 0)


def test_values_that_hover_at_the_tolerance_are_told_once():
    rivals, _ = desk(RULE)
    told = []
    for second in range(200):
        told += tell(rivals, second, 1, 50.0)
        told += tell(rivals, second, 0, 52.5 if second < 20 or second % 2 else 51.5)
    assert [each.over for each in told] == [False]
    assert rivals.apart == 1


def test_a_short_difference_and_a_source_that_is_silent_are_no_disagreement():
    rivals, _ = desk(RULE)
    assert tell(rivals, 0, 1, 50.0) == ()
    assert tell(rivals, 1, 0, 99.0) == ()
    assert tell(rivals, 2, 0, 50.0) == ()
    assert tell(rivals, 60, 0, 99.0) == ()
    assert tell(rivals, 90, 0, 99.0) == ()
    assert rivals.disagreements == 0


def test_states_and_counters_have_to_be_equal():
    rivals, _ = desk(RULE, kind=Kind.STATE)
    told = []
    for second in range(10):
        told += tell(rivals, second, 1, 1.0)
        told += tell(rivals, second, 0, 2.0)
    assert len(told) == 1


def test_a_property_with_one_source_and_one_without_a_unit_has_no_rival():
    catalogue = Catalogue([series("a", unit=WorkUnitId("")), series("b", unit=WorkUnitId(""))])
    assert Rivals(catalogue).properties() == {}
    rivals, _ = desk()
    assert (MILL, "heat") not in rivals.properties()


def test_a_source_that_comes_later_becomes_a_rival():
    rivals, catalogue = desk(RULE)
    assert tell(rivals, 0, 2, 1.0) == ()
    catalogue.number(series("opcua", "heat"))
    assert rivals.properties()[MILL, "heat"] == (3, 2)


def test_a_source_that_is_told_in_another_unit_stays_one_rival():
    rivals, catalogue = desk(RULE)
    assert rivals.properties()[MILL, "load"] == (1, 0)
    other = replace(series("mqtt"), unit="kN", scale=1000.0)
    number = catalogue.number(other)
    assert rivals.properties()[MILL, "load"] == (1, number)
    catalogue.number(series("mqtt"))
    assert rivals.properties()[MILL, "load"] == (1, 0)


def test_thousands_of_series_are_looked_at_once_each():
    catalogue = Catalogue()
    rivals = Rivals(catalogue)
    for number in range(5_000):
        catalogue.number(series(f"s{number % 2}", f"name-{number // 2}" if number < 10 else
                                f"alone-{number}"))  # fmt: skip
        rivals.take(batch_of([T0], number, [1.0]))
    assert len(rivals.properties()) == 5


def test_a_precedence_that_cannot_be_is_refused():
    with pytest.raises(Invalid) as refused:
        Rivals(Catalogue(), [Precedence(sources=("a", "a"), tolerance=-1.0)])
    assert [each.path for each in refused.value.faults] == ["$[0].tolerance", "$[0].sources"]


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(-1e3, 1e3)), max_size=60))
def test_begin_and_end_alternate_whatever_is_told(steps):
    rivals, _ = desk(RULE)
    told = []
    for second, (number, value) in enumerate(steps):
        told += tell(rivals, second, number, value)
    assert [each.over for each in told] == [n % 2 == 1 for n in range(len(told))]


def test_only_the_source_that_counts_is_counted_and_another_begins_anew():
    rivals, _ = desk(RULE, kind=Kind.COUNTER)
    counted, anew = [], []
    for second in range(0, 120, 10):
        for number, value in ((1, 100.0), (0, 500.0)):
            if number == 1 and 30 <= second < 80:
                continue
            told = batch_of([T0 + second * SECOND], number, [value + second])
            rivals.take(told)
            batch, others = rivals.counted(told)
            counted += batch.series.tolist()
            anew += [(second, each) for each in others]
    assert counted == [1, 1, 1, 0, 0, 1, 1, 1, 1]
    assert anew == [(60, 0), (80, 1)]


def test_readings_without_a_rival_are_all_counted():
    rivals, _ = desk(RULE)
    told = batch_of([T0, T0], [2, 2], [1.0, 2.0])
    rivals.take(told)
    assert len(rivals.counted(told)[0]) == 2
