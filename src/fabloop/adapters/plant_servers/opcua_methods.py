"""The methods with which a work unit takes jobs over OPC UA, and the permissive to start them."""

from collections.abc import Awaitable, Callable

import msgspec
from asyncua import Node, ua

from fabloop.adapters.plant_servers.jobs import JobDesk
from fabloop.base.errors import Refused
from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, PersonId, WorkUnitId
from fabloop.run.actor import JobOrder
from fabloop.run.permits import PERMIT_ARGUMENT

BEGIN = (
    ("JobNumber", ua.VariantType.UInt64), ("Step", ua.VariantType.String),
    ("Skill", ua.VariantType.String), ("Operation", ua.VariantType.String),
    ("Person", ua.VariantType.String), ("Main", ua.VariantType.Boolean),
    ("BegunAtNs", ua.VariantType.Int64), ("DurationNs", ua.VariantType.Int64),
)  # fmt: skip
"""Arguments of ``BeginJob``; a person or nobody (empty), times in nanoseconds since 1970."""

PermitCheck = Callable[[JobOrder, str], Awaitable[str]]
"""Returns why a job may not be begun by the permits that it carries; empty: it may."""


async def add_job_methods(
    machine: Node, unit: str, desk: JobDesk, index: int, check: PermitCheck | None = None
) -> Node:
    """Add ``BeginJob``, ``JobResponses`` and ``StartPermitted``; returns the last.

    With a check ``BeginJob`` has one more argument for the permits of a job. Who leaves it out, as
    of a machine without one, is answered as a job without permits.
    """

    async def begin(_parent: ua.NodeId, *given: ua.Variant) -> list[ua.Variant] | ua.StatusCode:
        if not len(BEGIN) <= len(given) <= len(takes):
            return ua.StatusCode(ua.StatusCodes.BadArgumentsMissing)
        number, step, skill, operation, person, main, begun_at, duration, *permits = (
            each.Value for each in given
        )
        order = JobOrder(
            job=number, step=step, skill=skill, operation=OperationId(operation),
            work_unit=WorkUnitId(unit), person=PersonId(person) if person else None, main=main,
            begun_at=Instant(begun_at), duration_ns=duration,
        )  # fmt: skip
        withheld = ""
        if check is not None and not desk.knows(order.job):
            withheld = await check(order, permits[0] if permits else "")
        if withheld:
            return _answer(accepted=False, started=False, reason=withheld)
        try:
            started, reason = desk.begin(order), ""
        except Refused as error:
            return _answer(accepted=False, started=False, reason=str(error))
        return _answer(accepted=True, started=started, reason=reason)

    def responses(_parent: ua.NodeId, after: ua.Variant) -> list[ua.Variant]:
        waiting = desk.responses(after.Value)
        numbers = [number for number, _ in waiting]
        texts = [msgspec.json.encode(each).decode() for _, each in waiting]
        return [
            ua.Variant(numbers, ua.VariantType.UInt64, is_array=True),
            ua.Variant(texts, ua.VariantType.String, is_array=True),
        ]

    takes = [_argument(name, kind) for name, kind in BEGIN]
    if check is not None:
        takes.append(_argument(PERMIT_ARGUMENT, ua.VariantType.String))
    await machine.add_method(
        ua.NodeId(f"{unit}/BeginJob", index), ua.QualifiedName("BeginJob", index), begin, takes,
        [_argument("Accepted", ua.VariantType.Boolean),
         _argument("Started", ua.VariantType.Boolean),
         _argument("Reason", ua.VariantType.String)],
    )  # fmt: skip
    await machine.add_method(
        ua.NodeId(f"{unit}/JobResponses", index), ua.QualifiedName("JobResponses", index),
        responses, [_argument("After", ua.VariantType.UInt64)],
        [_argument("Numbers", ua.VariantType.UInt64, many=True),
         _argument("Responses", ua.VariantType.String, many=True)],
    )  # fmt: skip
    return await machine.add_variable(
        ua.NodeId(f"{unit}/StartPermitted", index), ua.QualifiedName("StartPermitted", index),
        ua.Variant(Value=False, VariantType=ua.VariantType.Boolean),
    )  # fmt: skip


def _answer(*, accepted: bool, started: bool, reason: str) -> list[ua.Variant]:
    return [
        ua.Variant(accepted, ua.VariantType.Boolean),
        ua.Variant(started, ua.VariantType.Boolean),
        ua.Variant(reason, ua.VariantType.String),
    ]


def _argument(name: str, kind: ua.VariantType, *, many: bool = False) -> ua.Argument:
    argument = ua.Argument()
    argument.Name = name
    argument.DataType = ua.NodeId(kind.value)
    argument.ValueRank = 1 if many else -1
    argument.ArrayDimensions = [0] if many else []
    return argument
