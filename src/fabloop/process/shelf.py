"""Where records of instances rest as bytes, addressed by every key that is in them."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, ItemsView, Iterator, KeysView, Sequence, ValuesView
from typing import Any, Final, TypeVar, overload

V = TypeVar("V")
D = TypeVar("D")

BUCKET_BITS = 12
"""Keys that agree above these bits share a sorted array: small enough to insert into."""

_ABSENT: Final = object()


class Shelf:
    """Groups of records as bytes. A key costs 16 bytes here, where a dict takes about 130.

    `counts` tells how many records of each table are in all groups.
    """

    def __init__(self, tables: int) -> None:
        self.counts = [0] * tables
        self._keys: dict[int, array[int]] = {}
        self._slots: dict[int, array[int]] = {}
        self._groups: list[bytes | None] = []
        self._free: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, key: int) -> bool:
        return self._find(key) is not None

    def number_of_groups(self) -> int:
        """Return how many groups lie there."""
        return len(self._groups) - len(self._free)

    def group(self, key: int) -> bytes | None:
        """Return the group that a key is in, None where it is in none."""
        slot = self._find(key)
        return None if slot is None else self._groups[slot]

    def put(self, keys: Sequence[int], counts: Sequence[int], group: bytes) -> None:
        """Lay a group down under its keys."""
        if self._free:
            slot = self._free.pop()
            self._groups[slot] = group
        else:
            slot = len(self._groups)
            self._groups.append(group)
        for key in keys:
            bucket = key >> BUCKET_BITS
            listed = self._keys.get(bucket)
            if listed is None:
                listed = self._keys[bucket] = array("q")
                self._slots[bucket] = array("q")
            place = bisect_left(listed, key)
            listed.insert(place, key)
            self._slots[bucket].insert(place, slot)
        self._count(keys, counts, 1)

    def remove(self, keys: Sequence[int], counts: Sequence[int]) -> None:
        """Take a group away, by all its keys."""
        slot = self._find(keys[0])
        assert slot is not None, "only what lies there is taken away"
        for key in keys:
            bucket = key >> BUCKET_BITS
            listed = self._keys[bucket]
            place = bisect_left(listed, key)
            del listed[place], self._slots[bucket][place]
            if not listed:
                del self._keys[bucket], self._slots[bucket]
        self._groups[slot] = None
        self._free.append(slot)
        self._count(keys, counts, -1)

    def groups(self) -> Iterator[tuple[list[int], bytes]]:
        """Yield every group with its keys; the shelf may not change meanwhile."""
        keys: dict[int, list[int]] = {}
        for bucket, listed in self._keys.items():
            for key, slot in zip(listed, self._slots[bucket], strict=True):
                keys.setdefault(slot, []).append(key)
        for slot, listed_keys in keys.items():
            group = self._groups[slot]
            assert group is not None, "a slot with keys holds a group"
            yield listed_keys, group

    def bodies(self) -> Iterator[bytes]:
        """Yield every group without its keys; the shelf may not change meanwhile."""
        for group in self._groups:
            if group is not None:
                yield group

    def _find(self, key: int) -> int | None:
        bucket = key >> BUCKET_BITS
        listed = self._keys.get(bucket)
        if listed is None:
            return None
        place = bisect_left(listed, key)
        if place == len(listed) or listed[place] != key:
            return None
        return self._slots[bucket][place]

    def _count(self, keys: Sequence[int], counts: Sequence[int], sign: int) -> None:
        self._size += sign * len(keys)
        self.counts = [old + sign * new for old, new in zip(self.counts, counts, strict=True)]


class Table(dict[int, V]):
    """A table of which some records lie on a shelf; whoever asks for one of those has it back.

    To go through all of them brings all of them back.
    """

    __slots__ = ("_fetch", "_number", "_shelf")

    def __init__(
        self, records: dict[int, V], shelf: Shelf, number: int, fetch: Callable[[int], None]
    ) -> None:
        super().__init__(records)
        self._shelf = shelf
        self._number = number
        self._fetch = fetch

    def __missing__(self, key: int) -> V:
        found = self.get(key, _ABSENT)
        if found is _ABSENT:
            raise KeyError(key)
        return found  # type: ignore[return-value]  # it is not the mark of absence

    @overload
    def get(self, key: int, default: None = None, /) -> V | None: ...
    @overload
    def get(self, key: int, default: V | D, /) -> V | D: ...

    def get(self, key: int, default: Any = None, /) -> Any:
        """Return a record, fetched where it lies on the shelf."""
        found = dict.get(self, key, _ABSENT)
        if found is not _ABSENT:
            return found
        if key not in self._shelf:
            return default
        self._fetch(key)
        return dict.get(self, key, default)

    def pop(self, key: int, /) -> V:  # type: ignore[override]  # a record is there to be dropped
        """Take a record out."""
        self.get(key)
        return super().pop(key)

    def __contains__(self, key: object) -> bool:
        if dict.__contains__(self, key):
            return True
        return isinstance(key, int) and self.get(key, _ABSENT) is not _ABSENT

    def __len__(self) -> int:
        return dict.__len__(self) + self._shelf.counts[self._number]

    def __iter__(self) -> Iterator[int]:
        self._fetch_all()
        return dict.__iter__(self)

    def keys(self) -> KeysView[int]:  # type: ignore[override]  # as a mapping has them
        """Return all keys."""
        self._fetch_all()
        return KeysView(self)

    def values(self) -> ValuesView[V]:  # type: ignore[override]  # as a mapping has them
        """Return all records."""
        self._fetch_all()
        return ValuesView(self)

    def items(self) -> ItemsView[int, V]:  # type: ignore[override]  # as a mapping has them
        """Return all keys with their records."""
        self._fetch_all()
        return ItemsView(self)

    def __eq__(self, other: object) -> bool:
        self._fetch_all()
        if isinstance(other, Table):
            other._fetch_all()
        return dict.__eq__(self, other)

    __hash__ = None

    def _fetch_all(self) -> None:
        for keys, _ in list(self._shelf.groups()) if len(self._shelf) else ():
            self._fetch(keys[0])
