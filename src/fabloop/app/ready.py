"""What the snapshot keeps ready for quick answers; it can be made anew from the rest."""

from fabloop.adapt.goals.index import Book
from fabloop.model.goal import GoalSet
from fabloop.model.knowledge import Knowledge
from fabloop.plan.running.watchlist import Watchlist
from fabloop.plan.statement.plant import Plant
from fabloop.services.matching import KpiValues


class Ready:
    """The network made ready for planning, and the plans that are being carried out by their parts.

    Both are made when they are first asked for, and are then kept up. Two of these are equal, a
    copy is empty: what counts is what they are made from.
    """

    def __init__(self) -> None:
        self._plant: Plant | None = None
        self.watch: Watchlist | None = None
        self._books: dict[str, Book] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ready)

    __hash__ = None  # type: ignore[assignment]  # as every class that compares by value

    def __deepcopy__(self, memo: object) -> "Ready":
        return Ready()

    def book(self, goals: GoalSet) -> Book:
        """Return goals compiled."""
        key = f"{goals.id} {goals.version}"
        if key not in self._books or self._books[key].goals is not goals:
            self._books[key] = Book(goals)
        return self._books[key]

    def plant(self, knowledge: Knowledge, kpis: KpiValues) -> Plant:
        """Return the network made ready, with these KPI values."""
        if self._plant is None or not self._plant.is_of(knowledge.network, knowledge.vocabulary):
            self._plant = Plant(knowledge.network, knowledge.vocabulary, kpis)
        self._plant.offers.follow(kpis)
        return self._plant
