"""Alternative routings: which operations exclude each other, and what one choice leaves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from itertools import product as cartesian

import msgspec

from fabloop.model.ids import OperationId
from fabloop.model.product import Alternative, ConfiguredProduct, RoutingOption

Inputs = Mapping[OperationId, Sequence[OperationId]]
Groups = tuple[tuple[OperationId, ...], ...]


class RoutingFault(msgspec.Struct, frozen=True):
    """What keeps an alternative from being one; the indices tell which, and which option if one."""

    alternative: int
    option: int | None
    expected: str
    found: str
    hint: str = ""


class Exclusion:
    """Tells which operations can never be carried out together."""

    def __init__(self, alternatives: Sequence[Alternative]) -> None:
        self._options: dict[OperationId, dict[int, int]] = {}
        for number, alternative in enumerate(alternatives):
            for index, option in enumerate(alternative.options):
                for each in option.operations:
                    self._options.setdefault(each, {})[number] = index

    def between(self, one: OperationId, other: OperationId) -> bool:
        """Tell whether both lie in different options of one alternative."""
        of_other = self._options.get(other, {})
        return any(
            of_other.get(alternative, index) != index
            for alternative, index in self._options.get(one, {}).items()
        )

    def groups(self, inputs: Sequence[OperationId]) -> Groups:
        """Return the inputs of an operation as groups of makers that exclude each other."""
        groups: list[list[OperationId]] = []
        for each in inputs:
            fitting = (group for group in groups if self.between(group[0], each))
            group = next(fitting, None)
            if group is None:
                groups.append([each])
            else:
                group.append(each)
        return tuple(tuple(group) for group in groups)


def makers(product: ConfiguredProduct) -> dict[OperationId, Groups]:
    """Return for each operation its inputs, each as the operations of which one makes it."""
    exclusion = Exclusion(product.alternatives)
    return {each.id: exclusion.groups(each.inputs) for each in product.operations}


def routed(product: ConfiguredProduct, choice: Mapping[str, str]) -> ConfiguredProduct:
    """Return the product with one option (by id) chosen of each alternative that then counts.

    What remains is an in-tree without alternatives. Of an alternative within an option that is
    not chosen, nothing has to be chosen.
    """
    gone = {
        operation
        for alternative in product.alternatives
        for option in alternative.options
        if option.id != choice.get(alternative.id, option.id)
        for operation in option.operations
    }
    kept = [each for each in product.operations if each.id not in gone]
    return msgspec.structs.replace(
        product,
        alternatives=(),
        operations=tuple(
            msgspec.structs.replace(
                each, inputs=tuple(source for source in each.inputs if source not in gone)
            )
            for each in kept
        ),
    )


def routings(product: ConfiguredProduct) -> Iterator[ConfiguredProduct]:
    """Yield the product with each choice among its alternatives, each way of working once."""
    seen: set[tuple[OperationId, ...]] = set()
    ids = [each.id for each in product.alternatives]
    options = [[option.id for option in each.options] for each in product.alternatives]
    for choice in cartesian(*options):
        found = routed(product, dict(zip(ids, choice, strict=True)))
        key = tuple(each.id for each in found.operations)
        if key not in seen:
            seen.add(key)
            yield found


def as_planned(product: ConfiguredProduct, planned: Collection[OperationId]) -> ConfiguredProduct:
    """Return the product with the options of which any operation is `planned`.

    Where none of an alternative is, its first option counts.
    """
    if not product.alternatives:
        return product
    choice = {}
    for alternative in product.alternatives:
        begun = (
            each for each in alternative.options if not set(planned).isdisjoint(each.operations)
        )
        choice[alternative.id] = next(begun, alternative.options[0]).id
    return routed(product, choice)


def takers_of(inputs: Inputs) -> dict[OperationId, list[OperationId]]:
    """Return for each operation those that take its output."""
    takers: dict[OperationId, list[OperationId]] = {}
    for operation, sources in inputs.items():
        for each in sources:
            takers.setdefault(each, []).append(operation)
    return takers


def routing_faults(inputs: Inputs, alternatives: Sequence[Alternative]) -> Iterator[RoutingFault]:
    """Yield what keeps the options from being exclusive ways with a common start and end."""
    takers = takers_of(inputs)
    exclusion = Exclusion(alternatives)
    yield from _nesting_faults(alternatives)
    for number, alternative in enumerate(alternatives):
        starts: list[frozenset[OperationId]] = []
        ends: list[Takers] = []
        for index, option in enumerate(alternative.options):
            inside = frozenset(option.operations)
            unknown = sorted(inside - inputs.keys())
            if unknown:
                yield RoutingFault(number, index, "operations of the product", _named(unknown))
                continue
            end = _takers(option, inside, takers, exclusion)
            if isinstance(end, _NoEnd):
                yield RoutingFault(number, index, COMMON_END, end.found, COMMON_END_HINT)
                continue
            starts.append(frozenset(s for each in inside for s in inputs[each] if s not in inside))
            ends.append(end)
        yield from _difference(number, starts, ends)


COMMON_END = "one last operation whose output one operation takes (the common end)"
COMMON_END_HINT = "Let the last operation of each option hand over to the same operation."


class _NoEnd(msgspec.Struct, frozen=True):
    found: str


Takers = tuple[OperationId, ...]
"""The operation that takes from an option; several where these are alternatives themselves."""


def _takers(
    option: RoutingOption,
    inside: frozenset[OperationId],
    takers: Mapping[OperationId, list[OperationId]],
    exclusion: Exclusion,
) -> Takers | _NoEnd:
    """Return what takes from the option, or what is there instead of one operation."""
    last = [each for each in option.operations if not inside & set(takers.get(each, ()))]
    leaving = [each for each in option.operations if set(takers.get(each, ())) - inside]
    ends = list(dict.fromkeys((*last, *leaving)))
    if len(ends) != 1:
        return _NoEnd(f"{len(ends)} that hand over: {_named(ends)}")
    outside = sorted(takers.get(ends[0], []))
    if not outside or not all(exclusion.between(*pair) for pair in combinations(outside, 2)):
        return _NoEnd(f"{_named(outside)} to take from {str(ends[0])!r}")
    return tuple(outside)


def _difference(
    number: int, starts: Sequence[frozenset[OperationId]], ends: Sequence[Takers]
) -> Iterator[RoutingFault]:
    """Yield that the options start or end at different operations."""
    if len(set(ends)) > 1:
        found = _named(sorted({each for end in ends for each in end}))
        yield RoutingFault(number, None, COMMON_END, found, COMMON_END_HINT)
    if len(set(starts)) > 1:
        yield RoutingFault(
            number,
            None,
            "options that take from the same operations",
            " or ".join(_named(sorted(each)) for each in dict.fromkeys(starts)),
            "Move what only one option takes into that option.",
        )


def _nesting_faults(alternatives: Sequence[Alternative]) -> Iterator[RoutingFault]:
    """Yield operations of two options, unless the one alternative lies within an option."""
    whole = [{op for option in each.options for op in option.operations} for each in alternatives]
    for number, alternative in enumerate(alternatives):
        seen: set[OperationId] = set()
        for index, option in enumerate(alternative.options):
            twice = sorted(seen & set(option.operations))
            if twice:
                yield RoutingFault(number, index, "operations of one option only", _named(twice))
            seen.update(option.operations)
        for other in range(number):
            shared = sorted(whole[number] & whole[other])
            nested = _lies_within(whole[number], alternatives[other])
            if shared and not nested and not _lies_within(whole[other], alternative):
                apart = f"an alternative apart from {alternatives[other].id!r}"
                found = f"{_named(shared)} in both"
                yield RoutingFault(number, None, f"{apart}, or within an option of it", found)


def _lies_within(operations: set[OperationId], alternative: Alternative) -> bool:
    return any(operations <= set(option.operations) for option in alternative.options)


def _named(operations: Sequence[OperationId]) -> str:
    return ", ".join(repr(str(each)) for each in operations) or "nothing"
