"""Plans, sessions and executors of a choreographer as 4.6.2 writes them."""

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.choreographer import PlanResponse, SessionResponse
from fabloop.app.choreography.ledger import Plan, Session
from fabloop.base.instant import Clock
from fabloop.services.cloud.choreography import Executor
from fabloop.services.cloud.names import camel_name


def notify_url(run: steps.RunRequest) -> str:
    """Return where the end of a session is told; empty for nowhere."""
    if not run.notify_address:
        return ""
    path = run.notify_path.lstrip("/")
    return f"{run.notify_protocol}://{run.notify_address}:{run.notify_port}/{path}"


def notice_of(session: Session, clock: Clock) -> steps.SessionNotice:
    """Return what is told of the end of a session."""
    return steps.SessionNotice(
        session_id=session.number,
        plan_id=session.plan,
        plan_name=session.name,
        timestamp=wire.write_instant(clock.now()),
        status=session.status,
        message="Session is done." if session.status is steps.SessionStatus.DONE else "Aborted.",
    )


def plan_response(plan: Plan) -> PlanResponse:
    """Return a plan; a recipe is one action."""
    at = wire.write_instant(plan.created_at)
    told = plan.request
    return PlanResponse(
        id=plan.number,
        name=plan.name,
        first_action_name=told.first_action_name if told else plan.name,
        actions=told.actions if told else [_action_of(plan)],
        created_at=at,
        updated_at=at,
    )


def _action_of(plan: Plan) -> steps.ActionRequest:
    """Return a recipe as one action: a step of it for each production step."""
    return steps.ActionRequest(
        name=plan.name,
        first_step_names=[each.flow_id for each in plan.recipe.steps if not each.previous],
        steps=[
            steps.StepRequest(
                name=each.flow_id,
                service_requirement=wire.QueryForm(
                    service_definition_requirement=camel_name(each.production_step)
                ),
                static_parameters={"services": ", ".join(each.services)},
                next_step_names=list(each.next),
            )
            for each in plan.recipe.steps
        ],
    )


def session_response(session: Session) -> SessionResponse:
    """Return a session."""
    return SessionResponse(
        id=session.number,
        plan_id=session.plan,
        plan_name=session.name,
        status=session.status,
        started_at=wire.write_instant(session.started_at),
    )


def executor_response(executor: Executor) -> steps.ExecutorResponse:
    """Return an executor."""
    return steps.ExecutorResponse(
        id=executor.number,
        name=executor.system,
        address=executor.address,
        port=executor.port,
        base_uri=executor.base_uri,
        service_definitions=[
            steps.ExecutorDefinition(
                id=executor.number,
                service_definition_name=executor.definition,
                min_version=executor.version_min,
                max_version=executor.version_max,
            )
        ],
        created_at=wire.write_instant(executor.created_at),
        updated_at=wire.write_instant(executor.updated_at),
    )
