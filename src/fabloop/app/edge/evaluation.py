"""From the end of a test program to the measured KPI, or to why there is none."""

from fabloop.base.instant import Instant
from fabloop.model.facts import TestMeasured
from fabloop.sense.daily_test import measure
from fabloop.sense.edge import Finished, Spoiled
from fabloop.sense.kpi import to_kpi
from fabloop.sense.monitoring import MonitoredUnit


def evaluated(unit: MonitoredUnit, ended: Finished | Spoiled) -> TestMeasured:
    """Return what a run of the test program tells of the unit."""
    if isinstance(ended, Spoiled):
        return TestMeasured(
            work_unit=unit.work_unit, at=ended.at, value=None, rejected=ended.reason
        )
    at = Instant(int(ended.recording.segments[-1].time_ns[-1]))
    error = measure(
        ended.recording, unit.calibration, unit.requirement, at, valid_for_ns=unit.valid_for_ns
    )
    rejected = "; ".join(reason.text for reason in error.reasons)
    value = None if rejected else to_kpi(error, unit.work_unit)
    return TestMeasured(work_unit=unit.work_unit, at=at, value=value, rejected=rejected)
