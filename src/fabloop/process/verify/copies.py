"""Finds tokens of a flat net that are interchangeable, such as orders of one variant.

Two tokens that a place holds at the start, or that one firing puts there, are alike if following
one through the net shows the same, transition by transition, as following the other: each then has
a *copy* of the same fields to itself, of which one holds its token. That is found on the unfolded
net, whatever its inscriptions say, and every condition is checked there.
"""

from collections.abc import Iterable, Iterator

import msgspec

from fabloop.process.verify.flat import FlatNet, FlatTransition

LOOKS_MAX = 200_000
"""Transitions that are compared in search of interchangeable tokens."""


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """Interchangeable tokens: per token, its fields and transitions in corresponding order."""

    place: str
    fields: tuple[tuple[int, ...], ...]
    transitions: tuple[tuple[int, ...], ...]


def find_copies(net: FlatNet) -> Copies | None:
    """Return the first set of two or more interchangeable tokens; None where there is none."""
    search = _Search(net)
    for place, tokens in search.seeds():
        left = tokens
        while len(left) > 1:
            first, *others = left
            found = [(search.follow(first, other), other) for other in others]
            follows = [follow for follow, _ in found if follow is not None]
            alike = [other for follow, other in found if follow is not None]
            if follows:
                copies = search.copies(place, first, follows)
                if copies is not None:
                    return copies
            left = [other for other in others if other not in alike]
    return None


Follow = tuple[dict[int, int], dict[int, int]]
"""Field to field, and transition to transition, of one token and another that is alike."""


class _Search:
    def __init__(self, net: FlatNet) -> None:
        self.net = net
        self.place_of = {field: n for n, place in enumerate(net.places) for field in place.fields}
        self.takers: dict[int, list[int]] = {}
        self.touching: dict[int, set[int]] = {}
        self.by_pre: dict[object, list[int]] = {}
        self.looked = 0
        self.put_back = {refund.to for each in net.transitions for refund in each.refunds}
        self.put_back |= {field for each in net.transitions for field in each.post}
        for number, each in enumerate(net.transitions):
            for field in each.pre:
                self.takers.setdefault(field, []).append(number)
            for field in (*each.pre, *each.post):
                self.touching.setdefault(field, set()).add(number)
            self.by_pre.setdefault(_signature(each, each.pre), []).append(number)

    def seeds(self) -> Iterator[tuple[str, list[int]]]:
        """Yield sets of tokens that may be alike: on one place at the start, or put there once."""
        for place in self.net.places:
            yield place.name, [field for field in place.fields if self.net.initial[field] == 1]
        for number, each in enumerate(self.net.transitions):
            if len(each.post) > 1 and self._once(number):
                put: dict[int, list[int]] = {}
                for field, count in each.post.items():
                    if count == 1 and field in self.place_of:
                        put.setdefault(self.place_of[field], []).append(field)
                for number_of, fields in put.items():
                    yield self.net.places[number_of].name, fields

    def _once(self, number: int) -> bool:
        """Tell whether a transition can fire at most once, for what it takes never comes back."""
        each = self.net.transitions[number]
        return any(
            count > self.net.initial[field] - count and field not in self.put_back
            for field, count in each.pre.items()
        )

    def follow(self, one: int, other: int) -> Follow | None:
        """Return how the one token corresponds to the other; None if they are not alike."""
        fields: dict[int, int] = {one: other}
        transitions: dict[int, int] = {}
        todo = [one]
        while todo:
            field = todo.pop()
            for number in self.takers.get(field, ()):
                if fields[field] in self.net.transitions[number].pre:
                    continue  # it takes from both; what that means is looked at in the end
                self.looked += 1
                if self.looked > LOOKS_MAX:
                    return None
                transition = self.net.transitions[number]
                image = self._image(number, transition, field, fields[field])
                if image is None or not transition.plain:
                    return None
                transitions[number] = image
                new = self._difference(transition, self.net.transitions[image])
                if new is None:
                    return None
                for here, there in new:
                    if here not in fields:
                        fields[here] = there
                        todo.append(here)
                    elif fields[here] != there:
                        return None
        return fields, transitions

    def _image(self, number: int, transition: FlatTransition, field: int, image: int) -> int | None:
        """Return the transition that does with `image` what this does with `field`."""
        if transition.pre[field] != 1:
            return None
        pre = {image if each == field else each: n for each, n in transition.pre.items()}
        here = self.by_pre[_signature(transition, transition.pre)]
        there = self.by_pre.get(_signature(transition, pre), [])
        return there[here.index(number)] if len(here) == len(there) else None

    def _difference(
        self, one: FlatTransition, other: FlatTransition
    ) -> list[tuple[int, int]] | None:
        """Return the field, of at most one, in which two transitions put differently."""
        here = [field for field in one.post if one.post[field] != other.post.get(field, 0)]
        there = [field for field in other.post if other.post[field] != one.post.get(field, 0)]
        if not here and not there:
            return []
        if len(here) != 1 or len(there) != 1:
            return None
        (mine,), (yours,) = here, there
        same = self.place_of.get(mine) == self.place_of.get(yours) is not None
        alone = one.post[mine] == other.post[yours] == 1 and mine not in other.post
        return [(mine, yours)] if same and alone else None

    def copies(self, place: str, first: int, follows: list[Follow]) -> Copies | None:
        """Return the copies if every condition for merging them holds."""
        order = list(dict.fromkeys(field for fields, _ in follows for field in fields))
        moves = list(dict.fromkeys(number for _, moved in follows for number in moved))
        fields = [tuple(order)]
        transitions = [tuple(moves)]
        for to, moved in follows:
            if len(to) != len(order) or len(moved) != len(moves):
                return None
            fields.append(tuple(to[field] for field in order))
            transitions.append(tuple(moved[number] for number in moves))
        copies = Copies(place=place, fields=tuple(fields), transitions=tuple(transitions))
        fine = self._apart(copies, first) and self._unnoticed(copies)
        return copies if fine else None

    def _apart(self, copies: Copies, first: int) -> bool:
        """Tell whether each token moves alone, in fields of its own, with the same freedom."""
        owner = {field: k for k, own in enumerate(copies.fields) for field in own}
        if len(owner) != len(copies.fields) * len(copies.fields[0]):
            return False
        together = self._together(copies, first)
        if together is None:
            return False
        for k, own in enumerate(copies.fields):
            touching = {number for field in own for number in self.touching.get(field, ())}
            if touching - together != set(copies.transitions[k]):
                return False
            for number in touching - together:
                each = self.net.transitions[number]
                taken = [field for field in each.pre if field in owner]
                put = [field for field in each.post if field in owner]
                if len(taken) != 1 or len(put) > 1 or {owner[f] for f in (*taken, *put)} != {k}:
                    return False
                if any(each.pre.get(f, 1) != 1 or each.post.get(f, 1) != 1 for f in (*taken, *put)):
                    return False
        return True

    def _together(self, copies: Copies, first: int) -> set[int] | None:
        """Return the transitions that move all tokens at once; None where a copy may hold two.

        Each copy holds one token at the start, or gets one by the one firing that makes them.
        """
        classes = [frozenset(each) for each in zip(*copies.fields, strict=True)]
        every = frozenset().union(*classes)
        together: set[int] = set()
        makers: list[int] = []
        for number in {n for field in every for n in self.touching.get(field, ())}:
            each = self.net.transitions[number]
            sides = [{f for f in side if f in every} for side in (each.pre, each.post)]
            if not each.plain or any(side and side not in classes for side in sides):
                continue
            if any(each.pre.get(f, 1) != 1 or each.post.get(f, 1) != 1 for f in every):
                continue
            together.add(number)
            if not sides[0]:
                makers.append(number)
        held = {field for field in every if self.net.initial[field]}
        seeded = held == {own[copies.fields[0].index(first)] for own in copies.fields}
        ones = all(self.net.initial[field] == 1 for field in held)
        made = not held and len(makers) == 1 and self._once(makers[0])
        return together if (seeded and ones and not makers) or made else None

    def _unnoticed(self, copies: Copies) -> bool:
        """Tell whether all else that looks at fields looks at all copies alike."""
        net = self.net
        classes = [frozenset(each) for each in zip(*copies.fields, strict=True)]
        moved = {n for moves in copies.transitions for n in moves}
        every = frozenset().union(*classes)
        groups: list[Iterable[int]] = [net.final.empty, *net.final.places]
        groups += [bound.fields for bound in net.bounds]
        groups += [place.fields for place in net.places]
        for each in net.transitions:
            if not each.plain:
                groups += [each.zero, each.clears]
                if any(refund.held in every or refund.to in every for refund in each.refunds):
                    return False
                if any(field in every for field, _ in each.leftover) or each.yields & moved:
                    return False
        equal = net.final.equal
        if any(len({equal.get(field) for field in each}) > 1 for each in classes):
            return False
        return all(_closed(frozenset(group) & every, classes) for group in groups)


def _closed(group: frozenset[int], classes: Iterable[frozenset[int]]) -> bool:
    return not group or all(not group & each or each <= group for each in classes)


def _signature(transition: FlatTransition, pre: dict[int, int]) -> object:
    return transition.elements, frozenset(pre.items())
