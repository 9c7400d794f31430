"""Pushes arrive at real receivers, once or more, also after a crash."""

import json
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fabloop.adapters.arrowhead.crypto import KeyedCrypto
from fabloop.app.cloud.host import host_of
from fabloop.app.cloud.pushing import Pusher
from fabloop.app.processes.clocks import SteppedClock, WallClock
from fabloop.base.instant import SECOND, Instant
from fabloop.base.journal import MemoryJournal
from fabloop.services.cloud.orchestrate import Rules
from fabloop.services.cloud.push import Push, Subscribe, SubscriptionEntry, Trigger
from fabloop.services.cloud.records import Form, Job, JobStatus
from fabloop.services.cloud.registry import (
    RegisterServices,
    RegisterSystems,
    ServiceEntry,
    SystemEntry,
)
from small_cloud import START, SmallCloud

FREE = Rules(authorised=False)


class Receiver:
    """A system that takes pushes, after some that it refuses."""

    def __init__(self, refusals: int = 0) -> None:
        self.got: list[dict] = []
        self.refusals = refusals
        self.arrived = threading.Semaphore(0)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = receiver.refusals > 0
                receiver.refusals -= refused
                self.send_response(503 if refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if not refused:
                    receiver.got.append({"path": self.path, **json.loads(body)})
                receiver.arrived.release()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def told(self) -> dict[str, str]:
        port = str(self._server.server_port)
        return {"address": "127.0.0.1", "port": port, "method": "post", "path": "pushed"}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


def receiver(stack: ExitStack, refusals: int = 0) -> Receiver:
    made = Receiver(refusals)
    stack.callback(made.close)
    return made


def cloud(stack: ExitStack, journal=None, clock=None):
    made = host_of(journal or MemoryJournal(), clock or WallClock(), KeyedCrypto(b"x" * 32))
    return stack.enter_context(made)


def offering(host) -> None:
    host.submit(RegisterSystems(entries=(SystemEntry(name="Arm"),)))
    entry = ServiceEntry(provider="Arm", definition="welding", interfaces=(SmallCloud().http(),))
    host.submit(RegisterServices(entries=(entry,)))


def subscribed(host, told: dict[str, str], owner: str = "Cell", *, trigger: bool = True) -> str:
    form = Form(definition="welding")
    entry = SubscriptionEntry(form=form, protocol="http", properties=told)
    return host.submit(Subscribe(entries=(entry,), owner=owner, trigger=trigger))[0][0].id


def ended(host) -> list[JobStatus]:
    done = threading.Event()

    def look() -> None:
        done.set()

    host.listen(look)
    for _ in range(200):
        jobs = host.query(lambda state, _: [x.status for x in state.table(Job).values()])
        if all(each in (JobStatus.DONE, JobStatus.ERROR) for each in jobs):
            return jobs
        done.wait(0.1)
        done.clear()
    raise AssertionError(f"they did not end: {jobs}")


def test_a_trigger_is_delivered_to_all_who_subscribed(stack):
    host = cloud(stack)
    offering(host)
    stack.enter_context(Pusher(host, FREE))
    receivers = [receiver(stack) for _ in range(3)]
    for number, each in enumerate(receivers):
        subscribed(host, each.told, f"Cell{number}", trigger=False)
    host.submit(Trigger(by="Sysop"))
    for each in receivers:
        assert each.arrived.acquire(timeout=20)
        (got,) = each.got
        assert got["path"] == "/pushed"
        assert got["results"][0]["serviceDefinitition"] == "welding"
        assert got["warnings"] == []
    assert ended(host) == [JobStatus.DONE] * 3


def test_a_receiver_that_refuses_is_asked_again(stack):
    clock = SteppedClock(START)
    host = cloud(stack, clock=clock)
    pusher = stack.enter_context(Pusher(host, FREE))
    slow = receiver(stack, refusals=2)
    subscribed(host, slow.told)
    tries = 0
    while not slow.got and tries < 400:
        if not slow.arrived.acquire(timeout=0.05):
            clock.set(Instant(clock.now() + 5 * SECOND))
            pusher.wake()
            tries += 1
    assert ended(host) == [JobStatus.DONE]
    assert len(slow.got) == 1


def test_what_can_never_be_delivered_is_given_up_with_its_reason(stack):
    clock = SteppedClock(START)
    host = cloud(stack, clock=clock)
    gone = receiver(stack)
    told = gone.told
    gone.close()
    pusher = stack.enter_context(Pusher(host, FREE))
    subscribed(host, told)
    attempts = threading.Event()
    host.listen(attempts.set)
    for _ in range(200):
        (job,) = host.query(lambda state, _: list(state.table(Job).values()))
        if job.status is JobStatus.ERROR:
            break
        clock.set(Instant(clock.now() + 10 * SECOND))
        pusher.wake()
        attempts.wait(0.1)
        attempts.clear()
    assert job.attempts == 5
    assert "to answer, but" in job.message


def test_a_push_begun_before_a_crash_is_delivered_after_it(stack):
    journal = MemoryJournal()
    first = host_of(journal, WallClock(), KeyedCrypto(b"x" * 32))
    offering(first)
    late = receiver(stack)
    subscribed(first, late.told)
    (job,) = first.query(lambda state, _: state.open_jobs())
    first.submit(Push(job=job.id, rules=FREE))
    first.close()
    host = cloud(stack, journal)
    stack.enter_context(Pusher(host, FREE))
    assert late.arrived.acquire(timeout=20)
    assert ended(host) == [JobStatus.DONE]
    assert late.got[0]["results"][0]["providerName"] == "Arm"
