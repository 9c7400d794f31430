"""Who a certificate of an Arrowhead local cloud is for: common names and profiles of 4.x and 5.x.

A name is ``system.cloud.company.arrowhead.eu``; each certificate above it has one label less. In
5.x the DN qualifier tells the profile, and an organisation stands between master and cloud; in 4.x
the number of labels tells it, and the operator is the system ``sysop``.
"""

import re
from enum import IntEnum, StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.ids import SystemName

MASTER_NAME = "arrowhead.eu"
OPERATOR_LABEL = "sysop"
LABEL_LENGTH_MAX = 63

_LABEL = re.compile(r"[A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?")
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class Generation(IntEnum):
    """A major version of the framework; its certificates differ."""

    FOUR = 4
    FIVE = 5


class Profile(StrEnum):
    """What a certificate is for, by the DN qualifier that 5.x writes into its subject."""

    MASTER = "ma"
    GATE = "ga"
    ORGANIZATION = "or"
    CLOUD = "lo"
    ONBOARDING = "on"
    BROKER = "br"
    DEVICE = "de"
    SYSTEM = "sy"
    OPERATOR = "op"


AUTHORITIES = (Profile.MASTER, Profile.ORGANIZATION, Profile.CLOUD)
"""Profiles whose certificates issue others; all others end a chain."""


class CloudName(msgspec.Struct, frozen=True, kw_only=True):
    """A local cloud: its own name, and the one of the organisation that runs it."""

    cloud: str
    organization: str

    @property
    def common_name(self) -> str:
        """Common name of the certificate that issues those of its systems."""
        return f"{self.cloud}.{self.organization_name}"

    @property
    def organization_name(self) -> str:
        """Common name of the certificate of its organisation (5.x)."""
        return f"{self.organization}.{MASTER_NAME}"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who a certificate names: its first label, its cloud, and what the certificate is for."""

    label: str
    cloud: CloudName
    profile: Profile

    @property
    def system(self) -> SystemName:
        """The system as 5.x names it: ``welding-robot`` is ``WeldingRobot``."""
        return SystemName(pascal_of(self.label))

    def is_called(self, name: str) -> bool:
        """Tell whether a system of this name is the one that the certificate was issued to."""
        return self.label in (label_of(name, Generation.FIVE), label_of(name, Generation.FOUR))


def check_cloud_name(name: CloudName, source: str) -> None:
    """Refuse names that cannot stand in a certificate.

    Raises
    ------
    Invalid
        With every label that is wrong.
    """
    found = [("cloud", name.cloud), ("organization", name.organization)]
    faults = [_label_fault(source, path, text) for path, text in found if not _is_label(text)]
    if faults:
        raise Invalid(faults)


def label_of(system: str, generation: Generation) -> str:
    """Return a system's label: ``welding-robot`` in 5.x, ``weldingrobot`` in 4.x."""
    if generation is Generation.FOUR:
        return system.replace("_", "").lower()
    return _HUMP.sub("-", system).lower()


def pascal_of(label: str) -> str:
    """Return the name of a system whose label 5.x made of it."""
    return "".join(part[:1].upper() + part[1:] for part in label.split("-"))


def common_name_of(system: str, cloud: CloudName, generation: Generation) -> str:
    """Return the common name of a system's certificate.

    Raises
    ------
    Invalid
        The name of the system cannot stand in a certificate.
    """
    label = label_of(system, generation)
    if not _is_label(label):
        raise Invalid(_label_fault("certificate", "system", system))
    return f"{label}.{cloud.common_name}"


def subject_of(common_name: str, qualifier: str = "") -> Subject | None:
    """Return whom a certificate of a system, device or operator names; None: it names no such.

    Without a qualifier it is one of 4.x: five labels, of which the first may be the operator's.
    """
    labels = common_name.split(".")
    if len(labels) != 5 or ".".join(labels[3:]).lower() != MASTER_NAME:
        return None
    if not all(_is_label(each) for each in labels[:3]):
        return None
    label = labels[0].lower()
    profile = Profile.OPERATOR if label == OPERATOR_LABEL else Profile.SYSTEM
    if qualifier:
        try:
            profile = Profile(qualifier)
        except ValueError:
            return None
    if profile in AUTHORITIES:
        return None
    return Subject(
        label=label,
        cloud=CloudName(cloud=labels[1].lower(), organization=labels[2].lower()),
        profile=profile,
    )


def _is_label(text: str) -> bool:
    return len(text) <= LABEL_LENGTH_MAX and _LABEL.fullmatch(text) is not None


def _label_fault(source: str, path: str, found: str) -> Fault:
    return Fault(
        source=source,
        path=path,
        expected=f"a letter, then letters, digits or '-', at most {LABEL_LENGTH_MAX} in all",
        found=repr(found),
    )
