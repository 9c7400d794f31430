"""Real-time behaviour of a process: its priority, its memory limit, a quiet garbage collector."""

import gc
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

STALL_S = 2
"""A real-time process that computes so long without a pause is ended by the system."""
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
"""Environment of group processes: threads of a linear algebra library would disturb each other."""
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**28), "MALLOC_MMAP_THRESHOLD_": str(2**26)}
"""So that memory of arrays stays with the process: to fetch it anew costs a quarter of a bulk."""


class Scheduling(msgspec.Struct, frozen=True, kw_only=True):
    """How a process is scheduled, and what was wanted but not permitted."""

    realtime: bool
    priority: int = 0
    warning: str = ""


def be_realtime(priority: int) -> Scheduling:
    """Ask for SCHED_FIFO; go on without where that is not permitted, and say so."""
    if priority == 0:
        return Scheduling(realtime=False)
    try:
        # Children, if there ever are any, are ordinary processes again.
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError as error:
        return Scheduling(
            realtime=False,
            warning=f"Expected to be permitted SCHED_FIFO priority {priority}, but {error}. Grant "
            "CAP_SYS_NICE or RLIMIT_RTPRIO, or expect bulks to wait for other programs.",
        )
    resource.setrlimit(resource.RLIMIT_RTTIME, (STALL_S * 10**6, 2 * STALL_S * 10**6))
    return Scheduling(realtime=True, priority=priority)


def stay_on(cpus: Sequence[int]) -> str:
    """Run on these processors alone; return why not, or nothing."""
    try:
        if cpus:
            os.sched_setaffinity(0, cpus)
    except OSError as error:
        return f"Expected processors {list(cpus)}, but {error}."
    return ""


def limit_memory(more_mb: int) -> None:
    """Allow so much more address space than the process has taken by now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + more_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def quiet_collector() -> None:
    """Leave what is loaded out of garbage collection, and collect only when told to."""
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(0.001)
