"""The line to a safety controller over Modbus TCP: both hearts beat, signals come, stops go."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import msgspec
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException, ModbusIOException

from fabloop.adapters.modbus.lookup import Lookup
from fabloop.adapters.modbus.source import WallClock, place_of
from fabloop.base.instant import SECOND, Clock, Instant
from fabloop.model.safety import SafetyController, Sight
from fabloop.run.permits import Answer, Confirmed, Refused, Unanswered
from fabloop.run.safety_words import (
    TOLD,
    TOLD_WITH_CLAIMS,
    Claim,
    Register,
    Told,
    next_beat,
    sight_of,
    told_of,
)

BEATS_PER_LIMIT = 8
"""How often a controller is asked within the time that its heartbeat may take."""
EVERY_S_MIN = 0.02
ANSWER_S_MAX = 1.0
"""How long one attempt to reach a controller takes: its address, the line, each answer."""
BACK_OFF_S = 0.2
DECIDED_LOOK_S = 0.002
CLAIMS_PER_QUESTION_MAX = 2
"""A claim on a permit that is another one by now is made once more, on that one."""
BROKEN = (OSError, TimeoutError, ModbusException)


class Question(msgspec.Struct):
    """Somebody asks at the moment of a command; `claim` is what the command requires."""

    claim: Claim
    answer: Future[Answer] = msgspec.field(default_factory=Future)

    def answered(self, answer: Answer) -> None:
        """Answer it, once."""
        if not self.answer.done():
            self.answer.set_result(answer)


class SafetyLine:
    """Asks one controller again and again, and beats for it; runs until closed.

    Parameters
    ----------
    seen : hears what was seen, after each answer that makes sense
    stop_asked : returns the number of the last safe stop that was asked for; 0: none
    beats : whether our heart is to be heard; one that looks on for a moment must not be missed
    failed : hears that an attempt to reach it, or the line, has ended; `trouble` says why
    """

    def __init__(
        self,
        controller: SafetyController,
        seen: Callable[[Sight, Told], None],
        stop_asked: Callable[[], int],
        clock: Clock | None = None,
        *,
        beats: bool = True,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._controller = controller
        host, self._port, self._unit = place_of(controller.url)
        self._lookup = Lookup(host)
        self._failed = failed
        self._seen = seen
        self._stop_asked = stop_asked
        self._clock = clock or WallClock()
        self._beats = beats
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()
        self._beat = 0
        self._claim = time.monotonic_ns() // SECOND % 2**15  # not the numbers of who was before us
        self._stop_told = 0
        self._wrote_s = float("-inf")
        self._questions: list[Question] = []
        self._before: Told | None = None
        self._beat_at: Instant | None = None
        self._every_s = max(EVERY_S_MIN, controller.heartbeat_ns / SECOND / BEATS_PER_LIMIT)
        self._up = False
        self.trouble = "it was not reached yet"

    def close(self) -> None:
        """Ask it to end."""
        self._closing.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Ask at once: there is a stop to be asked for."""
        self._hurry.set()

    def ask(self, question: Question) -> None:
        """Answer a question by what the controller says from now on; at once where it is away."""
        if not self._up:
            question.answered(Unanswered())
            return
        self._questions.append(question)
        self._hurry.set()

    async def run(self) -> None:
        """Keep the line up until closed; what breaks is told by `trouble` and tried again."""
        while not self._closing.is_set():
            try:
                await self._attempt(await self._lookup.address(ANSWER_S_MAX))
            except ModbusIOException:
                self.trouble = f"{self._controller.url} was silent for {ANSWER_S_MAX:g} s"
            except BROKEN as error:
                self.trouble = f"{self._controller.url}: {error}"
            self._failed()
            await self._rest(BACK_OFF_S)

    async def _attempt(self, address: str) -> None:
        """Talk as long as the line stands."""
        client = AsyncModbusTcpClient(
            address, port=self._port, timeout=ANSWER_S_MAX, retries=0, reconnect_delay=0
        )
        try:
            if await client.connect():
                await self._talk(client)
            else:
                self.trouble = f"nobody answers at {self._controller.url}"
        finally:
            self._is_down()
            client.close()

    def _is_down(self) -> None:
        self._up, self._wrote_s = False, float("-inf")
        questions, self._questions = self._questions, []
        for each in questions:
            each.answered(Unanswered())

    async def _talk(self, client: AsyncModbusTcpClient) -> None:
        self._up = True
        while not self._closing.is_set():
            questions, self._questions = self._questions, []
            try:
                await self._write(client)
                await self._read(client)
                await self._answer(client, questions)
            finally:
                for each in questions:
                    each.answered(Unanswered())
            await self._rest(self._wrote_s + self._every_s - time.monotonic())

    async def _write(self, client: AsyncModbusTcpClient) -> None:
        """Beat where that is due, and ask for a stop where there is one to be asked for."""
        stop, now_s = self._stop_asked(), time.monotonic()
        if stop == self._stop_told and now_s < self._wrote_s + self._every_s:
            return
        self._wrote_s = now_s
        if self._beats:
            self._beat = next_beat(self._beat)
            await self._put(client, Register.OUR_BEAT, [self._beat, stop])
        elif stop:
            await self._put(client, Register.STOP_ASKED, [stop])
        self._stop_told = stop

    async def _put(self, client: AsyncModbusTcpClient, at: Register, words: list[int]) -> None:
        answer = await client.write_registers(at, words, device_id=self._unit)
        if answer.isError():
            raise ModbusException(f"register {int(at)} was not taken: {answer}")

    async def _read(self, client: AsyncModbusTcpClient) -> Told:
        """Return what the controller says now, and tell it on."""
        count = TOLD_WITH_CLAIMS if self._controller.decides else TOLD
        self._asked_at = self._clock.now()
        answer = await client.read_holding_registers(
            Register.BEAT, count=count, device_id=self._unit
        )
        told = None if answer.isError() else told_of(answer.registers)
        if told is None:
            raise ModbusException(f"it answers without sense: {answer}")
        sight = sight_of(self._controller, told, self._before, self._beat_at, self._asked_at)
        self._before, self._beat_at = told, sight.beat_at
        self.trouble = ""
        self._seen(sight, told)
        return told

    async def _answer(self, client: AsyncModbusTcpClient, questions: Sequence[Question]) -> None:
        """Answer those who asked before the last reading; each command has a claim of its own."""
        for each in questions:
            each.answered(
                await self._claimed(client, each.claim)
                if self._controller.decides
                else Confirmed(at=self._asked_at)
            )

    async def _claimed(self, client: AsyncModbusTcpClient, wanted: Claim) -> Answer:
        """Let the controller decide, on the permit that it shows."""
        for _ in range(CLAIMS_PER_QUESTION_MAX):
            assert self._before is not None, "it was read"
            permit, self._claim = self._before.permit, next_beat(self._claim)
            claim = msgspec.structs.replace(wanted, number=self._claim, permit=permit)
            until_s = time.monotonic() + self._controller.confirm_ns / SECOND
            await self._put(client, Register.CLAIM, claim.words)
            told = await self._read(client)
            while told.claim != claim.number and time.monotonic() < until_s:
                await asyncio.sleep(DECIDED_LOOK_S)
                told = await self._read(client)
            if told.claim != claim.number:
                return Unanswered()
            if told.permit == permit:
                granted = Confirmed(at=self._asked_at, permit=permit, claim=claim.number)
                return granted if told.granted else Refused()
        return Refused()

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._hurry.wait()
        if not self._closing.is_set():
            self._hurry.clear()
