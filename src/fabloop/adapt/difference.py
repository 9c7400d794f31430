"""How two versions of a process differ, by element."""

from fabloop.model.facts import ProcessChanges
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.bpmn.outline import all_nodes

BINDING_PARAMETERS = ("work_unit", "site", "lane", "destination_site")
"""What of a step decides who does it; planned times do not make a step a different one."""


def changes_between(
    before: BpmnProcess,
    after: BpmnProcess,
    recipe_before: ProductionRecipe,
    recipe_after: ProductionRecipe,
) -> ProcessChanges:
    """Return the flow nodes added and removed, and the steps now done by somebody else.

    A step has changed when its services differ or when another work unit, site or lane is to
    carry it out.
    """
    old, new = ([node.id for node in all_nodes(each)] for each in (before, after))
    was = {step.flow_id: _essence(step) for step in recipe_before.steps}
    becomes = {step.flow_id: _essence(step) for step in recipe_after.steps}
    return ProcessChanges(
        added=tuple(node for node in new if node not in old),
        removed=tuple(node for node in old if node not in new),
        changed=tuple(
            step for step, essence in becomes.items() if step in was and was[step] != essence
        ),
    )


def _essence(step: RecipeStep) -> tuple[str, ...]:
    """Return what makes a step the one it is, apart from when it is planned."""
    who = (step.parameters.get(name, "") for name in BINDING_PARAMETERS)
    return (step.bpmn_type, *step.services, *who)
