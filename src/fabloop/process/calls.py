"""Call activities: a node that runs an instance of another process."""

from fabloop.base.names import did_you_mean
from fabloop.process.acts import complete, end_instance, open_act
from fabloop.process.commands import InstanceState, Variables
from fabloop.process.definition import NOWHERE, Call, Definition, DefinitionKey, Node
from fabloop.process.deltas import Called
from fabloop.process.evaluate import Stuck, inputs_of, number_of, text_of
from fabloop.process.pick import Pick
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
    definition = _called(step, frame, action, {**seen, **local})
    _check_depth(state, frame)
    start = definition.scopes[0].start
    if start == NOWHERE:
        text = f"Expected process '{definition.id}' to have a start event without a trigger."
        raise Stuck("call", f"{text} Only such a process can be called.")
    watches = watches_of(step, frame, node, {**seen, **local})
    act = open_act(step, frame, node, {})
    key, root = step.mint(), step.mint()
    given = {**seen, **local} if action.hands_in else local
    business = state.instances[frame.instance].business_key
    if action.key is not None:
        business = text_of(action.key, {**seen, **local}, step.at)
    given = with_data(definition.scopes[0], given, business)
    step.emit(Called(key, act, definition.id, definition.version, root, given, business))
    step.agenda.append((root, definition.nodes[start], {}))
    arm(step, act, watches)


def _called(step: Step, frame: Frame, action: Call, context: Variables) -> Definition:
    """Return the definition that is called; raises Stuck where there is none, or it is stopped."""
    state, pick = step.state, action.pick
    process = text_of(action.process, context, step.at)
    number = None if pick.version is None else number_of(pick.version, context, step.at)
    key = _key(state, frame, process, pick, number)
    if key is not None and key in state.definitions:
        if state.is_stopped(key):
            text = f"Expected process '{process}' to take new instances, but it is suspended."
            raise Stuck("suspended", f"{text} Resume it, then resolve this.")
        return state.definitions[key]
    of = f" with version tag '{pick.tag}'" if pick.tag else ""
    of = f" in version {number}" if number is not None else of
    of = " that was there when its caller was deployed" if pick.together else of
    hint = did_you_mean(process, state.versions) if process not in state.versions else ""
    text = f"Expected a deployed process '{process}'{of} to call, but there is none. {hint}"
    raise Stuck("call", text.strip())


def _key(
    state: State, frame: Frame, process: str, pick: Pick, number: int | None
) -> DefinitionKey | None:
    """Return the version of a process that is meant, which may not be there."""
    if pick.together:
        beside = state.deployments[state.definition_of(frame).key].beside
        return DefinitionKey(process, beside[process]) if process in beside else None
    if number is not None:
        return DefinitionKey(process, number)
    for version in range(state.versions.get(process, 0), 0, -1):
        key = DefinitionKey(process, version)
        if not pick.tag or state.deployments[key].process.version_tag == pick.tag:
            return key
    return None


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
