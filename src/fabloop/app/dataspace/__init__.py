"""The data space at work: discovering, asking, remembering and filling."""

from fabloop.app.dataspace.open import open_data_space, read_space
from fabloop.app.dataspace.space import Ask, DataSpace, NoMapping, Outcome

__all__ = ["Ask", "DataSpace", "NoMapping", "Outcome", "open_data_space", "read_space"]
