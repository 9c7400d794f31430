"""Goals as a planner writes them, line by line, to the same document that JSON gives; and back."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from fabloop.base.errors import Fault
from fabloop.model.documents.collect import Sheet, raise_if_any, short
from fabloop.model.documents.goal_structs import (
    EventEntry,
    GoalEntry,
    GoalsDocument,
    KpiGoalEntry,
    SubjectEntry,
)
from fabloop.model.documents.goals import goals_of
from fabloop.model.documents.structure import decode, kind_of
from fabloop.model.documents.texts import FILE_BYTES_MAX
from fabloop.model.goal import GoalSet

CONTEXT = "urn:fabloop:context:1:goals"
WORDS = ("goals", "zone", "subject", "event", "goal", "kpi")
"""What a line of the text form begins with; a line that begins with a blank goes on."""

_COMMENT = re.compile(r'("[^"]*")|#.*')
_HEAD = re.compile(r'goals\s+"?([^\s"]+)"?(?:\s+version\s+"?([^\s"]+)"?)?$')
_ZONE = re.compile(r'zone\s+"?([^\s"]+)"?$')
_SUBJECT = re.compile(
    r"subject\s+(\S+?)(?:\s+within\s+(\S+?))?\s*:\s*(.+?)(?:\s+of\s+process\s+(\S+))?$", re.DOTALL
)
_EVENT = re.compile(
    r"event\s+([^\s(]+)\s*\(\s*([^)]*?)\s*\)\s*:\s*(.+?)(?:\s+when\s+(.+))?$", re.DOTALL
)
_GOAL = re.compile(r'(goal|kpi)\s+([^\s:,"]+)((?:[^:"]|"[^"]*")*):\s*(.+)$', re.DOTALL)
_TITLE = re.compile(r'"([^"]*)"')
_CLAUSES = {
    "each": re.compile(r"for\s+each\s+(.+)$"),
    "part_of": re.compile(r"part\s+of\s+(\S+)$"),
    "needed_for": re.compile(r"needed\s+for\s+(\S+)$"),
    "warn_at": re.compile(r"warn\s+at\s+(.+)$"),
}
_SPLIT = re.compile(r",|\s(?=for\s+each\s|part\s+of\s|needed\s+for\s|warn\s+at\s)")


def read_goals(source: str, data: bytes) -> GoalSet:
    """Return the goals of a document, in JSON or in the text form.

    Raises
    ------
    Invalid
        Every fault of the document, each with its JSON path or its line.
    """
    faults: list[Fault] = []
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _read_json(source, data, faults)
    text = _text(source, data, faults)
    raise_if_any(faults)
    document, lines = _document(text, source, faults)

    def place(name: str, number: int) -> Sheet:
        return Sheet(source, faults, f"line {lines[name][number]}")

    found = goals_of(document, Sheet(source, faults, f"line {lines['zone'][0]}"), place)
    raise_if_any(faults)
    return found


def _read_json(source: str, data: bytes, faults: list[Fault]) -> GoalSet:
    document = decode(source, data, faults)
    sheet = Sheet(source, faults)
    if document is not None and not isinstance(document, GoalsDocument):
        sheet.at("document").fault("'goals'", repr(kind_of(document)))
    raise_if_any(faults)
    assert isinstance(document, GoalsDocument), "another kind is a fault"
    if document.context != CONTEXT:
        sheet.at("@context").fault(f"the published context {CONTEXT!r}", repr(document.context))
    found = goals_of(document, sheet)
    raise_if_any(faults)
    return found


def _text(source: str, data: bytes, faults: list[Fault]) -> str:
    sheet = Sheet(source, faults, "")
    if len(data) > FILE_BYTES_MAX:
        sheet.fault(f"at most {FILE_BYTES_MAX} bytes", str(len(data)))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        sheet.fault("text in UTF-8", f"the byte 0x{data[error.start]:02x} at offset {error.start}")
        return ""


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield what begins at the start of a line, with its number and what goes on with it."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        bare = _COMMENT.sub(lambda found: found[1] or "", line).rstrip()
        if not bare.strip():
            continue
        if bare[0].isspace() and parts:
            parts.append(bare.strip())
            continue
        if parts:
            yield begun, " ".join(parts)
        begun, parts = number, [bare.strip()]
    if parts:
        yield begun, " ".join(parts)


def _document(
    text: str, source: str, faults: list[Fault]
) -> tuple[GoalsDocument, dict[str, list[int]]]:
    """Return the document, and on which line each of its entries begins."""
    fields: dict[str, Any] = {}
    entries: dict[str, list[Any]] = {"subjects": [], "events": [], "goals": [], "kpis": []}
    lines: dict[str, list[int]] = {name: [] for name in entries} | {"zone": [1]}
    for number, line in _statements(text):
        sheet = Sheet(source, faults, f"line {number}")
        word = line.split(maxsplit=1)[0]
        if word in ("goals", "zone"):
            _header(line, fields, sheet)
            lines["zone"] = [number] if word == "zone" else lines["zone"]
            continue
        read = _entry(word, line, sheet)
        if read is not None:
            name, entry = read
            entries[name].append(entry)
            lines[name].append(number)
    if "id" not in fields:
        first = Sheet(source, faults, "line 1")
        first.fault("'goals NAME version VERSION'", "no such line", "Begin with it.")
    whole = {
        "version": "1",
        "@context": CONTEXT,
        "document": "goals",
        "id": "unnamed",
        **fields,
        **entries,
    }
    try:
        return msgspec.convert(whole, GoalsDocument), lines
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at ")
        place = _line_of(path, lines)
        Sheet(source, faults, place).fault("goals of the known form", said.replace("`", "'"))
        return GoalsDocument(version="1", context=CONTEXT, id="unnamed"), lines


def _line_of(path: str, lines: dict[str, list[int]]) -> str:
    found = re.search(r"\.(\w+)\[(\d+)\]", path)
    if found is None or found[1] not in lines:
        return "line 1"
    return f"line {lines[found[1]][int(found[2])]}"


def _header(line: str, fields: dict[str, Any], sheet: Sheet) -> None:
    if found := _HEAD.match(line):
        fields["id"] = found[1]
        fields["version"] = found[2] or "1"
    elif found := _ZONE.match(line):
        fields["time_zone"] = found[1]
    else:
        sheet.fault("'goals NAME version VERSION' or 'zone ZONE'", short(repr(line)))


def _entry(word: str, line: str, sheet: Sheet) -> tuple[str, dict[str, str]] | None:
    """Return the list and the entry that a line tells; None after noting what is wrong."""
    if word == "subject":
        if found := _SUBJECT.match(line):
            own = {"name": found[1], "within": found[2], "key": found[3], "process": found[4]}
            return "subjects", _given(own)
        sheet.fault("'subject NAME [within NAME]: KEY [of process NAME]'", short(repr(line)))
    elif word == "event":
        if found := _EVENT.match(line):
            own = {"name": found[1], "subject": found[2], "happens": found[3], "when": found[4]}
            return "events", _given(own)
        sheet.fault("'event NAME(SUBJECT): completion of NODE [when FEEL]'", short(repr(line)))
    elif word in ("goal", "kpi"):
        if found := _GOAL.match(line):
            own = {"id": found[2], **_clauses(found[3], word, sheet)}
            own["statement" if word == "goal" else "measure"] = found[4].strip()
            return ("goals" if word == "goal" else "kpis"), _given(own)
        sheet.fault(f"'{word} ID \"TITLE\" ...: STATEMENT'", short(repr(line)))
    else:
        begins = ", ".join(WORDS)
        sheet.fault(f"a line that begins with one of {begins}", short(repr(line)))
    return None


def _clauses(head: str, word: str, sheet: Sheet) -> dict[str, str]:
    found: dict[str, str] = {}
    title = _TITLE.search(head)
    if title is not None:
        found["title"] = title[1]
        head = head[: title.start()] + " " + head[title.end() :]
    for part in _SPLIT.split(head):
        clause = " ".join(part.split())
        if not clause:
            continue
        matched = {name: own.match(clause) for name, own in _CLAUSES.items()}
        name = next((each for each, own in matched.items() if own is not None), "")
        own = matched.get(name)
        if own is None or word == "kpi":
            known = "'for each SUBJECT', 'part of GOAL', 'needed for GOAL' or 'warn at RISK'"
            sheet.fault("nothing but a title" if word == "kpi" else known, repr(clause))
            continue
        found[name] = own[1]
    return found


def _given(entry: dict[str, Any]) -> dict[str, str]:
    return {name: text for name, text in entry.items() if text}


def text_of(document: GoalsDocument) -> str:
    """Return a document in the text form; reading it gives the same document."""
    lines = [f"goals {document.id} version {document.version}", f"zone {document.time_zone}", ""]
    lines += [_subject_line(each) for each in document.subjects]
    lines += [_event_line(each) for each in document.events]
    lines += [_goal_line(each) for each in document.goals]
    lines += [_kpi_line(each) for each in document.kpis]
    return "\n".join(lines) + "\n"


def _subject_line(entry: SubjectEntry) -> str:
    within = f" within {entry.within}" if entry.within else ""
    process = f" of process {entry.process}" if entry.process else ""
    return f"subject {entry.name}{within}: {_flat(entry.key)}{process}"


def _event_line(entry: EventEntry) -> str:
    when = f" when {_flat(entry.when)}" if entry.when else ""
    return f"event {entry.name}({entry.subject}): {_flat(entry.happens)}{when}"


def _goal_line(entry: GoalEntry) -> str:
    clauses = [f"for each {entry.each}"] if entry.each else []
    clauses += [f"part of {entry.part_of}"] if entry.part_of else []
    clauses += [f"needed for {entry.needed_for}"] if entry.needed_for else []
    clauses += [f"warn at {entry.warn_at}"]
    return f"goal {entry.id}{_titled(entry.title)} {', '.join(clauses)}: {_flat(entry.statement)}"


def _kpi_line(entry: KpiGoalEntry) -> str:
    return f"kpi {entry.id}{_titled(entry.title)}: {_flat(entry.measure)}"


def _titled(title: str | None) -> str:
    return f' "{title}"' if title else ""


def _flat(text: str) -> str:
    return " ".join(text.split())
