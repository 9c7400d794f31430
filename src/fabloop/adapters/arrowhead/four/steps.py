"""The messages of choreographer and executors of 4.6.2, as they are written."""

from enum import StrEnum

import msgspec

from fabloop.adapters.arrowhead.four.wire import (
    OrchestrationResult,
    QueryForm,
    SystemRequest,
)


class StepRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step of an action: a service, and which steps follow."""

    name: str
    service_requirement: QueryForm
    static_parameters: dict[str, str] | None = None
    quantity: int = 1
    next_step_names: list[str] | None = None


class ActionRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Steps that belong together; the next action begins when all of them are done."""

    name: str
    next_action_name: str | None = None
    steps: list[StepRequest]
    first_step_names: list[str]


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A plan: actions one after the other."""

    name: str
    first_action_name: str
    actions: list[ActionRequest]


class RunRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A plan is to be carried out; whoever listens at the address hears of the end."""

    plan_id: int
    quantity: int = 1
    allow_inter_cloud: bool = False
    choose_optimal_executor: bool = False
    notify_protocol: str = "http"
    notify_address: str | None = None
    notify_port: int = 80
    notify_path: str = ""


class SessionStatus(StrEnum):
    """How far a session is."""

    INITIATED = "INITIATED"
    RUNNING = "RUNNING"
    ABORTED = "ABORTED"
    DONE = "DONE"


class RunResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The session that carries out a plan, or why there is none."""

    plan_id: int
    session_id: int | None = None
    status: SessionStatus
    error_messages: list[str] = []
    need_inter_cloud: bool = False


class SessionNotice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a session."""

    session_id: int
    plan_id: int
    plan_name: str
    timestamp: str
    status: SessionStatus
    message: str = ""
    details: str | None = None


class ExecutorRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A system that carries out steps of a service."""

    system: SystemRequest
    base_uri: str = ""
    service_definition_name: str
    min_version: int
    max_version: int


class ExecutorDefinition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an executor is for."""

    id: int
    service_definition_name: str
    min_version: int
    max_version: int


class ExecutorResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An executor as the choreographer knows it."""

    id: int
    name: str
    address: str
    port: int
    base_uri: str
    service_definitions: list[ExecutorDefinition]
    created_at: str
    updated_at: str


class ServiceInfoRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What does an executor need for a service?"""

    service_definition: str
    min_version: int = 1
    max_version: int = 2**31 - 1


class ServiceInfoResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an executor needs for a service."""

    service_definition: str
    min_version: int
    max_version: int
    dependencies: list[QueryForm]


class ExecuteRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An executor gets a step: the provider to use, and what it needs besides."""

    session_id: int
    session_step_id: int
    precondition_orchestration_results: list[OrchestrationResult] = []
    main_orchestration_result: OrchestrationResult
    quantity: int = 1
    static_parameters: dict[str, str] | None = None


class AbortRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step is no longer wanted."""

    session_id: int
    session_step_id: int


class StepResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a step; `status` is one of SUCCESS, ERROR, FATAL_ERROR, ABORTED."""

    session_id: int
    session_step_id: int
    status: str
    message: str | None = None
    exception: str | None = None
