"""Interfaces of offers: the templates that come with a cloud, and the checks of properties."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from fabloop.base.errors import Fault
from fabloop.base.instant import Instant
from fabloop.services.cloud.changes import Put, Row
from fabloop.services.cloud.records import Interface, InterfaceTemplate, TemplateProperty

PORT_MAX = 65_535
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"})


class TemplatePolicy(StrEnum):
    """What becomes of an interface whose template nobody knows."""

    RESTRICTED = "restricted"
    """It is refused."""
    EXTENDABLE = "extendable"
    """Its template is known from then on, without requirements."""
    OPEN = "open"
    """As with extendable, and no property is checked."""


class Validator(StrEnum):
    """How the value of a property is checked."""

    MINMAX = "MINMAX"
    NOT_EMPTY_ADDRESS_LIST = "NOT_EMPTY_ADDRESS_LIST"
    NOT_EMPTY_STRING_SET = "NOT_EMPTY_STRING_SET"
    HTTP_OPERATIONS = "HTTP_OPERATIONS"
    PORT = "PORT"


def _property(name: str, validator: str = "", *, mandatory: bool = True) -> TemplateProperty:
    return TemplateProperty(name=name, mandatory=mandatory, validator=validator)


_ADDRESSED = (
    _property("accessAddresses", Validator.NOT_EMPTY_ADDRESS_LIST),
    _property("accessPort", Validator.PORT),
)
_HTTP = (
    *_ADDRESSED,
    _property("basePath"),
    _property("operations", Validator.HTTP_OPERATIONS, mandatory=False),
)
_MQTT = (
    *_ADDRESSED,
    _property("baseTopic"),
    _property("operations", Validator.NOT_EMPTY_STRING_SET),
)
GENERIC = {
    "generic_http": ("http", _HTTP),
    "generic_https": ("https", _HTTP),
    "generic_mqtt": ("tcp", _MQTT),
    "generic_mqtts": ("ssl", _MQTT),
}
"""The templates that every cloud knows, with their protocols."""


def generic_templates(at: Instant) -> Row:
    """Return what a new cloud begins with."""
    made = tuple(
        InterfaceTemplate(
            name=name,
            number=number,
            protocol=protocol,
            properties=properties,
            created_at=at,
            updated_at=at,
        )
        for number, (name, (protocol, properties)) in enumerate(GENERIC.items(), start=1)
    )
    return Row(len(made) + 1, tuple(Put(each) for each in made))


def interface_faults(
    template: InterfaceTemplate | None,
    interface: Interface,
    policy: TemplatePolicy,
    source: str,
    path: str,
) -> Iterator[Fault]:
    """Yield all that is wrong with an interface by its template, which may be unknown."""
    if policy is TemplatePolicy.OPEN:
        return
    if template is None:
        if policy is TemplatePolicy.RESTRICTED:
            yield Fault(source=source, path=f"{path}.templateName",
                expected="a known interface template", found=repr(interface.template),
                hint="An operator can define it.")  # fmt: skip
        return
    if interface.protocol and interface.protocol != template.protocol:
        yield Fault(source=source, path=f"{path}.protocol",
            expected=f"'{template.protocol}', as '{template.name}' has",
            found=repr(interface.protocol))  # fmt: skip
    for each in template.properties:
        place = f"{path}.properties.{each.name}"
        if each.name not in interface.properties:
            if each.mandatory:
                yield Fault(source=source, path=place, expected="a value", found="nothing")
            continue
        wrong = _wrong(each, interface.properties[each.name])
        if wrong is not None:
            found = repr(interface.properties[each.name])[:200]
            yield Fault(source=source, path=place, expected=wrong, found=found)


def validator_faults(entry: TemplateProperty, source: str, path: str) -> Iterator[Fault]:
    """Yield what is wrong with a property as an operator defines it."""
    if not entry.name:
        yield Fault(source=source, path=f"{path}.name", expected="a name", found="nothing")
    if not entry.validator:
        return
    if entry.validator not in Validator.__members__:
        yield Fault(source=source, path=f"{path}.validator",
            expected=f"one of {', '.join(Validator)}", found=repr(entry.validator))  # fmt: skip
    elif entry.validator == Validator.MINMAX and len(_limits(entry)) != 2:
        yield Fault(source=source, path=f"{path}.validatorParams",
            expected="two numbers for MINMAX, the lowest and the highest",
            found=repr(list(entry.parameters)))  # fmt: skip


def _limits(entry: TemplateProperty) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in entry.parameters)
    except ValueError:
        return ()


def _wrong(entry: TemplateProperty, value: object) -> str | None:
    """Return what was expected where a value is not right."""
    match entry.validator:
        case Validator.PORT:
            return None if _is_whole(value, 1, PORT_MAX) else f"a port from 1 to {PORT_MAX}"
        case Validator.MINMAX:
            low, high = _limits(entry)
            fits = isinstance(value, int | float) and low <= value <= high
            return None if fits else f"a number from {low:g} to {high:g}"
        case Validator.NOT_EMPTY_ADDRESS_LIST | Validator.NOT_EMPTY_STRING_SET:
            fits = isinstance(value, list) and bool(value) and all(map(_is_text, value))
            return None if fits else "a list of texts, not empty"
        case Validator.HTTP_OPERATIONS:
            return None if _are_operations(value) else "operations, each with a path and a method"
        case _:
            return None if value is not None and value != "" else "a value"


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_operations(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(
        isinstance(each, Mapping)
        and _is_text(each.get("path"))
        and str(each.get("method", "")).upper() in METHODS
        for each in value.values()
    )
