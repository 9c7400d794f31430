"""The deploy command: reads, validates and compiles a process and gives it a version."""

from hashlib import sha256
from itertools import pairwise

from fabloop.base.codec import to_msgpack
from fabloop.base.errors import Fault, Invalid
from fabloop.process.bpmn.model import PageWork, ServiceTask
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.commands import Deploy, ProcessDeployed
from fabloop.process.definition import DefinitionKey
from fabloop.process.deltas import Deployed
from fabloop.process.deployment import Deployment, definition_of
from fabloop.process.step import Step


def deploy(step: Step, command: Deploy) -> ProcessDeployed:
    """Deploy a process as its next version, or return the version with the same content.

    Raises
    ------
    Invalid
        The document is wrong; every fault of the process and its nets is carried.
    """
    deployment, lines = _read(command)
    name = deployment.process.id
    source = to_msgpack(deployment)
    digest = sha256(source).hexdigest()
    known = step.state.digests.get((name, digest))
    if known is not None:
        return ProcessDeployed(DefinitionKey(name, known), known=True)
    definition_of(deployment, version=0, lines=lines)
    version = step.state.versions.get(name, 0) + 1
    step.focus("definitions")
    step.emit(Deployed(name, version, digest, source))
    return ProcessDeployed(DefinitionKey(name, version), known=False)


def _read(command: Deploy) -> tuple[Deployment, dict[str, int]]:
    lines: dict[str, int] = {}
    process = command.process
    if isinstance(process, bytes):
        process, lines = read_bpmn(process)
    used = {
        node.work.net
        for node in all_nodes(process)
        if isinstance(node, ServiceTask) and isinstance(node.work, PageWork)
    }
    nets = sorted((net for net in command.nets if net.id in used), key=lambda net: net.id)
    for one, other in pairwise(nets):
        if one.id == other.id:
            raise Invalid(
                Fault(
                    source=f"process '{process.id}'",
                    path=f"net '{one.id}'",
                    expected="one net per id",
                    found="two",
                )
            )
    return Deployment(process, tuple(nets)), lines
