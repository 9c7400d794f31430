"""Values by name to an HTTP request, as the description of the operation wants them."""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import shown
from fabloop.model.service import Parameter, ServiceDescription, ServiceOperation, ValueKind

IDEMPOTENCY_KEY = "Idempotency-Key"
"""Header of the IETF draft ``httpapi-idempotency-key-header``."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent."""

    method: str
    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = {}
    body: bytes | None = None


def request_of(
    service: ServiceDescription, operation: ServiceOperation, values: Mapping[str, Any]
) -> Request:
    """Return the request for a call.

    Raises
    ------
    Invalid
        A value is missing, is of another kind, or is none of the operation's; all are told.
    """
    source = f"{service.id}.{operation.name}"
    faults = list(_faults(operation, values, source))
    if not service.base_url:
        faults.append(
            Fault(
                source=source,
                path="base_url",
                expected="where the service answers, such as 'http://127.0.0.1:8080'",
                found="nothing",
                hint="Name a server in its document, or give --url when adding it.",
            )
        )
    if faults:
        raise Invalid(faults)
    path = operation.path
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    for each in operation.inputs:
        value = values.get(each.name)
        if value is None:
            continue
        match each.place:
            case "path":
                path = path.replace(f"{{{each.name}}}", quote(_text(value), safe=""))
            case "query":
                query += [(each.name, _text(one)) for one in _each(value)]
            case "header":
                headers[each.name] = ",".join(_text(one) for one in _each(value))
            case _:
                body[each.name] = value
    return Request(
        method=operation.method,
        url=service.base_url + path,
        query=tuple(query),
        headers=headers,
        body=_body(operation, body),
    )


def _body(operation: ServiceOperation, values: dict[str, Any]) -> bytes | None:
    """Return the body: an object of the values, or the one value that is the whole body."""
    given = [each for each in operation.inputs if each.place == "body"]
    if not given:
        return None
    if [each.name for each in given] == ["body"]:
        return msgspec.json.encode(values.get("body"))
    return msgspec.json.encode(values)


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    """Return a value as URLs and headers have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return str(value)


def _faults(operation: ServiceOperation, values: Mapping[str, Any], source: str) -> list[Fault]:
    known = {each.name for each in operation.inputs}
    found = [
        Fault(
            source=source,
            path=name,
            expected="an input of the operation",
            found=repr(name),
            hint=did_you_mean(name, known),
        )
        for name in values
        if name not in known
    ]
    for each in operation.inputs:
        value = values.get(each.name)
        if value is None:
            if each.required and each.name.lower() != IDEMPOTENCY_KEY.lower():
                found.append(
                    Fault(
                        source=source,
                        path=each.name,
                        expected=described(each),
                        found="nothing",
                    )
                )
        elif not fits(value, each.kind):
            found.append(
                Fault(source=source, path=each.name, expected=described(each), found=shown(value))
            )
        elif each.allowed and value not in each.allowed:
            options = ", ".join(map(repr, each.allowed))
            found.append(
                Fault(
                    source=source, path=each.name, expected=f"one of {options}", found=shown(value)
                )
            )
    return found


_WORDS = {
    ValueKind.BOOLEAN: "true or false",
    ValueKind.INTEGER: "a whole number",
    ValueKind.NUMBER: "a number",
    ValueKind.TEXT: "a text",
    ValueKind.LIST: "a list",
    ValueKind.CONTEXT: "an object",
}


def described(parameter: Parameter) -> str:
    """Return what a parameter wants, in words."""
    unit = f" in {parameter.unit}" if parameter.unit else ""
    concept = f" ({parameter.concept})" if parameter.concept else ""
    return f"{_WORDS[parameter.kind]}{unit} for '{parameter.name}'{concept}"


def fits(value: Any, kind: ValueKind) -> bool:
    """Tell whether a value is of a kind; a whole number is also a number, true is none."""
    match kind:
        case ValueKind.BOOLEAN:
            return isinstance(value, bool)
        case ValueKind.INTEGER:
            return _is_number(value) and float(value).is_integer()
        case ValueKind.NUMBER:
            return _is_number(value)
        case ValueKind.TEXT:
            return isinstance(value, str)
        case ValueKind.LIST:
            return isinstance(value, list | tuple)
        case ValueKind.CONTEXT:
            return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
