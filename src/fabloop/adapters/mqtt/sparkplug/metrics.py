"""Metrics to readings: columns that grow while messages are read."""

import math
from typing import Any

from fabloop.adapters.mqtt.mapping import Mapping, SparkplugHost
from fabloop.adapters.mqtt.sparkplug.composite import (
    COMPOSITE,
    TYPES,
    Unfit,
    definition_in,
    is_clocked,
    parts_of,
)
from fabloop.adapters.mqtt.sparkplug.datatypes import BOOLEAN, TEXTS, is_number, name_of, number_of
from fabloop.adapters.mqtt.sparkplug.edge_node import EdgeNode, Known
from fabloop.adapters.mqtt.sparkplug.properties import told_of
from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import Batch, batch_of
from fabloop.sense.readings.conditioning import state_number
from fabloop.sense.readings.described import described
from fabloop.sense.readings.intake import REFUSED, UNIT_CHANGED, Intake, too_many, unknown_unit
from fabloop.sense.readings.payloads.decoded import (
    ARRIVAL,
    TIME_GREATEST_NS,
    Refusal,
    not_a_number,
    time_out_of_range,
)
from fabloop.sense.readings.quality import BAD, GOOD, NOT_CONNECTED, STATUS_MASK
from fabloop.sense.readings.series import Catalogue, Kind, Series
from fabloop.sense.readings.tally import Tally

MS = 1_000_000
DATATYPE = "datatype"
TRANSIENT = "transient"
UNKNOWN_ALIAS = "unknown-alias"


class Metrics:
    """Takes the metrics of payloads; `batch` gives the readings so far and begins anew."""

    def __init__(
        self, mapping: Mapping, host: SparkplugHost, catalogue: Catalogue, tally: Tally
    ) -> None:
        self._mapping = mapping
        self._host = host
        self._catalogue = catalogue
        self._tally = tally
        self._intake = Intake(catalogue, tally, ahead_max_s=mapping.ahead_max_s)
        self._columns: tuple[list[int], list[int], list[float], list[int]] = ([], [], [], [])

    def batch(self, now: Instant) -> Batch:
        """Return the readings taken since the last call."""
        batch = batch_of(*self._columns)
        self._columns = ([], [], [], [])
        return self._intake.fitted(batch, now, live=False)

    def bear(self, node: EdgeNode, device: str, metric: Any, at_ms: int) -> None:
        """Enter a metric that a birth tells, and take its value as of the birth."""
        if metric.datatype in COMPOSITE:
            self._bear_composite(node, device, metric, at_ms)
            return
        known = self._known(node, device, metric)
        if metric.HasField("alias"):
            node.aliases[metric.alias] = known
        node.names[device, metric.name] = known
        since = max(at_ms * MS, node.stale_at + 1) if at_ms else ARRIVAL
        self._take(node, known, metric, since)

    def _bear_composite(self, node: EdgeNode, device: str, metric: Any, at_ms: int) -> None:
        """Enter a template or data set; its parts are metrics named ``whole/part``."""
        defined = definition_in(metric)
        if defined is not None:
            node.templates[metric.name] = defined
            node.templates[metric.name.removeprefix(TYPES)] = defined
            return
        known = Known(metric.name, REFUSED, metric.datatype, device)
        if metric.HasField("alias"):
            node.aliases[metric.alias] = known
        node.names[device, metric.name] = known
        if metric.is_null:
            return
        for part in self._parts(node, metric, metric.name):
            if (device, part.name) not in node.names:
                node.names[device, part.name] = self._known(node, device, part)
            at = part.timestamp if is_clocked(metric) else at_ms
            since = max(at * MS, node.stale_at + 1) if at else ARRIVAL
            self._take(node, node.names[device, part.name], part, since)

    def _take_composite(
        self, node: EdgeNode, device: str, known: Known, metric: Any, at_ms: int
    ) -> bool:
        """Take what came of a template or data set; False: a part was not told by the birth."""
        time = (metric.timestamp or at_ms) * MS or ARRIVAL
        if metric.is_null:
            for (owner, name), each in node.names.items():
                if owner == device and name.startswith(f"{known.name}/") and each.number != REFUSED:
                    self._add(time, each.number, math.nan, BAD)
            return True
        parts = self._parts(node, metric, known.name)
        strange = [part for part in parts if not self.take(node, device, part, at_ms)]
        return not strange

    def _parts(self, node: EdgeNode, metric: Any, name: str) -> list[Any]:
        try:
            return parts_of(metric, name, node.templates)
        except Unfit as error:
            self._tally.refuse([error.refusal])
            return []

    def take(self, node: EdgeNode, device: str, metric: Any, at_ms: int) -> bool:
        """Take the value of a metric; False: no birth told of it."""
        known = node.aliases.get(metric.alias) if metric.HasField("alias") else None
        if known is None:
            known = node.names.get((device, metric.name)) if metric.name else None
        if known is None:
            return False
        if known.datatype in COMPOSITE:
            return self._take_composite(node, device, known, metric, at_ms)
        self._take(node, known, metric, (metric.timestamp or at_ms) * MS or ARRIVAL)
        return True

    def expire(self, metrics: list[Known], at: int) -> None:
        """Tell that metrics have no value any more, since their sender is gone."""
        for known in metrics:
            if known.number != REFUSED:
                self._add(at, known.number, math.nan, NOT_CONNECTED)

    def _add(self, time: int, number: int, value: float, quality: int) -> None:
        times, numbers, values, qualities = self._columns
        times.append(time)
        numbers.append(number)
        values.append(value)
        qualities.append(quality)

    def _take(self, node: EdgeNode, known: Known, metric: Any, time: int) -> None:
        if metric.is_transient:
            self._tally.refuse([_transient(known)])
            return
        if known.number == REFUSED:
            self._tally.refuse([known.refusal])
            return
        if time != ARRIVAL and time > TIME_GREATEST_NS:
            self._tally.refuse([time_out_of_range(f"{time} ns")])
            return
        if time != ARRIVAL and not metric.is_historical:
            node.latest = max(node.latest, time)
        quality = told_of(metric)[1] if metric.HasField("properties") else GOOD
        if metric.is_null or quality & STATUS_MASK == BAD:
            self._add(time, known.number, math.nan, quality if quality != GOOD else BAD)
            return
        value = number_of(metric, known.datatype)
        if known.datatype in TEXTS:
            state = state_number(self._catalogue[known.number], metric.string_value)
            if state is None:
                self._tally.refuse([not_a_number(repr(metric.string_value)[:80])])
                return
            value = state
        self._add(time, known.number, value, quality)

    def _known(self, node: EdgeNode, device: str, metric: Any) -> Known:
        name, datatype = metric.name, metric.datatype
        if not is_number(datatype) and datatype not in TEXTS:
            return Known(name, REFUSED, datatype, device, _datatype(name, datatype))
        try:
            series = self._described(node, device, metric)
        except ValueError as error:
            refusal = Refusal(UNIT_CHANGED, unknown_unit(f"metric '{name}'", str(error)))
            return Known(name, REFUSED, datatype, device, refusal)
        return Known(name, self._intake.renew(series), datatype, device, too_many(1))

    def _described(self, node: EdgeNode, device: str, metric: Any) -> Series:
        said = {
            "group": node.group, "node": node.node, "device": device, "metric": metric.name,
        }  # fmt: skip
        series = described(
            self._mapping.series,
            source=self._mapping.source,
            address="/".join(filter(None, (node.group, node.node, device))) + f"#{metric.name}",
            work_unit=WorkUnitId(self._host.work_unit.format(**said).strip("/")),
            name=self._host.name.format(**said),
            unit=told_of(metric)[0],
        )
        if metric.datatype == BOOLEAN and not series.states and series.kind is Kind.GAUGE:
            return _yes_or_no(series)
        return series


def _yes_or_no(series: Series) -> Series:
    return Series(
        source=series.source, address=series.address, name=series.name,
        work_unit=series.work_unit, kind=Kind.STATE, states=("false", "true"),
    )  # fmt: skip


def _datatype(name: str, datatype: int) -> Refusal:
    return Refusal(
        DATATYPE,
        f"Expected a number, boolean, date or text for metric '{name}', "
        f"but found {name_of(datatype)}. Send its parts as metrics of their own.",
    )


def _transient(known: Known) -> Refusal:
    return Refusal(
        TRANSIENT,
        f"Expected readings to keep, but found metric '{known.name}' marked as transient. "
        "Nothing needs to be done.",
    )
