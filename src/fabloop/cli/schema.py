"""``fabloop schema``: the published form of each kind of document."""

import sys

from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.model.documents import SCHEMA_NAMES, context_of, schema_of


def print_schema(name: str | None, *, context: bool) -> ExitCode:
    """Print the schema or context of a kind, or the names of all kinds."""
    if name is None:
        sys.stdout.write("".join(f"{each}\n" for each in SCHEMA_NAMES))
        return ExitCode.FINE
    if name not in SCHEMA_NAMES:
        raise Invalid(
            Fault(
                source="fabloop schema",
                path="NAME",
                expected="a kind of document",
                found=repr(name),
                hint=did_you_mean(name, SCHEMA_NAMES),
            )
        )
    content = context_of(name) if context else schema_of(name)
    sys.stdout.write(to_json_pretty(content).decode())
    return ExitCode.FINE
