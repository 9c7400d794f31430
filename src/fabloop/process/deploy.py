"""The deploy command: reads, validates and compiles processes and gives each a version."""

from hashlib import sha256
from itertools import pairwise

from fabloop.base.codec import to_msgpack
from fabloop.base.errors import Fault, Invalid
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.bpmn.outline import all_nodes, net_of
from fabloop.process.bpmn.read import read_processes
from fabloop.process.commands import Deploy, ProcessDeployed, VersionDeployed
from fabloop.process.cpn.model import NetDocument
from fabloop.process.definition import DefinitionKey
from fabloop.process.deltas import Deployed
from fabloop.process.deployment import Deployment, definition_of
from fabloop.process.step import Step


def deploy(step: Step, command: Deploy) -> ProcessDeployed:
    """Deploy each process as its next version, or return the version with the same content.

    Raises
    ------
    Invalid
        The document is wrong; every fault of its processes and their nets is carried, and nothing
        of it is deployed.
    """
    deployments, lines = _read(command)
    faults: list[Fault] = []
    for each in deployments:
        if _known(step, each) is None:
            try:
                definition_of(each, version=0, lines=lines)
            except Invalid as error:
                faults += error.faults
    if faults:
        raise Invalid(faults)
    first, *others = [_deployed(step, each) for each in deployments]
    return ProcessDeployed(first.key, first.known, tuple(others))


def _known(step: Step, deployment: Deployment) -> int | None:
    digest = sha256(to_msgpack(deployment)).hexdigest()
    return step.state.digests.get((deployment.process.id, digest))


def _deployed(step: Step, deployment: Deployment) -> VersionDeployed:
    name = deployment.process.id
    known = _known(step, deployment)
    if known is not None:
        return VersionDeployed(DefinitionKey(name, known), known=True)
    source = to_msgpack(deployment)
    version = step.state.versions.get(name, 0) + 1
    step.focus("definitions")
    step.emit(Deployed(name, version, sha256(source).hexdigest(), source))
    return VersionDeployed(DefinitionKey(name, version), known=False)


def _read(command: Deploy) -> tuple[list[Deployment], dict[str, int]]:
    if isinstance(command.process, bytes):
        processes, lines = read_processes(command.process)
        return [_with_nets(each, command.nets) for each in processes], lines
    return [_with_nets(command.process, command.nets)], {}


def _with_nets(process: BpmnProcess, given: tuple[NetDocument, ...]) -> Deployment:
    used = {net_of(node) for node in all_nodes(process)}
    nets = sorted((net for net in given if net.id in used), key=lambda net: net.id)
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
    return Deployment(process, tuple(nets))
