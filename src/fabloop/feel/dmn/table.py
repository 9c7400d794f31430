"""Decision tables to closures: rules are tried in their order, then the hit policy decides."""

from collections.abc import Callable

from fabloop.feel.dmn.cells import Cells
from fabloop.feel.dmn.hits import Results, Row
from fabloop.feel.dmn.index import index_of
from fabloop.feel.dmn.kinds import Faults, Kind, fitted
from fabloop.feel.dmn.model import Input, Policy, Rule, Table
from fabloop.feel.dmn.scope import Evaluation, Logic, Names, Scope
from fabloop.feel.dmn.words import Lexicon
from fabloop.feel.values import Value, described

Kinds = Callable[[str, str], Kind]
_ANYTHING = frozenset({"", "-"})


class _Column:
    """An input: what is tested, its type and the values that it may have."""

    __slots__ = ("allowed", "code", "kind", "place", "source", "values")

    def __init__(self, each: Input, kinds: Kinds, cells: Cells) -> None:
        self.place = each.place
        self.source, self.values = each.expression.text, each.values
        self.kind = kinds(each.expression.type, each.place)
        self.code = cells.result(each.expression)
        self.allowed = None
        if each.values:
            self.allowed = cells.test(each.values, each.place)

    def value(self, names: Names, evaluation: Evaluation) -> tuple[Value, bool]:
        """Return the value to test, and whether it may be tested at all."""
        value = self.code(names, Scope(evaluation, names, self.source, self.place))
        found = fitted(value, self.kind, evaluation, self.place, f"'{self.source}'")
        if found is None:
            return None, True
        if self.allowed is not None:
            run = Scope(evaluation, names, self.values, self.place)
            if self.allowed(names, run, found) is not True:
                expected = f"Expected '{self.source}' to be one of {self.values}"
                evaluation.warn(self.place, f"{expected}, but found {described(found)}.")
                return None, False
        return found, True


class _Row:
    """A rule: its tests by column, and its results."""

    __slots__ = ("place", "results", "tests")

    def __init__(self, rule: Rule, cells: Cells) -> None:
        self.place = rule.place
        self.tests = tuple(
            (column, text, cells.test(text, rule.place))
            for column, text in enumerate(rule.tests)
            if text not in _ANYTHING
        )
        self.results = tuple((each.text, cells.result(each)) for each in rule.results)

    def matches(self, values: list[Value], names: Names, run: Scope) -> bool:
        """Tell whether all tests hold."""
        run.place = self.place
        for column, text, code in self.tests:
            run.source = text
            if code(names, run, values[column]) is not True:
                return False
        return True


def table_logic(table: Table, words: Lexicon, kinds: Kinds, faults: Faults) -> Logic:
    """Return the compiled form of a decision table."""
    cells = Cells(words, faults)
    columns = [_Column(each, kinds, cells) for each in table.inputs]
    rows = [_Row(each, cells) for each in table.rules]
    index = index_of(rows, [each.tests for each in table.rules], words)
    results = Results(table, cells, kinds)
    single = table.policy is Policy.FIRST

    def run(names: Names, evaluation: Evaluation) -> Value:
        values: list[Value] = []
        for column in columns:
            value, fit = column.value(names, evaluation)
            if not fit:
                return None
            values.append(value)
        scope = Scope(evaluation, names, "", table.place)
        tried = rows if index is None else index.candidates(values)
        evaluation.spend(len(tried) + 1)
        hits: list[Row] = []
        for row in tried:
            if row.matches(values, names, scope):
                hits.append(results.of(row.results, names, scope))
                if single:
                    break
        return results.decided(hits, names, scope)

    return run
