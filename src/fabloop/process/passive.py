"""Lets instances that nobody has touched for long rest as bytes, and wakes them when needed.

Their frames, acts, jobs and what they wait for leave the tables; the names under which jobs and
messages find them stay, and so do their dates in the calendar. A record that is asked for is back.
"""

from itertools import chain, islice
from types import GenericAlias
from typing import Any

import msgspec
from msgspec.structs import astuple, replace

from fabloop.process.awaited import Condition, SignalWait, Subscription, Timer
from fabloop.process.definition import NOWHERE
from fabloop.process.records import ENCODER, decoder, original, twin
from fabloop.process.shelf import Table
from fabloop.process.state import ROOT_STREAM, Act, Frame, Instance, JobRecord, State

ROOTS_IN_MEMORY_MAX = 10_000
"""Instances (with all they have called) that stay as records; about 2 KB each."""

ROOTS_PER_COMMAND_MAX = 64
"""Instances laid to rest after one command, so that no command waits long for it."""

RESTING: dict[str, Any] = {
    "instances": Instance,
    "frames": Frame,
    "acts": Act,
    "jobs": JobRecord,
    "timers": Timer,
    "subscriptions": Subscription,
    "signals": SignalWait,
    "conditions": Condition,
}
"""The tables whose records may rest."""


def rest(state: State) -> None:
    """Lay the instances that were touched longest ago to rest, where there are too many."""
    surplus = len(state.touched) - ROOTS_IN_MEMORY_MAX
    if surplus > 0:
        lay_down(state, min(surplus, ROOTS_PER_COMMAND_MAX))


def lay_down(state: State, roots: int) -> None:
    """Lay so many instances to rest, those first that were touched longest ago."""
    if not isinstance(state.frames, Table):
        prepare(state)
    for stream in list(islice(state.touched, roots)):
        del state.touched[stream]
        root = dict.get(state.instances, int(stream.removeprefix(ROOT_STREAM)))
        if root is not None and (group := _gather(state, root)) is not None:
            _put_away(state, group)


def prepare(state: State) -> None:
    """Give a state tables whose records may rest."""

    def fetch(key: int) -> None:
        wake(state, key)

    for number, name in enumerate(RESTING):
        setattr(state, name, Table(getattr(state, name), state.shelf, number, fetch))


def wake(state: State, key: int) -> None:
    """Bring back the instance that a key belongs to, with all it has called."""
    group = state.shelf.group(key)
    assert group is not None, "only what rests is woken"
    decoded = _DECODER.decode(group)
    records = [
        original(record, twins) for record, twins in zip(RESTING.values(), decoded, strict=True)
    ]
    state.shelf.remove(_keys(records), [len(each) for each in records])
    for name, found in zip(RESTING, records, strict=True):
        dict.update(getattr(state, name), {each.key: each for each in found})
    for frame in records[1]:
        share_bags(state, frame)
    state.touched[records[0][0].stream] = None


def glance(state: State, name: str) -> list[Any]:
    """Return the records of a table without waking any; those that rest are copies, to be read."""
    found = list(dict.values(getattr(state, name)))
    if len(state.shelf):
        number, glancing = _GLANCES[name]
        for group in state.shelf.bodies():
            found += original(RESTING[name], glancing.decode(group)[number])
    return found


def counts_of(group: bytes) -> list[int]:
    """Return how many records of each table are in a group."""
    return [len(each) for each in _COUNTER.decode(group)]


def share_bags(state: State, frame: Frame) -> None:
    """Give a frame that was read the instance's own bags of its fusion places."""
    if not frame.bags:
        return
    fusion = state.scope_of(frame).fusion
    shared = state.instances[frame.instance].shared
    pairs = zip(frame.bags, fusion, strict=True)
    bags = tuple(bag if place == NOWHERE else shared[place] for bag, place in pairs)
    state.frames[frame.key] = replace(frame, bags=bags)


def _gather(state: State, root: Instance) -> list[list[Any]] | None:
    """Return the records of an instance, table by table; None where it may not rest.

    What a person has to deal with stays, and so does what has rounds: their records are elsewhere.
    """
    frames = list(state.subtree(root))
    acts = [state.acts[key] for frame in frames for key in frame.acts]
    if any(frame.incident for frame in frames):
        return None
    if any(act.incident or act.key in state.repetitions for act in acts):
        return None
    instances = {root.key: root}
    instances |= {each.called: state.instances[each.called] for each in acts if each.called}
    jobs = [job for act in acts if (job := state.jobs.get(act.key)) is not None]
    timers = [state.timers[key] for act in acts for key in act.timers]
    subscriptions = [state.subscriptions[key] for act in acts for key in act.subscriptions]
    signals = [state.signals[key] for act in acts for key in act.signals]
    conditions = [state.conditions[key] for act in acts for key in act.conditions]
    waits: list[list[Any]] = [timers, subscriptions, signals, conditions]
    return [list(instances.values()), frames, acts, jobs, *waits]


def _put_away(state: State, records: list[list[Any]]) -> None:
    group = ENCODER.encode([[astuple(each) for each in found] for found in records])
    for name, found in zip(RESTING, records, strict=True):
        table = getattr(state, name)
        for each in found:
            dict.pop(table, each.key)
    state.shelf.put(_keys(records), [len(each) for each in records], group)


def _keys(records: list[list[Any]]) -> list[int]:
    """Return the keys of a group; a job has that of its act."""
    return [each.key for each in chain(*records[:3], *records[4:])]


def _decoder_of(wanted: int | None = None) -> msgspec.msgpack.Decoder[Any]:
    """Return a decoder of groups; of one table alone, the others stay bytes."""
    parts = [
        GenericAlias(list, (_TWINS[name],)) if wanted in (None, number) else msgspec.Raw
        for number, name in enumerate(RESTING)
    ]
    return decoder(GenericAlias(tuple, tuple(parts)))


_TWINS = {name: twin(record) for name, record in RESTING.items()}
_DECODER = _decoder_of()
_GLANCES = {name: (number, _decoder_of(number)) for number, name in enumerate(RESTING)}
_COUNTER = msgspec.msgpack.Decoder(list[list[msgspec.Raw]])
