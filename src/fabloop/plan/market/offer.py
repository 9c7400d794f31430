"""Names of offers: the same name is the same offer, whenever and under whatever pseudonyms."""

import hashlib

from msgspec.structs import replace

from fabloop.base.codec import to_json
from fabloop.model.market import Bid, BidPart

OFFER_NAME_LENGTH = 8
"""Letters of a name: enough to tell the offers for one order apart, and to be read out."""

DIGITS_TOLD = 9
"""Significant digits of energy and CO2: their sums may differ in the last bits by the order."""


def offer_name(bid: Bid) -> str:
    """Return the name of what a bid offers: who does what when, price, promises, expiry.

    Pseudonyms, which are new with each question to the market, are no part of it: an offer that
    is made again as it was keeps its name, and one in which anything changed gets another.
    """
    bare = replace(
        bid,
        parts=tuple(sorted((_bare(each) for each in bid.parts), key=to_json)),
        energy_j=_rounded(bid.energy_j),
        co2_kg=_rounded(bid.co2_kg),
    )
    return hashlib.sha256(to_json(bare)).hexdigest()[:OFFER_NAME_LENGTH]


def _bare(part: BidPart) -> BidPart:
    """Return a part in the buyer's own terms: operations instead of pseudonyms."""
    made = part.quotation
    promises = (replace(each, step=part.operations[each.step]) for each in made.promises)
    quotation = replace(
        made,
        id="",
        request="",
        promises=tuple(sorted(promises, key=to_json)),
        energy_j=_rounded(made.energy_j),
        co2_kg=_rounded(made.co2_kg),
    )
    return BidPart(quotation=quotation, operations={key: key for key in part.operations.values()})


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS_TOLD}g}")
