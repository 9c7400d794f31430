"""A process that ingests from a broker into a historian until its input ends, or it is killed.

While it is connected it tells the latest values, again and again.
"""

import asyncio
import sys
from pathlib import Path

from fabloop.adapters.historian import Historian
from fabloop.adapters.mqtt import MqttSource, mapping_of
from fabloop.app.ingest import pump
from fabloop.app.processes.clocks import WallClock

MAPPING = """
source: hall
broker: {{host: 127.0.0.1, port: {port}, client_id: fabloop-ingest}}
topics:
  - {{topic: "plant/{{work_unit}}/{{name}}"}}
"""


async def ingest(port: str, folder: str) -> None:
    historian = Historian(Path(folder), WallClock())
    source = MqttSource(mapping_of(MAPPING.format(port=port).encode()))
    pumping = asyncio.create_task(pump(source, historian, historian.catalogue))
    reading = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while not reading.done():
        await asyncio.wait([reading], timeout=0.02)
        if source.health().connected:
            sys.stdout.write(f"{historian.query.latest().values.tolist()}\n")
            sys.stdout.flush()
    source.close()
    await pumping
    historian.close()


if __name__ == "__main__":
    asyncio.run(ingest(sys.argv[1], sys.argv[2]))
