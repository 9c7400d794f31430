"""The simulated devices of the bakery behind the servers of services."""

from functools import partial
from pathlib import Path

from fabloop.app.safety.permit_check import PermitCheck, written_rules
from fabloop.app.service_runtime.serving import (
    Finished,
    Machine,
    Pending,
    Refusing,
    Reply,
    ServedGiven,
)
from fabloop.base.instant import Instant
from fabloop.sim.bakery.behaviours import device_of
from fabloop.sim.bakery.device import Answer, Asked, Done, Nature, Never, NotNow, Under


class DeviceMachine:
    """A simulated device as a machine that can be served."""

    def __init__(self, nature: Nature) -> None:
        self._device = device_of(nature)

    def ask(self, operation: str, key: str, given: dict[str, object], at: Instant) -> Reply:
        """Begin something, or tell how what has this key stands."""
        return _reply(self._device.ask(Asked(operation=operation, key=key, given=given, at=at)))

    def look(self, key: str, at: Instant) -> Reply:
        """Tell how something stands."""
        return _reply(self._device.look(key, at))


def machine_of(nature: Nature) -> Machine:
    """Return the machine of a nature, as new."""
    return DeviceMachine(nature)


def served(
    nature: Nature, document: bytes, memory: Path, safety: Path | None = None
) -> ServedGiven:
    """Return what the process of a device's service is started with.

    With a file of safety rules it checks the permits of what it is told to do.
    """
    return ServedGiven(
        name=nature.name,
        document=document,
        make=partial(machine_of, nature),
        memory=str(memory / f"{nature.name}.jsonl"),
        check=partial(PermitCheck, safety, written_rules) if safety is not None else None,
    )


def _reply(answer: Answer) -> Reply:
    match answer:
        case Done(result=result):
            return Finished(result=result)
        case Under(again_ns=again_ns):
            return Pending(again_ns=again_ns)
        case NotNow(reason=reason, again_ns=again_ns):
            return Refusing(reason=reason, again_ns=again_ns)
        case Never(reason=reason):
            return Refusing(reason=reason)
