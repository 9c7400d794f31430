"""What a site has and pays: tools, stock, set-up times and tariff."""

from collections.abc import Mapping

from fabloop.base.instant import DAY, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.documents.calendars import weekdays_of
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.site_structs import EnergyBandEntry, SiteDocument, WorkUnitEntry
from fabloop.model.documents.values import Purse, amount, duration_ns, instant, time_of_day_ns
from fabloop.model.ids import MaterialId, ToolId, WorkUnitId
from fabloop.model.site import EnergyBand, SetupTime, Stock, Tariff, Tool


def tools_of(document: SiteDocument, units: Mapping[str, None], sheet: Sheet) -> tuple[Tool, ...]:
    """Return the tools of a site; the work units that they fit are of the site too."""
    for index, entry in enumerate(document.tools):
        at = sheet.at(index, "fits")
        unique(((at.at(i), each) for i, each in enumerate(entry.fits)), "work unit")
        for i, each in enumerate(entry.fits):
            at.at(i).known(each, units, "a work unit of the site")
    return tuple(
        Tool(
            id=ToolId(each.id),
            label=each.label,
            kind=each.kind,
            fits=tuple(WorkUnitId(unit) for unit in each.fits),
            count=each.count,
        )
        for each in document.tools
    )


def stock_of(document: SiteDocument, sheet: Sheet) -> tuple[Stock, ...]:
    """Return the material on hand."""
    return tuple(
        Stock(
            material=MaterialId(each.material),
            quantity=each.quantity,
            available_at=Instant(0)
            if each.available_at is None
            else instant(each.available_at, sheet.at(index, "available_at")),
        )
        for index, each in enumerate(document.stock)
    )


def setups_of(entry: WorkUnitEntry, sheet: Sheet) -> tuple[SetupTime, ...]:
    """Return the set-up times between families, each pair once."""
    unique(
        ((sheet.at(i), f"{each.before} to {each.after}") for i, each in enumerate(entry.setups)),
        "set-up",
    )
    for index, each in enumerate(entry.setups):
        if each.before == each.after:
            sheet.at(index, "after").fault(
                f"another family than {each.before!r}",
                "the same",
                "Operations of one family need no set-up between them.",
            )
    return tuple(
        SetupTime(
            before=each.before,
            after=each.after,
            duration_ns=duration_ns(each.duration, sheet.at(i, "duration"), zero_allowed=True),
        )
        for i, each in enumerate(entry.setups)
    )


def tariff_of(document: SiteDocument, sheet: Sheet, purse: Purse) -> Tariff:
    """Return what a site pays."""
    entry = document.tariff
    return Tariff(
        energy_minor_per_j=purse.per_joule(entry.energy_price, sheet.at("energy_price")),
        co2_kg_per_j=amount(
            entry.co2_intensity, Dimension.MASS_PER_ENERGY, sheet.at("co2_intensity")
        ),
        labour_cost_per_hour_minor=purse.hourly(entry.labour, sheet.at("labour")),
        bands=tuple(
            band
            for index, each in enumerate(entry.bands)
            for band in _bands(each, sheet.at("bands", index), purse)
        ),
        currency=purse.currency,
    )


def _bands(entry: EnergyBandEntry, sheet: Sheet, purse: Purse) -> tuple[EnergyBand, ...]:
    """Return the band; one over midnight as two, the second on the days that follow."""
    before = len(sheet.faults)
    start = time_of_day_ns(entry.start, sheet.at("from"))
    end = time_of_day_ns(entry.end, sheet.at("to"))
    if start == end and len(sheet.faults) == before:
        sheet.fault("a band that ends at another time than it starts", f"{entry.start} for both")
    price = purse.per_joule(entry.energy_price, sheet.at("energy_price"))
    co2 = amount(entry.co2_intensity, Dimension.MASS_PER_ENERGY, sheet.at("co2_intensity"))
    weekdays = weekdays_of(entry.weekdays)
    following = tuple(sorted((each + 1) % 7 for each in weekdays))

    def band(days: tuple[int, ...], start_ns: int, end_ns: int) -> EnergyBand:
        return EnergyBand(
            weekdays=days,
            start_ns=start_ns,
            end_ns=end_ns,
            energy_minor_per_j=price,
            co2_kg_per_j=co2,
        )

    if end > start:
        return (band(weekdays, start, end),)
    late = (band(weekdays, start, DAY),)
    return (*late, band(following, 0, end)) if end else late
