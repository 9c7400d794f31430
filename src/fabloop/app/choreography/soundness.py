"""Whether a recipe may be carried out: its process is composed and verified before it is taken."""

from fabloop.base.errors import Fault, Invalid
from fabloop.model.recipe import ProductionRecipe
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.cpn.document import compile_net
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict
from fabloop.run.compose import compose

LIMITS = Limits(bindings=5_000, values=200, markings=20_000)
"""How far a recipe is looked at; a composition is sound by construction, and this looks again."""


def check_sound(recipe: ProductionRecipe, name: str) -> None:
    """Refuse a recipe whose process could come to a stop, or that cannot be composed.

    Raises
    ------
    Invalid
        With every property that is violated, and the way there.
    """
    composition = compose(recipe, process_id="recipe-0")
    nets = {net.id: compile_net(net) for net in composition.nets}
    found = verify(compile_process(composition.process, nets, version=0), limits=LIMITS)
    faults = [
        Fault(
            source=f"recipe '{name}'",
            path="",
            expected=f"a process with property '{each.property}'",
            found=f"one without, after {', '.join(each.counterexample) or 'its start'}",
        )
        for each in found.findings
        if each.verdict is Verdict.VIOLATED
    ]
    if faults:
        raise Invalid(faults)
