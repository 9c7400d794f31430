"""Executor and application system as servers of their own, in a local cloud."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket

import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette

from fabloop.adapters.arrowhead.certificates import read_chain, told_by
from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.client import PORTS, FourClient
from fabloop.adapters.arrowhead.four.executor import Task, executor_app
from fabloop.adapters.arrowhead.mtls import Identity, identity_in, shown_by
from fabloop.adapters.arrowhead.profiles import Generation, label_of, subject_of
from fabloop.adapters.arrowhead.serving import Serving, listening, port_of
from fabloop.app.choreography.executor import Executor
from fabloop.app.choreography.joining import (
    OFFERED_S,
    Door,
    FiveDoor,
    FourDoor,
    Member,
    Offering,
)
from fabloop.app.choreography.network import Line, NetworkSpeech
from fabloop.app.choreography.ports import PUSH_PATH_KEY, REPORTING, Listener
from fabloop.app.choreography.system import (
    BEAT_S,
    PUSH_PATH,
    TASK_PATH,
    ApplicationSystem,
    Work,
)
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Fault, Invalid, Unavailable
from fabloop.base.names import did_you_mean
from fabloop.run.gate import Gate, undeclared
from fabloop.services.cloud.names import camel_name

CHOREOGRAPHER_S_MAX = 60.0
"""How long an executor waits for a choreographer that does not answer yet."""
CHOREOGRAPHER_AGAIN_S = 1.0
OPERATOR = "Sysop"
VERSIONS = (1, 2**31 - 1)


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """Where a system stands: the cloud it belongs to, what it shows, where it listens.

    Attributes
    ----------
    url : of the cloud
    identity : None in a cloud without certificates
    name : as 5.x has it; that of the certificate where there is one
    generation : of the cloud; one of 5.2.1 has to have the event handler of 4.6.2 too
    cores : addresses of core systems of 4.6.2 that are elsewhere, by name
    """

    url: str
    identity: Identity | None
    name: str
    host: str = "127.0.0.1"
    port: int = 0
    generation: Generation = Generation.FIVE
    cores: dict[str, str] = {}

    @property
    def line(self) -> Line:
        """A new line to others."""
        return Line(self.identity, "" if self.identity is not None else self.name)

    def four(self, **cores: str) -> FourClient:
        """Return a new client of the interfaces of 4.6.2."""
        return FourClient({"": self.url, **self.cores, **cores}, self.identity)

    def door(self, line: Line, cloud: FourClient, port: int, offered_s: int = OFFERED_S) -> Door:
        """Return how the system enters its cloud."""
        if self.generation is Generation.FOUR:
            return FourDoor(cloud, self.told(port), safe=self.identity is not None)
        return FiveDoor(line, self.url, self.name, (self.host, port), WallClock(), offered_s)

    def shown_by(self, url: str) -> str:
        """Return whose certificate a server shows; empty in a cloud without certificates."""
        return "" if self.identity is None else shown_by(url, self.identity)

    def told(self, port: int) -> wire.SystemRequest:
        """Return how the system tells of itself in 4.x."""
        return wire.SystemRequest(
            system_name=label_of(self.name, Generation.FIVE), address=self.host, port=port
        )


def post_of(
    url: str,
    certificate: Path | None,
    trust: Path | None,
    *,
    name: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    generation: int = 5,
    cores: tuple[str, ...] = (),
) -> Post:
    """Return where a system stands; its name is that of its certificate.

    `cores` are written ``NAME=URL``.

    Raises
    ------
    Invalid
        A file cannot be read, the certificate names no system, or a core system is unknown.
    """
    where = Post(
        url=url, identity=None, name=name or OPERATOR, host=host, port=port,
        generation=Generation(generation), cores=_cores(cores),
    )  # fmt: skip
    if certificate is None:
        return where
    identity = identity_in(certificate, trust or certificate.parent.parent / "trust.pem")
    told = told_by(read_chain(certificate / "certificate.pem")[0])
    subject = subject_of(told.common_name, told.profile)
    if subject is None:
        expected = "the certificate of a system or an operator"
        raise Invalid(
            Fault(source=str(certificate), path="", expected=expected, found=told.common_name)
        )
    return replace(where, identity=identity, name=subject.system)


def _cores(given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(each.partition("=")[::2] for each in given)
    for name, url in pairs.items():
        if name not in PORTS or not url:
            hint = did_you_mean(name, PORTS)
            expected = f"NAME=URL with one of {', '.join(PORTS)}"
            raise Invalid(
                Fault(source="--core", path="", expected=expected, found=f"{name}={url}", hint=hint)
            )
    return pairs


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A system that stands at its post: its line to others, its cloud, and where it listens."""

    post: Post
    line: Line
    cloud: FourClient
    socket: socket
    told: wire.SystemRequest

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"{self.line.scheme}://{self.post.host}:{self.told.port}"

    def serving(self, app: Starlette) -> Serving:
        """Return what serves an application where it listens, with its certificate."""
        return Serving(app, self.post.identity, at=self.socket)

    def member(self, offers: tuple[Offering, ...], offered_s: int = OFFERED_S) -> Member:
        """Return what is a member of the cloud with these offers."""
        door = self.post.door(self.line, self.cloud, self.told.port, offered_s)
        return Member(door, offers, offered_s=offered_s)


@contextmanager
def standing(post: Post, **cores: str) -> Iterator[Standing]:
    """Stand at a post; whatever was opened for it is closed at the end."""
    with (
        post.line as line,
        post.four(**cores) as cloud,
        closing(listening(post.host, post.port)) as at,
    ):
        yield Standing(post=post, line=line, cloud=cloud, socket=at, told=post.told(port_of(at)))


@contextmanager
def executor_post(
    post: Post,
    services: tuple[str, ...],
    choreographer: str,
    listener: Listener = lambda _: None,
    *,
    gate: Gate = undeclared,
    awaits: Callable[[float], bool] | None = None,
) -> Iterator[str]:
    """Be an executor of some services that serves its interface; yield where it is asked.

    Parameters
    ----------
    choreographer : where it registers
    gate : judges each task before it leaves
    awaits : waits so many seconds for a choreographer that does not answer yet, and tells whether
        to end instead; it is asked again and again, `CHOREOGRAPHER_S_MAX` in all

    Raises
    ------
    Unavailable
        The choreographer did not answer in all that time.
    """
    clock = WallClock()
    definitions = [camel_name(each) for each in services]
    with standing(post, choreographer=choreographer) as stands:
        executor = Executor(
            dict.fromkeys(definitions, VERSIONS),
            NetworkSpeech(stands.line, stands.cloud, stands.told, clock, gate=gate),
            f"{stands.url}/report",
            clock,
            listener=listener,
        )
        app = executor_app(executor, choreographer=post.shown_by(choreographer))
        offering = Offering(definition=REPORTING, path="/report", exclusive=False)
        with closing(executor), stands.serving(app), stands.member((offering,)):
            for definition in definitions:
                _register(stands, definition, awaits or _sleep)
            yield stands.url


def _register(stands: Standing, definition: str, awaits: Callable[[float], bool]) -> None:
    """Register at the choreographer, which may be about to start: whoever is first waits."""
    asked = steps.ExecutorRequest(
        system=stands.told,
        service_definition_name=definition,
        min_version=VERSIONS[0],
        max_version=VERSIONS[1],
    )
    until_s = time.monotonic() + CHOREOGRAPHER_S_MAX
    while True:
        try:
            stands.cloud.register_executor(asked)
        except Unavailable:
            if time.monotonic() >= until_s or awaits(CHOREOGRAPHER_AGAIN_S):
                raise
        else:
            return


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@contextmanager
def system_post(
    post: Post,
    services: tuple[str, ...],
    work: Work,
    *,
    beat_s: float = BEAT_S,
    offered_s: int = OFFERED_S,
) -> Iterator[str]:
    """Be an application system that serves its interface; yield where it is asked."""
    with standing(post) as stands:
        system = ApplicationSystem(
            stands.told, work, stands.cloud, stands.line, WallClock(),
            beat_s=beat_s, cloud_name=post.shown_by(post.url),
        )  # fmt: skip
        offers = tuple(
            Offering(
                definition=camel_name(each),
                path=TASK_PATH,
                metadata={PUSH_PATH_KEY: PUSH_PATH},
            )
            for each in services
        )
        with closing(system), stands.serving(system.app()), stands.member(offers, offered_s):
            yield stands.url


def takes(seconds: float) -> Work:
    """Return work that is done when some seconds have passed."""

    def work(task: Task, stopped: threading.Event) -> str:
        stopped.wait(seconds)
        return f"{task.service} took {seconds:g} s"

    return work
