"""Lets the lanes of a process say who may do its tasks for people, where the tasks do not."""

import json

import msgspec

from fabloop.process.bpmn.model import BpmnProcess, FlowNode, SubProcess, UserTask


def with_lanes(process: BpmnProcess) -> BpmnProcess:
    """Return the process with the lane of each task for people as its candidates.

    A task with an assignee or candidates keeps them. A nested lane goes before the one around it;
    what is inside a sub-process stands in the lane of the sub-process.
    """
    if not process.lanes:
        return process
    role_of = {node: lane.name.strip() or lane.id for lane in process.lanes for node in lane.nodes}
    nodes = tuple(_placed(node, role_of, "") for node in process.nodes)
    return msgspec.structs.replace(process, nodes=nodes)


def _placed(node: FlowNode, role_of: dict[str, str], around: str) -> FlowNode:
    role = role_of.get(node.id, around)
    match node:
        case SubProcess():
            inner = tuple(_placed(each, role_of, role) for each in node.nodes)
            return msgspec.structs.replace(node, nodes=inner)
        case UserTask(assignee="", candidate_groups=()) if role:
            plain = f"={json.dumps(role)}" if role.startswith("=") else role
            return msgspec.structs.replace(node, candidate_groups=(plain,))
        case _:
            return node
