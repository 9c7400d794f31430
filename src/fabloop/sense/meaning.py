"""What a KPI means: its formula and how it is to be read, for those who ask."""

import msgspec

from fabloop.model.ids import KpiId
from fabloop.model.kpi import TOTAL_POSITION_ERROR


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """How a KPI is defined.

    Attributes
    ----------
    formula : lines to be shown as they are
    interval : what the bound is
    """

    definition: str
    formula: tuple[str, ...]
    interval: str


_MEANINGS = {
    TOTAL_POSITION_ERROR: Meaning(
        definition="tpe/1: how far the machine may be off the commanded position, for one use",
        formula=(
            "sure  = E + w_rev B + w_q Q + F/k + alpha L |dT|, of each axis",
            "value = sure + 2 u_R",
            "upper = sure + 2 sqrt(u_R^2 + u_cal^2 + u_th^2 + u_mc^2)",
            "machine = sqrt(X^2 + Y^2); times 2 for a diametral zone",
        ),
        interval="upper end of the 95 % interval (GUM, k = 2); tolerances are compared with it",
    )
}

_ELSEWHERE = Meaning(
    definition="told by its source, which is named with every value",
    formula=(),
    interval="upper end of the interval that the source states",
)


def meaning_of(kpi: KpiId) -> Meaning:
    """Return what a KPI means; of one that we do not compute its source knows."""
    return _MEANINGS.get(kpi, _ELSEWHERE)
