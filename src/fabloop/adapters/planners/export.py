"""A task in the plain form that the other environment reads, and its answers back."""

import msgspec

from fabloop.adapt.repair.task import Task
from fabloop.base.errors import Fault, Invalid

OPERATORS_MAX = 20_000
"""Ground actions that are handed to another engine."""


class PlainAction(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator needs, brings about and destroys, by numbers of propositions."""

    needs: tuple[int, ...]
    adds: tuple[int, ...]
    deletes: tuple[int, ...]
    price: int


class PlainTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task with truths only; `holds` are those of the beginning, `seconds` is for the engine."""

    engine: str
    seconds: float
    propositions: int
    holds: tuple[int, ...]
    goals: tuple[int, ...]
    actions: tuple[PlainAction, ...]


class PlainLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an answer: a plan as numbers of operators, a proof at the end, or an error."""

    plan: tuple[int, ...] | None = None
    proven: bool = False
    error: str = ""


class PlainAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Plans, each better than the one before; `proven` if the last, or that there is none, is."""

    plans: tuple[tuple[int, ...], ...] = ()
    proven: bool = False


def exported(task: Task, engine: str, seconds: float) -> PlainTask:
    """Return a task as truths.

    Raises
    ------
    Invalid
        It counts numbers, or it is too large.
    """
    if task.comparisons:
        raise Invalid(_fault(engine, "a task of truths", "numbers that are counted"))
    if len(task.operators) > OPERATORS_MAX:
        found = str(len(task.operators))
        raise Invalid(_fault(engine, f"at most {OPERATORS_MAX} ground actions", found))
    return PlainTask(
        engine=engine,
        seconds=seconds,
        propositions=len(task.propositions),
        holds=_ones(task.initial[0]),
        goals=task.goals,
        actions=tuple(
            PlainAction(
                needs=each.needs, adds=each.adds, deletes=_ones(each.lost), price=each.price
            )
            for each in task.operators
        ),
    )


def _ones(mask: int) -> tuple[int, ...]:
    return tuple(bit for bit in range(mask.bit_length()) if mask >> bit & 1)


def _fault(engine: str, expected: str, found: str) -> Fault:
    hint = "Use the built-in planner."
    return Fault(source=f"planner {engine}", path="task", expected=expected, found=found, hint=hint)
