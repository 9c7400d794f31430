"""Flattens the pages of a CPN Tools file into one net document."""

from collections import Counter

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.process.cpn.cpnxml_declarations import Declared, Faults
from fabloop.process.cpn.cpnxml_pages import RawArc, RawPage, RawPages, RawPlace, RawTransition
from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.hierarchy import PAGE_DEPTH_MAX, PAGES_MAX
from fabloop.process.cpn.ml.declare import tokens
from fabloop.process.cpn.ml.parse import parse_expression
from fabloop.process.cpn.ml.tree import Operation, free_names
from fabloop.process.cpn.model import (
    InitialToken,
    NetDocument,
    PlaceSpec,
    Put,
    Take,
    TransitionSpec,
)
from fabloop.process.cpn.token import thaw

TOKENS_MAX = 100_000


class Spot(msgspec.Struct, kw_only=True):
    """A place of the flat net: all the places of pages that are one."""

    name: str
    raw: RawPlace
    initial: str


class NetReader:
    """Expands the pages from the top; sockets and fusion sets join places."""

    def __init__(self, found: Declared, pages: RawPages, faults: Faults) -> None:
        self.found, self.pages, self.faults = found, pages, faults
        self.spots: dict[str, Spot] = {}
        self.transitions: list[TransitionSpec] = []
        self.instances: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.checked: dict[tuple[str, str], bool] = {}
        single = len(pages.top) == 1 and not any(
            each.subpage for each in pages.pages[pages.top[0]].transitions
        )
        self.plain = single

    def document(self, name: str) -> NetDocument:
        """Return the flat net; only fit for use if no fault was found."""
        for top in self.pages.top:
            self._expand(self.pages.pages[top], {}, ())
        places = [place for spot in self.spots.values() for place in self._place(spot)]
        if any(take.place == ALWAYS for each in self.transitions for take in each.take):
            places.append(PlaceSpec(name=ALWAYS, colour="unit", initial=(InitialToken(),)))
        found = self.found
        return NetDocument(
            id=name, name=name, colours=found.colours, variables=found.variables,
            declarations=tuple(found.texts), language="cpn-ml", places=tuple(places),
            transitions=tuple(self.transitions),
        )  # fmt: skip

    # -- pages --------------------------------------------------------------------------------

    def _expand(self, page: RawPage, ports: dict[str, str], above: tuple[str, ...]) -> None:
        """Add an instance of a page; `ports` are the flat places of its assigned ports."""
        self.instances[page.id] += 1
        if page.id in above or len(above) > PAGE_DEPTH_MAX:
            self.faults.add(f"page '{page.name}'", "pages that end", "a page inside itself")
            return
        if sum(self.instances.values()) > PAGES_MAX:
            if sum(self.instances.values()) == PAGES_MAX + 1:
                self.faults.add(f"page '{page.name}'", f"at most {PAGES_MAX} pages", "more")
            return
        number = self.instances[page.id]
        prefix = f"{page.name}#{number}." if number > 1 else f"{page.name}."
        prefix = "" if self.plain else prefix
        here = {each.id: self._spot(each, prefix, ports) for each in page.places}
        arcs: dict[str, list[RawArc]] = {each.id: [] for each in page.transitions}
        for arc in page.arcs:
            arcs[arc.transition].append(arc)
        for each in page.transitions:
            if each.subpage:
                self._substitute(each, here, (*above, page.id))
            else:
                self.transitions.append(self._transition(each, prefix, here, arcs[each.id]))

    def _substitute(
        self, transition: RawTransition, here: dict[str, str], above: tuple[str, ...]
    ) -> None:
        page = self.pages.pages.get(transition.subpage)
        if page is None:
            self.faults.add(transition.where, "a page to stand for", repr(transition.subpage))
            return
        inside = {each.id for each in page.places}
        ports: dict[str, str] = {}
        for port, socket in transition.sockets.items():
            if port not in inside or socket not in here:
                found = f"({port},{socket})"
                self.faults.add(transition.where, "a port of its page and a socket", found)
                continue
            ports[port] = here[socket]
        self._expand(page, ports, above)

    def _spot(self, place: RawPlace, prefix: str, ports: dict[str, str]) -> str:
        """Return the key of the flat place that a place of a page is.

        The initial marking of a port that has a socket does not count, only that of the socket.
        """
        if place.id in ports:
            key = ports[place.id]
            self._check_same(self.spots[key], place)
        elif place.id in self.pages.fused:
            key = f"fusion {self.pages.fused[place.id]}"
            if key in self.spots:
                self._check_same(self.spots[key], place)
                self.spots[key].initial = self.spots[key].initial or place.initial
            else:
                name = self._unique(self.pages.fused[place.id])
                self.spots[key] = Spot(name=name, raw=place, initial=place.initial)
        else:
            key = f"{prefix}{place.id}"
            name = self._unique(f"{prefix}{place.name}")
            self.spots[key] = Spot(name=name, raw=place, initial=place.initial)
        return key

    def _check_same(self, spot: Spot, place: RawPlace) -> None:
        if place.colour != spot.raw.colour and place.colour:
            colours = self.found.colours
            if colours.get(place.colour) != colours.get(spot.raw.colour):
                expected = f"the colour set {spot.raw.colour!r} of '{spot.raw.name}'"
                self.faults.add(place.where, expected, repr(place.colour))

    def _unique(self, name: str) -> str:
        self.names[name] += 1
        return name if self.names[name] == 1 else f"{name} ({self.names[name]})"

    # -- places -------------------------------------------------------------------------------

    def _place(self, spot: Spot) -> list[PlaceSpec]:
        raw, palette = spot.raw, self.found.palette
        colour = raw.colour if raw.colour in palette.sets else raw.colour.lower()
        if colour not in palette.sets:
            hint = did_you_mean(raw.colour, self.found.colours)
            self.faults.add(raw.where, "the name of a colour set", repr(raw.colour), hint)
            return []
        tokens = self._initial(spot, colour)
        return [PlaceSpec(name=spot.name, colour=colour, initial=tokens)]

    def _initial(self, spot: Spot, colour: str) -> tuple[InitialToken, ...]:
        where = f"{spot.raw.where}, initial marking"
        known = self.found.palette.sets[colour]
        if not spot.initial or not self._check(where, spot.initial, frozenset()):
            return ()
        try:
            value = self.found.names.value(spot.initial, stamps=known.timed)
            found = tokens(value, known)
        except Misread as misread:
            self.faults.misread(where, misread)
            return ()
        if len(found) > TOKENS_MAX:
            self.faults.add(where, f"at most {TOKENS_MAX} tokens", str(len(found)))
            return ()
        counts: Counter[tuple[object, int]] = Counter()
        for token, at in found:
            if not known.admits(token):
                expected = f"tokens of colour set {colour}"
                self.faults.add(where, expected, f"{token!r:.80} in {spot.initial!r:.120}")
                return ()
            if type(at) is not int or at < 0:
                self.faults.add(where, "a whole time stamp of at least 0", f"{at!r:.40}")
                return ()
            counts[token, at if known.timed else 0] += 1
        return tuple(
            InitialToken(value=thaw(token), count=count, ready_at=at)
            for (token, at), count in counts.items()
        )

    # -- transitions --------------------------------------------------------------------------

    def _transition(
        self, raw: RawTransition, prefix: str, here: dict[str, str], arcs: list[RawArc]
    ) -> TransitionSpec:
        variables = frozenset(self.found.variables)
        if raw.guard:
            self._check(f"{raw.where}, guard", raw.guard, variables)
        take: list[Take] = []
        put: list[Put] = []
        inhibit: list[str] = []
        reset: list[str] = []
        timed = False
        for arc in arcs:
            spot = self.spots[here[arc.place]]
            if arc.kind in ("Inhibitor", "Reset"):
                (inhibit if arc.kind == "Inhibitor" else reset).append(spot.name)
                continue
            if not arc.text:
                self.faults.add(arc.where, "an inscription", "none")
                continue
            if not self._check(arc.where, arc.text, variables):
                continue
            if arc.kind in ("PtoT", "BOTHDIR"):
                text = arc.text if arc.kind == "PtoT" else _without_delay(arc.text)
                take.append(Take(place=spot.name, pattern=text))
            if arc.kind in ("TtoP", "BOTHDIR"):
                put.append(Put(place=spot.name, value=arc.text))
                known = self.found.palette.sets.get(spot.raw.colour)
                timed = timed or (known is not None and known.timed)
        if not take:
            take.append(Take(place=ALWAYS, pattern="()"))
            put.append(Put(place=ALWAYS, value="()"))
        delay = self._delay(raw, variables)
        return TransitionSpec(
            name=self._unique(f"{prefix}{raw.name}"), take=tuple(take), put=tuple(put),
            when=raw.guard, delay=delay if timed else "0", priority=self._priority(raw),
            inhibit=tuple(inhibit), reset=tuple(reset),
        )  # fmt: skip

    def _delay(self, raw: RawTransition, variables: frozenset[str]) -> str:
        text = raw.delay.removeprefix("@+").strip()
        if not text:
            return "0"
        return text if self._check(f"{raw.where}, time", text, variables) else "0"

    def _priority(self, raw: RawTransition) -> int:
        """Return a rank of ours, where higher goes first, for one of theirs, where lower does."""
        normal = self.found.names.look_up("P_NORMAL").value
        where = f"{raw.where}, priority"
        if not raw.priority or not self._check(where, raw.priority, frozenset()):
            return 0
        try:
            value = self.found.names.value(raw.priority)
        except Misread as misread:
            self.faults.misread(where, misread)
            return 0
        if type(value) is not int:
            self.faults.add(where, "a whole number", repr(value))
            return 0
        return int(normal) - value

    def _check(self, where: str, text: str, variables: frozenset[str]) -> bool:
        """Parse a text and look up its names; tell whether that went well."""
        key = (where, text)
        if key not in self.checked:
            try:
                for name in sorted(free_names(parse_expression(text)) - variables):
                    if name != "time":
                        self.found.names.look_up(name)
                self.checked[key] = True
            except Misread as misread:
                if text not in misread.found:
                    misread = Misread(
                        misread.expected, f"{misread.found} in {text!r:.120}", misread.hint
                    )
                self.faults.misread(where, misread)
                self.checked[key] = False
        return self.checked[key]


ALWAYS = "always"
"""A place with one token that transitions without an input take and give back."""


def _without_delay(text: str) -> str:
    """Return an inscription without the delay, which concerns the output half of a double arc."""
    node = parse_expression(text)
    if isinstance(node, Operation) and node.sign == "@+":
        return text[: node.at]
    return text
