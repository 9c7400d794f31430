"""How good schedules of public problems are: flexible job shops and process plans with options.

Run ``python bench/fjsp.py [--full | --open | PATTERN ...] [--cpu S] [--workers N] [--alone]``.
Without arguments: four of Brandimarte's problems and all of Kim's, 10 CPU seconds each, PyJobShop
beside ours on the first. ``--full`` is Brandimarte's ten at 40 CPU seconds and Kim's at 20;
``--open`` the other flexible sets; a pattern such as ``'la*_vdata'`` what it matches. ``--alone``
leaves PyJobShop out. Problems are found under ``FABLOOP_DATA``.

CPU seconds are those of all threads, since the machine may be shared. PyJobShop takes wall time
only, so that it is stopped by the same watch on CPU time as ours.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import ortools

from fabloop.app.scheduling import solve_within
from fabloop.plan.shop.answer import Outcome
from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.formats.read import read_shop

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "planning"
BRANDIMARTE = [f"mk{number:02}" for number in range(1, 11)]
SOME = ["mk01", "mk03", "mk05", "mk07"]
PEER = "--peer"


class Known(msgspec.Struct, frozen=True):
    """The best bounds known of an instance."""

    lower: float
    upper: float


class Row(msgspec.Struct, frozen=True):
    """What one solver found."""

    value: int
    bound: int
    cpu_s: float

    @property
    def proven(self) -> bool:
        """Return whether value and bound meet."""
        return self.value <= self.bound

    def told(self) -> str:
        """Return it for the table."""
        mark = "*" if self.proven else " "
        return f"{self.value:>6}{mark} {self.bound:>6} {self.cpu_s:>6.1f}"


def known() -> dict[str, Known]:
    """Return what the lists beside the problems say."""
    found = {}
    for each in json.loads((DATA / "fjsp/MANIFEST.json").read_text())["instances"]:
        found[each["instance"]] = Known(each["lower_bound"], each["upper_bound"])
    plans = json.loads((DATA / "ipps_kim/MANIFEST.json").read_text())["problems"]
    for name, each in plans.items():
        found[name] = Known(each["lower_bound"], each["upper_bound"])
    return found


def ours(path: Path, cpu_s: float, workers: int) -> Row:
    """Solve by fabloop, and check what came out."""
    shop = read_shop(path.read_bytes(), path.name)
    timed = solve_within(shop, cpu_s, workers=workers)
    assert timed.answer.schedule is not None
    assert violations(shop, timed.answer.schedule) == ()
    assert timed.answer.outcome in (Outcome.PROVEN, Outcome.FOUND)
    return Row(timed.answer.values[0], timed.answer.bounds[0], timed.cpu_s)


def theirs(path: Path, cpu_s: float, workers: int) -> Row | None:
    """Solve by PyJobShop in a process of its own, which ends when its CPU time is spent."""
    command = [sys.executable, __file__, PEER, str(path), str(cpu_s), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1])
        return None
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Row)


def peer(path: Path, cpu_s: float, workers: int) -> None:
    """Be the process that runs PyJobShop; prints one row as JSON."""
    from ortools.sat.python.cp_model import CpSolver
    from pyjobshop import Model

    shop = read_shop(path.read_bytes(), path.name)
    model = Model()
    machines = [model.add_machine() for _ in shop.resources]
    jobs = [model.add_job() for _ in shop.jobs]
    tasks = [model.add_task(job=jobs[each.job]) for each in shop.tasks]
    for task, made in zip(shop.tasks, tasks, strict=True):
        for mode in task.modes:
            used = [machines[use.resource] for use in mode.uses]
            model.add_mode(made, used, mode.ticks)
    for arc in shop.arcs:
        model.add_end_before_start(tasks[arc.before], tasks[arc.after])
    solvers: list[CpSolver] = []
    solve = CpSolver.solve

    def noted(self: CpSolver, *arguments: object, **named: object) -> object:
        solvers.append(self)
        return solve(self, *arguments, **named)

    CpSolver.solve = CpSolver.Solve = noted
    begun, over = time.process_time(), threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            if time.process_time() - begun > cpu_s:
                for each in solvers:
                    each.stop_search()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    result = model.solve(solver="ortools", time_limit=100 * cpu_s, display=False,
                         num_workers=workers)  # fmt: skip
    over.set()
    bound = int(-(-(result.lower_bound - 1e-6) // 1))
    row = Row(round(result.objective), bound, time.process_time() - begun)
    print(msgspec.json.encode(row).decode())


def table(title: str, files: list[Path], cpu_s: float, workers: int, *, beside: bool) -> None:
    """Print a line for each problem, and what they are together."""
    print(f"\n{title}: {cpu_s:g} CPU s each, {workers} workers; * is proven")
    peers = f"   {'PyJobShop':>6} {'bound':>6} {'CPU s':>6}" if beside else ""
    print(f"{'':<14} {'best known':>13}   {'ours':>6}  {'bound':>6} {'CPU s':>6}{peers}")
    best = known()
    columns: dict[str, list[tuple[Row, Known]]] = {"ours": [], "PyJobShop": []}
    for file in files:
        limits = best[file.stem]
        mine = ours(file, cpu_s, workers)
        columns["ours"].append((mine, limits))
        line = f"{file.stem:<14} {limits.lower:>6.0f} {limits.upper:>6.0f}   {mine.told()}"
        if beside:
            other = theirs(file, cpu_s, workers)
            if other is not None:
                columns["PyJobShop"].append((other, limits))
                line += f"   {other.told()}"
        print(line, flush=True)
    for name, rows in columns.items():
        if rows:
            print(summary(name, rows))


def summary(name: str, rows: list[tuple[Row, Known]]) -> str:
    """Return how many are proven, and how far all are from the best known and from the bound."""
    proven = sum(row.proven for row, _ in rows)
    count = len(rows)
    far = sum(row.value / limits.upper - 1 for row, limits in rows) / count
    gap = sum(1 - row.bound / row.value for row, _ in rows) / count
    spent = sum(row.cpu_s for row, _ in rows)
    told = f"{proven} of {count} proven, {far:.2%} above the best known, own gap {gap:.2%}"
    return f"{name + ':':<11} {told}, {spent:.0f} CPU s"


def files(folder: str, patterns: list[str]) -> list[Path]:
    """Return the problems of a folder that match."""
    found = sorted(each for each in (DATA / folder).glob("*.*") if each.stem != "MANIFEST")
    return [each for each in found if any(fnmatch(each.stem, one) for one in patterns)]


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--cpu", type=float)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, OR-Tools {ortools.__version__}")
    if not DATA.is_dir():
        print(f"{DATA}: no problems there; set FABLOOP_DATA.")
        return
    beside, workers = not given.alone, given.workers
    if given.patterns:
        chosen = files("fjsp", given.patterns) + files("ipps_kim", given.patterns)
        table("Chosen", chosen, given.cpu or 10.0, workers, beside=False)
    elif given.open:
        others = [each for each in files("fjsp", ["*"]) if each.stem not in BRANDIMARTE]
        table("Other flexible sets", others, given.cpu or 10.0, workers, beside=False)
    else:
        names = BRANDIMARTE if given.full else SOME
        spent = given.cpu or (40.0 if given.full else 8.0)
        table("Brandimarte", files("fjsp", names), spent, workers, beside=beside)
        table("Kim, process plans with options", files("ipps_kim", ["*"]),
              given.cpu or (20.0 if given.full else 4.0), workers, beside=False)  # fmt: skip
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"\n{used.ru_utime + used.ru_stime:.0f} CPU s, {used.ru_maxrss / 1024:.0f} MiB at most")


if __name__ == "__main__":
    if sys.argv[1:2] == [PEER]:
        peer(Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
