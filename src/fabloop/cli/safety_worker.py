"""``fabloop safety worker``: how a person stands in the running shift."""

import sys
from pathlib import Path

from fabloop.app.demo import resume
from fabloop.app.safety.persons import person_standing
from fabloop.app.sentences import sentence
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.base.instant import iso_of


def worker(folder: Path, person: str, *, as_json: bool) -> ExitCode:
    """Print how a person stands in the running shift."""
    demo = resume(folder)
    try:
        now = demo.house.snapshot.now
        found = person_standing(demo.house.snapshot, person)
    finally:
        demo.close()
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
        return ExitCode.FINE
    sys.stdout.write(f"{found.person}, {iso_of(now)}\n")
    for kind, share in found.used.items():
        sys.stdout.write(f"  {kind}: {share:.0%} of this shift's limit\n")
    for unit, reasons in found.against.items():
        for reason in reasons:
            sys.stdout.write(f"  not at {unit}: {sentence(reason, now)}\n")
    for task in found.tasks:
        word = "yours" if task.given else "not given to you" if task.why else "waits"
        said = " ".join(sentence(reason, now) for reason in task.why)
        sys.stdout.write(
            f"  task {task.job}, {task.operation} at {task.work_unit}: {word}. {said}".rstrip()
            + "\n"
        )
    return ExitCode.FINE
