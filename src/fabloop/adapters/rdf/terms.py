"""The words of RDF that a vocabulary is told in: CSS model, SKOS, Dublin Core, QUDT and our own."""

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.documents import NAMESPACE

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DCTERMS = "http://purl.org/dc/terms/"
CSS = "http://www.w3id.org/hsu-aut/css#"
QUDT = "http://qudt.org/schema/qudt/"
KIND = "http://qudt.org/vocab/quantitykind/"
OURS = NAMESPACE

PREFIXES = {
    "css": CSS,
    "dcterms": DCTERMS,
    "fabloop": OURS,
    "qudt": QUDT,
    "quantitykind": KIND,
    "rdfs": RDFS,
    "skos": SKOS,
}

TYPE = f"{RDF}type"
CAPABILITY = f"{CSS}Capability"
CAPABILITIES = (
    CAPABILITY,
    "http://www.w3id.org/hsu-aut/cask#ProvidedCapability",
    "http://www.w3id.org/hsu-aut/cask#RequiredCapability",
)
"""The class of the CSS model, and those that the CaSk ontology puts below it."""
IMPLEMENTATION = f"{CSS}Skill"
"""What the CSS model calls a skill: an implementation, here what a type of equipment offers."""
PROPERTY = f"{CSS}Property"
CONCEPT = f"{SKOS}Concept"
SCHEME = f"{SKOS}ConceptScheme"
KPI = f"{OURS}Kpi"
IDENTIFIER = f"{DCTERMS}identifier"
LABEL = f"{SKOS}prefLabel"
SYNONYM = f"{SKOS}altLabel"
BROADER = f"{SKOS}broader"
SUBCLASS = f"{RDFS}subClassOf"
IN_SCHEME = f"{SKOS}inScheme"
PART = f"{DCTERMS}hasPart"
COMPOSED_OF = "http://www.w3id.org/hsu-aut/VDI3682#isComposedOf"
"""How VDI 3682 tells parts, on which CaSk builds."""
SPECIFIED_BY = f"{CSS}isSpecifiedBy"
REALIZED_BY = f"{CSS}isRealizedBy"
PROVIDES = f"{CSS}providesCapability"
REQUIRES = f"{CSS}requiresCapability"
PROVIDES_SKILL = f"{CSS}providesSkill"
RULE = f"{OURS}rule"
QUANTITY_KIND = f"{QUDT}hasQuantityKind"
VERSION = f"{DCTERMS}hasVersion"

KIND_OF_DIMENSION = {
    Dimension.LENGTH: f"{KIND}Length",
    Dimension.TIME: f"{KIND}Time",
    Dimension.MASS: f"{KIND}Mass",
    Dimension.ENERGY: f"{KIND}Energy",
    Dimension.POWER: f"{KIND}Power",
    Dimension.FORCE: f"{KIND}Force",
    Dimension.TEMPERATURE: f"{KIND}Temperature",
    Dimension.SPEED: f"{KIND}Speed",
    Dimension.TORQUE: f"{KIND}Torque",
    Dimension.FREQUENCY: f"{KIND}Frequency",
    Dimension.RATIO: f"{KIND}DimensionlessRatio",
    Dimension.MASS_PER_ENERGY: f"{KIND}MassPerEnergy",
    Dimension.STIFFNESS: f"{KIND}ForcePerLength",
    Dimension.DAMPING: f"{OURS}Damping",
    Dimension.EXPANSION: f"{KIND}LinearExpansionCoefficient",
    Dimension.ACCELERATION: f"{KIND}Acceleration",
    Dimension.PRESSURE: f"{KIND}Pressure",
    Dimension.CURRENT: f"{KIND}ElectricCurrent",
    Dimension.VOLTAGE: f"{KIND}Voltage",
    Dimension.VOLUME: f"{KIND}Volume",
    Dimension.FLOW: f"{KIND}VolumeFlowRate",
}
"""QUDT's kinds of quantity; QUDT has none for viscous damping."""

NARROWER_KINDS = {
    **dict.fromkeys(
        ("Diameter", "Radius", "Width", "Height", "Depth", "Thickness", "Distance", "Position"),
        Dimension.LENGTH,
    ),
    **dict.fromkeys(("Duration", "Period"), Dimension.TIME),
    **dict.fromkeys(("ThermodynamicTemperature", "CelsiusTemperature"), Dimension.TEMPERATURE),
    **dict.fromkeys(("Velocity", "LinearVelocity"), Dimension.SPEED),
    **dict.fromkeys(("Work", "Heat", "ElectricEnergy"), Dimension.ENERGY),
    **dict.fromkeys(("ElectricPower", "MechanicalPower"), Dimension.POWER),
    **dict.fromkeys(("Dimensionless", "MassRatio", "MassFraction"), Dimension.RATIO),
}
"""Kinds of QUDT that others use for what is one dimension here."""

DIMENSION_OF_KIND = {
    **{f"{KIND}{name}": dimension for name, dimension in NARROWER_KINDS.items()},
    **{iri: dimension for dimension, iri in KIND_OF_DIMENSION.items()},
}


class Iri(msgspec.Struct, frozen=True):
    """A resource by its IRI; one that starts with ``_:`` has no name outside its file."""

    value: str


class Text(msgspec.Struct, frozen=True):
    """A literal, with its language where it has one."""

    value: str
    language: str = ""


class Triple(msgspec.Struct, frozen=True):
    """A statement."""

    subject: Iri
    predicate: str
    object: Iri | Text
