"""Unfolds coloured pages into a flat net: one field per colour value that may ever occur.

The values are found by firing without ever taking tokens away (the relaxed net), to a fixpoint:
that is every value a run can bring, and sometimes more, which costs fields but no exactness.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice, product

import msgspec

from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.colour import ColourSet
from fabloop.process.cpn.compiled import CompiledNet, CompiledTransition, Found, Make, Part, Parts
from fabloop.process.cpn.model import ProductColour, RecordColour, UnitColour
from fabloop.process.cpn.token import UNIT, Record, Token
from fabloop.process.cpn.unknown import UNKNOWN, Undecided, every_way, is_unknown
from fabloop.process.verify.flat import (
    Bound,
    BoundKind,
    Exceeded,
    FlatPlace,
    FlatTransition,
    Limits,
)

START = Instant(0)


class Page(msgspec.Struct, kw_only=True, eq=False):
    """One page, or a stand-alone net: its places' keys and what unfolding found.

    Attributes
    ----------
    keys : per place, what its fields are called; fusion places share a key
    local : fields that are cleared with the page
    firing : fields of work in progress, each with the tokens it took of shared places
    works : the same fields by the transition that is in progress
    transitions : numbers of its flat transitions
    single : whether every firing moves exactly one local token
    """

    net: CompiledNet
    prefix: str
    keys: tuple[Hashable, ...]
    shared: frozenset[int]
    lenient: tuple[tuple[Parts, Make], ...]
    local: dict[int, None]
    firing: dict[int, dict[int, int]]
    works: dict[str, list[int]]
    transitions: list[int]
    single: bool = True


class Unfolding:
    """Fields and transitions of a flat net in the making."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.numbers: dict[Hashable, int] = {}
        self.names: list[str] = []
        self.initial: Counter[int] = Counter()
        self.transitions: list[FlatTransition] = []
        self.known: dict[Hashable, dict[Token, int]] = {}
        self.pages: list[Page] = []
        self.faulty: dict[int, None] = {}
        self._seen: set[Hashable] = set()
        self._looked = 0

    def field(self, key: Hashable, name: str) -> int:
        """Return the number of a field, made when first asked for."""
        number = self.numbers.setdefault(key, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def add(self, transition: FlatTransition) -> int:
        """Append a transition and return its number."""
        if len(self.transitions) >= self.limits.bindings:
            raise Exceeded(f"more than {self.limits.bindings} bindings, at {transition.label!r}")
        number = len(self.transitions)
        self.transitions.append(msgspec.structs.replace(transition, steps=(number,)))
        return number

    def page(
        self, net: CompiledNet, prefix: str, keys: Sequence[Hashable], shared: frozenset[int]
    ) -> Page:
        """Register a page; its places' tokens are given by `token_field`."""
        made = Page(
            net=net, prefix=prefix, keys=tuple(keys), shared=shared, local={}, firing={}, works={},
            lenient=tuple(each.lenient() for each in net.transitions), transitions=[],
        )  # fmt: skip
        self.pages.append(made)
        return made

    def token_field(self, page: Page, place: int, value: Token) -> int:
        """Return the field of a value on a place, which may from now on occur there."""
        key = page.keys[place]
        values = self.known.setdefault(key, {})
        if value not in values:
            if len(values) >= self.limits.values:
                name = page.net.places[place].name
                raise Exceeded(f"more than {self.limits.values} values on place {name!r}")
            name = f"{page.prefix}{page.net.places[place].name}"
            self._look(
                page.net.places[place].name, len(value) if isinstance(value, tuple | str) else 1
            )
            shown = "" if isinstance(value, tuple) and not value else f"={value!r:.60}"
            values[value] = self.field((key, "value", len(values)), name + shown)
        number = values[value]
        if place not in page.shared:
            page.local[number] = None
        return number

    def initial_fields(self, page: Page, *, shared: bool) -> Counter[int]:
        """Return the initial tokens of the page's own, or of its shared, places."""
        return Counter(
            self.token_field(page, number, value)
            for number, place in enumerate(page.net.places)
            if (number in page.shared) == shared
            for value, _ in place.initial
        )

    def known_fields(self, page: Page, places: frozenset[int]) -> list[int]:
        """Return the fields of all values that may stand on the given places."""
        return [
            field
            for place in sorted(places)
            for field in self.known.get(page.keys[place], {}).values()
        ]

    def close(self) -> None:
        """Fire the pages' transitions, never taking tokens away, until no value is new."""
        done: dict[tuple[int, int], tuple[int, ...]] = {}
        changed = True
        while changed:
            changed = False
            for page_number, page in enumerate(self.pages):
                for number, transition in enumerate(page.net.transitions):
                    sizes = tuple(
                        len(self.known.get(page.keys[place], ())) for place in transition.takes
                    )
                    before = done.get((page_number, number))
                    if before == sizes:
                        continue
                    done[page_number, number] = sizes
                    changed = True
                    lone = transition.counts == (1,)  # then a known token has nothing new to join
                    known = before[0] if before is not None and lone else 0
                    self._fire_all(page, number, transition, known=known)

    def _fire_all(
        self, page: Page, number: int, transition: CompiledTransition, *, known: int
    ) -> None:
        parts, make = page.lenient[number]
        marking = self._everything(page, transition, known)
        try:
            for variables, consumed in self._combinations(parts, marking, transition.name):
                taken = tuple((place, value) for place, value, _ in consumed)
                key = (id(page), number, taken, tuple(sorted(variables.items(), key=_by_name)))
                if key in self._seen:
                    continue
                self._seen.add(key)
                if len(self._seen) > self.limits.bindings:
                    raise Exceeded(
                        f"more than {self.limits.bindings} bindings, at {transition.name!r}"
                    )
                self._binding(page, transition, variables, taken, make)
        except Undecided:
            where = f"{page.prefix}{transition.name}"
            raise Exceeded(f"what '{where}' does hangs on data known only at run time") from None
        except Invalid as invalid:
            raise Exceeded(f"an inscription fails: {invalid.faults[0].sentence()}") from invalid

    def _combinations(self, parts: Parts, marking: Sequence[Bag], name: str) -> Iterator[Found]:
        for combination in product(*(self._distinct(part, marking, name) for part in parts)):
            self._look(name)
            variables: dict[str, object] = {}
            for bound, _ in combination:
                variables |= bound
            yield variables, tuple(token for _, consumed in combination for token in consumed)

    def _distinct(self, part: Part, marking: Sequence[Bag], name: str) -> list[Found]:
        seen: dict[Hashable, Found] = {}
        for variables, consumed in part(marking, START):
            self._look(name)
            seen.setdefault((tuple(variables.items()), consumed), (variables, consumed))
        return list(seen.values())

    def _look(self, name: str, parts: int = 1) -> None:
        self._looked += parts
        if self._looked > self.limits.looks:
            raise Exceeded(
                f"more than {self.limits.looks} looks at bindings and parts of values, at {name!r}"
            )

    def _everything(self, page: Page, transition: CompiledTransition, known: int) -> list[Bag]:
        copies: Counter[int] = Counter()
        for place, count in zip(transition.takes, transition.counts, strict=True):
            copies[place] += count or 1  # an arc that takes several tokens looks at each value
        bags = [Bag() for _ in page.net.places]
        for place, count in copies.items():
            bags[place].values = [
                value
                for value in islice(self.known.get(page.keys[place], ()), known, None)
                for _ in range(count)
            ]
            bags[place].times = [START] * len(bags[place].values)
        return bags

    def _binding(
        self,
        page: Page,
        transition: CompiledTransition,
        variables: dict[str, object],
        taken: tuple[tuple[int, Token], ...],
        make: Make,
    ) -> None:
        pre = Counter(self.token_field(page, place, value) for place, value in taken)
        shown = ", ".join(f"{name}={value!r:.40}" for name, value in variables.items())
        element = f"{page.prefix}{transition.name}"
        label = f"{element}({shown})" if shown else element
        posts = [
            self._post(page, element, produced)
            for produced in every_way(lambda: make(variables, UNKNOWN, START))
        ]
        ways = [post for n, post in enumerate(posts) if post not in posts[:n]]
        page.single = page.single and _one(pre, page) and all(_one(post, page) for post in ways)
        if transition.work is None:
            for post in ways:
                self._instant(
                    page, FlatTransition(label=label, elements=(element,), pre=pre, post=post)
                )
            return
        key = (id(page), "firing", len(self.transitions))
        firing = self.field(key, f"{label} in progress")
        local = set(page.local)
        page.works.setdefault(element, []).append(firing)
        page.firing[firing] = {f: n for f, n in pre.items() if f not in local}
        self._instant(page, FlatTransition(label=f"{label} begins", pre=pre, post={firing: 1}))
        page.local[firing] = None
        for post in ways:
            self._instant(
                page, FlatTransition(label=label, elements=(element,), pre={firing: 1}, post=post)
            )

    def _instant(self, page: Page, transition: FlatTransition) -> None:
        page.transitions.append(self.add(transition))

    def _post(
        self, page: Page, element: str, produced: Sequence[tuple[int, Token, Instant]]
    ) -> dict[int, int]:
        post: Counter[int] = Counter()
        for place, value, _ in produced:
            colour = page.net.places[place].colour
            if not _may_hold_unknown(value) and not colour.admits(value):
                name = f"{element} put {value!r:.60} which is not of colour {colour.name}"
                fault = self.field(("fault", element, place), name)
                self.faulty[fault] = None
                return {fault: 1}
            post[self.token_field(page, place, value)] += 1
        return dict(post)

    def places(self) -> list[FlatPlace]:
        """Return the places of all pages, shared ones once, and the work in progress."""
        found: dict[Hashable, FlatPlace] = {}
        for page in self.pages:
            for place, key in zip(page.net.places, page.keys, strict=True):
                fields = tuple(self.known.get(key, {}).values())
                found[key] = FlatPlace(f"{page.prefix}{place.name}", fields)
            for name, firing in page.works.items():
                found[id(page), name] = FlatPlace(f"{name} in progress", tuple(firing))
        return list(found.values())

    def capacities(self) -> list[Bound]:
        """Return the declared capacities of all places, shared ones once."""
        bounds: dict[Hashable, Bound] = {}
        for page in self.pages:
            for place, key in zip(page.net.places, page.keys, strict=True):
                fields = tuple(self.known.get(key, {}).values())
                if place.capacity is not None and fields:
                    bounds[key] = Bound(
                        name=f"{page.prefix}{place.name}", kind=BoundKind.CAPACITY,
                        fields=fields, most=place.capacity,
                    )  # fmt: skip
        return list(bounds.values())


def entry_token(colour: ColourSet) -> Token:
    """Return a token of which only the form is known: what a process brings to a page."""
    match colour.colour:
        case UnitColour():
            return UNIT
        case RecordColour(open=False):
            return Record((name, entry_token(part)) for name, part in sorted(colour.parts.items()))
        case ProductColour():
            return tuple(entry_token(part) for part in colour.parts.values())
        case _:
            return UNKNOWN  # type: ignore[return-value]  # stands for any token of the colour


def _by_name(item: tuple[str, object]) -> str:
    return item[0]


def _one(tokens: dict[int, int], page: Page) -> bool:
    return sum(count for field, count in tokens.items() if field in page.local) == 1


def _may_hold_unknown(value: object) -> bool:
    match value:
        case tuple():
            return any(_may_hold_unknown(each) for each in value)
        case dict():
            return any(_may_hold_unknown(each) for each in value.values())
        case _:
            return is_unknown(value)
