"""Is a woven process fit to go on by, and how does it differ from the one before?"""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.errors import Invalid
from fabloop.model.facts import ProcessChanges, PropertyChecked
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import BpmnProcess, FlowNode, SubProcess
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.bpmn.validate import faults_of
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.document import NetDocument, compile_net
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict, Verification

MARKINGS_MAX = 20_000
"""Markings that the verification of one woven process looks at: a proposal has to be quick."""

_LIMITS = Limits(markings=MARKINGS_MAX)


class Vetted(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a woven process; `against` says why it is not fit, empty where it is."""

    properties: tuple[PropertyChecked, ...] = ()
    markings: int = 0
    against: str = ""


class Vetting:
    """Compares woven processes with the one that an instance follows."""

    def __init__(self, process: BpmnProcess, nets: Iterable[NetDocument] = ()) -> None:
        self.nets: Mapping[str, CompiledNet] = {each.id: compile_net(each) for each in nets}
        found = self._verified(process)
        self.before = {} if isinstance(found, str) else _verdicts(found)

    def vet(self, process: BpmnProcess) -> Vetted:
        """Return the verdicts; a property that was proven before has to be proven again."""
        found = self._verified(process)
        if isinstance(found, str):
            return Vetted(against=found)
        lost = [
            f"{name} is {verdict}"
            for name, verdict in _verdicts(found).items()
            if verdict is not Verdict.HOLDS and self._is_worse(name, verdict)
        ]
        return Vetted(
            properties=tuple(
                PropertyChecked(
                    name=each.property, verdict=each.verdict, counterexample=each.counterexample
                )
                for each in found.findings
            ),
            markings=found.markings,
            against=f"the changed process is not sound: {', '.join(lost)}" if lost else "",
        )

    def _is_worse(self, name: str, verdict: Verdict) -> bool:
        before = self.before.get(name, Verdict.HOLDS)
        return before is Verdict.HOLDS or (
            before is Verdict.UNKNOWN and verdict is Verdict.VIOLATED
        )

    def _verified(self, process: BpmnProcess) -> Verification | str:
        faults = faults_of(process)
        if faults:
            return faults[0].sentence()
        try:
            definition = compile_process(process, self.nets, version=0)
        except Invalid as invalid:
            return invalid.faults[0].sentence()
        return verify(definition, limits=_LIMITS)


def _verdicts(found: Verification) -> dict[str, Verdict]:
    return {str(each.property): each.verdict for each in found.findings}


def changes_of(before: BpmnProcess, after: BpmnProcess) -> ProcessChanges:
    """Return which nodes came, went, or are not what they were; flows follow from them."""
    old, new = _by_id(before), _by_id(after)
    return ProcessChanges(
        added=tuple(each for each in new if each not in old),
        removed=tuple(each for each in old if each not in new),
        changed=tuple(each for each in new if each in old and old[each] != new[each]),
    )


def _by_id(process: BpmnProcess) -> dict[str, FlowNode]:
    return {each.id: _alone(each) for each in all_nodes(process)}


def _alone(node: FlowNode) -> FlowNode:
    """Return a node without what stands in it, which is compared by itself."""
    return (
        msgspec.structs.replace(node, nodes=(), flows=()) if isinstance(node, SubProcess) else node
    )
