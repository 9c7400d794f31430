"""Whether what went wrong comes right by doing the same once more, or by whom else it is done."""

from collections.abc import Iterable

from fabloop.adapt.repair.placing import bound_work, danger_of, here_of
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.reality import said
from fabloop.model.service import Literal

SAID_MAX = 3
"""Conditions that are named; of more it is told how many there are."""


def missing_of(situation: Situation) -> tuple[Literal, ...]:
    """Return what the rest of the process needs and reality does not meet, each once."""
    return tuple(dict.fromkeys(each.condition for each in danger_of(situation)))


def against_again(situation: Situation) -> str:
    """Return why doing the interrupted node once more does not help; empty where it does.

    What its operation is described to bring about is what it would bring about again, whoever
    does it.
    """
    here = here_of(situation)
    work = bound_work(situation).get(here)
    effects = () if work is None else work.effects
    missing = missing_of(situation)
    left = [each for each in missing if each not in effects]
    if not left:
        return ""
    brings = said_of(effects) or "nothing of it"
    return f"'{here}' brings about {brings}, but what is missing is {said_of(left)}"


def said_of(literals: Iterable[Literal]) -> str:
    """Return statements as people read them: the first ones, and how many more there are."""
    texts = [said(each).removesuffix(" = true") for each in literals]
    more = len(texts) - SAID_MAX
    return ", ".join(texts[:SAID_MAX]) + (f" and {more} more" if more > 0 else "")
