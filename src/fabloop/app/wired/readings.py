"""The readings of a wired story's machines, followed over MQTT while it is played."""

import asyncio
import threading

from fabloop.adapters.mqtt.broker import Broker
from fabloop.adapters.mqtt.mapping import Mapping, TopicRule
from fabloop.adapters.mqtt.source import MqttSource
from fabloop.app.wired.machine import STATES
from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.payloads.forms import Form, Layout, TimeUnit
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue, Kind

PREFIX = "wavegear"
SOURCE = "wires"
END_S_MAX = 10.0


class Following:
    """Reads what all machines publish, in a thread of its own, until closed."""

    def __init__(self, port: int) -> None:
        self.catalogue = Catalogue()
        self._source = MqttSource(_mapping(port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="wire-readings", daemon=True)
        self._thread.start()

    def health(self) -> SourceHealth:
        """Return how many readings came, and what went wrong."""
        return self._source.health()

    def machines(self) -> int:
        """Return how many machines have told something."""
        return len({each.work_unit for each in self.catalogue})

    def close(self) -> None:
        """Follow no more."""
        self._loop.call_soon_threadsafe(self._source.close)
        self._thread.join(END_S_MAX)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._follow())
        finally:
            self._loop.close()

    async def _follow(self) -> None:
        batches = 0
        async for _ in self._source.batches(self.catalogue):
            batches += 1
            self._source.settled(batches)


def _mapping(port: int) -> Mapping:
    form = Form(layout=Layout.COLUMNS, time_unit=TimeUnit.NANOSECONDS)
    return Mapping(
        source=SOURCE,
        broker=Broker(host="127.0.0.1", port=port, client_id="fabloop-story"),
        topics=(TopicRule(topic=f"{PREFIX}/{{work_unit}}", form=form),),
        series=(
            SeriesRule(series="*/state", kind=Kind.STATE, states=STATES),
            SeriesRule(series="*/job", kind=Kind.COUNTER),
            SeriesRule(series="*/power", unit="kW"),
        ),
    )
