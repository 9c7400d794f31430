"""Whether the sources still are what a mapping was made for; if not, what has changed."""

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.dataspace.mapping import Expression, Footing, Mapping
from fabloop.dataspace.matching import match
from fabloop.dataspace.schema import Column, ColumnKind, Place, Schema, Table
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.units import dimension_of_unit
from fabloop.dataspace.words import Thesaurus

VALUES_KEPT = 50
"""Values of a column that a mapping remembers."""
SUCCESSOR_MIN = 0.5
"""From this score on a column is taken to be another one under a new name."""
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
            place = Place(table=table, column=name)
            column = schema.column(place)
            assert column is not None, "an expression names columns of its schema"
            kept = msgspec.structs.replace(
                column,
                values=column.values[:VALUES_KEPT],
                whole=column.whole and len(column.values) <= VALUES_KEPT,
            )
            found.append(Footing(place=place, column=kept))
    return tuple(found)


def drift(mapping: Mapping, schema: Schema, thesaurus: Thesaurus) -> tuple[str, ...]:
    """Return why a mapping holds no more; nothing while it does.

    A source that does not answer says nothing about its tables: that is no drift.
    """
    reasons = []
    for each in mapping.footing:
        if each.place.table.partition(".")[0] in schema.silent:
            continue
        reason = _changed(each, schema, thesaurus)
        if reason:
            reasons.append(reason)
    return tuple(dict.fromkeys(reasons))


def _changed(footing: Footing, schema: Schema, thesaurus: Thesaurus) -> str:
    place, before = footing.place, footing.column
    table = schema.tables.get(place.table)
    if table is None:
        hint = "See what is there: fabloop data profile."
        return f"Expected the table '{place.table}', but it is gone. {hint}"
    column = table.column(place.column)
    if column is None:
        hint = _successor(before, table, thesaurus)
        return f"Expected the column '{place}', but it is gone. {hint}"
    is_other = column.kind is not before.kind and column.distinct > 0
    if is_other and frozenset((column.kind, before.kind)) not in _ALIKE:
        return f"Expected '{place}' to hold {before.kind}, but found {column.kind}."
    old, new = dimension_of_unit(before.unit), dimension_of_unit(column.unit)
    if before.unit and column.unit and old is not new:
        return f"Expected '{place}' in {before.unit}, but found {column.unit}."
    return ""


def _successor(gone: Column, table: Table, thesaurus: Thesaurus) -> str:
    """Return which column of a table is likeliest what another one was."""
    left = [each for each in table.columns if each.name not in (ROW_ID, PARENT_ID)]
    found = match((gone,), left, thesaurus)
    if found and found[0].score >= SUCCESSOR_MIN:
        return f"It looks like '{found[0].right}' now ({found[0].score:.0%})."
    return did_you_mean(gone.name, [each.name for each in left])


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
