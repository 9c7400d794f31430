"""An edge node of Sparkplug B as messages: what a machine's gateway would publish."""

from fabloop.adapters.mqtt.sparkplug.wire import payload_class

INT8, INT16, INT32, INT64, UINT32, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 2, 3, 4, 7, 9, 10, 11, 12
DATE_TIME, DATA_SET = 13, 16

T0_MS = 1_763_800_000_000
FIELDS = {
    INT8: "int_value", INT16: "int_value", INT32: "int_value", INT64: "long_value",
    UINT32: "long_value", FLOAT: "float_value", DOUBLE: "double_value", BOOLEAN: "boolean_value",
    STRING: "string_value", DATE_TIME: "long_value",
}  # fmt: skip


def metric(name="", value=None, datatype=DOUBLE, *, alias=None, unit="", quality=None, **more):
    made = payload_class()().metrics.add(**more)
    if name:
        made.name, made.datatype = name, datatype
    if alias is not None:
        made.alias = alias
    if value is None:
        made.is_null = True
    else:
        setattr(made, FIELDS[datatype], value)
    for key, field, told in (("engUnit", "string_value", unit), ("Quality", "int_value", quality)):
        if told not in ("", None):
            made.properties.keys.append(key)
            setattr(made.properties.values.add(), field, told)
    return made


class Node:
    """Keeps the sequence as an edge node has to."""

    def __init__(self, group="plant", node="cell-1") -> None:
        self.group, self.node = group, node
        self.sequence = 0
        self.births = 0

    def topic(self, kind, device=""):
        return "/".join(filter(None, ("spBv1.0", self.group, kind, self.node, device)))

    def message(self, kind, metrics, *, device="", at_ms=T0_MS):
        payload = payload_class()(timestamp=at_ms, seq=self.sequence)
        payload.metrics.extend(metrics)
        self.sequence = (self.sequence + 1) % 256
        return self.topic(kind, device), payload.SerializeToString()

    def birth(self, metrics=(), *, at_ms=T0_MS):
        self.sequence = 0
        births = metric("bdSeq", self.births, INT64)
        control = metric("Node Control/Rebirth", False, BOOLEAN)  # noqa: FBT003
        return self.message("NBIRTH", [births, control, *metrics], at_ms=at_ms)

    def death(self):
        payload = payload_class()(timestamp=T0_MS)
        payload.metrics.append(metric("bdSeq", self.births, INT64))
        self.births += 1
        return self.topic("NDEATH"), payload.SerializeToString()
