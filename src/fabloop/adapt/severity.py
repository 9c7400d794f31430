"""How bad a deviation is, by what is at stake, and why: it decides who may do what about it."""

from collections.abc import Iterator

import msgspec

from fabloop.adapt.policy import Severity
from fabloop.model.explanation import Evidence, Explanation, SeverityCode

MANY_SHARE = 0.5
MANY_MIN = 10
"""So many of those that are open, and this share of them: then it is one step worse."""


class Stake(msgspec.Struct, frozen=True, kw_only=True):
    """What is at stake in a deviation.

    Attributes
    ----------
    goals_lost : goals that are missed for good and serve no other goal, as ``G1 of order-7``
    goals_at_risk : goals that can still be kept and are in danger; by a part that is lost, say
    spent : what cannot be brought back: material that is burnt, a batch that is sold
    unsafe : what a safety controller has against work there
    stands : what can do nothing any more: a machine that is broken
    unfit : what is not fit for its work any more, and can do other work
    concerned, open : how many orders it is about, of how many that are open
    """

    goals_lost: tuple[str, ...] = ()
    goals_at_risk: tuple[str, ...] = ()
    spent: str = ""
    unsafe: str = ""
    stands: str = ""
    unfit: str = ""
    concerned: int = 0
    open: int = 0


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """How bad it is, and every reason, the worst first."""

    severity: Severity
    because: tuple[Explanation, ...]


def weighed(stake: Stake) -> Weighed:
    """Return how bad a deviation is.

    Critical: people may be in danger, a machine can do nothing any more, or a goal is missed for
    good. Major: a goal is in danger, a machine is not fit for its work, or something is spent that
    cannot be brought back. Minor: nothing of that. It is one step worse where at least half of the
    open orders are concerned, and ten.
    """
    found = sorted(_found(stake), key=lambda each: -each[0])
    worst = found[0][0] if found else Severity.MINOR
    because = tuple(reason for _, reason in found)
    many = _many(stake)
    if many is not None and worst < Severity.CRITICAL:
        return Weighed(severity=Severity(worst + 1), because=(*because, many))
    if not found:
        because = (Explanation(code=SeverityCode.NOTHING_AT_STAKE, subject=""),)
    return Weighed(severity=worst, because=because)


def _found(stake: Stake) -> Iterator[tuple[Severity, Explanation]]:
    named = (
        (Severity.CRITICAL, SeverityCode.SAFETY_CONCERNED, stake.unsafe),
        (Severity.CRITICAL, SeverityCode.STANDS, stake.stands),
        (Severity.CRITICAL, SeverityCode.GOAL_LOST, ", ".join(stake.goals_lost)),
        (Severity.MAJOR, SeverityCode.GOAL_AT_STAKE, ", ".join(stake.goals_at_risk)),
        (Severity.MAJOR, SeverityCode.NOT_FIT, stake.unfit),
        (Severity.MAJOR, SeverityCode.SPENT, stake.spent),
    )
    for severity, code, subject in named:
        if subject:
            yield severity, Explanation(code=code, subject=subject)


def _many(stake: Stake) -> Explanation | None:
    """Return that it is about many orders, where it is."""
    share = stake.concerned / stake.open if stake.open else 0.0
    if stake.concerned < MANY_MIN or share < MANY_SHARE:
        return None
    evidence = Evidence(
        subject="orders", parameter="share of the open orders", relation="less than",
        value=share, limit=MANY_SHARE,
    )  # fmt: skip
    return Explanation(
        code=SeverityCode.MANY_CONCERNED,
        subject=f"{stake.concerned} of {stake.open} open orders",
        evidence=(evidence,),
    )
