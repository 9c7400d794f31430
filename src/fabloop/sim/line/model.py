"""What a simulated line consists of: stations in a row, with buffers between them."""

import msgspec

from fabloop.base.instant import MINUTE, SECOND


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a line.

    Attributes
    ----------
    cycle_ns : median time for a part; `cycle_spread` is the log-normal standard deviation
    scrap : share of parts that are bad with a sharp tool; a worn one makes up to thrice as many
    micro_stops_per_hour, breakdowns_per_hour : of working time
    micro_stop_ns, repair_ns : mean, exponentially distributed
    wear_per_part : share of the tool's life that a part takes; at 1 the tool is changed
    buffer : parts that find room behind it
    """

    id: str
    label: str
    equipment_type: str
    cycle_ns: int = 30 * SECOND
    cycle_spread: float = 0.04
    scrap: float = 0.01
    micro_stops_per_hour: float = 4.0
    micro_stop_ns: int = 40 * SECOND
    breakdowns_per_hour: float = 0.08
    repair_ns: int = 12 * MINUTE
    wear_per_part: float = 0.0025
    tool_change_ns: int = 4 * MINUTE
    idle_w: float = 900.0
    working_w: float = 7_500.0
    buffer: int = 5


class LineModel(msgspec.Struct, frozen=True, kw_only=True):
    """Stations in the order in which parts pass them; material in front never runs out.

    Attributes
    ----------
    sample_ns : how often sensors are read
    bulk : samples of the spindle current in each reading of a sensor, evenly spaced
    """

    id: str
    label: str
    stations: tuple[Station, ...]
    sample_ns: int = SECOND
    bulk: int = 50


def example_line() -> LineModel:
    """Return the line of ``fabloop simulate line``: four stations, the third is the bottleneck."""
    return LineModel(
        id="line-1",
        label="Housing line",
        stations=(
            Station(id="line-saw", label="Saw", equipment_type="saw", cycle_ns=24 * SECOND,
                working_w=4_000.0, scrap=0.002),
            Station(id="line-mill", label="Machining centre", equipment_type="milling-centre",
                cycle_ns=28 * SECOND, wear_per_part=0.004),
            Station(id="line-wash", label="Washing cell", equipment_type="cleaning-cell",
                cycle_ns=33 * SECOND, working_w=12_000.0, scrap=0.0, wear_per_part=0.0,
                breakdowns_per_hour=0.03),
            Station(id="line-test", label="Leak test bench", equipment_type="inspection-bench",
                cycle_ns=26 * SECOND, working_w=1_500.0, idle_w=400.0, scrap=0.015,
                micro_stops_per_hour=8.0, wear_per_part=0.0, breakdowns_per_hour=1 / 30),
        ),
    )  # fmt: skip
