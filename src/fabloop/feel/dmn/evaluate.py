"""Asks a compiled model: decisions in the order of their requirements, services, functions."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from fabloop.base.errors import Fault, NotFound
from fabloop.base.instant import Instant
from fabloop.feel.dmn.graph import Graph, Path, Task
from fabloop.feel.dmn.kinds import ANY, fitted, read_in
from fabloop.feel.dmn.limits import CALLS_MAX
from fabloop.feel.dmn.model import Decision, InputData, Knowledge, Service
from fabloop.feel.dmn.scope import Evaluation, Names
from fabloop.feel.dmn.units import Unit
from fabloop.feel.limits import exceeded
from fabloop.feel.values import Function, Value, from_feel, to_feel, weigh

_ABSENT = object()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answers.

    Attributes
    ----------
    value : as FEEL computes with it (decimals, temporal values); `plain` is for the world outside
    warnings : why parts of the model became null, each with its place
    """

    value: Value
    warnings: tuple[str, ...] = ()

    @property
    def plain(self) -> Any:
        """The value as a plain Python value: temporal values as text, numbers as int or float."""
        return from_feel(self.value)


class Model:
    """A compiled decision model, evaluated often; it keeps nothing between evaluations.

    Attributes
    ----------
    decisions, services, inputs : names that may be asked for or given; what is imported stands
        below the name of its import (``pricing.Discount``)
    decision_ids : names of the decisions of the document itself, by their ids in it
    faults : what is wrong with the model; empty unless it was read in part
    """

    def __init__(self, graph: Graph, unit: Unit, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        self._tasks = _asked(graph, unit, "")
        self._paths = {task: name for name, task in self._tasks.items()}
        self.decisions = self._named(Decision)
        self.decision_ids = {
            each.id: each.variable.name
            for each in unit.nodes.values()
            if isinstance(each, Decision) and each.id
        }
        self.services = self._named(Service)
        self.inputs = self._named(InputData)

    def _named(self, kind: type) -> tuple[str, ...]:
        return tuple(name for name, task in self._tasks.items() if isinstance(task.node, kind))

    def evaluate(
        self, decision: str, inputs: Mapping[str, object], *, now: Instant | None = None
    ) -> Outcome:
        """Return what a decision gives.

        Inputs are plain Python values by the names of the input data, those of imported models
        by their own name, below their import (``{"pricing": {"Age": 3}}``) or as
        ``pricing.Age``. Text stands for dates, times and durations where such are declared.

        Raises
        ------
        NotFound
            The model has no such decision.
        Refused
            The evaluation ran into one of the limits.
        """
        task = self._find(decision, self.decisions, "decision")
        evaluation = Evaluation(now)
        world = _World(self, evaluation, inputs)
        return _finished(lambda: world.value_of(task), evaluation)

    def evaluate_service(
        self, service: str, inputs: Mapping[str, object], *, now: Instant | None = None
    ) -> Outcome:
        """Return what a decision service gives; inputs are its input data and input decisions.

        Raises
        ------
        NotFound
            The model has no such service.
        Refused
            The evaluation ran into one of the limits.
        """
        task = self._find(service, self.services, "decision service")
        evaluation = Evaluation(now)
        world = _World(self, evaluation, inputs)

        def asked() -> Value:
            return world.serve(task, [world.given(each) for each in task.inputs])

        return _finished(asked, evaluation)

    def path_of(self, task: Task) -> str:
        """Return the name of a task as it is asked for here."""
        return self._paths.get(task, task.name)

    def _find(self, name: str, known: tuple[str, ...], kind: str) -> Task:
        if name in known:
            return self._tasks[name]
        near = get_close_matches(name, known, 3) or known[:8]
        listed = ", ".join(f"'{each}'" for each in near) or "none"
        raise NotFound(f"Expected a {kind} of the model, but found '{name}'. It has {listed}.")


def _asked(graph: Graph, unit: Unit, prefix: str) -> dict[str, Task]:
    """Return the tasks of a model by name, then those of its imports below their names."""
    space = unit.document.namespace
    found = {
        f"{prefix}{each.variable.name}": graph.tasks[space, each.id] for each in unit.nodes.values()
    }
    for name, other in unit.imports.items():
        below = prefix if name.startswith("#") else f"{prefix}{name}."
        for path, task in _asked(graph, other, below).items():
            found.setdefault(path, task)
    return found


def _finished(compute: Callable[[], Value], evaluation: Evaluation) -> Outcome:
    try:
        value = compute()
        weigh(value, evaluation.spend)
    except RecursionError:
        advice = "Use a loop, or flatter data."
        raise exceeded("calls inside one another", CALLS_MAX, advice) from None
    return Outcome(value=value, warnings=tuple(evaluation.warnings))


class _World:
    """The values known in one evaluation; a service that is called has a world of its own."""

    def __init__(self, model: Model, evaluation: Evaluation, inputs: Mapping[str, object]) -> None:
        self.model = model
        self.evaluation = evaluation
        self.inputs = inputs
        self.values: dict[Task, Value] = {}
        self.functions: dict[Task, Value] = {}

    def value_of(self, task: Task) -> Value:
        """Return the value of a decision, after all that it needs."""
        for each in task.order:
            if each not in self.values:
                self.values[each] = self.computed(each)
        return self.values[task]

    def computed(self, task: Task) -> Value:
        """Return the value of a decision or input, given those that it needs."""
        node = task.node
        if isinstance(node, InputData):
            return self.given(task)
        self.evaluation.spend(1)
        place = f"decision '{task.name}', {node.place}"
        if task.logic is None:
            self.evaluation.warn(place, "Expected logic, but the decision has none.")
            return None
        value = task.logic(self._names(task), self.evaluation)
        return fitted(value, task.kind, self.evaluation, place, "its value")

    def _names(self, task: Task) -> Names:
        names = Names()
        for path, need in task.needs:
            _put(names, path, self._known(need))
        return names

    def _known(self, task: Task) -> Value:
        match task.node:
            case Knowledge() | Service():
                if task not in self.functions:
                    self.functions[task] = self._function(task)
                return self.functions[task]
            case _:
                return self.values.get(task)

    def given(self, task: Task) -> Value:
        """Return what was handed in as an input, as its declared type takes it."""
        value = self._handed(self.model.path_of(task), task.name)
        if value is _ABSENT:
            self.evaluation.warn(f"input '{task.name}'", "Expected a value, but none was given.")
            return None
        read = read_in(to_feel(value), task.kind)
        place = f"input '{task.name}', {task.node.place}"
        return fitted(read, task.kind, self.evaluation, place, "the value")

    def _handed(self, path: str, name: str) -> object:
        for key in (path, name):
            if key in self.inputs:
                return self.inputs[key]
        found: object = self.inputs
        for part in [*path.removesuffix(name).split(".")[:-1], name]:
            if not isinstance(found, Mapping) or part not in found:
                return _ABSENT
            found = found[part]
        return found

    # -- functions --------------------------------------------------------------------------------

    def _function(self, task: Task) -> Value:
        if isinstance(task.node, Service):
            return self._service(task)
        if task.logic is None:
            self.evaluation.warn(task.node.place, "Expected logic, but the model has none.")
            return None
        logic, names = task.logic, Names()
        made = logic(names, self.evaluation)
        names[task.name] = made
        missing = list(task.needs)

        def called(*given: Value) -> Value:
            # What it needs is looked up when it is called first: models may call one another.
            while missing:
                path, need = missing.pop()
                _put(names, path, self._known(need))
            return fitted(made.body(*given), result, self.evaluation, task.node.place, "the result")

        result = task.kind.result or ANY
        return Function(made.parameters, called)

    def _service(self, task: Task) -> Value:
        def called(*given: Value) -> Value:
            pairs = zip(task.inputs, given, strict=True)
            place = f"decision service '{task.name}'"
            values = [
                fitted(value, each.kind, self.evaluation, place, f"'{each.name}'")
                for each, value in pairs
            ]
            return self.evaluation.call(lambda: self.serve(task, values))

        return Function(tuple(each.name for each in task.inputs), called)

    def serve(self, task: Task, values: list[Value]) -> Value:
        """Return what a decision service gives for the values of its inputs."""
        world = _World(self.model, self.evaluation, {})
        world.values = dict(zip(task.inputs, values, strict=True))
        for each in task.order:
            if each not in world.values:
                world.values[each] = world.computed(each)
        if len(task.outputs) == 1:
            found: Value = world.values[task.outputs[0]]
        else:
            found = {each.name: world.values[each] for each in task.outputs}
        kind = task.kind.result or ANY
        return fitted(found, kind, self.evaluation, task.node.place, "the result")


def _put(names: Names, path: Path, value: Value) -> None:
    if len(path) == 1:
        names[path[0]] = value
    else:
        names.setdefault(path[0], {})[path[1]] = value
