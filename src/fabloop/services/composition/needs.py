"""What no service gives as targets for the data space: triple patterns over what is known."""

from collections.abc import Sequence

from fabloop.model.service import Parameter, ValueKind
from fabloop.services.composition.plan import DataNeed, Source
from fabloop.services.discovery import Likeness
from fabloop.services.discovery.index import concept_of
from fabloop.services.words import STOPWORDS, words_of

TARGETS_MAX = 6
QUANTITIES = ("quantity", "amount", "dose")
COUNTS = ("number", "count", "quantity")
KINDS = ("type", "kind", "product", "recipe")
"""What things are made of is asked of what kind they are, before any other key."""
ALIKE_MIN = 0.8
_CONTAINERS = frozenset({"set", "list", "of", "array", "collection", "all", "the"})

Known = Sequence[tuple[Parameter, Source]]
"""What is known at that point: the value as described, and where it comes from."""


def needs_of(wanted: Sequence[Parameter], known: Known, likeness: Likeness) -> tuple[DataNeed, ...]:
    """Return targets for inputs that nobody gives; lists of things and of how much go together."""
    lists = [each for each in wanted if each.kind is ValueKind.LIST]
    amounts = [each for each in lists if _is_one_of(each, QUANTITIES, likeness)]
    things = [each for each in lists if each not in amounts]
    found: list[DataNeed] = []
    if things and amounts:
        found.append(_members(things, amounts[0], known, likeness))
        lists = [*things, amounts[0]]
    else:
        lists = []
    found += [_single(each, known) for each in wanted if each not in lists]
    return tuple(each for each in found if each.targets)


def variable_of(parameter: Parameter) -> str:
    """Return the name of the variable that stands for a parameter."""
    if parameter.name.isidentifier():
        return parameter.name
    return "_".join(words_of(parameter.name)) or "x"


def _single(wanted: Parameter, known: Known) -> DataNeed:
    """Return targets for a value of its own: ``(QRCode, courier service, ?url)``."""
    variable = variable_of(wanted)
    targets = tuple(f"({key}, {_phrase(wanted)}, ?{variable})" for key, _ in _keys(known))
    return DataNeed(
        targets=targets[:TARGETS_MAX],
        given=dict(_keys(known)),
        variables=(variable,),
        units={variable: wanted.unit} if wanted.unit else {},
        many=wanted.kind is ValueKind.LIST,
    )


def _members(
    things: Sequence[Parameter], amount: Parameter, known: Known, likeness: Likeness
) -> DataNeed:
    """Return targets for lists that belong together: members with a name and how much of each."""
    thing = " ".join(_singular(word) for word in _telling(concept_of(things[0])))
    counts = [
        given
        for given, _ in known
        if given.kind in (ValueKind.INTEGER, ValueKind.NUMBER)
        and _is_one_of(given, COUNTS, likeness)
    ]
    of = f"?{variable_of(amount)}"
    times = f"{variable_of(counts[0])}*{of}" if counts else of
    names = [f"(?h, name, ?{variable_of(things[0])})"]
    names += [
        f"(?h, {' '.join(_telling(concept_of(each)))}, ?{variable_of(each)})" for each in things[1:]
    ]
    tail = ", ".join((*names, f"(?h, quantity, {times})"))
    given = dict(_keys(known))
    kinds = {variable_of(each) for each, _ in known if _is_one_of(each, KINDS, likeness)}
    keys = sorted(given, key=lambda each: each not in kinds)
    if counts:
        given |= {variable_of(each): source for each, source in known if each is counts[0]}
    return DataNeed(
        targets=tuple(f"({key}, has {thing}, ?h), {tail}" for key in keys)[:TARGETS_MAX],
        given=given,
        variables=(*(variable_of(each) for each in things), times.removeprefix("?")),
        units={variable_of(amount): amount.unit} if amount.unit else {},
        many=True,
    )


def _keys(known: Known) -> list[tuple[str, Source]]:
    """Return the known values that may identify something: texts, by their variable's name."""
    return [
        (variable_of(given), source)
        for given, source in known
        if given.kind is ValueKind.TEXT and not given.allowed
    ]


def _is_one_of(parameter: Parameter, concepts: Sequence[str], likeness: Likeness) -> bool:
    told = " ".join(_singular(word) for word in _telling(concept_of(parameter)))
    own = " ".join(_singular(word) for word in _telling(parameter.name))
    likeness.learn((told, own, *concepts))
    return any(
        likeness.of(concept, each) >= ALIKE_MIN for concept in concepts for each in (told, own)
    )


def _phrase(parameter: Parameter) -> str:
    return " ".join(_telling(concept_of(parameter)))


def _telling(name: str) -> list[str]:
    words = [word for word in words_of(name) if word not in _CONTAINERS]
    return words or [word for word in words_of(name) if word not in STOPWORDS] or ["value"]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
