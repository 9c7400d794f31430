"""Templates and data sets of Sparkplug B are taken apart into plain metrics."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mqtt.plant_node import (
    BOOLEAN,
    DATA_SET,
    DATE_TIME,
    DOUBLE,
    FIELDS,
    INT32,
    STRING,
    T0_MS,
    metric,
)
from adapters.mqtt.test_sparkplug import Hall
from fabloop.adapters.mqtt.sparkplug import composite
from fabloop.adapters.mqtt.sparkplug.wire import payload_class
from fabloop.sense.readings.quality import BAD, GOOD, NOT_CONNECTED

TEMPLATE = 19


@pytest.fixture
def hall():
    return Hall()


def template(name, members, *, ref="Motor", alias=None, definition=False, **more):
    made = payload_class()().metrics.add(datatype=TEMPLATE, **more)
    made.name = name
    if alias is not None:
        made.alias = alias
    made.template_value.template_ref = ref
    made.template_value.is_definition = definition
    made.template_value.metrics.extend(members)
    return made


def table(name, columns, types, *rows):
    made = payload_class()().metrics.add(name=name, datatype=DATA_SET)
    made.dataset_value.columns.extend(columns)
    made.dataset_value.types.extend(types)
    made.dataset_value.num_of_columns = len(columns)
    for row in rows:
        cells = made.dataset_value.rows.add()
        for kind, value in zip(types, row, strict=False):
            cell = cells.elements.add()
            if value is not None:
                setattr(cell, FIELDS[kind], value)
    return made


def test_bytes_of_a_template_as_the_standard_numbers_its_fields_are_read():
    # template_value (18) of a metric: metrics (2): name (1) "a", datatype (4) Int32, int_value
    # (10) 7; template_ref (4) "M"; is_definition (5) false
    data = bytes.fromhex("121192010e12070a01612003500722014d2800")
    found = payload_class().FromString(data)
    (whole,) = found.metrics
    assert whole.template_value.template_ref == "M"
    (member,) = whole.template_value.metrics
    assert (member.name, member.datatype, member.int_value) == ("a", INT32, 7)


def test_members_of_a_template_are_metrics_of_their_own_and_follow_by_alias_of_the_whole(hall):
    definition = template(
        "_types_/Motor",
        [metric("speed", 0.0, unit="1/s"), metric("on", False, BOOLEAN)],  # noqa: FBT003
        ref="", definition=True,
    )  # fmt: skip
    hall.hears(hall.node.birth([definition]))
    spindle = template("spindle", [metric("speed", 2.0), metric("on", True, BOOLEAN)], alias=9)  # noqa: FBT003
    born = hall.hears(hall.node.message("DBIRTH", [spindle], device="mill"))
    assert born == [("spindle/speed", 0, 2.0, GOOD), ("spindle/on", 0, 1.0, GOOD)]
    speed, on = hall.catalogue
    assert (speed.unit, speed.address) == ("1/s", "plant/cell-1/mill#spindle/speed")
    assert on.states == ("false", "true")
    change = template("", [metric("speed", 3.0)], alias=9)
    change.ClearField("name")
    change.ClearField("datatype")
    assert hall.data(change) == [("spindle/speed", 10, 3.0, GOOD)]
    assert (hall.health.refused, hall.commands) == ({}, [])


def test_what_a_member_leaves_out_is_as_it_was_defined(hall):
    bare = metric("speed", 2.0)
    bare.ClearField("datatype")
    definition = template("Motor", [metric("speed", 0.0, unit="mm")], ref="", definition=True)
    hall.hears(hall.node.birth([definition]))
    told = hall.hears(
        hall.node.message("DBIRTH", [template("axis", [bare], timestamp=T0_MS)], device="mill")
    )
    assert told == [("axis/speed", 0, pytest.approx(0.002), GOOD)]


def test_templates_within_templates_are_found_and_a_death_expires_all_of_it(hall):
    inner = template("bearing", [metric("warmth", 300.0)], ref="Bearing")
    assert hall.born(template("spindle", [inner, metric("load", 0.5)])) == [
        ("spindle/bearing/warmth", 0, 300.0, GOOD), ("spindle/load", 0, 0.5, GOOD),
    ]  # fmt: skip
    deep = template("", [template("bearing", [metric("warmth", 310.0)], ref="Bearing")])
    deep.name = "spindle"
    assert hall.data(deep) == [("spindle/bearing/warmth", 10, 310.0, GOOD)]
    gone = hall.hears(hall.node.death())
    assert {(name, quality) for name, _, _, quality in gone} == {
        ("spindle/bearing/warmth", NOT_CONNECTED), ("spindle/load", NOT_CONNECTED),
    }  # fmt: skip


def test_a_template_that_is_null_leaves_no_member_known(hall):
    hall.born(template("spindle", [metric("load", 0.5), metric("speed", 1.0)]), metric("x", 1.0))
    found = hall.data(metric("spindle", None, TEMPLATE))
    assert [(name, quality) for name, _, _, quality in found] == [
        ("spindle/load", BAD), ("spindle/speed", BAD),
    ]  # fmt: skip
    assert all(math.isnan(value) for _, _, value, _ in found)


def test_a_member_that_no_birth_told_is_refused_and_a_birth_is_asked_for(hall):
    hall.born(template("spindle", [metric("load", 0.5)]))
    assert hall.data(template("spindle", [metric("load", 0.6), metric("new", 1.0)])) == [
        ("spindle/load", 10, 0.6, GOOD)
    ]
    assert hall.health.refused == {"unknown-alias": 1}
    assert hall.commands == ["spBv1.0/plant/NCMD/cell-1"]


def test_a_row_is_a_reading_of_each_column(hall):
    types = (DOUBLE, STRING, STRING)
    assert hall.born(table("state", ("load", "mode", "note"), types, (0.5, "running", "x"))) == [
        ("state/load", 0, 0.5, GOOD), ("state/mode", 0, 1.0, GOOD),
    ]  # fmt: skip
    assert hall.health.refused == {"not-a-number": 1}  # the mapping lists no states of */note


def test_rows_with_a_time_are_readings_at_these_times_and_an_empty_cell_is_unknown(hall):
    rows = ((T0_MS + 1, 1.5), (T0_MS + 2, None), (T0_MS + 3, 2.5))
    told = table("wave", ("at", "force"), (DATE_TIME, DOUBLE), *rows)
    found = hall.born(told)
    assert [(name, at, quality) for name, at, _, quality in found] == [
        ("wave/force", 1, GOOD), ("wave/force", 2, BAD), ("wave/force", 3, GOOD),
    ]  # fmt: skip
    assert [at for _, at, _, _ in hall.data(told)] == [1, 2, 3]


def test_rows_that_nobody_can_place_in_time_are_refused_by_name(hall):
    assert hall.born(table("list", ("force",), (DOUBLE,), (1.0,), (2.0,))) == []
    assert hall.health.refused == {"malformed": 1}
    assert "one row, or a column of type DateTime in metric 'list', but found 2 rows" in (
        hall.health.trouble
    )


def test_templates_beyond_the_limits_are_refused(hall, monkeypatch):
    monkeypatch.setattr(composite, "PARTS_MAX", 2)
    assert hall.born(template("many", [metric(f"m{n}", 1.0) for n in range(3)])) == []
    deep = metric("warmth", 1.0)
    for n in range(composite.DEPTH_MAX + 1):
        deep = template(f"t{n}", [deep])
    assert hall.born(deep) == []
    assert hall.health.refused == {"malformed": 2}


def test_properties_within_properties_are_heeded(hall):
    made = metric("x", 2.0)
    made.properties.keys.append("about")
    inner = made.properties.values.add().propertyset_value
    inner.keys.append("engUnit")
    inner.values.add().string_value = "mm"
    assert hall.born(made) == [("x", 0, pytest.approx(0.002), GOOD)]


@given(st.recursive(st.just("leaf"), lambda inner: st.lists(inner, max_size=3), max_leaves=12))
def test_every_leaf_of_any_tree_of_templates_is_read_once(tree):
    leaves = []

    def made(name, shape):
        if shape == "leaf":
            leaves.append(name)
            return metric(name.rpartition("/")[2], 1.0)
        return template(
            name.rpartition("/")[2], [made(f"{name}/{n}", each) for n, each in enumerate(shape)]
        )

    hall = Hall()
    found = hall.born(made("tree", tree))
    assert [name for name, *_ in found] == leaves
