"""OEE of a thousand machines: how long an event takes to its figure, in order and late.

Run ``python bench/oee.py``; arguments set the machines (1,000) and the events of each (600, about
two shifts). Times are CPU times of one thread, since the machine may be shared.
"""

import random
import sys
import time

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, instant_of
from fabloop.model.calendar import Shift, WorkCalendar
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.events import Event, PartsCounted, StateTold
from fabloop.sense.oee.kpis import indicators
from fabloop.sense.oee.totals import Totals, together

START = instant_of("2026-03-30T06:00:00+02:00")
CALENDAR = WorkCalendar(
    shifts=tuple(
        Shift(id=name, label=name, start_ns=begin * HOUR, end_ns=(begin + 8) * HOUR)
        for name, begin in (("early", 6), ("late", 14), ("night", 22))
    )
)
WORDS = ("producing",) * 6 + ("stopped", "waiting", "failed", "setup")


def engine_of(machines: int) -> Oee:
    """Return an engine that watches machines."""
    return Oee(
        UnitSetting(
            work_unit=WorkUnitId(f"m{number}"),
            time_zone="Europe/Vienna",
            calendar=CALENDAR,
            rates={"": 30 * SECOND},
        )
        for number in range(machines)
    )


def drawn(machines: int, each: int) -> list[Event]:
    """Return states and counts of all machines, by time."""
    dice, events = random.Random(1), []
    for number in range(machines):
        unit = WorkUnitId(f"m{number}")
        for turn in range(each):
            at = Instant(START + turn * 90 * SECOND + dice.randrange(90 * SECOND))
            name = f"{number}.{turn}"
            if turn % 3:
                good, scrap = dice.randrange(4), dice.random() < 0.05
                events.append(
                    PartsCounted(id=name, work_unit=unit, at=at, good=good, scrap=int(scrap))
                )
            else:
                events.append(StateTold(id=name, work_unit=unit, at=at, state=dice.choice(WORDS)))
    return sorted(events, key=lambda event: event.at)


def measured(name: str, engine: Oee, events: list[Event], end: Instant) -> None:
    """Take events one by one, ask for the figure of the shift each time, and print how long."""
    times = []
    begun = time.process_time()
    for event in events:
        before = time.perf_counter()
        engine.take((event,), end)
        indicators(engine.shift(event.work_unit, Instant(event.at + SECOND))[1])
        times.append(time.perf_counter() - before)
    spent = time.process_time() - begun
    times.sort()
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    print(
        f"{name:28} p50 {p50 * 1e6:7.0f} us  p99 {p99 * 1e3:7.3f} ms  worst {times[-1] * 1e3:6.1f} "
        f"ms  {len(events) / spent:9,.0f} events with their figure per CPU second"
    )


def main() -> None:
    """Print all figures."""
    machines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 600
    events = drawn(machines, each)
    end = Instant(START + each * 90 * SECOND + HOUR)
    print(f"{machines} machines, {len(events)} events")
    in_order, late = engine_of(machines), engine_of(machines)
    measured("in order", in_order, events, end)
    dice = random.Random(2)
    shuffled = [*events, *events[::10]]
    dice.shuffle(shuffled)
    measured("shuffled, a tenth twice", late, shuffled, end)
    alike = all(
        in_order.totals(unit, START, end) == late.totals(unit, START, end)
        for unit in in_order.units
    )
    print(f"figures of both equal to the nanosecond: {alike}")
    begun = time.process_time()
    whole: Totals = together(in_order.totals(unit, START, end) for unit in in_order.units)
    spent = (time.process_time() - begun) * 1e3
    print(
        f"roll-up of {machines} machines from their events: {spent:.0f} ms, "
        f"OEE {indicators(whole).oee.value:.1%}"
    )
    begun = time.process_time()
    closed = len(list(in_order.closed(Instant(end + 9 * HOUR), wait_ns=MINUTE)))
    print(f"closing {closed} shifts: {(time.process_time() - begun) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
