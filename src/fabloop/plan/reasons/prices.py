"""What changes take: as the documents of a site say, else assumed, so that they can be ranked."""

from collections.abc import Iterable

import msgspec

from fabloop.base.instant import HOUR, SECOND
from fabloop.model.explanation import OptionCode
from fabloop.model.site import Network
from fabloop.plan.reasons.change import ASSUMED_UNIT_MINOR, BASE_PRICE, Change


class Prices:
    """Prices of changes by kind, place and object; the narrowest that is said counts."""

    def __init__(self, network: Network | None) -> None:
        self._said: dict[tuple[str, str, str], int] = {}
        self._home: dict[str, str] = {}
        for site in network.sites.values() if network is not None else ():
            self._home |= {unit.id: site.id for unit in site.work_units}
            self._home |= {person.id: site.id for person in site.persons}
            for each in site.upgrades:
                self._said[each.change, each.work_unit or site.id, each.of] = each.cost_minor

    @property
    def least(self) -> float:
        """No change is worth less than this."""
        said = (
            each / ASSUMED_UNIT_MINOR for (code, _, _), each in self._said.items() if code != HOURLY
        )
        hourly = [0.0] if any(code == HOURLY for code, _, _ in self._said) else []
        return min((*BASE_PRICE.values(), *said, *hourly))

    def said(self, code: str, subject: str, of: str) -> int | None:
        """Return what documents say of a change of a work unit, person or site, if anything."""
        places = [subject, self._home.get(subject, subject)]
        names = ((place, name) for place in places for name in (of, ""))
        found = (self._said.get((code, place, name)) for place, name in names)
        return next((each for each in found if each is not None), None)

    def tells(self, code: OptionCode) -> bool:
        """Tell whether documents say anything of changes of a kind."""
        return any(each == code for each, _, _ in self._said)

    def relative(self, code: OptionCode, subject: str, of: str) -> float:
        """Return the price of a change that has no amount."""
        said = self.said(code, subject, of)
        return BASE_PRICE[code] if said is None else said / ASSUMED_UNIT_MINOR

    def priced(self, change: Change) -> Change:
        """Return the change at the price that documents say, as it is where they say nothing."""
        if not self._said:
            return change
        hourly = change.code in (HOURLY, OptionCode.EXTRA_SHIFT)
        said = self.said(HOURLY if hourly else change.code, change.subject, change.parameter)
        if said is None:
            return change
        if hourly:
            said = round(said * hours_of(change))
        return msgspec.structs.replace(change, price=said / ASSUMED_UNIT_MINOR, minor=said)

    def all_priced(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Return several changes at their prices."""
        return tuple(self.priced(each) for each in changes)


HOURLY = OptionCode.OPEN_LONGER
"""What extra shifts are paid like, by the hour."""


def hours_of(change: Change) -> float:
    """Return by how many hours a calendar is opened longer at a stretch."""
    before, after = change.before, change.after
    assert isinstance(before, float | int), "hours are numbers"
    assert isinstance(after, float | int), "hours are numbers"
    return (after - before) * SECOND / HOUR
