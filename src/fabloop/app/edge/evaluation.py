"""From the end of a test program to the measured KPI, or to why there is none."""

from fabloop.base.instant import Instant
from fabloop.model.facts import TestMeasured
from fabloop.sense.characteristics import Reason, Rejected
from fabloop.sense.daily_test import measure
from fabloop.sense.edge import Finished, Spoiled
from fabloop.sense.kpi import to_kpi
from fabloop.sense.monitoring import MonitoredUnit
from fabloop.sense.position_error import vendor_error


def evaluated(unit: MonitoredUnit, ended: Finished | Spoiled) -> TestMeasured:
    """Return what a run of the test program tells of the unit."""
    if isinstance(ended, Spoiled):
        return rejected_test(unit, ended.at, ended.reason)
    at = Instant(int(ended.recording.segments[-1].time_ns[-1]))
    error = measure(
        ended.recording, unit.calibration, unit.requirement, at, valid_for_ns=unit.valid_for_ns
    )
    if error.reasons:
        return rejected_test(unit, at, "; ".join(reason.text for reason in error.reasons))
    value = to_kpi(error, unit.work_unit)
    return TestMeasured(work_unit=unit.work_unit, at=at, value=value)


def rejected_test(unit: MonitoredUnit, at: Instant, reason: str) -> TestMeasured:
    """Return a test that gave no value, with what the vendor promises instead."""
    rejected = Rejected(at=at, reasons=(Reason(axis="", characteristic="", text=reason),))
    promised = vendor_error(
        rejected, unit.calibration, unit.requirement, valid_for_ns=unit.valid_for_ns
    )
    return TestMeasured(
        work_unit=unit.work_unit,
        at=at,
        value=None,
        rejected=reason,
        vendor=to_kpi(promised, unit.work_unit),
    )
