"""The deploy command: reads, validates and compiles processes and gives each a version."""

from hashlib import sha256
from itertools import pairwise

from fabloop.base.codec import to_msgpack
from fabloop.base.errors import Fault, Invalid
from fabloop.process.begin import reopen
from fabloop.process.bpmn.model import BpmnProcess, BusinessRuleTask
from fabloop.process.bpmn.outline import all_nodes, net_of
from fabloop.process.bpmn.read import read_processes
from fabloop.process.commands import DecisionsKnown, Deploy, ProcessDeployed, VersionDeployed
from fabloop.process.cpn.model import NetDocument
from fabloop.process.definition import DefinitionKey
from fabloop.process.deltas import Deployed
from fabloop.process.deploy_decisions import decision_faults, deploy_decisions
from fabloop.process.deploy_together import beside, bound
from fabloop.process.deployment import Deployment, definition_of
from fabloop.process.step import Step


def deploy(step: Step, command: Deploy) -> ProcessDeployed | DecisionsKnown:
    """Deploy each process as its next version, or return the version with the same content.

    Decision models that come along are deployed first.

    Raises
    ------
    Invalid
        The document is wrong; every fault of its processes and their nets is carried, and nothing
        of it is deployed.
    """
    keys, decisions = deploy_decisions(step, command.decisions)
    if command.process is None:
        if not decisions:
            fault = Fault(source="Deploy", path="process, decisions", expected="one", found="none")
            raise Invalid(fault)
        return DecisionsKnown(tuple(decisions))
    read, lines = _read(command, command.process, keys)
    deployments = bound(step.state, read)
    faults: list[Fault] = []
    for each in deployments:
        faults += decision_faults(step.state, each.process, keys, lines)
        if _known(step, each) is None:
            try:
                definition_of(each, version=0, lines=lines)
            except Invalid as error:
                faults += error.faults
    if faults:
        raise Invalid(faults)
    versions = {each.process.id: _version(step, each) for each in deployments}
    first, *others = [_deployed(step, each, versions, lines) for each in deployments]
    return ProcessDeployed(first.key, first.known, tuple(others), tuple(decisions))


def _known(step: Step, deployment: Deployment) -> int | None:
    return step.state.digests.get((deployment.process.id, _digest(deployment)))


def _digest(deployment: Deployment) -> str:
    return sha256(to_msgpack(deployment)).hexdigest()


def _version(step: Step, deployment: Deployment) -> int:
    latest = step.state.versions.get(deployment.process.id, 0)
    return _known(step, deployment) or latest + 1


def _deployed(
    step: Step, deployment: Deployment, versions: dict[str, int], lines: dict[str, int]
) -> VersionDeployed:
    name = deployment.process.id
    known = _known(step, deployment)
    if known is not None:
        return VersionDeployed(DefinitionKey(name, known), known=True)
    whole = beside(deployment, versions)
    version = step.state.versions.get(name, 0) + 1
    step.focus("definitions")
    step.emit(Deployed(name, version, _digest(deployment), to_msgpack(whole)))
    reopen(step, step.state.definitions[DefinitionKey(name, version)], lines)
    return VersionDeployed(DefinitionKey(name, version), known=False)


def _read(
    command: Deploy, process: BpmnProcess | bytes, decisions: list[int]
) -> tuple[list[Deployment], dict[str, int]]:
    if isinstance(process, bytes):
        processes, lines = read_processes(process)
        return [_made(each, command.nets, decisions) for each in processes], lines
    return [_made(process, command.nets, decisions)], {}


def _made(process: BpmnProcess, nets: tuple[NetDocument, ...], decisions: list[int]) -> Deployment:
    together = any(isinstance(n, BusinessRuleTask) and n.together for n in all_nodes(process))
    return Deployment(process, _used(process, nets), tuple(decisions) if together else ())


def _used(process: BpmnProcess, given: tuple[NetDocument, ...]) -> tuple[NetDocument, ...]:
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
    return tuple(nets)
