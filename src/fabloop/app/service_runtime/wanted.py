"""What a job wants: a skill with values, or a certain operation; read off its headers."""

import re
from collections.abc import Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.quantity import dimension_of, quantity_of
from fabloop.model.ids import SkillId
from fabloop.model.skill import Requirement

SERVICE_JOBS = "service"
"""Type of the jobs that services do."""

_CONSTRAINT = re.compile(r"\s*(?P<name>[\w.-]+)\s*=\s*(?P<variable>\w+)(?:\s+(?P<unit>\S+))?\s*")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a job wants.

    Attributes
    ----------
    requirement : the skill and what it has to be able to do; None for a certain operation
    service, operation : only this one; empty for any
    """

    requirement: Requirement | None = None
    service: str = ""
    operation: str = ""


def wanted_of(headers: Mapping[str, str], variables: Mapping[str, object], node: str) -> Wanted:
    """Return what the headers of a job want, with the values of its variables.

    ``skill`` names what is required; ``constraints`` says which variable is which parameter of it,
    and in which unit (``temperature = temperature_c degC``); ``service`` and ``operation`` ask for
    one alone, as the constraint ``service`` does by a variable.

    Raises
    ------
    Invalid
        A constraint cannot be read, or its variable has no value to compare.
    """
    values: dict[str, float | str] = {}
    service = headers.get("service", "")
    for text in filter(None, (each.strip() for each in headers.get("constraints", "").split(","))):
        form = _CONSTRAINT.fullmatch(text)
        if form is None:
            raise Invalid(_fault(node, "a constraint such as 'temperature = celsius degC'", text))
        value = variables.get(form["variable"])
        if form["name"] == "service":
            service = str(value or "")
        elif isinstance(value, str):
            values[form["name"]] = value
        elif isinstance(value, int | float):
            unit = form["unit"] or ""
            values[form["name"]] = _si(value, unit)
        else:
            raise Invalid(_fault(node, f"a value of variable '{form['variable']}'", repr(value)))
    skill = headers.get("skill", "")
    if not skill and not headers.get("operation"):
        raise Invalid(_fault(node, "a header 'skill' or 'operation'", "neither"))
    requirement = Requirement(skill=SkillId(skill), constraints=values) if skill else None
    return Wanted(requirement=requirement, service=service, operation=headers.get("operation", ""))


def _fault(node: str, expected: str, found: str) -> Fault:
    return Fault(source="service task", path=f"element '{node}'", expected=expected, found=found)


def _si(value: float, unit: str) -> float:
    return quantity_of(f"{value} {unit}", dimension_of(unit)) if unit else float(value)
