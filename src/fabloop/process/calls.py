"""Call activities: a node that runs an instance of another process."""

from fabloop.base.names import did_you_mean
from fabloop.process.acts import complete, end_instance, open_act
from fabloop.process.commands import InstanceState
from fabloop.process.definition import NOWHERE, Call, Definition, DefinitionKey, Node
from fabloop.process.deltas import Called
from fabloop.process.evaluate import Stuck, inputs_of, text_of
from fabloop.process.state import Frame, State
from fabloop.process.step import Step
from fabloop.process.variables import with_data
from fabloop.process.watch import arm, watches_of

CALL_DEPTH_MAX = 16
"""Processes that call each other, one inside the other."""


def call(step: Step, frame: Frame, node: Node, action: Call) -> None:
    """Start an instance of the called process; its end completes the node."""
    state = step.state
    seen = state.visible(frame)
    local = inputs_of(node, seen, step.at)
    definition = _called(state, text_of(action.process, {**seen, **local}, step.at), action.tag)
    _check_depth(state, frame)
    start = definition.scopes[0].start
    if start == NOWHERE:
        text = f"Expected process '{definition.id}' to have a start event without a trigger."
        raise Stuck("call", f"{text} Only such a process can be called.")
    watches = watches_of(step, frame, node, {**seen, **local})
    act = open_act(step, frame, node, {})
    key, root = step.mint(), step.mint()
    given = {**seen, **local} if action.hands_in else local
    caller = state.instances[frame.instance]
    given = with_data(definition.scopes[0], given, caller.business_key)
    step.emit(Called(key, act, definition.id, definition.version, root, given))
    step.agenda.append((root, definition.nodes[start], {}))
    arm(step, act, watches)


def _called(state: State, process: str, tag: str) -> Definition:
    for version in range(state.versions.get(process, 0), 0, -1):
        key = DefinitionKey(process, version)
        if not tag or state.deployments[key].process.version_tag == tag:
            if state.is_stopped(key):
                text = f"Expected process '{process}' to take new instances, but it is suspended."
                raise Stuck("suspended", f"{text} Resume it, then resolve this.")
            return state.definitions[key]
    of = f" with version tag '{tag}'" if tag else ""
    hint = did_you_mean(process, state.versions)
    text = f"Expected a deployed process '{process}'{of} to call, but there is none. {hint}"
    raise Stuck("call", text.strip())


def _check_depth(state: State, frame: Frame) -> None:
    instance, depth = state.instances[frame.instance], 1
    while instance.caller:
        instance, depth = state.instance_of(state.acts[instance.caller]), depth + 1
    if depth > CALL_DEPTH_MAX:
        text = f"Expected at most {CALL_DEPTH_MAX} calls inside each other, but found more."
        raise Stuck("limit", text)


def finish(step: Step, key: int, outcome: InstanceState) -> None:
    """End an instance; where it was called, its caller goes on with what it gives back."""
    state = step.state
    instance = state.instances[key]
    variables = state.frames[instance.frame].variables
    end_instance(step, key, outcome)
    if instance.caller:
        act = state.acts[instance.caller]
        node = state.node_of(act)
        assert isinstance(node.action, Call), "only a call activity calls"
        wanted = node.outputs or node.action.hands_back
        complete(step, act, dict(variables) if wanted else {})
