"""Compiles how often an activity is carried out: multi-instance and standard loops."""

import re

from fabloop.process.bpmn import model
from fabloop.process.bpmn.compile_expressions import Expressions
from fabloop.process.definition import COUNTER, Again, Rounds
from fabloop.process.formula import Formula

_PATH = re.compile(r"([^\W\d]\w*)(\.[^\W\d]\w*)*$")


_NO_NAMES = ("true", "false", "null", COUNTER)


def kept(node: model.Activity, loop: model.Loop, expressions: Expressions) -> tuple[str, ...]:
    """Return the inputs of an activity that the expressions of its loop read after a round."""
    texts = (
        (loop.condition,)
        if isinstance(loop, model.StandardLoop)
        else (loop.output_element, loop.completion_condition)
    )
    read = {
        name
        for text in texts
        if text
        for name in expressions.formula(node.id, text).expression.variables
    }
    heads = dict.fromkeys(each.target.partition(".")[0] for each in node.inputs)
    return tuple(name for name in heads if name in read)


def repeated(
    node: model.Activity, loop: model.Loop, scope: int, expressions: Expressions
) -> Rounds | Again:
    """Return what lets the rounds in `scope` begin and end."""

    def formula(text: str) -> Formula | None:
        return expressions.formula(node.id, text) if text else None

    match loop:
        case model.MultiInstance():
            own = dict.fromkeys(kept(node, loop, expressions))
            named = _PATH.match(loop.output_element)
            if named and named[1] not in _NO_NAMES:
                own[named[1]] = None
            return Rounds(
                scope=scope,
                sequential=loop.sequential,
                collection=formula(loop.collection),
                cardinality=formula(loop.cardinality),
                element=loop.element,
                output=loop.output_collection,
                yields=formula(loop.output_element),
                own=tuple(own),
                until=formula(loop.completion_condition),
            )
        case model.StandardLoop():
            return Again(
                scope=scope,
                condition=formula(loop.condition),
                before=loop.before,
                maximum=formula(loop.maximum),
                own=kept(node, loop, expressions),
            )
