"""Activities that are carried out several times: multi-instance and standard loops.

Rounds begin in portions, so that a long list neither holds up other instances nor makes one huge
row: what is left over waits in the calendar for `AdvanceTo`.
"""

from fabloop.base.instant import Instant
from fabloop.process.acts import (
    announce_rounds,
    complete,
    open_act,
    pass_with,
    raise_incident,
    wake_pages,
)
from fabloop.process.commands import Variables
from fabloop.process.definition import COUNTER, Again, Node, Rounds
from fabloop.process.evaluate import Stuck, reasons_of, shown, truth_of, value_of
from fabloop.process.repetition import Repetition
from fabloop.process.round_deltas import (
    RepetitionOpened,
    RoundEnded,
    RoundOpened,
    RoundsDropped,
    RoundsWait,
)
from fabloop.process.state import NO_TIME, Act, Frame
from fabloop.process.step import INSTRUCTIONS_PER_TRIGGER_MAX, Step
from fabloop.process.undo import keep_round
from fabloop.process.watch import arm, watches_of

ROUNDS_MAX = 100_000
"""Rounds of one activity."""

UNBOUNDED = -1
INSTRUCTIONS_PER_ROUND = 10
"""A round that runs more counts as several against `ROUNDS_PER_COMMAND_MAX`."""

Several = Rounds | Again


def repeat(step: Step, frame: Frame, node: Node, action: Several) -> None:
    """Enter an activity with a loop: its first rounds begin when all else is at rest."""
    seen = step.state.visible(frame)
    items, total = _planned(action, seen, step.at)
    if total == 0:
        pass_with(step, frame, node, _collected(action, {}, 0))
        return
    watches = watches_of(step, frame, node, seen)
    act = open_act(step, frame, node, {})
    step.emit(RepetitionOpened(act, total, items))
    step.rounds[act] = None
    arm(step, act, watches)


def _planned(action: Several, seen: Variables, at: Instant) -> tuple[list[object], int]:
    """Return items and number of the rounds; raises Stuck where they cannot be told."""
    items: list[object] = []
    match action:
        case Again(maximum=None):
            total = UNBOUNDED
        case Again(maximum=number) | Rounds(cardinality=number) if number is not None:
            count = value_of(number, seen, at)
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                text = f"Expected a number of rounds from '{number.text}', but found"
                raise Stuck("loop", f"{text} {shown(count)}. {reasons_of(number, seen, at)}")
            total = count
        case _:
            assert isinstance(action, Rounds), "a loop has its rounds counted"
            assert action.collection is not None, "items or a number are given"
            found = value_of(action.collection, seen, at)
            if not isinstance(found, list):
                text = f"Expected a list from '{action.collection.text}', but found"
                why = reasons_of(action.collection, seen, at)
                raise Stuck("loop", f"{text} {shown(found)}. {why}".strip())
            items, total = found, len(found)
    if total > ROUNDS_MAX:
        raise Stuck("limit", f"Expected at most {ROUNDS_MAX} rounds, but found {total}.")
    if isinstance(action, Again) and action.before and not _goes_on(action, seen, 0, at):
        return [], 0
    return items, total


def _goes_on(action: Again, seen: Variables, done: int, at: Instant) -> bool:
    if action.condition is None:
        return True
    return truth_of(action.condition, {**seen, COUNTER: done}, at)


# -- rounds begin -------------------------------------------------------------------------------


def begin_round(step: Step, act: Act) -> None:
    """Begin the next round of an act, or let it wait where this command has begun enough."""
    repetition = step.state.repetitions[act.key]
    if repetition.begun == repetition.total or repetition.wake or act.incident:
        return
    action = _action(step, act)
    if step.rounds_left <= 0:
        step.emit(RoundsWait(act.key, Instant(step.at + 1)))
        return
    if repetition.begun >= ROUNDS_MAX:
        text = f"Expected at most {ROUNDS_MAX} rounds, but the loop goes on."
        frame = step.state.frames[act.frame]
        raise_incident(step, frame, act.key, step.state.node_of(act), Stuck("limit", text))
        return
    key = step.mint()
    step.emit(RoundOpened(key, act.key))
    _pay(step, action)
    definition = step.state.definition_of(step.state.frames[act.frame])
    inner = definition.nodes[definition.scopes[action.scope].start]
    step.agenda.append((key, inner, {}))
    if isinstance(action, Rounds) and not action.sequential:
        step.rounds[act.key] = None


def _pay(step: Step, action: Several) -> None:
    """Give a round of a list instructions of its own: a long list is no endless loop."""
    step.rounds_left -= 1
    if isinstance(action, Rounds):
        used = INSTRUCTIONS_PER_TRIGGER_MAX - step.budget
        step.rounds_left -= used // INSTRUCTIONS_PER_ROUND
        step.budget = INSTRUCTIONS_PER_TRIGGER_MAX


def _action(step: Step, act: Act) -> Several:
    action = step.state.node_of(act).action
    assert isinstance(action, Rounds | Again), "only these have rounds"
    return action


def go_on(step: Step, key: int) -> None:
    """Begin the rounds of an act that have waited."""
    step.emit(RoundsWait(key, NO_TIME))
    step.rounds[key] = None


# -- rounds end ---------------------------------------------------------------------------------


def end_round(step: Step, frame: Frame) -> None:
    """End a round in which nothing is left; an expression that fails keeps it."""
    state = step.state
    act = state.acts[frame.act]
    action, repetition = _action(step, act), state.repetitions[act.key]
    if frame.incident:
        return
    try:
        result, over = _ended(step, frame, action, repetition)
    except Stuck as stuck:
        inner = state.definition_of(frame).nodes[state.scope_of(frame).start]
        raise_incident(step, frame, 0, inner, stuck)
        return
    keep_round(step, frame)
    step.emit(RoundEnded(frame.key, completed=True, result=result))
    _after_round(step, act, over=over)


def _ended(
    step: Step, frame: Frame, action: Several, repetition: Repetition
) -> tuple[object, bool]:
    """Return what a round yields, and whether it is the last by what the model says."""
    seen = step.state.visible(frame)
    if isinstance(action, Again):
        more = _goes_on(action, seen, repetition.completed + 1, step.at)
        return None, not more
    result = value_of(action.yields, seen, step.at) if action.yields else None
    if action.until is None:
        return result, False
    counted = {**seen, **_counts(action, repetition)}
    if action.output in action.until.expression.variables:
        results = {**repetition.results, repetition.active[frame.key]: result}
        counted |= _collected(action, results, repetition.total)
    return result, truth_of(action.until, counted, step.at)


def _counts(action: Rounds, repetition: Repetition) -> Variables:
    """Return the counters of BPMN as they are after one more round; those to come are active."""
    completed = repetition.completed + 1
    open_rounds = repetition.total - completed - repetition.terminated
    return {
        "numberOfInstances": repetition.total,
        "numberOfActiveInstances": 0 if action.sequential else open_rounds,
        "numberOfCompletedInstances": completed,
        "numberOfTerminatedInstances": repetition.terminated,
    }


def _collected(action: Several, results: dict[int, object], total: int) -> Variables:
    if isinstance(action, Again) or not action.output:
        return {}
    return {action.output: [results.get(index) for index in range(total)]}


def _after_round(step: Step, act: Act, *, over: bool) -> None:
    repetition = step.state.repetitions[act.key]
    action = _action(step, act)
    if over or (repetition.begun == repetition.total and not repetition.active):
        _finish(step, act, action)
    elif not repetition.active:
        step.rounds[act.key] = None


def _finish(step: Step, act: Act, action: Several) -> None:
    """End the rounds that still run, and leave with what all have yielded."""
    state = step.state
    if state.repetitions[act.key].active:
        gives_back = announce_rounds(step, act.key)
        step.emit(RoundsDropped(act.key))
        if gives_back:
            wake_pages(step, state.frames[act.frame].instance)
    repetition = state.repetitions[act.key]
    result = _collected(action, repetition.results, repetition.total)
    complete(step, state.acts[act.key], result)


def take_away(step: Step, frame: Frame) -> Act | None:
    """End an emptied round that was cancelled; return its act where nothing is left to do."""
    state = step.state
    act = state.acts[frame.act]
    step.emit(RoundEnded(frame.key, completed=False, result=None))
    repetition = state.repetitions[act.key]
    left = repetition.active or repetition.begun != repetition.total
    if not left and not repetition.completed:
        return act
    _after_round(step, act, over=False)
    return None
