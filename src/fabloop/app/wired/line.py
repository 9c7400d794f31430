"""One machine on a wire: switched on when it is first needed, and commanded from then on."""

import threading
from collections.abc import Callable
from typing import Protocol

from fabloop.app.wired.children import Child
from fabloop.base.errors import FabloopError, Unavailable
from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.run.actor import JobOrder, JobResponse

FOREVER = Instant(2**63 - 1)


class WireActor(Protocol):
    """What a connection to a machine does."""

    trouble: str

    def start(self) -> None:
        """Begin to work."""
        ...

    def begin(self, order: JobOrder) -> None:
        """Hand a job over."""
        ...

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return the answers up to an instant."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


SwitchOn = Callable[[WorkUnitId], Child]
Connect = Callable[[WorkUnitId, str, Callable[[], None]], WireActor]


class MachineLine:
    """A machine's process and the connection to it; jobs wait until both are there.

    Parameters
    ----------
    switch_on : starts the process, which tells the URL of its server
    connect : makes the connection to that URL
    wake : called when something has come
    """

    def __init__(
        self,
        work_unit: WorkUnitId,
        switch_on: SwitchOn,
        connect: Connect,
        wake: Callable[[], None],
    ) -> None:
        self._work_unit = work_unit
        self._switch_on = switch_on
        self._connect = connect
        self._wake = wake
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._actor: WireActor | None = None
        self._waiting: list[JobOrder] = []
        self._starting: threading.Thread | None = None
        self._failure: FabloopError | None = None
        self._closed = False

    @property
    def is_on(self) -> bool:
        """Whether it was needed so far."""
        return self._child is not None

    def begin(self, order: JobOrder) -> None:
        """Hand a job over, now or as soon as the machine is on."""
        with self._lock:
            if self._actor is not None:
                self._actor.begin(order)
                return
            self._waiting.append(order)
        self.switch_on()

    def switch_on(self) -> None:
        """Start the machine if it is off; return without waiting for it."""
        if self._child is None:
            self._child = self._switch_on(self._work_unit)
            self._starting = threading.Thread(target=self._begin, daemon=True)
            self._starting.start()

    def responses(self) -> tuple[JobResponse, ...]:
        """Return the answers that have come."""
        with self._lock:
            return () if self._actor is None else self._actor.responses(FOREVER)

    def check(self) -> None:
        """Make sure that an answer can still come.

        Raises
        ------
        Unavailable
            The process could not begin its work, or is gone.
        """
        if self._failure is not None:
            raise self._failure
        if self._child is not None and not self._child.lives:
            raise Unavailable(
                f"Expected the process of machine '{self._work_unit}' to live as long as the "
                "story, but it has ended. Go on with the story by --resume."
            )

    def disconnect(self) -> None:
        """End the connection."""
        with self._lock:
            self._closed = True
            actor, self._actor = self._actor, None
        if actor is not None:
            actor.close()

    def ask_to_end(self) -> None:
        """Let the process end; one that has not begun its work has nothing to end in order."""
        if self._child is not None and self._starting is not None:
            if self._starting.is_alive():
                self._child.kill()
            else:
                self._child.ask_to_end()

    def end(self) -> None:
        """End the process."""
        if self._starting is not None:
            self._starting.join()
        if self._child is not None:
            self._child.end()

    def _begin(self) -> None:
        assert self._child is not None, "it was switched on"
        try:
            actor = self._connect(self._work_unit, self._child.told(), self._wake)
        except FabloopError as error:
            self._failure = error
            self._wake()
            return
        with self._lock:
            if self._closed:
                return
            actor.start()
            self._actor = actor
            for order in self._waiting:
                actor.begin(order)
            self._waiting.clear()
