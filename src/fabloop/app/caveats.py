"""What documents tell and plans leave out, and what a reader of plans should know at once."""

from collections.abc import Iterable, Iterator, Sequence

from fabloop.base.instant import DAY, Instant, iso_of, span_text
from fabloop.model.calendar import open_spans
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network, Site

NAMES_MAX = 4
"""Names that a note lists; of more, the number is told."""

DAYS_LOOKED = 7
"""Days over which shifts are looked at for hours without anybody: all weekdays."""


NONE_IN_TIME = (
    "None of these plans is in time: ask for --objective tardiness, or why by --deadline."
)


def lateness(order: ProductionOrder, plans: Sequence[Plan]) -> tuple[str, ...]:
    """Return what to say where the first plan is not ready when the order is due."""
    if not plans:
        return ()
    end = max(step.end for step in plans[0].steps)
    if end <= order.due_at:
        return ()
    ends = {each.id: max(step.end for step in each.steps) for each in plans}
    timely = [key for key, value in ends.items() if value <= order.due_at]
    others = f"In time: {', '.join(timely)}." if timely else NONE_IN_TIME
    after = span_text(end - order.due_at)
    return (
        f"Late: {plans[0].id} is ready at {iso_of(end)}, {after} after the due instant. {others}",
    )


def left_out(
    network: Network, products: Iterable[ConfiguredProduct], since: Instant
) -> tuple[str, ...]:
    """Return a note for each kind of thing that the documents tell but plans do not heed."""
    several = tuple(products)
    told = [
        ("the prices of suppliers", _supplied(several)),
        ("set-up matrices (each operation takes the plain set-up)", _matrices(network, several)),
        ("hours in which nobody with the skill is on shift", _unstaffed(network, several, since)),
    ]
    return tuple(
        f"Plans leave out {what}: {_listed(dict.fromkeys(names))}."
        for what, found in told
        if (names := tuple(found))
    )


def _listed(names: Iterable[str]) -> str:
    every = tuple(names)
    more = f" and {len(every) - NAMES_MAX} more" if len(every) > NAMES_MAX else ""
    return ", ".join(every[:NAMES_MAX]) + more


def _supplied(products: Sequence[ConfiguredProduct]) -> Iterator[str]:
    return (each.id for product in products for each in product.materials if each.supply)


def _matrices(network: Network, products: Sequence[ConfiguredProduct]) -> Iterator[str]:
    families = {each.setup_family for product in products for each in product.operations} - {""}
    for unit in network.work_units().values():
        if families & {family for each in unit.setups for family in (each.before, each.after)}:
            yield unit.id


def _unstaffed(
    network: Network, products: Sequence[ConfiguredProduct], since: Instant
) -> Iterator[str]:
    skills = {each.person_skill for product in products for each in product.operations}
    for site in network.sites.values():
        for skill in sorted(each for each in skills if each is not None):
            if _has_gaps(site, skill, since):
                yield f"{skill} at {site.id}"


def _has_gaps(site: Site, skill: str, since: Instant) -> bool:
    """Tell whether the persons who state the skill leave hours of a week without anybody."""
    until = Instant(since + DAYS_LOOKED * DAY)
    known = {each.id for each in site.shifts}
    able = [each for each in site.persons if skill in each.skills and each.shift in known]
    spans = sorted(
        span
        for each in able
        for span in open_spans(site.working_time(each), site.time_zone, since, until)
    )
    reached = since
    for start, end in spans:
        if start > reached:
            return True
        reached = max(reached, end)
    return bool(able) and reached < until
