"""The process of a machine group: bulks in, apps, results out; it never waits for anybody."""

import os
import selectors
import socket
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator

from fabloop.adapters.bulks import (
    Announcement,
    BulkFrame,
    Frame,
    FrameReader,
    Malformed,
    TopicFrame,
    VariableFrame,
    announcement_bytes,
    bound,
    topic_bytes,
    variable_bytes,
)
from fabloop.app.edge import realtime
from fabloop.app.edge.app import Lane, Message
from fabloop.app.edge.crew import Crew
from fabloop.app.edge.feeder import Feeder
from fabloop.app.edge.link import (
    Configure,
    Configured,
    End,
    Hello,
    Named,
    Outlet,
    Report,
    Words,
    framed,
    to_process,
)
from fabloop.app.edge.outgoing import SetVariable
from fabloop.app.edge.stream import Stream
from fabloop.base.instant import Instant

REPORT_NS = 250_000_000
"""How often a process tells how it is doing."""
FLUSH_S = 0.002
"""How long to wait before what could not be sent is tried again."""


class Process:
    """One lane of a group.

    Parameters
    ----------
    address : where bulks come from
    feeds : where the fast lane passes them on to; empty: nowhere
    link : to the edge that looks after the process
    make : makes the apps' crew, given what sets variables of a control
    """

    def __init__(
        self,
        lane: Lane,
        address: str,
        feeds: str,
        link: socket.socket,
        make: Callable[[SetVariable], Crew],
    ) -> None:
        self._lane = lane
        self._version = 0
        self._listener, self.address = bound(address)
        self._link = link
        self._outlet = Outlet(link)
        self._words = Words()
        self._crew = make(self._variable)
        self._streams: dict[str, Stream] = {}
        self._connections: dict[socket.socket, FrameReader] = {}
        self._feeder = Feeder(feeds, self._announcements, self._passed_back) if feeds else None
        self._back = FrameReader()
        self._selector = selectors.DefaultSelector()
        self._selector.register(link, selectors.EVENT_READ)
        self._handling = array("q")
        self._path = array("q")
        self._cut: Counter[str] = Counter()
        self._overruns = 0
        self._due_ns = time.monotonic_ns()
        self._ended = False

    def say_hello(self, scheduling: realtime.Scheduling, warning: str) -> None:
        """Tell the edge that the process is there."""
        self._outlet.put(framed(Hello(os.getpid(), self.address, scheduling, warning)))

    def run(self) -> None:
        """Serve until told to end, or until the edge is gone."""
        try:
            while not self._ended:
                self._step()
        except (BrokenPipeError, ConnectionResetError):
            return  # nobody looks after us any more, and nobody hears what the apps tell

    def _step(self) -> None:
        waits = self._outlet.waits or (self._feeder is not None and self._feeder.waits)
        left_ns = self._due_ns - time.monotonic_ns()
        for key, _ in self._selector.select(FLUSH_S if waits else max(0.0, left_ns * 1e-9)):
            found = key.fileobj
            assert isinstance(found, socket.socket), "nothing else is registered"
            if found is self._listener:
                self._accept()
            elif found is self._link:
                self._told()
            else:
                self._receive(found)
        self._outlet.flush()
        if self._feeder is not None:
            self._feeder.flush()
        if time.monotonic_ns() >= self._due_ns:
            self._due_ns = time.monotonic_ns() + REPORT_NS
            self._report()

    # -- bulks ------------------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.settimeout(0.0)
        self._connections[connection] = FrameReader()
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> None:
        reader = self._connections[connection]
        arrived_ns = time.monotonic_ns()
        try:
            count = connection.recv_into(reader.room())
            if count == 0:
                self._gone(connection)
                return
            for frame, raw in reader.filled(count):
                self._take(frame, raw, connection, arrived_ns)
                arrived_ns = time.monotonic_ns()
        except BlockingIOError:
            return
        except Malformed as error:
            self._cut[error.reason] += 1
            self._gone(connection)
        except OSError:
            self._gone(connection)

    def _gone(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._connections[connection]
        connection.close()
        for each in self._streams.values():
            each.gone(connection)

    def _take(
        self, frame: Frame, raw: memoryview, connection: socket.socket, arrived_ns: int
    ) -> None:
        match frame:
            case BulkFrame():
                self._bulk(frame, raw, connection, arrived_ns)
            case Announcement():
                self._announced(frame, connection)
            case TopicFrame():
                if self._lane is Lane.FAST:
                    raise Malformed("kind", "topics come from the edge itself alone")
                fact = None if frame.fact is None else frame.fact.encode()
                message = Message(frame.topic, Instant(frame.at), frame.value, fact)
                self._crew.deliver([message])
            case VariableFrame():
                raise Malformed("kind", "variables are set by the edge, not for it")
        self._send()

    def _announced(self, frame: Announcement, connection: socket.socket) -> None:
        stream = self._streams.get(frame.machine)
        if stream is None:
            self._cut["unknown-machine"] += 1
            return
        stream.announced(frame, connection)
        if self._feeder is not None and stream.sender is connection:
            self._feeder.put(announcement_bytes(frame))

    def _announcements(self) -> Iterator[bytes]:
        for each in self._streams.values():
            if each.announcement is not None:
                yield announcement_bytes(each.announcement)

    def _passed_back(self, received: bytes) -> None:
        """Pass on to the controls what apps of the slow lane set."""
        self._back.room()[: len(received)] = received
        for frame, _ in self._back.filled(len(received)):
            assert isinstance(frame, VariableFrame), "the slow lane sends nothing else"
            self._variable(frame.machine, frame.name, frame.value)

    def _bulk(
        self, frame: BulkFrame, raw: memoryview, connection: socket.socket, arrived_ns: int
    ) -> None:
        stream = self._streams.get(frame.machine)
        if stream is None:
            self._cut["unknown-machine"] += 1
            return
        now = time.time_ns()  # noqa: TID251  # compared with the control's clock
        if not stream.take(frame, connection, now):
            return
        told = self._crew.delivered()
        done_ns = time.monotonic_ns()
        self._handling.append(done_ns - arrived_ns)
        if frame.sent_ns:
            self._path.append(done_ns - frame.sent_ns)
        if done_ns - arrived_ns > len(frame.trigger) * frame.step_ns:
            self._overruns += 1
        if self._feeder is not None:
            self._feeder.put(bytes(raw))
            for each in told:
                self._feeder.put(_topic(frame.machine, each))

    def _variable(self, machine: str, name: str, value: float) -> None:
        stream = self._streams.get(machine)
        sender = stream.sender if stream is not None else None
        frame = variable_bytes(VariableFrame(machine=machine, name=name, value=value))
        try:
            if not isinstance(sender, socket.socket) or sender.send(frame) < len(frame):
                self._cut["variable-not-set"] += 1
        except OSError:
            self._cut["variable-not-set"] += 1

    # -- the edge ---------------------------------------------------------------------------------

    def _told(self) -> None:
        received = self._link.recv(2**16)
        if not received:
            self._ended = True
        for body in self._words.of(received):
            match to_process(body):
                case Configure() as word:
                    self._configure(word)
                case End():
                    self._ended = True

    def _configure(self, word: Configure) -> None:
        now_ns = time.monotonic_ns()
        faults = self._crew.configure(word.group, word.suspended, word.renewed, now_ns)
        for machine in word.group.machines:
            self._streams.setdefault(machine, Stream(machine)).use(self._crew.apps)
        if self._version == 0:  # whoever called before waits until somebody can take their bulks
            self._selector.register(self._listener, selectors.EVENT_READ)
        self._outlet.put(framed(Configured(word.version, faults)), needed=True)
        self._version = word.version
        realtime.quiet_collector()

    def _send(self) -> None:
        for each in self._crew.results:
            self._outlet.put(framed(each), needed=isinstance(each, Named))
        self._crew.results.clear()

    def _report(self) -> None:
        report = Report(
            version=self._version,
            streams=tuple(each.report() for each in self._streams.values()),
            apps=self._crew.reports(time.monotonic_ns()),
            handling=self._handling.tobytes(),
            path=self._path.tobytes(),
            dropped=self._outlet.dropped,
            connections=len(self._connections),
            cut=dict(self._cut),
            overruns=self._overruns,
            not_passed_on=self._feeder.dropped if self._feeder else 0,
        )
        del self._handling[:], self._path[:]
        self._outlet.put(framed(report), needed=True)


def _topic(machine: str, told: Message) -> bytes:
    """Return what an app told as it is passed on."""
    fact = None if told.fact is None else told.fact.decode()
    return topic_bytes(
        TopicFrame(machine=machine, topic=told.topic, at=told.at, value=told.value, fact=fact)
    )
