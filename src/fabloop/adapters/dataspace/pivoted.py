"""Tables of statements (subject, predicate, object) within any source, read as what they tell."""

from collections.abc import Sequence
from functools import partial

import msgspec

from fabloop.adapters.dataspace.access import Access, Held, Rows, within_limit
from fabloop.dataspace.query import Where
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.shred import ROWS_SHREDDED_MAX
from fabloop.dataspace.statements import are_statements, statements_in, tables_of


class PivotedAccess:
    """A source whose tables of statements are shown as tables of what they are about.

    ``facts(subject, predicate, object)`` becomes ``facts.Thing`` and a table for each class. One
    with more than `ROWS_SHREDDED_MAX` rows stays as it is.
    """

    def __init__(self, source: str, inner: Access) -> None:
        self.inner = inner
        self._source = source
        self._pivots: dict[str, Held] | None = None

    def begin(self) -> None:
        """Forget what was read."""
        self.inner.begin()
        self._pivots = None

    def look(self, sample: int, only: frozenset[str] | None = None) -> tuple[Raw, ...]:
        """Return the tables of the source, and those that its statements make."""
        plain = self.inner.look(sample)
        pivots = self._known(plain)
        found = [each for each in plain if each.name not in pivots]
        found += [each for pivot in pivots.values() for each in pivot.look(sample)]
        return tuple(each for each in found if only is None or each.name in only)

    def rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        """Return rows of a table of the source, or of what statements make."""
        head = table.partition(".")[0]
        pivots = self._known(None) if "." in table else {}
        if head in pivots:
            return pivots[head].rows(table, columns, where, limit)
        return self.inner.rows(table, columns, where, limit)

    def close(self) -> None:
        """Close the source."""
        self.inner.close()

    def _known(self, plain: Sequence[Raw] | None) -> dict[str, Held]:
        if self._pivots is None:
            looked = self.inner.look(1) if plain is None else plain
            self._pivots = {
                each.name: Held(partial(_told, self._source, self.inner, each))
                for each in looked
                if are_statements(each.columns) and each.count <= ROWS_SHREDDED_MAX
            }
        return self._pivots


def _told(source: str, inner: Access, raw: Raw) -> tuple[Raw, ...]:
    """Return what the statements in one table tell."""
    rows = inner.rows(raw.name, raw.columns, (), ROWS_SHREDDED_MAX)
    tables = within_limit(tables_of(source, statements_in(rows)))
    return tuple(_within(each, raw.name) for each in tables)


def _within(raw: Raw, name: str) -> Raw:
    """Return a table under the name of the table that its statements stand in."""
    return msgspec.structs.replace(
        raw,
        name=f"{name}.{raw.name}",
        parent=f"{name}.{raw.parent}" if raw.parent else "",
        refers={column: (f"{name}.{table}", to) for column, (table, to) in raw.refers.items()},
    )
