"""Operations that ask for most stand for those that ask for less of the same."""

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.ids import MaterialId, OperationId, SkillId
from fabloop.model.product import Operation
from fabloop.model.skill import ParameterDefinition, Requirement, Rule, Skill, SkillVocabulary
from fabloop.plan.reasons.strictest import strictest

MILL = SkillId("mill")
VOCABULARY = SkillVocabulary(
    skills={
        MILL: Skill(
            id=MILL,
            label="mill",
            parameters=(
                ParameterDefinition(
                    name="tpe", label="Error", rule=Rule.AT_MOST, dimension=Dimension.LENGTH
                ),
                ParameterDefinition(
                    name="size", label="Size", rule=Rule.AT_LEAST, dimension=Dimension.LENGTH
                ),
                ParameterDefinition(name="material", label="Material", rule=Rule.AMONG),
            ),
        )
    }
)


def operation(name, **limits):
    return Operation(
        id=OperationId(name),
        label=name,
        requirement=Requirement(skill=MILL, constraints=limits),
        inputs=(),
        output=MaterialId(name),
        duration_ns=1,
        energy_j=0.0,
        cost_minor=0,
    )


def test_tighter_limits_stand_for_looser_ones():
    loose, tight = operation("loose", tpe=2e-5, size=0.1), operation("tight", tpe=1e-5, size=0.2)
    assert strictest([loose, tight], VOCABULARY) == {"tight"}


def test_what_is_tighter_in_one_respect_alone_is_kept_beside():
    small, large = operation("small", tpe=1e-5, size=0.1), operation("large", tpe=2e-5, size=0.2)
    assert strictest([small, large], VOCABULARY) == {"small", "large"}


def test_other_materials_tools_and_people_are_kept_apart():
    steel, brass = operation("steel", material="steel"), operation("brass", material="brass")
    tooled = msgspec.structs.replace(operation("tooled", material="steel"), tools=("jig",))
    manned = msgspec.structs.replace(
        operation("manned", material="steel"), person_skill=SkillId("setter")
    )
    every = [steel, brass, tooled, manned]
    assert strictest(every, VOCABULARY) == {each.id for each in every}


def test_of_those_that_ask_for_the_same_the_first_is_kept():
    assert strictest([operation("a", tpe=1e-5), operation("b", tpe=1e-5)], VOCABULARY) == {"a"}
