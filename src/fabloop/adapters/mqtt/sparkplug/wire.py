"""Payloads of Sparkplug B (its chapter 6.4) as messages of Protocol Buffers.

Only the fields that a host reads are declared, by their numbers; others are passed over. The
classes are made at run time, so that no generated code has to fit a version of protobuf.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from fabloop.base.errors import Fault, Invalid

_F = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "fabloop.sparkplug"

_VALUES = (
    ("int_value", _F.TYPE_UINT32), ("long_value", _F.TYPE_UINT64), ("float_value", _F.TYPE_FLOAT),
    ("double_value", _F.TYPE_DOUBLE), ("boolean_value", _F.TYPE_BOOL),
    ("string_value", _F.TYPE_STRING),
)  # fmt: skip


@cache
def payload_class() -> Any:
    """Return the class of payloads."""
    file = descriptor_pb2.FileDescriptorProto(
        name="fabloop/sparkplug.proto", package=_PACKAGE, syntax="proto2"
    )
    _declare_payload(file.message_type.add(name="Payload"))
    _declare_metric(file.message_type.add(name="Metric"))
    _declare_properties(file.message_type.add(name="PropertySet"))
    _declare_property(file.message_type.add(name="PropertyValue"))
    _field(file.message_type.add(name="PropertySetList"), "propertyset", 1, _F.TYPE_MESSAGE,
           "PropertySet", many=True)  # fmt: skip
    _declare_data_set(file.message_type)
    _declare_template(file.message_type.add(name="Template"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


def _declare_payload(message: descriptor_pb2.DescriptorProto) -> None:
    _field(message, "timestamp", 1, _F.TYPE_UINT64)
    _field(message, "metrics", 2, _F.TYPE_MESSAGE, "Metric", many=True)
    _field(message, "seq", 3, _F.TYPE_UINT64)


def _declare_metric(message: descriptor_pb2.DescriptorProto) -> None:
    _field(message, "name", 1, _F.TYPE_STRING)
    _field(message, "alias", 2, _F.TYPE_UINT64)
    _field(message, "timestamp", 3, _F.TYPE_UINT64)
    _field(message, "datatype", 4, _F.TYPE_UINT32)
    _field(message, "is_historical", 5, _F.TYPE_BOOL)
    _field(message, "is_transient", 6, _F.TYPE_BOOL)
    _field(message, "is_null", 7, _F.TYPE_BOOL)
    _field(message, "properties", 9, _F.TYPE_MESSAGE, "PropertySet")
    _one_of(message, 10)
    for name, number, of in (("dataset_value", 17, "DataSet"), ("template_value", 18, "Template")):
        _field(message, name, number, _F.TYPE_MESSAGE, of).oneof_index = 0


def _declare_data_set(types: Any) -> None:
    table, row = types.add(name="DataSet"), types.add(name="Row")
    _field(table, "num_of_columns", 1, _F.TYPE_UINT64)
    _field(table, "columns", 2, _F.TYPE_STRING, many=True)
    _field(table, "types", 3, _F.TYPE_UINT32, many=True)
    _field(table, "rows", 4, _F.TYPE_MESSAGE, "Row", many=True)
    _field(row, "elements", 1, _F.TYPE_MESSAGE, "DataSetValue", many=True)
    _one_of(types.add(name="DataSetValue"), 1)


def _declare_template(message: descriptor_pb2.DescriptorProto) -> None:
    _field(message, "version", 1, _F.TYPE_STRING)
    _field(message, "metrics", 2, _F.TYPE_MESSAGE, "Metric", many=True)
    _field(message, "template_ref", 4, _F.TYPE_STRING)
    _field(message, "is_definition", 5, _F.TYPE_BOOL)


def _declare_properties(message: descriptor_pb2.DescriptorProto) -> None:
    _field(message, "keys", 1, _F.TYPE_STRING, many=True)
    _field(message, "values", 2, _F.TYPE_MESSAGE, "PropertyValue", many=True)


def _declare_property(message: descriptor_pb2.DescriptorProto) -> None:
    _field(message, "type", 1, _F.TYPE_UINT32)
    _field(message, "is_null", 2, _F.TYPE_BOOL)
    _one_of(message, 3)
    for name, number, of in (
        ("propertyset_value", 9, "PropertySet"), ("propertysets_value", 10, "PropertySetList"),
    ):  # fmt: skip
        _field(message, name, number, _F.TYPE_MESSAGE, of).oneof_index = 0


def _field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: Any,
    of: str = "", *, many: bool = False,
) -> descriptor_pb2.FieldDescriptorProto:  # fmt: skip
    label = _F.LABEL_REPEATED if many else _F.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, type=kind, label=label)
    if of:
        field.type_name = f".{_PACKAGE}.{of}"
    return field


def _one_of(message: descriptor_pb2.DescriptorProto, first: int) -> None:
    """Declare the values of which a metric or property has one."""
    message.oneof_decl.add(name="value")
    for number, (name, kind) in enumerate(_VALUES, first):
        _field(message, name, number, kind).oneof_index = 0


def parsed(data: bytes) -> Any:
    """Return the payload in a message.

    Raises
    ------
    Invalid
        The bytes are no payload.
    """
    try:
        return payload_class().FromString(data)
    except DecodeError as error:
        raise Invalid(
            Fault(source="Sparkplug B", path="payload", expected="a payload of Sparkplug B",
                found=f"bytes that are none ({error})", hint="Check what else publishes there.")
        ) from error  # fmt: skip
