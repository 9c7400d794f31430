"""The source of an edge keeps the contract."""

import asyncio
from urllib.parse import urlsplit

import numpy as np
import pytest

from app.edge.mill import edge, group, short_folder
from contracts.source_contract import Rig, SourceContract
from fabloop.app.edge.control import Control
from fabloop.app.edge.results import Readings
from fabloop.app.edge.source import EdgeSource
from fabloop.app.processes.clocks import WallClock


class Apps:
    """Tells as apps would, and cuts the centre off."""

    def __init__(self, node, folder, control):
        self._node, self._folder, self._control = node, folder, control
        self._port = urlsplit(control.address.url).port

    async def tell(self, rows):
        for name, at, value, quality in rows:
            self._node.results.keep(
                Readings(
                    app="app", machine="mill", names=(name,), at=at,
                    values=np.array([value]).tobytes(), qualities=bytes([quality]),
                )
            )  # fmt: skip

    async def cut(self):
        await asyncio.to_thread(self.close)

    async def mend(self):
        self._control = await asyncio.to_thread(Control, self._node, self._folder, self._port)

    def close(self):
        self._control.close()


class TestEdgeSource(SourceContract):
    tells_strange = False  # what is no number is cleaned and counted where the app tells it

    @pytest.fixture
    def rig(self):
        wires = []
        with short_folder() as folder, edge(folder) as node:
            node.deploy(group(), {})

            def made():
                control = Control(node, folder)
                source = EdgeSource("hall", control.address, WallClock(), lambda _: None)
                wires.append(Apps(node, folder, control))
                return Rig(source, wires[-1])

            yield made
            for each in wires:
                each.close()
