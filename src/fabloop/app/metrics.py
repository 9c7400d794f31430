"""All counts of the sense side in one place: the text format of Prometheus, and who is troubled."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from fabloop.adapters.historian import StoreHealth
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.ports import SourceHealth, StandingAlarm


class Kind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Metric(msgspec.Struct, frozen=True):
    """A metric: how it moves, and what it tells."""

    kind: Kind
    help: str


METRICS: Mapping[str, Metric] = {
    "fabloop_told_seconds": Metric(Kind.GAUGE, "When these figures were told, since 1970"),
    "fabloop_source_connected": Metric(Kind.GAUGE, "1 connected, 0 not, NaN not known yet"),
    "fabloop_source_readings_total": Metric(Kind.COUNTER, "Readings handed over"),
    "fabloop_source_refused_total": Metric(Kind.COUNTER, "Readings that could not be taken"),
    "fabloop_source_amended_total": Metric(
        Kind.COUNTER, "Readings taken otherwise than they came, or out of time"
    ),
    "fabloop_source_gaps_total": Metric(Kind.COUNTER, "Losses that the protocol showed"),
    "fabloop_source_reconnects_total": Metric(Kind.COUNTER, "Connections after the first one"),
    "fabloop_source_clock_skew_seconds": Metric(
        Kind.GAUGE, "Clock of the source less ours, NaN not known"
    ),
    "fabloop_source_troubled": Metric(Kind.GAUGE, "1 it said what is wrong at least once"),
    "fabloop_source_ended": Metric(Kind.GAUGE, "1 it gave up and is no longer asked"),
    "fabloop_source_alarms": Metric(Kind.GAUGE, "Alarms that machines tell by themselves"),
    "fabloop_store_durable_batch": Metric(Kind.GAUGE, "Last batch that survives a crash"),
    "fabloop_store_pending_readings": Metric(Kind.GAUGE, "Readings that wait for their commit"),
    "fabloop_store_hot_readings": Metric(Kind.GAUGE, "Durable readings that are not sealed yet"),
    "fabloop_store_sealed_readings": Metric(Kind.GAUGE, "Readings in sealed files"),
    "fabloop_store_files": Metric(Kind.GAUGE, "Sealed files"),
    "fabloop_store_late_total": Metric(Kind.COUNTER, "Readings behind a newer one, in this run"),
    "fabloop_store_restated_total": Metric(Kind.COUNTER, "Readings that a later arrival replaced"),
    "fabloop_store_refused_total": Metric(Kind.COUNTER, "Readings that were not taken"),
    "fabloop_store_dropped_total": Metric(Kind.COUNTER, "Readings dropped for want of room"),
    "fabloop_store_corrected_total": Metric(Kind.COUNTER, "NaN or infinite, and not told as bad"),
    "fabloop_store_held_back_total": Metric(
        Kind.COUNTER, "Times that a batch was not taken, and its source held back"
    ),
    "fabloop_store_damaged": Metric(Kind.GAUGE, "Files and frames that cannot be read"),
    "fabloop_store_troubled": Metric(Kind.GAUGE, "1 nothing can be stored now"),
    "fabloop_rivals_apart": Metric(Kind.GAUGE, "Pairs of sources that disagree now"),
    "fabloop_rivals_disagreements_total": Metric(Kind.COUNTER, "How often two came to disagree"),
    "fabloop_oee_doubts_total": Metric(
        Kind.COUNTER, "States that contradict counters or power, each once"
    ),
    "fabloop_oee_counter_resets_total": Metric(
        Kind.COUNTER, "Counters of parts that fell without rolling over"
    ),
    "fabloop_oee_refused_total": Metric(Kind.COUNTER, "Events that could not be counted"),
    "fabloop_kpi_changes_total": Metric(Kind.COUNTER, "KPIs that changed enough to be told"),
}
"""Every metric of readings and OEE; of an edge others are told by `fabloop.app.edge.health`."""


Sample = tuple[str, Mapping[str, str], float]
"""Name, labels and value of a metric."""

OVER_S = 60.0
"""A trouble of a connected source that did not recur for so long is over."""


class CollectingHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How collecting is doing: every source, the store, and what was found in the readings.

    Attributes
    ----------
    at : when it was told
    troubled_at : when each source that had trouble had it last
    ended : sources that gave up, with the reason
    apart : pairs of sources that disagree now, a sentence each
    disagreements : how often two sources came to disagree
    doubts : contradictions told so far, by work unit and kind
    not_counted : events that told something impossible
    counter_resets : counters of parts that began anew
    kpi_changes : KPIs that changed enough to be told
    alarms : what machines tell to be wrong by themselves, the gravest of each source first
    held_back : how often the store could not take a batch when it was brought
    """

    at: Instant
    sources: dict[str, SourceHealth] = {}
    troubled_at: dict[str, Instant] = {}
    ended: dict[str, str] = {}
    store: StoreHealth | None = None
    apart: tuple[str, ...] = ()
    disagreements: int = 0
    doubts: dict[str, dict[str, int]] = {}
    not_counted: int | None = None
    counter_resets: int | None = None
    kpi_changes: int | None = None
    held_back: int = 0
    alarms: tuple[StandingAlarm, ...] = ()

    def troubles(self) -> tuple[str, ...]:
        """Return what is wrong now; a sentence each."""
        told = [f"{name}: {reason}" for name, reason in self.ended.items()]
        for name, each in self._going_on():
            now = dict.fromkeys(each.lasting)
            if each.connected is False or (each.trouble and not self._over(name)):
                now[each.trouble or "not connected"] = None
            told += [f"{name}: {sentence}" for sentence in now]
        if self.store is not None:
            told += [f"store: {each}" for each in (self.store.trouble, *self.store.damaged) if each]
        return (*told, *self.apart)

    def past(self) -> tuple[str, ...]:
        """Return what was wrong last and is over: the source is connected, and it did not recur."""
        return tuple(
            f"{name}: {each.trouble}"
            for name, each in self._going_on()
            if each.trouble and each.trouble not in each.lasting
            if each.connected is not False and self._over(name)
        )

    def _going_on(self) -> Iterator[tuple[str, SourceHealth]]:
        return ((name, each) for name, each in self.sources.items() if name not in self.ended)

    def _over(self, name: str) -> bool:
        since = self.troubled_at.get(name)
        return since is not None and self.at - since > OVER_S * SECOND


def exposition(health: CollectingHealth) -> str:
    """Return all counts in the text format of Prometheus."""
    return exposed(_samples(health))


def exposed(samples: Iterable[Sample]) -> str:
    """Return samples in the text format of Prometheus, those of one metric together."""
    by_name: dict[str, list[str]] = {}
    for name, labels, value in samples:
        told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        place = f"{name}{{{told}}}" if told else name
        by_name.setdefault(name, []).append(f"{place} {_number(value)}")
    lines: list[str] = []
    for name, found in by_name.items():
        metric = METRICS[name]
        lines += [f"# HELP {name} {metric.help}.", f"# TYPE {name} {metric.kind}", *found]
    return "\n".join(lines) + "\n"


def _samples(health: CollectingHealth) -> Iterator[Sample]:
    yield "fabloop_told_seconds", {}, health.at / SECOND
    for name, source in health.sources.items():
        yield from _of_source(name, source, ended=name in health.ended)
    for name, count in Counter(each.source for each in health.alarms).items():
        yield "fabloop_source_alarms", {"source": name}, count
    if health.store is not None:
        yield from _of_store(health.store)
    yield "fabloop_rivals_apart", {}, len(health.apart)
    yield "fabloop_rivals_disagreements_total", {}, health.disagreements
    for unit, kinds in health.doubts.items():
        for kind, count in kinds.items():
            yield "fabloop_oee_doubts_total", {"work_unit": unit, "doubt": kind}, count
    if health.not_counted is not None:
        yield "fabloop_oee_refused_total", {}, health.not_counted
    if health.counter_resets is not None:
        yield "fabloop_oee_counter_resets_total", {}, health.counter_resets
    if health.kpi_changes is not None:
        yield "fabloop_kpi_changes_total", {}, health.kpi_changes
    if health.store is not None:
        yield "fabloop_store_held_back_total", {}, health.held_back


def _of_source(name: str, health: SourceHealth, *, ended: bool) -> Iterator[Sample]:
    where = {"source": name}
    connected = float("nan") if health.connected is None else float(health.connected)
    yield "fabloop_source_connected", where, connected
    yield "fabloop_source_readings_total", where, health.received
    for reason, count in health.refused.items():
        yield "fabloop_source_refused_total", {**where, "reason": reason}, count
    for reason, count in health.amended.items():
        yield "fabloop_source_amended_total", {**where, "reason": reason}, count
    yield "fabloop_source_gaps_total", where, health.gaps
    yield "fabloop_source_reconnects_total", where, health.reconnects
    skew = health.clock_skew_ns
    yield (
        "fabloop_source_clock_skew_seconds", where, float("nan") if skew is None else skew / SECOND,
    )  # fmt: skip
    yield "fabloop_source_troubled", where, bool(health.trouble)
    yield "fabloop_source_ended", where, ended


def _of_store(store: StoreHealth) -> Iterator[Sample]:
    yield "fabloop_store_durable_batch", {}, store.durable
    yield "fabloop_store_pending_readings", {}, store.pending
    yield "fabloop_store_hot_readings", {}, store.hot
    yield "fabloop_store_sealed_readings", {}, store.sealed
    yield "fabloop_store_files", {}, store.parts
    yield "fabloop_store_late_total", {}, store.late
    yield "fabloop_store_restated_total", {}, store.restated
    for reason, count in store.refused.items():
        yield "fabloop_store_refused_total", {"reason": reason}, count
    yield "fabloop_store_dropped_total", {}, store.dropped
    yield "fabloop_store_corrected_total", {}, store.corrected
    yield "fabloop_store_damaged", {}, len(store.damaged)
    yield "fabloop_store_troubled", {}, bool(store.trouble)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return "NaN" if value != value else f"{value:.15g}"
