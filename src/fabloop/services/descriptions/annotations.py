"""What ``x-fabloop`` says in an OpenAPI document: of a service, an operation, a parameter."""

from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

from fabloop.model.documents.collect import Sheet, shown
from fabloop.model.documents.entries import Entry, OfferEntry
from fabloop.model.documents.texts import DurationText, Id, Label, MoneyText, Word
from fabloop.model.service import Constant

ANNOTATION = "x-fabloop"
KEYWORDS_MAX = 50
LITERALS_MAX = 50

Words = Annotated[tuple[Word, ...], msgspec.Meta(max_length=KEYWORDS_MAX)]


class PlaceEntry(Entry, frozen=True, kw_only=True):
    """Where a service is provided."""

    name: Label
    latitude: Annotated[
        float, msgspec.Meta(title="degrees of latitude (WGS 84)", ge=-90, le=90, examples=[44.65])
    ]
    longitude: Annotated[
        float,
        msgspec.Meta(title="degrees of longitude (WGS 84)", ge=-180, le=180, examples=[10.93]),
    ]


class LiteralEntry(Entry, frozen=True, kw_only=True):
    """A statement with the parts of its text form apart."""

    fluent: Word
    arguments: Words = ()
    value: Constant = True


Literals = Annotated[tuple[Word | LiteralEntry, ...], msgspec.Meta(max_length=LITERALS_MAX)]


class ServiceAnnotation(Entry, frozen=True, kw_only=True):
    """What a document says of the whole service."""

    service: Id | None = None
    system: Id | None = None
    context: Words = ()
    place: PlaceEntry | None = None
    serves: Annotated[tuple[Id, ...], msgspec.Meta(max_length=KEYWORDS_MAX)] = ()


class OperationAnnotation(Entry, frozen=True, kw_only=True):
    """What a document says of an operation."""

    context: Words = ()
    equipment: Words = ()
    verb: Word | None = None
    offer: OfferEntry | None = None
    requires: Literals = ()
    effects: Literals = ()
    cost: MoneyText | None = None
    duration: DurationText | None = None
    idempotent: bool | None = None
    compensation: Word | None = None
    exclusive: DurationText | None = None


class ParameterAnnotation(Entry, frozen=True, kw_only=True):
    """What a document says of a parameter, a property or a schema."""

    concept: Word | None = None
    unit: Annotated[str, msgspec.Meta(title="a unit", max_length=40)] | None = None


Annotation = TypeVar("Annotation", ServiceAnnotation, OperationAnnotation, ParameterAnnotation)


def annotation(part: dict[str, Any], kind: type[Annotation], sheet: Sheet) -> Annotation | None:
    """Return what the annotation of a part says; None where there is none.

    What stands in it and is a fault has been noted, and is left out.
    """
    if ANNOTATION not in part:
        return None
    at, content = sheet.at(ANNOTATION), part[ANNOTATION]
    if not isinstance(content, dict):
        at.fault("an object", shown(content))
        return None
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        from fabloop.model.documents.form import note_schema  # noqa: PLC0415  # jsonschema is slow

        before = len(sheet.faults)
        note_schema(content, _schema(kind), at)
        noted = sheet.faults[before:]
        if not noted:  # the schema is a little wider than the struct
            at.fault("an annotation of this form", str(error))
        return _sound(content, [each.path for each in noted], kind, at)


def _sound(
    content: dict[str, Any], faulty: list[str], kind: type[Annotation], at: Sheet
) -> Annotation | None:
    """Return what is left without the properties that have faults, so that the rest is judged."""
    left = {
        key: value
        for key, value in content.items()
        if not any(path.startswith(at.at(key).path) for path in faulty)
    }
    try:
        return msgspec.convert(left, kind)
    except msgspec.ValidationError:
        return None


@cache
def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    generated = msgspec.json.schema(kind)
    definitions: dict[str, Any] = generated["$defs"]
    return {**definitions.pop(kind.__name__), "$defs": definitions}
