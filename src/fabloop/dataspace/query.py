"""Expressions as SQL over loaded tables, and what has to be loaded for them."""

from collections.abc import Mapping, Sequence

import msgspec

from fabloop.dataspace.mapping import ROW_NUMBER, Expression, Join, Spot
from fabloop.dataspace.profile import text_of_value
from fabloop.dataspace.schema import Scalar
from fabloop.dataspace.target import Constant, Given, Operation, Term, number_of, value_of


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Only rows of which a column has one of some values, compared as texts."""

    column: str
    values: tuple[str, ...]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it was loaded for one use: its name there, and its columns in order.

    Columns are called ``c0``, ``c1`` ... there: names of sources may be empty, or differ in case
    only, which SQL does not know apart. Those that are compared are there as texts too, ``k0``:
    5 of one source equals 5.0 of another one.
    """

    name: str
    columns: tuple[str, ...]

    def sql(self, use: str, column: str) -> str:
        """Return a column of the use in SQL."""
        return f"{use}.{column if column == ROW_NUMBER else f'c{self.columns.index(column)}'}"

    def text(self, use: str, column: str) -> str:
        """Return a column of the use as text in SQL."""
        return f"{use}.{column if column == ROW_NUMBER else f'k{self.columns.index(column)}'}"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """SQL for DuckDB with its parameters; the columns are named as `names` says."""

    sql: str
    parameters: tuple[Scalar, ...]
    names: tuple[str, ...]


def values_of(term: Term, given: Mapping[str, Sequence[Scalar]]) -> tuple[str, ...]:
    """Return the values, as texts, that a filter's term may have."""
    match term:
        case Constant():
            return (text_of_value(term.value),)
        case Given():
            return tuple(text_of_value(each) for each in given.get(term.name, ()))
        case Operation():
            single = {name: several[0] for name, several in given.items() if len(several) == 1}
            found = value_of(term, single)
            return () if found is None else (text_of_value(found),)
        case _:
            return ()


def query_of(
    expression: Expression,
    loaded: Mapping[str, Loaded],
    given: Mapping[str, Sequence[Scalar]],
    limit: int,
) -> Query:
    """Return the query of an expression over what was loaded for each use."""

    def column(spot: Spot) -> str:
        return loaded[spot.use].sql(spot.use, spot.column)

    def text(spot: Spot) -> str:
        return loaded[spot.use].text(spot.use, spot.column)

    selected: list[tuple[str, str]] = []
    for each in expression.outputs:
        selected.append((each.variable, column(each.spot)))
        if each.unit_from:
            unit = Spot(use=each.spot.use, column=each.unit_from)
            selected.append((unit_name(each.variable), column(unit)))
    parameters: list[Scalar] = []
    tables = ", ".join(f"{loaded[use.name].name} AS {use.name}" for use in expression.uses)
    conditions = [_joined(each, text(each.left), text(each.right)) for each in expression.joins]
    conditions += [
        _filtered(text(only.spot), values_of(only.term, given), parameters)
        for only in expression.filters
    ]
    conditions += [
        f"{column(each.spot)} IS NOT NULL"  # what is not there is no triple
        for each in expression.outputs
        if each.spot.column != ROW_NUMBER
    ]
    columns = ", ".join(sql for _, sql in selected) or "1 AS found"
    sql = f"SELECT DISTINCT {columns} FROM {tables}"  # noqa: S608  # names are quoted
    if conditions:
        sql += f" WHERE {' AND '.join(conditions)}"
    if selected:
        sql += f" ORDER BY {', '.join(str(number + 1) for number in range(len(selected)))}"
    names = tuple(name for name, _ in selected) or ("found",)
    return Query(sql=f"{sql} LIMIT {limit + 1}", parameters=tuple(parameters), names=names)


def unit_name(variable: str) -> str:
    """Return the name of the column with the units of a variable's rows."""
    return f"{variable} unit"


def _joined(join: Join, left: str, right: str) -> str:
    return f"lower(trim({left})) = lower(trim({right}))" if join.folded else f"{left} = {right}"


def _filtered(column: str, values: Sequence[str], parameters: list[Scalar]) -> str:
    """Return the condition of a filter; a number also equals another spelling of it."""
    if not values:
        return "false"
    parts = []
    for each in values:
        number = number_of(each)
        parts.append(f"{column} = ?")
        parameters.append(each)
        if number is not None:
            parts.append(f"TRY_CAST({column} AS DOUBLE) = ?")
            parameters.append(float(number))
    return f"({' OR '.join(parts)})"


def compared(expression: Expression, use: str) -> frozenset[str]:
    """Return the columns of a use that are compared with others or with what was given."""
    spots = [each.spot for each in expression.filters]
    spots += [spot for each in expression.joins for spot in (each.left, each.right)]
    return frozenset(each.column for each in spots if each.use == use) - {ROW_NUMBER}


def loading_order(expression: Expression) -> tuple[str, ...]:
    """Return the uses in the order in which to load them: filtered ones first, then their joins."""
    filtered = [each.spot.use for each in expression.filters]
    order = list(dict.fromkeys(filtered))
    left = [use.name for use in expression.uses if use.name not in order]
    while left:
        reached = [
            name for name in left
            if any(name in _ends(j) and set(_ends(j)) & set(order) for j in expression.joins)
        ]  # fmt: skip
        chosen = (reached or left)[0]
        order.append(chosen)
        left.remove(chosen)
    return tuple(order)


def _ends(join: Join) -> tuple[str, str]:
    return join.left.use, join.right.use


def narrowing(expression: Expression, use: str, before: Sequence[str]) -> list[tuple[str, Spot]]:
    """Return the columns of a use that equal columns of uses loaded before, with those."""
    found = []
    for join in expression.joins:
        if join.folded or ROW_NUMBER in (join.left.column, join.right.column):
            continue
        if join.left.use == use and join.right.use in before:
            found.append((join.left.column, join.right))
        elif join.right.use == use and join.left.use in before:
            found.append((join.right.column, join.left))
    return found
