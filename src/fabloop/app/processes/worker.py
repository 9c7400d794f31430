"""What a worker is made of: functions that do jobs, and the words they answer with."""

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Final, TypeVar

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant

LEASE_S = 30.0
BACKOFF_S = 1.0
BACKOFF_S_MAX = 3_600.0
CONCURRENCY = 8

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

_MARK: Final = "__fabloop_tasks__"


class BusinessError(Exception):
    """Raised by a worker's function: an outcome that the model catches with a boundary event."""

    def __init__(self, code: str, message: str = "", **variables: object) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.variables: dict[str, object] = variables


class NoRetry(Exception):
    """Raised by a worker's function: trying again is of no use, a person has to look at it."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job in the hands of a function.

    Attributes
    ----------
    idempotency_key : the same at every attempt; hand it to whatever must not happen twice
    attempt : 1 at first
    retries : attempts that are left, this one among them
    held_until : when the lease ends, unless it is extended; the worker does that by itself
    lost : set when the result will not count: the job was cancelled, or went to another worker
    """

    key: int
    type: str
    instance: int
    business_key: str
    node: str
    transition: str
    headers: dict[str, str]
    variables: dict[str, object]
    attempt: int
    retries: int
    held_until: Instant
    idempotency_key: str
    lost: threading.Event


class Task(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A function and the type of the jobs it does.

    Attributes
    ----------
    backoff_s : pause after the first failed attempt; each later one takes twice as long
    result : name of the variable that gets what the function returns; empty for a dict of them
    """

    type: str
    function: Function
    lease_s: float
    backoff_s: float
    result: str

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self.function)


def worker(
    job_type: str,
    *,
    lease_s: float = LEASE_S,
    backoff_s: float = BACKOFF_S,
    result: str = "",
) -> Callable[[F], F]:
    """Mark a function as the one that does jobs of a type; it may bear several marks.

    A parameter named ``job`` gets the `Job`, every other one the variable of its name. What the
    function returns completes the job: a dict of variables, None for none, or with `result` any
    plain value. What it raises fails the job, so that it is tried again as often as the model says;
    `NoRetry` calls a person at once, and `BusinessError` goes on at the event that catches it.

    Raises
    ------
    Invalid
        The times are not positive, or there is no type.
    """
    if not job_type or lease_s <= 0 or backoff_s < 0:
        found = f"type '{job_type}', lease {lease_s} s, back-off {backoff_s} s"
        raise Invalid(_fault("@worker", "a type, a positive lease, a back-off", found))

    def mark(function: F) -> F:
        task = Task(
            type=job_type,
            function=function,
            lease_s=lease_s,
            backoff_s=backoff_s,
            result=result,
        )
        marks: tuple[Task, ...] = getattr(function, _MARK, ())
        setattr(function, _MARK, (*marks, task))
        return function

    return mark


def tasks_of(source: ModuleType | Iterable[Function]) -> tuple[Task, ...]:
    """Return the tasks of a module or of functions; one function per type.

    Raises
    ------
    Invalid
        There is none, or two functions do jobs of the same type.
    """
    members: Iterable[object] = vars(source).values() if isinstance(source, ModuleType) else source
    marked = {id(each): each for each in members}
    found = [task for each in marked.values() for task in _marks(each)]
    name = source.__name__ if isinstance(source, ModuleType) else "worker"
    if not found:
        raise Invalid(_fault(name, "a function marked with @worker(TYPE)", "none"))
    twice = sorted({each.type for each in found if sum(o.type == each.type for o in found) > 1})
    if twice:
        faults = [_fault(name, f"one function for type '{each}'", "several") for each in twice]
        raise Invalid(faults)
    return tuple(found)


def _marks(function: object) -> tuple[Task, ...]:
    try:
        marks = vars(function).get(_MARK, ())
    except TypeError:
        return ()
    return marks if isinstance(marks, tuple) else ()


def arguments_of(function: Function, job: Job) -> dict[str, object]:
    """Return what a function is called with.

    Raises
    ------
    NoRetry
        It needs a variable that the job does not have.
    """
    given: dict[str, object] = {}
    missing = []
    parameters = inspect.signature(function).parameters.values()
    for each in parameters:
        if each.name == "job":
            given["job"] = job
        elif each.kind is each.VAR_KEYWORD:
            given.update({name: v for name, v in job.variables.items() if name not in given})
        elif each.kind is each.VAR_POSITIONAL:
            continue
        elif each.name in job.variables:
            given[each.name] = job.variables[each.name]
        elif each.default is each.empty:
            missing.append(each.name)
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        raise NoRetry(f"Expected variable {names} for job type '{job.type}', but found none.")
    return given


def variables_of(task: Task, returned: object) -> dict[str, object]:
    """Return the variables that a function's result sets.

    Raises
    ------
    NoRetry
        It returned something else than a dict.
    """
    if task.result:
        return {task.result: returned}
    if returned is None:
        return {}
    if isinstance(returned, Mapping):
        return {str(name): value for name, value in returned.items()}
    raise NoRetry(
        f"Expected the function for '{task.type}' to return a dict of variables or None, but it "
        f"returned {type(returned).__name__}. Return a dict, or name it with result=NAME."
    )


def backoff_ns(task: Task, attempt: int) -> int:
    """Return how long to wait after a failed attempt."""
    pause_s = min(task.backoff_s * 2.0 ** min(attempt - 1, 32), BACKOFF_S_MAX)
    return int(pause_s * SECOND)


def _fault(source: str, expected: str, found: str) -> Fault:
    return Fault(source=source, path="", expected=expected, found=found)
