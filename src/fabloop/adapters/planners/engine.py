"""Asks a planning engine in a process of its own, with a time limit that is kept."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from fabloop.adapt.repair.course import Course
from fabloop.adapt.repair.domain import Binder, Domain
from fabloop.adapt.repair.ground import CHEAP, Wish, ground
from fabloop.adapt.repair.planner import Planned, course_from
from fabloop.adapt.repair.reality import Reality
from fabloop.adapt.repair.task import counted
from fabloop.adapters.planners.export import PlainAnswer, PlainLine, PlainTask, exported
from fabloop.base.codec import from_json, to_json
from fabloop.base.errors import Unavailable
from fabloop.model.service import Literal

PYTHON_VARIABLE = "FABLOOP_PLANNERS"
"""The environment variable that names the Python of the environment with the engines."""

ENGINES = ("aries", "kairos")
"""Those with permissive licences; others are installed, and used, at the user's own choice."""

GRACE_S = 3.0
"""What starting and stopping may take on top of the time for planning."""

ANSWER_BYTES_MAX = 4 * 1024 * 1024

_WORKER = Path(__file__).with_name("worker.py")


class External(msgspec.Struct, frozen=True, kw_only=True):
    """An engine by its name in unified-planning, and the Python of the environment it is in."""

    engine: str
    python: str


def found_in_environment(engine: str) -> External | None:
    """Return an engine in the environment that `PYTHON_VARIABLE` names; None where there is none.

    Whether the engine is installed there shows when it is asked.
    """
    python = os.environ.get(PYTHON_VARIABLE, "")
    if not python or not Path(python).is_file():
        return None
    return External(engine=engine, python=python)


def plan_externally(
    external: External,
    domain: Domain,
    initial: Reality,
    goal: Sequence[Literal],
    seconds: float,
    *,
    wish: Wish = CHEAP,
    steps_looked_at: int = 1_000_000,
) -> Planned:
    """Return the plans of another engine that hold when we try them out, the last one first.

    Raises
    ------
    Invalid
        The engine cannot be asked such a task.
    Unavailable
        It did not start, crashed, or did not answer in time; its processes are gone.
    """
    task = ground(domain, initial, goal, wish, counted(steps_looked_at))
    answer = ask(external, exported(task, external.engine, seconds))
    binder = Binder(domain)
    courses: dict[object, Course] = {}
    rejected = 0
    for numbers in reversed(answer.plans):
        steps = [task.operators[number].step for number in numbers]
        course = course_from(domain, binder, steps, initial, goal)
        if course is None:
            rejected += 1
        else:
            courses.setdefault(course.key, course)
    reason = "" if courses else _why(external, answer, rejected)
    return Planned(
        courses=tuple(courses.values()),
        proven=answer.proven and task.whole,
        reason=reason,
        rejected=rejected,
    )


def _why(external: External, answer: PlainAnswer, rejected: int) -> str:
    if rejected:
        return f"every plan of {external.engine} failed when it was tried out"
    if answer.proven:
        return "no sequence of actions reaches the goal"
    return f"{external.engine} found no plan within its time"


def ask(external: External, task: PlainTask) -> PlainAnswer:
    """Return what the engine says until its time is over; nothing of it is left running."""
    process = _started(external)
    late = False
    try:
        out, _ = process.communicate(to_json(task), timeout=task.seconds + GRACE_S)
    except subprocess.TimeoutExpired:
        late = True
        _kill(process)
        out, _ = process.communicate()
    finally:
        _kill(process)
    lines = [_line(external, each) for each in out[:ANSWER_BYTES_MAX].splitlines()]
    plans = tuple(each.plan for each in lines if each.plan is not None)
    error = next((each.error for each in lines if each.error), "")
    if any(not 0 <= n < len(task.actions) for each in plans for n in each):
        raise _failed(external, "a plan with an action that was never given")
    if late and not plans:
        raise Unavailable(
            f"Expected planner '{external.engine}' to answer within {task.seconds:g} s, but it "
            "did not. It was stopped; allow it more time or use the built-in planner."
        )
    if not plans and (error or not lines):
        raise _failed(external, error or f"exit code {process.returncode}, no answer")
    return PlainAnswer(plans=plans, proven=bool(lines) and lines[-1].proven)


def _line(external: External, text: bytes) -> PlainLine:
    try:
        return from_json(text, PlainLine)
    except msgspec.DecodeError as error:
        raise _failed(external, f"no answer, but {text[:40]!r}") from error


def _started(external: External) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603  # the user's own Python, no shell
            [external.python, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise _failed(external, str(error)) from error


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End the engine with whatever it has started: its group is its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _failed(external: External, found: str) -> Unavailable:
    return Unavailable(
        f"Expected planner '{external.engine}' to answer, but found {found}. "
        f"Look at the environment of '{external.python}'."
    )
