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
from fabloop.adapters.arrowhead.four.executor import Task, TaskReport
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
"""Does a task until the event is set; returns a message, or raises FabloopError."""


class ApplicationSystem:
    """Answers pushes and tasks of one system.

    Parameters
    ----------
    own : how it tells of itself
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
    ) -> None:
        self._own = own
        self._work = work
        self._cloud = cloud
        self._line = line
        self._clock = clock
        self._beat_s = beat_s
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._doing: dict[str, Task] = {}
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
            route("GET", "/echo", lambda _: wire.GOT_IT),
        ]

    def close(self) -> None:
        """Stop what is being done; nobody is told."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _pushed(self, asked: Asked) -> None:
        """Take it that we are bound, whatever to, and say that we are ready."""
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
            if known is None:
                busy = self._doing.get(task.idempotency_key)
                self._doing[task.idempotency_key] = task  # the last who asks is told
                if busy is not None:
                    return
                if len(self._doing) > TASKS_MAX:
                    del self._doing[task.idempotency_key]
                    raise Conflict(f"Expected at most {TASKS_MAX} tasks at once. Ask later.")
        if known is not None:
            self._pool.submit(self._report, task, known)
        else:
            self._pool.submit(self._do, task.idempotency_key)

    def _do(self, key: str) -> None:
        ended = threading.Event()
        beats = threading.Thread(target=self._beat, args=(key, ended), daemon=True)
        beats.start()
        task = self._doing[key]
        try:
            text, status = self._work(task, self._closed), Status.SUCCESS
        except FabloopError as error:
            text, status = str(error), Status.ERROR
        ended.set()
        beats.join()
        if self._closed.is_set():
            return
        with self._lock:
            task = self._doing.pop(key)
            told = _report_of(task, status.value, text)
            if status is Status.SUCCESS:
                self.tasks += 1
                self._done[key] = told
                if len(self._done) > REMEMBERED_MAX:
                    self._done.popitem(last=False)
        self._report(task, told)

    def _beat(self, key: str, ended: threading.Event) -> None:
        while not ended.wait(self._beat_s):
            task = self._doing.get(key)
            if task is None:
                return
            with suppress(FabloopError):
                self._line.post(task.report_uri, _report_of(task, RUNNING, ""))

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
