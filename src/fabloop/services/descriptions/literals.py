"""Statements about the shop floor as text: ``at(?cart, oven)``, ``flour(silo) >= 40``."""

import re
from collections.abc import Collection, Sequence

from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import Sheet
from fabloop.model.service import Constant, Literal, Relation
from fabloop.services.descriptions.annotations import LiteralEntry

_FORM = re.compile(
    r"(?P<no>not\s+)?(?P<fluent>[A-Za-z][\w.-]*)"
    r"(?:\(\s*(?P<arguments>[^()]*?)\s*\))?(?:\s*(?P<relation>=|>=|<=|\+=|-=)\s*(?P<value>.+))?"
)
_ARGUMENT = re.compile(r"\??[A-Za-z0-9][\w.-]*")
_RELATIONS = {
    "=": Relation.IS,
    ">=": Relation.AT_LEAST,
    "<=": Relation.AT_MOST,
    "+=": Relation.MORE,
    "-=": Relation.LESS,
}
_SIGNS = {relation: sign for sign, relation in _RELATIONS.items()}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def literal_text(literal: Literal) -> str:
    """Return the text from which the literal would be read."""
    arguments = f"({', '.join(literal.arguments)})" if literal.arguments else ""
    match literal.value:
        case True:
            return f"{literal.fluent}{arguments}"
        case False:
            return f"not {literal.fluent}{arguments}"
        case value:
            return f"{literal.fluent}{arguments} {_SIGNS[literal.relation]} {value}"


def literals_of(
    entries: Sequence[str | LiteralEntry], parameters: Collection[str], sheet: Sheet
) -> tuple[Literal, ...]:
    """Return the statements; a variable has to be the name of a parameter."""
    found: list[Literal] = []
    for index, entry in enumerate(entries):
        at = sheet.at(index)
        literal = (
            _read(entry, at)
            if isinstance(entry, str)
            else Literal(fluent=entry.fluent, arguments=entry.arguments, value=entry.value)
        )
        if literal is None:
            continue
        for argument in literal.arguments:
            name = argument.removeprefix("?")
            if argument != name and name not in parameters:
                hint = did_you_mean(name, parameters)
                at.fault("a variable that is a parameter of the operation", repr(argument), hint)
        found.append(literal)
    return tuple(found)


def _read(text: str, at: Sheet) -> Literal | None:
    form = _FORM.fullmatch(text.strip())
    arguments = (
        tuple(each.strip() for each in (form["arguments"] or "").split(",") if form["arguments"])
        if form
        else ()
    )
    bad = form is None or any(_ARGUMENT.fullmatch(each) is None for each in arguments)
    if form is None or bad or (form["no"] and form["value"]):
        at.fault(
            "a statement such as 'at(?cart, oven)', 'not dirty(?mixer)', 'heat(oven) = 180', "
            "'flour(silo) >= 40' or 'flour(silo) -= 5'",
            repr(text),
        )
        return None
    value: Constant = form["no"] is None
    relation = _RELATIONS[form["relation"] or "="]
    if form["value"] is not None:
        value = _constant(form["value"].strip())
    if relation is not Relation.IS and isinstance(value, bool | str):
        at.fault(f"a number behind '{form['relation']}'", repr(text))
        return None
    return Literal(fluent=form["fluent"], arguments=arguments, value=value, relation=relation)


def _constant(text: str) -> Constant:
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text
