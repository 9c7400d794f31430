"""``fabloop goal``: check goals, tell how they stand and why, and what is news about them."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from fabloop.adapt.goals.contradictions import contradictions
from fabloop.adapt.goals.kpis import name_of
from fabloop.adapt.goals.reach import earliest_in
from fabloop.adapt.goals.risk import Remaining
from fabloop.adapt.goals.tracks import Standing
from fabloop.app.demo import SETTINGS_FILE
from fabloop.app.goal_store import Watched, watched
from fabloop.app.goal_watch import standings
from fabloop.app.kept import Kept, kept_in
from fabloop.app.processes.clocks import WallClock
from fabloop.app.sentences import sentence
from fabloop.base.errors import ExitCode, Fault, Invalid, NotFound
from fabloop.base.instant import Instant, iso_of
from fabloop.base.names import did_you_mean
from fabloop.base.period import zone_of
from fabloop.cli.given import read_bytes
from fabloop.cli.processes.plain import columns, print_json, print_lines
from fabloop.model.documents.goal_text import read_goals
from fabloop.model.explanation import Explanation
from fabloop.model.facts import GoalFact
from fabloop.model.goal import GoalSet, GoalStatus
from fabloop.process.commands import Deploy
from fabloop.process.definition import Definition
from fabloop.process.engine import Engine
from fabloop.sim.processes.expected import durations_of

LOOK_AGAIN_S = 1.0
"""How long `follow` waits before it looks whether something has happened."""

_ORDER = (
    GoalStatus.VIOLATED, GoalStatus.ENDANGERED, GoalStatus.OPEN, GoalStatus.MET, GoalStatus.IDLE,
)  # fmt: skip


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """How a goal stands for one subject, or a KPI over one span."""

    goal: str
    subject: str
    key: str
    status: GoalStatus
    since: str
    risk: float
    deadline: str | None
    expected: str | None
    because: Explanation | None
    text: str


def print_check(file: Path, processes: Sequence[Path], *, as_json: bool) -> ExitCode:
    """Print what contradicts itself in goals, and beside models of processes."""
    goals = read_goals(file.name, read_bytes(file))
    definitions: list[Definition] = []
    durations: dict[str, Remaining] = {}
    for path in processes:
        engine = Engine()
        engine.handle(Deploy(process=read_bytes(path)), at=Instant(0))
        for key in engine.definitions():
            definitions.append(engine.definition(key.id, key.version))
            durations.update(durations_of(definitions[-1], certain=True))
    found = contradictions(goals, earliest_in(definitions, goals, durations))
    texts = [sentence(each, Instant(0)) for each in found]
    if as_json:
        told = [
            {"text": text, **msgspec.to_builtins(each)}
            for text, each in zip(texts, found, strict=True)
        ]
        print_json({"goals": len(goals.goals), "kpis": len(goals.kpis), "contradictions": told})
    else:
        counts = (
            f"Goals: {len(goals.goals)}. KPIs: {len(goals.kpis)}. Contradictions: {len(found)}."
        )
        print_lines([*texts, counts])
    return ExitCode.NOT_PRODUCIBLE if found else ExitCode.FINE


def print_status(
    folder: Path, goals: Path | None, at: Instant | None, *, as_json: bool
) -> ExitCode:
    """Print how goals stand, the worst first."""
    now, found = _rows(folder, goals, at)
    found = sorted(found, key=lambda row: (_ORDER.index(row.status), row.goal, row.key))
    if as_json:
        print_json({"at": iso_of(now), "goals": found})
    else:
        heads = ("goal", "for", "status", "risk", "deadline", "expected")
        rows = [
            (
                each.goal,
                f"{each.subject} {each.key}",
                each.status.value,
                f"{each.risk:.0%}",
                each.deadline or "-",
                each.expected or "-",
            )
            for each in found
        ]
        print_lines([f"At {iso_of(now)}", *(columns(heads, rows) if rows else ["Nothing yet."])])
    return _code(found)


def print_explanation(
    folder: Path,
    name: str,
    key: str,
    goals: Path | None,
    at: Instant | None,
    *,
    as_json: bool,
) -> ExitCode:
    """Print why a goal stands as it does."""
    _, rows = _rows(folder, goals, at)
    known = [row for row in rows if row.goal == name]
    if not known:
        hint = did_you_mean(name, (row.goal for row in rows))
        raise NotFound(f"Expected a goal that is watched, but found '{name}'. {hint}")
    found = next((row for row in known if row.key == key), None)
    if found is None:
        hint = did_you_mean(key, (row.key for row in known))
        raise NotFound(f"Expected a key that goal '{name}' knows, but found '{key}'. {hint}")
    if as_json:
        print_json(found)
    else:
        print_lines([f"{name} for {found.subject} {key} is {found.status} since {found.since}."])
        print_lines([found.text] if found.text else [])
    return _code([found])


def follow(folder: Path, goals: Path | None, *, once: bool, as_json: bool) -> ExitCode:
    """Print facts about goals as they become known."""
    if _is_story(folder):
        kept = kept_in(folder)
        facts = [fact for _, fact in kept.history if isinstance(fact, GoalFact)]
        _tell(facts, as_json=as_json)
        while not once:
            time.sleep(LOOK_AGAIN_S)
            news = [fact for _, fact in kept.catch_up() if isinstance(fact, GoalFact)]
            _tell(news, as_json=as_json)
        return ExitCode.FINE
    following = watched(folder, _goals_given(goals))
    _tell(following.catch_up(), as_json=as_json)
    while not once:
        time.sleep(LOOK_AGAIN_S)
        _tell(following.catch_up(WallClock().now()), as_json=as_json)
    return ExitCode.FINE


def _tell(facts: Iterable[GoalFact], *, as_json: bool) -> None:
    for fact in facts:
        if as_json:
            sys.stdout.write(msgspec.json.encode(fact).decode() + "\n")
        else:
            print_lines([f"{iso_of(fact.at)}  {sentence(fact.because, fact.at)}"])
    sys.stdout.flush()


def _rows(folder: Path, goals: Path | None, at: Instant | None) -> tuple[Instant, list[Row]]:
    if _is_story(folder):
        kept = kept_in(folder, at)
        return kept.snapshot.now, list(_of_story(kept))
    following = watched(folder, _goals_given(goals))
    following.catch_up(at)
    now = following.monitor.memory.now
    return now, list(_of_store(following))


def _is_story(folder: Path) -> bool:
    if not folder.is_dir():
        raise Invalid(
            Fault(
                source=str(folder),
                path="",
                expected="a folder with a story or a process store",
                found="a file" if folder.exists() else "nothing",
            )
        )
    return (folder / SETTINGS_FILE).is_file()


def _goals_given(goals: Path | None) -> GoalSet:
    if goals is None:
        raise Invalid(
            Fault(
                source="--goals",
                path="",
                expected="a file of goals for a process store",
                found="none",
                hint="Name one with --goals FILE.",
            )
        )
    return read_goals(goals.name, read_bytes(goals))


def _of_story(kept: Kept) -> Iterator[Row]:
    for state in kept.snapshot.orders.values():
        for goal, standing in standings(state, kept.snapshot):
            yield _row(goal.id, "order", state.order.id, standing, kept.snapshot.now)


def _of_store(following: Watched) -> Iterator[Row]:
    monitor = following.monitor
    memory, zone = monitor.memory, zone_of(monitor.book.goals.time_zone)
    for track in memory.tracks.values():
        for name, standing in track.standings.items():
            yield _row(name, track.subject, track.key, standing, memory.now)
    for name, buckets in memory.buckets.items():
        over = monitor.book.goals.kpis[name].over
        for bucket in buckets.values():
            key = name_of(bucket.start, over, zone)
            yield _row(name, over.value, key, bucket.standing, memory.now)


def _row(goal: str, subject: str, key: str, standing: Standing, now: Instant) -> Row:
    because = standing.because
    return Row(
        goal=goal,
        subject=subject,
        key=key,
        status=standing.status,
        since=iso_of(standing.since),
        risk=standing.risk,
        deadline=None if standing.deadline is None else iso_of(standing.deadline),
        expected=None if standing.expected is None else iso_of(standing.expected),
        because=because,
        text="" if because is None else sentence(because, now),
    )


def _code(rows: Iterable[Row]) -> ExitCode:
    bad = (GoalStatus.VIOLATED, GoalStatus.ENDANGERED)
    return ExitCode.NOT_PRODUCIBLE if any(row.status in bad for row in rows) else ExitCode.FINE
