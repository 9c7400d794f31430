"""What a feature model allows at all: options that no variant can have, and the rules to blame."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import msgspec

from fabloop.model.product import Choice, Feature, FeatureRule, Group

RULES_LOOKED_AT_MAX = 1_000_000
"""How often the search for one product looks at a rule; what is then open counts as possible."""

Slot = tuple[str, str]
"""A decision: which option a feature has (the option left empty), or whether an option of an
``or`` feature is chosen."""
Domains = dict[Slot, tuple[str | None, ...]]
CHOSEN = "chosen"


class Dead(msgspec.Struct, frozen=True):
    """What no variant can have, and a minimal set of rules (by index) that keeps it out.

    Without an option it is the feature as a whole; without a feature there is no variant at all.
    """

    feature: str
    option: str
    rules: tuple[int, ...]


class _Exhausted(Exception):
    """The search was given up."""


class _Rule(msgspec.Struct, frozen=True):
    """A rule between two slots, each with the value that it speaks of."""

    when: Slot
    value: str
    other: Slot
    wanted: str
    requires: bool


class FeatureModel:
    """The features and rules of a family, ready to be searched."""

    def __init__(self, features: Sequence[Feature], rules: Sequence[FeatureRule]) -> None:
        self.features = {each.id: each for each in features}
        self._looks = 0
        self._rules = [self._encoded(each) for each in rules]
        self._domains: Domains = {}
        self._needed: list[tuple[Slot, ...]] = []
        for each in features:
            if each.group is Group.OR:
                slots = tuple((each.id, option) for option in each.options)
                self._domains.update((slot, (CHOSEN, None)) for slot in slots)
                if each.mandatory:
                    self._needed.append(slots)
            else:
                none = () if each.mandatory else (None,)
                self._domains[each.id, ""] = (*each.options, *none)

    def choices(self, given: Mapping[str, str] | None = None) -> dict[str, Choice] | None:
        """Return complete choices that hold the rules and have the `given` options, if any do.

        Where the search had to be given up, the answer is that of a search without rules.
        """
        try:
            found = self._search(range(len(self._rules)), given or {}, frozenset())
        except _Exhausted:
            found = self._search((), given or {}, frozenset())
        return None if found is None else self._as_choices(found)

    def dead(self) -> tuple[Dead, ...]:
        """Return what no variant can have, each with a minimal reason."""
        found: list[Dead] = []
        with suppress(_Exhausted):
            found.extend(self._dead(range(len(self._rules))))
        return tuple(found)

    def _dead(self, every: Sequence[int]) -> Iterator[Dead]:
        if self._search(every, {}, frozenset()) is None:
            yield Dead("", "", self._reason(every, {}))
            return
        seen: set[tuple[str, str]] = set()
        for feature in self.features.values():
            dead: list[str] = []
            for option in feature.options:
                if (feature.id, option) in seen:
                    continue
                found = self._search(every, {feature.id: option}, frozenset(seen))
                if found is None:
                    dead.append(option)
                else:
                    seen |= _options(found)
            if len(dead) == len(feature.options):
                rules = {r for option in dead for r in self._reason(every, {feature.id: option})}
                yield Dead(feature.id, "", tuple(sorted(rules)))
                continue
            for option in dead:
                yield Dead(feature.id, option, self._reason(every, {feature.id: option}))

    def _reason(self, rules: Sequence[int], given: Mapping[str, str]) -> tuple[int, ...]:
        """Return a minimal set of the rules that already keeps the given options out."""

        def clash(some: Sequence[int]) -> bool:
            return self._search(some, given, frozenset()) is None

        return blamed(rules, clash)

    def _encoded(self, rule: FeatureRule) -> _Rule:
        when, value = self._slot(*rule.when)
        other, wanted = self._slot(*rule.other)
        return _Rule(when, value, other, wanted, rule.kind == "requires")

    def _slot(self, feature: str, option: str) -> tuple[Slot, str]:
        if self.features[feature].group is Group.OR:
            return (feature, option), CHOSEN
        return (feature, ""), option

    def _search(
        self, rules: Sequence[int], given: Mapping[str, str], seen: frozenset[tuple[str, str]]
    ) -> Domains | None:
        """Return one value for each slot; options not yet `seen` are tried first."""
        start = dict(self._domains)
        for feature, option in given.items():
            slot, value = self._slot(feature, option)
            start[slot] = (value,)
        stack = [start]
        active = [self._rules[each] for each in rules]
        while stack:
            domains = stack.pop()
            if not self._narrowed(domains, active):
                continue
            open_ = [slot for slot, values in domains.items() if len(values) > 1]
            if not open_:
                return domains
            slot = min(open_, key=lambda each: len(domains[each]))
            latest_first = reversed(domains[slot])
            values = sorted(latest_first, key=lambda each: _told(slot, each) not in seen)
            stack.extend({**domains, slot: (value,)} for value in values)
        return None

    def _narrowed(self, domains: Domains, rules: Sequence[_Rule]) -> bool:
        """Take out of the domains what rules forbid; tell whether each keeps a value."""
        changed = True
        while changed:
            changed = False
            self._looks += len(rules) + 1
            if self._looks > RULES_LOOKED_AT_MAX:
                raise _Exhausted
            for rule in rules:
                for slot, values in _revised(rule, domains):
                    if not values:
                        return False
                    domains[slot] = values
                    changed = True
            for slots in self._needed:
                possible = [slot for slot in slots if CHOSEN in domains[slot]]
                if not possible:
                    return False
                if len(possible) == 1 and len(domains[possible[0]]) > 1:
                    domains[possible[0]] = (CHOSEN,)
                    changed = True
        return True

    def _as_choices(self, found: Domains) -> dict[str, Choice]:
        chosen: dict[str, Choice] = {}
        for feature in self.features.values():
            if feature.group is Group.OR:
                options = tuple(o for o in feature.options if found[feature.id, o][0] is not None)
                if options:
                    chosen[feature.id] = options
            else:
                option = found[feature.id, ""][0]
                if option is not None:
                    chosen[feature.id] = option
        return chosen


def blamed(rules: Sequence[int], clash: Callable[[Sequence[int]], bool]) -> tuple[int, ...]:
    """Return a smallest part of rules that clash, which clashes too (QuickXplain, Junker 2004)."""

    def explain(kept: list[int], open_: list[int], *, changed: bool) -> list[int]:
        if changed and clash(kept):
            return []
        if len(open_) <= 1:
            return open_
        half = len(open_) // 2
        first, second = open_[:half], open_[half:]
        of_second = explain(kept + first, second, changed=True)
        of_first = explain(kept + of_second, first, changed=bool(of_second))
        return of_first + of_second

    return tuple(sorted(explain([], list(rules), changed=True)))


def _revised(rule: _Rule, domains: Domains) -> Iterator[tuple[Slot, tuple[str | None, ...]]]:
    """Yield the slots of which the rule leaves less, with what it leaves."""
    when, other = domains[rule.when], domains[rule.other]
    applies = when == (rule.value,)
    if rule.requires:
        if applies and other != (rule.wanted,):
            yield rule.other, tuple(each for each in other if each == rule.wanted)
        elif rule.wanted not in other and rule.value in when:
            yield rule.when, tuple(each for each in when if each != rule.value)
    elif applies and rule.wanted in other:
        yield rule.other, tuple(each for each in other if each != rule.wanted)
    elif other == (rule.wanted,) and rule.value in when:
        yield rule.when, tuple(each for each in when if each != rule.value)


def _told(slot: Slot, value: str | None) -> tuple[str, str]:
    feature, option = slot
    return feature, option if value is not None and option else value or ""


def _options(found: Domains) -> set[tuple[str, str]]:
    return {_told(slot, values[0]) for slot, values in found.items() if values[0] is not None}
