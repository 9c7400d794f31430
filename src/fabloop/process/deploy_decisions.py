"""Deploys decision models: alone, or with the processes that have decisions made."""

from hashlib import sha256

from fabloop.base.errors import Fault, Invalid
from fabloop.process.bpmn.model import BpmnProcess, BusinessRuleTask
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.commands import VersionDeployed
from fabloop.process.decision_deltas import DecisionsDeployed
from fabloop.process.decision_model import documents_of, model_of, tag_of
from fabloop.process.definition import DefinitionKey
from fabloop.process.state import State
from fabloop.process.step import Step


def deploy_decisions(
    step: Step, documents: tuple[bytes, ...]
) -> tuple[list[int], list[VersionDeployed]]:
    """Deploy documents; return the keys of their models and the versions of their decisions.

    Raises
    ------
    Invalid
        Documents are wrong, or two of them have a decision of the same id; all faults.
    """
    faults: list[Fault] = []
    keys: list[int] = []
    versions: list[VersionDeployed] = []
    seen: set[str] = set()
    for number, document in enumerate(documents):
        others = tuple(each for each in documents if each is not document)
        try:
            key, known = _deployed(step, document, others)
        except Invalid as error:
            faults += error.faults
            continue
        keys.append(key)
        for decision, version in step.state.decision_models[key].decisions.items():
            if decision in seen:
                faults.append(_twice(number, decision))
            seen.add(decision)
            versions.append(VersionDeployed(DefinitionKey(decision, version), known))
    if faults:
        raise Invalid(faults)
    return keys, versions


def _deployed(step: Step, document: bytes, others: tuple[bytes, ...]) -> tuple[int, bool]:
    state = step.state
    source = documents_of(document, others)
    digest = sha256(source).hexdigest()
    known = state.model_digests.get(digest)
    if known is not None:
        return known, True
    ids = model_of(source).decision_ids
    versions = {each: state.decision_versions.get(each, 0) + 1 for each in ids}
    key = step.mint()
    step.focus("definitions")
    step.emit(DecisionsDeployed(key, digest, tag_of(document), source, versions))
    return key, False


def _twice(number: int, decision: str) -> Fault:
    return Fault(
        source=f"decision model {number + 1}",
        path=f"decision '{decision}'",
        expected="one decision per id",
        found="two",
    )


def decision_faults(
    state: State, process: BpmnProcess, keys: list[int], lines: dict[str, int]
) -> list[Fault]:
    """Return the tasks whose decision is named in the model, but cannot be there at any time.

    With decisions deployed beside it, a task that names one that is in none of them, and was not
    deployed before, is at fault; without any, only one that has to be deployed with its process.
    """
    here = {each for key in keys for each in state.decision_models[key].decisions}
    faults = []
    for node in all_nodes(process):
        if not isinstance(node, BusinessRuleTask) or node.work or node.decision.startswith("="):
            continue
        known = here if node.together else here | state.decision_versions.keys()
        if node.decision not in known and (keys or node.together):
            line = f", line {lines[node.id]}" if node.id in lines else ""
            faults.append(
                Fault(
                    source=f"process '{process.id}'",
                    path=f"element '{node.id}'{line}",
                    expected=f"a decision '{node.decision}' among those deployed",
                    found=", ".join(f"'{each}'" for each in sorted(known)[:8]) or "none",
                    hint="Deploy its decision model with the process.",
                )
            )
    return faults
