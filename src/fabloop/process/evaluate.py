"""Evaluates the expressions of a node; what fails is `Stuck`, and becomes an incident there."""

from collections.abc import Mapping

from fabloop.base.errors import Broken, Invalid
from fabloop.base.instant import Instant
from fabloop.process.commands import Variables
from fabloop.process.definition import (
    BUSINESS_KEY,
    NOWHERE,
    Definition,
    Exclusive,
    Flow,
    Inclusive,
    Node,
)
from fabloop.process.formula import Assign, Formula, Text
from fabloop.process.schedule import Dates, read_dates
from fabloop.process.trigger import Span
from fabloop.process.variables import plain_value


class Stuck(Exception):
    """A token cannot enter or leave a node; the kernel turns it into an incident."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def value_of(formula: Formula, context: Mapping[str, object], at: Instant) -> object:
    """Return the plain value of an expression; raises Stuck when it fails."""
    try:
        return plain_value(formula.expression.evaluate(context, now=at), formula.text)
    except Invalid as error:
        raise Stuck("expression", str(error)) from error
    except Broken:
        raise
    except Exception as error:  # whatever a model's expression does must only stop its own node
        text = f"Expected a value of '{formula.text}', but it failed: {error}."
        raise Stuck("expression", text) from error


def inputs_of(node: Node, context: Mapping[str, object], at: Instant) -> Variables:
    """Return the local variables that the input mappings of a node yield."""
    return assigned(node.inputs, context, at) if node.inputs else {}


def assigned(mappings: tuple[Assign, ...], context: Mapping[str, object], at: Instant) -> Variables:
    """Return what mappings yield, in order: later ones see what earlier ones made.

    A target with dots makes (or extends) a nested context.
    """
    seen = dict(context)
    made: Variables = {}
    for each in mappings:
        head, _, rest = each.target.partition(".")
        value = value_of(each.formula, seen, at)
        made[head] = _extended(seen.get(head), rest, value) if rest else value
        seen[head] = made[head]
    return made


def _extended(base: object, path: str, value: object) -> Variables:
    fields = dict(base) if isinstance(base, dict) else {}
    head, _, rest = path.partition(".")
    fields[head] = _extended(fields.get(head), rest, value) if rest else value
    return fields


def chosen_flow(
    definition: Definition,
    node: Node,
    gateway: Exclusive,
    context: Mapping[str, object],
    at: Instant,
) -> int:
    """Return the number of the flow a token takes out of an exclusive gateway.

    Raises
    ------
    Stuck
        A condition is neither true nor false, or no flow may be taken.
    """
    for number in node.outgoing:
        flow = definition.flows[number]
        if number == gateway.default:
            continue
        if _holds(flow, context, at):
            return number
    return _default(node, gateway)


def chosen_flows(
    definition: Definition,
    node: Node,
    gateway: Inclusive,
    context: Mapping[str, object],
    at: Instant,
) -> tuple[int, ...]:
    """Return the numbers of the flows tokens take out of an inclusive gateway; see `chosen_flow`.

    Every condition is evaluated, so that the order of the flows does not decide about incidents.
    """
    taken = tuple(
        number
        for number in node.outgoing
        if number != gateway.default and _holds(definition.flows[number], context, at)
    )
    return taken or (_default(node, gateway),)


def leaving_flows(
    definition: Definition, node: Node, context: Mapping[str, object], at: Instant
) -> tuple[int, ...]:
    """Return the numbers of the flows tokens take out of an activity; see `chosen_flow`.

    Those without a condition are always taken; the default one where no condition holds.
    """
    flows = [definition.flows[number] for number in node.outgoing]
    held = {
        flow.number
        for flow in flows
        if flow.condition is not None and flow.number != node.default and _holds(flow, context, at)
    }
    taken = tuple(
        flow.number
        for flow in flows
        if flow.number in held
        or (flow.number == node.default and not held)
        or (flow.number != node.default and flow.condition is None)
    )
    if not taken:
        text = f"Expected a flow out of '{node.id}' whose condition holds, but none does."
        raise Stuck("no flow", text)
    return taken


def _holds(flow: Flow, context: Mapping[str, object], at: Instant) -> bool:
    if flow.condition is None:
        return True
    return truth_of(flow.condition, context, at, f" of flow '{flow.id}'")


def truth_of(formula: Formula, context: Mapping[str, object], at: Instant, of: str = "") -> bool:
    """Return whether a condition holds; raises Stuck when it is neither true nor false."""
    holds = value_of(formula, context, at)
    if holds is True or holds is False:
        return holds
    text = (
        f"Expected condition '{formula.text}'{of} to be true or false, but found "
        f"{shown(holds)}. {reasons_of(formula, context, at)}"
    )
    raise Stuck("condition", text.strip())


def _default(node: Node, gateway: Exclusive | Inclusive) -> int:
    if gateway.default == NOWHERE:
        text = f"Expected a flow out of gateway '{node.id}' whose condition holds, but none does."
        raise Stuck("no flow", text)
    return gateway.default


def dates_of(span: Span, context: Mapping[str, object], at: Instant) -> Dates:
    """Return when a timer that is set at `at` is due; raises Stuck when its text gives no time."""
    if span.duration_ns is not None:
        return Dates(Instant(at + span.duration_ns))
    text: object = span.text
    if span.formula is not None:
        text = value_of(span.formula, context, at)
        if not isinstance(text, str):
            said = f"Expected ISO 8601 text from '{span.formula.text}', but found {shown(text)}."
            raise Stuck("timer", said)
    assert isinstance(text, str), "a span is text, or an expression that yields some"
    try:
        return read_dates(span.kind, text, at)
    except (ValueError, OverflowError) as error:
        of = span.formula.text if span.formula else text
        raise Stuck("timer", f"Timer '{of}': {error}") from error


def text_of(text: Text, context: Mapping[str, object], at: Instant) -> str:
    """Return literal or computed text; null is the empty text."""
    if text.formula is None:
        return text.literal
    value = value_of(text.formula, context, at)
    if value is None or isinstance(value, str):
        return value or ""
    message = f"Expected text from '{text.formula.text}', but found {shown(value)}."
    raise Stuck("assignment", message)


def number_of(text: Text, context: Mapping[str, object], at: Instant) -> int:
    """Return a literal or computed version, which is a whole number or its digits."""
    value = text.literal if text.formula is None else value_of(text.formula, context, at)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    of = f" from '{text.formula.text}'" if text.formula is not None else ""
    raise Stuck("version", f"Expected the number of a version{of}, but found {shown(value)}.")


def name_of(text: Text, context: Mapping[str, object], at: Instant) -> str:
    """Return the literal or computed name of a message or signal; an empty one raises Stuck."""
    found = text_of(text, context, at)
    if not found:
        of = f" from '{text.formula.text}'" if text.formula is not None else ""
        raise Stuck("name", f"Expected the name of a message or signal{of}, but found none.")
    return found


def texts_of(
    texts: tuple[Text, ...], context: Mapping[str, object], at: Instant
) -> tuple[str, ...]:
    """Return several texts; an expression may yield a list of them."""
    found: list[str] = []
    for text in texts:
        value = text.literal if text.formula is None else value_of(text.formula, context, at)
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str):
                message = f"Expected names of groups, but found {shown(each)}."
                raise Stuck("assignment", message)
            found.append(each)
    return tuple(found)


def correlation_of(formula: Formula, context: Mapping[str, object], at: Instant) -> str:
    """Return a correlation key as text: text as it is, whole numbers in digits.

    An instance without a business key waits for messages without a key.
    """
    value = value_of(formula, context, at)
    if formula.text == BUSINESS_KEY and not value:
        return ""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    message = f"Expected a key from '{formula.text}', but found {shown(value)}."
    raise Stuck("correlation", message)


def reasons_of(formula: Formula, context: Mapping[str, object], at: Instant) -> str:
    """Return why parts of an expression became null, as text."""
    _, warnings = formula.expression.evaluate_with_warnings(context, now=at)
    return " ".join(warnings)


def shown(value: object) -> str:
    """Return a value as a person reads it in a message."""
    return "null" if value is None else f"{value!r:.80}"
