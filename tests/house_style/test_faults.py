"""The page of faults against the code: every message, metric, reason and test in it exists."""

import re
from pathlib import Path

import pytest

from fabloop.app.metrics import METRICS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/faults.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split(" | ")]
    for line in PAGE.splitlines()
    if "`" in line and ".py::" in line and not re.match(r"\| [a-z]\d \|", line)
]
SOURCE = re.sub(
    r'"\s*\n\s*f?"', "",
    "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")),
)  # fmt: skip
EDGE = (ROOT / "src/fabloop/app/edge/health.py").read_text(encoding="utf-8")


def row_ids(row):
    return row[0][:50]


@pytest.mark.parametrize("row", ROWS, ids=row_ids)
def test_every_fault_has_its_behaviour_message_metric_and_test(row):
    fault, happens, message, metric, test = (cell.strip("|").strip() for cell in row)
    assert fault
    assert happens
    for said in re.findall(r'"([^"]+)"', message):
        assert said.strip() in SOURCE, f"no message says {said!r}"
    for name in re.findall(r"`(fabloop_[a-z_]+)`", metric):
        stream = name.removeprefix("fabloop_edge_stream_").removesuffix("_total")
        assert name in METRICS or f'"{stream}"' in EDGE, f"no metric {name}"
    for reason in re.findall(r"\(`([a-z-]+)`", metric) + re.findall(r", `([a-z-]+)`\)", metric):
        assert f'"{reason}"' in SOURCE or f"}}{reason}" in SOURCE, f"no reason {reason}"
    found = re.findall(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`", test)
    assert found, "no test"
    for file, name in found:
        content = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {name}(" in content, f"{file} has no {name}"


def test_the_page_has_every_fault_and_each_row_five_cells():
    assert len(ROWS) > 30
    assert {len(row) for row in ROWS} == {5}
    for word in ("NaN", "text instead", "unit", "rolls over", "reset", "ahead", "jumps back",
                 "twice", "sequence", "ten times", "disk is full", "broker", "slow consumer",
                 "certificate", "two sources", "it says that it produces"):  # fmt: skip
        assert any(word in row[0] for row in ROWS), f"{word} is not told"


NO_FAULTS = {"fabloop_source_readings_total", "fabloop_kpi_changes_total"}


def test_every_metric_of_refusals_is_in_the_page():
    for name in METRICS:
        if name.endswith("_total") and name not in NO_FAULTS:
            assert f"`{name}`" in PAGE, f"{name} has no fault"


WIRES = ["OPC UA", "MQTT", "Sparkplug B", "HTTP", "Modbus", "files", "edge"]
FAULTS = ("NaN", "text", "unit", "counter", "ahead", "goes back", "late", "twice", "missing",
          "ten times", "slow", "disk is full", "restarts", "certificate", "two sources",
          "lies about")  # fmt: skip
BY_WIRE = PAGE.partition("## Faults by wire")[2].partition("(two-sources-for-one-series)=")[0]
TABLE, TESTS, REASONS = (
    [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in part.splitlines()[2:]]
    for part in re.findall(r"^\|.*(?:\n\|.*)+", BY_WIRE, re.MULTILINE)
)


def test_every_fault_has_a_test_or_a_reason_on_every_wire():
    header = BY_WIRE.partition("| what | ")[2].partition(" |\n")[0].split(" | ")
    assert header == WIRES
    for fault in FAULTS:
        assert sum(fault in row[0] for row in TABLE) == 1, f"{fault} is not told"
    tests, reasons = {row[0] for row in TESTS}, {row[0] for row in REASONS}
    used = set()
    for fault, *cells in TABLE:
        assert len(cells) == len(WIRES), fault
        for cell in cells:
            keys = set(re.findall(r"\b[a-z]\d\b", cell)) or {cell}
            assert keys <= (reasons if cell in reasons else tests), f"{fault}: {cell}"
            used |= keys
    assert used == tests | reasons


@pytest.mark.parametrize("row", TESTS, ids=lambda row: row[0])
def test_a_test_of_a_wire_is_there(row):
    ((file, name),) = re.findall(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`", row[1])
    assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
