"""The HTTP source: posted batches to readings; a sender hears 202 when its batch is safe."""

import asyncio
import hmac
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from fabloop.adapters.http_readings.bodies import COLUMNS, JSON, MSGPACK, decode_of, whole
from fabloop.adapters.http_readings.config import (
    BATCH_ID_CHARACTERS_MAX,
    BATCH_IDS_MAX,
    SAFE_S_MAX,
    HttpReadings,
)
from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.described import described
from fabloop.sense.readings.intake import Channel, Intake
from fabloop.sense.readings.payloads.decode import Decode
from fabloop.sense.readings.payloads.forms import TimeUnit
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.tally import Tally

PATH = "/api/v1/readings"
BATCH_ID = "Batch-Id"
REPEATED = "repeated"


def _now() -> Instant:
    return Instant(time.time_ns())  # noqa: TID251  # an adapter owns its clock


@dataclass(slots=True, eq=False)
class Posted:
    """A batch on its way; `safe` is done when it survives a crash."""

    accepted: int
    refused: dict[str, int]
    trouble: str
    safe: asyncio.Future[None]


class HttpSource:
    """Readings that are posted to `app`; `ReadingSource` and `Acknowledging`."""

    def __init__(self, config: HttpReadings, *, now: Callable[[], Instant] = _now) -> None:
        self._config = config
        self._token = config.token()
        self._now = now
        self._tally = Tally()
        self._open: tuple[Intake, Channel] | None = None
        self._closing = False
        self._work = asyncio.Event()
        self._queue: deque[tuple[Batch, Posted]] = deque()
        self._unsafe: deque[Posted] = deque()
        self._pending = 0
        self._settled = 0
        self._remembered: OrderedDict[str, Posted] = OrderedDict()
        self.app = Starlette(routes=[Route(PATH, self._post, methods=["POST"])])

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._config.source

    @property
    def urgent(self) -> bool:
        """Whether each batch is to be made safe at once: its sender waits for the answer."""
        return True

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        return self._tally.health()

    def close(self) -> None:
        """Take no more; what was taken is handed over."""
        self._closing = True
        self._work.set()

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield what is posted until closed."""
        intake = Intake(catalogue, self._tally, ahead_max_s=self._config.ahead_max_s)
        self._open = intake, intake.channel(self._describe)
        self._tally.connect(self._now())
        while self._queue or not self._closing:
            if not self._queue:
                self._work.clear()
                await self._work.wait()
                continue
            batch, posted = self._queue.popleft()
            self._unsafe.append(posted)
            yield batch
        self._open = None
        await self._last_settled()
        self._tally.disconnect(self._now())

    def settled(self, batches: int) -> None:
        """Answer those who posted the first so many batches."""
        while self._settled < batches:
            self._settled += 1
            posted = self._unsafe.popleft()
            self._pending -= posted.accepted
            if not posted.safe.done():
                posted.safe.set_result(None)

    async def _last_settled(self) -> None:
        waiting = [each.safe for each in self._unsafe]
        if waiting:
            await asyncio.wait(waiting, timeout=SAFE_S_MAX)

    def _describe(self, name: str, unit: str) -> Series:
        work_unit, _, part = name.rpartition("/")
        return described(
            self._config.series, source=self.name, address=name,
            work_unit=WorkUnitId(work_unit), name=part, unit=unit,
        )  # fmt: skip

    # What is posted.

    async def _post(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        batch_id = request.headers.get(BATCH_ID, "")
        known = self._remembered.get(batch_id) if batch_id else None
        if known is not None:
            self._tally.amend(REPEATED, 1)
            return await self._answer(known)
        try:
            body = await whole(request.stream, self._config.body_bytes_max)
        except ClientDisconnect:
            return _problem(
                400, "Expected a whole request, but its sender went away. Send it again."
            )
        if body is None:
            return self._too_long()
        unit = request.query_params.get("time_unit", TimeUnit.MILLISECONDS)
        decode = decode_of(request.headers.get("content-type", JSON), body, TimeUnit(unit))
        if decode is None:
            return _problem(
                415,
                f"Expected one of {', '.join((JSON, MSGPACK[0], COLUMNS))} as content type, "
                f"but found '{request.headers.get('content-type')}'. Send one of these.",
            )
        posted = self._take(decode, body)
        if posted is None:
            return self._closed()
        if batch_id:
            self._remember(batch_id, posted)
        return await self._answer(posted)

    def _refusal(self, request: Request) -> Response | None:
        """Return why a request is not even read."""
        shown = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        if self._token is not None and not hmac.compare_digest(shown, self._token):
            return _problem(401, "Expected the bearer token of this source, but found another.")
        if self._open is None or self._closing:
            return self._closed()
        if int(request.headers.get("content-length", "0")) > self._config.body_bytes_max:
            return self._too_long()
        if len(request.headers.get(BATCH_ID, "")) > BATCH_ID_CHARACTERS_MAX:
            return _problem(
                400,
                f"Expected a {BATCH_ID} of at most {BATCH_ID_CHARACTERS_MAX} characters, "
                "but found more. Send a shorter one.",
            )
        if request.query_params.get("time_unit", "ms") not in set(TimeUnit):
            return _problem(
                400,
                f"Expected time_unit to be one of {', '.join(TimeUnit)}, but found "
                f"'{request.query_params['time_unit']}'.",
            )
        if self._pending >= self._config.pending_readings_max:
            return _problem(
                429,
                f"Expected at most {self._config.pending_readings_max} readings on their way into "
                f"the store, but {self._pending} are. Send it again after a second.",
                retry_s=1,
            )
        return None

    def _take(self, decode: Decode, body: bytes) -> Posted | None:
        """Queue what a body holds; nothing else runs meanwhile."""
        if self._open is None:
            return None
        intake, channel = self._open
        before = self._tally.refused()
        batch = intake.fitted(intake.taken(channel, decode(body)), self._now())
        refused = {
            reason: count - before.get(reason, 0)
            for reason, count in self._tally.refused().items()
            if count > before.get(reason, 0)
        }
        safe = asyncio.get_running_loop().create_future()
        posted = Posted(len(batch), refused, self._tally.last_trouble() if refused else "", safe)
        if len(batch):
            self._queue.append((batch, posted))
            self._pending += len(batch)
            self._work.set()
        else:
            safe.set_result(None)
        return posted

    def _remember(self, batch_id: str, posted: Posted) -> None:
        self._remembered[batch_id] = posted
        if len(self._remembered) > BATCH_IDS_MAX:
            self._remembered.popitem(last=False)

    async def _answer(self, posted: Posted) -> Response:
        """Answer when a batch is safe."""
        await asyncio.wait([posted.safe], timeout=SAFE_S_MAX)
        if not posted.safe.done():
            return _problem(
                503,
                f"Expected the readings to be safe within {SAFE_S_MAX:g} s, but the store is "
                f"behind. Send them again with the same {BATCH_ID}: they count once.",
                retry_s=5,
            )
        told = {"accepted": posted.accepted, "refused": posted.refused, "trouble": posted.trouble}
        status = 202 if posted.accepted or not posted.refused else 422
        return Response(msgspec.json.encode(told), status, media_type=JSON)

    def _closed(self) -> Response:
        return _problem(
            503, "Expected a source that is open, but it is closed. Send it again later.", retry_s=5
        )

    def _too_long(self) -> Response:
        return _problem(
            413,
            f"Expected a body of at most {self._config.body_bytes_max} bytes, but found more. "
            "Divide the batch.",
        )


def _problem(status: int, sentence: str, *, retry_s: int = 0) -> Response:
    headers = {"Retry-After": str(retry_s)} if retry_s else {}
    body = msgspec.json.encode({"status": status, "detail": sentence})
    return Response(body, status, headers, media_type="application/problem+json")
