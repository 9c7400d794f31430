"""Mappings, evidence and answers of a data space as sentences and tables for people."""

from collections.abc import Sequence
from typing import assert_never

from fabloop.app.dataspace.space import Ask, NoMapping, Outcome
from fabloop.base.instant import iso_of
from fabloop.dataspace.book import Book, Question
from fabloop.dataspace.finish import Filled, NothingFound, TooMuch, unit_of_row
from fabloop.dataspace.mapping import Evidence, Expression, Ground, Mapping, Proposal
from fabloop.dataspace.schema import Column, Link, Schema, Table
from fabloop.dataspace.shred import PARENT_ID, ROW_ID
from fabloop.dataspace.target import text_of

_WHY = {
    "weak": "no proposal is good enough to be used unasked",
    "close": "two proposals are nearly as good as each other",
    "replaced": "a person chose the mapping before, so a person replaces it",
}

_GROUNDS = {
    Ground.ANSWER: "a person said that {about} means {place}",
    Ground.NAME: "{about} is named like {place} ({score:.0%})",
    Ground.VALUE: "{place} holds '{found}'",
    Ground.NO_VALUE: "{place} does not hold '{found}', as far as was seen",
    Ground.KIND: "{place} holds values to calculate with ({found})",
    Ground.UNIT: "{place} has a unit that fits ({found})",
    Ground.NESTED: "{place}: one stands within the other",
    Ground.DECLARED: "{place}: the source declares it",
    Ground.SHARED: "{place}: {found} of the values are in common",
    Ground.SAME_ROW: "{about} stands in the same row of {place}",
}


def outcome_texts(outcome: Outcome) -> list[str]:
    """Return what came of filling a target, in sentences; rows of an answer are a table."""
    match outcome:
        case Filled():
            return _filled_texts(outcome)
        case NothingFound():
            text = f"Expected rows for '{outcome.target}', but {outcome.why}."
            return [f"{text} Check what was given; if it is right, the source lacks it."]
        case TooMuch():
            text = f"Expected at most {outcome.limit} rows from '{outcome.what}', but found more."
            return [f"{text} Give more, so that less fits, or raise the limit."]
        case Ask():
            return [*outcome.reasons, *question_texts(outcome.question)]
        case NoMapping():
            return _unmapped_texts(outcome)
        case _:
            assert_never(outcome)


def _filled_texts(filled: Filled) -> list[str]:
    return [
        f"Left a row out: {each.column} was {each.found}, but {each.why}." for each in filled.faulty
    ]


def _unmapped_texts(outcome: NoMapping) -> list[str]:
    lacking = ", ".join(f"'{each}'" for each in outcome.missing) or "a way between its parts"
    text = f"Expected sources that fill '{outcome.target}', but found none for {lacking}."
    texts = [f"{text} Describe the source that has it, or say what its columns mean."]
    texts += [f"Near: {each}." for each in outcome.near]
    texts += list(outcome.silent.values())
    return texts


def filled_table(filled: Filled) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads and rows of an answer; numbers with their units."""
    heads = tuple(each.name for each in filled.columns)
    rows: list[tuple[str, ...]] = []
    for row in filled.rows:
        cells = []
        for column in filled.columns:
            value, unit = row.get(column.name), unit_of_row(row, column)
            cells.append("" if value is None else f"{value} {unit}".strip())
        rows.append(tuple(cells))
    return heads, rows


def question_texts(question: Question) -> list[str]:
    """Return a question with its shortlist."""
    texts = [f"Which mapping fills '{question.target}'? ({_WHY.get(question.why, question.why)})"]
    for number, proposal in enumerate(question.proposals, 1):
        texts += [f"{number}. {line}" if at == 0 else f"   {line}"
                  for at, line in enumerate(proposal_texts(proposal))]  # fmt: skip
    texts.append("Answer: fabloop data answer FOLDER TARGET --choose N --by NAME, or --none.")
    return texts


def proposal_texts(proposal: Proposal) -> list[str]:
    """Return a proposal as lines: what it reads, and what speaks for it."""
    return [
        f"{expression_text(proposal.expression)} ({proposal.confidence:.0%})",
        *(f"- {evidence_text(each)}" for each in proposal.evidence),
    ]


def expression_text(expression: Expression) -> str:
    """Return what an expression reads: ``x = recipes.name where recipes.type = type``."""
    outputs = ", ".join(
        f"?{each.variable} = {_row(expression, each.spot.use)}"
        if each.spot.column == "_n"
        else f"?{each.variable} = {expression.place(each.spot)}"
        for each in expression.outputs
    )
    conditions = [
        f"{expression.place(each.spot)} = {text_of(each.term)}" for each in expression.filters
    ]
    conditions += [
        f"{expression.place(each.left)} = {expression.place(each.right)}"
        for each in expression.joins
        if each.left.column not in (ROW_ID, PARENT_ID)
        and "_n" not in (each.left.column, each.right.column)
    ]
    return f"{outputs} where {' and '.join(conditions)}" if conditions else outputs


def _row(expression: Expression, use: str) -> str:
    return f"row of {next(each.table for each in expression.uses if each.name == use)}"


def evidence_text(evidence: Evidence) -> str:
    """Return what speaks for a part of a mapping, or against it."""
    if evidence.ground is Ground.ANSWER and not evidence.score:
        return f"a person said that '{evidence.about}' does not mean {evidence.place}"
    return _GROUNDS[evidence.ground].format(
        about=f"'{evidence.about}'",
        place=evidence.place,
        found=evidence.found,
        score=evidence.score,
    )


def mapping_rows(book: Book) -> list[tuple[str, ...]]:
    """Return all versions of all mappings: target, version, state, by whom, when."""
    rows: list[tuple[str, ...]] = []
    for target, versions in sorted(book.mappings.items()):
        for each in versions:
            state = "invalid: " + " ".join(each.invalid) if each.invalid else "in force"
            rows.append(
                (target, str(each.version), f"{each.confidence:.0%}", each.by or "fabloop",
                 iso_of(each.at), state)
            )  # fmt: skip
    return rows


def table_rows(schema: Schema) -> list[tuple[str, ...]]:
    """Return the columns of all tables: what they hold, units, keys."""
    return [
        _column_row(table, column)
        for table in schema.tables.values()
        for column in table.columns
        if column.name not in (ROW_ID, PARENT_ID)
    ]


def _column_row(table: Table, column: Column) -> tuple[str, ...]:
    unit = column.unit or (f"as {column.unit_from}" if column.unit_from else "")
    examples = ", ".join(column.values[:3])
    return (
        table.name,
        column.name,
        str(column.kind),
        unit,
        "key" if column.name in table.keys else "",
        f"{column.filled:.0%}",
        f"{column.distinct}{'' if column.whole else '+'}",
        examples if len(examples) <= 48 else f"{examples[:47]}…",
    )


def link_texts(links: Sequence[Link]) -> list[str]:
    """Return how tables hang together."""
    return [
        f"{each.many} = {each.one} ({each.kind}, {each.confidence:.0%})"
        for each in links
        if each.many.column != PARENT_ID
    ]


def version_text(mapping: Mapping) -> str:
    """Return a mapping in one sentence."""
    who = mapping.by or "fabloop"
    return f"Version {mapping.version} by {who}: {expression_text(mapping.expression)}."
