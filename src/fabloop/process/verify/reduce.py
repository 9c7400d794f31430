"""Makes a flat net smaller without changing any verdict.

Rules: pre- and post-agglomeration of transitions around a place, of which series fusion is the
simplest case; identical (parallel) places; places that only loop; identical transitions. They
keep deadlocks, final markings and bounds under side conditions that are stated at each rule.

Zero tests and clearing narrow them: a place may only be taken out if whatever tests or clears it
treats the places that hold the token instead in the same way (`_same_fate`).

Notes
-----
Source: T. Murata, "Petri nets: properties, analysis and applications", Proc. IEEE 77 (1989),
section V; G. Berthelot, "Transformations and decompositions of nets", LNCS 254 (1987).
"""

from collections.abc import Mapping

import msgspec

from fabloop.process.verify.flat import BoundKind, Final, FlatNet, FlatTransition, Refund

PASSES_MAX = 1_000


def reduce(net: FlatNet) -> FlatNet:
    """Return a net with the same verdicts; its transitions carry the original ones as `steps`."""
    reduction = _Reduction(net)
    reduction.run()
    return reduction.result()


class _Reduction:
    def __init__(self, net: FlatNet) -> None:
        self.net = net
        self.initial = dict(enumerate(net.initial))
        self.transitions: dict[int, FlatTransition] = dict(enumerate(net.transitions))
        self.next = len(net.transitions)
        self.takers: dict[int, set[int]] = {field: set() for field in self.initial}
        self.putters: dict[int, set[int]] = {field: set() for field in self.initial}
        for number, each in self.transitions.items():
            self._link(number, each)
        self.special = {n for n, each in self.transitions.items() if not each.plain}
        self.safe = {b.fields[0] for b in net.bounds if b.kind is BoundKind.SAFE}
        self.empty = set(net.final.empty)
        self.read = frozenset(field for group in net.final.places for field in group)
        self.kept = self._kept()
        self.resting = {n for each in net.transitions for n in each.yields} | {
            n for n, each in self.transitions.items() if each.yields
        }
        self.stirring = {field for n in self.resting for field in (*self.transitions[n].pre,)}

    def _kept(self) -> frozenset[int]:
        """Return the fields that are looked at otherwise than by taking and putting."""
        net = self.net
        kept = set(net.final.equal) | set(self.read)
        for bound in net.bounds:
            if bound.kind is not BoundKind.SAFE:
                kept.update(bound.fields)
        for each in net.transitions:
            kept.update(field for field, _ in each.leftover)
            kept.update(refund.to for refund in each.refunds)
        return frozenset(kept)

    # -- bookkeeping --------------------------------------------------------------------------

    def _link(self, number: int, transition: FlatTransition) -> None:
        for field in transition.pre:
            self.takers[field].add(number)
        for field in transition.post:
            self.putters[field].add(number)

    def _drop(self, number: int) -> FlatTransition:
        transition = self.transitions.pop(number)
        for field in transition.pre:
            self.takers[field].discard(number)
        for field in transition.post:
            self.putters[field].discard(number)
        self.special.discard(number)
        return transition

    def _append(self, transition: FlatTransition) -> None:
        number, self.next = self.next, self.next + 1
        self.transitions[number] = transition
        self._link(number, transition)
        if not transition.plain:
            self.special.add(number)

    def _forget(self, field: int) -> None:
        """Take a field out of the net, and out of every test and clearing."""
        for number in self.takers.pop(field) | self.putters.pop(field):
            each = self.transitions[number]
            self.transitions[number] = msgspec.structs.replace(
                each, pre=_without(each.pre, field), post=_without(each.post, field)
            )
        for number in self.special:
            each = self.transitions[number]
            if field in each.zero or field in each.clears:
                self.transitions[number] = msgspec.structs.replace(
                    each,
                    zero=each.zero - {field},
                    clears=each.clears - {field},
                    refunds=tuple(refund for refund in each.refunds if refund.held != field),
                )
        del self.initial[field]

    # -- rules --------------------------------------------------------------------------------

    def run(self) -> None:
        for _ in range(PASSES_MAX):
            before = (len(self.initial), len(self.transitions))
            for field in list(self.initial):
                if field in self.initial and not self._loops(field) and not self._after(field):
                    self._before(field)
            self._same_places()
            self._same_transitions()
            if before == (len(self.initial), len(self.transitions)):
                return

    def _loops(self, field: int) -> bool:
        """Remove a place that every transition only borrows from and that always holds enough."""
        others = self.kept - set(self.net.final.equal)
        if field in others or field in self.stirring or self._tested(field):
            return False
        for number in self.takers[field] | self.putters[field]:
            each = self.transitions[number]
            count = each.pre.get(field, 0)
            if count != each.post.get(field, 0) or count > self.initial[field]:
                return False
        if field in self.safe and self.initial[field] > 1:
            return False
        if self.net.final.equal.get(field, self.initial[field]) != self.initial[field]:
            return False
        if field in self.empty and self.initial[field]:
            return False
        self._forget(field)
        return True

    def _tested(self, field: int) -> bool:
        return any(
            field in self.transitions[n].zero
            or field in self.transitions[n].clears
            or any(refund.to == field for refund in self.transitions[n].refunds)
            for n in self.special
        )

    def _candidate(self, field: int) -> bool:
        return not (
            self.initial[field]
            or field in self.kept
            or field in self.stirring
            or not self.takers[field]
            or not self.putters[field]
            or self.takers[field] & self.putters[field]
            or self.resting & (self.takers[field] | self.putters[field])
        )

    def _after(self, field: int) -> bool:
        """Post-agglomeration: what only needs a token of this place happens at once.

        Every taker needs nothing else, so no other firing can prevent or need to precede it.
        """
        if not self._candidate(field):
            return False
        takers = [self.transitions[n] for n in sorted(self.takers[field])]
        putters = sorted(self.putters[field])
        if len(takers) > 1 and len(putters) > 1:
            return False
        if any(each.pre != {field: 1} or not each.plain for each in takers):
            return False
        if any(self.transitions[n].post[field] != 1 for n in putters):
            return False
        if field in self.safe and not any(self.safe & each.post.keys() for each in takers):
            return False
        if not all(self._moves(field, each.post) for each in takers):
            return False
        for number in sorted(self.takers[field]):
            self._drop(number)
        for number in putters:
            first = self._drop(number)
            for then in takers:
                self._append(_joined(first, then, first.pre, _plus(first.post, then.post, field)))
        self._forget(field)
        return True

    def _before(self, field: int) -> bool:  # noqa: PLR0911  # one per side condition
        """Pre-agglomeration: what only fills this place waits until the token is taken.

        Nothing else takes from where it takes, so waiting prevents nothing.
        """
        if not self._candidate(field) or len(self.putters[field]) != 1:
            return False
        (number,) = self.putters[field]
        first = self.transitions[number]
        if first.post != {field: 1} or not first.plain or not first.pre:
            return False
        if any(self.takers[source] != {number} for source in first.pre):
            return False
        if self.kept & first.pre.keys():
            return False
        if field in self.safe and not self.safe & first.pre.keys():
            return False
        takers = [self.transitions[n] for n in sorted(self.takers[field])]
        for each in takers:
            if each.pre[field] != 1 or each.zero & {field, *first.pre}:
                return False
            if first.elements and not each.elements:
                return False
        if not self._moves(field, first.pre) or not self._blocks(field, first.pre):
            return False
        numbers = sorted(self.takers[field])
        self._drop(number)
        for taker in numbers:
            then = self._drop(taker)
            self._append(_joined(first, then, _plus(then.pre, first.pre, field), then.post))
        self._forget(field)
        return True

    def _moves(self, field: int, holders: Mapping[int, int]) -> bool:
        """Tell whether tokens may stand on `holders` instead of on `field`, unnoticed."""
        if self.read & holders.keys() or self.stirring & holders.keys():
            return False
        if field not in self.empty and self.empty & holders.keys():
            return False
        return all(_same_fate(self.transitions[n], field, holders) for n in self.special)

    def _blocks(self, field: int, holders: Mapping[int, int]) -> bool:
        """Tell whether whatever needs `field` to be empty also needs one of `holders` to be.

        A token that waits there may wait for ever, and must prevent the same.
        """
        tests = [self.empty, *(self.transitions[n].zero for n in self.special)]
        return all(test & holders.keys() for test in tests if field in test)

    def _same_places(self) -> None:
        """Keep one of several places that always hold the same."""
        seen: dict[object, int] = {}
        for field in list(self.initial):
            if field in self.kept or field in self.stirring:
                continue
            touching = sorted(self.takers[field] | self.putters[field])
            key = (
                self.initial[field],
                tuple(
                    (n, self.transitions[n].pre.get(field), self.transitions[n].post.get(field))
                    for n in touching
                ),
                tuple(sorted(n for n in self.special if field in self.transitions[n].clears)),
            )
            held = any(r.held == field for n in self.special for r in self.transitions[n].refunds)
            if not touching or held:
                continue
            other = seen.setdefault(key, field)
            if other != field:
                keep, drop = (field, other) if field in self.safe else (other, field)
                self._stands_for(keep, drop)
                seen[key] = keep

    def _stands_for(self, keep: int, drop: int) -> None:
        """Let one place be tested wherever another was that always holds the same."""
        if drop in self.empty:
            self.empty.add(keep)
        for number in self.special:
            each = self.transitions[number]
            if drop in each.zero:
                zero = each.zero | {keep}
                self.transitions[number] = msgspec.structs.replace(each, zero=zero)
        self._forget(drop)

    def _same_transitions(self) -> None:
        """Keep one of several transitions that do the same, and none that does nothing."""
        seen: dict[object, int] = {}
        for number in sorted(self.transitions):
            each = self.transitions[number]
            if number in self.resting or not each.plain:
                continue
            same = (frozenset(each.pre.items()), frozenset(each.post.items()))
            self._merge(seen, same, number)
        by_pre: dict[object, int] = {}
        idle: list[tuple[object, int]] = []
        for number, each in self.transitions.items():
            pre: object = frozenset(each.pre.items())
            if each.plain and each.pre == each.post and number not in self.resting:
                idle.append((pre, number))
            elif each.plain and number not in self.resting:
                by_pre.setdefault(pre, number)
        for key, number in idle:
            if key in by_pre:
                self._merge(by_pre, key, number)

    def _merge(self, seen: dict[object, int], key: object, number: int) -> None:
        first = seen.setdefault(key, number)
        if first == number:
            return
        other = self._drop(number)
        one = self.transitions[first]
        elements = tuple(dict.fromkeys((*one.elements, *other.elements)))
        self.transitions[first] = msgspec.structs.replace(one, elements=elements)

    # -- result -------------------------------------------------------------------------------

    def result(self) -> FlatNet:
        """Return what is left, numbered anew."""
        net = self.net
        number = {field: n for n, field in enumerate(self.initial)}
        place = {old: n for n, old in enumerate(self.transitions)}
        final = Final(
            empty=frozenset(number[f] for f in self.empty if f in number),
            equal={number[f]: count for f, count in net.final.equal.items() if f in number},
            test=net.final.test,
            places=tuple(tuple(number[f] for f in group) for group in net.final.places),
            stated=net.final.stated,
        )
        return FlatNet(
            fields=tuple(net.fields[field] for field in number),
            initial=tuple(self.initial.values()),
            transitions=tuple(_renumbered(t, number, place) for t in self.transitions.values()),
            bounds=tuple(
                msgspec.structs.replace(bound, fields=tuple(number[f] for f in bound.fields))
                for bound in net.bounds
                if all(field in number for field in bound.fields)
            ),
            final=final,
            elements=net.elements,
        )


def _same_fate(test: FlatTransition, field: int, holders: Mapping[int, int]) -> bool:
    """Tell whether a token on `field` means the same to a test or clearing as on `holders`.

    Where the field must be empty, no token can be under way when it fires: nothing differs.
    """
    if field in test.zero:
        return True
    if test.zero & holders.keys():
        return False
    if field not in test.clears:
        return not test.clears & holders.keys()
    stays = {holder: count for holder, count in holders.items() if holder not in test.clears}
    back = {refund.to: refund.count for refund in test.refunds if refund.held == field}
    held = {refund.held for refund in test.refunds}
    return stays == back and not held & holders.keys()


def _joined(
    first: FlatTransition, then: FlatTransition, pre: dict[int, int], post: dict[int, int]
) -> FlatTransition:
    """Return `first` and `then` as one; at most one of them tests or clears."""
    special = first if not first.plain else then
    return msgspec.structs.replace(
        special,
        label=f"{first.label}, {then.label}",
        elements=tuple(dict.fromkeys((*first.elements, *then.elements))),
        pre=pre,
        post=post,
        steps=first.steps + then.steps,
    )


def _plus(one: Mapping[int, int], other: Mapping[int, int], but: int) -> dict[int, int]:
    total = {field: count for field, count in one.items() if field != but}
    for field, count in other.items():
        total[field] = total.get(field, 0) + count
    return total


def _without(tokens: dict[int, int], field: int) -> dict[int, int]:
    return {each: count for each, count in tokens.items() if each != field}


def _renumbered(
    transition: FlatTransition, number: Mapping[int, int], place: Mapping[int, int]
) -> FlatTransition:
    return msgspec.structs.replace(
        transition,
        pre={number[f]: count for f, count in transition.pre.items()},
        post={number[f]: count for f, count in transition.post.items()},
        zero=frozenset(number[f] for f in transition.zero),
        clears=frozenset(number[f] for f in transition.clears),
        refunds=tuple(Refund(number[r.held], number[r.to], r.count) for r in transition.refunds),
        leftover=tuple((number[f], count) for f, count in transition.leftover),
        yields=frozenset(place[n] for n in transition.yields),
    )
