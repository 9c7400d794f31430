"""Assets, aspects, aspect types, and the series that fill them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.sense.assets import (
    FEED_AXIS,
    POSITION,
    Aspect,
    AspectType,
    Asset,
    VariableType,
    fill,
)
from fabloop.sense.readings.series import Series

MILL = WorkUnitId("graz-u630")


def aspect(name="x", kind=FEED_AXIS, **names):
    return Aspect(name=name, type=kind.name, version=kind.version, names=names)


def asset(*aspects, **changes):
    plain = Asset(id="u630", work_unit=MILL, aspects=aspects)
    return msgspec.structs.replace(plain, **changes)


def series(name, dimension=Dimension.LENGTH, source="edge", unit=MILL):
    return Series(source=source, address=name, name=name, work_unit=unit, dimension=dimension)


TYPES = (FEED_AXIS, POSITION)


def test_a_series_fills_the_variable_of_its_name_and_nobody_fills_the_others():
    found = fill(
        [asset(aspect("x"), aspect("y"))],
        TYPES,
        {4: series("x.gap"), 7: series("y.gap"), 9: series("x.gap", unit=WorkUnitId("other"))},
    )
    told = {(each.aspect, each.variable.name): each.series for each in found}
    assert told["x", "gap"] == (4,)
    assert told["y", "gap"] == (7,)
    assert told["x", "stiffness"] == ()
    assert len(found) == 2 * len(FEED_AXIS.variables)


def test_a_variable_may_have_another_name_at_the_machine_and_two_sources():
    found = fill(
        [asset(aspect("pos", POSITION, bound="tpe.upper"))],
        TYPES,
        {1: series("tpe.upper"), 2: series("tpe.upper", source="opcua")},
    )
    assert {each.variable.name: each.series for each in found} == {"error": (), "bound": (1, 2)}


def test_a_series_of_another_dimension_is_refused_with_its_source():
    with pytest.raises(Invalid) as raised:
        fill([asset(aspect())], TYPES, {1: series("x.gap", Dimension.FORCE)})
    (fault,) = raised.value.faults
    assert fault.path == "assets.u630.x.gap"
    assert "edge x.gap" in fault.found


def test_all_faults_are_told_at_once():
    odd = Aspect(name="x", type="feed-axis-conditon", version=1)
    old = Aspect(name="y", type=FEED_AXIS.name, version=9)
    with pytest.raises(Invalid) as raised:
        fill(
            [
                asset(odd, old, aspect("z", gapp="gap"), aspect("z")),
                asset(part_of="u631", id="head"),
                asset(id="head", part_of="head"),
            ],
            TYPES,
            {},
        )
    paths = [each.path for each in raised.value.faults]
    assert sorted(paths) == [
        "assets",
        "assets.head.part_of",
        "assets.head.part_of",
        "assets.u630",
        "assets.u630.x",
        "assets.u630.y",
        "assets.u630.z.names",
    ]
    assert "feed-axis-condition" in str(raised.value)


def test_a_type_has_each_variable_once():
    twice = VariableType(name="gap", dimension=None)
    with pytest.raises(Invalid, match="'gap' again"):
        fill([], [AspectType(name="t", version=1, variables=(twice, twice))], {})


@given(st.dictionaries(st.integers(0, 50), st.sampled_from(["x.gap", "y.gap", "z", ""])))
def test_every_series_is_in_at_most_one_variable_and_none_is_invented(names):
    found = fill(
        [asset(aspect("x"), aspect("y"))],
        TYPES,
        {number: series(name) for number, name in names.items()},
    )
    used = [number for each in found for number in each.series]
    assert len(used) == len(set(used))
    assert set(used) == {number for number, name in names.items() if name in ("x.gap", "y.gap")}
