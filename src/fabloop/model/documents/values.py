"""Texts of documents to values of nouns: quantities, money, instants, times of day."""

import re
from decimal import Decimal

import msgspec

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, instant_of
from fabloop.base.money import minor_digits
from fabloop.base.quantity import Dimension, example, quantity_of
from fabloop.model.documents.collect import Sheet, short

YEARS = range(1970, 2100)
"""In which instants may lie; the plans of all of them can be counted in nanoseconds."""
MONEY_MAX = 10**12
"""Minor currency units of one figure; sums of many of them are exact then."""
DURATION_S_MAX = 366 * 24 * 3600.0
QUANTITY_MAX = 1e15
_MONEY = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*([A-Z]{3})\s*(?:/\s*(\S+)\s*)?$", re.ASCII)
_TIME_OF_DAY = re.compile(r"(\d{2}):(\d{2})$", re.ASCII)
_LEAP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:60", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in minor units, whole unless it is a price per something."""

    minor: Decimal
    currency: str


def quantity(text: str, dimension: Dimension, sheet: Sheet) -> float:
    """Read a quantity as an SI value; any sign."""
    try:
        value = quantity_of(text, dimension)
    except ValueError as error:
        sheet.fault(_sentence_part(error, dimension), repr(text))
        return 0.0
    if not abs(value) <= QUANTITY_MAX:
        sheet.fault(f"at most {QUANTITY_MAX:g} {dimension.unit}", repr(text))
        return 0.0
    return value


def _sentence_part(error: ValueError, dimension: Dimension) -> str:
    """Return what was expected; an unknown unit is told with the unit that would do."""
    text = str(error)
    if text.startswith(("a ", "an ")):
        return text
    return f"a known unit of {dimension}, such as {example(dimension)!r} ({text})"


def amount(text: str, dimension: Dimension, sheet: Sheet) -> float:
    """Read a quantity that may not be negative."""
    value = quantity(text, dimension, sheet)
    if value < 0:
        sheet.fault(f"zero or more, such as {example(dimension)!r}", repr(text))
    return value


def duration_ns(text: str, sheet: Sheet, *, zero_allowed: bool = False) -> int:
    """Read a span of time as nanoseconds; not negative, and zero only where it is allowed."""
    before = len(sheet.faults)
    seconds = quantity(text, Dimension.TIME, sheet)
    if len(sheet.faults) > before:
        return SECOND
    if seconds < 0 or (seconds == 0 and not zero_allowed):
        least = "zero or more" if zero_allowed else "more than zero"
        sheet.fault(f"a duration of {least}, such as '12 min'", repr(text))
        return SECOND
    if seconds > DURATION_S_MAX:
        sheet.fault("a duration of at most 366 days", repr(text))
        return SECOND
    if seconds and seconds * SECOND < 1:
        sheet.fault("a duration of at least a nanosecond, such as '12 min'", repr(text))
    return round(seconds * SECOND)


def instant(text: str, sheet: Sheet) -> Instant:
    """Read an ISO 8601 date-time with an offset."""
    try:
        if not _INSTANT.match(text):
            raise ValueError(text)
        found = instant_of(text)
    except (ValueError, OverflowError):
        hint = "Leap seconds are not counted: write second 59." if _LEAP.match(text) else ""
        sheet.fault(
            "an ISO 8601 date-time with an offset, such as '2026-11-23T12:30:00+01:00'",
            repr(text),
            hint,
        )
        return Instant(0)
    if int(text[:4]) not in YEARS:
        sheet.fault(f"an instant from {YEARS[0]} to {YEARS[-1]}", repr(text))
        return Instant(0)
    return found


def time_of_day_ns(text: str, sheet: Sheet) -> int:
    """Read ``06:00`` as nanoseconds since local midnight."""
    found = _TIME_OF_DAY.match(text)
    if found is not None:
        hours, minutes = int(found[1]), int(found[2])
        if minutes < 60 and hours * 60 + minutes <= 24 * 60:
            return hours * HOUR + minutes * MINUTE
    sheet.fault("a time of day from 00:00 to 24:00, such as '06:00'", repr(text))
    return 0


def money(text: str, sheet: Sheet) -> Money:
    """Read ``12.50 EUR`` as minor units; not negative, no fraction of a minor unit."""
    found = _MONEY.match(text)
    if found is None or found[3] is not None:
        sheet.fault("an amount with its ISO 4217 currency, such as '12.50 EUR'", repr(text))
        return Money(minor=Decimal(0), currency="")
    result = _minor(found[1], found[2])
    if result.minor < 0:
        sheet.fault("costs of zero or more, such as '12.50 EUR'", repr(text))
    elif result.minor != result.minor.to_integral_value():
        digits = minor_digits(result.currency)
        sheet.fault(f"at most {digits} digits after the point in {result.currency}", repr(text))
    elif result.minor > MONEY_MAX:
        sheet.fault(f"at most {MONEY_MAX:g} minor units", short(repr(text)))
    return result


def price_per(text: str, dimension: Dimension, shown: str, sheet: Sheet) -> Money:
    """Read ``58.00 EUR/h`` or ``0.21 EUR/kWh`` as minor units per SI unit of `dimension`."""
    found = _MONEY.match(text)
    nothing = Money(minor=Decimal(0), currency="")
    if found is None or found[3] is None:
        sheet.fault(f"an amount with its currency per {dimension}, such as {shown!r}", repr(text))
        return nothing
    try:
        size = Decimal(repr(quantity_of(f"1 {found[3]}", dimension)))
    except ValueError:
        sheet.fault(f"a unit of {dimension} after '/', such as {shown!r}", repr(text))
        return nothing
    result = _minor(found[1], found[2])
    if result.minor < 0:
        sheet.fault(f"costs of zero or more, such as {shown!r}", repr(text))
    elif result.minor > MONEY_MAX:
        sheet.fault(f"at most {MONEY_MAX:g} minor units", short(repr(text)))
        return nothing
    return Money(minor=result.minor / size if size else Decimal(0), currency=result.currency)


def hourly_rate(text: str, sheet: Sheet) -> Money:
    """Read ``58.00 EUR/h`` as minor units per hour, rounded to whole ones."""
    rate = price_per(text, Dimension.TIME, "58.00 EUR/h", sheet)
    return Money(minor=(rate.minor * 3600).to_integral_value(), currency=rate.currency)


class Purse:
    """Reads money of one currency for all documents: plans add it up without exchange rates."""

    def __init__(self) -> None:
        self.currency = ""
        self._first = ""

    def cost(self, text: str, sheet: Sheet) -> int:
        """Read an amount as minor units."""
        return self._whole(money(text, sheet), text, sheet)

    def hourly(self, text: str, sheet: Sheet) -> int:
        """Read an hourly rate as minor units per hour."""
        return self._whole(hourly_rate(text, sheet), text, sheet)

    def per_joule(self, text: str, sheet: Sheet) -> float:
        """Read a price of energy as minor units per joule."""
        price = price_per(text, Dimension.ENERGY, "0.21 EUR/kWh", sheet)
        self._compare(price, text, sheet)
        return float(price.minor)

    def _whole(self, found: Money, text: str, sheet: Sheet) -> int:
        self._compare(found, text, sheet)
        return int(found.minor)

    def _compare(self, found: Money, text: str, sheet: Sheet) -> None:
        if not found.currency:
            return
        if not self.currency:
            self.currency, self._first = found.currency, str(sheet)
        elif found.currency != self.currency:
            sheet.fault(f"an amount in {self.currency}, as at {self._first}", repr(text))


def _minor(number: str, currency: str) -> Money:
    digits = minor_digits(currency)
    return Money(minor=Decimal(number).scaleb(digits), currency=currency)
