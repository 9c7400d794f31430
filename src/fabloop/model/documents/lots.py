"""Whether the figures of an operation are those of a piece or of a lot, and that they agree."""

import re

from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.product_structs import OperationEntry
from fabloop.model.product import Per

_SUFFIX = re.compile(r"(.*?)\s*(?:/|\bper\b)\s*(piece|lot)\s*(\]?)\s*$", re.DOTALL)


class Lot:
    """What the figures of one operation say they are for: ``12 min/piece``, ``30.00 EUR/lot``."""

    def __init__(self, said: Per | None) -> None:
        self._said = said
        self._stated: dict[str, Per] = {}

    def without(self, text: str, field: str, sheet: Sheet) -> str:
        """Return the figure without what it is for; note where that is not what `per` says."""
        found = _SUFFIX.match(text)
        if found is None:
            return text
        per = Per(found[2])
        if self._said not in (None, per):
            sheet.fault(f"a figure per {self._said}, as 'per' says", repr(text))
        self._stated[field] = per
        return found[1] + found[3]

    def per(self, entry: OperationEntry, sheet: Sheet) -> Per:
        """Return what all figures are for; note where they disagree, or a lot has batches."""
        kinds = set(self._stated.values())
        if self._said is None and len(kinds) > 1:
            told = ", ".join(f"{field!r} per {per}" for field, per in self._stated.items())
            sheet.fault(
                "duration, energy and cost that are all per piece or all per lot",
                told,
                "Give the set-up of a lot an operation of its own, or the work unit a set-up.",
            )
        per = self._said or next(iter(kinds), Per.PIECE)
        if per is Per.LOT and entry.batch_family is not None:
            sheet.at("batch_family").fault(
                "a batch family of an operation per piece, of which a batch takes several",
                f"{entry.batch_family!r} of an operation per lot",
                "Leave 'batch_family' out, or state the figures per piece.",
            )
        return per
