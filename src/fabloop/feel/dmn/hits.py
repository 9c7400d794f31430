"""What a decision table makes of the rules that match: hit policies, defaults, aggregation."""

from collections.abc import Callable

from fabloop.feel.dmn.cells import Cells
from fabloop.feel.dmn.kinds import Kind, fitted
from fabloop.feel.dmn.model import Aggregation, Output, Policy, Table
from fabloop.feel.dmn.scope import Names, Scope
from fabloop.feel.library import call_builtin
from fabloop.feel.operators import equals
from fabloop.feel.values import Value, described

Row = tuple[Value, ...]
"""One value per output."""

_MANY = frozenset({Policy.RULE_ORDER, Policy.OUTPUT_ORDER, Policy.COLLECT})
_RANKED = frozenset({Policy.PRIORITY, Policy.OUTPUT_ORDER})


class _Column:
    """An output: its type, the values that it may have, and their order of priority."""

    __slots__ = ("allowed", "default", "kind", "name", "place", "ranks", "text", "values")

    def __init__(self, each: Output, kinds: Callable[[str, str], Kind], cells: Cells) -> None:
        self.name, self.place, self.values = each.name, each.place, each.values
        self.kind = kinds(each.type, each.place)
        self.allowed = cells.test(each.values, each.place) if each.values else None
        order = self.kind.order()
        text = each.values or (order.source if order else "")
        self.ranks = cells.ranks(text) if text else ()
        self.text = "" if each.default is None else each.default.text
        self.default = None if each.default is None else cells.result(each.default)

    def taken(self, value: Value, names: Names, run: Scope) -> Value:
        """Return a result as its column takes it."""
        what = f"output '{self.name}'" if self.name else "the output"
        found = fitted(value, self.kind, run.evaluation, self.place, what)
        if self.allowed is None or found is None or self.allowed(names, run, found) is True:
            return found
        expected = f"Expected {what} to be one of {self.values}"
        run.evaluation.warn(self.place, f"{expected}, but found {described(found)}.")
        return None

    def rank(self, value: Value, names: Names, run: Scope) -> int:
        """Return the place of a value in the order of priority, 0 the highest."""
        for place, code in enumerate(self.ranks):
            if code(names, run, value) is True:
                return place
        return len(self.ranks)


class Results:
    """The outputs of a table and its hit policy."""

    def __init__(self, table: Table, cells: Cells, kinds: Callable[[str, str], Kind]) -> None:
        self.policy, self.aggregation, self.place = table.policy, table.aggregation, table.place
        self.columns = [_Column(each, kinds, cells) for each in table.outputs]
        if self.policy in _RANKED and not any(each.ranks for each in self.columns):
            hint = "List the output values, the most important first."
            expected = f"an order of output values for hit policy {self.policy}"
            cells.faults.note(self.place, expected, "none", hint)

    def of(
        self, results: tuple[tuple[str, Callable[..., Value]], ...], names: Names, run: Scope
    ) -> Row:
        """Return what one rule gives."""
        row = []
        for column, (text, code) in zip(self.columns, results, strict=False):
            run.source = text
            row.append(column.taken(code(names, run), names, run))
        return tuple(row)

    def decided(self, hits: list[Row], names: Names, run: Scope) -> Value:
        """Return the result of the table."""
        run.place, run.source = self.place, ""
        if not hits:
            return self._default(names, run)
        if self.policy in _RANKED:
            hits = sorted(hits, key=lambda row: self._ranks(row, names, run))
        if self.policy in _MANY:
            return self._many(hits, run)
        if len(hits) > 1 and self.policy is Policy.UNIQUE:
            run.evaluation.warn(self.place, f"Expected one rule to match, but {len(hits)} do.")
            return None
        if self.policy is Policy.ANY and not all(self._equal(hits[0], row, run) for row in hits):
            run.evaluation.warn(
                self.place, "Expected all rules that match to give the same, but they differ."
            )
            return None
        return self._shaped(hits[0])

    def _shaped(self, row: Row) -> Value:
        if len(self.columns) == 1:
            return row[0]
        return dict(zip((each.name for each in self.columns), row, strict=True))

    def _equal(self, one: Row, other: Row, run: Scope) -> bool:
        run.quiet += 1
        same = all(equals(run, a, b, 0) is True for a, b in zip(one, other, strict=True))
        run.quiet -= 1
        return same

    def _ranks(self, row: Row, names: Names, run: Scope) -> tuple[int, ...]:
        pairs = zip(self.columns, row, strict=True)
        return tuple(column.rank(value, names, run) for column, value in pairs)

    def _many(self, hits: list[Row], run: Scope) -> Value:
        values = [self._shaped(row) for row in hits]
        if self.aggregation is Aggregation.NONE:
            return values
        return call_builtin(run, self.aggregation.lower(), (values,), (), 0)

    def _default(self, names: Names, run: Scope) -> Value:
        if any(each.default is not None for each in self.columns):
            row = []
            for each in self.columns:
                run.source = each.text
                row.append(None if each.default is None else each.default(names, run))
            value = self._shaped(tuple(row))
            listed = self.policy in _MANY and self.aggregation is Aggregation.NONE
            return [value] if listed and type(value) is not list else value
        if self.policy is Policy.COLLECT and self.aggregation is Aggregation.NONE:
            return []
        if self.aggregation is Aggregation.COUNT:
            return 0
        run.evaluation.warn(self.place, "Expected a rule to match, but none does.")
        return None
