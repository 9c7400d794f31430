"""Names of many readings without a text for each: the distinct ones, and positions among them."""

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


class IndexedNames(Sequence[str]):
    """One name for each reading.

    Attributes
    ----------
    distinct : the names
    positions : shape (n,), of each reading's name among them
    """

    def __init__(self, distinct: tuple[str, ...], positions: NDArray[np.uint16]) -> None:
        self.distinct = distinct
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        """Return the name of a reading, or of several."""
        if isinstance(at, slice):
            return IndexedNames(self.distinct, self.positions[at])
        return self.distinct[int(self.positions[at])]
