"""Posted readings: safe before 202, once for each batch id, limits by name."""

import asyncio
import json

import httpx
import msgspec
import pytest

from contracts.source_contract import T0, Rig
from fabloop.adapters.historian import Historian, Options
from fabloop.adapters.historian.frames import read_segment
from fabloop.adapters.http_readings import HttpReadings, HttpSource
from fabloop.adapters.http_readings import source as module
from fabloop.adapters.http_readings.server import served
from fabloop.app.ingest import pump
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Invalid, Unavailable
from fabloop.base.instant import HOUR
from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.payloads.binary import binary_of
from fabloop.sense.readings.quality import GOOD

ROWS = [[T0 // 10**6, "mill-1/load", 1.5]]


def plant(**options):
    source = HttpSource(HttpReadings(source="posted", **options))
    transport = httpx.ASGITransport(source.app)
    client = httpx.AsyncClient(transport=transport, base_url="http://plant")
    return Rig(source, client)


def post(rig, body, kind="application/json", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    shown = {key.replace("_", "-"): value for key, value in headers.items()}
    shown["content-type"] = kind
    return rig.wire.post("/api/v1/readings", content=content, headers=shown)


def play(story, **options):
    async def whole():
        rig = plant(**options)
        async with rig.running():
            await story(rig)
        return rig

    return asyncio.run(whole())


def test_the_answer_waits_until_the_readings_are_safe():
    async def story(rig):
        rig.kept.is_durable = False
        asked = asyncio.create_task(post(rig, ROWS))
        await rig.until(lambda: len(rig.kept) == 1)
        assert not asked.done()
        rig.kept.is_durable = True
        answer = await asked
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)

    rig = play(story)
    (series,) = rig.catalogue
    assert (series.work_unit, series.name, series.address) == ("mill-1", "load", "mill-1/load")


def test_readings_that_are_never_safe_are_to_be_sent_again(monkeypatch):
    monkeypatch.setattr(module, "SAFE_S_MAX", 0.05)

    async def story(rig):
        rig.kept.is_durable = False
        answer = await post(rig, ROWS, batch_id="7")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        rig.kept.is_durable = True
        await rig.until(lambda: not rig.source._unsafe)
        assert (await post(rig, ROWS, batch_id="7")).status_code == 202

    rig = play(story)
    assert len(rig.kept) == 1


def test_a_batch_that_comes_twice_counts_once():
    async def story(rig):
        answers = await asyncio.gather(*(post(rig, ROWS, batch_id="7") for _ in range(3)))
        answers.append(await post(rig, ROWS, batch_id="7"))
        assert {each.status_code for each in answers} == {202}
        await post(rig, ROWS, batch_id="8")

    rig = play(story)
    assert len(rig.kept) == 2
    assert rig.source.health().amended == {"repeated": 3}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"ts": [5], "name": ["a/b"], "value": [2]}).encode()),
        ("application/json; charset=utf-8", b' [[5, "a/b", 2]]'),
        ("application/msgpack", msgspec.msgpack.encode([[5, "a/b", 2.0]])),
        ("application/msgpack", msgspec.msgpack.encode({"ts": [5], "value": {"a/b": [2.0]}})),
        ("application/vnd.fabloop.columns", binary_of([5_000_000], [2.0], ["a/b"], [0])),
    ],
)
def test_forms_are_told_by_content_type_and_first_byte(kind, body):
    async def story(rig):
        assert (await post(rig, body, kind)).status_code == 202

    assert play(story).of("b") == [(5_000_000, 2.0, GOOD)]


def test_what_is_refused_is_told_to_the_sender():
    async def story(rig):
        answer = await post(rig, [[5, "a/b", "high"], [5, "a/b", 1.0]])
        assert answer.status_code == 202
        assert answer.json()["refused"] == {"not-a-number": 1}
        assert "'high'" in answer.json()["trouble"]
        assert (await post(rig, b"[[5,")).status_code == 422

    play(story)


def test_limits_are_named():
    async def story(rig):
        answer = await post(rig, ROWS * 100)
        assert answer.status_code == 413
        assert "at most 100 bytes" in answer.json()["detail"]
        rig.kept.is_durable = False
        waiting = [asyncio.create_task(post(rig, ROWS * 2)) for _ in range(2)]
        await rig.until(lambda: len(rig.kept) == 4)
        answer = await post(rig, ROWS)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert "at most 4 readings" in answer.json()["detail"]
        rig.kept.is_durable = True
        assert {each.status_code for each in await asyncio.gather(*waiting)} == {202}

    play(story, body_bytes_max=100, pending_readings_max=4)


def test_requests_that_cannot_be_read_are_refused_by_what_is_wrong():
    async def story(rig):
        assert (await post(rig, b"<x/>", "text/xml")).status_code == 415
        assert (await post(rig, ROWS, batch_id="x" * 201)).status_code == 400
        answer = await rig.wire.post("/api/v1/readings?time_unit=h", content=b"[]")
        assert answer.status_code == 400
        assert "one of s, ms, us, ns" in answer.json()["detail"]

    play(story)


def test_only_those_with_the_token_may_post(tmp_path):
    (tmp_path / "token").write_text("secret\n")

    async def story(rig):
        assert (await post(rig, ROWS)).status_code == 401
        assert (await post(rig, ROWS, authorization="Bearer other")).status_code == 401
        assert (await post(rig, ROWS, authorization="Bearer secret")).status_code == 202

    play(story, token_file=str(tmp_path / "token"))


def test_a_token_file_that_says_nothing_is_refused(tmp_path):
    (tmp_path / "token").touch()
    for name, found in (("token", "an empty file"), ("none", "No such file")):
        with pytest.raises(Invalid, match=found):
            HttpSource(HttpReadings(source="posted", token_file=str(tmp_path / name)))


def test_a_closed_source_says_when_to_come_again():
    async def story():
        rig = plant()
        assert (await post(rig, ROWS)).status_code == 503
        async with rig.running():
            pass
        assert (await post(rig, ROWS)).headers["retry-after"] == "5"

    asyncio.run(story())


def test_units_are_those_of_the_rules():
    async def story(rig):
        await post(rig, [[5, "oven/temperature", 20.0]])

    rig = play(story, series=(SeriesRule(series="oven/*", unit="°C"),))
    assert rig.of("temperature")[0][1] == pytest.approx(293.15)


def test_readings_come_over_a_real_socket():
    async def story(rig):
        async with served(rig.source) as port:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                answer = await client.post("/api/v1/readings", json=ROWS)
            assert answer.status_code == 202
            with pytest.raises(Unavailable, match="Choose another port"):
                async with served(rig.source, port=port):
                    pass

    assert len(play(story).kept) == 1


def test_many_posts_are_answered_with_few_commits_long_before_one_is_due(tmp_path):
    async def story():
        historian = Historian(tmp_path, WallClock(), Options(commit_ns=HOUR))
        source = HttpSource(HttpReadings(source="posted"))
        pumping = asyncio.create_task(pump(source, historian, historian.catalogue))
        now = WallClock().now() // 10**6
        async with served(source) as port, httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{port}/api/v1/readings"
            posts = [client.post(url, json=[[now + n, "mill/load", n]]) for n in range(32)]
            answers = await asyncio.gather(*posts)
        source.close()
        await pumping
        frames, _ = read_segment(next((tmp_path / "hot").glob("*.log")))
        historian.close()
        return answers, frames

    answers, frames = asyncio.run(story())
    assert {each.status_code for each in answers} == {202}
    assert sum(len(each.batch) for each in frames) == 32
    assert len(frames) < 32


def test_an_answer_leaves_in_one_piece():
    async def story():
        source = HttpSource(HttpReadings(source="posted"))
        async with served(source) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /nothing HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            first = await reader.read(65_536)
            writer.close()
            return first

    head, _, body = asyncio.run(story()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404")
    assert body == b"Not Found"
