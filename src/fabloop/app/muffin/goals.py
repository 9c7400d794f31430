"""The goals of the bakery, watched on the history of its processes; news of them are facts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from fabloop.adapt.goals.monitor import Happening
from fabloop.adapt.goals.reach import Durations, remaining_in
from fabloop.adapt.goals.tracks import Forecast
from fabloop.app.goal_store import watched
from fabloop.app.service_runtime.facts import GoalMoved
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import Instant
from fabloop.model.documents.goal_text import read_goals
from fabloop.model.facts import GoalFact
from fabloop.model.goal import GoalStatus
from fabloop.model.ids import GoalId
from fabloop.process.definition import Definition

GOALS_FILE = "bakery.goals"
FULFILLED = GoalId("G1")
ORDER = "order"

PromisedDurations = Callable[[Definition, Sequence[Definition]], Durations]


class Goals:
    """Follows the journal of the processes, and what is told beside it.

    Until there is experience with a step, what is left is estimated by the model of its process
    and by how long the services promise to take: `durations` of one definition among all.
    """

    def __init__(
        self, folder: Path, document: Path, log: FactLog, durations: PromisedDurations
    ) -> None:
        goals = read_goals(document.name, document.read_bytes())
        self._following = watched(folder, goals)
        self._durations = durations
        self._known: object = None
        self._log = log
        self._told = {
            (fact.goal, fact.subject, fact.status, fact.at)
            for _, fact in log.history
            if isinstance(fact, GoalMoved)
        }

    def catch_up(self, now: Instant) -> None:
        """Take in what has happened, and tell what is news about goals."""
        following = self._following
        news: list[GoalFact] = []
        for number, row in following.reader.read(following.read_to):
            following.read_to = number
            events = following.recorder.take(number, row)
            self._estimate()
            news += following.monitor.hear(events)
            news += following.monitor.advance(row.at)
        self._tell((*news, *following.monitor.advance(now)), now)

    def _estimate(self) -> None:
        """Estimate what is left of each process anew where another one was deployed."""
        definitions = self._following.recorder.state.definitions
        if definitions.keys() == self._known:
            return
        self._known = set(definitions)
        monitor = self._following.monitor
        monitor.estimate(
            {
                f"{key.id} {key.version}": remaining_in(
                    each, monitor.book.goals, self._durations(each, tuple(definitions.values()))
                )
                for key, each in definitions.items()
            }
        )

    def overcooked(self, orders: Iterable[str], at: Instant) -> None:
        """Tell of orders whose muffins are overcooked."""
        happened = (
            Happening(event="overcooked", subject=ORDER, key=each, at=at, identity=each)
            for each in orders
        )
        self._tell(self._following.monitor.tell(*happened), at)

    def expect(self, orders: Iterable[str], fulfilled_at: Instant, why: str, now: Instant) -> None:
        """Tell when orders will be fulfilled, as things are planned."""
        forecast = Forecast(instants=(fulfilled_at,), source=why, made_at=now)
        for each in orders:
            news = self._following.monitor.expect(ORDER, each, "fulfilled", [forecast])
            self._tell(news, now)

    def deadline(self, order: str) -> Instant | None:
        """Return by when an order has to be fulfilled; None where nothing is known of it."""
        standing = self._following.monitor.standing(FULFILLED, order)
        return None if standing is None else standing.deadline

    def standing_alone(self, order: str) -> Iterator[tuple[GoalId, GoalStatus]]:
        """Yield how the goals of an order stand that serve no other goal of it."""
        monitor = self._following.monitor
        for goal in monitor.book.of_subject[ORDER]:
            standing = monitor.standing(goal.id, order) if goal.part_of is None else None
            if standing is not None:
                yield goal.id, standing.status

    def open_orders(self) -> int:
        """Return how many orders there are that have not come to their end."""
        tracks = self._following.monitor.memory.tracks
        return sum(kind == ORDER and e.ended_at is None for (kind, _), e in tracks.items())

    def _tell(self, news: Iterable[GoalFact], now: Instant) -> None:
        facts = [_moved(each) for each in news]
        fresh = [e for e in facts if (e.goal, e.subject, e.status, e.at) not in self._told]
        self._told |= {(e.goal, e.subject, e.status, e.at) for e in fresh}
        self._log.tell(now, *fresh)


def _moved(fact: GoalFact) -> GoalMoved:
    return GoalMoved(
        goal=str(fact.goal),
        subject=fact.key,
        status=type(fact).__name__.removeprefix("Goal").lower(),
        because=fact.because,
        at=fact.at,
    )
