"""Outputs that subtract: how many tokens of each value remain, as an expression.

`all(C) - x` puts each value of C but the one that x is. This can be written with one count per
value where the values added differ surely, and whatever is subtracted is surely among them.
"""

from math import prod

from fabloop.base.xml import Element
from fabloop.process.cpn.pnml_sorts import Colours, Unreadable
from fabloop.process.cpn.pnml_terms import (
    Bag,
    Constant,
    Item,
    Tuple,
    Variable,
    sort_of,
    text_of_item,
)


def counted(bag: Bag, arc: Element, colours: Colours) -> list[tuple[str, str]]:
    """Return values to put with their counts, both as inscriptions; raises Unreadable."""
    added = [(count, item) for count, item in bag if count > 0]
    less = [(-count, item) for count, item in bag if count < 0]
    counts = {item: [str(count)] for count, item in added}
    for count, item in less:
        for other in _may_be(item, [each for _, each in added], arc):
            left, right = text_of_item(other, colours), text_of_item(item, colours)
            counts[other].append(f"({count} if {left} == {right} else 0)")
    return [(text_of_item(item, colours), " - ".join(parts)) for item, parts in counts.items()]


def _may_be(less: Item, added: list[Item], arc: Element) -> list[Item]:
    """Return the terms among `added` of which exactly one is `less`, whatever its variables."""
    flat = _leaves(less)
    equal: list[Item] = []
    open_places: set[int] = set()
    for item in added:
        pairs = list(enumerate(zip(_leaves(item), flat, strict=True)))
        if any(_differ(one, other) for _, (one, other) in pairs):
            continue
        unlike = {n for n, (one, other) in pairs if one != other}
        if any(not isinstance(pairs[n][1][0], Constant) for n in unlike):
            raise _unsure(arc)
        open_places |= unlike
        equal.append(item)
    if len(equal) != prod(sort_of(flat[place]).size for place in open_places):
        raise _unsure(arc)
    return equal


def _unsure(arc: Element) -> Unreadable:
    expected = "a subtraction from all values, or of a term that is added too"
    return Unreadable(arc, expected, "one that may take what is not there", "Guard the transition.")


def _leaves(item: Item) -> list[Constant | Variable]:
    if isinstance(item, Tuple):
        return [leaf for part in item.parts for leaf in _leaves(part)]
    return [item]


def _differ(one: Constant | Variable, other: Constant | Variable) -> bool:
    """Tell whether two terms are never equal: different constants, or x and a successor of x."""
    if isinstance(one, Constant) and isinstance(other, Constant):
        return one.value != other.value
    if isinstance(one, Variable) and isinstance(other, Variable) and one.name == other.name:
        return one.steps != other.steps
    return False
