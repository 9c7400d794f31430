"""Composes services: from a goal to a chain of calls by what goes in and what comes out."""

from fabloop.services.composition.answers import Answer, Question, answer_to, remembered
from fabloop.services.composition.carry_out import Done, Stopped, carry_out
from fabloop.services.composition.compose import Composed, Goal, compose, feeders, key_of
from fabloop.services.composition.plan import Call, Composition, DataNeed, Step

__all__ = [
    "Answer",
    "Call",
    "Composed",
    "Composition",
    "DataNeed",
    "Done",
    "Goal",
    "Question",
    "Step",
    "Stopped",
    "answer_to",
    "carry_out",
    "compose",
    "feeders",
    "key_of",
    "remembered",
]
