"""A ring of samples in which every window is one piece of memory: each sample is written twice."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Samples = NDArray[np.floating[Any]]


class MirroredRing:
    """The last `length` samples of some signals, kept signal by signal."""

    def __init__(self, signals: int, length: int, dtype: DTypeLike) -> None:
        self._values: Samples = np.zeros((signals, 2 * length), dtype=dtype)
        self._length = length
        self._next = 0
        self._filled = 0

    def __len__(self) -> int:
        """Return how many samples stand in a row without a break."""
        return self._filled

    @property
    def length(self) -> int:
        """The greatest window."""
        return self._length

    @property
    def signals(self) -> int:
        """How many signals there are."""
        return len(self._values)

    @property
    def dtype(self) -> np.dtype[Any]:
        """How samples are kept."""
        return self._values.dtype

    def clear(self) -> None:
        """Begin anew: what was there does not lead to what comes."""
        self._filled = 0

    def push(self, values: Samples) -> None:
        """Take samples, shape (n, signals); of more than `length` the last ones count."""
        fresh = values[-self._length :].T
        count = fresh.shape[1]
        first = min(count, self._length - self._next)
        for offset in (0, self._length):
            at = self._next + offset
            self._values[:, at : at + first] = fresh[:, :first]
            if first < count:
                self._values[:, offset : offset + count - first] = fresh[:, first:]
        self._next = (self._next + count) % self._length
        self._filled = min(self._filled + count, self._length)

    def last(self, count: int) -> Samples:
        """Return the last samples, shape (signals, count): a read-only view until the next push.

        There are that many, see `len`.
        """
        assert count <= self._filled, "a window is asked for when it is full"
        end = self._next + self._length
        view = self._values[:, end - count : end]
        view.flags.writeable = False
        return view
