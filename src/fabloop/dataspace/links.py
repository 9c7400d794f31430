"""How tables hang together: nested rows, declared references, and values that two columns share."""

from collections.abc import Iterable, Mapping
from itertools import combinations

from fabloop.dataspace.profile import value_hash
from fabloop.dataspace.schema import Column, ColumnKind, Link, LinkKind, Place, Schema, Table
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.thesaurus import GENERIC
from fabloop.dataspace.words import Thesaurus, telling_words

LINKS_MAX = 2_000
COLUMNS_PER_VALUE_MAX = 60
"""A value that more columns have says nothing about any two of them."""
OVERLAP_MIN = 0.5
"""Share of the values of one column that the other has to have."""
NUMBERS_NAMED_ALIKE_MIN = 0.6
"""Columns of numbers overlap by chance; so near their names have to be."""
_NO_LINK = (ColumnKind.BOOLEAN, ColumnKind.INSTANT, ColumnKind.NUMBER, ColumnKind.QUANTITY)


def linked(
    tables: Iterable[Table],
    declared: Iterable[Link],
    thesaurus: Thesaurus,
    silent: Mapping[str, str] | None = None,
) -> Schema:
    """Return tables as a schema, with the links that are declared and those that are found."""
    by_name = {each.name: each for each in tables}
    certain = [each for each in declared if _exists(each, by_name)]
    taken = {frozenset((each.many, each.one)) for each in certain}
    found = [
        each
        for each in _found(list(by_name.values()), thesaurus)
        if frozenset((each.many, each.one)) not in taken
    ]
    found.sort(key=lambda each: (-each.confidence, each.many, each.one))
    return Schema(
        tables=by_name, links=tuple([*certain, *found][:LINKS_MAX]), silent=dict(silent or {})
    )


def _exists(link: Link, tables: Mapping[str, Table]) -> bool:
    return all(
        each.table in tables and tables[each.table].column(each.column) is not None
        for each in (link.many, link.one)
    )


def _found(tables: list[Table], thesaurus: Thesaurus) -> list[Link]:
    """Return the links between columns that share values."""
    columns = {
        Place(table=table.name, column=column.name): (table, column)
        for table in tables
        for column in table.columns
        if column.kind not in _NO_LINK and column.name not in (ROW_ID, PARENT_ID) and column.values
    }
    having: dict[str, list[Place]] = {}
    for place, (_, column) in columns.items():
        for value in {each.casefold() for each in column.values}:
            having.setdefault(value, []).append(place)
    pairs = {
        pair
        for places in having.values()
        if 1 < len(places) <= COLUMNS_PER_VALUE_MAX
        for pair in combinations(sorted(places), 2)
        if pair[0].table != pair[1].table
    }
    links = []
    for one, other in sorted(pairs):
        link = _between(one, columns[one], other, columns[other], thesaurus)
        if link is not None:
            links.append(link)
    return links


def _between(
    a: Place, one: tuple[Table, Column], b: Place, other: tuple[Table, Column], thesaurus: Thesaurus
) -> Link | None:
    left, right = one[1], other[1]
    exact = overlap(left, right, folded=False)
    loose = overlap(left, right, folded=True)
    folded = max(loose) > max(exact) + 0.2
    to_right, to_left = loose if folded else exact
    into_right = _is_key(one[0], left) < _is_key(other[0], right) or (
        _is_key(one[0], left) == _is_key(other[0], right) and to_right >= to_left
    )
    share = to_right if into_right else to_left
    many, single = (one, other) if into_right else (other, one)
    if share < OVERLAP_MIN:
        return None
    near = _named_alike(many, single, thesaurus)
    if left.kind is ColumnKind.INTEGER or right.kind is ColumnKind.INTEGER:
        if near < NUMBERS_NAMED_ALIKE_MIN or left.kind is not right.kind:
            return None
        if set(telling_words(many[1].name)) <= GENERIC:
            return None  # numbers of rows, which tables have each for itself
    elif many[1].distinct < 3 and near < NUMBERS_NAMED_ALIKE_MIN:
        return None
    confidence = 0.45 + 0.4 * share + 0.15 * near
    if not _is_key(*single):
        confidence *= 0.85
    return Link(
        many=a if into_right else b,
        one=b if into_right else a,
        kind=LinkKind.FOUND,
        confidence=round(min(confidence, 0.95), 3),
        overlap=round(share, 3),
        folded=folded,
    )


def _is_key(table: Table, column: Column) -> bool:
    return column.name in table.keys


def _named_alike(
    many: tuple[Table, Column], one: tuple[Table, Column], thesaurus: Thesaurus
) -> float:
    """Return how near the names are; ``order.courier`` also is near to ``courier.name``."""
    table = short_name(one[0].name)
    parts = (
        thesaurus.alike(many[1].name, one[1].name),
        thesaurus.alike(many[1].name, f"{table}_{one[1].name}"),
        0.9 * thesaurus.alike(many[1].name, table),
    )
    return max(parts)


def short_name(table: str) -> str:
    """Return the last part of the name of a table."""
    return table.rpartition(".")[2]


def overlap(one: Column, other: Column, *, folded: bool) -> tuple[float, float]:
    """Return the shares of the values of each column that the other has.

    Samples are the least by hash: up to the last of the shorter one, both have all that there is.
    """
    until = min((each for each in map(_reach, (one, other)) if each), default=None)
    left, right = (_texts(each, until, folded=folded) for each in (one, other))
    common = len(left & right)
    return (common / len(left), common / len(right)) if common else (0.0, 0.0)


def _reach(column: Column) -> bytes | None:
    """Return the hash up to which all values of a column are in its sample; None: it has all."""
    return None if column.whole or not column.values else value_hash(column.values[-1])


def _texts(column: Column, until: bytes | None, *, folded: bool) -> set[str]:
    return {
        each.casefold() if folded else each
        for each in column.values
        if until is None or value_hash(each) <= until
    }
