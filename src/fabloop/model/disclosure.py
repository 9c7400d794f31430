"""How much of itself a factory shows to a planner of another tenant."""

from enum import StrEnum


class Disclosure(StrEnum):
    """What somebody else may see of a site, an offer or a KPI value."""

    FULL = "full"
    """Everything, as the own planner."""
    OFFERS = "offers"
    """Whether it is possible, at which price and by when, not how."""
    NONE = "none"
    """Nothing: it does not exist for others."""
