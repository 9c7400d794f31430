"""Carries out what the ladder rules, move by move, until a person is asked or all is settled."""

from collections import deque
from collections.abc import Callable
from typing import assert_never

import msgspec

from fabloop.adapt import ladder
from fabloop.adapt.ladder import (
    Ask,
    Case,
    Do,
    Docket,
    DoInstead,
    Move,
    Offer,
    Ruling,
    TryRung,
    Withdraw,
)
from fabloop.adapt.policy import Policy
from fabloop.base.instant import Instant

MOVES_MAX = 1_000
"""Moves of one climb: more than any policy needs, so that a shell that errs does not go round."""


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What the outside does for the ladder.

    Attributes
    ----------
    looks : looks for a way out on a rung: offers, the best first, or why there are none
    does : carries an offer out: why it could not be, empty where it was
    asks, withdraws, defaults : put a question, take it back, do what is safe
    noted : hears of every move, for the journal; before it is carried out
    """

    looks: Callable[[TryRung], tuple[Offer, ...] | str]
    does: Callable[[Do], str]
    asks: Callable[[Ask], None]
    withdraws: Callable[[Withdraw], None]
    defaults: Callable[[DoInstead], None]
    noted: Callable[[Move], None]


def climb(ruling: Ruling, policy: Policy, shell: Shell, now: Instant) -> dict[int, Case]:
    """Carry out the moves of a ruling and those that follow; return the docket at rest.

    At rest nothing is left but questions that wait for an answer (`ladder.answered`) or for their
    time to be over (`ladder.expire`); climb what these rule, too.
    """
    docket: Docket = ruling.docket
    moves = deque(ruling.moves)
    for _ in range(MOVES_MAX):
        if not moves:
            break
        move = moves.popleft()
        shell.noted(move)
        ruled = _carried_out(move, docket, policy, shell, now)
        if ruled is not None:
            docket = ruled.docket
            moves.extend(ruled.moves)
    return dict(docket)


def _carried_out(
    move: Move, docket: Docket, policy: Policy, shell: Shell, now: Instant
) -> Ruling | None:
    match move:
        case TryRung():
            found = shell.looks(move)
            if isinstance(found, str):
                return ladder.failed(docket, policy, move, found, now)
            return ladder.offered(docket, policy, move, found, now)
        case Do():
            why = shell.does(move)
            if why:
                return ladder.failed(docket, policy, move, why, now)
            return ladder.enacted(docket, policy, move, now)
        case Ask():
            shell.asks(move)
        case Withdraw():
            shell.withdraws(move)
        case DoInstead():
            shell.defaults(move)
        case _:
            assert_never(move)
    return None
