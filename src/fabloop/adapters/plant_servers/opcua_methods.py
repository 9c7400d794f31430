"""The methods with which a work unit takes jobs over OPC UA, and the permissive to start them."""

import msgspec
from asyncua import Node, ua

from fabloop.adapters.plant_servers.jobs import JobDesk
from fabloop.base.errors import Refused
from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, PersonId, WorkUnitId
from fabloop.run.actor import JobOrder

BEGIN = (
    ("JobNumber", ua.VariantType.UInt64), ("Step", ua.VariantType.String),
    ("Skill", ua.VariantType.String), ("Operation", ua.VariantType.String),
    ("Person", ua.VariantType.String), ("Main", ua.VariantType.Boolean),
    ("BegunAtNs", ua.VariantType.Int64), ("DurationNs", ua.VariantType.Int64),
)  # fmt: skip
"""Arguments of ``BeginJob``; a person or nobody (empty), times in nanoseconds since 1970."""


async def add_job_methods(machine: Node, unit: str, desk: JobDesk, index: int) -> Node:
    """Add ``BeginJob``, ``JobResponses`` and ``StartPermitted``; returns the last."""

    def begin(_parent: ua.NodeId, *given: ua.Variant) -> list[ua.Variant]:
        number, step, skill, operation, person, main, begun_at, duration = (
            each.Value for each in given
        )
        order = JobOrder(
            job=number, step=step, skill=skill, operation=OperationId(operation),
            work_unit=WorkUnitId(unit), person=PersonId(person) if person else None, main=main,
            begun_at=Instant(begun_at), duration_ns=duration,
        )  # fmt: skip
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

    await machine.add_method(
        ua.NodeId(f"{unit}/BeginJob", index), ua.QualifiedName("BeginJob", index), begin,
        [_argument(name, kind) for name, kind in BEGIN],
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
