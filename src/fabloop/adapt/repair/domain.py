"""What can be done about a deviation: things by kind, and actions read from services."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from fabloop.adapt.repair.reality import VARIABLE, bind, is_number, said, variables_in
from fabloop.base.errors import Fault, Invalid
from fabloop.model.service import Literal, Relation, ServiceDescription, ServiceOperation

ACTIONS_MAX = 1_000
THINGS_MAX = 10_000
PARAMETERS_MAX = 8
"""Variables of one action: each multiplies the ways to carry it out."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something statements are made of: a batch, an oven, a cart.

    `also` are further kinds it is of. Two actions never name an `exclusive` thing at a time.
    """

    name: str
    kind: str
    also: tuple[str, ...] = ()
    exclusive: bool = False

    def is_a(self, kind: str) -> bool:
        """Tell whether it is of a kind; everything is of the kind without a name."""
        return not kind or kind == self.kind or kind in self.also


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter that statements mention: its name with the ``?``, and the kind of thing."""

    name: str
    kind: str = ""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be done, once its variables are bound.

    Attributes
    ----------
    name : unique in its domain
    service : who offers it; empty for a person
    job_type : of the task that carries it out; empty makes it a task of `group`'s people
    cost_minor, duration_ns : None is unknown: priced as the dearest and slowest that is known
    compensation : name of the action that takes it back
    """

    name: str
    title: str = ""
    service: str = ""
    job_type: str = ""
    group: str = ""
    headers: dict[str, str] = {}
    parameters: tuple[Variable, ...] = ()
    requires: tuple[Literal, ...] = ()
    effects: tuple[Literal, ...] = ()
    cost_minor: int | None = 0
    currency: str = "EUR"
    duration_ns: int | None = 0
    compensation: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An action with what it is done to: names of things by variable (with the ``?``)."""

    action: str
    values: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the one it is."""
        return (self.action, *(f"{name}={value}" for name, value in sorted(self.values.items())))


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """Things and actions; `never` are ground statements that must not come true on the way."""

    things: tuple[Thing, ...]
    actions: tuple[Action, ...]
    never: tuple[Literal, ...] = ()

    def action(self, name: str) -> Action:
        """Return the action of that name."""
        return next(each for each in self.actions if each.name == name)


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """An action as a step carries it out.

    `throughout` holds from its start to its end: what it requires and does not change itself.
    """

    step: Step
    action: Action
    requires: tuple[Literal, ...]
    effects: tuple[Literal, ...]
    throughout: tuple[Literal, ...]
    exclusive: frozenset[str]
    cost_minor: int
    duration_ns: int


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What stands for an unknown cost or duration."""

    cost_minor: int
    duration_ns: int


def prices_of(domain: Domain) -> Prices:
    """Return the dearest cost and the longest duration that are known."""
    return Prices(
        cost_minor=max((each.cost_minor or 0 for each in domain.actions), default=0),
        duration_ns=max((each.duration_ns or 0 for each in domain.actions), default=0),
    )


def bound(step: Step, action: Action, exclusive: Iterable[str], prices: Prices) -> Bound:
    """Return an action with its variables replaced; `exclusive` names those things."""
    requires = tuple(bind(each, step.values) for each in action.requires)
    effects = tuple(bind(each, step.values) for each in action.effects)
    changed = {(each.fluent, each.arguments) for each in effects}
    return Bound(
        step=step,
        action=action,
        requires=requires,
        effects=effects,
        throughout=tuple(e for e in requires if (e.fluent, e.arguments) not in changed),
        exclusive=frozenset(exclusive) & frozenset(step.values.values()),
        cost_minor=prices.cost_minor if action.cost_minor is None else action.cost_minor,
        duration_ns=prices.duration_ns if action.duration_ns is None else action.duration_ns,
    )


class Binder:
    """Binds steps of one domain."""

    def __init__(self, domain: Domain) -> None:
        self.actions: Mapping[str, Action] = {each.name: each for each in domain.actions}
        self.exclusive = frozenset(each.name for each in domain.things if each.exclusive)
        self.prices = prices_of(domain)

    def __call__(self, step: Step) -> Bound:
        """Return the step with its action bound."""
        return bound(step, self.actions[step.action], self.exclusive, self.prices)


# -- from services ------------------------------------------------------------------------------


def actions_of(
    services: Iterable[ServiceDescription], job_type: str = "{service}.{operation}"
) -> tuple[Action, ...]:
    """Return what services can do that has an effect on the shop floor.

    An operation without effects changes nothing, so no repair needs it. The kind of a variable is
    the concept of the input with its name.
    """
    return tuple(
        action_of(service, operation, job_type)
        for service in services
        for operation in service.operations
        if operation.effects
    )


def action_of(service: ServiceDescription, operation: ServiceOperation, job_type: str) -> Action:
    """Return an operation as an action; `job_type` may name ``{service}`` and ``{operation}``."""
    kinds = {VARIABLE + each.name: each.concept for each in operation.inputs}
    names = variables_in((*operation.requires, *operation.effects))
    return Action(
        name=action_name(service.id, operation.name),
        title=operation.summary.strip().rstrip("."),
        service=service.id,
        job_type=job_type.format(service=service.id, operation=operation.name),
        headers={"service": service.id, "operation": operation.name},
        parameters=tuple(Variable(name=each, kind=kinds.get(each, "")) for each in names),
        requires=operation.requires,
        effects=operation.effects,
        cost_minor=operation.cost_minor,
        currency=operation.currency,
        duration_ns=operation.duration_ns,
        compensation=(
            action_name(service.id, operation.compensation) if operation.compensation else ""
        ),
    )


def action_name(service: str, operation: str) -> str:
    """Return how the action of a service's operation is called."""
    return f"{service}.{operation}"


# -- faults -------------------------------------------------------------------------------------


def checked(domain: Domain) -> Domain:
    """Return a domain that can be planned with; raises Invalid with every fault."""
    faults = domain_faults(domain)
    if faults:
        raise Invalid(faults)
    return domain


def domain_faults(domain: Domain) -> list[Fault]:
    """Return everything that is wrong with a domain."""
    faults = _names(domain)
    for action in domain.actions:
        faults += _action_faults(action)
    for each in domain.never:
        if not isinstance(each.value, bool) or each.relation is not Relation.IS:
            faults.append(_fault("never", "statements that are true or false", f"'{said(each)}'"))
    return faults


def _names(domain: Domain) -> list[Fault]:
    faults = []
    for what, names, most in (
        ("action", [each.name for each in domain.actions], ACTIONS_MAX),
        ("thing", [each.name for each in domain.things], THINGS_MAX),
    ):
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        faults += [_fault(name, f"one {what} of that name", "several") for name in twice]
        if len(names) > most:
            faults.append(_fault(f"{what}s", f"at most {most}", str(len(names))))
    return faults


def _action_faults(action: Action) -> list[Fault]:
    faults = []
    stated = {each.name for each in action.parameters}
    if len(stated) > PARAMETERS_MAX:
        expected = f"at most {PARAMETERS_MAX} variables"
        faults.append(_fault(action.name, expected, str(len(stated))))
    missing = [n for n in variables_in((*action.requires, *action.effects)) if n not in stated]
    faults += [_fault(action.name, f"a parameter for {name}", "none") for name in missing]
    for each in action.requires:
        if each.relation in (Relation.MORE, Relation.LESS):
            faults.append(_fault(action.name, "a condition", f"the change '{said(each)}'"))
        elif each.relation is not Relation.IS and not is_number(each.value):
            faults.append(_fault(action.name, "a number to compare with", f"'{each.value}'"))
    for each in action.effects:
        if each.relation in (Relation.AT_LEAST, Relation.AT_MOST):
            faults.append(_fault(action.name, "an effect", f"the condition '{said(each)}'"))
        elif each.relation is not Relation.IS and not is_number(each.value):
            faults.append(_fault(action.name, "a number to count by", f"'{each.value}'"))
    negative = (action.cost_minor or 0) < 0 or (action.duration_ns or 0) < 0
    if negative:
        faults.append(_fault(action.name, "cost and duration of at least 0", "less"))
    return faults


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="repair domain", path=f"'{path}'", expected=expected, found=found)
