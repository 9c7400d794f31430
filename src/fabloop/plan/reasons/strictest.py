"""Which of some operations ask for most: whoever can do these can do the others, too."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from fabloop.model.ids import OperationId
from fabloop.model.product import Operation
from fabloop.model.skill import ParameterDefinition, Rule, SkillVocabulary


def strictest(
    operations: Sequence[Operation], vocabulary: SkillVocabulary
) -> frozenset[OperationId]:
    """Return the operations that no other one outdoes in all that it asks for.

    Of those that ask for the same the first one is kept.
    """
    alike: dict[tuple[object, ...], list[Operation]] = defaultdict(list)
    for each in operations:
        alike[each.requirement.skill, each.person_skill, each.tools].append(each)
    kept: list[Operation] = []
    for group in alike.values():
        defined = vocabulary.parameters(group[0].requirement.skill)
        left: list[Operation] = []
        for each in group:
            if not any(_outdoes(other, each, defined) for other in left):
                left = [other for other in left if not _outdoes(each, other, defined)] + [each]
        kept += left
    return frozenset(each.id for each in kept)


def _outdoes(one: Operation, other: Operation, defined: Mapping[str, ParameterDefinition]) -> bool:
    """Tell whether an operation asks for all that the other one does, or for more of it."""
    ours, theirs = one.requirement.constraints, other.requirement.constraints
    return all(
        name in ours and _is_within(ours[name], limit, defined.get(name))
        for name, limit in theirs.items()
    )


def _is_within(
    value: float | str, limit: float | str, definition: ParameterDefinition | None
) -> bool:
    if value == limit:
        return True
    if definition is None or isinstance(value, str) or isinstance(limit, str):
        return False
    if definition.rule is Rule.AT_MOST:
        return value <= limit
    return definition.rule is Rule.AT_LEAST and value >= limit
