"""Published counts, bounds and verdicts of the Model Checking Contest's coloured nets.

Every net is read, or refused by name. Those whose published arcs are within `FABLOOP_MCC_ARCS`
(200,000) are explored to the end: markings, arcs, bounds, deadlocks and dead transitions.
`FABLOOP_MCC_TABLE` names a file for the table of what became of each net.
"""

import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from fabloop.base.errors import Invalid
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.verify.explore import explore
from fabloop.process.verify.flat import FlatPlace, Limits
from fabloop.process.verify.report import flat_net, verify_net

NETS = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "nets"
ARCS_MAX = int(os.environ.get("FABLOOP_MCC_ARCS", "200_000"))


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
def test_counts_bounds_and_verdicts_are_those_published(case, table):
    start = time.process_time()
    net = compile_net(read(case))
    report = verify_net(net, counted=True)
    took = time.process_time() - start
    wrong = [*counted(case, report), *bounded(case, net)]
    table[case["model"]] = (
        f"{'DIFFERENT: ' + ', '.join(wrong) if wrong else 'equal'}: {report.markings} markings, "
        f"{report.arcs} arcs, {took:.2f} s; explored: {report.explored}"
    )
    assert report.exhaustive
    assert not wrong


def own_places(known):
    """Return what is known by place, without the places that reading PNML adds: all of a sort."""
    return [(name, what) for name, what in known.items() if not name.startswith("every ")]


def counted(case, report):
    """Yield what differs of the counts, and of the verdicts that a report tells."""
    found = {
        "states": str(report.markings),
        "transitions": str(report.arcs),
        "deadlock": str(report.dead_markings > 0).upper(),
        "quasi_live": str(not report.dead_transitions).upper(),
        "one_safe": str(max(most for _, most in own_places(report.bounds)) <= 1).upper(),
    }
    yield from (f"{name} {value}" for name, value in found.items() if value != case[name])


def bounded(case, net):
    """Yield what differs of the published bounds, which are of unfolded places."""
    flat = flat_net(net, Limits())
    known = own_places({place.name: place.fields for place in flat.places})
    own = tuple(field for _, fields in known for field in fields)
    places = [FlatPlace(str(field), (field,)) for field in own]
    places.append(FlatPlace("all", own))
    *each, every = explore(msgspec.structs.replace(flat, places=tuple(places)), Limits()).peaks
    found = {"max_token_in_place": str(max(each)), "max_token_per_marking": str(every)}
    yield from (f"{name} {value}" for name, value in found.items() if value != case[name])
