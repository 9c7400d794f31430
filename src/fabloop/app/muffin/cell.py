"""The oven's cell: a safety controller in a process of its own, and the gate that obeys it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec

from fabloop.app.safety.controller import given_of
from fabloop.app.safety.documents import rules_in
from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.safety.permit_check import write_rules
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import Unavailable
from fabloop.model.safety import SafetyRules, Target
from fabloop.run.gate import undeclared
from fabloop.run.permissives import Verdict

SAFETY_FILE = "safety.json"
RULES_FILE = "rules.json"
"""The same rules for the services, which check permits by them."""
CELL = "safety"
"""Folder of the story in which the cell is."""
SEEN_S_MAX = 30.0
_PLAY = "from fabloop.app.safety.controller import main; main()"


class Cell:
    """Guards the machines of the oven's cell between `open` and `close`.

    A simulated controller takes the place of the one that the document declares, at a free port.
    It ends with us, however that happens: its standard input is ours.
    """

    def __init__(self) -> None:
        self._guard: SafetyGuard | None = None
        self._process: subprocess.Popen[str] | None = None

    def judge(self, target: Target) -> Verdict:
        """Judge a command at the moment at which it would leave; none does before `open`."""
        guard = self._guard
        return undeclared(target) if guard is None else guard.judge(target)

    def open(self, document: Path, folder: Path) -> None:
        """Start the controller of a document, and listen to it; stops are kept in the folder.

        Raises
        ------
        Unavailable
            The controller does not begin.
        """
        folder.mkdir(parents=True, exist_ok=True)
        url = self._started(rules_in(document))
        described = msgspec.json.decode(document.read_bytes())
        for each in described["controllers"]:
            each["url"] = url
        (folder / SAFETY_FILE).write_bytes(to_json_pretty(described))
        rules = rules_in(folder / SAFETY_FILE)
        write_rules(folder / RULES_FILE, rules)
        self._guard = SafetyGuard(rules, folder / "stops")
        self._guard.start()
        self._guard.wait_until_seen(SEEN_S_MAX)

    def _started(self, rules: SafetyRules) -> str:
        (controller,) = rules.controllers.values()
        given = msgspec.json.encode(given_of(controller, 0)).decode()
        environment: Mapping[str, str] = {**os.environ, "FABLOOP_CONTROLLER": given}
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-c", _PLAY],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None, "it is a pipe"
        url = self._process.stdout.readline().strip()
        if not url:
            raise Unavailable("Expected the safety controller to begin, but it has ended.")
        return url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._guard is not None:
            self._guard.close()
        process = self._process
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.terminate()
            process.wait()
