"""Methods of a machine with typed arguments: what they take, whether that is given, a call."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from asyncua import Client, ua

from fabloop.adapters.opcua.arguments import Parameter, parameters, permit_place
from fabloop.adapters.opcua.pki import Pki
from fabloop.adapters.opcua.session import Namespaces, namespaces_of, opened
from fabloop.base.errors import Fault, Invalid, NotFound, NotPermitted, Refused, Unavailable
from fabloop.base.instant import Clock
from fabloop.base.names import did_you_mean
from fabloop.model.safety import Target
from fabloop.run.gate import Gate, leaving
from fabloop.run.permissives import Withheld
from fabloop.run.permits import PERMIT_ARGUMENT, permits_text
from fabloop.sense.connections.model import Connection

ELEMENTS_MAX = 10_000
CALL_S_MAX = 60.0
_BITS: Final = {
    ua.VariantType.SByte: (-(2**7), 2**7), ua.VariantType.Byte: (0, 2**8),
    ua.VariantType.Int16: (-(2**15), 2**15), ua.VariantType.UInt16: (0, 2**16),
    ua.VariantType.Int32: (-(2**31), 2**31), ua.VariantType.UInt32: (0, 2**32),
    ua.VariantType.Int64: (-(2**63), 2**63), ua.VariantType.UInt64: (0, 2**64),
}  # fmt: skip
_REALS: Final = {ua.VariantType.Float: 3.4028235e38, ua.VariantType.Double: math.inf}
_TEXTS: Final = frozenset((ua.VariantType.String, ua.VariantType.LocalizedText))


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A method of an object, with what it takes and gives, in order."""

    object: str
    method: str
    takes: tuple[Parameter, ...]
    gives: tuple[Parameter, ...]


async def signature_of(
    connection: Connection, pki: Pki, clock: Clock, object_: str, method: str
) -> Signature:
    """Return what a method takes and gives.

    Raises
    ------
    NotFound
        The server has no such method.
    Unavailable, NotPermitted
        The server does not answer, or does not let us in.
    """
    session = await opened(connection, pki, clock, comes_back=False)
    try:
        spaces = await namespaces_of(session.client)
        return await _signature(session.client, spaces, object_, method)
    finally:
        await session.client.disconnect()


async def call(
    connection: Connection,
    pki: Pki,
    clock: Clock,
    object_: str,
    method: str,
    given: Mapping[str, Any],
    *,
    gate: Gate,
    target: Target,
) -> dict[str, Any]:
    """Call a method once, with arguments by name; return what it gives, by name.

    The gate is asked just before the call leaves.

    Raises
    ------
    Invalid
        The arguments are not those that the method takes; all faults are told.
    NotFound
        The server has no such method.
    NotPermitted
        The gate withholds it: nothing was called.
    Refused
        The machine refused the call; it says why.
    Unavailable
        No answer came: it is not known whether the machine has done it.
    """
    session = await opened(connection, pki, clock, comes_back=False)
    client = session.client
    try:
        spaces = await namespaces_of(client)
        signature = await _signature(client, spaces, object_, method)
        typed(signature, given)
        nodes = [spaces.node_id(each) for each in (object_, method)]
        arguments = typed(signature, given, _asked(gate, target, method))
        async with asyncio.timeout(CALL_S_MAX):
            answer = await client.get_node(nodes[0]).call_method(nodes[1], *arguments)
    except ua.UaStatusCodeError as error:
        raise Refused(
            f"Expected '{method}' to be done, but found {error}. Look at the machine."
        ) from error
    except (OSError, TimeoutError, ua.UaError) as error:
        raise Unavailable(
            f"Expected an answer to '{method}', but found: {error or 'none in time'}. It is not "
            "known whether the machine has done it: look at it before you call again."
        ) from error
    finally:
        await client.disconnect()
    values = answer if isinstance(answer, list) and len(signature.gives) != 1 else [answer]
    return {each.name: plain(value) for each, value in zip(signature.gives, values, strict=False)}


def _asked(gate: Gate, target: Target, method: str) -> str:
    """Return the permits that the gate gives a call on its way."""
    verdict = leaving(gate, target, time.monotonic_ns)
    if isinstance(verdict, Withheld):
        told = "; ".join(f"{each.code} {each.subject}" for each in verdict.reasons)
        raise NotPermitted(
            f"Expected the gate to let a call of '{method}' pass, but it is withheld: {told}. "
            "Nothing was called."
        )
    return permits_text(verdict.permits)


async def _signature(client: Client, spaces: Namespaces, object_: str, method: str) -> Signature:
    node = spaces.node_id(method)
    known = node is not None and spaces.node_id(object_) is not None
    kinds = (
        await client.uaclient.read_attributes([node], ua.AttributeIds.NodeClass) if known else []
    )
    if not kinds or kinds[0].Value is None or kinds[0].Value.Value != ua.NodeClass.Method:
        raise NotFound(
            f"Expected a method '{method}' of '{object_}' at the server, but found none. "
            "'fabloop machine browse' tells its methods."
        )
    takes, gives = [
        await parameters(client, node, name) for name in ("InputArguments", "OutputArguments")
    ]
    return Signature(object=object_, method=method, takes=takes, gives=gives)


def typed(signature: Signature, given: Mapping[str, Any], permits: str = "") -> list[ua.Variant]:
    """Return the arguments in order and of the types that a method takes.

    Permits are put where the method has an argument for them, unless something is given there.

    Raises
    ------
    Invalid
        One is missing, unknown, of another type or beyond its range; all faults are told.
    """
    names = [each.name for each in signature.takes]
    if permit_place(signature.takes) is not None:
        given = {PERMIT_ARGUMENT: permits, **given}
    faults = [
        _fault(signature, name, "an argument that it takes", "one that it does not",
            did_you_mean(name, names) or "It takes none.")
        for name in given if name not in names
    ]  # fmt: skip
    found: list[ua.Variant] = []
    for each in signature.takes:
        if each.name not in given:
            faults.append(_fault(signature, each.name, f"a {_type(each)}", "nothing"))
            continue
        wrong, variant = _variant(each, given[each.name])
        if wrong:
            faults.append(_fault(signature, each.name, wrong, repr(given[each.name])[:80]))
        found.append(variant)
    if faults:
        raise Invalid(faults)
    return found


def _variant(parameter: Parameter, value: Any) -> tuple[str, ua.Variant]:
    """Return what was expected instead of a value (empty: nothing), and the value to send."""
    kind = getattr(ua.VariantType, parameter.type, None)
    if kind is None:
        return f"a type that we can send, not {parameter.type}", ua.Variant()
    if not parameter.array:
        wrong, converted = _converted(kind, value)
        return wrong, ua.Variant(converted, kind)
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > ELEMENTS_MAX:
        return f"a list of at most {ELEMENTS_MAX} {parameter.type}", ua.Variant()
    pairs = [_converted(kind, each) for each in value]
    wrong = next((each for each, _ in pairs if each), "")
    return wrong, ua.Variant([each for _, each in pairs], kind, is_array=True)


def _converted(kind: ua.VariantType, value: Any) -> tuple[str, Any]:
    if kind in _BITS:
        least, beyond = _BITS[kind]
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = whole and least <= value < beyond
        return "" if fits else f"a whole number from {least} to {beyond - 1}", value
    if kind in _REALS:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = number and math.isfinite(value) and abs(value) <= _REALS[kind]
        return "" if fits else f"a finite number of {kind.name}", float(value) if fits else value
    if kind is ua.VariantType.Boolean:
        return "" if isinstance(value, bool) else "true or false", value
    if kind in _TEXTS:
        if not isinstance(value, str):
            return "a text", value
        return "", ua.LocalizedText(value) if kind is ua.VariantType.LocalizedText else value
    if kind is ua.VariantType.DateTime:
        return _moment(value)
    return f"a type that we can send, not {kind.name}", value


def _moment(value: Any) -> tuple[str, Any]:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return "a time such as 2026-06-01T12:00:00Z", value
    return ("", moment) if moment.tzinfo else ("a time with its time zone", value)


def plain(value: Any) -> Any:
    """Return an output as JSON can tell it."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _type(parameter: Parameter) -> str:
    return f"list of {parameter.type}" if parameter.array else parameter.type


def _fault(signature: Signature, name: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(
        source=f"arguments of '{signature.method}'", path=name, expected=expected, found=found,
        hint=hint,
    )  # fmt: skip
