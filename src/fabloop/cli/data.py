"""What the commands of ``fabloop data`` do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, assert_never

import msgspec

from fabloop.adapters.dataspace import Sources
from fabloop.app.dataspace.account import (
    filled_table,
    link_texts,
    mapping_rows,
    outcome_texts,
    proposal_texts,
    question_texts,
    table_rows,
    version_text,
)
from fabloop.app.dataspace.open import open_data_space, read_space
from fabloop.app.dataspace.space import Ask, DataSpace
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.cli.processes.plain import columns, print_json, print_lines
from fabloop.dataspace.finish import Filled
from fabloop.dataspace.mapping import Certain, Discovery, Doubtful, Pin, Proposal, Unmapped
from fabloop.dataspace.matching import match
from fabloop.dataspace.schema import Place, Scalar
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.target import number_of


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says on the command line about a mapping."""

    by: str
    choose: int | None
    none: bool
    means: tuple[str, ...]
    means_not: tuple[str, ...]
    no_join: tuple[str, ...]


def print_sources(folder: Path, *, as_json: bool) -> ExitCode:
    """List sources, how they are accessed, and whether they answer."""
    space = read_space(folder)
    opened = Sources(space, folder)
    try:
        schema = opened.schema()
    finally:
        opened.close()
    rows = []
    for each in space.sources:
        tables = [t for t in schema.tables.values() if t.source == each.id]
        kind = str(type(each.access).__struct_config__.tag)
        state = "silent" if each.id in schema.silent else _tables(len(tables))
        rows.append((str(each.id), kind, state, each.label))
    if as_json:
        named = [dict(zip(("id", "kind", "state", "label"), row, strict=True)) for row in rows]
        print_json({"sources": named, "silent": schema.silent})
    else:
        print_lines(columns(("source", "kind", "state", "label"), rows))
        print_lines(schema.silent.values())
    return ExitCode.NOT_PRODUCIBLE if schema.silent else ExitCode.FINE


def print_profile(folder: Path, source: str, *, as_json: bool) -> ExitCode:
    """Print tables, columns and links."""
    space = read_space(folder)
    known = [str(each.id) for each in space.sources]
    if source and source not in known:
        raise _fault(
            "--source", "a source of the folder", repr(source), did_you_mean(source, known)
        )
    opened = Sources(space, folder)
    try:
        schema = opened.schema(frozenset({source}) if source else None)
    finally:
        opened.close()
    if as_json:
        print_json(schema)
    else:
        heads = ("table", "column", "kind", "unit", "key", "filled", "different", "such as")
        print_lines(columns(heads, table_rows(schema)))
        print_lines(link_texts(schema.links))
        print_lines(schema.silent.values())
    return ExitCode.NOT_PRODUCIBLE if schema.silent else ExitCode.FINE


def print_matches(folder: Path, table: str, other: str, *, as_json: bool) -> ExitCode:
    """Print which columns of two tables mean the same, the likeliest first."""
    sources = frozenset(each.partition(".")[0] for each in (table, other))
    opened = Sources(read_space(folder), folder)
    try:
        schema = opened.schema(sources)
    finally:
        opened.close()
    for name in (table, other):
        if name not in schema.tables:
            silent = schema.silent.get(name.partition(".")[0], "")
            hint = silent or did_you_mean(name, schema.tables)
            raise _fault("data match", "a table as SOURCE.TABLE", repr(name), hint)
    left, right = (
        [each for each in schema.tables[name].columns if each.name not in (ROW_ID, PARENT_ID)]
        for name in (table, other)
    )
    found = [each for each in match(left, right, opened.thesaurus) if each.is_best]
    if as_json:
        print_json(found)
    else:
        rows = [(each.left, each.right, f"{each.score:.0%}") for each in found]
        print_lines(columns((table, other, "alike"), rows))
    return ExitCode.FINE


def print_discovery(
    folder: Path, target: str, given: Sequence[str], units: Sequence[str], *, as_json: bool
) -> ExitCode:
    """Print how a target could be filled; nothing is remembered."""
    with _opened(folder, None) as space:
        found = space.discover(target, _given(given), _pairs("--unit", units))
    if as_json:
        print_json({"answer": type(found).__name__, **msgspec.to_builtins(found)})
    proposals, code = _ranked(found)
    if isinstance(found, Unmapped) and not as_json:
        print_lines([f"No source has '{each}'." for each in found.missing])
        print_lines([f"Near: {each}." for each in found.near])
    if not as_json:
        for number, each in enumerate(proposals, 1):
            first, *rest = proposal_texts(each)
            print_lines([f"{number}. {first}", *(f"   {line}" for line in rest)])
    return code


def _ranked(found: Discovery) -> tuple[tuple[Proposal, ...], ExitCode]:
    match found:
        case Certain():
            return (found.best, *found.others), ExitCode.FINE
        case Doubtful():
            return found.proposals, ExitCode.UNDECIDED
        case Unmapped():
            return (), ExitCode.NOT_PRODUCIBLE
        case _:
            assert_never(found)


def print_filled(
    folder: Path,
    target: str,
    given: Sequence[str],
    units: Sequence[str],
    limit: int,
    book: Path | None,
    *,
    as_json: bool,
) -> ExitCode:
    """Fill a target and print its rows, or why there are none."""
    with _opened(folder, book) as space:
        found = space.fill(target, _given(given), wanted=_pairs("--unit", units), limit=limit)
    if as_json:
        print_json({"answer": type(found).__name__, **msgspec.to_builtins(found)})
    else:
        if isinstance(found, Filled):
            heads, rows = filled_table(found)
            print_lines(columns(heads, rows))
        print_lines(outcome_texts(found))
    if isinstance(found, Filled):
        return ExitCode.FINE
    return ExitCode.UNDECIDED if isinstance(found, Ask) else ExitCode.NOT_PRODUCIBLE


def remember(
    folder: Path, target: str, said: Said, book: Path | None, *, as_json: bool
) -> ExitCode:
    """Remember what a person says."""
    pins = [_pin("--means", each, is_right=True) for each in said.means]
    pins += [_pin("--means-not", each, is_right=False) for each in said.means_not]
    joins = [_join(each) for each in said.no_join]
    if (said.choose is not None) + said.none > 1 or not (
        said.choose is not None or said.none or pins or joins
    ):
        raise _fault(
            "data answer", "one of --choose and --none, or what words mean", "neither or both"
        )
    with _opened(folder, book) as space:
        mapping = space.answer(target, by=said.by, choose=said.choose, pins=pins, no_joins=joins)
    if as_json:
        print_json({"mapping": msgspec.to_builtins(mapping)})
    else:
        print_lines([version_text(mapping) if mapping else "Remembered; ask for the target anew."])
    return ExitCode.FINE


def print_mappings(folder: Path, book: Path | None, *, as_json: bool) -> ExitCode:
    """List mappings and open questions."""
    with _opened(folder, book) as space:
        found = space.book
    if as_json:
        print_json({"mappings": msgspec.to_builtins(found.mappings),
                    "questions": msgspec.to_builtins(found.questions)})  # fmt: skip
        return ExitCode.FINE
    heads = ("target", "version", "confidence", "by", "at", "state")
    print_lines(columns(heads, mapping_rows(found)))
    for each in found.questions.values():
        print_lines(question_texts(each))
    return ExitCode.FINE


def take_back(
    folder: Path, target: str, by: str, why: str, book: Path | None, *, as_json: bool
) -> ExitCode:
    """Take back the mapping in force."""
    with _opened(folder, book) as space:
        mapping = space.refuse(target, by=by, why=why)
    if as_json:
        print_json({"mapping": msgspec.to_builtins(mapping)})
    else:
        print_lines([f"Version {mapping.version} holds no more. The next one is yours to choose."])
    return ExitCode.FINE


@contextmanager
def _opened(folder: Path, book: Path | None) -> Iterator[DataSpace]:
    space = open_data_space(folder, WallClock().now, book)
    try:
        yield space
    finally:
        space.close()


def _given(texts: Sequence[str]) -> dict[str, tuple[Scalar, ...]]:
    """Return given values by name; what looks like a number is one."""
    found: dict[str, tuple[Scalar, ...]] = {}
    for name, text in _split("--given", texts):
        number = number_of(text)
        is_code = text[:1] == "0" and text[1:2].isdigit()
        value: Scalar = text if number is None or is_code else number
        found[name] = (*found.get(name, ()), value)
    return found


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    return dict(_split(option, texts))


def _split(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise _fault(option, "NAME=VALUE", repr(text), f"Write {option} num=12.")
        pairs.append((" ".join(name.split()), value.strip()))
    return pairs


def _pin(option: str, text: str, *, is_right: bool) -> Pin:
    ((phrase, place),) = _split(option, [text])
    return Pin(phrase=phrase, place=_place(option, place), is_right=is_right)


def _join(text: str) -> tuple[Place, Place]:
    ((one, other),) = _split("--no-join", [text])
    return _place("--no-join", one), _place("--no-join", other)


def _place(option: str, text: str) -> Place:
    table, sign, column = text.rpartition(".")
    if not sign or "." not in table:
        hint = "fabloop data profile lists them."
        raise _fault(option, "a column as SOURCE.TABLE.COLUMN", repr(text), hint)
    return Place(table=table, column=column)


def _fault(path: str, expected: str, found: Any, hint: str = "") -> Invalid:
    return Invalid(Fault(source=path, path="", expected=expected, found=found, hint=hint))


def _tables(count: int) -> str:
    return "1 table" if count == 1 else f"{count} tables"
