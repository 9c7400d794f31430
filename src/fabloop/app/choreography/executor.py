"""An executor of steps: it sends tasks to application systems and tells the choreographer the end.

A step is taken at once and carried out aside. An application system reports while it works, and
each report keeps the step alive; the last one ends it.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import msgspec

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.executor import Task, TaskReport, Withdrawal
from fabloop.adapters.arrowhead.mtls import Peer
from fabloop.app.choreography.ports import Listener, Message
from fabloop.base.errors import Conflict, FabloopError, NotFound, NotPermitted, Unavailable
from fabloop.base.instant import Clock
from fabloop.services.cloud.choreography import Status

RUNNING = "RUNNING"
EXECUTOR = "WorkflowExecutor"
UNREACHABLE = "UNAVAILABLE"
"""Told as the exception of a step whose provider did not answer."""
STEPS_MAX = 256
"""Steps in progress at once; more are refused, so that another executor gets them."""
TELL_AGAIN_S = (0.1, 0.5, 2.0)
"""Pauses after which the end of a step is told again to a choreographer that does not answer."""


class Speech(Protocol):
    """How an executor speaks to others."""

    def execute(self, result: wire.OrchestrationResult, task: Task) -> None:
        """Send a task to an application system; raises FabloopError where it is not taken."""
        ...

    def withdraw(self, result: wire.OrchestrationResult, withdrawal: Withdrawal) -> None:
        """Tell an application system that a task is no longer wanted."""
        ...

    def progress(self, session: int, step: int) -> None:
        """Publish that a step goes on."""
        ...

    def done(self, result: steps.StepResult) -> None:
        """Tell the choreographer the end of a step; raises Unavailable where it does not answer."""
        ...


class _Step(msgspec.Struct, frozen=True):
    wish: steps.ExecuteRequest
    provider: str


class Executor:
    """Carries out steps of some services; a `Carrier`.

    Parameters
    ----------
    services : service definitions, each with the numbers of the first and last version
    report_uri : where application systems report to, as they reach it
    listener : is told each message to and from application systems
    """

    def __init__(
        self,
        services: dict[str, tuple[int, int]],
        speech: Speech,
        report_uri: str,
        clock: Clock,
        *,
        listener: Listener = lambda _: None,
    ) -> None:
        self._services = services
        self._speech = speech
        self._report_uri = report_uri
        self._clock = clock
        self._listener = listener
        self._closed = threading.Event()
        self._steps: dict[int, _Step] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(STEPS_MAX // 16, thread_name_prefix="executor")

    def close(self) -> None:
        """Take no more steps; those in progress are left to the choreographer's patience."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def info(self, asked: steps.ServiceInfoRequest) -> steps.ServiceInfoResponse:
        """Tell that nothing is needed besides the provider of the service itself."""
        versions = self._services.get(asked.service_definition)
        if versions is None:
            raise NotFound(
                f"Expected one of {', '.join(sorted(self._services))}, but found "
                f"'{asked.service_definition}'. This executor does not carry it out."
            )
        return steps.ServiceInfoResponse(
            service_definition=asked.service_definition,
            min_version=max(asked.min_version, versions[0]),
            max_version=min(asked.max_version, versions[1]),
            dependencies=[],
        )

    def start(self, wish: steps.ExecuteRequest) -> None:
        """Take a step; the same again is the same step."""
        step = _Step(wish, wish.main_orchestration_result.provider.system_name)
        with self._lock:
            if wish.session_step_id in self._steps:
                return
            if len(self._steps) >= STEPS_MAX or self._closed.is_set():
                raise Conflict(
                    f"Expected at most {STEPS_MAX} steps at once, and to be open. Ask another "
                    "executor."
                )
            self._steps[wish.session_step_id] = step
        self._pool.submit(self._execute, step)

    def abort(self, wish: steps.AbortRequest) -> None:
        """Forget a step, and tell the application system; what is reported counts for nothing."""
        with self._lock:
            step = self._steps.pop(wish.session_step_id, None)
        if step is not None:
            self._pool.submit(self._withdraw, step.wish)

    def report(self, told: TaskReport, sender: Peer | None) -> None:
        """Pass on that a step goes on, or how it ended; a report of nobody's step is dropped."""
        with self._lock:
            step = self._steps.get(told.session_step_id)
        if step is None:
            return
        if sender is not None and not (
            sender.subject is not None and sender.subject.is_called(step.provider)
        ):
            raise NotPermitted(
                f"Expected '{step.provider}' to report on step {told.session_step_id}, but found "
                f"'{sender.common_name}'. Only who carries out a task reports on it."
            )
        if told.status == RUNNING:
            self._listen("reportResult", step.provider, "", told.session_step_id, RUNNING)
            self._pool.submit(self._progress, told)
            return
        status = told.status if told.status in Status.__members__ else Status.ERROR.value
        self._listen("reportResult", step.provider, "", told.session_step_id, status)
        self._end(step.wish, Status(status), told.message)

    def _execute(self, step: _Step) -> None:
        """Send the task; runs aside."""
        wish = step.wish
        given = wish.static_parameters or {}
        task = Task(
            session_id=wish.session_id,
            session_step_id=wish.session_step_id,
            service=wish.main_orchestration_result.service.service_definition,
            quantity=wish.quantity,
            parameters=given,
            idempotency_key=_key_of(wish),
            report_uri=self._report_uri,
        )
        self._listen("executeTask", "", step.provider, wish.session_step_id, task.service)
        try:
            self._speech.execute(wish.main_orchestration_result, task)
        except FabloopError as error:
            unreachable = UNREACHABLE if isinstance(error, Unavailable) else None
            self._end(wish, Status.ERROR, str(error), unreachable)

    def _withdraw(self, wish: steps.ExecuteRequest) -> None:
        withdrawal = Withdrawal(
            session_id=wish.session_id,
            session_step_id=wish.session_step_id,
            idempotency_key=_key_of(wish),
        )
        with suppress(FabloopError):  # it may be dead: that is why the step was taken back
            self._speech.withdraw(wish.main_orchestration_result, withdrawal)

    def _progress(self, told: TaskReport) -> None:
        try:
            self._speech.progress(told.session_id, told.session_step_id)
        except FabloopError:
            return  # the next report says the same

    def _end(
        self,
        wish: steps.ExecuteRequest,
        status: Status,
        message: str,
        exception: str | None = None,
    ) -> None:
        with self._lock:
            if self._steps.pop(wish.session_step_id, None) is None:
                return  # it was aborted, or its end is on its way already
        result = steps.StepResult(
            session_id=wish.session_id,
            session_step_id=wish.session_step_id,
            status=status.value,
            message=message,
            exception=exception,
        )
        self._pool.submit(self._tell, result)

    def _tell(self, result: steps.StepResult) -> None:
        """Tell the end, several times where nobody answers; then the patience decides."""
        for pause_s in (*TELL_AGAIN_S, 0.0):
            try:
                self._speech.done(result)
            except FabloopError:
                self._closed.wait(pause_s)
            else:
                return

    def _listen(self, name: str, sender: str, receiver: str, step: int, text: str) -> None:
        at = self._clock.now()
        self._listener(
            Message(
                at=at,
                name=name,
                sender=sender or EXECUTOR,
                receiver=receiver or EXECUTOR,
                step=step,
                text=text,
            )
        )


def _key_of(wish: steps.ExecuteRequest) -> str:
    given = wish.static_parameters or {}
    return given.get("idempotencyKey", str(wish.session_step_id))
