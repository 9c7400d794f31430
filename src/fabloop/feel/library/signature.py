"""How a built-in function states its parameters, and how a call is matched against them."""

from collections.abc import Callable
from decimal import DecimalException
from typing import Any

import msgspec

from fabloop.feel.decimals import NUMBERS_OF
from fabloop.feel.run import Run
from fabloop.feel.temporal import Date, DateTime, Months, Span, Time
from fabloop.feel.values import Function, Range, Value, described

Body = Callable[..., Value]

_TYPES: dict[str, tuple[type, ...]] = {
    "number": NUMBERS_OF,
    "string": (str,),
    "boolean": (bool,),
    "list": (list,),
    "context": (dict,),
    "range": (Range,),
    "function": (Function,),
    "date": (Date,),
    "time": (Time,),
    "date and time": (DateTime,),
    "days and time duration": (Span,),
    "years and months duration": (Months,),
    "number or duration": (*NUMBERS_OF, Span, Months),
    "date or date and time": (Date, DateTime),
    "string, date or date and time": (str, Date, DateTime),
    "string, time, date or date and time": (str, Time, Date, DateTime),
    "list or string": (list, str),
    "key or list of keys": (str, list),
    "number or function": (*NUMBERS_OF, Function),
    "range or value": (),
    "any": (),
}


class Argument(msgspec.Struct, frozen=True):
    """One parameter: its FEEL name and kind; whether it may be left out, or be null."""

    name: str
    kind: str
    optional: bool = False
    nullable: bool = False


class Signature(msgspec.Struct, frozen=True):
    """One way to call a built-in function.

    Attributes
    ----------
    variadic : the last argument takes all that follow, as a list
    """

    arguments: tuple[Argument, ...]
    body: Body
    variadic: bool = False

    @property
    def needed(self) -> int:
        """How many arguments must be given."""
        return sum(not argument.optional for argument in self.arguments)


class Mismatch(msgspec.Struct, frozen=True):
    """Why a call does not fit a signature."""

    reason: str


def parameters(text: str) -> tuple[Argument, ...]:
    """Read parameters: ``list: list, start position: number, length?: number``.

    ``?`` marks one that may be left out, ``!`` one that may be null.
    """
    found = []
    for part in text.split("; ") if text else ():
        name, _, kind = part.partition(": ")
        optional, nullable = name.endswith("?"), name.endswith("!")
        bare = name.rstrip("?!")
        found.append(Argument(bare, kind, optional, nullable or kind == "any"))
        assert kind in _TYPES, kind
    return tuple(found)


def matched(
    signature: Signature, given: tuple[Value, ...], names: tuple[str, ...]
) -> list[Value] | Mismatch:
    """Return the arguments for the body of a signature, or why they do not fit."""
    ordered = _by_name(signature, given, names) if names else list(given)
    if isinstance(ordered, Mismatch):
        return ordered
    if signature.variadic and not names:
        ordered = _gathered(signature, ordered)
    most = len(signature.arguments)
    if not signature.needed <= len(ordered) <= most:
        wanted = str(most) if signature.needed == most else f"{signature.needed} to {most}"
        noun = "argument" if wanted == "1" else "arguments"
        return Mismatch(f"{wanted} {noun}, but found {len(given)}")
    for index, argument in enumerate(signature.arguments[: len(ordered)]):
        value = _fitted(ordered[index], argument)
        if isinstance(value, Mismatch):
            return value
        ordered[index] = value
    return ordered


def _gathered(signature: Signature, given: list[Value]) -> list[Value]:
    """Return the arguments with all that the last one takes in a list.

    Where the last one is itself a list (``min``), that list may be given as it is.
    """
    fixed = len(signature.arguments) - 1
    rest = given[fixed:]
    if not rest:
        return given
    as_list = signature.arguments[-1].kind == "list" and len(rest) == 1
    if as_list and (rest[0] is None or type(rest[0]) is list):
        return given
    return [*given[:fixed], rest]


def _by_name(
    signature: Signature, given: tuple[Value, ...], names: tuple[str, ...]
) -> list[Value] | Mismatch:
    known = [argument.name for argument in signature.arguments]
    unknown = [name for name in names if name not in known]
    if unknown or len(set(names)) != len(names):
        wanted = ", ".join(f"'{name}'" for name in known)
        return Mismatch(f"arguments named {wanted}, but found '{(unknown or list(names))[0]}'")
    values: dict[str, Value] = dict(zip(names, given, strict=True))
    missing = [a.name for a in signature.arguments if not a.optional and a.name not in values]
    if missing:
        return Mismatch(f"an argument '{missing[0]}', but found none")
    while known and known[-1] not in values:
        known.pop()
    return [values.get(name) for name in known]


def _fitted(value: Value, argument: Argument) -> Value:
    wanted = _TYPES[argument.kind]
    if not wanted or type(value) in wanted:
        return value
    if value is None and (argument.nullable or argument.optional):
        return None
    if type(value) is list and len(value) == 1 and type(value[0]) in wanted:
        return value[0]
    if argument.kind == "list" and value is not None:
        return [value]
    return Mismatch(f"a {argument.kind} as '{argument.name}', but found {described(value)}")


class Builtins:
    """The built-in functions of one kind, by name; a name may have several signatures."""

    def __init__(self) -> None:
        self.signatures: dict[str, tuple[Signature, ...]] = {}

    def define(
        self, name: str, wanted: str, *, variadic: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the body of a function; it takes the run, then its arguments."""

        def keep(body: Callable[..., Any]) -> Callable[..., Any]:
            entry = Signature(parameters(wanted), body, variadic)
            self.signatures[name] = (*self.signatures.get(name, ()), entry)
            return body

        return keep


class Undefined(Exception):
    """A function has no value for its arguments; the text says why."""


def called(
    run: Run,
    name: str,
    signatures: tuple[Signature, ...],
    given: tuple[Value, ...],
    names: tuple[str, ...],
    at: int,
) -> Value:
    """Call the first signature that fits; null with the reason where none does."""
    reason = ""
    for signature in signatures:
        arguments = matched(signature, given, names)
        if not isinstance(arguments, Mismatch):
            try:
                return signature.body(run, *arguments)
            except Undefined as undefined:
                run.null(at, f"Expected '{name}' to have a result, but {undefined}.")
                return None
            except DecimalException:
                run.null(at, f"Expected '{name}' to have a result, but it is out of range.")
                return None
        reason = reason or arguments.reason
    run.null(at, f"Expected {reason}, in the call of '{name}'.")
    return None
