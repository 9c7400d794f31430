"""Goals of the orders of the loop: judged by what the loop knows, warned of by their plans."""

import functools
from collections.abc import Iterator

import msgspec

from fabloop.adapt.goals.index import instant_in
from fabloop.adapt.goals.news import news_of
from fabloop.adapt.goals.standing import Bench, stand
from fabloop.adapt.goals.tracks import Forecast, Memory, Standing, Track
from fabloop.app.snapshot import Snapshot
from fabloop.app.states import OrderState, Stage
from fabloop.base.instant import Instant, iso_of
from fabloop.base.period import zone_of
from fabloop.feel import compile_expression
from fabloop.model.documents.goal_text import read_goals
from fabloop.model.facts import (
    DisturbanceReported,
    GoalEndangered,
    GoalMet,
    GoalRestored,
    GoalViolated,
    IncidentRaised,
    OrderFinished,
    PlanAccepted,
    PlanEndangered,
    PlanRestored,
    ProcessMigrated,
    ReleaseRefused,
)
from fabloop.model.goal import By, Goal, GoalSet, GoalStatus
from fabloop.model.ids import OrderId

ORDER = "order"
STANDARD = read_goals(
    "standard goals",
    b"""
goals orders version 1
event received(order): fact
event done(order): fact
goal due "finished by the due date" for each order: done by due
""",
)
"""What holds where no document of goals says anything else."""


@functools.cache
def _standard_in(zone: str) -> GoalSet:
    """Return the standard goals, told in the time of a plant."""
    return msgspec.structs.replace(STANDARD, time_zone=zone)


GoalFacts = tuple[GoalEndangered | GoalRestored | GoalMet | GoalViolated, ...]
_STATUS = {
    GoalEndangered: GoalStatus.ENDANGERED,
    GoalRestored: GoalStatus.OPEN,
    GoalMet: GoalStatus.MET,
    GoalViolated: GoalStatus.VIOLATED,
}


def weigh_goals(
    fact: PlanAccepted
    | PlanEndangered
    | PlanRestored
    | ProcessMigrated
    | DisturbanceReported
    | IncidentRaised
    | OrderFinished
    | ReleaseRefused,
    at: Snapshot,
) -> tuple[GoalEndangered | GoalRestored | GoalMet | GoalViolated, ...]:
    """Run to adapt: is a goal of an order met, missed, in danger, or out of it?"""
    order = getattr(fact, "order", None)
    states = list(at.orders.values()) if order is None else [at.orders[order]]
    return tuple(each for state in states for each in _news(state, at))


def overdue(at: Snapshot) -> GoalFacts:
    """Return what is news about goals because time has passed."""
    return tuple(each for state in at.orders.values() for each in _news(state, at))


def next_look(at: Snapshot) -> Instant | None:
    """Return when time alone may change how a goal stands: a deadline, a planned end."""
    found = [
        Instant(each + 1)
        for state in at.orders.values()
        if state.stage is Stage.RUNNING
        for each in _instants(state, at)
        if each >= at.now
    ]
    return min(found, default=None)


def _instants(state: OrderState, at: Snapshot) -> Iterator[Instant]:
    for goals in goal_sets(at):
        track = _track(state, at, goals)
        for goal in at.ready.book(goals).of_subject.get(ORDER, ()):
            standing = _stand(goal, track, at, goals)
            if standing.deadline is not None and standing.status not in _DECIDED:
                yield standing.deadline
                yield _half_way(_planned_end(state), standing.deadline)


def _half_way(planned: Instant, deadline: Instant) -> Instant:
    """Return when an order that is later than planned is more likely than not to miss its time."""
    return Instant(planned + (deadline - planned) // 2) if planned < deadline else deadline


_DECIDED = (GoalStatus.MET, GoalStatus.VIOLATED)


def goal_sets(at: Snapshot) -> tuple[GoalSet, ...]:
    """Return the goals that orders are judged by."""
    sites = at.knowledge.network.sites.values()
    zone = next((each.time_zone for each in sites), STANDARD.time_zone)
    return at.knowledge.goals or (_standard_in(zone),)


def standings(state: OrderState, at: Snapshot) -> tuple[tuple[Goal, Standing], ...]:
    """Return how the goals of an order stand now, with the risk as it is."""
    found: list[tuple[Goal, Standing]] = []
    for goals in goal_sets(at):
        track = _track(state, at, goals)
        for goal in at.ready.book(goals).of_subject.get(ORDER, ()):
            track.standings[goal.id] = _stand(goal, track, at, goals)
            found.append((goal, track.standings[goal.id]))
    return tuple(found)


def _news(state: OrderState, at: Snapshot) -> GoalFacts:
    if state.plan is None and state.finished_at is None:
        return ()  # nothing has been promised yet
    found: list[GoalEndangered | GoalRestored | GoalMet | GoalViolated] = []
    for goals in goal_sets(at):
        track = _track(state, at, goals)
        for goal in at.ready.book(goals).of_subject.get(ORDER, ()):
            before = track.standings.get(goal.id) or Standing()
            after = _stand(goal, track, at, goals)
            track.standings[goal.id] = after
            found += news_of(goal, ORDER, state.order.id, before, after, at.now)
    return tuple(found)


def _stand(goal: Goal, track: Track, at: Snapshot, goals: GoalSet) -> Standing:
    bench = Bench(
        memory=Memory(goals=goals.id, now=at.now),
        book=at.ready.book(goals),
        estimates={},
        zone=zone_of(goals.time_zone),
    )
    return stand(goal, track, bench)[0]


def _track(state: OrderState, at: Snapshot, goals: GoalSet) -> Track:
    """Return what the loop knows of an order in the words of goals."""
    order, key = state.order, state.order.id
    received, done = f"received({ORDER})", f"done({ORDER})"
    times = {received: [(int(order.received_at), "")]}
    if state.finished_at is not None and not state.rejected:
        times[done] = [(int(state.finished_at), "")]
    return Track(
        subject=ORDER,
        key=key,
        since=order.received_at,
        times=times,
        due={
            goal.id: due
            for goal in at.ready.book(goals).of_subject.get(ORDER, ())
            if isinstance(goal.statement, By)
            and (due := _due(goal.statement.by, state, at)) is not None
        },
        ended_at=state.finished_at,
        expects={done: _forecasts(state, at)},
        standings={
            goal.id: _told(key, goal, at) for goal in at.ready.book(goals).of_subject.get(ORDER, ())
        },
    )


def _due(text: str, state: OrderState, at: Snapshot) -> int | None:
    order = state.order
    variables = {
        "due": iso_of(order.due_at),
        "received": iso_of(order.received_at),
        "priority": order.priority,
        "quantity": order.quantity,
    }
    return instant_in(compile_expression(text), variables, at.now)


def _forecasts(state: OrderState, at: Snapshot) -> list[Forecast]:
    """Return when the order is done by the plan that it follows.

    Where that plan does not hold, nobody expects it to be done until another one is agreed to.
    """
    if state.stage in (Stage.STUCK, Stage.CHANGING):
        return [Forecast(instants=(), source="a plan that does not hold", made_at=at.now)]
    if state.plan is None:
        return []
    return [Forecast(instants=(_planned_end(state),), source="plan", made_at=at.now)]


def _planned_end(state: OrderState) -> Instant:
    assert state.plan is not None, "an order that is carried out has a plan"
    ends = [each.end for each in state.plan.steps] + [each.end for each in state.plan.movements]
    return max(ends)


def _told(order: OrderId, goal: Goal, at: Snapshot) -> Standing:
    """Return how a goal stood by what was told of it last."""
    fact = at.goals.get((goal.id, order))
    if fact is None:
        return Standing()
    deadline = fact.deadline if isinstance(fact, GoalEndangered) else None
    return Standing(
        status=_STATUS[type(fact)], since=fact.at, because=fact.because, deadline=deadline
    )
