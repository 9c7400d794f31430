"""Operations of an OpenAPI document: what they take and give, what holds before and after them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from fabloop.model.documents.collect import Sheet, shown, unique
from fabloop.model.documents.equipment import offers_of
from fabloop.model.documents.names import Names
from fabloop.model.documents.values import duration_ns, money
from fabloop.model.ids import OperationName
from fabloop.model.service import Parameter, ServiceOperation
from fabloop.model.skill import Offer
from fabloop.services.descriptions.annotations import (
    ANNOTATION,
    OperationAnnotation,
    annotation,
)
from fabloop.services.descriptions.guess import (
    GUESSED_CERTAINTY,
    guessed_context,
    guessed_verb,
)
from fabloop.services.descriptions.literals import literals_of
from fabloop.services.descriptions.parameters import (
    Reading,
    content_of,
    is_json,
    parameters_of,
)
from fabloop.services.descriptions.references import Object
from fabloop.services.words import slug

OPERATIONS_MAX = 500
METHODS = ("get", "put", "post", "delete", "head", "patch", "options", "trace")
IDEMPOTENT = frozenset({"get", "head", "put", "delete", "options", "trace"})
"""Methods of which RFC 9110 says that repeating a request does no harm."""

Found = tuple[ServiceOperation, Sheet]


class _Place(msgspec.Struct, frozen=True):
    """Where an operation stands."""

    path: str
    method: str
    part: Object
    sheet: Sheet
    shared: Any
    shared_at: Sheet


def operations_of(
    root: Object, sheet: Sheet, reading: Reading, names: Names
) -> tuple[ServiceOperation, ...]:
    """Return the operations that fabloop can call; the others are remarked."""
    found: list[Found] = []
    places = _places(root, sheet, reading)
    for each in places[:OPERATIONS_MAX]:
        operation = _operation(each, reading, names)
        if operation is not None:
            found.append((operation, each.sheet))
    if len(places) > OPERATIONS_MAX:
        sheet.at("paths").fault(
            f"at most {OPERATIONS_MAX} operations", f"{len(places)}", "The limit is OPERATIONS_MAX."
        )
    unique(((at.at("operationId"), named.name) for named, at in found), "operation")
    known = {named.name for named, _ in found}
    for operation, at in found:
        if operation.compensation is not None:
            where = at.at(ANNOTATION, "compensation")
            where.known(operation.compensation, known, "an operation of the document")
    return tuple(operation for operation, _ in found)


def _places(root: Object, sheet: Sheet, reading: Reading) -> list[_Place]:
    paths = root.get("paths", {})
    if not isinstance(paths, dict):
        sheet.at("paths").fault("an object of paths", shown(paths))
        return []
    found: list[_Place] = []
    for path, item in paths.items():
        if path.startswith("x-"):
            continue
        at = sheet.at("paths", path)
        if not path.startswith("/"):
            at.fault("a path that begins with '/'", repr(path))
        whole, where = reading.object(item, at)
        for method in METHODS:
            if method in whole:
                part, place = reading.object(whole[method], where.at(method))
                shared = whole.get("parameters", [])
                found.append(_Place(path, method, part, place, shared, where.at("parameters")))
    return found


def _operation(place: _Place, reading: Reading, names: Names) -> ServiceOperation | None:
    part, sheet = place.part, place.sheet
    name = _name(place, reading)
    shared = parameters_of(place.shared, place.shared_at, reading)
    own = parameters_of(part.get("parameters", []), sheet.at("parameters"), reading)
    body = _body(part, sheet, reading)
    if shared is None or own is None or body is None:
        reading.remark(sheet, f"The operation {name!r} is left out: it cannot be called.")
        return None
    said = annotation(part, OperationAnnotation, sheet)
    inputs = (*_overridden(shared, own), *body)
    _note_path(place.path, inputs, sheet)
    outputs, schema = _answer(part, sheet, reading)
    if ANNOTATION not in part:
        reading.remark(
            sheet, f"No annotation: the keywords of {name!r} are guessed from names and words."
        )
    operation = _worded(place, name, said)
    operation = msgspec.structs.replace(
        operation, inputs=inputs, outputs=outputs, answer_schema=schema
    )
    return operation if said is None else _annotated(operation, said, sheet.at(ANNOTATION), names)


def _name(place: _Place, reading: Reading) -> OperationName:
    said = place.part.get("operationId")
    if isinstance(said, str) and said.strip():
        return OperationName(said.strip())
    if said is not None:
        place.sheet.at("operationId").fault("the name of the operation", shown(said))
    name = slug(f"{place.method} {place.path}")
    reading.remark(place.sheet, f"No operationId: the operation is called {name!r}.")
    return OperationName(name)


def _worded(
    place: _Place, name: OperationName, said: OperationAnnotation | None
) -> ServiceOperation:
    """Return the operation with its words, as annotated or as guessed."""
    part, method = place.part, place.method
    summary = " ".join(
        each.strip() for key in ("summary", "description") if isinstance(each := part.get(key), str)
    )
    listed = part.get("tags", [])
    tags = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    given = said is not None and bool(said.context or said.equipment or said.verb)
    guessed = guessed_context(tags, name, place.path, summary)
    return ServiceOperation(
        name=name,
        method=method.upper(),
        path=place.path,
        summary=summary,
        context=said.context if given and said is not None else guessed,
        equipment=() if said is None else said.equipment,
        verb=(said.verb if said is not None else None) or guessed_verb(name, method),
        idempotent=method in IDEMPOTENT,
        certainty=1.0 if given else GUESSED_CERTAINTY,
    )


def _annotated(
    operation: ServiceOperation, said: OperationAnnotation, sheet: Sheet, names: Names
) -> ServiceOperation:
    """Return the operation with what its annotation says of conditions, effects and costs."""
    variables = {each.name for each in (*operation.inputs, *operation.outputs)}
    price = None if said.cost is None else money(said.cost, sheet.at("cost"))
    return msgspec.structs.replace(
        operation,
        offer=_offer(said, sheet, names),
        requires=literals_of(said.requires, variables, sheet.at("requires")),
        effects=literals_of(said.effects, variables, sheet.at("effects")),
        cost_minor=None if price is None else int(price.minor),
        currency=operation.currency if price is None else price.currency,
        duration_ns=None
        if said.duration is None
        else duration_ns(said.duration, sheet.at("duration"), zero_allowed=True),
        idempotent=operation.idempotent if said.idempotent is None else said.idempotent,
        compensation=None if said.compensation is None else OperationName(said.compensation),
        exclusive_ns=None
        if said.exclusive is None
        else duration_ns(said.exclusive, sheet.at("exclusive")),
    )


def _offer(said: OperationAnnotation, sheet: Sheet, names: Names) -> Offer | None:
    """Return the offer in the terms of the vocabulary; None where there is no vocabulary."""
    if said.offer is None:
        return None
    inner = Sheet(sheet.source, [], sheet.path)
    offers = offers_of((said.offer,), inner.at("offer"), names)
    sheet.faults.extend(
        msgspec.structs.replace(each, path=each.path.replace(".offer[0]", ".offer"))
        for each in inner.faults
    )
    return offers[0] if offers else None


def _overridden(shared: Sequence[Parameter], own: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters of the path and of the operation, whose own count."""
    by_place = {(each.name, each.place): each for each in (*shared, *own)}
    return tuple(by_place.values())


def _note_path(path: str, inputs: Sequence[Parameter], sheet: Sheet) -> None:
    """Note the variables of a path that no parameter fills, and parameters it does not have."""
    given = {each.name for each in inputs if each.place == "path"}
    wanted = {piece.partition("}")[0] for piece in path.split("{")[1:]}
    for name in sorted(wanted - given):
        sheet.at("parameters").fault(f"a parameter in the path for '{{{name}}}'", "none")
    for name in sorted(given - wanted):
        sheet.at("parameters").fault(f"'{{{name}}}' in the path {path!r}", "none")


def _body(part: Object, sheet: Sheet, reading: Reading) -> tuple[Parameter, ...] | None:
    if "requestBody" not in part:
        return ()
    body, at = reading.object(part["requestBody"], sheet.at("requestBody"))
    if not body:
        return ()
    found = content_of(body.get("content", {}), "body", at.at("content"), reading)
    if found is None:
        kinds = _kinds(body.get("content"))
        reading.remark(at, f"A body of {kinds} is not supported, only JSON.")
        return None if body.get("required") is True else ()
    return found


def _kinds(content: Any) -> str:
    return ", ".join(content) if isinstance(content, dict) else shown(content)


def _answer(part: Object, sheet: Sheet, reading: Reading) -> tuple[tuple[Parameter, ...], str]:
    """Return the values of a good answer and its schema."""
    answers = part.get("responses", {})
    if not isinstance(answers, dict):
        sheet.at("responses").fault("an object of responses by status", shown(answers))
        return (), ""
    good = sorted(each for each in answers if each.startswith("2"))
    chosen = good[0] if good else ("default" if "default" in answers else None)
    if chosen is None:
        if answers:
            reading.remark(sheet.at("responses"), "No response says how it is when all went well.")
        return (), ""
    answer, at = reading.object(answers[chosen], sheet.at("responses", chosen))
    content = answer.get("content", {})
    found = content_of(content, "answer", at.at("content"), reading)
    if found is None:
        reading.remark(at, f"An answer of {_kinds(content)} is not read, only JSON.")
        return (), ""
    if not found:
        return (), ""
    media = next(each for each in content if is_json(each))
    body, where = reading.object(content[media], at.at("content", media))
    whole = reading.library.self_contained(body["schema"], where.at("schema"))
    return found, msgspec.json.encode(whole).decode()
