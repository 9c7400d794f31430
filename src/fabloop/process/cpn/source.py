"""Turns source that we generated into a function."""

from types import CodeType, FunctionType
from typing import Any


def made_function(name: str, arguments: str, lines: list[str], space: dict[str, object]) -> Any:
    """Return a function compiled from our own source; nothing is evaluated on the way."""
    text = "\n".join([f"def {name}({arguments}):", *lines])
    module = compile(text, f"<transition {name}>", "exec")
    code = next(each for each in module.co_consts if isinstance(each, CodeType))
    return FunctionType(code, space)
