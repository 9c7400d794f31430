"""Nothing is drawn over something else: bars side by side in time, labels at one gateway."""

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.pictures.reading import SVG, titled, titles, tree, words
from fabloop.app.pictures.lanes import lanes_of, names_width
from fabloop.app.pictures.plan import plan_picture
from fabloop.app.pictures.process import process_picture
from fabloop.app.pictures.report import Section, Table, report
from fabloop.app.pictures.shipments import shipment_picture
from fabloop.app.pictures.svg import text_width
from fabloop.base.instant import HOUR, Instant
from fabloop.process.bpmn.read import read_bpmn
from run.wave_gear import network, plan_over_vienna, product

SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)).map(
        lambda each: (Instant(each[0]), Instant(each[0] + each[1]))
    ),
    max_size=12,
)


@given(SPANS)
def test_bars_of_a_lane_do_not_overlap_and_no_lane_is_wasted(spans):
    lanes = lanes_of(spans)
    for at, (start, end) in enumerate(spans):
        for other, (begin, until) in enumerate(spans[:at]):
            assert lanes[at] != lanes[other] or end <= begin or until <= start
    together = max((sum(s <= at < e for s, e in spans) for at, _ in spans), default=0)
    assert max(lanes, default=-1) + 1 == together


@given(st.lists(st.text(max_size=60)))
def test_a_column_of_names_is_as_wide_as_they_are_within_its_limits(names):
    width = names_width(names, 100, 240)
    assert 100 <= width <= 240
    assert width == 240 or all(text_width(each) < width for each in names)


def crowded():
    """A plan in which the shipments of one carrier go side by side."""
    plan = plan_over_vienna()
    shipped = next(leg for leg in plan.movements if leg.lane is not None)
    later = msgspec.structs.replace(
        shipped,
        made_by=plan.steps[0].operation,
        start=Instant(shipped.start + HOUR // 4),
        end=Instant(shipped.end + HOUR // 4),
    )
    return msgspec.structs.replace(plan, movements=(*plan.movements, later))


def test_shipments_side_by_side_stand_below_each_other():
    svg = plan_picture(crowded(), product(), network())
    boxes = [group.find(f"{SVG}rect") for group in titled(svg, "Shipment of ")]
    placed = [[float(box.get(each)) for each in ("x", "y", "width", "height")] for box in boxes]
    for at, (x, y, width, height) in enumerate(placed):
        for left, top, wide, high in placed[:at]:
            beside = x >= left + wide - 0.2 or left >= x + width - 0.2
            assert beside or y >= top + high or top >= y + height
    assert len({y for _, y, _, _ in placed}) > 1


def test_shipments_the_same_way_share_an_arrow_and_keep_their_numbers():
    plan = crowded()
    svg = shipment_picture(plan, product(), network())
    arrows = [each for each in titles(svg) if each.startswith("Shipment ") and " to " in each]
    numbers = [n for each in arrows for n in re.findall(r"\d+", each.partition(":")[0])]
    assert sorted(map(int, numbers)) == list(range(1, len(numbers) + 1))
    assert len(numbers) > len(arrows)
    assert any(each in words(svg) for each in ("1, 2", "1, 3", "2, 3"))


def test_times_between_sites_of_one_zone_are_told_in_it():
    assert "UTC" not in words(plan_picture(plan_over_vienna(), product(), network()))


def test_names_of_flows_from_one_gateway_stand_apart():
    process, _ = read_bpmn(
        b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
        <startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="g"/>
        <exclusiveGateway id="g" default="no"/>
        <sequenceFlow id="yes" name="yes" sourceRef="g" targetRef="t">
        <conditionExpression>wanted</conditionExpression></sequenceFlow>
        <sequenceFlow id="no" name="no" sourceRef="g" targetRef="j"/>
        <task id="t"/><sequenceFlow id="b" sourceRef="t" targetRef="j"/>
        <exclusiveGateway id="j"/><sequenceFlow id="c" sourceRef="j" targetRef="e"/>
        <endEvent id="e"/></process></definitions>"""
    )
    named = {
        each.text: (float(each.get("x")), float(each.get("y")))
        for each in tree(process_picture(process)).iter(f"{SVG}text")
    }
    (x, y), (to_x, to_y) = named["yes"], named["no"]
    assert abs(y - to_y) > 11 or abs(x - to_x) > 20


def test_dates_in_tables_are_not_broken():
    table = Table(caption="", heads=("When", "What"), rows=(("2026-09-07 11:43", "2026-09-07 is"),))
    page = report("Week", (Section(title="All", tables=(table,)),))
    assert '<th scope="row" class="whole">2026-09-07 11:43</th>' in page
    assert "<td>2026-09-07 is</td>" in page
