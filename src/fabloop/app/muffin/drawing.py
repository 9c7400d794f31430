"""Composed chains worked out for a repair: what goes into each call, where from, and why."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from fabloop.app.service_runtime.facts import ChainComposed, LinkTold
from fabloop.model.ids import OperationName
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.services.composition import Composition, Done, carry_out
from fabloop.services.composition.carry_out import Fill
from fabloop.services.composition.plan import (
    Binding,
    FromData,
    FromGiven,
    FromNobody,
    FromStep,
    Step,
)

OVERCOOK, DOSE = OperationName("overcook"), OperationName("doseIngredients")
TITLE = "answer overcooked muffins"
NAMES, MASSES = "setOfIngredients", "setOfQuantities"


def drawn(
    way: Composition, about: str, lot: str, burnt: Sequence[Mapping[str, Any]], fill: Fill
) -> ChainComposed:
    """Return a chain with what goes into its calls; none is made, the changed process does that.

    The first call has been made: `burnt` is what it told. Values pass the adapters of the chain
    (names, units, kinds), and what no service gives comes from the data space.
    """
    calls: dict[str, list[dict[str, object]]] = {}

    def invoke(
        service: ServiceDescription,
        operation: ServiceOperation,
        values: Mapping[str, Any],
        _key: str,
    ) -> dict[str, Any]:
        if operation.name == OVERCOOK:
            return {"overcooked": list(burnt), "lot": about}
        calls.setdefault(f"{service.id}.{operation.name}", []).append(dict(values))
        return {}

    ended = carry_out(way, {"lot": lot}, invoke, fill, lot) if way.certain else None
    needs = (each for step in way.steps for need in step.needs for each in need.targets)
    changes = (
        f"{step.entry.name}.{each.input}: {each.change.said}"
        for step in way.steps
        for each in step.bindings
        if each.change.said
    )
    return ChainComposed(
        about=about,
        goal=TITLE,
        steps=way.signature,
        certain=way.certain,
        needs=tuple(dict.fromkeys(needs)),
        changes=tuple(changes),
        lot=lot,
        links=tuple(_link(each, way, calls) for each in way.steps),
        stopped="" if ended is None or isinstance(ended, Done) else f"{ended.at}: {ended.why}",
    )


def dosed(chains: Iterable[ChainComposed]) -> tuple[list[str], list[float]] | None:
    """Return the ingredients of all calls that dose, and how much of each; None where none does."""
    masses: dict[str, float] = {}
    for chain in chains:
        for link in chain.links:
            for call in link.calls if link.step.endswith(f".{DOSE}") else ():
                pairs = zip(
                    cast("list[str]", call[NAMES]), cast("list[float]", call[MASSES]), strict=True
                )
                for name, mass in pairs:
                    masses[name] = masses.get(name, 0.0) + float(mass)
    return (list(masses), list(masses.values())) if masses else None


def _link(
    step: Step, way: Composition, calls: Mapping[str, Sequence[dict[str, object]]]
) -> LinkTold:
    name = step.entry.name
    return LinkTold(
        step=name,
        inputs={each.input: _source(each, step, way) for each in step.bindings},
        calls=tuple(calls.get(name, ())),
        because=tuple(each for each in way.because if each.subject == name),
    )


def _source(binding: Binding, step: Step, way: Composition) -> str:
    """Return where an input comes from, and what is done to it on the way."""
    said = f" ({binding.change.said})" if binding.change.said else ""
    match binding.source:
        case FromStep(step=number, output=output, part=part):
            return f"{part or output} of {way.steps[number].entry.name}{said}"
        case FromGiven(name=name):
            return f"{name}, which is known{said}"
        case FromData(need=need):
            units = step.needs[need].units.get(binding.input, "")
            unit = f" in {units}" if units else ""
            return f"the data space{unit}: {step.needs[need].targets[0]}{said}"
        case FromNobody():
            return "nobody"
