"""Whether the sources still are what a mapping was made for; if not, what has changed."""

from fabloop.base.names import did_you_mean
from fabloop.dataspace.mapping import Expression, Footing, Mapping
from fabloop.dataspace.schema import ColumnKind, Place, Schema
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.units import dimension_of_unit

_ALIKE = {
    frozenset((ColumnKind.INTEGER, ColumnKind.NUMBER)),
    frozenset((ColumnKind.INTEGER, ColumnKind.QUANTITY)),
    frozenset((ColumnKind.NUMBER, ColumnKind.QUANTITY)),
}
"""Kinds of which one may become the other without a mapping losing its sense."""


def footing_of(expression: Expression, schema: Schema) -> tuple[Footing, ...]:
    """Return the columns that an expression stands on, as they are now."""
    found = []
    for table, columns in expression.columns().items():
        for name in sorted(columns):
            column = schema.tables[table].column(name)
            assert column is not None, "an expression names columns of its schema"
            place = Place(table=table, column=name)
            found.append(Footing(place=place, kind=column.kind, unit=column.unit))
    return tuple(found)


def drift(mapping: Mapping, schema: Schema) -> tuple[str, ...]:
    """Return why a mapping holds no more; nothing while it does.

    A source that does not answer says nothing about its tables: that is no drift.
    """
    reasons = []
    for each in mapping.footing:
        if each.place.table.partition(".")[0] in schema.silent:
            continue
        reason = _changed(each, schema)
        if reason:
            reasons.append(reason)
    return tuple(dict.fromkeys(reasons))


def _changed(footing: Footing, schema: Schema) -> str:
    place = footing.place
    table = schema.tables.get(place.table)
    if table is None:
        hint = did_you_mean(place.table, schema.tables)
        return f"Expected the table '{place.table}', but it is gone. {hint}"
    column = table.column(place.column)
    if column is None:
        known = [each.name for each in table.columns if each.name not in (ROW_ID, PARENT_ID)]
        hint = did_you_mean(place.column, known)
        return f"Expected the column '{place}', but it is gone. {hint}"
    is_other = column.kind is not footing.kind and column.distinct > 0
    if is_other and frozenset((column.kind, footing.kind)) not in _ALIKE:
        return f"Expected '{place}' to hold {footing.kind}, but found {column.kind}."
    old, new = dimension_of_unit(footing.unit), dimension_of_unit(column.unit)
    if footing.unit and column.unit and old is not new:
        return f"Expected '{place}' in {footing.unit}, but found {column.unit}."
    return ""


def with_units_of(expression: Expression, schema: Schema) -> Expression:
    """Return an expression with the units that its columns have now: kg may have become g."""
    outputs = []
    for each in expression.outputs:
        column = schema.column(expression.place(each.spot))
        if column is None:
            outputs.append(each)
            continue
        outputs.append(
            type(each)(
                variable=each.variable,
                spot=each.spot,
                unit=column.unit,
                unit_from=column.unit_from,
                kind=column.kind if column.distinct else each.kind,
            )
        )
    return Expression(
        uses=expression.uses,
        joins=expression.joins,
        filters=expression.filters,
        outputs=tuple(outputs),
    )
