"""Safety documents to rules, with every fault; all documents of a folder add up."""

from collections.abc import Collection, Sequence

from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.safety_structs import (
    PermissiveEntry,
    RequiredEntry,
    SafetyControllerEntry,
    SafetyDocument,
    StrainEntry,
)
from fabloop.model.documents.values import duration_ns
from fabloop.model.duties import Duties, Exposure, ExposureLimit, RestRule, Strain
from fabloop.model.ids import ControllerId, ServiceId, SignalId, WorkUnitId
from fabloop.model.safety import (
    Permissive,
    Required,
    SafetyController,
    SafetyRules,
    SafetySignal,
)


def safety_of(
    found: Sequence[tuple[Sheet, SafetyDocument]], work_units: Collection[str] | None
) -> SafetyRules | None:
    """Return the rules of all documents; None where there is no document.

    Faults are noted on the sheets, and the rules are then unfit. `work_units` is None where the
    documents that would tell could not be read; then their names are not judged.
    """
    if not found:
        return None
    listed = [
        (sheet.at("controllers", index), entry)
        for sheet, document in found
        for index, entry in enumerate(document.controllers)
    ]
    unique(((sheet.at("id"), entry.id) for sheet, entry in listed), "safety controller")
    controllers = {ControllerId(entry.id): _controller(entry, sheet) for sheet, entry in listed}
    signals = {signal.id for each in controllers.values() for signal in each.signals}
    _note_undeclared(found, work_units)
    return SafetyRules(
        controllers=controllers,
        permissives=tuple(
            _permissive(entry, sheet.at("permissives", index), signals, work_units)
            for sheet, document in found
            for index, entry in enumerate(document.permissives)
        ),
        duties=_duties(found, work_units),
    )


def _note_undeclared(
    found: Sequence[tuple[Sheet, SafetyDocument]], work_units: Collection[str] | None
) -> None:
    """Note each work unit that nothing is declared for: no command would ever leave for it."""
    named = {each.work_unit for _, document in found for each in document.permissives}
    sheet, _ = found[-1]
    for each in sorted(set(work_units or ()) - {name for name in named if name is not None}):
        sheet.at("permissives").fault(
            f"what commands to work unit {each!r} require",
            "nothing",
            "Declare its permissives, or say in 'free_because' why it needs none.",
        )


def _controller(entry: SafetyControllerEntry, sheet: Sheet) -> SafetyController:
    at = sheet.at("signals")
    unique(((at.at(i, "id"), each.id) for i, each in enumerate(entry.signals)), "signal")
    unique(((at.at(i, "bit"), str(each.bit)) for i, each in enumerate(entry.signals)), "bit")
    if not entry.url.startswith("modbus://"):
        sheet.at("url").fault(
            "modbus://HOST:PORT/UNIT", repr(entry.url), "Safety controllers are asked over Modbus."
        )
    return SafetyController(
        id=ControllerId(entry.id),
        label=entry.label,
        url=entry.url,
        heartbeat_ns=duration_ns(entry.heartbeat, sheet.at("heartbeat")),
        stop_within_ns=duration_ns(entry.stop_within, sheet.at("stop_within")),
        confirm_ns=duration_ns(entry.confirm_within, sheet.at("confirm_within")),
        decides=entry.decides,
        signals=tuple(
            SafetySignal(id=SignalId(f"{entry.id}/{each.id}"), label=each.label, bit=each.bit)
            for each in entry.signals
        ),
    )


def _permissive(
    entry: PermissiveEntry,
    sheet: Sheet,
    signals: Collection[str],
    work_units: Collection[str] | None,
) -> Permissive:
    if (entry.work_unit is None) == (entry.service is None):
        found = "neither" if entry.work_unit is None else "both"
        sheet.fault("either 'work_unit' or 'service'", found)
    if entry.work_unit is not None:
        sheet.at("work_unit").known(entry.work_unit, work_units, "a work unit")
    if not entry.requires and not entry.free_because.strip():
        sheet.fault(
            "signals that are required, or 'free_because'",
            "neither",
            "Say why commands need no permissive here; nothing is free by silence.",
        )
    if entry.requires and entry.free_because:
        sheet.at("free_because").fault("no reason why it is free", "one, and required signals")
    return Permissive(
        work_unit=None if entry.work_unit is None else WorkUnitId(entry.work_unit),
        service=None if entry.service is None else ServiceId(entry.service),
        only=entry.only,
        requires=tuple(
            _required(each, sheet.at("requires", index), signals)
            for index, each in enumerate(entry.requires)
        ),
        free_because=entry.free_because,
    )


def _duties(
    found: Sequence[tuple[Sheet, SafetyDocument]], work_units: Collection[str] | None
) -> Duties:
    limits = [
        (sheet.at("limits", index), entry)
        for sheet, document in found
        for index, entry in enumerate(document.limits)
    ]
    unique(((sheet.at("kind"), entry.kind) for sheet, entry in limits), "kind of strain")
    kinds = {entry.kind for _, entry in limits}
    rests = [
        RestRule(
            longest_work_ns=duration_ns(document.rest.longest_work, sheet.at("rest")),
            rest_ns=duration_ns(document.rest.rest, sheet.at("rest")),
        )
        for sheet, document in found
        if document.rest is not None
    ]
    for sheet, document in found[1:]:
        if document.rest is not None and len(rests) > 1:
            sheet.at("rest").fault("one rule of rest over all documents", f"{len(rests)}")
    return Duties(
        limits=tuple(
            ExposureLimit(
                kind=entry.kind, label=entry.label, law=entry.law, most=entry.most, unit=entry.unit
            )
            for _, entry in limits
        ),
        strains=tuple(
            _strain(entry, kinds, work_units, sheet.at("strains", index))
            for sheet, document in found
            for index, entry in enumerate(document.strains)
        ),
        rest=rests[0] if rests else None,
    )


def _strain(
    entry: StrainEntry, kinds: Collection[str], work_units: Collection[str] | None, sheet: Sheet
) -> Strain:
    sheet.at("work_unit").known(entry.work_unit, work_units, "a work unit")
    for index, each in enumerate(entry.exposures):
        sheet.at("exposures", index, "kind").known(each.kind, kinds, "a kind of 'limits'")
    return Strain(
        work_unit=WorkUnitId(entry.work_unit),
        only=entry.only,
        qualifications=entry.qualifications,
        exposures=tuple(Exposure(kind=each.kind, level=each.level) for each in entry.exposures),
    )


def _required(entry: RequiredEntry, sheet: Sheet, signals: Collection[str]) -> Required:
    sheet.at("signal").known(entry.signal, signals, "a signal of a controller, 'controller/signal'")
    return Required(
        signal=SignalId(entry.signal),
        wanted=entry.wanted,
        fresh_ns=duration_ns(entry.fresh, sheet.at("fresh")),
    )
