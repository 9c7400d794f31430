"""Live streams as sources: the latest rows that were handed in, or appended to a file."""

import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fabloop.adapters.dataspace.access import held_raws
from fabloop.adapters.dataspace.files import bytes_of, lines_of
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.shred import shred


class Stream:
    """A stream: any thread may hand in rows, whoever asks sees the latest."""

    def __init__(
        self,
        source: str,
        *,
        table: str,
        latest: int,
        latest_by: tuple[str, ...] = (),
        file: Path | None = None,
    ) -> None:
        self._source = source
        self._table = table
        self._latest: deque[dict[str, Any]] = deque(maxlen=latest)
        self._latest_by = latest_by
        self._file = file
        self._lock = threading.Lock()

    def take(self, rows: Iterable[dict[str, Any]]) -> None:
        """Hand in rows, the newest last; the oldest are forgotten beyond the limit."""
        with self._lock:
            self._latest.extend(rows)

    def read(self) -> tuple[Raw, ...]:
        """Return the latest rows."""
        if self._file is not None and self._file.exists():
            lines = lines_of(self._source, self._file.name, bytes_of(self._source, self._file))
            rows: list[Any] = lines[-(self._latest.maxlen or 0) :]
        else:
            with self._lock:
                rows = list(self._latest)
        return held_raws(shred(self._source, {self._table: self._present(rows)}))

    def _present(self, rows: list[Any]) -> list[Any]:
        """Return of the rows of one thing only the last one."""
        if not self._latest_by:
            return rows
        last: dict[str, Any] = {}
        for row in rows:
            named = row if isinstance(row, dict) else {}
            last[repr([named.get(each) for each in self._latest_by])] = row
        return list(last.values())
