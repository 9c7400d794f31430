"""Event sub-processes: a frame listens for what begins them while it runs, and they run in it."""

from fabloop.process.acts import open_act, outputs_of
from fabloop.process.commands import Variables
from fabloop.process.definition import Node, Respond
from fabloop.process.deltas import FrameOpened
from fabloop.process.state import Act, Frame, Phase, Role, State
from fabloop.process.step import Step
from fabloop.process.variables import with_data
from fabloop.process.watch import Watch, arm, watches_of

Ears = list[tuple[Node, list[Watch]]]
"""Event sub-processes, each with what is to be armed for it."""


def ears_of(step: Step, frame: Frame) -> Ears:
    """Return what a frame has to listen for and does not yet; raises Stuck."""
    state = step.state
    listens = state.scope_of(frame).listens
    if not listens or frame.role is not Role.RUNS:
        return []
    nodes = state.definition_of(frame).nodes
    acts = [state.acts[key] for key in frame.acts]
    known = {act.node for act in acts if act.phase is Phase.LISTENING}
    if any(_interrupted_by(nodes[act.node], act) for act in acts):
        return []
    seen = state.visible(frame)
    return [
        (nodes[number], watches_of(step, frame, nodes[number], seen))
        for number in listens
        if number not in known
    ]


def listen(step: Step, frame: Frame, ears: Ears) -> None:
    """Arm what begins the event sub-processes of a frame; it may happen at once."""
    acts = [open_act(step, frame, node, {}, Phase.LISTENING) for node, _ in ears]
    for act, (_, watches) in zip(acts, ears, strict=True):
        if act in step.state.acts:
            arm(step, act, watches)


def _interrupted_by(node: Node, act: Act) -> bool:
    action = node.action
    return isinstance(action, Respond) and action.interrupting and act.phase is not Phase.LISTENING


def only_listens(state: State, frame: Frame) -> bool:
    """Tell whether nothing is in progress in a frame but waiting for what may begin."""
    for key in frame.acts:  # noqa: SIM110  # every token that ends comes by here
        if state.acts[key].phase is not Phase.LISTENING:
            return False
    return True


def respond(step: Step, frame: Frame, node: Node, action: Respond, brought: Variables) -> None:
    """Run an event sub-process of a frame; what its event brought is its own."""
    definition = step.state.definition_of(frame)
    start = definition.nodes[definition.scopes[action.scope].start]
    given = outputs_of(step, frame, start, {}, brought)
    act = open_act(step, frame, node, {})
    key = step.mint()
    given = with_data(definition.scopes[action.scope], given)
    step.emit(FrameOpened(key, act, action.scope, given))
    step.agenda.append((key, start, {}))
