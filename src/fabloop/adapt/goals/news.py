"""Facts of a change in how a goal stands: none where its status is as it was."""

from fabloop.adapt.goals.reasons import restored
from fabloop.adapt.goals.tracks import Standing
from fabloop.base.instant import Instant
from fabloop.model.facts import GoalEndangered, GoalFact, GoalMet, GoalRestored, GoalViolated
from fabloop.model.goal import Goal, GoalStatus, Kpi


def news_of(
    goal: Goal | Kpi, subject: str, key: str, before: Standing, after: Standing, now: Instant
) -> tuple[GoalFact, ...]:
    """Return what is to be told; `subject` and `key` say of whom, or of which span."""
    if before.status is after.status:
        return ()
    found: list[GoalFact] = []
    calm = after.status in (GoalStatus.OPEN, GoalStatus.IDLE)
    if (before.status is GoalStatus.ENDANGERED and calm) or before.status is GoalStatus.VIOLATED:
        why = restored(goal, key, before.because)
        found.append(GoalRestored(goal=goal.id, subject=subject, key=key, at=now, because=why))
    because, since = after.because, after.since
    if because is None:
        return tuple(found)
    match after.status:
        case GoalStatus.MET:
            met = GoalMet(goal=goal.id, subject=subject, key=key, at=since, because=because)
            found.append(met)
        case GoalStatus.VIOLATED:
            found.append(
                GoalViolated(goal=goal.id, subject=subject, key=key, at=since, because=because)
            )
        case GoalStatus.ENDANGERED:
            found.append(
                GoalEndangered(
                    goal=goal.id,
                    subject=subject,
                    key=key,
                    at=now,
                    risk=after.risk,
                    deadline=after.deadline,
                    expected=after.expected,
                    because=because,
                )
            )
        case _:
            pass
    return tuple(found)
