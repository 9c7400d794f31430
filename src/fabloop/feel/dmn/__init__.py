"""DMN 1.2 to 1.5: decision models, compiled once and evaluated often."""

from collections.abc import Mapping
from types import MappingProxyType

from fabloop.base.errors import Invalid
from fabloop.feel.dmn.evaluate import Model, Outcome
from fabloop.feel.dmn.graph import Graph
from fabloop.feel.dmn.units import load

__all__ = ["Model", "Outcome", "read_dmn", "read_dmn_in_part"]

_NONE: Mapping[str, bytes] = MappingProxyType({})


def read_dmn(data: bytes, imports: Mapping[str, bytes] = _NONE) -> Model:
    """Return the compiled model of a DMN document.

    Parameters
    ----------
    data : DMN XML, version 1.2 to 1.5
    imports : documents that may be imported, by file name

    Raises
    ------
    Invalid
        The document holds what is wrong or not carried out: every such place is named with
        element and line.
    """
    model = read_dmn_in_part(data, imports)
    if model.faults:
        raise Invalid(model.faults)
    return model


def read_dmn_in_part(data: bytes, imports: Mapping[str, bytes] = _NONE) -> Model:
    """Return the compiled model of a document that may be unfinished.

    What is at fault is null when it is evaluated, with a warning; `Model.faults` lists it.

    Raises
    ------
    Invalid
        The document is no DMN at all, or imports or requirements go round in a circle.
    """
    unit, units, faults = load(data, imports)
    graph = Graph(units)
    return Model(graph, unit, tuple(faults))
