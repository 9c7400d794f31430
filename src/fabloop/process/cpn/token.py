"""Colour values: immutable and hashable inside, plain (dict, list, scalars) at every border."""

from typing import NoReturn, TypeAlias, Union

TEXT_LENGTH_MAX = 10_000
LIST_LENGTH_MAX = 10_000
INT_MIN, INT_MAX = -(2**63), 2**63 - 1  # what MessagePack can carry

Token: TypeAlias = Union[bool, int, float, str, tuple["Token", ...], "Record", None]
"""One colour value. Unit is the empty tuple; products and lists are tuples."""

UNIT: tuple[Token, ...] = ()


class Record(dict[str, "Token"]):
    """A frozen mapping of field names to values; a dict to every encoder, and hashable."""

    __slots__ = ("_hash",)
    _hash: int

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none, as it may change
        try:
            return self._hash
        except AttributeError:
            self._hash = hash(frozenset(self.items()))
            return self._hash

    def _refuse(self, *_args: object, **_fields: object) -> NoReturn:
        raise TypeError("Expected a record to stay as it is; make a new one with merge().")

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse
    update = _refuse


def freeze(value: object) -> Token:
    """Return plain data as a token: dicts become records, lists tuples.

    Raises
    ------
    TypeError
        The value holds something that plain data cannot (an object, a non-text key).
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            fields = sorted(value.items())
            if not all(isinstance(name, str) for name in value):
                raise TypeError(f"Expected field names as text, but found {value!r:.80}.")
            return Record((name, freeze(each)) for name, each in fields)
        case list() | tuple():
            return tuple(freeze(each) for each in value)
        case _:
            found = f"{type(value).__name__} {value!r:.80}"
            raise TypeError(f"Expected plain data, but found {found}.")


def thaw(token: object) -> object:
    """Return a token as plain data that JSON and MessagePack carry: records become dicts."""
    match token:
        case dict():
            return {name: thaw(each) for name, each in token.items()}
        case tuple() | list():
            return [thaw(each) for each in token]
        case _:
            return token


def merge(*records: object) -> Record:
    """Return one record with the fields of all; later ones win."""
    fields: dict[str, Token] = {}
    for record in records:
        if not isinstance(record, dict):
            raise TypeError(f"Expected records to merge, but found {record!r:.80}.")
        fields.update(record)
    frozen = freeze(fields)
    assert isinstance(frozen, Record)
    return frozen
