"""Reads the types of FEEL as they stand behind ``instance of`` and in parameters."""

from fabloop.feel import nodes
from fabloop.feel.cursor import Cursor
from fabloop.feel.names import KnownNames, plain_run

_TYPE_NAMES = KnownNames(
    ("date and time", "days and time duration", "years and months duration", "day time duration")
)


def read_type(cursor: Cursor) -> nodes.TypeOf:
    """Read a type: ``date and time``, ``list<number>``, ``function<number>->string``."""
    cursor.enter()
    at = cursor.here.at
    name = _type_name(cursor)
    items: list[nodes.TypeOf] = []
    fields: list[tuple[str, nodes.TypeOf]] = []
    result: nodes.TypeOf | None = None
    if name in ("list", "range", "context", "function") and cursor.accept("<"):
        while not cursor.is_sign(">"):
            if name == "context":
                field = cursor.declared(":")
                cursor.expect(":")
                fields.append((field, read_type(cursor)))
            else:
                items.append(read_type(cursor))
            if not cursor.accept(","):
                break
        cursor.expect(">")
        if name == "function":
            cursor.expect("->")
            result = read_type(cursor)
    cursor.leave()
    return nodes.TypeOf(at=at, name=name, items=tuple(items), fields=tuple(fields), result=result)


def _type_name(cursor: Cursor) -> str:
    """Read the name of a type, dots included."""
    known = _TYPE_NAMES.match(cursor.tokens, cursor.index)
    if known is not None:
        cursor.index += known[1]
        return known[0]
    run = plain_run(cursor.tokens, cursor.index, first_free=cursor.is_word("function"))
    if run == 0:
        raise cursor.fault("the name of a type such as 'number' or 'list<string>'")
    name = " ".join(cursor.take().text for _ in range(run))
    while cursor.is_sign("."):
        cursor.take()
        name += f".{cursor.take().text}"
    return name
