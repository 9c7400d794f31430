"""What the commands of ``fabloop edge`` do at the centre."""

import sys
from pathlib import Path

import msgspec

from fabloop.app.edge.centre import Centre, address_in
from fabloop.app.edge.config import Version
from fabloop.app.edge.deployment import Deployment
from fabloop.app.edge.health import Health, LaneHealth
from fabloop.app.edge.requests import Address, Change
from fabloop.base.codec import from_json_once
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.given import read_bytes
from fabloop.cli.processes.plain import columns, print_json, print_lines

FILE_BYTES_MAX = 2**20


def deploy_to(
    file: Path | None,
    restore: int | None,
    folder: Path,
    url: str,
    token_file: Path | None,
    *,
    as_json: bool,
) -> ExitCode:
    """Deploy a file, or an earlier version again."""
    if (file is None) == (restore is None):
        found = "none" if file is None else "both"
        raise _fault("edge deploy", "a file, or --restore with a version", found)
    with _centre(folder, url, token_file) as centre:
        if restore is not None:
            version = centre.restore(restore)
        else:
            assert file is not None, "one of the two is there"
            deployment = _deployment(file)
            version = centre.deploy(deployment, _files(deployment, file.parent))
    return _told(version, as_json=as_json)


def change_app(
    change: Change, folder: Path, url: str, token_file: Path | None, *, as_json: bool
) -> ExitCode:
    """Start, stop or configure an app."""
    with _centre(folder, url, token_file) as centre:
        version = centre.change(change)
    return _told(version, as_json=as_json)


def print_health(
    folder: Path, url: str, token_file: Path | None, *, metrics: bool, as_json: bool
) -> ExitCode:
    """Print how an edge is doing."""
    with _centre(folder, url, token_file) as centre:
        found = centre.health()
        text = centre.metrics() if metrics else ""
    if metrics:
        sys.stdout.write(text)
    elif as_json:
        print_json(found)
    else:
        print_lines(_health_lines(found))
    return ExitCode.NOT_PRODUCIBLE if _troubles(found) else ExitCode.FINE


def print_apps(folder: Path, url: str, token_file: Path | None, *, as_json: bool) -> ExitCode:
    """List the apps of an edge."""
    with _centre(folder, url, token_file) as centre:
        found = centre.health().apps
    if as_json:
        print_json(found)
    else:
        heads = ("group", "app", "machine", "kind", "state", "reason")
        print_lines(columns(heads, [[getattr(each, name) for name in heads] for each in found]))
    return ExitCode.FINE


def _centre(folder: Path, url: str, token_file: Path | None) -> Centre:
    if not url:
        return Centre(address_in(folder))
    if token_file is None:
        raise _fault("--url", "the edge's token with it", "none", "Name its file by --token-file.")
    return Centre(Address(url=url, token=read_bytes(token_file).decode().strip()))


def _deployment(file: Path) -> Deployment:
    try:
        return from_json_once(read_bytes(file), Deployment)
    except msgspec.MsgspecError as error:
        raise _fault(str(file), "a deployment", str(error)) from error


def _files(deployment: Deployment, beside: Path) -> dict[str, str]:
    """Return the text of the files that apps name, by the name."""
    named = {app.app.rpartition(":")[0] for group in deployment.groups for app in group.apps}
    texts: dict[str, str] = {}
    for name in sorted(each for each in named if each.endswith(".py")):
        data = read_bytes(beside / name)
        if len(data) > FILE_BYTES_MAX:
            raise _fault(name, f"at most {FILE_BYTES_MAX} bytes", str(len(data)))
        texts[name] = data.decode()
    return texts


def _told(version: Version, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json({"version": version.version, "reason": version.reason})
    else:
        print_lines([f"Version {version.version} ({version.reason}) is in force."])
    return ExitCode.FINE


def _health_lines(health: Health) -> list[str]:
    lines = [f"Edge {health.pid}, version {health.version}."]
    lines += columns(
        ("group", "lane", "pid", "realtime", "starts", "bulks", "p50 ms", "p99 ms", "max ms"),
        [
            (
                each.group, each.lane, each.pid or "-", "yes" if each.realtime else "no",
                each.starts, each.handling.count, *(_ms(t) for t in _times(each)),
            )
            for each in health.lanes
        ],
    )  # fmt: skip
    lines += columns(
        ("machine", "connected", "bulks", "gaps", "lost", "repeated", "restarts", "unknown"),
        [
            (
                s.machine, "yes" if s.connected else "no", s.taken, s.gaps, s.lost, s.repeated,
                s.restarts, s.unknown_samples,
            )
            for each in health.lanes if each.lane == "fast" for s in each.streams
        ],
    )  # fmt: skip
    results = health.results
    lines.append(
        f"Results: {results.kept} kept, {results.waiting} waiting, {results.dropped} dropped."
    )
    return lines + [f"- {each}" for each in _troubles(health)]


def _times(lane: LaneHealth) -> tuple[float | None, ...]:
    return lane.handling.p50_s, lane.handling.p99_s, lane.handling.max_s


def _ms(duration_s: float | None) -> str:
    return "-" if duration_s is None else f"{duration_s * 1e3:.2f}"


def _troubles(health: Health) -> list[str]:
    found = [
        f"{each.group}/{each.app} is {each.state}: {each.reason}"
        for each in health.apps
        if each.state in ("suspended", "starved", "faulty")
    ]
    for lane in health.lanes:
        where = f"{lane.group}/{lane.lane}"
        if lane.pid is None:
            found.append(f"{where} does not run: {lane.last_end or 'not started yet'}")
        if lane.warning:
            found.append(f"{where}: {lane.warning}")
        found += [
            f"{where}: {each.machine}: {each.trouble}" for each in lane.streams if each.trouble
        ]
    if health.results.trouble:
        found.append(health.results.trouble)
    return found


def _fault(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
