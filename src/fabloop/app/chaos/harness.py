"""One run under chaos: everything in processes of its own, struck as the plan says, then judged."""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx
import msgspec

from fabloop.app.chaos.judge import commands_that_left, shown_in, verdict
from fabloop.app.chaos.player import DATA, ENVIRONMENT, STOPS, Part, Promised
from fabloop.app.muffin.documents import FOLDER, Bakery, read_bakery
from fabloop.app.muffin.folders import LOG_FILE
from fabloop.app.muffin.play import ROSTER_FILE, MuffinSettings
from fabloop.app.safety.controller import Given, Shown
from fabloop.app.safety.documents import rules_in
from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import ControllerId
from fabloop.model.safety import ControllerState
from fabloop.run.stops import ResetDone
from fabloop.sim.chaos import Blow, Strike, strikes_of

CELL = ControllerId("cell")
SIGNALS = {"guard": 0, "tray-locked": 1}
"""The first one stops the zone when it falls."""
GUARDED = ("dough-line", "liner-printer", "filling-line", "topping-table", "boxing-line")
"""They stand in the cell with the oven, which needs its tray locked as well."""
FRESH, HEARTBEAT_S = "500 ms", 1.0
RUN_S_MAX = 240.0
ATTEND_S = 0.05
FACTS_PER_ORDER = 30
"""About what an order leads to: so far into a week strikes are drawn."""
BLOWS = 10
PLAY = "from fabloop.app.chaos.player import main; main()"
"""Not as a module: the processes of services would each import it again."""
CONTROLLER_LOG = "controller.jsonl"


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How a run under chaos went."""

    seed: int
    breaches: tuple[str, ...]
    struck: Mapping[str, int]
    orders: int
    facts: int
    commands: int
    withheld: int
    wall_s: float


def run(seed: int, folder: Path, *, orders_per_day: Sequence[int] = (0,)) -> Ran:
    """Play one seed in an empty folder; return what broke."""
    started = time.monotonic()
    documents = _documents(folder, orders_per_day)
    settings = MuffinSettings(story="muffin", seed=seed, documents=str(documents), scenario="burnt")
    bakery = read_bakery(documents, settings.scenario, seed)
    with Controller(folder / CONTROLLER_LOG) as controller:
        safety = _safety(folder, controller.url, [each.name for each in bakery.natures])
        part = Part(folder=str(folder), settings=settings, safety=str(safety))
        services = [each.name for each in bakery.natures]
        facts = FACTS_PER_ORDER * len(bakery.orders)
        plan = strikes_of(seed, services, tuple(SIGNALS), facts=facts, count=BLOWS)
        with SafetyGuard(rules_in(safety), folder / STOPS, beats=False) as watch:
            arena = Arena(folder, part, controller, watch)
            arena.fight(plan, started + RUN_S_MAX)
    return _judged(seed, folder, bakery, safety, arena, started)


def _judged(
    seed: int, folder: Path, bakery: Bakery, safety: Path, arena: "Arena", started: float
) -> Ran:
    log = FactLog(folder / DATA / LOG_FILE)
    history = tuple(log.history)
    log.close()
    data, rules = folder / DATA, rules_in(safety)
    breaches = list(arena.breaches)
    shown = shown_in(folder / CONTROLLER_LOG)
    breaches += verdict(history, bakery, arena.promised, data, rules, shown)
    left = commands_that_left(data, [each.name for each in bakery.natures])
    return Ran(
        seed=seed,
        breaches=tuple(breaches),
        struck=arena.struck,
        orders=len(bakery.orders),
        facts=len(history),
        commands=sum(left.values()),
        withheld=sum(type(fact).__name__ == "CallWithheld" for _, fact in history),
        wall_s=round(time.monotonic() - started, 1),
    )


class Controller:
    """The simulated safety controller in its process, and its panel."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._given = Given(
            bits=SIGNALS, closed=tuple(SIGNALS), guards=tuple(SIGNALS)[:1],
            watchdog_ns=int(2 * HEARTBEAT_S * SECOND), stopping_ns=SECOND // 50, log=str(log),
        )  # fmt: skip
        self._panel = threading.Lock()
        self.frozen_until = 0.0
        self.opened: dict[str, float] = {}
        self.broken: dict[str, float] = {}
        self._start()

    def _start(self) -> None:
        given = msgspec.json.encode(self._given).decode()
        self._process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "fabloop.app.safety.controller"],
            env={**os.environ, "FABLOOP_CONTROLLER": given}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None, "it is a pipe"
        self.url = self._process.stdout.readline().strip()
        port = int(self.url.rpartition(":")[2].partition("/")[0])
        self._given = msgspec.structs.replace(self._given, port=port, released=False)

    def does(self, *words: str) -> None:
        """Type words at the panel."""
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        with self._panel:
            for word in words:
                self._process.stdin.write(f"{word}\n")
                self._process.stdin.flush()
                self._process.stdout.readline()

    def cut_power(self) -> None:
        """Kill it and switch it on again; it stands then, and what it shows is nothing until then.

        What it showed last is over with the cut, which its own log cannot say.
        """
        with self._panel:
            self._process.kill()
            self._process.wait()
            now = Instant(time.time_ns())  # noqa: TID251  # the harness keeps the wall's time
            gone = Shown(
                at=now, seen_by=now, state=ControllerState.STOPPED, signals=0, sound=0, beats=False
            )
            with self._log.open("ab") as file:
                file.write(msgspec.json.encode(gone) + b"\n")
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._start()
        self.opened.clear()
        self.broken.clear()
        self.frozen_until = 0.0

    def mend(self) -> bool:
        """Undo what was done for a while; tell whether nothing is amiss any more."""
        now = time.monotonic()
        for amiss, word in ((self.opened, "close"), (self.broken, "mend")):
            for name in [each for each, until in amiss.items() if until <= now]:
                self.does(f"{word} {name}")
                amiss.pop(name, None)  # a power cut forgets all
        if self.frozen_until and self.frozen_until <= now:
            self.does("thaw")
            self.frozen_until = 0.0
        return not (self.opened or self.broken or self.frozen_until)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Arena:
    """A run: the player, who strikes, and a person who looks after the zone."""

    def __init__(
        self, folder: Path, part: Part, controller: Controller, watch: SafetyGuard
    ) -> None:
        self._folder = folder
        self._part = part
        self._controller = controller
        self._watch = watch
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.promised: list[Promised] = []
        self.breaches: list[str] = []
        self.struck: dict[str, int] = {}
        self._http = httpx.Client(timeout=2.0, trust_env=False)

    def fight(self, plan: Sequence[Strike], until_s: float) -> None:
        """Strike as planned until the week is over, and look after the zone all the time."""
        over = threading.Event()
        person = threading.Thread(target=self._attend, args=(over,), daemon=True)
        person.start()
        try:
            waiting = list(plan)
            while self._play(waiting, until_s):
                pass
        finally:
            over.set()
            person.join()
            self._http.close()

    def _play(self, waiting: list[Strike], until_s: float) -> bool:
        """Let the player play until it is killed or done; tell whether it has to go on."""
        player = self._started()
        killed = False
        try:
            while (left := until_s - time.monotonic()) > 0:
                try:
                    line = self._lines.get(timeout=min(left, 1.0))
                except queue.Empty:
                    continue
                if line is None:
                    break
                self.promised.append(msgspec.json.decode(line, type=Promised))
                known = self.promised[-1].first + len(self.promised[-1].sums)
                while waiting and waiting[0].after <= known and not killed:
                    killed = self._strike(waiting.pop(0), player)
            else:
                self.breaches.append(f"The week did not end within {RUN_S_MAX:g} s.")
                return False
        finally:
            _end(player)
            self._reader.join()
        if not killed and player.returncode != 0:
            error = (self._folder / "player.err").read_text()[-2000:]
            self.breaches.append(f"fabloop ended with {player.returncode}: {error}")
        return killed

    def _started(self) -> subprocess.Popen[str]:
        given = msgspec.json.encode(self._part).decode()
        lines: queue.Queue[str | None] = queue.Queue()
        self._lines = lines
        with (self._folder / "player.err").open("ab") as errors:
            player = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-c", PLAY],
                env={**os.environ, ENVIRONMENT: given}, stdout=subprocess.PIPE, stderr=errors,
                text=True,
            )  # fmt: skip

        def read() -> None:
            assert player.stdout is not None, "it is a pipe"
            with player.stdout:
                for line in player.stdout:
                    if line.endswith("\n"):
                        lines.put(line)
            lines.put(None)

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()
        return player

    def _strike(self, strike: Strike, player: subprocess.Popen[str]) -> bool:
        """Do what the plan says; tell whether fabloop was killed by it."""
        self.struck[strike.blow] = self.struck.get(strike.blow, 0) + 1
        until = time.monotonic() + strike.seconds
        match strike.blow:
            case Blow.KILL_FABLOOP:
                player.send_signal(signal.SIGKILL)
                return True
            case Blow.KILL_SERVICE:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._service(strike.whom)["pid"], signal.SIGKILL)
            case Blow.SPOIL:
                seconds = {"slow": strike.seconds, "silent": strike.seconds}.get(strike.how, 0.0)
                body = {"kind": strike.how, "seconds": seconds, "times": strike.times}
                self._post(strike.whom, "/_troubles", body, {})
            case Blow.REPEAT:
                self._repeat(strike.whom)
            case Blow.OPEN_SIGNAL:
                self._controller.opened[strike.whom] = until
                self._controller.does(f"open {strike.whom}")
            case Blow.BREAK_SENSOR:
                self._controller.broken[strike.whom] = until
                self._controller.does(f"break {strike.whom}")
            case Blow.FREEZE:
                self._controller.frozen_until = until + HEARTBEAT_S
                self._controller.does("freeze")
            case Blow.POWER_CUT:
                self._controller.cut_power()
            case Blow.SAFE_STOP:
                self._watch.stop(CELL, by="role 7", why="chaos")
        return False

    def _service(self, name: str) -> dict[str, int]:
        roster = json.loads((self._folder / DATA / ROSTER_FILE).read_bytes())
        found: dict[str, int] = next(each for each in roster if each["name"] == name)
        return found

    def _post(self, name: str, path: str, body: object, headers: dict[str, str]) -> None:
        """Send something to a service; one that is dead just now hears nothing."""
        with contextlib.suppress(httpx.HTTPError):
            url = f"{self._service(name)['url']}{path}"
            self._http.post(url, content=msgspec.json.encode(body), headers=headers)

    def _repeat(self, name: str) -> None:
        """Send the last request that a service took on once more, as a network may."""
        file = self._folder / DATA / f"{name}.jsonl"
        lines = file.read_bytes().splitlines() if file.exists() else []
        if not lines:
            return
        last = json.loads(lines[-1])
        document = json.loads((FOLDER / "services" / f"{name}.json").read_bytes())
        for path, methods in document["paths"].items():
            if methods.get("post", {}).get("operationId") == last["operation"] and "{" not in path:
                headers = {"Idempotency-Key": last["key"], "Fabloop-Story-Time": str(last["at"])}
                self._post(name, path, last["given"], headers)

    def _attend(self, over: threading.Event) -> None:
        """Be the person who releases the zone and ends the stops, one after the other."""
        while not over.wait(ATTEND_S):
            with contextlib.suppress(OSError, ValueError):
                if not self._controller.mend():
                    continue
                view = self._watch.view()
                sight = view.sights.get(CELL)
                if sight is not None and sight.state is ControllerState.STOPPED:
                    self._controller.does("press")
                elif CELL in view.stops and sight is not None:
                    done = self._watch.reset(CELL, by="role 7")
                    if isinstance(done, ResetDone):
                        self.struck["reset"] = self.struck.get("reset", 0) + 1


def _end(player: subprocess.Popen[str]) -> None:
    try:
        player.wait(30)
    except subprocess.TimeoutExpired:
        player.kill()
        player.wait()


def _documents(folder: Path, orders_per_day: Sequence[int]) -> Path:
    """Copy the bakery's documents, with few orders."""
    target = folder / "documents"
    shutil.copytree(FOLDER, target)
    file = target / "story.json"
    story = json.loads(file.read_bytes())
    story["demand"]["orders_per_day"] = list(orders_per_day)
    file.write_text(json.dumps(story))
    return target


def _safety(folder: Path, url: str, services: Sequence[str]) -> Path:
    """Write which signals permit what: the line is guarded, the rest says why it is not."""
    guard = {"signal": "cell/guard", "fresh": FRESH}
    tray = {"signal": "cell/tray-locked", "fresh": FRESH}
    guarded: list[dict[str, object]] = [
        {"service": each, "requires": [guard]} for each in services if each in GUARDED
    ]
    guarded.append({"service": "oven", "only": ["bake"], "requires": [guard, tray]})
    guarded += [
        {"service": each, "free_because": "it stands outside the cell"}
        for each in services
        if each not in (*GUARDED, "oven")
    ]
    guarded += [
        {"service": "oven", "only": [each], "free_because": "it moves nothing"}
        for each in ("slowdown", "overcook", "status", "awaitOven")
    ]
    document = {
        "document": "safety", "version": "1", "@context": "urn:fabloop:context:1:safety",
        "controllers": [{
            "id": CELL, "label": "Oven cell", "url": url, "heartbeat": f"{HEARTBEAT_S} s",
            "confirm_within": FRESH, "decides": True,
            "signals": [
                {"id": name, "label": name, "bit": bit} for name, bit in SIGNALS.items()],
        }],
        "permissives": guarded,
    }  # fmt: skip
    file = folder / "safety.json"
    file.write_text(json.dumps(document))
    return file
