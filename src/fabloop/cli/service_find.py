"""``fabloop service find``: services by what is meant, with reasons."""

import sys
from pathlib import Path

from fabloop.app.processes.clocks import WallClock
from fabloop.app.sentences import sentence
from fabloop.app.service_space import likeness_of
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant, iso_of
from fabloop.base.quantity import quantity_text
from fabloop.cli.given import instant_given, note
from fabloop.cli.service import operation_line, services_of
from fabloop.model.service import Place, ServiceDescription
from fabloop.services.discovery import Circumstances, Hit, Index, Intent, find, understood

EXCLUDED_SHOWN = 5


def asked_at(text: str) -> Instant:
    """Return when it is asked: as said, or now."""
    return instant_given("--at", text) if text else WallClock().now()


def places_of(services: tuple[ServiceDescription, ...]) -> dict[str, Place]:
    """Return the places that services name, by name and by each part of it, in lower case."""
    found: dict[str, Place] = {}
    places = [each.place for each in services if each.place is not None]
    for place in places:
        found.setdefault(place.name.lower(), place)
    for place in places:
        for part in place.name.split(","):
            found.setdefault(part.strip().lower(), place)
    return found


def find_services(
    text: str, folder: Path, most: int, at: str, zone: str, *, as_json: bool
) -> ExitCode:
    """Print who can do what is wanted, and why; else who was left out, and why."""
    if not text.strip():
        fault = Fault(source="INTENT", path="", expected="words for what is wanted", found="none",
                      hint="Such as: fabloop service find 'something that can bake'.")  # fmt: skip
        raise Invalid(fault)
    kept = services_of(folder)
    services = kept.services()
    now = asked_at(at)
    vocabulary = kept.names.vocabulary
    index = Index(services, likeness_of(vocabulary, note))
    intent = understood(text, now=now, places=places_of(services), time_zone=zone)
    findings = find(index, intent, Circumstances(now=now, vocabulary=vocabulary), most)
    if as_json:
        sys.stdout.write(to_json_pretty(findings).decode())
        return ExitCode.FINE if findings.hits else ExitCode.NOT_PRODUCIBLE
    for line in understood_lines(intent, zone):
        sys.stdout.write(line + "\n")
    for each in findings.unjudged:
        sys.stdout.write(f"  {sentence(each, now)}\n")
    for number, hit in enumerate(findings.hits, 1):
        sys.stdout.writelines(f"{line}\n" for line in _hit_lines(number, hit, now))
    if not services:
        sys.stdout.write("No service is kept here. Add one: fabloop service add DOCUMENT.\n")
    elif not findings.hits:
        sys.stdout.write("Nobody can do it.\n")
    shown = findings.excluded[:EXCLUDED_SHOWN]
    if shown:
        sys.stdout.write("Left out:\n")
    for hit in shown:
        whys = " ".join(sentence(each, now) for each in hit.because)
        sys.stdout.write(f"  {hit.entry.name}: {whys}\n")
    return ExitCode.FINE if findings.hits else ExitCode.NOT_PRODUCIBLE


def understood_lines(intent: Intent, zone: str) -> list[str]:
    """Return what was understood, and what was not."""
    parts = [f"keywords {', '.join(intent.keywords) or 'none'}"]
    parts += [
        quantity_text(each.value, each.dimension)
        if each.dimension is not None
        else f"{each.value:g} {each.unit}".strip()
        for each in intent.amounts
    ]
    if intent.place is not None:
        parts.append(f"within {intent.within_m / 1000:g} km of {intent.place.name}")
    if intent.deadline is not None:
        parts.append(f"by {iso_of(intent.deadline, zone)}")
    return [f"Understood: {'; '.join(parts)}.", *(f"  {each}" for each in intent.remarks)]


def _hit_lines(number: int, hit: Hit, now: Instant) -> list[str]:
    sure = "" if hit.certain else " - not certain"
    return [
        f"{number}. {hit.entry.service.id}.{operation_line(hit.entry.operation)}{sure}",
        *(f"   {sentence(each, now)}" for each in hit.because),
    ]
