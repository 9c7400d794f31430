"""Compiles what may be chosen in an ad-hoc sub-process."""

from fabloop.process.bpmn.compile_expressions import Expressions
from fabloop.process.bpmn.model import SubProcess
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.validate_ad_hoc import may_begin
from fabloop.process.definition import Choice, ScopeKind
from fabloop.process.formula import Formula


def choice_in(outline: Outline, expressions: Expressions) -> Choice | None:
    """Return what may be chosen in a scope; None where flows say what begins."""
    owner = outline.owner
    if outline.kind is not ScopeKind.AD_HOC:
        return None
    assert isinstance(owner, SubProcess), "only sub-processes are ad hoc"
    assert owner.ad_hoc is not None, "only sub-processes are ad hoc"

    def formula(text: str) -> Formula | None:
        return expressions.formula(owner.id, text) if text else None

    entered = {flow.target for _, flow in outline.flows}
    return Choice(
        choosable=tuple(
            number
            for number, node in outline.nodes
            if may_begin(node, outline) and node.id not in entered
        ),
        sequential=owner.ad_hoc.sequential,
        activities=formula(owner.ad_hoc.activities),
        until=formula(owner.ad_hoc.completion_condition),
        cancels=owner.ad_hoc.cancels,
    )
