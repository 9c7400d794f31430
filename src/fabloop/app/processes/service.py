"""What a host gives to callers in its own process and, over the wire, to those in others."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from fabloop.app.processes.polls import Poll
from fabloop.app.processes.questions import Question
from fabloop.app.processes.slots import Sink
from fabloop.process.commands import ActiveJob, Command, Reply

T = TypeVar("T")


class Service(Protocol):
    """A `Host`, or a `Remote` one."""

    def submit(self, command: Command, *, actor: str = "", request: str = "") -> Reply:
        """Return the reply once it is durable."""
        ...

    def post(
        self, command: Command, sink: Sink[Reply], *, actor: str = "", request: str = ""
    ) -> None:
        """Do the same without waiting; `sink` is called from another thread."""
        ...

    def poll(self, poll: Poll, timeout_s: float) -> tuple[ActiveJob, ...]:
        """Return jobs as soon as there is one; none when there was none until the timeout."""
        ...

    def post_poll(
        self, poll: Poll, timeout_s: float, sink: Sink[tuple[ActiveJob, ...]]
    ) -> Callable[[], None]:
        """Do the same without waiting; call what is returned to wait no more."""
        ...

    def query(self, question: Question[T]) -> T:
        """Return the answer to a question."""
        ...

    def close(self) -> None:
        """End it, in order."""
        ...
