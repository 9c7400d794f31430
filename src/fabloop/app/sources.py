"""The sources that are configured: connections of a factory, mappings of topics, recordings."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import msgspec

from fabloop.adapters.buffer import Buffered
from fabloop.app.machines.folder import read_factory
from fabloop.app.machines.reach import source_of
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Clock, Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import ReadingSource, Resuming
from fabloop.sense.readings.series import Catalogue

MAPPINGS = "*.mapping.yaml"
RECORDING_BYTES_MAX = 2**20


def sources_of_factory(folder: Path, pki: Path | None, clock: Clock) -> tuple[ReadingSource, ...]:
    """Return the sources of all connections and mappings that stand in the folder of a factory.

    Raises
    ------
    Invalid
        Every fault of its documents, or of the first mapping that has some.
    """
    connections = read_factory(folder).connections
    mapped = (source_of_mapping(file) for file in sorted(folder.glob(MAPPINGS)))
    return (*(source_of(each, pki, clock) for each in connections), *mapped)


def resume(sources: Iterable[ReadingSource], catalogue: Catalogue, latest: Batch) -> None:
    """Tell sources whose senders keep history up to when their readings are stored."""
    kept: dict[str, dict[str, Instant]] = {}
    for number, at in zip(latest.series.tolist(), latest.times.tolist(), strict=True):
        series = catalogue[number]
        kept.setdefault(series.source, {})[series.address] = Instant(at)
    for each in sources:
        if isinstance(each, Resuming):
            each.resume(kept.get(each.name, {}))


def buffered(sources: Iterable[ReadingSource], folder: Path) -> list[ReadingSource]:
    """Return the sources, each behind a buffer of its own on the disk of the folder.

    Where the store cannot take readings for a time, or the power fails, nothing that was told is
    lost but the last `fabloop.adapters.buffer.source.COMMIT_S`.

    Raises
    ------
    Invalid
        The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _invalid(folder, "a folder that can be made", error.strerror or "none") from error
    return [Buffered(each, folder / f"{quote(each.name, safe='')}.buffer") for each in sources]


def source_of_mapping(file: Path) -> ReadingSource:
    """Return the source of a mapping of topics."""
    from fabloop.adapters.mqtt import MqttSource, read_mapping  # noqa: PLC0415  # an extra

    return MqttSource(read_mapping(file))


def source_of_recording(file: Path) -> ReadingSource:
    """Return the source that plays a recording, which a document of YAML or JSON describes."""
    from fabloop.adapters.replay import Recording, ReplaySource  # noqa: PLC0415  # an extra

    try:
        with file.open("rb") as opened:
            document = opened.read(RECORDING_BYTES_MAX)
        recording = msgspec.yaml.decode(document, type=Recording)
    except OSError as error:
        raise _invalid(file, "a file that can be read", error.strerror or "none") from error
    except msgspec.DecodeError as error:
        raise _invalid(file, "a recording as documented", " ".join(str(error).split())) from error
    table = str(file.parent / recording.file)
    return ReplaySource(msgspec.structs.replace(recording, file=table))


def _invalid(file: Path, expected: str, found: str) -> Invalid:
    return Invalid(
        Fault(source=file.name, path="", expected=expected, found=found,
            hint="See 'Connect a machine'.")
    )  # fmt: skip
