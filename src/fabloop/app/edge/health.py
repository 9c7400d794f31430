"""How an edge is doing, as it tells the centre: a document, and metrics for whoever collects."""

from collections.abc import Iterator, Mapping

import msgspec

from fabloop.app.edge.latency import BOUNDS_S, LatencyReport
from fabloop.app.edge.link import AppReport, StreamReport
from fabloop.base.instant import Instant


class LaneHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A process of a group.

    Attributes
    ----------
    handling : from the arrival of a bulk until its results are handed over
    path : from its sending on, for senders of the same computer
    overruns : bulks that took longer than they last
    cut : connections and frames that were refused, by reason
    """

    group: str
    lane: str
    pid: int | None
    listen: str
    version: int | None
    starts: int
    last_end: str
    realtime: bool
    warning: str
    handling: LatencyReport
    path: LatencyReport
    streams: tuple[StreamReport, ...] = ()
    apps: tuple[AppReport, ...] = ()
    connections: int = 0
    cut: dict[str, int] = {}
    overruns: int = 0
    results_dropped: int = 0
    bulks_not_passed_on: int = 0


class AppHealth(msgspec.Struct, frozen=True, kw_only=True):
    """An app as deployed, and as it is."""

    group: str
    app: str
    machine: str
    kind: str
    state: str
    reason: str = ""


class ResultsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Results on their way to the centre."""

    kept: int = 0
    waiting: int = 0
    oldest_waiting: Instant | None = None
    dropped: int = 0
    trouble: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """An edge."""

    pid: int
    since: Instant
    at: Instant
    version: int
    lanes: tuple[LaneHealth, ...]
    apps: tuple[AppHealth, ...]
    results: ResultsHealth


def metrics(health: Health) -> str:
    """Return the health in the text format of Prometheus."""
    return "\n".join(_lines(health)) + "\n"


def _lines(health: Health) -> Iterator[str]:
    yield f"fabloop_edge_version {health.version}"
    yield f"fabloop_edge_results_kept_total {health.results.kept}"
    yield f"fabloop_edge_results_waiting {health.results.waiting}"
    yield f"fabloop_edge_results_dropped_total {health.results.dropped}"
    for lane in health.lanes:
        where = {"group": lane.group, "lane": lane.lane}
        yield _line("edge_up", where, int(lane.pid is not None and lane.version is not None))
        yield _line("edge_realtime", where, int(lane.realtime))
        yield _line("edge_starts_total", where, lane.starts)
        yield _line("edge_overruns_total", where, lane.overruns)
        yield _line("edge_results_lost_total", where, lane.results_dropped)
        yield _line("edge_bulks_not_passed_on_total", where, lane.bulks_not_passed_on)
        for reason, count in lane.cut.items():
            yield _line("edge_frames_refused_total", {**where, "reason": reason}, count)
        yield from _histogram("edge_bulk_seconds", where, lane.handling)
        yield from _histogram("edge_path_seconds", where, lane.path)
        for stream in lane.streams:
            yield from _stream_lines(where, stream)
        for app in lane.apps:
            yield from _app_lines(where, app)


def _stream_lines(where: Mapping[str, str], stream: StreamReport) -> Iterator[str]:
    labels = {**where, "machine": stream.machine}
    yield _line("edge_connected", labels, int(stream.connected))
    for name in (
        "taken", "repeated", "gaps", "lost", "restarts", "clock_jumps", "unknown_samples",
        "unit_changes",
    ):  # fmt: skip
        yield _line(f"edge_stream_{name}_total", labels, getattr(stream, name))
    for reason, count in stream.refused.items():
        yield _line("edge_bulks_refused_total", {**labels, "reason": reason}, count)
    if stream.clock_skew_ns is not None:
        yield _line("edge_clock_skew_seconds", labels, stream.clock_skew_ns * 1e-9)


def _app_lines(where: Mapping[str, str], app: AppReport) -> Iterator[str]:
    labels = {**where, "app": app.app}
    yield _line("edge_app_running", labels, int(app.state == "running"))
    yield _line("edge_app_cpu_ratio", labels, app.cpu)
    for name in ("calls", "failures", "readings", "facts", "unknown"):
        yield _line(f"edge_app_{name}_total", labels, getattr(app, name))


def _histogram(name: str, where: Mapping[str, str], latency: LatencyReport) -> Iterator[str]:
    total = 0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), latency.buckets, strict=True):
        total += count
        yield _line(f"{name}_bucket", {**where, "le": bound}, total)
    yield _line(f"{name}_sum", where, latency.sum_s)
    yield _line(f"{name}_count", where, latency.count)
    for quantile, value in (("0.5", latency.p50_s), ("0.99", latency.p99_s), ("1", latency.max_s)):
        if value is not None:
            yield _line(f"{name}_recent", {**where, "quantile": quantile}, value)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"fabloop_{name}{{{inside}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
