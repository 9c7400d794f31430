"""Signature of an axis: how far the curve of a fixed movement is from the one kept as reference."""

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.recording import Floats

SHIFT_MAX = 10
"""Samples by which two recordings of the same movement may begin apart: 20 ms."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Distance between two curves, in their unit.

    Attributes
    ----------
    root_mean_square, largest : of the difference after alignment
    shift : samples by which the found curve came later
    """

    root_mean_square: float
    largest: float
    shift: int


def signature_of(reference: Floats, found: Floats) -> Signature:
    """Return the distance of a curve of shape (n,) to its reference, in their best alignment.

    Raises
    ------
    Invalid
        The curves differ in length or are too short to be shifted.
    """
    if reference.shape != found.shape or len(found) < 4 * SHIFT_MAX:
        raise Invalid(
            Fault(
                source="signature",
                path="$",
                expected=f"two curves of one length, at least {4 * SHIFT_MAX} samples",
                found=f"{reference.shape} and {found.shape}",
            )
        )
    middle = reference[SHIFT_MAX:-SHIFT_MAX]
    distances = [
        _distance(middle, found[SHIFT_MAX + shift : len(found) - SHIFT_MAX + shift], shift)
        for shift in range(-SHIFT_MAX, SHIFT_MAX + 1)
    ]
    return min(distances, key=lambda each: (each.root_mean_square, abs(each.shift)))


def _distance(reference: Floats, found: Floats, shift: int) -> Signature:
    difference = found - reference
    return Signature(
        root_mean_square=float(np.sqrt(np.mean(difference**2))),
        largest=float(np.abs(difference).max()),
        shift=shift,
    )
