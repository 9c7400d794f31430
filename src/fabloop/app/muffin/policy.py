"""What the bakery may do by itself about burnt muffins and a standing oven, and who is asked."""

from pathlib import Path

from fabloop.adapt.ladder import Ask, Offer
from fabloop.adapt.policy import Policy, Rung
from fabloop.app.muffin.documents import read_bytes
from fabloop.app.service_runtime.facts import RepairDeclined
from fabloop.app.service_runtime.mending import Approve, Found, Mender, best_first
from fabloop.app.service_runtime.policy import read_policy
from fabloop.base.instant import Instant

POLICY_FILE = "adaptation-policy.json"


def bakery_policy(folder: Path) -> Policy:
    """Return the policy of a bakery.

    Raises
    ------
    Invalid
        It is missing or has faults.
    """
    file = folder / POLICY_FILE
    return read_policy(str(file), read_bytes(file))


def offers_of(found: Found) -> tuple[Offer, ...]:
    """Return what was found for the ladder, the best first."""
    ways = best_first(found.told)
    keeps = any(not each.late for each in ways)
    return tuple(
        Offer(
            id=each.id,
            rung=Rung.REPAIR,
            cost_minor=each.cost_minor,
            delay_ns=each.delay_ns,
            outdone=each.late and keeps,
        )
        for each in ways
    )


def answer_of(
    ask: Ask, found: Found | None, mender: Mender, approve: Approve | None, now: Instant
) -> str | None:
    """Return which offer is wanted, empty for none; None where nobody is there.

    An answer from before a crash counts. Where there is nothing to choose from, a person who is
    there cannot say more than that.
    """
    if found is None or not ask.offers:
        return None if approve is None else ""
    ways = (found.told.chosen, *found.told.others)
    known = mender.answer_of(found.told)
    if isinstance(known, RepairDeclined):
        return ""
    if known is not None:
        return ways[known[0]].id
    if approve is None:
        return None
    answer = approve(found.told)
    if answer is None:
        mender.decline(found, now)
        return ""
    return ways[answer[0]].id
