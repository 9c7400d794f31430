"""Boxed expressions to closures: compiled once, evaluated often."""

from collections.abc import Callable
from typing import assert_never

from fabloop.base.errors import Fault
from fabloop.feel.access import every as all_of
from fabloop.feel.access import invoke, items_of, select, truth
from fabloop.feel.access import partial as so_far
from fabloop.feel.access import some as any_of
from fabloop.feel.dmn.kinds import ANY, Faults, Kind, fitted
from fabloop.feel.dmn.model import (
    Conditional,
    Context,
    Expression,
    Filter,
    FunctionOf,
    Invocation,
    ListOf,
    Literal,
    Loop,
    Relation,
    Table,
    Variable,
)
from fabloop.feel.dmn.scope import Evaluation, Logic, Names, Scope
from fabloop.feel.dmn.table import table_logic
from fabloop.feel.dmn.words import Lexicon, expression_code
from fabloop.feel.library import BUILTINS, call_builtin
from fabloop.feel.limits import LIST_LENGTH_MAX
from fabloop.feel.values import Function, Value, described

Kinds = Callable[[str, str], Kind]
"""Returns the type of a name; the place is for the fault that it is unknown."""

ROUND_STEPS = 4
"""What one round of a boxed loop or filter costs."""


def broken(fault: Fault) -> Logic:
    """Return what stands for a part that is at fault: null, with the fault as the reason."""

    def run(_: Names, evaluation: Evaluation) -> Value:
        evaluation.warn(fault.path, f"Expected {fault.expected}, but found {fault.found}.")

    return run


class Compiler:
    """Compiles the boxed expressions of one model."""

    def __init__(self, kinds: Kinds, faults: Faults) -> None:
        self.kinds = kinds
        self.faults = faults

    def logic(self, boxed: Expression, words: Lexicon) -> Logic:
        """Return the compiled form of an expression, whose value takes its declared type."""
        if isinstance(boxed, FunctionOf):  # its type is that of its result
            return self.function(boxed, words)
        return self._typed(self._untyped(boxed, words), boxed.type, boxed.place, "the value")

    def _typed(self, inner: Logic, wanted: str, place: str, what: str) -> Logic:
        kind = self.kinds(wanted, place)
        if kind is ANY:
            return inner
        return lambda names, evaluation: fitted(
            inner(names, evaluation), kind, evaluation, place, what
        )

    def _variable(self, inner: Logic, variable: Variable) -> Logic:
        what = f"'{variable.name}'" if variable.name else "the result"
        return self._typed(inner, variable.type, variable.place, what)

    def _untyped(self, boxed: Expression, words: Lexicon) -> Logic:
        match boxed:
            case Literal():
                return self.literal(boxed, words)
            case Context():
                return self._context(boxed, words)
            case ListOf():
                parts = tuple(self.logic(each, words) for each in boxed.items)
                return lambda names, evaluation: [part(names, evaluation) for part in parts]
            case Relation():
                return self._relation(boxed, words)
            case Invocation():
                return self._invocation(boxed, words)
            case FunctionOf():
                return self.function(boxed, words)
            case Table():
                return table_logic(boxed, words, self.kinds, self.faults)
            case _:
                return self._form(boxed, words)

    def _form(self, boxed: Conditional | Filter | Loop, words: Lexicon) -> Logic:
        match boxed:
            case Conditional():
                return self._conditional(boxed, words)
            case Filter():
                return self._filter(boxed, words)
            case Loop():
                return self._loop(boxed, words)
        assert_never(boxed)

    def literal(self, boxed: Literal, words: Lexicon) -> Logic:
        """Return the compiled form of a FEEL text; an empty one is null."""
        text, place = boxed.text, boxed.place
        if not text:
            return lambda _, evaluation: evaluation.warn(
                place, "Expected an expression, but found none."
            )
        code = expression_code(text, words, place, self.faults)
        if isinstance(code, Fault):
            return broken(code)
        return lambda names, evaluation: code(names, Scope(evaluation, names, text, place))

    def _context(self, boxed: Context, words: Lexicon) -> Logic:
        parts: list[tuple[str, Logic]] = []
        for entry in boxed.entries:
            name = entry.variable.name
            # A function may call itself, so it knows its own name.
            inside = words.with_names((name,)) if isinstance(entry.value, FunctionOf) else words
            logic = self._variable(self.logic(entry.value, inside), entry.variable)
            parts.append((name, logic))
            if name:
                words = words.with_names((name,))

        def run(names: Names, evaluation: Evaluation) -> Value:
            inner, found = Names(names), {}
            for name, part in parts:
                value = part(inner, evaluation)
                if not name:
                    return value
                inner[name] = found[name] = value
            return found

        return run

    def _relation(self, boxed: Relation, words: Lexicon) -> Logic:
        rows = [
            [
                (column.name, self._variable(self.logic(cell, words), column))
                for column, cell in zip(boxed.columns, row, strict=False)
            ]
            for row in boxed.rows
        ]

        def run(names: Names, evaluation: Evaluation) -> Value:
            return [{name: cell(names, evaluation) for name, cell in row} for row in rows]

        return run

    def _invocation(self, boxed: Invocation, words: Lexicon) -> Logic:
        arguments = tuple(
            self._variable(self.logic(each.value, words), each.variable) for each in boxed.bindings
        )
        given = tuple(each.variable.name for each in boxed.bindings)
        place = boxed.place
        callee, text = boxed.callee, ""
        if isinstance(callee, Literal):
            text = " ".join(callee.text.split())
        if text in BUILTINS and text not in words.names:

            def run_builtin(names: Names, evaluation: Evaluation) -> Value:
                values = tuple(part(names, evaluation) for part in arguments)
                run = Scope(evaluation, names, text, place)
                return call_builtin(run, text, values, given, 0)

            return run_builtin
        function = self.logic(callee, words)

        def run(names: Names, evaluation: Evaluation) -> Value:
            values = tuple(part(names, evaluation) for part in arguments)
            called = function(names, evaluation)
            return invoke(Scope(evaluation, names, text, place), called, values, given, 0)

        return run

    def function(self, boxed: FunctionOf, words: Lexicon) -> Logic:
        """Return the logic that makes a function, which sees the scope it is made in."""
        parameters = tuple(each.name for each in boxed.parameters)
        inner = words.with_names(parameters)
        body = self._typed(
            self.logic(boxed.body, inner), boxed.type, boxed.place, "the result of the function"
        )
        wanted = tuple(
            (each.name, self.kinds(each.type, each.place), each.place) for each in boxed.parameters
        )

        def run(names: Names, evaluation: Evaluation) -> Value:
            def called(*given: Value) -> Value:
                inside = Names(names)
                for (name, kind, place), value in zip(wanted, given, strict=True):
                    inside[name] = fitted(value, kind, evaluation, place, f"'{name}'")
                return evaluation.call(lambda: body(inside, evaluation))

            return Function(parameters, called)

        return run

    def _conditional(self, boxed: Conditional, words: Lexicon) -> Logic:
        condition, first, second = (
            self.logic(each, words) for each in (boxed.condition, boxed.first, boxed.second)
        )
        place = boxed.place

        def run(names: Names, evaluation: Evaluation) -> Value:
            held = truth(Scope(evaluation, names, "if", place), condition(names, evaluation), 0)
            return first(names, evaluation) if held else second(names, evaluation)

        return run

    def _filter(self, boxed: Filter, words: Lexicon) -> Logic:
        source = self.logic(boxed.source, words)
        match = self.logic(boxed.match, words.with_names(("item",)))
        place = boxed.place

        def run(names: Names, evaluation: Evaluation) -> Value:
            def matches(item: Value) -> Value:
                inner = Names(names)
                if type(item) is dict:
                    inner.update(item)
                inner["item"] = item
                return match(inner, evaluation)

            scope = Scope(evaluation, names, "filter", place)
            return select(scope, source(names, evaluation), matches, ROUND_STEPS, 0)

        return run

    def _loop(self, boxed: Loop, words: Lexicon) -> Logic:
        name, kind, place = boxed.name, boxed.kind, boxed.place
        source = self.logic(boxed.source, words)
        inside = (name, "partial") if kind == "for" else (name,)
        body = self.logic(boxed.body, words.with_names(inside))
        verdict = any_of if kind == "some" else all_of
        # What there is so far is copied for each round, so only where some text mentions it.
        partial = kind == "for" and "partial" in str(boxed.body)

        def run(names: Names, evaluation: Evaluation) -> Value:
            scope = Scope(evaluation, names, kind, place)
            found = source(names, evaluation)
            items = items_of(scope, found)
            if items is None:
                expected = "Expected a list or range to loop over"
                evaluation.warn(place, f"{expected}, but found {described(found)}.")
                return None
            scope.sized(min(len(items), LIST_LENGTH_MAX + 1))
            out: list[Value] = []
            for item in items:
                evaluation.spend(ROUND_STEPS)
                inner = Names(names)
                inner[name] = item
                if partial:
                    inner["partial"] = so_far(scope, out)
                out.append(body(inner, evaluation))
            return out if kind == "for" else verdict([_judged(scope, each) for each in out])

        return run


def _judged(scope: Scope, value: Value) -> bool | None:
    if value is None or type(value) is bool:
        return value
    scope.null(0, f"Expected a boolean behind 'satisfies', but found {described(value)}.")
    return None
