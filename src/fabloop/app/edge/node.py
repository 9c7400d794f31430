"""The edge itself: runs what was deployed, looks after the processes, answers the centre."""

import os
import selectors
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from fabloop.app.edge.app import Lane, Manifest
from fabloop.app.edge.config import Configs, Version
from fabloop.app.edge.deployment import DeployedApp, Deployment, Group, check, lanes_of
from fabloop.app.edge.health import AppHealth, Health, LaneHealth
from fabloop.app.edge.hosted import AppState
from fabloop.app.edge.lane_process import LaneProcess
from fabloop.app.edge.latency import Latency
from fabloop.app.edge.link import (
    Configure,
    Configured,
    FactTold,
    Hello,
    Named,
    Report,
    Told,
    from_process,
)
from fabloop.app.edge.probe import manifests_of
from fabloop.app.edge.realtime import Scheduling
from fabloop.app.edge.results import Readings, Results
from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean

WATCH_S = 0.05
END_S = 3.0
PAUSED_NS = 1_000_000_000


class Node:
    """Keeps the processes of a folder's deployment running; `results` take what the apps tell."""

    def __init__(self, folder: Path, results: Results) -> None:
        self.configs = Configs(folder)
        self.results = results
        self._folder = folder.resolve()
        self._since = _now()
        self._lanes: dict[tuple[str, Lane], LaneProcess] = {}
        self._suspended: dict[str, dict[str, str]] = {}
        self._version: Version | None = None
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._changing = threading.RLock()  # changes wait for each other, results for none
        self._ended = threading.Event()
        (self._folder / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
        current = self.configs.current()
        if current is not None:
            self._apply(current, renewed={})
        self._thread = threading.Thread(target=self._watch, name="edge-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End all processes, in order."""
        self._ended.set()
        self._thread.join()
        for each in self._lanes.values():
            each.end(END_S)

    # -- what the centre asks for -----------------------------------------------------------------

    def deploy(
        self, deployment: Deployment, files: dict[str, str], reason: str = "deploy"
    ) -> Version:
        """Check a deployment, keep it as the next version, and run it.

        Parameters
        ----------
        files : text of each file that an app's ``file.py:Class`` names

        Raises
        ------
        Invalid
            With every fault; nothing was changed.
        """
        with self._changing:
            with_code = self._with_code(deployment, files)
            suspended = {group: tuple(found) for group, found in self._suspended.items()}
            return self._put(with_code, reason, suspended)

    def restore(self, number: int) -> Version:
        """Deploy an earlier version again.

        Raises
        ------
        NotFound
            It is not kept.
        """
        return self.deploy(self.configs.version(number).deployment, {}, f"restore {number}")

    def change(
        self,
        group: str,
        app: str,
        *,
        started: bool | None = None,
        settings: dict[str, Any] | None = None,
    ) -> Version:
        """Start or stop an app, or give it other settings; others go on undisturbed.

        Raises
        ------
        NotFound
            There is no such group or app.
        Invalid
            The settings do not fit the app.
        """
        with self._changing:
            deployment = self.current().deployment
            old = _app_of(deployment, group, app)
            new = msgspec.structs.replace(
                old,
                started=old.started if started is None else started,
                settings=old.settings if settings is None else settings,
            )
            verb = "configure" if settings is not None else "start" if started else "stop"
            changed = _with_app(deployment, group, new)
            return self._put(changed, f"{verb} {group}/{app}", {group: (app,)})

    def health(self) -> Health:
        """Return how everything is doing."""
        with self._lock:
            version = self._version
            lanes = tuple(_lane_health(each) for each in self._lanes.values())
            return Health(
                pid=os.getpid(),
                since=self._since,
                at=_now(),
                version=version.version if version else 0,
                lanes=lanes,
                apps=tuple(self._app_healths()),
                results=self.results.health(),
            )

    def forget_latencies(self) -> None:
        """Measure latencies anew from now on."""
        with self._lock:
            for each in self._lanes.values():
                each.handling, each.path = Latency(), Latency()

    def current(self) -> Version:
        """Return what is in force.

        Raises
        ------
        NotFound
            Nothing was deployed yet.
        """
        if self._version is None:
            raise NotFound("Expected a deployment, but found none. Deploy one.")
        return self._version

    # -- versions ---------------------------------------------------------------------------------

    def _put(
        self, deployment: Deployment, reason: str, renewed: Mapping[str, tuple[str, ...]]
    ) -> Version:
        """Check what is wanted, keep it as the next version, and run it."""
        manifests = manifests_of(deployment, self.configs.code)
        check(deployment, manifests)
        nested: dict[str, dict[str, Manifest]] = {}
        for (group, name), manifest in manifests.items():
            nested.setdefault(group, {})[name] = manifest
        with self._lock:
            version = Version(
                version=1 + (self._version.version if self._version else 0),
                at=_now(),
                reason=reason,
                deployment=deployment,
                manifests=nested,
            )
            self.configs.put(version)
            self._apply(version, renewed)
        return version

    def _with_code(self, deployment: Deployment, files: dict[str, str]) -> Deployment:
        """Keep the files that were sent, and note their digests with the apps."""

        def noted(app: DeployedApp) -> DeployedApp:
            text = files.get(app.app.rpartition(":")[0])
            if text is None:
                return app
            return msgspec.structs.replace(app, code=self.configs.keep_code(text.encode()))

        return Deployment(
            groups=tuple(
                msgspec.structs.replace(each, apps=tuple(map(noted, each.apps)))
                for each in deployment.groups
            )
        )

    def _apply(self, version: Version, renewed: Mapping[str, tuple[str, ...]]) -> None:
        """Start, change and end processes so that they are what a version says."""
        self._version = version
        for where, names in renewed.items():
            for each in names:
                self._suspended.get(where, {}).pop(each, None)
        wanted = {
            (group.group, lane): group
            for group in version.deployment.groups
            for lane in lanes_of(version.manifests.get(group.group, {}).values())
        }
        for key in list(self._lanes):
            if key not in wanted or not _same_process(self._lanes[key].group, wanted[key]):
                self._dismiss(self._lanes.pop(key))
        for (name, lane), group in wanted.items():
            slow = f"unix:{self._folder / 'run' / name}.slow"
            fast = group.listen or f"unix:{self._folder / 'run' / name}.sock"
            feeds = slow if lane is Lane.FAST and (name, Lane.SLOW) in wanted else ""
            known = self._lanes.get((name, lane))
            if known is not None and known.feeds != feeds:
                self._dismiss(self._lanes.pop((name, lane)))
            if (name, lane) not in self._lanes:
                address = fast if lane is Lane.FAST else slow
                self._lanes[name, lane] = LaneProcess(group, lane, address, feeds, self._folder)
            self._configure(version, name, renewed.get(name, ()))

    def _configure(self, version: Version, group: str, renewed: tuple[str, ...]) -> None:
        for (name, _), each in self._lanes.items():
            if name == group:
                found = next(g for g in version.deployment.groups if g.group == name)
                suspended = self._suspended.get(name, {})
                each.configure(Configure(version.version, found, suspended, renewed))

    def _dismiss(self, lane: LaneProcess) -> None:
        if lane.link is not None:
            self._selector.unregister(lane.link)
        lane.end(END_S)

    # -- looking after the processes --------------------------------------------------------------

    def _watch(self) -> None:
        looked_ns = time.monotonic_ns()
        while not self._ended.is_set():
            ready = self._selector.select(WATCH_S) if self._selector.get_map() else []
            if not ready and not self._selector.get_map():
                self._ended.wait(WATCH_S)
            with self._lock:
                if time.monotonic_ns() - looked_ns > PAUSED_NS:
                    self._forgive()
                looked_ns = time.monotonic_ns()
                for key, _ in ready:
                    lane: LaneProcess = key.data
                    if lane.link is key.fileobj:
                        self._hear(lane)
                for lane in self._lanes.values():
                    self._look_after(lane)

    def _forgive(self) -> None:
        """We did not look for a while (the computer slept, say), so nobody was silent to us."""
        for each in self._lanes.values():
            each.heard()

    def _hear(self, lane: LaneProcess) -> None:
        assert lane.link is not None, "it was registered"
        try:
            received = lane.link.recv(2**18)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._selector.unregister(lane.link)
            lane.link.close()
            lane.link = None
            lane.kill("")
            return
        for body in lane.words.of(received):
            match from_process(body):
                case Hello() as hello:
                    lane.hello = hello
                    self._configure_one(lane)
                case Configured() as configured:
                    lane.configured = configured
                case Named() as named:
                    lane.names[named.number] = named
                case Told() as told:
                    named = lane.names[told.names]
                    self.results.keep(
                        Readings(
                            app=named.app,
                            machine=named.machine,
                            names=named.names,
                            at=told.at,
                            values=told.values,
                            qualities=told.qualities,
                        )
                    )
                case FactTold() as told:
                    self.results.keep(told)
                case Report() as report:
                    lane.heard(report)
                    self._note_suspended(lane, report)
        lane.heard()

    def _configure_one(self, lane: LaneProcess) -> None:
        version = self.current()
        suspended = self._suspended.get(lane.group.group, {})
        lane.tell(Configure(version.version, lane.group, suspended, ()))

    def _note_suspended(self, lane: LaneProcess, report: Report) -> None:
        """Remember who is stopped, so that it stays so if the process has to begin anew."""
        known = self._suspended.setdefault(lane.group.group, {})
        if report.version == self.current().version:
            known |= {e.app: e.reason for e in report.apps if e.state == AppState.SUSPENDED}

    def _look_after(self, lane: LaneProcess) -> None:
        if lane.is_stuck():
            lane.kill("it was silent for too long")
        ended = lane.reap()
        if ended is not None:
            self._blame(lane, *ended)
        if lane.is_due:
            self._selector.register(lane.start(), selectors.EVENT_READ, lane)

    def _blame(self, lane: LaneProcess, app: str, why: str) -> None:
        lane.ends.append(why)
        if not app:
            return
        stalled = "without a pause" in why or "silent" in why
        if stalled or lane.crashed_too_often(app):
            self._suspended.setdefault(lane.group.group, {})[app] = (
                f"Expected the app to leave its process alive, but {why} while the app's code ran. "
                "Mend the app, then start it again."
            )

    # -- health -----------------------------------------------------------------------------------

    def _app_healths(self) -> Iterator[AppHealth]:
        if self._version is None:
            return
        reports = {
            (each.group.group, app.app): app
            for each in self._lanes.values()
            if each.report is not None
            for app in each.report.apps
        }
        faults = {
            (each.group.group, app): found
            for each in self._lanes.values()
            if each.configured is not None
            for app, found in each.configured.faults.items()
        }
        for group in self._version.deployment.groups:
            for app in group.apps:
                key = group.group, app.name
                report = reports.get(key)
                state, reason = "starting", ""
                if not app.started:
                    state = "stopped"
                elif key in faults:
                    state, reason = "faulty", "; ".join(each.sentence() for each in faults[key])
                elif app.name in self._suspended.get(group.group, {}):
                    state, reason = "suspended", self._suspended[group.group][app.name]
                elif report is not None:
                    state, reason = report.state, report.reason
                yield AppHealth(
                    group=group.group, app=app.name, machine=app.machine, kind=app.app,
                    state=state, reason=reason,
                )  # fmt: skip


def _lane_health(lane: LaneProcess) -> LaneHealth:
    hello, report = lane.hello, lane.report
    scheduling = hello.scheduling if hello else Scheduling(realtime=False)
    warnings = [scheduling.warning, hello.warning if hello else ""]
    return LaneHealth(
        group=lane.group.group,
        lane=lane.lane,
        pid=lane.pid,
        listen=hello.listen if hello else "",
        version=lane.configured.version if lane.configured else None,
        starts=lane.starts,
        last_end=lane.ends[-1] if lane.ends else "",
        realtime=scheduling.realtime,
        warning=" ".join(each for each in warnings if each),
        handling=lane.handling.report(),
        path=lane.path.report(),
        streams=report.streams if report else (),
        apps=report.apps if report else (),
        connections=report.connections if report else 0,
        cut=report.cut if report else {},
        overruns=report.overruns if report else 0,
        results_dropped=report.dropped if report else 0,
        bulks_not_passed_on=report.not_passed_on if report else 0,
    )


def _same_process(one: Group, other: Group) -> bool:
    return (one.machines, one.limits, one.listen) == (other.machines, other.limits, other.listen)


def _app_of(deployment: Deployment, group: str, app: str) -> DeployedApp:
    groups = {each.group: each for each in deployment.groups}
    if group not in groups:
        raise NotFound(
            f"Expected a group of this edge, but found '{group}'. {did_you_mean(group, groups)}"
        )
    apps = {each.name: each for each in groups[group].apps}
    if app not in apps:
        raise NotFound(
            f"Expected an app of group '{group}', but found '{app}'. {did_you_mean(app, apps)}"
        )
    return apps[app]


def _with_app(deployment: Deployment, group: str, app: DeployedApp) -> Deployment:
    return Deployment(
        groups=tuple(
            msgspec.structs.replace(
                each,
                apps=tuple(app if mine.name == app.name else mine for mine in each.apps),
            )
            if each.group == group
            else each
            for each in deployment.groups
        )
    )


def _now() -> Instant:
    return Instant(time.time_ns())  # noqa: TID251  # an edge lives in real time
