"""Collecting under watch: a real broker, a real full disk; all is counted and shown."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from adapters.mqtt.wire import Sender
from fabloop.adapters.historian import Historian, HistorianReader, Options
from fabloop.adapters.mqtt import MqttSource, mapping_of
from fabloop.app.collecting import collect
from fabloop.app.live_oee import HeardStore
from fabloop.app.metrics import METRICS, CollectingHealth, exposition
from fabloop.app.processes.clocks import WallClock
from fabloop.app.readings_watch import HEALTH_FILE, Watch, health_kept, metrics_served
from fabloop.base.errors import Invalid, NotFound, Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.cli.root import app
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.engine import UnitSetting
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.ports import SourceHealth, StandingAlarm
from fabloop.sense.readings.quality import GOOD
from fabloop.sense.readings.rivals import Precedence
from fabloop.sense.readings.series import Kind, Series
from fabloop.sense.readings.tally import Tally
from mosquitto_server import Mosquitto, binary

WITHIN_S = 20.0
PROMPT = Options(commit_ns=SECOND // 100)
MAPPING = """
source: {source}
broker: {{host: 127.0.0.1, port: {port}, client_id: fabloop-{source}}}
topics:
  - {{topic: "{source}/{{work_unit}}", form: {{layout: rows}}}}
"""


class SetClock:
    """A clock that stands where a test sets it."""

    def __init__(self):
        self.at = WallClock().now()

    def now(self):
        return self.at


class Desk:
    """A source that tells what a test lays on it."""

    def __init__(self, name):
        self.name = name
        self.laid = asyncio.Queue()
        self.received = 0
        self.trouble = ""

    def lay(self, *values):
        self.laid.put_nowait(values)

    async def batches(self, catalogue):
        number = catalogue.number(Series(source=self.name, address="load", name="load"))
        while (values := await self.laid.get()) is not None:
            if isinstance(values, Exception):
                raise values
            self.received += len(values)
            now = WallClock().now()
            yield batch_of([now + n for n in range(len(values))], number, values)

    def health(self):
        return SourceHealth(connected=True, received=self.received, trouble=self.trouble)

    def close(self):
        self.laid.put_nowait(None)


async def until(condition, what=""):
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def collecting(folder, sources, *, options=PROMPT, precedence=()):
    told, ending = [], asyncio.Event()
    historian = Historian(folder, WallClock(), options)
    watch = Watch(folder, historian, sources, WallClock(), precedence=precedence, tell=told.append)
    running = asyncio.create_task(
        collect(sources, watch, historian.catalogue, ending, lambda _: watch.look())
    )
    try:
        yield watch, told
    finally:
        ending.set()
        async with asyncio.timeout(WITHIN_S):
            watch.end(await running)
        historian.close()


def stored(folder):
    reader = HistorianReader(folder)
    far = Instant(WallClock().now() + 3600 * SECOND)
    found = [reader.query.range(n, Instant(0), far).values.tolist()
             for n in range(len(reader.catalogue))]  # fmt: skip
    reader.close()
    return found


async def metrics_of(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    assert "text/plain; version=0.0.4" in head
    return body


@pytest.fixture
def broker():
    if binary() is None:
        pytest.skip("Mosquitto is not installed here: apt-get install mosquitto")
    with Mosquitto() as running:
        yield running


def test_two_sources_of_one_series_are_both_stored_and_their_disagreement_is_told_once(
    broker, tmp_path
):
    sources = [MqttSource(mapping_of(MAPPING.format(source=name, port=broker.port).encode()))
               for name in ("gateway", "control")]  # fmt: skip
    rule = Precedence(sources=("control", "gateway"), tolerance=1.0, lasting_s=2, stale_s=600)
    sender = Sender(broker)

    async def story():
        async with collecting(tmp_path, sources, precedence=(rule,)) as (made, told):
            await until(lambda: all(each.health().connected for each in sources), told)
            sender.start()
            begin = WallClock().now() - 10 * SECOND
            for second in range(5):
                at = (begin + second * SECOND) / 1e6
                await sender.publish("control/mill-1", json.dumps([[at, "load", 50.0, GOOD]]))
                await until(lambda n=second: sources[1].health().received == n + 1)
                await sender.publish("gateway/mill-1", json.dumps([[at, "load", 80.0, GOOD]]))
                await until(lambda n=second: sources[0].health().received == n + 1)
            await sender.publish("gateway/mill-1", json.dumps([[at, "load", "abc", GOOD]]))
            await until(lambda: sources[0].health().refused)
            async with metrics_served(made) as port:
                body = await metrics_of(port)
            assert made.health().apart == (told[0],) == (made.health().troubles()[-1],)
        sender.stop()
        return told, body

    told, body = asyncio.run(story())
    apart = [each for each in told if "Expected one value" in each]
    assert len(apart) == 1
    assert "found 50 from 'control' and 80 from 'gateway' since " in apart[0]
    assert "'control' counts." in apart[0]
    assert 'fabloop_source_readings_total{source="gateway"} 5' in body
    assert 'fabloop_source_refused_total{source="gateway",reason="not-a-number"} 1' in body
    assert "fabloop_rivals_apart 1\n" in body
    assert sorted(stored(tmp_path)) == [[50.0] * 5, [80.0] * 5]


def test_a_broker_that_restarts_is_told_and_shown(broker, tmp_path):
    source = MqttSource(mapping_of(MAPPING.format(source="hall", port=broker.port).encode()))

    async def story():
        async with collecting(tmp_path, [source]) as (made, told):
            await until(lambda: source.health().connected)
            broker.kill()
            await until(lambda: any(each.startswith("hall: Expected ") for each in told), told)
            assert 'connected{source="hall"} 0' in exposition(made.health())
            broker.start()
            await until(lambda: source.health().reconnects == 1)
            assert 'fabloop_source_connected{source="hall"} 1' in exposition(made.health())

    asyncio.run(story())


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if sys.platform != "linux" or mount is None:
        pytest.skip("no small disk can be mounted here")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run([shutil.which("umount") or "umount", "-l", str(place)], check=True)


def test_a_disk_that_is_full_holds_back_tells_and_goes_on_without_loss(small_disk):
    filler = small_disk / "filler"

    async def story():
        desk = Desk("desk")
        options = Options(commit_ns=SECOND // 100, reserve_bytes=0, pending_max=20_000)
        async with collecting(small_disk / "r", [desk], options=options) as (made, told):
            desk.lay(0.0)
            await until(lambda: made.durable() >= 1)
            with pytest.raises(OSError, match="No space left"):
                filler.write_bytes(bytes(4_000_000))
            for n in range(1, 41):
                desk.lay(*[float(n)] * 1_000)
            await until(lambda: any(each.startswith("store: Expected") for each in told), told)
            body = exposition(made.health())
            assert "fabloop_store_troubled 1\n" in body
            assert "fabloop_store_dropped_total 0\n" in body
            filler.unlink()
            await until(lambda: made.health().store.trouble == "" and desk.received == 40_001)
            await until(lambda: made.health().store.pending == 0)
        return stored(small_disk / "r")

    (values,) = asyncio.run(story())
    assert len(values) == 40_001
    assert values == sorted(values)


def test_a_source_that_gives_up_is_named_and_the_others_go_on(tmp_path):
    async def story():
        good, broken = Desk("good"), Desk("broken")
        async with collecting(tmp_path, [good, broken]) as (watch, _):
            broken.laid.put_nowait(Unavailable("Expected a line, but found none. Mend it."))
            good.lay(1.0, 2.0)
            await until(lambda: good.received == 2 and watch.durable() >= 1)
        return watch.health()

    health = asyncio.run(story())
    assert health.troubles() == ("broken: Expected a line, but found none. Mend it.",)
    assert health_kept(tmp_path).ended == health.ended
    body = exposition(health)
    assert 'fabloop_source_ended{source="broken"} 1' in body
    assert 'fabloop_source_ended{source="good"} 0' in body
    assert sorted(stored(tmp_path)) == [[], [1.0, 2.0]]


def test_an_alarm_of_a_machine_is_told_when_it_comes_and_when_it_is_over(tmp_path):
    async def story():
        desk = Desk("mill")
        alarms = [
            StandingAlarm(source="mill", work_unit="mill-7", name="Coolant", since=Instant(0),
                          severity=900, message="too warm")
        ]  # fmt: skip
        desk.alarms = lambda: tuple(alarms)
        async with collecting(tmp_path, [desk]) as (watch, told):
            desk.lay(1.0)
            await until(lambda: told, "alarm")
            watch.look()
            body = exposition(watch.health())
            alarms.clear()
            watch.look()
            watch.look()
        return told, body

    told, body = asyncio.run(story())
    assert told == [
        "Alarm 'Coolant' of 'mill-7' since 1970-01-01T00:00:00Z, severity 900: too warm",
        "Alarm 'Coolant' of 'mill-7' is over.",
    ]
    assert 'fabloop_source_alarms{source="mill"} 1' in body


def test_parts_that_two_sources_count_are_counted_once_for_oee(tmp_path):
    press, clock = WorkUnitId("press"), WallClock()
    historian = Historian(tmp_path, clock, PROMPT)
    setting = UnitSetting(work_unit=press, time_zone="UTC", rates={"": SECOND})
    heard = HeardStore(historian, [setting], historian.catalogue, clock)
    watch = Watch(tmp_path, historian, [], clock, heard=heard)
    numbers = [
        historian.catalogue.number(
            Series(source=each, address="good", work_unit=press, name="parts.good",
                   kind=Kind.COUNTER)
        )
        for each in ("control", "gateway")
    ]  # fmt: skip
    begin = clock.now() - 60 * SECOND
    for n in range(11):
        for number in numbers:
            watch.keep(batch_of([begin + n * SECOND], number, [100.0 + n]))
    counted = heard.totals(press, Instant(begin - SECOND), clock.now()).counted()
    assert (counted.good, watch.health().disagreements) == (10, 0)
    historian.close()
    assert [len(each) for each in stored(tmp_path)] == [11, 11]


def test_what_is_not_known_is_nan_and_never_zero():
    body = exposition(CollectingHealth(at=Instant(SECOND), sources={"new": SourceHealth()}))
    assert 'fabloop_source_connected{source="new"} NaN' in body
    assert 'fabloop_source_clock_skew_seconds{source="new"} NaN' in body
    assert "store" not in body


def test_the_format_is_that_of_prometheus():
    odd = SourceHealth(refused={'a"b\\c\nd': 7})
    body = exposition(CollectingHealth(at=Instant(SECOND), sources={"s": odd, "t": odd}))
    assert 'refused_total{source="s",reason="a\\"b\\\\c\\nd"} 7' in body
    names = [line.split()[2] for line in body.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names))
    assert set(names) <= set(METRICS)
    for line in body.splitlines():
        assert line.startswith("#") or len(line.rpartition(" ")) == 3
    for name, metric in METRICS.items():
        assert name.endswith("_total") == (metric.kind == "counter")


def run(*words, code=0):
    done = CliRunner().invoke(app, ["readings", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def test_collecting_and_its_health_on_the_command_line(broker, tmp_path):
    mapping = tmp_path / "hall.yaml"
    mapping.write_text(MAPPING.format(source="hall", port=broker.port))
    folder = tmp_path / "readings"
    words = ["readings", "collect", str(folder), "--mapping", str(mapping), "--metrics", "0"]
    sender = Sender(broker)
    sender.start()

    async def told():
        await until(lambda: health_kept(folder) is not None, "health")
        await until(lambda: health_kept(folder).sources["hall"].connected, "connected")
        at = WallClock().now() / 1e6
        await sender.publish("hall/mill-1", json.dumps([[at, "load", 1.0, GOOD]]))
        await sender.publish("hall/mill-1", json.dumps([[at, "load", "x", GOOD]]))
        await until(lambda: health_kept(folder).sources["hall"].refused, "refused")

    with subprocess.Popen(
        [sys.executable, "-c", "from fabloop.cli import main; main()", *words],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            url = process.stderr.readline().split()[-1]
            asyncio.run(told())
            assert 'refused_total{source="hall",reason="not-a-number"} 1' in httpx.get(url).text
            assert httpx.get(url.removesuffix("metrics")).status_code == 404
            shown = run("health", folder, code=1).stdout
            assert "not-a-number" in shown
            assert "hall: Expected a finite number" in shown
            assert (
                "fabloop_store_pending_readings"
                in run("health", folder, "--metrics", code=1).stdout
            )
        finally:
            process.terminate()
        said = process.stderr.read()
    sender.stop()
    assert process.returncode == 0
    assert said.count("hall: Expected a finite number") == 1
    assert stored(folder) == [[1.0]]
    answer = json.loads(run("health", folder, "--json", code=1).stdout)
    assert answer["health"]["sources"]["hall"]["refused"] == {"not-a-number": 1}


class Told:
    """A source whose health a test sets."""

    name = "hall"

    def __init__(self):
        self.now = SourceHealth(connected=True, received=5)

    def health(self):
        return self.now


def test_a_trouble_that_is_over_is_past_and_one_that_lasts_is_not(tmp_path):
    source, clock = Told(), SetClock()
    historian = Historian(tmp_path, clock, PROMPT)
    watch = Watch(tmp_path, historian, [source], clock)

    def seen(after_s, **changes):
        clock.at = Instant(clock.at + int(after_s * SECOND))
        source.now = msgspec.structs.replace(source.now, **changes)
        watch.look()
        health = health_kept(tmp_path)
        return health.troubles(), health.past()

    assert seen(0) == ((), ())
    lost = "Expected a broker, but found none."
    assert seen(1, connected=False, trouble=lost) == ((f"hall: {lost}",), ())
    assert seen(600) == ((f"hall: {lost}",), ())  # it is still not connected
    assert seen(1, connected=True, reconnects=1) == ((f"hall: {lost}",), ())
    assert seen(61) == ((), (f"hall: {lost}",))
    text = "Expected a number, but found 'abc'."
    assert seen(1, trouble=text, refused={"not-a-number": 1}) == ((f"hall: {text}",), ())
    assert seen(50, refused={"not-a-number": 2}) == ((f"hall: {text}",), ())
    assert seen(50, amended={"repeated": 9}) == ((f"hall: {text}",), ())
    assert seen(50, amended={"repeated": 99}) == ((), (f"hall: {text}",))
    soon = "Expected a certificate that is valid for longer."
    assert seen(1, trouble=soon, lasting=(soon,)) == ((f"hall: {soon}",), ())
    assert seen(9_000) == ((f"hall: {soon}",), ())
    historian.close()


def test_trouble_that_is_over_leaves_the_exit_code_fine(tmp_path):
    now, trouble = WallClock().now(), "Expected a broker, but found none."
    health = CollectingHealth(
        at=now,
        sources={"hall": SourceHealth(connected=True, trouble=trouble)},
        troubled_at={"hall": Instant(now - 90 * SECOND)},
    )
    (tmp_path / HEALTH_FILE).write_bytes(msgspec.json.encode(health))
    assert f"Over: hall: {trouble}" in run("health", tmp_path).stdout
    answer = json.loads(run("health", tmp_path, "--json").stdout)
    assert (answer["troubles"], answer["past"]) == ([], [f"hall: {trouble}"])


def test_a_tally_forgets_what_lasted_with_the_connection():
    tally = Tally()
    tally.connect(Instant(1))
    tally.trouble("Expected 'a', but found none.")
    tally.trouble("Expected an answer, but found none.", lasting=False)
    assert tally.health().lasting == ("Expected 'a', but found none.",)
    tally.connect(Instant(2))
    assert tally.health().lasting == ()
    assert tally.health().trouble == "Expected an answer, but found none."


def test_old_health_says_that_nobody_collects(tmp_path):
    Historian(tmp_path, WallClock()).close()
    with pytest.raises(Invalid, match="fabloop readings collect"):
        run("health", tmp_path)
    (tmp_path / HEALTH_FILE).write_bytes(b'{"at": 1000000000}')
    assert run("health", tmp_path, code=1).stdout.startswith("Nobody collects now; this was told ")
    with pytest.raises(NotFound):
        run("health", tmp_path / "none")


def test_what_cannot_be_configured_is_refused(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {series: '*', tolerence: 1}")
    with pytest.raises(Invalid, match="tolerence"):
        run("collect", tmp_path / "r", "--precedence", rules)
    with pytest.raises(Invalid, match="PORT"):
        run("collect", tmp_path / "r", "--metrics", "here")
