"""An assembly shop of processes: a cloud, a choreographer, executors, application systems."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

from fabloop.adapters.arrowhead.authority import make_authority
from fabloop.adapters.arrowhead.profiles import CloudName, Generation, Profile
from fabloop.app.processes.clocks import WallClock

DEADLINE_S = 120.0
COMMAND = [sys.executable, "-c", "from fabloop.cli import main; main()", "cloud"]


class Worker:
    """A command that runs, and the JSON lines that it has printed so far."""

    def __init__(self, arguments, log):
        self.log = log
        self._errors = log.open("w")
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=self._errors,
            text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self.said = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        text = ""
        for line in self.process.stdout:
            text += line
            try:
                told = json.loads(text)
            except ValueError:
                continue
            text = ""
            with self._changed:
                self.said.append(told)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, what, told):
        """Return the first thing said of which `told` is true."""
        until = time.monotonic() + DEADLINE_S
        with self._changed:
            while True:
                found = next((each for each in self.said if told(each)), None)
                if found is not None:
                    return found
                left = until - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(
                        f"waited in vain for {what}; said: {self.said[-20:]}; "
                        f"errors: {self.log.read_text()[-2000:]}"
                    )
                self._changed.wait(min(left, 0.5))

    def url(self):
        """Return where it listens."""
        told = self.wait_for("an address", lambda each: "url" in each or "urls" in each)
        return told["url"] if "url" in told else told["urls"][0]

    def messages(self, name):
        return [each for each in self.said if each.get("name") == name and "step" in each]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Ask it to end, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def exit_code(self):
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            self._reader.join(10)
            self.process.stdout.close()
            self._errors.close()


class AssemblyShop:
    """Starts processes of a local cloud with certificates, and ends all of them."""

    def __init__(self, folder):
        self.folder = folder
        self.now = WallClock().now()
        name = CloudName(cloud="assembly-shop", organization="car-maker")
        self.pki = make_authority(folder / "pki", name, Generation.FIVE, self.now)
        self.workers = []
        self.cloud = self._start(
            "serve", "--data", folder / "cloud", "--policy", "certificate", "--port", 0,
            "--certificate", self.issue("LocalCloud"), "--trust", self.pki.trust,
        )  # fmt: skip
        try:
            self.url = self.cloud.url()
        except AssertionError:
            self.close()
            raise

    def issue(self, name, profile=Profile.SYSTEM):
        return self.pki.issue(name, self.now, profile=profile, addresses=("127.0.0.1", "localhost"))

    def system(self, name, service, takes):
        return self._member(name, "simulate", "--service", service, "--takes", takes, "--beat", 0.2)

    def executor(self, name, services, choreographer):
        given = [part for each in services for part in ("--service", each)]
        return self._member(
            name, "executor", *given, "--choreographer", choreographer, "--simulated"
        )

    def run(self, recipe, order, *, patience, port=0):
        file = self.folder / "recipe.json"
        file.write_bytes(recipe)
        return self._member(
            "Choreographer", "run", file, "--order", order, "--patience", patience,
            "--store", self.folder / "store", "--port", port, profile=Profile.OPERATOR,
        )  # fmt: skip

    def _member(self, name, *arguments, profile=Profile.SYSTEM):
        return self._start(
            *arguments, "--cloud", self.url, "--certificate", self.issue(name, profile),
        )  # fmt: skip

    def _start(self, *arguments):
        log = self.folder / f"{len(self.workers)}-{arguments[0]}.log"
        worker = Worker([*arguments, "--json"], log)
        self.workers.append(worker)
        return worker

    def close(self):
        for each in self.workers:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGTERM)
        for each in self.workers:
            try:
                each.process.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()
            each.exit_code()
