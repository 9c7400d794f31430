"""Recipe to released process: compose, compile, verify; an unsound model never runs."""

import msgspec

from fabloop.model.facts import PropertyChecked
from fabloop.model.recipe import ProductionRecipe
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.cpn.document import compile_net
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verification
from fabloop.run.compose import Composition, compose


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A composed process with what the verification says of it."""

    composition: Composition
    properties: tuple[PropertyChecked, ...]
    markings: int
    released: bool


def composed(
    recipe: ProductionRecipe, network: Network, vocabulary: SkillVocabulary, process_id: str
) -> Composition:
    """Return the process and pages of a recipe, with lanes named as the sites are."""
    return compose(
        recipe,
        vocabulary,
        process_id=process_id,
        lane_names={str(site.id): site.label for site in network.sites.values()},
    )


def compose_and_verify(
    recipe: ProductionRecipe, network: Network, vocabulary: SkillVocabulary, process_id: str
) -> Checked:
    """Return the process and pages of a recipe, and whether they may be released."""
    composition = composed(recipe, network, vocabulary, process_id)
    nets = {net.id: compile_net(net) for net in composition.nets}
    definition = compile_process(composition.process, nets, version=0)
    found = verify(definition)
    return Checked(
        composition=composition,
        properties=properties_of(found),
        markings=found.markings,
        released=found.released,
    )


def properties_of(verification: Verification) -> tuple[PropertyChecked, ...]:
    """Return the verdicts in the words that facts use."""
    return tuple(
        PropertyChecked(
            name=each.property, verdict=each.verdict, counterexample=each.counterexample
        )
        for each in verification.findings
    )
