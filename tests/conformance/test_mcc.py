"""Published numbers of markings and arcs of the Model Checking Contest's coloured nets.

Every net is read, or refused by name. Those whose published arcs are within `FABLOOP_MCC_ARCS` are
explored to the end. `FABLOOP_MCC_TABLE` names a file for the table of what became of each net.
"""

import json
import os
import time
from pathlib import Path

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.verify.explore import explore
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import flat_net

NETS = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "nets"
ARCS_MAX = int(os.environ.get("FABLOOP_MCC_ARCS", "500_000"))


def published():
    manifest = NETS / "manifest.json"
    return json.loads(manifest.read_text())["mcc"] if manifest.exists() else []


CASES = [each for each in published() if (NETS / each["file"]).exists()]
TRIED = [each for each in CASES if each["transitions"] and float(each["transitions"]) <= ARCS_MAX]

if not CASES:
    pytest.skip(f"no nets of the contest at {NETS} (set FABLOOP_DATA)", allow_module_level=True)


@pytest.fixture(scope="module")
def table():
    rows = {case["model"]: "not tried: too many arcs, or none published" for case in CASES}
    yield rows
    if "FABLOOP_MCC_TABLE" in os.environ:
        text = "".join(f"| {model} | {what} |\n" for model, what in rows.items())
        Path(os.environ["FABLOOP_MCC_TABLE"]).write_text(f"| net | found |\n|---|---|\n{text}")


def read(case):
    return read_pnml((NETS / case["file"]).read_bytes(), case["file"])


def refusals():
    for case in CASES:
        try:
            compile_net(read(case))
        except Invalid as invalid:
            yield case["model"], invalid.faults


def test_every_net_is_read_or_refused_by_element_and_line(table):
    refused = dict(refusals())
    for model, faults in refused.items():
        table[model] = f"refused: {faults[0].sentence()}"
        assert all(", line " in fault.path for fault in faults)
    assert len(refused) <= len(CASES) // 10


@pytest.mark.parametrize("case", TRIED, ids=lambda case: case["model"])
def test_markings_and_arcs_are_those_published(case, table):
    start = time.process_time()
    net = flat_net(compile_net(read(case)), Limits())
    unfolded = time.process_time()
    found = explore(net, Limits())
    end = time.process_time()
    equal = (found.markings, found.arcs) == (int(case["states"]), int(case["transitions"]))
    table[case["model"]] = (
        f"{'equal' if equal else 'DIFFERENT'}: {found.markings} markings, {found.arcs} arcs, "
        f"{unfolded - start:.2f} s to unfold into {len(net.transitions)} bindings, "
        f"{end - unfolded:.2f} s to explore"
    )
    assert found.complete
    assert equal
