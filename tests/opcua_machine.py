"""A machine on an OPC UA server in a process of its own, told from a test what it shows."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

from fabloop.adapters.plant_servers.opcua import OpcUaWire
from fabloop.adapters.plant_servers.serve import ServedMachine, serve_unit
from fabloop.adapters.plant_servers.served import (
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.app.safety.permit_check import job_check
from fabloop.base.instant import Instant
from fabloop.sim.plant import PlantBehaviour, SimulatedPlant

START_S_MAX = 60
UNIT = ServedUnit(
    id="mill",
    label="Mill 1",
    equipment_type="milling-centre",
    variables=(
        *(ServedVariable(name=f"load{number}") for number in range(16)),
        ServedVariable(name="power", label="Power", unit="kW", least=0.0, greatest=60.0),
        ServedVariable(name="temperature", unit="°C"),
        ServedVariable(name="parts", kind=ServedKind.COUNTER),
        ServedVariable(name="state", kind=ServedKind.STATE, states=("idle", "working", "broken")),
        ServedVariable(
            name="MachineryItemState",
            kind=ServedKind.STATE,
            states=("NotAvailable", "OutOfService", "NotExecuting", "Executing"),
            text_states=True,
        ),
        ServedVariable(name="current", kind=ServedKind.BULK, samples=5, interval_ns=20_000_000),
    ),
)


class WallClock:
    """Shows the time of this machine."""

    def now(self):
        return Instant(time.time_ns())  # noqa: TID251  # a clock


class OpcUaMachine:
    """Starts, tells, kills and starts again a machine's server; the port stays the same."""

    def __init__(self, folder: Path, *, insecure: bool = False, safety: str = "") -> None:
        self.folder = folder
        self.safety = safety
        self.insecure = insecure
        self.port = 0
        self.url = ""
        self._process = None
        self.start()

    def start(self) -> None:
        """Start the server and wait until it listens."""
        arguments = [
            str(self.folder),
            str(self.port),
            "insecure" if self.insecure else "secure",
            self.safety,
        ]
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the server did not start"
        self.port = int(self.url.split(":")[2].split("/")[0])

    def tell(self, variable: str, *values: float, at: int | None = None, quality: int = 0xC0):
        """Show a value and return once the server has it; returns its time."""
        at = WallClock().now() // 1000 * 1000 if at is None else at
        self.tell_all(
            [ServedValue("mill", variable, Instant(at), tuple(map(float, values)), quality)]
        )
        return at

    def tell_all(self, told: list[ServedValue]) -> None:
        """Show values at once."""
        self._say({"values": msgspec.to_builtins(told)})

    def permit(self, *, allowed: bool) -> None:
        """Say whether jobs may be started."""
        self._say({"permit": allowed})

    def _say(self, what: dict) -> None:
        self._process.stdin.write(msgspec.json.encode(what).decode() + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().strip() == "ok"

    def kill(self) -> None:
        """Kill the server as a power cut would."""
        self._process.kill()
        self._process.wait(START_S_MAX)
        self._process.stdin.close()
        self._process.stdout.close()

    def close(self) -> None:
        """End the server, if it still runs."""
        if self._process.poll() is None:
            self.kill()


def say(line: str) -> None:
    """Write a line for whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(folder: str, port: str, security: str, safety: str) -> None:
    """Serve what comes by standard input, until it ends."""
    waiting: queue.Queue[dict] = queue.Queue()
    state = {"permitted": True, "stopped": False}

    def listen() -> None:
        for line in sys.stdin:
            waiting.put(json.loads(line))
        state["stopped"] = True

    def values(_now: Instant):
        told = []
        with contextlib.suppress(queue.Empty):
            while True:
                what = waiting.get_nowait()
                if "permit" in what:
                    state["permitted"] = what["permit"]
                else:
                    told.extend(msgspec.convert(what["values"], list[ServedValue]))
                answers.append("ok")
        return told

    answers: list[str] = []

    class Answering:
        """A second wire: what is told there is already shown on the first."""

        async def start(self) -> str:
            return ""

        async def publish(self, _values) -> None:
            while answers:
                say(answers.pop())

        async def close(self) -> None:
            return None

    behaviour = PlantBehaviour(duration_spread=0.0, supplier_lots={}, results={})
    threading.Thread(target=listen, daemon=True).start()
    serve_unit(
        ServedMachine(
            unit=UNIT,
            values=values,
            actor=SimulatedPlant(behaviour, seed=1),
            permitted=lambda _: state["permitted"],
            check=job_check(Path(safety)) if safety else None,
        ),
        OpcUaWire(folder=Path(folder), port=int(port), insecure=security == "insecure"),
        clock=WallClock(),
        beside=[Answering()],
        ready=say,
        stopped=lambda: state["stopped"],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
