"""An application system: it is told that it is bound, says that it is ready, does tasks, reports.

What it does is a function that is handed in; a task that was done once is not done again, its
end is reported again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.answers import Asked, route
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.four.executor import Task, TaskReport, Withdrawal
from fabloop.adapters.arrowhead.mtls import check_sender
from fabloop.app.choreography.executor import RUNNING
from fabloop.app.choreography.network import Line
from fabloop.app.choreography.ports import READY_EVENT, SYSTEM_KEY
from fabloop.base.errors import Conflict, FabloopError
from fabloop.base.instant import Clock
from fabloop.services.cloud.choreography import Status

PUSH_PATH = "/orchestration"
TASK_PATH = "/task"
BEAT_S = 1.0
"""How often a system reports that it goes on."""
TASKS_MAX = 16
REMEMBERED_MAX = 10_000
"""Ends of tasks that are remembered, the newest."""
REPORT_AGAIN_S = (0.2, 1.0, 3.0)

Work = Callable[[Task, threading.Event], str]
"""Does a task until the event is set, because it was taken back; raises FabloopError."""


class _Doing:
    """A task in progress; `task` is that of who asked last, and is told."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.stopped = threading.Event()


class ApplicationSystem:
    """Answers pushes and tasks of one system.

    Parameters
    ----------
    own : how it tells of itself
    cloud_name : common name of the certificate of the cloud; pushes of others are refused
    """

    def __init__(
        self,
        own: wire.SystemRequest,
        work: Work,
        cloud: FourClient,
        line: Line,
        clock: Clock,
        *,
        beat_s: float = BEAT_S,
        cloud_name: str = "",
    ) -> None:
        self._own = own
        self._work = work
        self._cloud = cloud
        self._line = line
        self._clock = clock
        self._beat_s = beat_s
        self._cloud_name = cloud_name
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._doing: dict[str, _Doing] = {}
        self._done: OrderedDict[str, TaskReport] = OrderedDict()
        self._pool = ThreadPoolExecutor(TASKS_MAX + 4, thread_name_prefix="system")
        self.tasks = 0

    def app(self) -> Starlette:
        """Return the application to serve."""
        return Starlette(routes=self.routes())

    def routes(self) -> list[Route]:
        """Return where it is reached."""
        return [
            route("POST", PUSH_PATH, self._pushed),
            route("POST", TASK_PATH, self._task),
            route("POST", f"{TASK_PATH}/abort", self._abort),
            route("GET", "/echo", lambda _: wire.GOT_IT),
        ]

    def close(self) -> None:
        """Stop what is being done; nobody is told."""
        self._closed.set()
        with self._lock:
            for each in self._doing.values():
                each.stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _pushed(self, asked: Asked) -> None:
        """Take it that we are bound, whatever to, and say that we are ready."""
        check_sender(asked.scope, self._cloud_name)
        asked.body(dict[str, object])
        self._pool.submit(self._say_ready)

    def _say_ready(self) -> None:
        event = wire.PublishRequest(
            event_type=READY_EVENT,
            source=self._own,
            meta_data={SYSTEM_KEY: self._own.system_name},
            payload="",
            time_stamp=wire.write_instant(self._clock.now()),
        )
        for pause_s in (*REPORT_AGAIN_S, 0.0):
            with suppress(FabloopError):
                self._cloud.publish(event)
                return
            self._closed.wait(pause_s)

    def _task(self, asked: Asked) -> None:
        """Take a task and do it aside."""
        task = asked.body(Task)
        with self._lock:
            known = self._done.get(task.idempotency_key)
            doing = self._doing.get(task.idempotency_key)
            if known is None and doing is not None:
                if doing.stopped.is_set():
                    raise Conflict("Expected a task that is not being stopped. Ask again soon.")
                doing.task = task
                return
            if known is None:
                if len(self._doing) >= TASKS_MAX or self._closed.is_set():
                    raise Conflict(f"Expected at most {TASKS_MAX} tasks at once. Ask later.")
                doing = self._doing[task.idempotency_key] = _Doing(task)
        if known is not None:
            self._pool.submit(self._report, task, known)
        elif doing is not None:
            self._pool.submit(self._do, doing)

    def _abort(self, asked: Asked) -> None:
        """Stop a task, if the one that is done is still the one that is meant."""
        told = asked.body(Withdrawal)
        with self._lock:
            doing = self._doing.get(told.idempotency_key)
            if doing is not None and doing.task.session_step_id == told.session_step_id:
                doing.stopped.set()

    def _do(self, doing: _Doing) -> None:
        ended = threading.Event()
        beats = threading.Thread(target=self._beat, args=(doing, ended), daemon=True)
        beats.start()
        key = doing.task.idempotency_key
        try:
            text, status = self._work(doing.task, doing.stopped), Status.SUCCESS
        except FabloopError as error:
            text, status = str(error), Status.ERROR
        ended.set()
        beats.join()
        with self._lock:
            del self._doing[key]
            task = doing.task
            told = _report_of(task, status.value, text)
            if doing.stopped.is_set():
                return  # nobody waits for it any more
            if status is Status.SUCCESS:
                self.tasks += 1
                self._done[key] = told
                if len(self._done) > REMEMBERED_MAX:
                    self._done.popitem(last=False)
        self._report(task, told)

    def _beat(self, doing: _Doing, ended: threading.Event) -> None:
        while not ended.wait(self._beat_s):
            if doing.stopped.is_set():
                return
            with suppress(FabloopError):
                self._line.post(doing.task.report_uri, _report_of(doing.task, RUNNING, ""))

    def _report(self, task: Task, told: TaskReport) -> None:
        """Report the end to whoever asked last, some times where nobody answers."""
        report = msgspec.structs.replace(
            told, session_id=task.session_id, session_step_id=task.session_step_id
        )
        for pause_s in (*REPORT_AGAIN_S, 0.0):
            with suppress(FabloopError):
                self._line.post(task.report_uri, report)
                return
            self._closed.wait(pause_s)


def _report_of(task: Task, status: str, text: str) -> TaskReport:
    return TaskReport(
        session_id=task.session_id,
        session_step_id=task.session_step_id,
        status=status,
        message=text,
    )
