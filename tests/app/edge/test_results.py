"""What apps tell, on its way from the edge to the store of the centre."""

import asyncio
import time

import numpy as np

from app.edge.mill import control, edge, group, short_folder, until
from fabloop.adapters.result_log import ResultLog
from fabloop.app.edge.centre import Centre
from fabloop.app.edge.control import Control
from fabloop.app.edge.deployment import DeployedApp
from fabloop.app.edge.link import FactTold
from fabloop.app.edge.results import Readings, Results
from fabloop.app.edge.source import EdgeSource
from fabloop.base.errors import Unavailable
from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import joined
from fabloop.sense.readings.quality import BAD, GOOD
from fabloop.sense.readings.series import Catalogue

OVERLOAD = """
import numpy as np
from fabloop.app.edge import Manifest, Output
from fabloop.base.quantity import Dimension

class Peak:
    manifest = Manifest(
        inputs=("x.force",),
        outputs=(Output(name="*.peak", dimension=Dimension.FORCE), Output(name="first")),
    )
    def __init__(self, settings):
        self.begun = False
    def on_bulk(self, bulk, out):
        if not self.begun:
            out.fact("first", {"sequence": bulk.sequence}, bulk.start)
        self.begun = True
        out.reading("x.peak", float(bulk.values.max()), bulk.start)
"""
PEAK = DeployedApp(
    name="peak", app="peak.py:Peak", machine="mill", reads=("x.*",), writes=("*.peak", "first")
)


class Clock:
    def now(self):
        return Instant(time.time_ns())  # noqa: TID251  # a clock


def readings(number, size=1):
    values = np.full(size, float(number))
    return Readings(
        app="a", machine="m", names=("x",) * size, at=number, values=values.tobytes(),
        qualities=bytes([GOOD]) * size,
    )  # fmt: skip


def test_results_are_handed_out_in_order_once_they_are_on_disk(tmp_path):
    results = Results(tmp_path / "results.db")
    for number in range(5):
        results.keep(readings(number))
    assert results.health().waiting == 5
    found = results.after(0, 3, 5.0)
    assert [each.result.at for each in found] == [0, 1, 2]
    results.acknowledge(found[-1].number)
    assert results.health().waiting == 2
    assert results.health().oldest_waiting == 3
    results.close()
    again = Results(tmp_path / "results.db")
    assert [each.result.at for each in again.after(0, 10, 0.0)] == [3, 4]
    again.close()


def test_beyond_the_limit_the_oldest_are_dropped_and_counted(tmp_path):
    results = Results(tmp_path / "results.db", limit_bytes=10_000)
    for number in range(20):
        results.keep(readings(number, size=100))
    until(lambda: results.health().dropped, "drops")
    health = results.health()
    assert health.kept == 20
    assert health.dropped + health.waiting == 20
    assert "nobody takes them" in health.trouble
    assert results.after(0, 100, 0.0)[-1].result.at == 19
    results.close()


def test_a_full_disk_is_waited_for(tmp_path, monkeypatch):
    full = [True]
    append = ResultLog.append

    def sometimes(log, bodies):
        if full:
            raise Unavailable("Expected room on the disk for results, but found: disk is full.")
        append(log, bodies)

    monkeypatch.setattr(ResultLog, "append", sometimes)
    results = Results(tmp_path / "results.db")
    results.keep(readings(1))
    until(lambda: "disk is full" in results.health().trouble, "the trouble")
    full.clear()
    assert results.after(0, 10, 5.0)[0].result.at == 1
    assert results.health().trouble == ""
    results.close()


def test_results_of_an_edge_reach_the_centre_and_are_forgotten_only_when_safe_there():
    with short_folder() as folder, edge(folder) as node:
        server = Control(node, folder)
        node.deploy(group(PEAK), {"peak.py": OVERLOAD})
        heard, catalogue, batches = [], Catalogue(), []
        source = EdgeSource("hall", server.address, Clock(), heard.append)

        async def follow(readings_wanted):
            async for batch in source.batches(catalogue):
                batches.append(batch)
                if sum(map(len, batches)) >= readings_wanted:
                    source.settled(len(batches))
                    source.close()

        with control(folder) as mill:
            mill.send(3.0)
            mill.send(float("nan"))
            mill.send(7.0)
            asyncio.run(asyncio.wait_for(follow(3), 30))
        (series,) = catalogue
        assert series.work_unit == WorkUnitId("mill")
        assert (series.name, series.dimension) == ("x.peak", Dimension.FORCE)
        found = joined(batches)
        np.testing.assert_array_equal(found.values, [3.0, np.nan, 7.0])
        assert list(found.quality) == [GOOD, BAD, GOOD]
        assert [(each.name, each.json) for each in heard] == [("first", b'{"sequence":0}')]
        assert isinstance(heard[0], FactTold)
        assert source.health().received == 3
        assert node.results.health().waiting == 0
        server.close()


def test_a_centre_that_did_not_keep_what_it_got_gets_it_again():
    with short_folder() as folder, edge(folder) as node:
        server = Control(node, folder)
        node.deploy(group(PEAK), {"peak.py": OVERLOAD})
        with control(folder) as mill:
            mill.send(3.0, count=2)
            with Centre(server.address) as centre:
                until(lambda: len(centre.results(0)) == 3, "two readings and a fact")

                async def once():
                    source = EdgeSource("hall", server.address, Clock(), lambda _: None)
                    async for batch in source.batches(Catalogue()):
                        source.close()
                        return len(batch)
                    raise AssertionError("nothing was told")

                assert asyncio.run(once()) == 2
                assert asyncio.run(once()) == 2
        server.close()


def test_an_edge_that_is_away_is_waited_for():
    with short_folder() as folder, edge(folder) as node:
        server = Control(node, folder)
        address = server.address
        server.close()
        source = EdgeSource("hall", address, Clock(), lambda _: None)

        async def look():
            async for _ in source.batches(Catalogue()):
                break

        async def briefly():
            task = asyncio.create_task(look())
            await asyncio.to_thread(until, lambda: source.health().trouble, "the trouble")
            source.close()
            await task

        asyncio.run(asyncio.wait_for(briefly(), 30))
        assert "found none that answers" in source.health().trouble
        assert source.health().connected is False
