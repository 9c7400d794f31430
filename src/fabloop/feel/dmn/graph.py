"""The requirements graph, compiled: each node with its logic and what must be known before."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import assert_never

from fabloop.base.errors import Invalid
from fabloop.feel.dmn.kinds import Kind
from fabloop.feel.dmn.logic import Compiler
from fabloop.feel.dmn.model import Decision, InputData, Knowledge, Node, Service
from fabloop.feel.dmn.scope import Logic
from fabloop.feel.dmn.units import Key, Unit, components_of
from fabloop.feel.dmn.words import Lexicon
from fabloop.feel.library import BUILTINS

Path = tuple[str, ...]
"""How a node is known in another: its name, or the import's name and its name."""


class Task:
    """A node that can be evaluated."""

    __slots__ = ("inputs", "key", "kind", "logic", "name", "needs", "node", "order", "outputs")

    def __init__(self, key: Key, node: Node, kind: Kind) -> None:
        self.key = key
        self.node = node
        self.name = node.variable.name
        self.kind = kind
        self.logic: Logic | None = None
        self.needs: list[tuple[Path, Task]] = []
        self.inputs: list[Task] = []
        """The parameters of a service."""
        self.outputs: list[Task] = []
        """The output decisions of a service."""
        self.order: tuple[Task, ...] = ()
        """What is computed for it, itself included, each after what it needs."""


class Graph:
    """All tasks of a model and its imports."""

    def __init__(self, units: list[Unit]) -> None:
        self.tasks: dict[Key, Task] = {}
        for unit in units:
            for node in unit.document.nodes:
                kind = unit.registry.kind(node.variable.type, node.variable.place)
                key = (unit.document.namespace, node.id)
                self.tasks[key] = Task(key, node, kind)
        for unit in units:
            self._link(unit)
        self._check_circles(units[-1])
        for unit in units:
            self._compile(unit)
        for task in self.tasks.values():
            if isinstance(task.node, Decision):
                task.order = _order((task,), ())
            elif isinstance(task.node, Service):
                task.order = _order(task.outputs, task.inputs)

    # -- references -------------------------------------------------------------------------------

    def _link(self, unit: Unit) -> None:
        for node in unit.document.nodes:
            task = self.tasks[unit.document.namespace, node.id]
            match node:
                case InputData():
                    pass
                case Decision() | Knowledge():
                    task.needs = [
                        (_path(known, found.name), found)
                        for known, found in self._found(unit, node, node.needs)
                    ]
                case Service():
                    task.inputs = self._parts(unit, node, node.inputs, (InputData, Decision))
                    task.outputs = self._parts(unit, node, node.outputs, (Decision,))
                    self._parts(unit, node, node.encapsulated, (Decision,))
                case _:
                    assert_never(node)

    def _parts(
        self, unit: Unit, node: Node, references: tuple[str, ...], kinds: tuple[type, ...]
    ) -> list[Task]:
        found = [task for _, task in self._found(unit, node, references)]
        for task in found:
            if not isinstance(task.node, kinds):
                expected = " or ".join(kind.__name__ for kind in kinds)
                unit.faults.note(node.place, f"a reference to {expected}", f"'{task.name}'")
        return [task for task in found if isinstance(task.node, kinds)]

    def _found(self, unit: Unit, node: Node, references: tuple[str, ...]) -> list[tuple[str, Task]]:
        out = []
        for reference in references:
            found = unit.find(reference)
            if found is None:
                hint = "Correct the reference, or import the model."
                unit.faults.note(node.place, "a reference to an element", f"'{reference}'", hint)
                continue
            known, other, target = found
            out.append((known, self.tasks[other.document.namespace, target.id]))
        return out

    def _check_circles(self, unit: Unit) -> None:
        """Refuse decisions that need one another; knowledge models may call one another."""
        before = {
            task: [need for _, need in task.needs if isinstance(need.node, Decision)]
            for task in self.tasks.values()
            if isinstance(task.node, Decision)
        }
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            names = " -> ".join(f"'{task.name}'" for task in error.args[1])
            place = error.args[1][0].node.place
            raise Invalid(unit.faults.note(place, "requirements without a circle", names)) from None

    # -- logic ------------------------------------------------------------------------------------

    def _compile(self, unit: Unit) -> None:
        compiler = Compiler(unit.registry.kind, unit.faults)
        members = components_of(unit.document.types)
        for other in unit.imports.values():
            members |= components_of(other.document.types)
            members |= {each.variable.name for each in other.document.nodes}
        for node in unit.document.nodes:
            task = self.tasks[unit.document.namespace, node.id]
            names = {path[0] for path, _ in task.needs}
            match node:
                case Decision():
                    words = Lexicon(frozenset(names), members, unit.registry.types)
                    task.logic = None if node.logic is None else compiler.logic(node.logic, words)
                case Knowledge():
                    _check_name(node, unit)
                    words = Lexicon(frozenset({*names, task.name}), members, unit.registry.types)
                    if node.function is not None:
                        task.logic = compiler.function(node.function, words)
                case Service():
                    _check_name(node, unit)
                case InputData():
                    pass
                case _:
                    assert_never(node)


def _check_name(node: Knowledge | Service, unit: Unit) -> None:
    if node.variable.name in BUILTINS:
        expected = "a name that no built-in function has"
        unit.faults.note(node.place, expected, f"'{node.variable.name}'", "Rename it.")


def _path(known: str, name: str) -> Path:
    return (name,) if not known or known.startswith("#") else (known, name)


def _order(targets: Iterable[Task], given: Iterable[Task]) -> tuple[Task, ...]:
    """Return what must be computed for some tasks, each after what it needs."""
    done = dict.fromkeys(given)
    out: list[Task] = []
    stack = [(task, False) for task in reversed(list(targets))]
    while stack:
        task, ready = stack.pop()
        if ready:
            if task not in done:
                done[task] = None
                out.append(task)
        elif task not in done and isinstance(task.node, Decision | InputData):
            stack.append((task, True))
            stack.extend((need, False) for _, need in reversed(task.needs))
    return tuple(out)
