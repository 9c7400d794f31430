"""``fabloop check --where``: which variants of which product can be made at which site."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from fabloop.adapters.documents import documents_in
from fabloop.app.asked import seen_by
from fabloop.app.caveats import stranger
from fabloop.app.pictures.report import Table
from fabloop.app.processes.clocks import WallClock
from fabloop.app.scenario import order_in
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.cli.given import note
from fabloop.cli.grid import grid_of
from fabloop.model.documents import resolve
from fabloop.model.ids import ProductId, SiteId
from fabloop.model.knowledge import Knowledge
from fabloop.model.product import Choice, ProductFamily
from fabloop.model.site import Network
from fabloop.model.variant import variant
from fabloop.plan.catalogue.survey import Fewest, Surveyor
from fabloop.plan.catalogue.variants import FamilySurvey, survey_family
from fabloop.plan.statement.plant import Plant

SITES_ACROSS = 6
"""Sites that stand beside each other; more stand below each other."""
RULED_OUT_SHOWN = 8
"""Ruled-out choices that are told in words; the JSON has all."""


class FamilyWhere(msgspec.Struct, frozen=True, kw_only=True):
    """A product family: its variants, and for each that no site makes alone the fewest sites."""

    product: ProductId
    survey: FamilySurvey
    together: tuple[tuple[dict[str, Choice], Fewest], ...]


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Both directions: where each family can be made, and how many variants each site makes."""

    at: Instant
    families: tuple[FamilyWhere, ...]
    sites: dict[SiteId, dict[ProductId, int]]


def print_where(folder: Path, at: Instant | None, tenant: str, *, as_json: bool) -> ExitCode:
    """Print where variants can be made in the condition at an instant; exit 1 where none can."""
    documents = documents_in(folder)
    knowledge = seen_by(resolve(documents), tenant)
    if not knowledge.families:
        raise Invalid(
            Fault(
                source=str(folder),
                path="",
                expected="at least one document of kind 'product'",
                found="none",
                hint="The other documents are right. `fabloop schema product` prints its form.",
            )
        )
    note(stranger(tenant, knowledge.network))
    if at is None:
        try:
            at = order_in(documents, knowledge, folder).received_at
        except Invalid:
            at = WallClock().now()
    found = _where(knowledge, at)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        _show(found, knowledge)
    made = any(True for each in found.families for _ in each.survey.producible())
    return ExitCode.FINE if made else ExitCode.NOT_PRODUCIBLE


def _where(knowledge: Knowledge, at: Instant) -> Where:
    kpis = {(each.work_unit, each.kpi): each for each in knowledge.kpis}
    surveyor = Surveyor(Plant(knowledge.network, knowledge.vocabulary, kpis), at)
    families = tuple(_family(each, surveyor) for each in knowledge.families.values())
    sites = {
        site: {each.product: len(list(each.survey.producible(site))) for each in families}
        for site in knowledge.network.sites
    }
    return Where(at=at, families=families, sites=sites)


def _family(family: ProductFamily, surveyor: Surveyor) -> FamilyWhere:
    survey = survey_family(family, surveyor)
    together: list[tuple[dict[str, Choice], Fewest]] = []
    for each in survey.variants:
        if each.producible and not each.alone:
            fewest = surveyor.fewest(variant(family, each.choices))
            assert fewest is not None, "it can be made"
            together.append((each.choices, fewest))
    return FamilyWhere(product=family.id, survey=survey, together=tuple(together))


def _show(found: Where, knowledge: Knowledge) -> None:
    console = Console(highlight=False, markup=False)
    console.print(grid_of(where_table(found, knowledge)))
    for family in found.families:
        label = knowledge.families[family.product].label
        for text in _together_texts(label, family, knowledge.network):
            console.print(text)
        for ruled in family.survey.ruled_out[:RULED_OUT_SHOWN]:
            operation = next(
                each.label
                for each in knowledge.families[family.product].operations
                if each.id == ruled.operation
            )
            console.print(f"{label}, {_told(ruled.choices)}: nobody can do {operation}.")
        if not family.survey.complete:
            count = len(family.survey.variants)
            console.print(f"{label}: only {count} variants were looked at; there are more.")


def _together_texts(label: str, family: FamilyWhere, network: Network) -> Iterator[str]:
    """Yield one sentence for each set of sites, with an example where it stands for many."""
    groups: dict[tuple[tuple[SiteId, ...], bool], list[dict[str, Choice]]] = {}
    for choices, fewest in family.together:
        groups.setdefault((fewest.sites, fewest.proven), []).append(choices)
    for (sites, proven), variants in groups.items():
        which = _told(variants[0])
        if len(variants) > 1:
            which = f"{len(variants)} variants, such as {which}"
        fewer = "fewer cannot" if proven else "whether fewer can is not proven"
        names = ", ".join(network.sites[each].label for each in sites)
        told = f"{len(sites)} sites together ({names}; {fewer})"
        yield f"{label}, {which}: made by {told}."


def where_table(found: Where, knowledge: Knowledge) -> Table:
    """Return how many variants each site makes alone, and all sites together."""
    if len(found.sites) > SITES_ACROSS:
        return _table_down(found, knowledge)
    rows = []
    for family in found.families:
        anywhere = len(list(family.survey.producible()))
        counts = [str(found.sites[site][family.product]) for site in found.sites]
        label = knowledge.families[family.product].label
        looked = len(family.survey.variants)
        rows.append((label, str(looked), *counts, str(anywhere)))
    labels = [knowledge.network.sites[each].label for each in found.sites]
    return Table(
        caption="Variants that can be made, by one site alone and by all together",
        heads=("Product", "Looked at", *labels, "Together"),
        rows=tuple(rows),
        numeric=tuple(range(1, 3 + len(labels))),
    )


def _table_down(found: Where, knowledge: Knowledge) -> Table:
    """Return the same of many sites, one below the other; sites that make nothing are left out."""
    rows: list[tuple[str, ...]] = []
    for family in found.families:
        label, looked = knowledge.families[family.product].label, len(family.survey.variants)
        made = {site: counts[family.product] for site, counts in found.sites.items()}
        rows += [
            (label, knowledge.network.sites[site].label, str(count), str(looked))
            for site, count in made.items()
            if count
        ]
        together = str(len(list(family.survey.producible())))
        rows.append((label, f"all {len(made)} sites together", together, str(looked)))
    return Table(
        caption="Variants that can be made, by sites that make some alone and by all together",
        heads=("Product", "Site", "Can be made", "Looked at"),
        rows=tuple(rows),
        numeric=(2, 3),
    )


def _told(choices: dict[str, Choice] | dict[str, Choice | None]) -> str:
    if not choices:
        return "every variant"
    return ", ".join(
        f"no {name}" if option is None else f"{name} {option}" for name, option in choices.items()
    )
