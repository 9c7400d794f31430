"""A worker in a process of its own: it writes down what it does, and may stand still on request."""

import sys
import time
from pathlib import Path

from fabloop import Worker, worker
from fabloop.app.processes.store import connect

folder, notes, mode = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]


@worker("weld", lease_s=0.3)
def weld(job, seam):
    with notes.open("a") as file:
        file.write(f"{mode} {job.key} {job.attempt}\n")
    if mode == "hangs":
        time.sleep(600)
    return {"by": mode, "seam": seam + 1}


Worker(connect(folder), [weld], name=mode).run()
