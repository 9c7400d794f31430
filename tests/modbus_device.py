"""A Modbus device in a process of its own, told from a test what its registers hold."""

import asyncio
import json
import subprocess
import sys
from socket import socket

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

REGISTERS = 200


class ModbusDevice:
    """Starts, tells, kills and starts again a device; the port stays the same."""

    def __init__(self) -> None:
        with socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"modbus://127.0.0.1:{self.port}/1"
        self._process = None
        self.start()

    def start(self) -> None:
        """Start the device and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self.port)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout.readline().strip() == "ready"

    def hold(self, at: int, words: list[int]) -> None:
        """Put words into registers."""
        self._say({"at": at, "words": words})

    def fail(self, code: int) -> None:
        """Answer every request with an exception; 0 ends that."""
        self._say({"fail": code})

    def _say(self, what: dict) -> None:
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().strip() == "ok"

    def kill(self) -> None:
        """Kill the device as a power cut would."""
        self._process.kill()
        self._process.wait(30)
        self._process.stdin.close()
        self._process.stdout.close()

    def close(self) -> None:
        """End the device, if it still runs."""
        if self._process.poll() is None:
            self.kill()


async def main(port: int) -> None:
    """Serve 200 holding registers and what comes by standard input, until it ends."""
    failing = {"code": 0}

    async def action(*_) -> ExcCodes | None:
        return ExcCodes(failing["code"]) if failing["code"] else None

    blank = SimData(0, count=REGISTERS, values=0, datatype=DataType.REGISTERS)
    device = SimDevice(id=1, simdata=[blank], action=action)
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    say("ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        what = json.loads(line)
        code, failing["code"] = failing["code"], 0
        if "words" in what:
            await server.async_setValues(1, 16, what["at"], what["words"])
        failing["code"] = what.get("fail", code)
        say("ok")


def say(line: str) -> None:
    """Write a line for whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
