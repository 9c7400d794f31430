"""Delivers pushed orchestrations over HTTP: what is open in the journal, until it is delivered."""

import asyncio
import ssl
import threading
from collections.abc import Sequence
from typing import Self

import msgspec

from fabloop.adapters.arrowhead.five.told import orchestration_out
from fabloop.adapters.arrowhead.sending import Letter, status_of
from fabloop.app.cloud.host import CloudHost
from fabloop.base.errors import FabloopError, NotFound, Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.orchestrate import Bound, Rules
from fabloop.services.cloud.push import LOCAL_PUSH, EndPush, Push
from fabloop.services.cloud.records import Job, Subscription
from fabloop.services.cloud.state import State

UNDER_WAY_MAX = 64
"""Deliveries at the same time."""
DELIVERY_S_MAX = 5.0
"""How long a receiver may take before the delivery has failed."""
LOOK_AGAIN_S = 1.0
"""How often open jobs are looked for where nothing has been told of."""
GATHER_S = 0.005
"""How long changes are gathered before open jobs are looked for."""


class Pusher:
    """Delivers from a thread of its own until closed; what is under way then is tried again later.

    Parameters
    ----------
    context : TLS with our certificate, for receivers that are reached by HTTPS
    """

    def __init__(
        self, host: CloudHost, rules: Rules, context: ssl.SSLContext | None = None
    ) -> None:
        self._host = host
        self._rules = rules
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._closing = False
        self._woken = False
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._run, name="cloud-push", daemon=True)
        self._thread.start()
        host.listen(self.wake)

    def wake(self) -> None:
        """Look for open jobs soon."""
        if self._woken or self._closing:
            return
        self._woken = True
        self._loop.call_soon_threadsafe(self._changed.set)

    def close(self) -> None:
        """Deliver no more."""
        self._closing = True
        self._loop.call_soon_threadsafe(self._changed.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._deliver_all())

    async def _deliver_all(self) -> None:
        while not self._closing:
            wait_s = await self._begin()
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)
            self._changed.clear()
            self._woken = False
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _begin(self) -> float:
        """Begin what is due; return for how long there is nothing more to do."""
        try:
            now, jobs = await self._host.ask(_open_jobs)
        except FabloopError:
            return LOOK_AGAIN_S
        wait_s = LOOK_AGAIN_S
        for job in jobs:
            if job.id in self._under_way:
                continue
            if job.due_at is not None and job.due_at > now:
                wait_s = min(wait_s, (job.due_at - now) / SECOND)
            elif len(self._under_way) < UNDER_WAY_MAX:
                self._under_way[job.id] = asyncio.create_task(self._deliver(job.id))
        return wait_s

    async def _deliver(self, job: str) -> None:
        """Carry out one job, and note how it ended."""
        try:
            found = await self._host.do(Push(job=job, rules=self._rules))
            if found is not None:
                trouble = await self._sent(*found)
                await self._host.do(EndPush(job=job, trouble=trouble))
        except NotFound:  # somebody else has ended it
            pass
        except FabloopError:  # the cloud cannot write: whoever opens it again goes on from there
            await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            del self._under_way[job]
            self._changed.set()

    async def _sent(self, to: Subscription, bound: Bound) -> str:
        """Send a result; return what went wrong, nothing where it has arrived."""
        if to.protocol == LOCAL_PUSH:
            return f"nobody fetches results here for '{to.target}'"
        told = to.properties
        letter = Letter(
            method=told["method"].upper(),
            host=told["address"],
            port=int(told["port"]),
            path=told["path"],
            body=msgspec.json.encode(orchestration_out(bound)),
            context=self._secured() if to.protocol.lower() == "https" else None,
        )
        try:
            status = await status_of(letter, DELIVERY_S_MAX)
        except Unavailable as error:
            return str(error)
        return "" if status < 300 else f"{letter.url}: status {status}"

    def _secured(self) -> ssl.SSLContext:
        """Return how TLS is spoken: with our certificate, or as this machine does."""
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context


def _open_jobs(state: State, at: Instant) -> tuple[Instant, Sequence[Job]]:
    return at, state.open_jobs()
