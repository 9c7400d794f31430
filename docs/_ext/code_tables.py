"""Tables that are read off the code when the docs are built, so that they cannot be wrong.

``{from-code} facts`` in a page becomes the table of facts; see `TABLES` for the others, and
``{from-code} document KIND`` for the fields of a kind of document, ``{from-code} limits PAGE`` for
the limits of `limit_rows`.
"""  # noqa: INP001  # a Sphinx extension is found by path

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, get_args

import msgspec
from docutils import nodes
from limit_rows import ROWS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from fabloop.adapters.arrowhead.five.facade import routes_of
from fabloop.adapters.arrowhead.five.settings import Settings, Strategy
from fabloop.adapters.bulks import frame
from fabloop.app import metrics, option_words, sentences
from fabloop.app.house import STEPS_BY_FACT
from fabloop.base import errors, quantity
from fabloop.feel import limits
from fabloop.feel.library import BUILTINS
from fabloop.feel.library.extensions import EXTENSIONS
from fabloop.model import facts
from fabloop.model.documents import schema_of
from fabloop.process import commands, deltas

PATTERNS = Path(__file__).parents[2] / "examples/patterns"
Row = tuple[str, ...]
Schema = dict[str, Any]


def said(thing: type) -> str:
    """Return the first sentence of a docstring, as Markdown."""
    first = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    return first.replace("`", "``").replace("````", "``")


def table(heads: Row, rows: Iterable[Row]) -> list[str]:
    """Return a Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return ["| " + " | ".join(each.replace("|", "\\|") for each in line) + " |" for line in lines]


def members(union: object, heard: Callable[[type], str] | None = None) -> Iterator[Row]:
    """Yield name and sentence of each class of a union."""
    for each in get_args(union):
        row = (f"`{each.__name__}`", said(each))
        yield (*row, heard(each)) if heard else row


def fact_table() -> list[str]:
    """Return the facts, and which steps of the loop hear each."""

    def heard(kind: type) -> str:
        return ", ".join(f"`{step.__name__}`" for step in STEPS_BY_FACT.get(kind, ())) or "–"

    return table(("fact", "says", "heard by the step"), members(facts.Fact, heard))


def delta_table() -> list[str]:
    """Return the deltas of a journal row by tag, with their fields in order."""
    rows = []
    for each in get_args(deltas.Delta):
        fields = ", ".join(f"`{name}`" for name in each.__struct_fields__)
        rows.append((str(each.__struct_config__.tag), f"`{each.__name__}`", said(each), fields))
    return table(("tag", "delta", "says", "fields, in order"), rows)


def error_table() -> list[str]:
    """Return the error classes with what follows from each."""
    rows = [
        (f"`{kind.__name__}`", said(kind), str(int(kind.exit_code)))
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.FabloopError)
    ]
    return table(("class", "means", "exit code"), rows)


def dimension_table() -> list[str]:
    """Return the dimensions of quantities, with the SI unit inside and an example outside."""
    rows = [
        (each.value, f"`{each.unit}`" if each.unit else "none", f'`"{quantity.example(each)}"`')
        for each in quantity.Dimension
    ]
    return table(("dimension", "held in", "written, for example"), rows)


def reason_list() -> list[str]:
    """Return every code that an explanation may carry."""
    return [", ".join(f"`{code}`" for code in sorted(map(str, sentences.REASONS)))]


def option_list() -> list[str]:
    """Return every code that an option may carry."""
    return [", ".join(f"`{code}`" for code in sorted(map(str, option_words.OPTIONS)))]


def function_list(names: Iterable[str]) -> list[str]:
    """Return names of built-in functions."""
    return [", ".join(f"`{name}`" for name in sorted(names))]


def limit_table() -> list[str]:
    """Return the limits of FEEL expressions."""
    found = {name: each for name, each in vars(limits).items() if name.endswith("_MAX")}
    rows = [(f"`{name}`", f"{each:,}") for name, each in found.items() if isinstance(each, int)]
    return table(("limit", "at most"), rows)


def named_limits(page: str) -> list[str]:
    """Return the limits that a page of the reference tells."""
    rows = [(words, f"{each:,}") for words, each in ROWS[page].items()]
    return table(("what", "at most"), rows)


def pattern_table() -> list[str]:
    """Return the workflow patterns, each with its example in ``examples/patterns``."""
    found = json.loads((PATTERNS / "patterns.json").read_text(encoding="utf-8"))
    rows = [
        (str(each["number"]), each["name"], each["verdict"], each["how"], f"`{each['file']}`")
        for each in found
    ]
    return table(("", "pattern", "in", "how", "example"), rows)


def document_tables(name: str) -> list[str]:
    """Return the fields of a kind of document, and of each kind of entry in it."""
    schema = schema_of(name)
    entries = {title: each for title, each in schema["$defs"].items() if "enum" not in each}
    words = {f"#/$defs/{t}": each for t, each in schema["$defs"].items() if "enum" in each}
    lines = [plain(schema["description"]), "", *field_table(inlined(schema, words)), ""]
    for title, each in entries.items():
        entry = inlined(each, words)
        lines += [f"**{title}**: {plain(entry['description'])}", "", *field_table(entry), ""]
    return lines


def inlined(schema: Any, words: dict[str, Schema]) -> Any:
    """Return the schema with references to lists of words replaced by the words."""
    match schema:
        case dict():
            found = words.get(schema.get("$ref", ""))
            return found or {name: inlined(each, words) for name, each in schema.items()}
        case list():
            return [inlined(each, words) for each in schema]
        case _:
            return schema


COMMON = {"document", "version", "@context", "$schema", "description"}


def field_table(schema: Schema) -> list[str]:
    """Return the fields of one object; those that every document has are told elsewhere."""
    required = set(schema.get("required", ()))
    skip = COMMON if "@context" in schema["properties"] else set()
    rows = [
        (f"`{name}`", form(each), "required" if name in required else default(each))
        for name, each in schema["properties"].items()
        if name not in skip
    ]
    return table(("field", "holds", ""), rows)


def plain(text: str) -> str:
    """Return a docstring as one paragraph."""
    return " ".join(text.split())


def default(schema: Schema) -> str:
    """Return what holds where the field is left out."""
    value = schema.get("default")
    if value in (None, "", [], {}):
        return "optional"
    return f"default `{msgspec.json.encode(value).decode()}`"


def form(schema: Schema) -> str:
    """Return what a field holds, in words."""
    if "$ref" in schema:
        return f"*{schema['$ref'].rsplit('/', 1)[1]}*"
    if "anyOf" in schema:
        parts = [form(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "enum" in schema:
        return " or ".join(f"`{msgspec.json.encode(each).decode()}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {form(schema['items'])}"
    if schema.get("type") == "object":
        return f"object: name to {form(schema['additionalProperties'])}"
    words = schema.get("title", str(schema.get("type", "anything")))
    shown = schema.get("examples")
    return f"{words}: `{msgspec.json.encode(shown[0]).decode()}`" if shown else words


def metric_table() -> list[str]:
    """Return the metrics of readings and OEE."""
    rows = [(f"`{name}`", each.kind.value, each.help) for name, each in metrics.METRICS.items()]
    return table(("metric", "is a", "tells"), rows)


def bulk_format() -> list[str]:
    """Return the layout of bulks as its module tells it."""
    text = (frame.__doc__ or "").partition("::\n\n")[2]
    layout, _, rest = text.partition("\n\n")
    return ["```text", *(line[4:] for line in layout.splitlines()), "```", "", *rest.splitlines()]


def cloud_operations() -> list[str]:
    """Return what the core systems of a local cloud answer, by the path that they share."""
    fixed = Settings(strategy=Strategy.SIMPLE_STORE)
    found: dict[str, list[str]] = {}
    for each in {(each.path, each.method): each for settings in (Settings(), fixed)
            for each in routes_of(settings)}.values():  # fmt: skip
        path = each.path.rstrip("/")
        shared, _, last = path.rpartition("/")
        tail = "/…" if each.tail else ""
        found.setdefault(shared, []).append(f"`{each.method} {last}{tail}`")
    return table(
        ("below", "operations"),
        [(f"`{shared}`", ", ".join(sorted(each))) for shared, each in sorted(found.items())],
    )


TABLES: dict[str, Callable[[], list[str]]] = {
    "bulk-format": bulk_format,
    "patterns": pattern_table,
    "facts": fact_table,
    "commands": lambda: table(("command", "asks"), members(commands.Command)),
    "notices": lambda: table(("notice", "tells"), members(commands.Notice)),
    "deltas": delta_table,
    "errors": error_table,
    "dimensions": dimension_table,
    "functions": lambda: function_list(BUILTINS),
    "extensions": lambda: function_list(EXTENSIONS.signatures),
    "feel-limits": limit_table,
    "reasons": reason_list,
    "options": option_list,
    "metrics": metric_table,
    "cloud-operations": cloud_operations,
}


class FromCode(SphinxDirective):
    """``{from-code} NAME``: one of `TABLES`, or ``document KIND``, or ``limits PAGE``."""

    required_arguments = 1
    optional_arguments = 1
    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the table as nodes."""
        name = self.arguments[0]
        if len(self.arguments) > 1:
            made = {"document": document_tables, "limits": named_limits}[name](self.arguments[1])
        else:
            made = TABLES[name]()
        return self.parse_text_to_nodes("\n".join(made))


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the directive known."""
    app.add_directive("from-code", FromCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
