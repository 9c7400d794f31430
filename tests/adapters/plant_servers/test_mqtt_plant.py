"""Work units as columns of JSON: what goes to the broker is read as it was meant."""

import asyncio
import json
import math

from fabloop.adapters.plant_servers.mqtt import MqttPlant
from fabloop.adapters.plant_servers.served import (
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.base.instant import Instant
from fabloop.sense.readings.payloads.decode import decoder_of
from fabloop.sense.readings.payloads.forms import Form, Layout, TimeUnit

AT = Instant(1_763_800_000_000_000_000)
UNITS = tuple(
    ServedUnit(
        id=name, label=name, equipment_type="mill",
        variables=(
            ServedVariable(name="power", unit="kW"),
            ServedVariable(name="mode", kind=ServedKind.STATE, states=("off", "on")),
            ServedVariable(name="current", kind=ServedKind.BULK, samples=3, interval_ns=10),
        ),
    )
    for name in ("mill", "saw")
)  # fmt: skip
TOLD = [
    ServedValue("mill", "power", AT, (7.5,)),
    ServedValue("saw", "mode", AT, (1.0,)),
    ServedValue("mill", "current", AT, (1.0, 2.0, 3.0)),
    ServedValue("mill", "power", Instant(AT + 1), (9.0,), 0x10),
    ServedValue("mill", "power", Instant(AT + 2), (math.nan,)),
]


def messages_of(values):
    """Return what the broker gets: (topic, payload)."""
    sent = []

    async def publish(topic, payload):
        sent.append((topic, json.loads(payload)))

    async def connect():
        return publish

    async def close():
        sent.append(("closed", None))

    async def story():
        plant = MqttPlant(UNITS, url="mqtt://x", connect=connect, close=close, prefix="hall")
        assert await plant.start() == "mqtt://x"
        await plant.publish(values)
        await plant.close()

    asyncio.run(story())
    return sent


def test_each_unit_gets_a_message_of_columns_with_samples_at_their_own_times():
    (topic, mill), (other, saw), closed = messages_of(TOLD)
    assert (topic, other) == ("hall/mill", "hall/saw")
    assert mill["name"] == ["power", "current", "current", "current", "power", "power"]
    assert mill["ts"] == [AT, AT - 20, AT - 10, AT, AT + 1, AT + 2]
    assert mill["value"] == [7.5, 1.0, 2.0, 3.0, None, None]
    assert mill["quality"] == [192, 192, 192, 192, 16, 192]
    assert saw["value"] == ["on"]
    assert closed[0] == "closed"


def test_a_source_of_that_form_reads_what_was_published():
    (_, mill), *_ = messages_of(TOLD[:4])
    form = Form(layout=Layout.COLUMNS, time_unit=TimeUnit.NANOSECONDS, named=True)
    found = decoder_of(form)(json.dumps(mill).encode())
    assert found.times.tolist() == [AT, AT - 20, AT - 10, AT, AT + 1]
    assert found.values.tolist()[:4] == [7.5, 1.0, 2.0, 3.0]
    assert math.isnan(found.values[4])
    assert found.quality.tolist() == [192, 192, 192, 192, 16]
    assert found.refused == ()
