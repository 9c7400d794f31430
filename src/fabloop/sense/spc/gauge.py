"""Gauge repeatability and reproducibility: how much of what is seen is the measurement itself.

Measurement Systems Analysis (AIAG), 4th edition: crossed study, by analysis of variance and by
average and range.
"""

from math import floor, sqrt

import msgspec
import numpy as np
from scipy.special import fdtrc

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.spc.constants import d2, d3
from fabloop.sense.spc.samples import Floats

POOLING_RISK = 0.25
"""The interaction joins the error where its p-value is above this, as the manual advises."""


class GaugeStudy(msgspec.Struct, frozen=True, kw_only=True):
    """Standard deviations, in the unit of the measurements.

    Attributes
    ----------
    equipment : repeatability (EV), one appraiser, one part, again and again
    appraiser : reproducibility (AV), with the interaction where it counts
    gauge : both together (GRR)
    part : between the parts (PV)
    total : all together (TV)
    share : 100 x gauge / total, percent of study variation
    categories : classes that the gauge can tell apart (ndc), at least 0
    interaction_p : p-value of appraiser by part, None for the method of ranges
    pooled : whether the interaction was taken for error
    """

    equipment: float
    appraiser: float
    gauge: float
    part: float
    total: float
    share: float
    categories: int
    interaction_p: float | None = None
    pooled: bool = False


def study_by_variance(measured: Floats) -> GaugeStudy:
    """Return the study by analysis of variance.

    Parameters
    ----------
    measured : shape (parts, appraisers, trials)

    Raises
    ------
    Invalid
        A dimension is below two, or a value is missing.
    """
    parts, appraisers, trials = _checked(measured).shape
    grand = measured.mean()
    by_part, by_appraiser = measured.mean(axis=(1, 2)), measured.mean(axis=(0, 2))
    cells = measured.mean(axis=2)
    part_square = appraisers * trials * float(np.sum((by_part - grand) ** 2))
    appraiser_square = parts * trials * float(np.sum((by_appraiser - grand) ** 2))
    cell_square = trials * float(np.sum((cells - grand) ** 2))
    crossed_square = max(cell_square - part_square - appraiser_square, 0.0)
    error_square = float(np.sum((measured - cells[:, :, None]) ** 2))
    crossed_freedom, error_freedom = (
        (parts - 1) * (appraisers - 1),
        parts * appraisers * (trials - 1),
    )
    part_mean = part_square / (parts - 1)
    appraiser_mean = appraiser_square / (appraisers - 1)
    crossed_mean, error_mean = crossed_square / crossed_freedom, error_square / error_freedom
    chance = (
        float(fdtrc(crossed_freedom, error_freedom, crossed_mean / error_mean))
        if error_mean > 0
        else float(crossed_mean == 0)
    )
    pooled = chance > POOLING_RISK
    if pooled:
        error_mean = (crossed_square + error_square) / (crossed_freedom + error_freedom)
    within = error_mean if pooled else crossed_mean
    crossed = 0.0 if pooled else max((crossed_mean - error_mean) / trials, 0.0)
    appraiser = max((appraiser_mean - within) / (parts * trials), 0.0)
    part = max((part_mean - within) / (appraisers * trials), 0.0)
    study = _study(sqrt(error_mean), sqrt(appraiser + crossed), sqrt(part))
    return msgspec.structs.replace(study, interaction_p=chance, pooled=pooled)


def study_by_ranges(measured: Floats) -> GaugeStudy:
    """Return the study by average and range; it knows no interaction.

    Raises Invalid as `study_by_variance` does.
    """
    parts, appraisers, trials = _checked(measured).shape
    equipment = float(np.ptp(measured, axis=2).mean()) / d2(trials)
    off = float(np.ptp(measured.mean(axis=(0, 2)))) / _single_d2(appraisers)
    appraiser = sqrt(max(off**2 - equipment**2 / (parts * trials), 0.0))
    part = float(np.ptp(measured.mean(axis=(1, 2)))) / _single_d2(parts)
    return _study(equipment, appraiser, part)


def _single_d2(size: int) -> float:
    """Return d2* for one range only: sqrt(d2² + d3²) (A. J. Duncan, 1955)."""
    return sqrt(d2(size) ** 2 + d3(size) ** 2)


def _study(equipment: float, appraiser: float, part: float) -> GaugeStudy:
    gauge = sqrt(equipment**2 + appraiser**2)
    total = sqrt(gauge**2 + part**2)
    return GaugeStudy(
        equipment=equipment,
        appraiser=appraiser,
        gauge=gauge,
        part=part,
        total=total,
        share=100 * gauge / total if total else float("nan"),
        categories=floor(sqrt(2) * part / gauge) if gauge else 0,
    )


def _checked(measured: Floats) -> Floats:
    faults = []
    if measured.ndim != 3 or min(measured.shape, default=0) < 2:
        found = " x ".join(str(size) for size in measured.shape)
        faults.append(("shape", "at least 2 parts x 2 appraisers x 2 trials", found))
    elif not np.isfinite(measured).all():
        part, appraiser, trial = np.argwhere(~np.isfinite(measured))[0].tolist()
        path = f"part {part + 1}, appraiser {appraiser + 1}, trial {trial + 1}"
        faults.append((path, "a measured value", "none"))
    if faults:
        raise Invalid(
            tuple(
                Fault(
                    source="gauge study",
                    path=path,
                    expected=expected,
                    found=found,
                    hint="A crossed study needs every value.",
                )
                for path, expected, found in faults
            )
        )
    return measured
