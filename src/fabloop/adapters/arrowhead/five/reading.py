"""Reads bodies of requests: every value in its form, and every fault of a body, not the first."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from fabloop.adapters.arrowhead.five import wire
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.services.cloud.bind import address_type
from fabloop.services.cloud.metadata import requirement_faults
from fabloop.services.cloud.names import (
    INTERFACE,
    OPERATION,
    SERVICE,
    SYSTEM,
    VERSION_DEFAULT,
    Naming,
    name_fault,
    version_of,
)
from fabloop.services.cloud.orchestrate import form_faults
from fabloop.services.cloud.push import SubscriptionEntry
from fabloop.services.cloud.records import (
    Address,
    AddressType,
    Form,
    Interface,
    SecurityPolicy,
)
from fabloop.services.cloud.times import instant_or_none

E = TypeVar("E", bound=StrEnum)

LIST_MAX = 1_000
"""Entries of one list in a request."""
METADATA_DEPTH_MAX = 20
ADDRESS_CHARACTERS_MAX = 1_024
DESCRIPTION_CHARACTERS_MAX = 1_024


class Reading:
    """Collects what is wrong with one request; `check` raises it all together."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._faults: list[Fault] = []

    def add(self, path: str, expected: str, found: str, hint: str = "") -> None:
        """Note something that is wrong."""
        self._faults.append(
            Fault(source=self._source, path=path, expected=expected, found=found, hint=hint)
        )

    def extend(self, faults: Iterable[Fault]) -> None:
        """Note what others found."""
        self._faults.extend(faults)

    def check(self) -> None:
        """Raise Invalid with all that was wrong, if anything was."""
        if self._faults:
            raise Invalid(self._faults)

    def name(self, naming: Naming, value: str | None, path: str) -> str:
        """Return a name, which has to be told."""
        text = (value or "").strip()
        fault = name_fault(naming, text, self._source, path)
        if fault is not None:
            self._faults.append(fault)
        return text

    def names(self, naming: Naming, values: wire.Texts, path: str) -> tuple[str, ...]:
        """Return names, which may be left out."""
        return tuple(
            self.name(naming, each, f"{path}[{number}]")
            for number, each in enumerate(self.some(values, path))
        )

    def some(self, values: list[str] | None, path: str) -> list[str]:
        """Return a list of texts, which may be left out."""
        found = values or []
        if len(found) > LIST_MAX:
            self.add(path, f"at most {LIST_MAX} entries", str(len(found)))
            return []
        for number, each in enumerate(found):
            if not each.strip():
                self.add(f"{path}[{number}]", "a text", "nothing")
        return [each.strip() for each in found]

    def text(self, value: str | None, path: str) -> str:
        """Return a text, which has to be told."""
        text = (value or "").strip()
        if not text:
            self.add(path, "a text", "nothing")
        return text

    def described(self, value: str | None, path: str) -> str:
        """Return a description, which may be left out."""
        text = (value or "").strip()
        if len(text) > DESCRIPTION_CHARACTERS_MAX:
            self.add(path, f"at most {DESCRIPTION_CHARACTERS_MAX} characters", str(len(text)))
        return text

    def version(self, value: str | None, path: str) -> str:
        """Return a version with its three numbers; left out it is the first."""
        try:
            return version_of(value or "")
        except ValueError:
            self.add(path, "a version such as '1.0.0'", repr(value))
            return VERSION_DEFAULT

    def versions(self, values: wire.Texts, path: str) -> tuple[str, ...]:
        """Return versions, which may be left out."""
        return tuple(
            self.version(each, f"{path}[{number}]")
            for number, each in enumerate(self.some(values, path))
        )

    def time(self, value: str | None, path: str) -> Instant | None:
        """Return an instant, which may be left out."""
        try:
            return instant_or_none(value)
        except (ValueError, OverflowError):
            self.add(path, "a time such as '2030-01-01T00:00:00Z'", repr(value))
            return None

    def choice(self, kind: type[E], value: str | None, path: str, default: E) -> E:
        """Return one of some words, in whatever capitals; left out it is the default."""
        text = (value or "").strip().upper()
        if not text:
            return default
        try:
            return kind(text)
        except ValueError:
            self.add(path, f"one of {', '.join(kind)}", repr(value), did_you_mean(text, kind))
            return default

    def choices(self, kind: type[E], values: wire.Texts, path: str, default: E) -> tuple[E, ...]:
        """Return some of some words, which may be left out."""
        return tuple(
            self.choice(kind, each, f"{path}[{number}]", default)
            for number, each in enumerate(self.some(values, path))
        )

    def addresses(self, values: wire.Texts, path: str) -> tuple[Address, ...]:
        """Return addresses with their kinds, which may be left out."""
        found = self.some(values, path)
        for number, each in enumerate(found):
            if len(each) > ADDRESS_CHARACTERS_MAX or any(part.isspace() for part in each):
                self.add(f"{path}[{number}]", "an address", repr(each[:100]))
        return tuple(Address(address_type(each), each) for each in found)

    def metadata(self, value: wire.Json | None, path: str) -> dict[str, object]:
        """Return metadata, which may be left out; its keys have no dots, which make key paths."""
        found = value or {}
        self._check_metadata(found, path, 0)
        return found

    def requirements(self, values: list[wire.Json] | None, path: str) -> tuple[wire.Json, ...]:
        """Return requirements of metadata, which may be left out."""
        found = values or []
        for number, each in enumerate(found[:LIST_MAX]):
            self._faults += requirement_faults(each, self._source, f"{path}[{number}]")
        if len(found) > LIST_MAX:
            self.add(path, f"at most {LIST_MAX} entries", str(len(found)))
        return tuple(found)

    def _check_metadata(self, value: object, path: str, depth: int) -> None:
        if depth > METADATA_DEPTH_MAX:
            self.add(path, f"at most {METADATA_DEPTH_MAX} levels", "more")
        elif isinstance(value, Mapping):
            for key, each in value.items():
                if not str(key).strip() or "." in str(key):
                    self.add(f"{path}.{key}", "a key without dots", repr(key))
                self._check_metadata(each, f"{path}.{key}", depth + 1)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                self._check_metadata(each, f"{path}[{number}]", depth + 1)


def interface_of(told: wire.InterfaceIn, reading: Reading, path: str) -> Interface:
    """Return an interface of an offer."""
    return Interface(
        template=reading.name(INTERFACE, told.template_name, f"{path}.templateName"),
        protocol=(told.protocol or "").strip().lower(),
        policy=reading.choice(SecurityPolicy, told.policy, f"{path}.policy", SecurityPolicy.NONE),
        properties=told.properties or {},
    )


def form_of(told: wire.OrchestrationIn | None, reading: Reading, path: str = "") -> Form:
    """Return what an orchestration asks for."""
    told = told or wire.OrchestrationIn()
    at = f"{path}serviceRequirement"
    wanted = told.service_requirement
    if wanted is None:
        reading.add(at, "a requirement", "nothing")
        wanted = wire.RequirementIn(service_definition="unknown")
    form = Form(
        definition=reading.name(SERVICE, wanted.service_definition, f"{at}.serviceDefinition"),
        operations=reading.names(OPERATION, wanted.operations, f"{at}.operations"),
        versions=reading.versions(wanted.versions, f"{at}.versions"),
        alive_at=reading.time(wanted.alives_at, f"{at}.alivesAt"),
        metadata=reading.requirements(wanted.metadata_requirements, f"{at}.metadataRequirements"),
        templates=reading.names(
            INTERFACE, wanted.interface_template_names, f"{at}.interfaceTemplateNames"
        ),
        address_types=reading.choices(
            AddressType,
            wanted.interface_address_types,
            f"{at}.interfaceAddressTypes",
            AddressType.HOSTNAME,
        ),
        properties=reading.requirements(
            wanted.interface_property_requirements, f"{at}.interfacePropertyRequirements"
        ),
        policies=reading.choices(
            SecurityPolicy, wanted.security_policies, f"{at}.securityPolicies", SecurityPolicy.NONE
        ),
        preferred=reading.names(SYSTEM, wanted.preferred_providers, f"{at}.preferredProviders"),
        flags=_flags(told, reading, path),
        exclusivity_s=told.exclusivity_duration,
        qualities=_qualities(told),
    )
    reading.extend(form_faults(form))
    return form


def _flags(told: wire.OrchestrationIn, reading: Reading, path: str) -> dict[str, bool]:
    """Return flags; some clients write them as texts."""
    found = {}
    for name, value in (told.orchestration_flags or {}).items():
        text = str(value).strip().lower()
        if text not in ("true", "false"):
            reading.add(f"{path}orchestrationFlags.{name}", "true or false", repr(value))
        found[name.strip().upper()] = text == "true"
    return found


def _qualities(told: wire.OrchestrationIn) -> tuple[wire.Json, ...]:
    older = (told.qos_requirements,) if told.qos_requirements else ()
    return (*(told.quality_requirements or ()), *older)


def subscription_of(told: wire.SubscriptionIn, reading: Reading, path: str) -> SubscriptionEntry:
    """Return an order to push results."""
    notify = told.notify_interface or wire.NotifyIn()
    if (notify.protocol or "").strip().upper().startswith("MQTT"):
        place = f"{path}notifyInterface.protocol"
        reading.add(place, "HTTP or HTTPS", repr(notify.protocol), "This cloud has no broker.")
    target = told.target_system_name
    return SubscriptionEntry(
        form=form_of(told.orchestration_request, reading, f"{path}orchestrationRequest."),
        protocol=notify.protocol or "",
        properties={key: str(value) for key, value in (notify.properties or {}).items()},
        target=reading.name(SYSTEM, target, f"{path}targetSystemName") if target else "",
        duration_s=told.duration,
    )
