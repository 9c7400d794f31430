"""YAML as OpenAPI means it: the core schema of YAML 1.2, where a key stands once."""

import re
from typing import Any

import yaml

from fabloop.model.documents.collect import Sheet

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


def loader(sheet: Sheet) -> Any:
    """Return a class of loader that notes repeated keys on the sheet.

    Unlike YAML 1.1, ``on`` and ``no`` are texts, and so are dates.
    """

    class Loader(_BASE):  # type: ignore[misc]  # its base is chosen by what is installed
        """Loads plain values only."""

    Loader.yaml_implicit_resolvers = {}
    for tag, pattern, first in _SCALARS:
        Loader.add_implicit_resolver(_TAG + tag, re.compile(pattern), first)

    def mapping(self: Any, node: yaml.MappingNode) -> Any:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in dict.fromkeys(each for each in keys if keys.count(each) > 1):
            sheet.fault(
                "each property of an object once",
                f"{key!r} again in the object at line {node.start_mark.line + 1}",
            )
        found: dict[Any, Any] = {}
        yield found
        found.update(
            (_key(key), self.construct_object(value, deep=True)) for key, value in node.value
        )

    Loader.add_constructor(_TAG + "map", mapping)
    return Loader


def _key(node: yaml.Node) -> str:
    """Return a key as it is written: the status 200 and the text '200' are the same."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else str(node.tag)


_SCALARS = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        list("-+0123456789."),
    ),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
)
