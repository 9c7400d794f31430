"""A local cloud under load: late binding, requests over HTTP, and pushes.

Run ``python bench/cloud.py [--offers N] [--rounds N] [--seconds S] [--only bind|http|push]``.

*bind*: one decision (requirements, grants, locks, preference, choice, lock and record of it)
among all offers, in several shapes; then the same until it is safe on the disk.
*http*: a served cloud in a process of its own, asked by a load generator in another.
*push*: one trigger for 100 subscribers, until the last has its notification.
Medians of the rounds are told, with CPU seconds of the server.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import resource
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fabloop.adapters.arrowhead.crypto import KeyedCrypto
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.app.cloud.folder import open_cloud
from fabloop.app.cloud.host import CloudHost
from fabloop.app.cloud.pushing import Pusher
from fabloop.app.cloud.serving import Plan, served
from fabloop.base.codec import to_msgpack
from fabloop.base.collector import settle
from fabloop.base.instant import SECOND, Instant, instant_of
from fabloop.services.cloud.authorise import GrantAccess, GrantEntry
from fabloop.services.cloud.bind import EXCLUSIVITY
from fabloop.services.cloud.command import Command, decide
from fabloop.services.cloud.interfaces import generic_templates
from fabloop.services.cloud.locks import HoldOffers, LockEntry
from fabloop.services.cloud.orchestrate import Bound, Pull, Rules
from fabloop.services.cloud.push import Subscribe, SubscriptionEntry, Trigger
from fabloop.services.cloud.records import (
    Form,
    Interface,
    Job,
    JobStatus,
    Policy,
    PolicyKind,
    SecurityPolicy,
    ServiceInstance,
)
from fabloop.services.cloud.registry import (
    RegisterServices,
    RegisterSystems,
    ServiceEntry,
    SystemEntry,
)
from fabloop.services.cloud.state import State

DEFINITIONS = 100
"""Of a cloud with many kinds of services."""
PER_SYSTEM = 10
SUBSCRIBERS = 100
CONNECTIONS = 64
START = instant_of("2026-11-22T10:00:00Z")
_INTERFACE = Interface(
    template="generic_http",
    protocol="http",
    policy=SecurityPolicy.NONE,
    properties={"accessAddresses": ["10.0.0.1"], "accessPort": 80, "basePath": "/offer"},
)
_POOL = multiprocessing.get_context("spawn")


class Shape(NamedTuple):
    """Offers, and what is asked of them."""

    name: str
    definitions: int
    form: Callable[[int], Form]
    held: float = 0.0


def forms_by_value(turn: int) -> Form:
    """Return what a step asks: a value, a bound, a version, an interface, one offer for itself."""
    return Form(
        definition=f"service{turn % DEFINITIONS}",
        metadata=({"hall": turn % 7, "reach": {"op": "GREATER_THAN", "value": 1.0}},),
        versions=("1.0.0",),
        templates=("generic_http",),
        flags={"MATCHMAKING": True},
        exclusivity_s=1,
    )


def forms_of_one(turn: int) -> Form:
    """Return the same of one single definition."""
    return msgspec.structs.replace(forms_by_value(turn), definition="service0")


def forms_by_bound(turn: int) -> Form:
    """Return a bound that one offer in a hundred keeps, of one single definition."""
    bound = {"reach": {"op": "GREATER_THAN", "value": 9.9 + turn % 3 / 1_000}}
    return Form(definition="service0", metadata=(bound,), flags={"MATCHMAKING": True})


def forms_in_vain(turn: int) -> Form:
    """Return a bound that no offer of one single definition keeps: all have to be looked at."""
    bound = {"reach": {"op": "GREATER_THAN", "value": 1_000.0 + turn}}
    return Form(definition="service0", metadata=(bound,))


def forms_held(_turn: int) -> Form:
    """Return one offer for itself, where most of one single definition are held by others."""
    flags = {"MATCHMAKING": True, "ONLY_EXCLUSIVE": True}
    return Form(definition="service0", flags=flags, exclusivity_s=1)


def forms_preferred(turn: int) -> Form:
    """Return preferred providers, of one single definition."""
    preferred = (f"System{turn % 997}", f"System{turn % 499}")
    return msgspec.structs.replace(forms_of_one(turn), preferred=preferred)


SHAPES = (
    Shape("100 definitions, value, bound, version", DEFINITIONS, forms_by_value),
    Shape("1 definition, value, bound, version", 1, forms_of_one),
    Shape("1 definition, preferred providers", 1, forms_preferred),
    Shape("1 definition, bound kept by 1 in 100", 1, forms_by_bound),
    Shape("1 definition, bound that none keeps", 1, forms_in_vain),
    Shape("1 definition, 99 in 100 are held", 1, forms_held, held=0.99),
)


def filling(offers: int, shape: Shape) -> Iterator[Command[Any]]:
    """Yield what fills a cloud."""
    systems = [f"System{n}" for n in range(offers // PER_SYSTEM)]
    yield RegisterSystems(entries=tuple(SystemEntry(name=each) for each in systems))
    entries = [
        ServiceEntry(
            provider=systems[n // PER_SYSTEM],
            definition=f"service{n % shape.definitions}",
            version=f"1.{n // shape.definitions % PER_SYSTEM}.0" if n % 2 else "1.0.0",
            metadata={"hall": n % 7, "reach": n % 1_000 / 100, "name": f"n{n}", EXCLUSIVITY: 60},
            interfaces=(_INTERFACE,),
        )
        for n in range(offers)
    ]
    if shape.definitions == 1:  # an id is provider, definition and version
        entries = [
            msgspec.structs.replace(each, version=f"1.{n % PER_SYSTEM}.0")
            for n, each in enumerate(entries)
        ]
    yield RegisterServices(entries=tuple(entries))
    everybody = Policy(kind=PolicyKind.ALL)
    offered = {(each.provider, each.definition) for each in entries}
    for provider, definition in sorted(offered):
        grant = GrantEntry(provider=provider, target=definition, default=everybody)
        yield GrantAccess(entries=(grant,), by=provider)


class Store:
    """A state without a disk, for decisions alone."""

    def __init__(self) -> None:
        self.state = State()
        self.state.apply(generic_templates(START))
        self.crypto = KeyedCrypto(b"x" * 32)
        self.at = START

    def does(self, command: Command[Any]) -> Any:
        """Decide, and apply."""
        reply, row = decide(self.state, command, self.at, self.crypto)
        if row is not None:
            to_msgpack(row)
        return reply


def binds(offers: int, rounds: int) -> None:
    """Print how long decisions take."""
    for shape in SHAPES:
        store = Store()
        for command in filling(offers, shape):
            store.does(command)
        if shape.held:
            ids = list(store.state.table(ServiceInstance))[: int(offers * shape.held)]
            locks = tuple(LockEntry(instance=each, owner="Other") for each in ids)
            store.does(HoldOffers(entries=locks))
        settle()
        took, spent, found = [], [], 0
        for turn in range(rounds):
            pull = Pull(form=shape.form(turn), requester="System1")
            begin, used = time.perf_counter(), time.thread_time()
            bound: Bound = store.does(pull)
            took.append(time.perf_counter() - begin)
            spent.append(time.thread_time() - used)
            found += bool(bound.bindings)
            store.at = Instant(store.at + SECOND)
        print(
            f"bind {shape.name:<40} {_spread(took)}, "
            f"CPU p99 {_p99(spent):.3f} ms; bound {found:,} of {rounds:,}"
        )


def binds_durably(offers: int, rounds: int) -> None:
    """Print how long it takes until a binding is safe on the disk."""
    with tempfile.TemporaryDirectory() as folder, open_cloud(Path(folder)) as host:
        for command in filling(offers, SHAPES[0]):
            host.submit(command)
        settle()
        took = []
        for turn in range(rounds):
            pull = Pull(form=forms_by_value(turn), requester="System1")
            begin = time.perf_counter()
            host.submit(pull)
            took.append(time.perf_counter() - begin)
        print(f"bind {'the first of them, safe on the disk':<40} {_spread(took)}")


def _spread(took: list[float]) -> str:
    median, most = statistics.median(took) * 1_000, max(took) * 1_000
    return f"median {median:7.3f} ms, p99 {_p99(took):7.3f} ms, most {most:7.3f} ms"


def _p99(took: list[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.99))] * 1_000


# -- HTTP -----------------------------------------------------------------------------------------


def serve(folder: str, offers: int, told: Connection) -> None:
    """Be the process of the server."""
    with open_cloud(Path(folder)) as host:
        for command in filling(offers, SHAPES[0]):
            host.submit(command)
    plan = Plan(data=Path(folder), ports=(0,), settings=Settings())
    with served(plan) as cloud:
        told.send(cloud.urls[0])
        while told.recv() != "end":
            used = resource.getrusage(resource.RUSAGE_SELF)
            told.send(used.ru_utime + used.ru_stime)


def _request(path: str, body: Any, who: str) -> bytes:
    content = msgspec.json.encode(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: cloud\r\nAuthorization: Bearer SYSTEM//{who}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def lookups(turn: int) -> bytes:
    """Return a request for offers: one definition, one version."""
    body = {"serviceDefinitionNames": [f"service{turn % DEFINITIONS}"], "metadataRequirementsList":
        [{"name": f"n{turn % 10_000 // 100 * 100 + turn % DEFINITIONS}"}]}  # fmt: skip
    return _request("/serviceregistry/service-discovery/lookup", body, "System1")


def pulls(turn: int) -> bytes:
    """Return a request for a binding."""
    body = {
        "serviceRequirement": {
            "serviceDefinition": f"service{turn % DEFINITIONS}",
            "versions": ["1.0.0"],
            "metadataRequirements": [
                {"hall": turn % 7, "reach": {"op": "GREATER_THAN", "value": 1.0}}
            ],
        },
        "orchestrationFlags": {"MATCHMAKING": True},
    }
    return _request("/serviceorchestration/orchestration/pull", body, "System1")


def registrations(turn: int) -> bytes:
    """Return a request that offers something."""
    body = {
        "serviceDefinitionName": f"service{turn % DEFINITIONS}",
        "version": f"2.0.{turn}",
        "metadata": {"hall": turn % 7},
        "interfaces": [
            {
                "templateName": "generic_http",
                "protocol": "http",
                "policy": "NONE",
                "properties": _INTERFACE.properties,
            }
        ],
    }
    return _request("/serviceregistry/service-discovery/register", body, "System1")


KINDS = {"lookup": lookups, "pull": pulls, "register": registrations}


def load(url: str, kind: str, seconds: float, begin: int, told: Connection) -> None:
    """Be the process of the load generator."""
    told.send(asyncio.run(_load(url, kind, seconds, begin)))


async def _load(url: str, kind: str, seconds: float, begin: int) -> tuple[int, int, list[float]]:
    host, _, port = url.rpartition("/")[2].partition(":")
    make = KINDS[kind]
    turn, failed = begin, 0
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def ask() -> None:
        nonlocal turn, failed
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < until:
            request = make(turn)
            turn += 1
            asked = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().index(b"content-length:") + 15
            await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
            took.append(time.perf_counter() - asked)
            failed += not head.startswith(b"HTTP/1.1 20")
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return len(took), failed, took


def http(offers: int, rounds: int, seconds: float) -> None:
    """Print requests per second."""
    with tempfile.TemporaryDirectory() as folder:
        here, there = _POOL.Pipe()
        process = _POOL.Process(target=serve, args=(folder, offers, there))
        process.start()
        url = here.recv()
        begin = 0
        try:
            for kind in KINDS:
                rates, p99s, spent, failures, count = [], [], [], 0, 0
                for _ in range(rounds):
                    here.send("used")
                    before = here.recv()
                    ours, theirs = _POOL.Pipe()
                    asking = _POOL.Process(target=load, args=(url, kind, seconds, begin, theirs))
                    asking.start()
                    count, failed, took = ours.recv()
                    asking.join()
                    here.send("used")
                    spent.append((here.recv() - before) / count * 1e6)
                    begin += count
                    failures += failed
                    rates.append(count / seconds)
                    p99s.append(sorted(took)[int(count * 0.99)] * 1_000)
                print(
                    f"http {kind:<10} {statistics.median(rates):>7,.0f} requests/s (median of "
                    f"{rounds}), p99 {statistics.median(p99s):6.1f} ms over {CONNECTIONS} "
                    f"connections, server CPU {statistics.median(spent):.0f} µs a request, "
                    f"failed {failures}"
                )
        finally:
            here.send("end")
            process.join()


# -- pushes ---------------------------------------------------------------------------------------


def receive(told: Connection) -> None:
    """Be the process of all receivers: tell the port, then when so many have arrived."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    told.send(listening.getsockname()[1])
    arrived = threading.Semaphore(0)

    def take(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            data = b""
            while True:
                more = connection.recv(65_536)
                if not more:
                    return
                data += more
                head, end, body = data.partition(b"\r\n\r\n")
                at = head.lower().find(b"content-length:")
                if end and len(body) >= int(head[at + 15 :].split(b"\r\n")[0]):
                    data = b""
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    arrived.release()

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=take, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    while (count := told.recv()) > 0:
        for _ in range(count):
            arrived.acquire()
        told.send(time.perf_counter())


def pushes(offers: int, rounds: int) -> None:
    """Print how long it takes until all subscribers have their notification."""
    here, there = _POOL.Pipe()
    process = _POOL.Process(target=receive, args=(there,))
    process.start()
    port = here.recv()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_cloud(Path(folder)) as host,
        Pusher(host, Rules()),
    ):
        for command in filling(offers, SHAPES[0]):
            host.submit(command)
        for n in range(SUBSCRIBERS):
            where = {
                "address": "127.0.0.1", "port": str(port), "method": "POST", "path": f"/told/{n}",
            }  # fmt: skip
            form = msgspec.structs.replace(forms_by_value(n), exclusivity_s=None)
            entry = SubscriptionEntry(form=form, protocol="HTTP", properties=where)
            host.submit(Subscribe(entries=(entry,), owner=f"System{n}"))
        settle()
        took, spent = [], []
        for _ in range(rounds):
            used = _cpu()
            here.send(SUBSCRIBERS)
            begin = time.perf_counter()
            host.submit(Trigger(by="Sysop"))
            took.append(here.recv() - begin)
            _wait_until_done(host)
            spent.append(_cpu() - used)
        print(
            f"push to {SUBSCRIBERS} systems: median {statistics.median(took):.3f} s, most "
            f"{max(took):.3f} s of {rounds}; server CPU {statistics.median(spent):.3f} s"
        )
    here.send(0)
    process.join()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _wait_until_done(host: CloudHost) -> None:
    def are_open(state: State, _: Instant) -> bool:
        done = (JobStatus.DONE, JobStatus.ERROR)
        return any(each.status not in done for each in state.table(Job).values())

    while host.query(are_open):
        time.sleep(0.01)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--decisions", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", choices=("bind", "http", "push"))
    asked = parser.parse_args()
    if asked.only in (None, "bind"):
        binds(asked.offers, asked.decisions)
        binds_durably(asked.offers, asked.decisions // 4)
    if asked.only in (None, "http"):
        http(asked.offers, asked.rounds, asked.seconds)
    if asked.only in (None, "push"):
        pushes(asked.offers, asked.rounds)


if __name__ == "__main__":
    main()
