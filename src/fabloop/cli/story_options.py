"""What every story of the demo checks before it begins, and where its document goes."""

import math
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from fabloop.base.errors import Fault
from fabloop.cli.given import writable_file, writable_folder


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command, as given; some are of one story only."""

    story: str
    auto: bool
    json: Path | None
    seed: int
    keep: Path | None
    resume: Path | None
    out: Path | None
    documents: Path | None
    choices: tuple[str, ...]
    realtime: float | None
    wire: bool = False
    until: str = ""
    scenario: str = ""


def option_faults(given: Request, new_only: Iterable[tuple[str, object]]) -> list[Fault]:
    """Return what is wrong with the shared options; `new_only` are those of new stories alone."""
    faults = []
    if given.resume is not None:
        for name, value in (("--keep", given.keep), *new_only):
            if value:
                found = f"{name} too"
                faults.append(option_fault("--resume", "--resume alone", found, "Leave one out."))
    if given.realtime is not None and not (given.realtime > 0 and math.isfinite(given.realtime)):
        found = f"{given.realtime:g}"
        faults.append(option_fault("--realtime", "a finite factor above 0", found))
    if given.until and given.resume is None and given.keep is None:
        faults.append(option_fault("--until", "--keep or --resume", "neither"))
    if given.seed < 0:
        expected = "a whole number of 0 or more"
        faults.append(option_fault("--seed", expected, str(given.seed)))
    return faults


def option_fault(option: str, expected: str, found: str, hint: str = "") -> Fault:
    """Return a fault of an option of the demo."""
    return Fault(source="fabloop demo", path=option, expected=expected, found=found, hint=hint)


def check_places(given: Request, out: Path) -> None:
    """Raise Invalid where a story could not be written: at once, not when it was played."""
    if given.keep is not None:
        writable_folder("--keep", given.keep)
    writable_folder("--out", out)
    if given.json is not None and given.json != Path("-"):
        writable_file("--json", given.json)


def write_document(target: Path, data: bytes) -> None:
    """Write the document of a story; ``-`` is standard output."""
    if target == Path("-"):
        sys.stdout.buffer.write(data)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
