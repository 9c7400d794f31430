"""What documents of different kinds say of each other, once all have been read."""

from collections.abc import Collection, Iterable, Sequence

from fabloop.base.instant import Instant, iso_of
from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.site_structs import SiteDocument
from fabloop.model.documents.structs import KpiValuesDocument
from fabloop.model.kpi import KpiValue
from fabloop.model.order import OrderRequest
from fabloop.model.product import ProductFamily


def note_families_of_setups(
    sites: Sequence[tuple[Sheet, SiteDocument]], families: Iterable[ProductFamily]
) -> None:
    """Note set-up families that no operation has: near one that has, or both of a set-up.

    A family may well be that of a product which is not among these documents.
    """
    known = {
        operation.setup_family: None
        for family in families
        for operation in family.operations
        if operation.setup_family
    }
    if not known:
        return
    what = "a set-up family of an operation"
    for sheet, document in sites:
        for index, unit in enumerate(document.work_units):
            for number, setup in enumerate(unit.setups):
                at = sheet.at("work_units", index, "setups", number)
                strange = known.keys().isdisjoint((setup.before, setup.after))
                for place, name in (("before", setup.before), ("after", setup.after)):
                    if strange or _is_near(name, known):
                        at.at(place).known(name, known, what)


def note_materials_in_stock(
    sites: Sequence[tuple[Sheet, SiteDocument]], families: Iterable[ProductFamily]
) -> None:
    """Note material on hand that no product has and whose name is near that of one."""
    known = {material.id: None for family in families for material in family.materials}
    for sheet, document in sites:
        for index, entry in enumerate(document.stock):
            if _is_near(entry.material, known):
                at = sheet.at("stock", index, "material")
                at.known(entry.material, known, "a material of a product")


def _is_near(name: str, known: Collection[str]) -> bool:
    """Tell whether a name is probably meant to be one of those known."""
    return name not in known and did_you_mean(name, known).startswith("Did")


def note_future_values(
    found: Sequence[tuple[Sheet, KpiValuesDocument]],
    values: Sequence[KpiValue],
    orders: Sequence[OrderRequest],
    now: Instant | None,
) -> None:
    """Note KPI values that were measured after `now`, or after the last order was received.

    Without either nothing can be said about what is still to come.
    """
    known_at = now if now is not None else max((o.received_at for o in orders), default=None)
    if known_at is None:
        return
    measured: dict[tuple[str, str], Instant] = {(v.work_unit, v.kpi): v.at for v in values}
    asked = "now" if now is not None else "the receipt of the order"
    for sheet, document in found:
        for index, entry in enumerate(document.values):
            if measured.get((entry.work_unit, entry.kpi), known_at) > known_at:
                sheet.at("values", index, "measured_at").fault(
                    f"an instant that is not after {asked} at {iso_of(known_at)}",
                    repr(entry.measured_at),
                    "A value from the future cannot be known.",
                )
