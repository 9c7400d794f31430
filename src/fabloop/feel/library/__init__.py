"""The built-in functions of FEEL, by name."""

from fabloop.feel.library.contexts import CONTEXTS
from fabloop.feel.library.conversion import CONVERSION
from fabloop.feel.library.extensions import EXTENSIONS
from fabloop.feel.library.lists import LISTS
from fabloop.feel.library.numeric import NUMERIC
from fabloop.feel.library.ranges import RANGES
from fabloop.feel.library.signature import Signature, called
from fabloop.feel.library.strings import STRINGS
from fabloop.feel.library.temporals import PROPERTIES, TEMPORALS
from fabloop.feel.run import Run
from fabloop.feel.values import Value

__all__ = ["BUILTINS", "PROPERTIES", "call_builtin", "is_builtin"]

_KINDS = (CONTEXTS, CONVERSION, EXTENSIONS, LISTS, NUMERIC, RANGES, STRINGS, TEMPORALS)
BUILTINS: dict[str, tuple[Signature, ...]] = {
    name: signatures for kind in _KINDS for name, signatures in kind.signatures.items()
}


def is_builtin(name: str) -> bool:
    """Tell whether a built-in function has this name."""
    return name in BUILTINS


def call_builtin(
    run: Run, name: str, given: tuple[Value, ...], names: tuple[str, ...], at: int
) -> Value:
    """Call a built-in function; null with a warning where it does not take these arguments."""
    # Long texts cost more than short ones, so that a loop over them ends in time.
    run.spend(1 + sum(len(value) >> 8 for value in given if type(value) is str))
    return called(run, name, BUILTINS[name], given, names, at)
