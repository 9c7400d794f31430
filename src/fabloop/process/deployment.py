"""What a definition is compiled from, as the journal keeps it, and back again."""

from collections.abc import Mapping

import msgspec

from fabloop.base.codec import from_msgpack
from fabloop.base.errors import Fault, Invalid
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.bpmn.validate import faults_of
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.document import NetDocument, compile_net
from fabloop.process.definition import Definition


class Deployment(msgspec.Struct, frozen=True, array_like=True):
    """What a definition is compiled from: the process and the nets of its pages, by id.

    Where it calls processes in the version that was deployed with it, `beside` holds these
    versions, and `group` tells the content of its document; `decisions` are keys of the decision
    models that were deployed with it, where it says so.
    """

    process: BpmnProcess
    nets: tuple[NetDocument, ...]
    decisions: tuple[int, ...] = ()
    group: str = ""
    beside: dict[str, int] = msgspec.field(default_factory=dict)


def definition_of(
    deployment: Deployment, version: int, lines: Mapping[str, int] | None = None
) -> Definition:
    """Return the compiled form; raises Invalid with every fault."""
    faults = faults_of(deployment.process, lines)
    nets: dict[str, CompiledNet] = {}
    for document in deployment.nets:
        try:
            nets[document.id] = compile_net(document)
            faults += _not_live(nets[document.id])
        except Invalid as error:
            faults += error.faults
    if faults:
        raise Invalid(faults)
    return compile_process(deployment.process, nets, version, lines)


def _not_live(net: CompiledNet) -> list[Fault]:
    """Return what a net may do by itself, but not as a page of a running process."""
    found: list[tuple[str, str, str]] = []
    for each in net.transitions:
        path = f"transition {each.name}"
        if each.draws:
            found.append((path, "no distribution in a page that runs", "a value drawn by chance"))
        shared = [net.places[n].name for n in each.inhibits if net.places[n].fusion]
        if shared:
            expected = "inhibitors on places of the page alone"
            found.append((path, expected, f"the shared {', '.join(map(repr, shared))}"))
    return [
        Fault(source=f"net {net.id}", path=path, expected=expected, found=what)
        for path, expected, what in found
    ]


def read_deployment(source: bytes) -> Deployment:
    """Return a deployment from the journal."""
    return from_msgpack(source, Deployment)


def recompiled(deployment: Deployment, version: int) -> Definition:
    """Return the definition of a journalled deployment.

    Structural rules are not checked again: they may have become stricter since.
    """
    nets = {document.id: compile_net(document) for document in deployment.nets}
    return compile_process(deployment.process, nets, version)
