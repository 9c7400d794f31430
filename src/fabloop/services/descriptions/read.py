"""An OpenAPI document to the description of a service, with all faults at once."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fabloop.base.errors import Fault
from fabloop.model.documents.collect import Sheet, raise_if_any, shown
from fabloop.model.documents.names import Names
from fabloop.model.ids import ServiceId, SystemName
from fabloop.model.service import Place, ServiceDescription
from fabloop.services.descriptions.annotations import (
    ANNOTATION,
    ServiceAnnotation,
    annotation,
)
from fabloop.services.descriptions.operations import operations_of
from fabloop.services.descriptions.parameters import Reading, Remark
from fabloop.services.descriptions.references import Library, Object
from fabloop.services.descriptions.syntax import parsed
from fabloop.services.words import slug

VERSIONS = ("3.0", "3.1")


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A service as its document describes it, and what was remarked on the way."""

    service: ServiceDescription
    remarks: tuple[Remark, ...] = ()


def read(source: str, data: bytes, names: Names | None = None, base_url: str = "") -> Described:
    """Return the service that an OpenAPI 3.0 or 3.1 document (JSON or YAML) describes.

    Without a vocabulary in `names`, offers are left out and remarked. A `base_url` counts more
    than the servers that the document names.

    Raises
    ------
    Invalid
        The document has faults; all of them are carried.
    """
    faults: list[Fault] = []
    sheet = Sheet(source, faults)
    root = parsed(data, sheet)
    raise_if_any(faults)
    if not isinstance(root, dict):
        sheet.fault("an OpenAPI document: an object with 'openapi'", shown(root))
    else:
        _note_version(root, sheet)
    raise_if_any(faults)
    reading = Reading(Library(root))
    service = _service(root, sheet, reading, names or Names(), base_url)
    raise_if_any(list(dict.fromkeys(faults)))
    return Described(service=service, remarks=tuple(dict.fromkeys(reading.remarks)))


def _note_version(root: Object, sheet: Sheet) -> None:
    version = root.get("openapi")
    if isinstance(version, str) and version.startswith(VERSIONS):
        return
    found = f"Swagger {root['swagger']}" if "swagger" in root else shown(version)
    hint = "Convert it to OpenAPI 3 first." if "swagger" in root else ""
    sheet.at("openapi").fault("'3.0.x' or '3.1.x'", found, hint)


def _service(
    root: Object, sheet: Sheet, reading: Reading, names: Names, base_url: str
) -> ServiceDescription:
    info, at = reading.object(root.get("info"), sheet.at("info"))
    title, version = info.get("title"), info.get("version")
    for key, value in (("title", title), ("version", version)):
        if info and not (isinstance(value, str) and value.strip()) and not _is_number(value):
            at.at(key).fault(f"the {key} of the service", shown(value))
    said = annotation(root, ServiceAnnotation, sheet) or ServiceAnnotation()
    operations = operations_of(root, sheet, reading, names)
    if not operations and not sheet.faults:
        sheet.at("paths").fault("an operation that can be called", "none")
    _remark_rest(root, sheet, reading, names)
    own = slug(str(title)) or "service"
    place = said.place
    return ServiceDescription(
        id=ServiceId(said.service or own),
        system=SystemName(said.system or said.service or own),
        title=str(title).strip(),
        version=str(version).strip(),
        base_url=_base_url(root, sheet, reading, base_url),
        description=str(info.get("description", "")).strip(),
        context=said.context,
        operations=operations,
        place=None
        if place is None
        else Place(name=place.name, latitude=place.latitude, longitude=place.longitude),
        serves=tuple(map(SystemName, said.serves)),
    )


def _is_number(value: Any) -> bool:
    """Tell whether a version was written without quotes, as YAML invites to."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _base_url(root: Object, sheet: Sheet, reading: Reading, given: str) -> str:
    """Return where the service answers, without a slash at the end."""
    if given:
        return given.rstrip("/")
    servers = root.get("servers", [])
    first = servers[0] if isinstance(servers, list) and servers else {}
    at = sheet.at("servers", 0)
    url = first.get("url", "") if isinstance(first, dict) else ""
    if not isinstance(url, str):
        at.at("url").fault("a URL", shown(url))
        return ""
    variables = first.get("variables", {}) if isinstance(first, dict) else {}
    for name, variable in variables.items() if isinstance(variables, Mapping) else ():
        default = variable.get("default") if isinstance(variable, Mapping) else None
        if default is None:
            at.at("variables", name, "default").fault("a value for the variable", "nothing")
        url = url.replace(f"{{{name}}}", str(default))
    if url and urlsplit(url).scheme in ("http", "https"):
        return url.rstrip("/")
    reading.remark(at, "No server with a full URL is named: where it answers has to be said.")
    return ""


def _remark_rest(root: Object, sheet: Sheet, reading: Reading, names: Names) -> None:
    """Remark what the document says and nobody reads."""
    if "webhooks" in root:
        reading.remark(sheet.at("webhooks"), "Webhooks are not called by fabloop; left out.")
    components = root.get("components", {})
    if "security" in root or (isinstance(components, dict) and "securitySchemes" in components):
        reading.remark(sheet, "How one logs in is not read: give the headers when calling.")
    paths = root.get("paths", {})
    offering = [
        (path, method)
        for path, item in (paths.items() if isinstance(paths, dict) else ())
        for method, part in (item.items() if isinstance(item, dict) else ())
        if isinstance(part, dict) and "offer" in _mapping(part.get(ANNOTATION))
    ]
    if names.vocabulary is None:
        for path, method in offering:
            reading.remark(
                sheet.at("paths", path, method, ANNOTATION, "offer"),
                "The offer is left out: without a vocabulary nobody can judge it.",
            )


def _mapping(value: Any) -> Object:
    return value if isinstance(value, dict) else {}
