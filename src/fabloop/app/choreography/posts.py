"""Executor and application system as servers of their own, in a local cloud."""

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import msgspec
from msgspec.structs import replace

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
from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.run.gate import Gate, undeclared
from fabloop.services.cloud.names import camel_name

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


class ExecutorPost:
    """An executor of some services that serves its interface, until closed.

    Parameters
    ----------
    choreographer : where it registers
    gate : judges each task before it leaves
    """

    def __init__(
        self,
        post: Post,
        services: tuple[str, ...],
        choreographer: str,
        listener: Listener = lambda _: None,
        *,
        gate: Gate = undeclared,
    ) -> None:
        clock = WallClock()
        definitions = [camel_name(each) for each in services]
        with ExitStack() as stack:
            line = stack.enter_context(post.line)
            cloud = stack.enter_context(post.four(choreographer=choreographer))
            socket = listening(post.host, post.port)
            stack.callback(socket.close)
            told = post.told(port_of(socket))
            report_uri = f"{line.scheme}://{post.host}:{told.port}/report"
            self.executor = Executor(
                dict.fromkeys(definitions, VERSIONS),
                NetworkSpeech(line, cloud, told, clock, gate=gate),
                report_uri,
                clock,
                listener=listener,
            )
            stack.callback(self.executor.close)
            app = executor_app(self.executor, choreographer=post.shown_by(choreographer))
            self.serving = stack.enter_context(Serving(app, post.identity, at=socket))
            offering = Offering(definition=REPORTING, path="/report", exclusive=False)
            door = post.door(line, cloud, told.port)
            stack.enter_context(Member(door, (offering,)))
            for definition in definitions:
                cloud.register_executor(
                    steps.ExecutorRequest(
                        system=told,
                        service_definition_name=definition,
                        min_version=VERSIONS[0],
                        max_version=VERSIONS[1],
                    )
                )
            self._stack = stack.pop_all()
        self.url = f"{line.scheme}://{post.host}:{self.serving.port}"

    def close(self) -> None:
        """Take no more steps."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SystemPost:
    """An application system that serves its interface, until closed."""

    def __init__(
        self,
        post: Post,
        services: tuple[str, ...],
        work: Work,
        *,
        beat_s: float = BEAT_S,
        offered_s: int = OFFERED_S,
    ) -> None:
        clock = WallClock()
        with ExitStack() as stack:
            line = stack.enter_context(post.line)
            cloud = stack.enter_context(post.four())
            socket = listening(post.host, post.port)
            stack.callback(socket.close)
            told = post.told(port_of(socket))
            self.system = ApplicationSystem(
                told, work, cloud, line, clock, beat_s=beat_s, cloud_name=post.shown_by(post.url)
            )
            stack.callback(self.system.close)
            self.serving = stack.enter_context(Serving(self.system.app(), post.identity, at=socket))
            offers = tuple(
                Offering(
                    definition=camel_name(each),
                    path=TASK_PATH,
                    metadata={PUSH_PATH_KEY: PUSH_PATH},
                )
                for each in services
            )
            door = post.door(line, cloud, told.port, offered_s)
            stack.enter_context(Member(door, offers, offered_s=offered_s))
            self._stack = stack.pop_all()
        self.url = f"{line.scheme}://{post.host}:{self.serving.port}"

    def close(self) -> None:
        """Stop, and take the offers back."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def takes(seconds: float) -> Work:
    """Return work that is done when some seconds have passed."""

    def work(task: Task, stopped: threading.Event) -> str:
        stopped.wait(seconds)
        return f"{task.service} took {seconds:g} s"

    return work
