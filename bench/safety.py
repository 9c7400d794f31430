"""How long a signal that has fallen still permits a command, measured over a real controller.

Run ``python bench/safety.py [--falls 50]``. A simulated safety controller in a process of its own
is asked over Modbus TCP while commands are judged without a pause. Each time a signal falls, the
last command that was permitted is compared with the moment at which the controller's program had
the fall, by its own log. Printed for controllers that tell only, and for those that decide.

Then the machine is some milliseconds away, as over a wire, and what counts is when it last began a
command: once as it comes, once where it checks the permit at the controller when it arrives.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fabloop.app.safety.controller import Given, Shown
from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.safety.permit_check import PermitCheck, write_rules, written_rules
from fabloop.base.instant import SECOND
from fabloop.model.ids import ControllerId, OperationName, SignalId, WorkUnitId
from fabloop.model.safety import (
    Permissive,
    Required,
    SafetyController,
    SafetyRules,
    SafetySignal,
    Target,
)
from fabloop.run.permissives import Permitted
from fabloop.run.permits import permits_text

MS = 1_000_000
CELL, CLAMPED = ControllerId("cell"), SignalId("cell/clamped")
PRESS = Target(work_unit=WorkUnitId("press"), operation=OperationName("press"))
HEARTBEAT_NS = FRESH_NS = 8 * SECOND
"""By itself it is asked once a second, and what it told would be good for long."""


def main() -> int:
    """Measure both kinds and print a line for each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--falls", type=int, default=50)
    asked.add_argument("--away-ms", type=float, default=20.0)
    given = asked.parse_args()
    falls = given.falls
    for decides in (False, True):
        late_ms, judged_ms = measured(falls, decides=decides)
        worst, middle = max(late_ms), statistics.median(late_ms)
        kind = "decides itself" if decides else "tells only    "
        took_ms = statistics.median(judged_ms)
        print(
            f"controller {kind}: permitted after the fall median {middle:.1f} ms, "
            f"longest {worst:.1f} ms of {falls}; a verdict takes {took_ms:.2f} ms"
        )
    for checks in (False, True):
        machine = Machine(away_s=given.away_ms / 1e3, checks=checks)
        late_ms, took = measured(falls, decides=True, machine=machine)
        worst, middle = max(late_ms), statistics.median(late_ms)
        kind = "checks permits" if checks else "does as it is told"
        print(
            f"machine {given.away_ms:g} ms away {kind}: begun after the fall median {middle:.1f} "
            f"ms, longest {worst:.1f} ms of {falls}; to its begin {statistics.median(took):.1f} ms"
        )
    return 0


class Machine:
    """Begins what comes, some time after it was sent; with `checks` only on a permit that stands.

    It has an event loop of its own: a machine is no part of whoever commands it.
    """

    def __init__(self, *, away_s: float, checks: bool) -> None:
        self._away_s = away_s
        self._checks = checks
        self._check: PermitCheck | None = None
        self._loop = asyncio.new_event_loop()
        self._commands = 0

    def wired(self, folder: Path, rules: SafetyRules) -> None:
        """Know the controller."""
        write_rules(folder / "rules.json", rules)
        self._check = PermitCheck(folder / "rules.json", written_rules) if self._checks else None

    def begins(self, verdict: Permitted) -> bool:
        """Tell whether it begins a command."""
        time.sleep(self._away_s)
        self._commands += 1
        if self._check is None:
            return True
        carried, key = permits_text(verdict.permits), str(self._commands)
        return not self._loop.run_until_complete(self._check.against(PRESS, carried, key))


def measured(
    falls: int, *, decides: bool, machine: Machine | None = None
) -> tuple[list[float], list[float]]:
    """Return how long after each fall the last command was permitted or begun, and what it took."""
    late: list[float] = []
    took: list[float] = []
    with tempfile.TemporaryDirectory(prefix="fabloop-safety-") as name:
        folder = Path(name)
        log = folder / "log"
        with (
            _controller(log) as (url, panel),
            SafetyGuard(_rules(url, decides=decides), folder) as guard,
        ):
            guard.wait_until_seen()
            if machine is not None:
                machine.wired(folder, guard.rules)
            for number in range(falls):
                early_s = 0.1 + 0.05 * (number * 0.618 % 1)  # falls lie anywhere between readings
                late.append(_fall(guard, panel, log, took, early_s, machine))
    return late, took


def _fall(
    guard: SafetyGuard,
    panel: "subprocess.Popen[str]",
    log: Path,
    took: list[float],
    early_s: float,
    machine: Machine | None,
) -> float:
    last, over = [0], threading.Event()

    def command() -> None:
        while not over.is_set():
            begun = time.monotonic_ns()
            verdict = guard.judge(PRESS)
            permitted = isinstance(verdict, Permitted)
            if machine is not None and isinstance(verdict, Permitted):
                permitted = machine.begins(verdict)
            took.append((time.monotonic_ns() - begun) / MS)
            if permitted:
                last[0] = time.time_ns()  # noqa: TID251  # compared with the controller's own log

    commanding = threading.Thread(target=command)
    commanding.start()
    time.sleep(early_s)
    _does(panel, "open clamped")
    fell = _shown(log, signals=0)
    time.sleep(0.15)
    over.set()
    commanding.join()
    _does(panel, "close clamped")
    _shown(log, signals=1)
    return max(0.0, (last[0] - fell.at) / MS)


def _rules(url: str, *, decides: bool) -> SafetyRules:
    cell = SafetyController(
        id=CELL, label="Cell", url=url, heartbeat_ns=HEARTBEAT_NS, stop_within_ns=SECOND,
        decides=decides, signals=(SafetySignal(id=CLAMPED, label="clamped", bit=0),),
    )  # fmt: skip
    required = (Required(signal=CLAMPED, fresh_ns=FRESH_NS),)
    press = Permissive(work_unit=WorkUnitId("press"), requires=required)
    return SafetyRules(controllers={CELL: cell}, permissives=(press,))


@contextmanager
def _controller(log: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    given = Given(bits={"clamped": 0}, closed=("clamped",), watchdog_ns=60 * SECOND, log=str(log))
    environment = {**os.environ, "FABLOOP_CONTROLLER": msgspec.json.encode(given).decode()}
    process = subprocess.Popen(
        [sys.executable, "-m", "fabloop.app.safety.controller"], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.wait()


def _does(panel: "subprocess.Popen[str]", word: str) -> None:
    assert panel.stdin is not None
    assert panel.stdout is not None
    panel.stdin.write(word + "\n")
    panel.stdin.flush()
    panel.stdout.readline()


def _shown(log: Path, *, signals: int) -> Shown:
    while True:
        lines = log.read_bytes().splitlines(keepends=True) if log.exists() else []
        if lines and lines[-1].endswith(b"\n"):
            row = msgspec.json.decode(lines[-1], type=Shown)
            if row.signals == signals:
                return row
        time.sleep(0.002)


if __name__ == "__main__":
    sys.exit(main())
