"""The work units that may do an operation, some of them judged again."""

import numpy as np

from fabloop.plan.statement.candidates import Candidate, Columns
from fabloop.plan.statement.layout import Ints, Spots


class Amended(Columns[Candidate]):
    """Candidates as they were judged, but for some work units, which others speak of.

    Parameters
    ----------
    before : the candidates of all work units
    gone : numbers of the work units that were judged again
    again : those of them that may do the operation now, with figures
    numbers : their numbers among all work units
    """

    def __init__(
        self, before: Columns[Candidate], gone: Ints, again: Columns[Candidate], numbers: Ints
    ) -> None:
        super().__init__(before.plant, before.operation, before.asked)
        left = ~np.isin(before.units, gone)
        units = np.concatenate((before.units[left], numbers))
        order = np.argsort(units, kind="stable")
        self._before, self._again = before, again
        self._kept = np.flatnonzero(left)
        self._order = order
        self._units: Ints = units[order]
        self._takes = before.takes.kept(left).joined(again.takes).kept(order)

    @property
    def units(self) -> Ints:
        """Their numbers, ascending."""
        return self._units

    @property
    def spots(self) -> Spots:
        """Where they are; one that has learnt the skill is not among those that had it."""
        skill = self.operation.requirement.skill
        strangers = np.setdiff1d(self._units, self.plant.offers.skilled(skill))
        return self.plant.spots(skill, self._units, tuple(strangers.tolist()))

    def row(self, number: int) -> Candidate:
        """Return a candidate, with the KPI values it rests on."""
        place = int(self._order[number])
        if place < len(self._kept):
            return self._before[int(self._kept[place])]
        return self._again[place - len(self._kept)]
