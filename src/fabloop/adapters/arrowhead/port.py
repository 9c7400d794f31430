"""What façades need of the cloud that they speak for."""

from typing import Protocol, TypeVar

from fabloop.services.cloud.command import Command, Question

T = TypeVar("T")


class CloudPort(Protocol):
    """A cloud that is told things and asked things; its answers are durable."""

    async def do(self, command: Command[T]) -> T:
        """Return the reply of a command; raises what it raises, and Unavailable."""
        ...

    async def ask(self, question: Question[T]) -> T:
        """Return the answer to a question."""
        ...
