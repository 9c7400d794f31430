"""Forecasts of goals by simulation: what runs is played on, and read in the words of goals."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.adapt.goals.monitor import Monitor
from fabloop.adapt.goals.tracks import Address, Forecast, Track
from fabloop.base.instant import Instant
from fabloop.model.facts import GoalFact
from fabloop.model.goal import EventDefinition, GoalStatus, Source
from fabloop.process.snapshot import write_snapshot
from fabloop.process.state import State
from fabloop.sim.processes.ahead import Done, Outlook, ahead
from fabloop.sim.processes.spread import Draw

SOURCE = "simulation"


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """How the future is played: how often, with which durations and capacities."""

    runs: int = 20
    seed: int = 1
    durations: Mapping[str, Draw] = {}
    capacities: Mapping[str, int] = {}


def look_ahead(
    monitor: Monitor, state: State | Sequence[bytes], now: Instant, play: Play
) -> tuple[GoalFact, ...]:
    """Tell a monitor what simulation expects of all that is open; return what is news.

    `state` is the engine's, or the parts of a snapshot of it.
    """
    parts = tuple(write_snapshot(state)) if isinstance(state, State) else tuple(state)
    outlook = Outlook(
        parts=parts,
        now=now,
        durations=play.durations,
        capacities=play.capacities,
        begun=_begun(monitor, state) if isinstance(state, State) else {},
    )
    found = ahead(outlook, play.seed, play.runs)
    news: list[GoalFact] = []
    for address, event, forecast in _forecasts(monitor, found, outlook):
        news += monitor.expect(*address, event, [forecast])
    return tuple(news)


def _begun(monitor: Monitor, state: State) -> dict[int, Instant]:
    """Return since when open jobs have been in work, as the monitor has heard it."""
    found: dict[int, Instant] = {}
    memory = monitor.memory
    for key in list(state.jobs):
        known = memory.instances.get(state.frames[state.acts[key].frame].instance)
        for address in known.subjects if known is not None else ():
            place = memory.tracks[address].open.get(key)
            if place is not None:
                found[key] = Instant(place[1])
    return found


def _forecasts(
    monitor: Monitor, runs: Sequence[Done], outlook: Outlook
) -> Iterator[tuple[Address, str, Forecast]]:
    """Yield what is expected of each subject whose goals are open."""
    roots = _roots(monitor)
    end = Instant(outlook.now + outlook.horizon_ns)
    for address, track in monitor.memory.tracks.items():
        if not _is_open(track) or address not in roots:
            continue
        for name in monitor.book.awaited.get(address[0], ()):
            event = monitor.book.goals.events[name]
            if track.first(name) is not None or event.source is not Source.COMPLETION:
                continue
            instants = [min(_times(run, roots[address], event), default=end) for run in runs]
            if all(each == end for each in instants):
                continue  # nothing of it is in the models that run
            forecast = Forecast(
                instants=tuple(sorted(instants)), source=SOURCE, made_at=outlook.now, passing=True
            )
            yield address, event.name, forecast


def _times(run: Done, roots: Sequence[int], event: EventDefinition) -> Iterator[Instant]:
    for root in roots:
        at = run.get((root, event.node))
        if at is not None:
            yield at


def _roots(monitor: Monitor) -> dict[Address, list[int]]:
    found: dict[Address, list[int]] = {}
    for instance in monitor.memory.instances.values():
        for address in instance.subjects:
            own = found.setdefault(address, [])
            if instance.root not in own:
                own.append(instance.root)
    return found


def _is_open(track: Track) -> bool:
    open_ = (GoalStatus.OPEN, GoalStatus.ENDANGERED)
    return track.ended_at is None and any(
        each.status in open_ and each.deadline is not None for each in track.standings.values()
    )
