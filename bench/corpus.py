"""Prints how many models drawn for other engines deploy, and why the others are refused.

Run: ``python bench/corpus.py [--list] [FOLDER ...]``; without folders, the public models under
``FABLOOP_DATA``. ``--list`` names every refused file with its first reason.

A file counts as *foreign* when what it asks for is code or a product that is not BPMN, FEEL or a
job that a worker could take over (`FOREIGN`); as *faulty* when its own name says that it was drawn
to be refused. Both are judged from the text of the file alone, not from what fabloop does with it.
"""

import os
import re
import sys
import traceback
from collections import Counter
from pathlib import Path

import msgspec

from fabloop.base.errors import FabloopError, Invalid
from fabloop.process.bpmn.read import read_processes
from fabloop.process.deployment import Deployment, definition_of

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data"))
FOLDERS = ("bpmn-operaton", "bpmn-miwg")
NS = r"(?:camunda|operaton|activiti|flowable|fox)"
CALL = r"\w+(?:\.\w+)*\.(?!equals\b|toString\b|length\b|size\b|getVariable\b)\w+\s*\("

FOREIGN = {
    "script in another language": r'scriptFormat="(?!feel"|juel")[^"]*"',
    "script as a resource": rf'(?:{NS}:|\s)resource="',
    "condition in another language": r'<\w*:?condition\w*[^>]*\slanguage="(?!feel|juel)',
    "Java method in an expression": rf"(?<!expression=.)(?<!Expression=.)[$#]\{{[^}}]*{CALL}",
    "engine object in an expression": (
        r"[$#]\{[^}]*\b(?:(?:execution|task)\b(?!\.getVariable)|authenticatedUserId)"
    ),
    "listener without a class or bean": rf"<{NS}:(?:execution|task)Listener[^>]*>\s*<{NS}:script",
    "listener of a flow": rf'<{NS}:executionListener[^>]*event="take"',
    "task listener for assignment, update, deletion or time": (
        rf'<{NS}:taskListener[^>]*event="(?:assignment|update|delete|timeout)"'
    ),
    "case (CMMN)": rf"{NS}:caseRef",
    "variables mapped by Java code": rf"{NS}:variableMapping(?:Class|DelegateExpression)",
}
"""Features that only their own engine can carry out, found in the text of a file."""

FAULTY = re.compile(
    r"invalid|missing|without(?!out)|wrong|notallowed|exception|fail(?!ed?job|jobretry)|unresolvable"
    r"|unknown|duplicate|multiplenone|nostart|illegal|incorrect|throwserror|parseerror|unsupported"
    r"|notsupported|nonexist|notexist|undefined|nonunique|ambiguous",
    re.IGNORECASE,
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file."""

    file: str
    deployed: bool
    crashed: bool = False
    reasons: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    faulty: bool = False


def tried(file: Path) -> Outcome | None:
    """Deploy one file; None for a decision model."""
    data = file.read_bytes()
    text = data.decode("utf-8", errors="replace")
    if "/DMN/" in text[:2000] and "BPMN/20100524/MODEL" not in text[:2000]:
        return None
    foreign = tuple(
        name for name, pattern in FOREIGN.items() if re.search(pattern, text, re.DOTALL)
    )
    reasons: tuple[str, ...] = ()
    crashed = False
    try:
        processes, lines = read_processes(data)
        for process in processes:
            definition_of(Deployment(process, ()), 0, lines)
    except Invalid as error:
        reasons = tuple(fault.sentence() for fault in error.faults)
    except FabloopError as error:
        reasons = (str(error),)
    except Exception:  # noqa: BLE001  # to be counted, whatever it is
        crashed = True
        reasons = (traceback.format_exc(),)
    return Outcome(
        file=str(file),
        deployed=not reasons,
        crashed=crashed,
        reasons=reasons,
        foreign=foreign,
        faulty=bool(FAULTY.search(file.name)),
    )


def kind(reason: str) -> str:
    """Return a reason without what is particular to its file."""
    text = reason.partition("Expected ")[2] or reason
    return re.sub(r"'[^']*'|\d+", "…", text)[:110]


def share(outcomes: list[Outcome]) -> str:
    """Return how many of them were deployed."""
    good = sum(each.deployed for each in outcomes)
    return f"{good} of {len(outcomes)} ({good / max(1, len(outcomes)):.1%})"


def report(name: str, outcomes: list[Outcome], decisions: int) -> None:
    """Print the figures of one folder."""
    refused = [each for each in outcomes if not each.deployed]
    plain = [each for each in outcomes if not each.foreign]
    meant = [each for each in plain if not each.faulty]
    print(f"\n{name}: {len(outcomes)} process models, {decisions} decision models beside them")
    print(f"  deployed                                  {share(outcomes)}")
    print(f"  refused with a reason                     {len(refused)}")
    print(f"  ended in an unexpected error              {sum(each.crashed for each in outcomes)}")
    print(f"  deployed, of those not foreign            {share(plain)}")
    print(f"  ... and not drawn to be refused           {share(meant)}")
    print("  files with foreign features:")
    for feature, count in Counter(one for each in outcomes for one in each.foreign).most_common():
        print(f"    {count:5}  {feature}")
    print("  reasons, by refused files:")
    reasons = Counter(one for each in refused for one in {kind(reason) for reason in each.reasons})
    for reason, count in reasons.most_common(40):
        print(f"    {count:5}  {reason}")


def main(arguments: list[str]) -> int:
    """Print the figures of each folder; ends with 1 where a file ended in an unexpected error."""
    listed = "--list" in arguments
    folders = [Path(each) for each in arguments if each != "--list"]
    crashes = 0
    for folder in folders or [DATA / each for each in FOLDERS]:
        files = sorted(each for each in folder.rglob("*") if each.suffix in (".bpmn", ".xml"))
        if not files:
            print(f"{folder}: no models there; set FABLOOP_DATA.")
            continue
        outcomes = [outcome for file in files if (outcome := tried(file)) is not None]
        report(str(folder), outcomes, len(files) - len(outcomes))
        crashes += sum(each.crashed for each in outcomes)
        for each in outcomes if listed else ():
            if not each.deployed:
                marks = "foreign " * bool(each.foreign) + "faulty " * each.faulty
                print(f"{marks or 'PLAIN '}{Path(each.file).name}")
                for reason in each.reasons[:3]:
                    print(f"      {reason}")
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
