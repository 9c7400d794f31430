"""A report given by options: the same document that a file would hold."""

from pathlib import Path

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, iso_of
from fabloop.cli.adapt import report

KINDS = {
    "broken": ("UnitBroken", "work_unit"),
    "repaired": ("UnitRepaired", "work_unit"),
    "late": ("MaterialLate", "material"),
    "absent": ("PersonAbsent", "person"),
    "closed": ("LaneClosed", "lane"),
    "stopped": ("UnitClosed", "work_unit"),
    "tool": ("ToolBroken", "tool"),
    "due": ("DueMoved", "order"),
}
"""Per option, which disturbance it reports and what its value names."""

ENDS = {"late": "available_at", "due": "due_at"}
"""Where ``--until`` stands in a report; elsewhere it is `until`."""

NEEDS_UNTIL = ("late", "absent", "due", "stopped")
SPANS = ("broken", "repaired", "absent", "closed", "tool", "stopped")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The options as given; empty is not given."""

    broken: str
    repaired: str
    late: str
    absent: str
    closed: str
    tool: str
    stopped: str
    due: str
    since: str
    until: str

    def given(self) -> list[str]:
        """Return which of the kinds were given."""
        return [name for name in KINDS if getattr(self, name)]

    def refuse_beside(self, file: Path) -> None:
        """Raise Invalid where options stand beside a file."""
        rest = [*self.given(), *(name for name in ("since", "until") if getattr(self, name))]
        if rest:
            raise _invalid("a report in a file or by options", f"'{file}' and --{rest[0]}")


def report_told(folder: Path, told: Told, at: Instant | None, *, as_json: bool) -> int:
    """Tell the house what the options say; print what follows from it."""
    given = told.given()
    if len(given) != 1:
        names = ", ".join(f"--{name}" for name in KINDS)
        found = " and ".join(f"--{name}" for name in given) or "none"
        raise _invalid(f"one of {names}, or a file", found)
    name = given[0]
    if name in NEEDS_UNTIL and not told.until:
        raise _invalid("--until", "none", f"--{name}")
    return report(folder, f"--{name}", _document(name, told, at), at, as_json=as_json)


def _document(name: str, told: Told, at: Instant | None) -> bytes:
    kind, subject = KINDS[name]
    fields = {"disturbance": kind, subject: getattr(told, name)}
    if name in SPANS:
        fields["since"] = told.since or (iso_of(at) if at is not None else EPOCH)
    if told.until and name != "repaired":
        fields[ENDS.get(name, "until")] = told.until
    return msgspec.json.encode(fields)


EPOCH = "1970-01-01T00:00:00Z"
"""Since always: what is told without a time is in force already."""


def _invalid(expected: str, found: str, source: str = "fabloop adapt report") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found))
