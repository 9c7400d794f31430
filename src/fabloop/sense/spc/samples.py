"""What charts are made of: subgroups of measured values, or counts of what is wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabloop.base.errors import Fault, Invalid

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Subgroups:
    """Measured values that were taken together.

    Attributes
    ----------
    values : shape (m, n); NaN fills subgroups with fewer than n values, and stands for lost ones
    """

    values: Floats

    @property
    def sizes(self) -> Integers:
        """Values in each subgroup, shape (m,)."""
        counted: Integers = np.count_nonzero(np.isfinite(self.values), axis=1)
        return counted

    @property
    def means(self) -> Floats:
        """Mean of each subgroup; NaN where it has no value."""
        with np.errstate(invalid="ignore"):
            means: Floats = np.nansum(self.values, axis=1) / np.where(self.sizes, self.sizes, 0)
        return means

    @property
    def ranges(self) -> Floats:
        """Greatest less least value of each subgroup; NaN below two values."""
        known = np.isfinite(self.values)
        high = np.where(known, self.values, -np.inf).max(axis=1)
        low = np.where(known, self.values, np.inf).min(axis=1)
        return np.where(self.sizes >= 2, high - low, np.nan)

    @property
    def deviations(self) -> Floats:
        """Sample standard deviation s of each subgroup; NaN below two values."""
        sizes = self.sizes
        off = self.values - self.means[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.nansum(off**2, axis=1) / (sizes - 1)
            return np.where(sizes >= 2, np.sqrt(variance), np.nan)

    @property
    def all(self) -> Floats:
        """Every value that is known, in order."""
        flat = self.values.ravel()
        return flat[np.isfinite(flat)]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of nonconforming items or of nonconformities, and what they were counted in.

    Attributes
    ----------
    counts : shape (m,)
    sizes : shape (m,), items inspected or units of opportunity; greater than 0
    """

    counts: Floats
    sizes: Floats


def subgroups_of(values: ArrayLike, source: str = "samples") -> Subgroups:
    """Return subgroups of a table; one column makes individuals.

    Raises
    ------
    Invalid
        There is no value, or one is infinite; the first such places are named.
    """
    table = np.asarray(values, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    rows = np.flatnonzero(np.isinf(table).any(axis=1))
    faults = [
        Fault(
            source=source,
            path=f"$[{row}]",
            expected="finite numbers",
            found="infinity",
            hint="Leave out what was not measured.",
        )
        for row in rows[:10].tolist()
    ]
    if not np.isfinite(table).any():
        faults.append(Fault(source=source, path="$", expected="measured values", found="none"))
    if faults:
        raise Invalid(tuple(faults))
    return Subgroups(table)


def counts_of(counts: ArrayLike, sizes: ArrayLike, source: str = "samples") -> Counts:
    """Return counts with the sizes of their samples; one size may stand for all.

    Raises
    ------
    Invalid
        A count is negative or unknown, or a size is not greater than 0.
    """
    number = np.asarray(counts, dtype=np.float64)
    size = np.broadcast_to(np.asarray(sizes, dtype=np.float64), number.shape)
    faults = [
        Fault(source=source, path=f"$[{row}]", expected=expected, found=f"{column[row]:g}")
        for column, wrong, expected in (
            (number, ~(number >= 0) | np.isinf(number), "a count of 0 or more"),
            (size, ~(size > 0) | np.isinf(size), "a sample size greater than 0"),
        )
        for row in np.flatnonzero(wrong)[:10].tolist()
    ]
    if not number.size:
        faults.append(Fault(source=source, path="$", expected="counts", found="none"))
    if faults:
        raise Invalid(tuple(faults))
    return Counts(number, size)
