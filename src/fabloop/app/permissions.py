"""What controllers say as facts of the loop: a permissive is told when it changes, not before."""

from collections.abc import Iterator

from fabloop.app.snapshot import Snapshot
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation
from fabloop.model.facts import PermissiveChanged
from fabloop.model.ids import OrderId
from fabloop.model.plan import Plan
from fabloop.model.safety import SafetyRules, SafetyView
from fabloop.run.permissives import required_against
from fabloop.run.recheck import change_withheld
from fabloop.services.permissions import Told


def changes(
    rules: SafetyRules, view: SafetyView, told: Told, at: Instant
) -> Iterator[PermissiveChanged]:
    """Yield the permissives of work units that hold, or do not, otherwise than was told last.

    That other reasons stand against one by now is a change too: a person reads them.
    """
    for each in rules.permissives:
        if each.work_unit is None or not each.requires:
            continue
        reasons = tuple(required_against(each.requires, rules, view, at))
        known = told.get((each.work_unit, each.only))
        if known is None or [one.code for one in known] != [one.code for one in reasons]:
            yield PermissiveChanged(
                work_unit=each.work_unit, only=each.only, reasons=reasons, at=at
            )


def change_against(snapshot: Snapshot, order: OrderId, after: Plan) -> tuple[Explanation, ...]:
    """Return why an order may not go over to another plan now; empty where it may."""
    state = snapshot.orders[order]
    assert state.plan is not None, "only a planned order changes its plan"
    begun, left = snapshot.begun(order), snapshot.carried(order).left
    return change_withheld(after, begun, left, state.order.product, snapshot.permissions())
