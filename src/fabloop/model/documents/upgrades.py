"""What changes of a site take, as its document says."""

from collections.abc import Mapping

from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.site_structs import SiteDocument, UpgradeEntry
from fabloop.model.documents.values import Purse
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import UpgradePrice

PER_HOUR = "open-longer"
"""The change that is paid by the hour."""

OF_WORK_UNITS = (
    "restore-kpi",
    "measure-kpi",
    "release-unit",
    "open-longer",
    "upgrade-offer",
    "add-skill",
)
"""Changes of one work unit; the others are of the site."""


def upgrades_of(
    document: SiteDocument, units: Mapping[str, None], sheet: Sheet, purse: Purse
) -> tuple[UpgradePrice, ...]:
    """Return the prices of changes, each said once."""
    unique(
        ((sheet.at(index), _said(each)) for index, each in enumerate(document.upgrades)),
        "price",
    )
    return tuple(
        _price(each, units, sheet.at(index), purse) for index, each in enumerate(document.upgrades)
    )


def _said(entry: UpgradeEntry) -> str:
    told = (
        entry.change,
        entry.of and f"of {entry.of}",
        entry.work_unit and f"at {entry.work_unit}",
    )
    return " ".join(each for each in told if each)


def _price(
    entry: UpgradeEntry, units: Mapping[str, None], sheet: Sheet, purse: Purse
) -> UpgradePrice:
    if entry.work_unit is not None:
        if entry.change not in OF_WORK_UNITS:
            sheet.at("work_unit").fault(
                f"no work unit, since {entry.change} is a change of the whole site",
                repr(entry.work_unit),
            )
        sheet.at("work_unit").known(entry.work_unit, units, "a work unit of the site")
    return UpgradePrice(
        change=entry.change,
        of=entry.of or "",
        work_unit=None if entry.work_unit is None else WorkUnitId(entry.work_unit),
        cost_minor=_cost(entry, sheet, purse),
    )


def _cost(entry: UpgradeEntry, sheet: Sheet, purse: Purse) -> int:
    """Return the cost, which has to be said in the way that fits the change."""
    wanted, other = (
        ("cost_per_hour", "cost") if entry.change == PER_HOUR else ("cost", "cost_per_hour")
    )
    given = {"cost": entry.cost, "cost_per_hour": entry.cost_per_hour}
    if given[other] is not None:
        sheet.at(other).fault(f"{wanted!r} for {entry.change}", f"{other!r}")
    text = given[wanted]
    if text is None:
        if given[other] is None:
            sheet.fault(f"{wanted!r} for {entry.change}", "none")
        return 0
    at = sheet.at(wanted)
    return purse.hourly(text, at) if wanted == "cost_per_hour" else purse.cost(text, at)
