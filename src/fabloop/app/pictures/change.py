"""What an adaptation changes: plan and process before and after, one above the other."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.app.pictures.plan import WIDTH, draw_plan, is_moved
from fabloop.app.pictures.process import draw_process
from fabloop.app.pictures.svg import Picture, document, group, text
from fabloop.base.instant import Instant
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network
from fabloop.process.bpmn.model import BpmnProcess, FlowNode, SubProcess
from fabloop.run.compose import node_id
from fabloop.run.recipe import operation_step_id

_TITLE = 32.0
_GAP = 12.0


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with the process that carries it out."""

    plan: Plan
    process: BpmnProcess


def change_picture(
    before: Version,
    after: Version,
    product: ConfiguredProduct,
    network: Network,
    *,
    states: Mapping[str, str] | None = None,
    now: Instant | None = None,
    title: str = "",
) -> str:
    """Return both versions as SVG: what goes is marked in the first, what comes in the second.

    `states` are those of the running process and shown where nothing changed.
    """
    changes = changed_nodes(before, after)
    gone = {node: kind for node, kind in changes.items() if kind == "removed"}
    come = {node: kind for node, kind in changes.items() if kind != "removed"}
    old = draw_process(before.process, states=states, changes=gone)
    new = draw_process(after.process, states=states, changes=come)
    width = max(old.width, new.width, WIDTH)
    drawn = stacked(
        ("Plan before", draw_plan(before.plan, product, network, now=now, width=width)),
        (
            "Plan after",
            draw_plan(after.plan, product, network, before=before.plan, now=now, width=width),
        ),
        ("Process before", old),
        ("Process after", new),
    )
    return document(drawn, title or f"Change of plan {before.plan.id} to {after.plan.id}")


def stacked(*pictures: tuple[str, Picture]) -> Picture:
    """Return drawings one above the other, each below its title."""
    parts: list[str] = []
    y = 0.0
    for words, picture in pictures:
        parts.append(text(12, y + 22, words, "title"))
        parts.append(group(picture.body, y=y + _TITLE))
        y += _TITLE + picture.height + _GAP
    return Picture(width=max(each.width for _, each in pictures), height=y, body="".join(parts))


def changed_nodes(before: Version, after: Version) -> dict[str, str]:
    """Return ``added``, ``removed`` or ``moved`` by the id of each node that changes.

    A task has moved when its operation is planned elsewhere or at another time.
    """
    old, new = _ids(before.process.nodes), _ids(after.process.nodes)
    changes = dict.fromkeys(old - new, "removed")
    changes |= dict.fromkeys(new - old, "added")
    was = {step.operation: step for step in before.plan.steps}
    for step in after.plan.steps:
        node = node_id(operation_step_id(step.operation))
        former = was.get(step.operation)
        if node in new and node in old and former is not None and is_moved(step, former):
            changes[node] = "moved"
    return changes


def _ids(nodes: Iterable[FlowNode]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        found.add(node.id)
        if isinstance(node, SubProcess):
            found |= _ids(node.nodes)
    return found
