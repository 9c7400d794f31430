"""The choreographer of a local cloud: plans in, sessions of the process kernel out."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.choreographer import PlanResponse, SessionResponse
from fabloop.adapters.arrowhead.mtls import Peer
from fabloop.app.choreography.conduct import Conductor, Patience
from fabloop.app.choreography.executor import UNREACHABLE
from fabloop.app.choreography.ledger import Ledger, Plan, Session
from fabloop.app.choreography.plans import recipe_of_plan, step_of_plan
from fabloop.app.choreography.ports import (
    PROGRESS_EVENT,
    READY_EVENT,
    STEP_KEY,
    SYSTEM_KEY,
    Bindings,
    Hands,
    Listener,
    Message,
    store_name,
)
from fabloop.app.choreography.running import StepTask
from fabloop.app.choreography.soundness import check_sound
from fabloop.app.choreography.told import (
    executor_response,
    notice_of,
    notify_url,
    plan_response,
    session_response,
)
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstances
from fabloop.base.errors import Conflict, FabloopError, NotFound, NotPermitted
from fabloop.base.instant import Clock
from fabloop.model.recipe import ProductionRecipe
from fabloop.process.commands import (
    ActiveJob,
    CancelInstance,
    Deploy,
    InstanceCreated,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    Notice,
    StartInstance,
)
from fabloop.run.compose import compose
from fabloop.run.templates import CAPACITY_MAX
from fabloop.services.cloud.choreography import (
    Executor,
    Progress,
    Reported,
    Status,
)
from fabloop.services.cloud.events import kind_of
from fabloop.services.cloud.names import camel_name

NAME = "Choreographer"

Notify = Callable[[str, steps.SessionNotice], None]
_JOB_TYPES = {"Transport": "transport", "Shipping": "shipping"}


class Desk:
    """Answers a choreographer's requests and starts what is asked for; a `Choreographer`.

    Parameters
    ----------
    kernel : where plans run; whatever runs there already goes on
    notify : tells whoever wanted to know what became of a session
    """

    def __init__(
        self,
        kernel: Host,
        ledger: Ledger,
        bindings: Bindings,
        hands: Hands,
        clock: Clock,
        *,
        notify: Notify,
        listener: Listener,
        patience: Patience | None = None,
    ) -> None:
        self._kernel = kernel
        self._ledger = ledger
        self._bindings = bindings
        self._clock = clock
        self._notify = notify
        self._listener = listener
        self._lock = threading.RLock()
        self._told = ThreadPoolExecutor(4, thread_name_prefix="sessions")
        self._reconcile()
        self._end_listening = kernel.listen(self._hear)
        self.conductor = Conductor(
            kernel, bindings, hands, clock, executors=self._executors, task_of=self._task_of,
            listener=listener, patience=patience,
        )  # fmt: skip
        for plan in self._ledger.plans:
            self.conductor.serve(job_types(plan.recipe))

    def close(self) -> None:
        """Stop; what runs goes on when the kernel's folder is opened again."""
        self.conductor.close()
        self._end_listening()
        self._told.shutdown(wait=True)

    # -- plans and sessions -----------------------------------------------------------------

    def add_recipe(self, recipe: ProductionRecipe, name: str) -> Plan:
        """Take a recipe as a plan; raises Conflict for a name that is taken, Invalid."""
        check_sound(recipe, name)
        with self._lock:
            plan = self._ledger.add_plan(recipe, name, self._clock.now(), None)
        self.conductor.serve(job_types(recipe))
        return plan

    def add_plan(self, plan: steps.PlanRequest) -> PlanResponse:
        """Take a plan as it comes over the wire."""
        recipe = recipe_of_plan(plan, plan.name)
        check_sound(recipe, plan.name)
        with self._lock:
            kept = self._ledger.add_plan(recipe, plan.name, self._clock.now(), plan)
        self.conductor.serve(job_types(recipe))
        return plan_response(kept)

    def plans(self) -> list[PlanResponse]:
        """Return all plans."""
        with self._lock:
            return [plan_response(each) for each in self._ledger.plans]

    def drop_plan(self, plan: int) -> None:
        """Forget a plan; what runs by it goes on."""
        with self._lock:
            self._ledger.drop_plan(plan)

    def start(
        self,
        runs: list[steps.RunRequest],
        peer: Peer | None = None,  # noqa: ARG002
    ) -> list[steps.RunResponse]:
        """Begin sessions, `quantity` of each plan counted as one order."""
        return [self._start(each) for each in runs]

    def _start(self, run: steps.RunRequest) -> steps.RunResponse:
        try:
            session = self.begin(run.plan_id, notify_to=notify_url(run))
        except FabloopError as error:
            return steps.RunResponse(
                plan_id=run.plan_id,
                status=steps.SessionStatus.ABORTED,
                error_messages=[str(error)],
            )
        return steps.RunResponse(
            plan_id=run.plan_id, session_id=session.number, status=session.status
        )

    def begin(self, plan: int, *, order: str = "", notify_to: str = "") -> Session:
        """Begin a session; raises NotFound for a plan that is not there, Invalid.

        As many steps of a service go on at once as there are offers of it.
        """
        with self._lock:
            kept = self._ledger.plan(plan)
        self._listener(
            Message(at=self._clock.now(), name="createPR", sender=NAME, receiver=NAME,
                text=kept.name)
        )  # fmt: skip
        services = {name for step in kept.recipe.steps for name in step.services}
        capacities = {
            name: min(CAPACITY_MAX, max(1, len(self._bindings.providers(camel_name(name)))))
            for name in services
        }
        composed = compose(
            kept.recipe, process_id=process_of(plan), name=kept.name, capacities=capacities
        )
        self._kernel.submit(Deploy(process=composed.process, nets=composed.nets), actor=NAME)
        with self._lock:  # a session is known before it can end
            made = self._kernel.submit(
                StartInstance(
                    process=process_of(plan),
                    variables={"order": order or kept.name},
                    business_key=order,
                ),
                actor=NAME,
            )
            assert isinstance(made, InstanceCreated), "instances are answered with their keys"
            session = Session(
                number=made.instance,
                plan=plan,
                name=kept.name,
                status=steps.SessionStatus.RUNNING,
                started_at=self._clock.now(),
                order=order,
                notify_url=notify_to,
            )
            self._ledger.put_session(session)
        return session

    def resume(self, recipe: ProductionRecipe, name: str, order: str) -> Session:
        """Return the session of a recipe and order that runs already, or begin one."""
        with self._lock:
            plan = next((x for x in self._ledger.plans if x.recipe == recipe), None)
            running = [
                each
                for each in self._ledger.sessions
                if plan is not None
                and (each.plan, each.order, each.runs) == (plan.number, order, True)
            ]
            names = {each.name for each in self._ledger.plans}
        if running:
            return running[0]
        if plan is None:
            plan = self.add_recipe(recipe, _free_name(name, names))
        return self.begin(plan.number, order=order)

    def abort(self, session: int) -> None:
        """End a session with all that runs in it."""
        with self._lock:
            if self._ledger.session(session) is None:
                raise NotFound(f"Expected a session with id {session}, but there is none.")
        self._kernel.submit(CancelInstance(instance=session), actor=NAME)

    def sessions(self) -> list[SessionResponse]:
        """Return the sessions that are known."""
        with self._lock:
            return [session_response(each) for each in self._ledger.sessions]

    def session(self, number: int) -> Session | None:
        """Return how far a session is."""
        with self._lock:
            return self._ledger.session(number)

    # -- executors --------------------------------------------------------------------------

    def register(self, executor: steps.ExecutorRequest) -> steps.ExecutorResponse:
        """Take an executor."""
        told = executor.system
        now = self._clock.now()
        wish = Executor(
            number=0,
            system=told.system_name,
            address=told.address,
            port=told.port,
            base_uri=executor.base_uri,
            definition=camel_name(executor.service_definition_name),
            version_min=executor.min_version,
            version_max=executor.max_version,
            created_at=now,
            updated_at=now,
        )
        with self._lock:
            return executor_response(self._ledger.put_executor(wish))

    def unregister(self, address: str, port: int, base_uri: str) -> None:
        """Forget the executors at a place."""
        with self._lock:
            self._ledger.drop_executors(address, port, base_uri)

    def executors(self) -> list[steps.ExecutorResponse]:
        """Return all executors."""
        return [executor_response(each) for each in self._executors()]

    def step_done(self, result: steps.StepResult, peer: Peer | None = None) -> None:
        """Hear what became of a step."""
        case = self.conductor.find(result.session_step_id)
        status = Status(result.status) if result.status in Status.__members__ else Status.ERROR
        text = result.message or result.exception or ""
        if case is None:
            self._late(result, status, text)
            return
        executor = case.executor.system if case.executor is not None else ""
        if peer is not None and not (peer.subject is not None and peer.subject.is_called(executor)):
            raise NotPermitted(
                f"Expected executor '{executor}' to tell of step {result.session_step_id}, but "
                f"found '{peer.common_name}'."
            )
        self._message("notifyChoreographer", executor, result.session_step_id, status.value)
        unreachable = result.exception == UNREACHABLE
        word = Reported(status=status, message=text, unreachable=unreachable)
        self.conductor.say(result.session_step_id, word)

    def _late(self, result: steps.StepResult, status: Status, text: str) -> None:
        """Take what was begun before a restart; what is done already counts for nothing."""
        try:
            self.conductor.late(result.session_step_id, done=status is Status.SUCCESS, message=text)
        except (Conflict, NotFound):
            return

    def heard(self, event: wire.EventMessage) -> None:
        """Hear that a system is ready, or that a step goes on."""
        told = event.meta_data or {}
        match kind_of(event.event_type):
            case kind if kind == kind_of(READY_EVENT):
                system = store_name(told.get(SYSTEM_KEY, ""))
                self._message("signalingPublish", system, 0, READY_EVENT)
                self.conductor.ready(system)
            case kind if kind == kind_of(PROGRESS_EVENT):
                step = told.get(STEP_KEY, "")
                if step.isdecimal() and self.conductor.say(int(step), Progress()):
                    self._message("signalingPublish", PROGRESS_EVENT, int(step), "goes on")
            case _:
                return

    # -- what the kernel tells ----------------------------------------------------------------

    def _hear(self, notices: Sequence[Notice]) -> None:
        """Look for what ended; must be quick, so the rest is done aside."""
        for each in notices:
            match each:
                case InstanceFinished():
                    self._told.submit(self._finished, each)
                case JobCancelled(job=job):
                    self._told.submit(self._withdrawn, job)
                case _:
                    continue

    def _withdrawn(self, job: int) -> None:
        self.conductor.withdraw(job)

    def _finished(self, notice: InstanceFinished) -> None:
        with self._lock:
            session = self._ledger.session(notice.instance)
            if session is None or not session.runs:
                return
            done = notice.state is InstanceState.COMPLETED
            status = steps.SessionStatus.DONE if done else steps.SessionStatus.ABORTED
            session = replace(session, status=status)
            self._ledger.put_session(session)
        self._message("sessionEnded", NAME, 0, f"session {session.number}: {status.value}")
        if session.notify_url:
            self._notify(session.notify_url, notice_of(session, self._clock))

    def _reconcile(self) -> None:
        """Know the sessions that were begun or ended while nobody looked."""
        lines = {each.key: each for each in self._kernel.query(AskInstances(ended=True))}
        running = {k: each for k, each in lines.items() if each.state is InstanceState.ACTIVE}
        for session in self._ledger.sessions:
            if session.runs and session.number not in running:
                line = lines.get(session.number)
                done = line is not None and line.state is InstanceState.COMPLETED
                status = steps.SessionStatus.DONE if done else steps.SessionStatus.ABORTED
                self._ledger.put_session(replace(session, status=status))
        plans = {process_of(each.number): each for each in self._ledger.plans}
        for key, line in running.items():
            plan = plans.get(line.process)
            if plan is not None and self._ledger.session(key) is None:
                self._ledger.put_session(
                    Session(
                        number=key,
                        plan=plan.number,
                        name=plan.name,
                        status=steps.SessionStatus.RUNNING,
                        started_at=line.started_at,
                        order=line.business_key,
                    )
                )

    def _executors(self) -> list[Executor]:
        with self._lock:
            return self._ledger.executors

    def _task_of(self, job: ActiveJob) -> StepTask:
        """Return what the plan says of a job."""
        flow_id = job.headers.get("step", job.node)
        with self._lock:
            session = self._ledger.session(job.instance)
            plan = next(
                (x for x in self._ledger.plans if session and x.number == session.plan), None
            )
        if plan is None:
            return StepTask(step_name=flow_id)
        if plan.request is not None and (told := step_of_plan(plan.request, flow_id)) is not None:
            return StepTask(
                step_name=told.name,
                parameters=told.static_parameters or {},
                quantity=told.quantity,
            )
        step = next((x for x in plan.recipe.steps if x.flow_id == flow_id), None)
        if step is None:
            return StepTask(step_name=flow_id)
        return StepTask(step_name=step.production_step, parameters=step.parameters)

    def _message(self, name: str, sender: str, step: int, text: str) -> None:
        at = self._clock.now()
        self._listener(
            Message(at=at, name=name, sender=sender, receiver=NAME, step=step, text=text)
        )


def _free_name(name: str, taken: set[str]) -> str:
    return name if name not in taken else f"{name} {len(taken) + 1}"


def process_of(plan: int) -> str:
    """Return the id of the process that carries out a plan."""
    return f"recipe-{plan}"


def job_types(recipe: ProductionRecipe) -> frozenset[str]:
    """Return the types of the jobs that a recipe makes."""
    return frozenset(_JOB_TYPES.get(name, name) for step in recipe.steps for name in step.services)
