"""Readings in words: a series as somebody names it, values with units, instants, ages."""

import difflib
import math
from datetime import UTC, datetime

from fabloop.adapters.historian import HistorianReader
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant, span_text
from fabloop.base.quantity import quantity_text
from fabloop.cli.given import instant_given
from fabloop.sense.readings.series import Catalogue, Kind, Series

MILLISECOND = 1_000_000


def series_named(catalogue: Catalogue, text: str) -> int:
    """Return the series of a number, a name or ``SOURCE:ADDRESS``.

    Raises
    ------
    Invalid
        There is none, or several have the name.
    """
    if text.isascii() and text.isdigit() and int(text) < len(catalogue):
        return int(text)
    source, _, address = text.partition(":")
    present = catalogue.numbers()
    if (source, address) in present:
        return present[source, address]
    found = [number for number in present.values() if catalogue[number].name == text]
    if len(found) == 1:
        return found[0]
    raise Invalid(
        Fault(
            source="series",
            path="",
            expected=f"a number below {len(catalogue)}, a name or SOURCE:ADDRESS",
            found=f"'{text}'" if not found else f"'{text}', the name of {len(found)} series",
            hint=_hint(catalogue, text, found),
        )
    )


def _hint(catalogue: Catalogue, text: str, found: list[int]) -> str:
    if found:
        return "Name one of these numbers: " + ", ".join(map(str, found[:20])) + "."
    names = sorted({each.name for each in catalogue})
    near = difflib.get_close_matches(text, names, 3)
    return f"Did you mean {' or '.join(near)}?" if near else "See `fabloop readings list`."


def value_text(series: Series, value: float) -> str:
    """Return a value with its unit, a state by its name; what is not known is told so."""
    if math.isnan(value):
        return "unknown"
    if series.kind is Kind.STATE:
        number = int(value) if value == int(value) else -1
        known = 0 <= number < len(series.states)
        return series.states[number] if known else f"{value:g} (no state of this series)"
    if series.dimension is not None:
        return quantity_text(value, series.dimension, 5)
    return f"{value:.10g} {series.unit}".strip()


def unit_text(series: Series) -> str:
    """Return the unit in which values are stored."""
    return series.dimension.unit if series.dimension is not None else series.unit


def stamp(instant: int) -> str:
    """Return ISO 8601 text in UTC with as many digits as the instant has."""
    whole, rest = divmod(instant, SECOND)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{rest:09}".rstrip("0")
    digits = digits.ljust(math.ceil(len(digits) / 3) * 3, "0")
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def age_text(age_ns: int) -> str:
    """Return how old something is."""
    if age_ns < 0:
        return f"{span_text(-age_ns)} ahead"
    return f"{age_ns // MILLISECOND} ms" if age_ns < SECOND else span_text(age_ns)


def span_given(
    reader: HistorianReader, series: list[int], since: str, until: str
) -> tuple[Instant, Instant]:
    """Return the range that was given, or the last hour before the newest reading of the series."""
    newest = reader.query.latest(series).times
    end = Instant(int(newest.max()) + 1) if len(newest) else Instant(0)
    if until:
        end = instant_given("--to", until)
    start = instant_given("--from", since) if since else Instant(end - 3_600 * SECOND)
    if start > end:
        raise Invalid(
            Fault(
                source="--from",
                path="",
                expected=f"an instant before the end, {stamp(end)}",
                found=stamp(start),
                hint="Give --to as well.",
            )
        )
    return start, end
