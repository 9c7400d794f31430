"""The hot log: one frame of columns for each commit, with a check sum, one file for each segment.

A file begins with `FILE_HEAD`. A frame is a head (mark, bytes of the body, check sum, number of
the last batch, readings, least and greatest time) and a body: times, values, series, quality, one
column after the other, little-endian, filled up to a multiple of 8 bytes. The check sum is the
CRC-32 of what follows it.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fabloop.base.errors import Broken
from fabloop.sense.readings.batch import Batch

FILE_HEAD: Final = b"fabloop readings"
VERSION: Final = 1
_FILE = struct.Struct("<16sII")
_HEAD = struct.Struct("<4sII")
_REST = struct.Struct("<IQqq")
MARK: Final = b"RDG1"
HEAD_BYTES: Final = _HEAD.size + _REST.size
BYTES_PER_READING: Final = 21

_sync: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)

FRAME_READINGS_MAX = 1 << 20
"""Readings of one frame; a commit of more writes several."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One commit: its readings and the number of the last batch in it."""

    sequence: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file that are no frame of ours any more.

    Attributes
    ----------
    torn : nothing follows, as after a crash in the middle of a commit: never acknowledged
    """

    file: str
    offset: int
    bytes: int
    torn: bool

    def sentence(self) -> str:
        """Return it for people."""
        if self.torn:
            return (
                f"{self.file}: the last commit was not finished; {self.bytes} bytes from byte "
                f"{self.offset} on were never acknowledged and are dropped."
            )
        return (
            f"{self.file}: {self.bytes} bytes from byte {self.offset} on are damaged and were "
            "skipped; what stands before and behind is read."
        )


class SegmentWriter:
    """Appends frames to a file that is new; each is on the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._size = 0
        try:
            self._write([_FILE.pack(FILE_HEAD, VERSION, 0)])
            sync_folder(path.parent)
        except OSError:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def append(self, frame: Frame) -> None:
        """Write one commit; where that fails, the file ends where it ended before."""
        self._write(parts for part in _pieces(frame) for parts in encoded(part))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, parts: "Iterator[bytes | memoryview] | list[bytes]") -> None:
        end = self._size
        try:
            for part in parts:
                end += _write_all(self._file, part)
            _sync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size = end


def encoded(frame: Frame) -> tuple[bytes | memoryview, ...]:
    """Return the bytes of a frame, without copying its columns."""
    batch = frame.batch
    count = len(batch)
    columns: tuple[NDArray[Any], ...] = (
        np.ascontiguousarray(batch.times, "<i8"),
        np.ascontiguousarray(batch.values, "<f8"),
        np.ascontiguousarray(batch.series, "<i4"),
        np.ascontiguousarray(batch.quality, np.uint8),
    )
    views = [column.view(np.uint8).data for column in columns]
    fill = bytes(-sum(len(view) for view in views) % 8)
    rest = _REST.pack(
        count,
        frame.sequence,
        int(batch.times.min()) if count else 0,
        int(batch.times.max()) if count else 0,
    )
    check = zlib.crc32(rest)
    for view in views:
        check = zlib.crc32(view, check)
    check = zlib.crc32(fill, check)
    length = sum(len(view) for view in views) + len(fill)
    return _HEAD.pack(MARK, length, check) + rest, *views, fill


def read_segment(path: Path) -> tuple[list[Frame], list[Damage]]:
    """Return the frames of a file and where it is damaged; frames behind a damage are found again.

    Raises
    ------
    Broken
        The file is of a newer version.
    """
    data = path.read_bytes()
    if len(data) >= _FILE.size:
        name, version, _ = _FILE.unpack_from(data)
        if name == FILE_HEAD and version > VERSION:
            raise Broken(
                f"Expected '{path}' in version {VERSION} at most, but found version {version}. "
                "Open it with the newer fabloop that wrote it."
            )
    frames: list[Frame] = []
    damages: list[Damage] = []
    at = min(_FILE.size, len(data))
    while at < len(data):
        found = _frame_at(data, at)
        if found is None:
            good = _next_frame(data, at + 1)
            damages.append(Damage(path.name, at, good - at, torn=good == len(data)))
            at = good
        else:
            frame, at = found
            frames.append(frame)
    return frames, damages


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system has a way to do so."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they survive a power cut."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        sync_folder(each.parent)


def _pieces(frame: Frame) -> Iterator[Frame]:
    """Cut a commit into frames; only the last one tells the number of the last batch."""
    batch = frame.batch
    last = max(len(batch) - 1, 0) // FRAME_READINGS_MAX
    for n in range(last + 1):
        part = batch.where(np.s_[n * FRAME_READINGS_MAX : (n + 1) * FRAME_READINGS_MAX])
        yield Frame(frame.sequence if n == last else 0, part)


def _write_all(file: int, part: bytes | memoryview) -> int:
    view = memoryview(part)
    done = 0
    while done < len(view):
        done += os.write(file, view[done:])
    return done


def _frame_at(data: bytes, at: int) -> tuple[Frame, int] | None:
    """Return the frame that begins at a byte and where it ends; None: there is none."""
    if at + HEAD_BYTES > len(data):
        return None
    mark, length, check = _HEAD.unpack_from(data, at)
    body = at + HEAD_BYTES
    if mark != MARK or body + length > len(data):
        return None
    if zlib.crc32(memoryview(data)[at + _HEAD.size : body + length]) != check:
        return None
    count, sequence, _, _ = _REST.unpack_from(data, at + _HEAD.size)
    times = np.frombuffer(data, "<i8", count, body)
    values = np.frombuffer(data, "<f8", count, body + 8 * count)
    series = np.frombuffer(data, "<i4", count, body + 16 * count)
    quality = np.frombuffer(data, np.uint8, count, body + 20 * count)
    return Frame(sequence, Batch(times, series, values, quality)), body + length


def _next_frame(data: bytes, at: int) -> int:
    """Return where the next whole frame begins; the end of the data where there is none."""
    while (found := data.find(MARK, at)) >= 0:
        if _frame_at(data, found) is not None:
            return found
        at = found + 1
    return len(data)
