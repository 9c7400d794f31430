"""How long a signal that has fallen still permits a command, measured over a real controller.

Run ``python bench/safety.py [--falls 50]``. A simulated safety controller in a process of its own
is asked over Modbus TCP while commands are judged without a pause. Each time a signal falls, the
last command that was permitted is compared with the moment at which the controller's program had
the fall, by its own log. Printed for controllers that tell only, and for those that decide.
"""

import argparse
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

MS = 1_000_000
CELL, CLAMPED = ControllerId("cell"), SignalId("cell/clamped")
PRESS = Target(work_unit=WorkUnitId("press"), operation=OperationName("press"))
HEARTBEAT_NS = FRESH_NS = 8 * SECOND
"""By itself it is asked once a second, and what it told would be good for long."""


def main() -> int:
    """Measure both kinds and print a line for each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--falls", type=int, default=50)
    falls = asked.parse_args().falls
    for decides in (False, True):
        late_ms, judged_ms = measured(falls, decides=decides)
        worst, middle = max(late_ms), statistics.median(late_ms)
        kind = "decides itself" if decides else "tells only    "
        took_ms = statistics.median(judged_ms)
        print(
            f"controller {kind}: permitted after the fall median {middle:.1f} ms, "
            f"longest {worst:.1f} ms of {falls}; a verdict takes {took_ms:.2f} ms"
        )
    return 0


def measured(falls: int, *, decides: bool) -> tuple[list[float], list[float]]:
    """Return how long after each fall the last command was permitted, and what verdicts took."""
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
            for number in range(falls):
                early_s = 0.1 + 0.05 * (number * 0.618 % 1)  # falls lie anywhere between readings
                late.append(_fall(guard, panel, log, took, early_s))
    return late, took


def _fall(
    guard: SafetyGuard, panel: "subprocess.Popen[str]", log: Path, took: list[float], early_s: float
) -> float:
    last, over = [0], threading.Event()

    def command() -> None:
        while not over.is_set():
            begun = time.monotonic_ns()
            permitted = isinstance(guard.judge(PRESS), Permitted)
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
