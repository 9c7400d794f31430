"""Flattens a document with pages: each substitution becomes what its page holds."""

from msgspec.structs import replace

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.process.cpn.model import (
    NetDocument,
    PageSpec,
    PlaceSpec,
    Substitution,
    TransitionSpec,
)

PAGES_MAX = 1_000
"""Pages of a flat net: a page counts as often as it is used."""
PAGE_DEPTH_MAX = 30


def flattened(document: NetDocument, faults: list[Fault]) -> NetDocument:
    """Return a document without pages; what is wrong with them is added to `faults`."""
    if not document.substitutions:
        return document
    flattening = _Flattening(document, faults)
    top = PageSpec(
        places=document.places, transitions=document.transitions,
        substitutions=document.substitutions,
    )  # fmt: skip
    flattening.expand(top, "", {}, ())
    return replace(
        document, places=tuple(flattening.places), transitions=tuple(flattening.transitions),
        pages={}, substitutions=(),
    )  # fmt: skip


class _Flattening:
    def __init__(self, document: NetDocument, faults: list[Fault]) -> None:
        self.document, self.faults = document, faults
        self.places: list[PlaceSpec] = []
        self.transitions: list[TransitionSpec] = []
        self.fused: dict[str, PlaceSpec] = {}
        self.count = 0

    def expand(
        self, page: PageSpec, prefix: str, sockets: dict[str, str], above: tuple[str, ...]
    ) -> None:
        """Add a page; `sockets` are the flat places that its ports are."""
        self.count += 1
        if self.count > PAGES_MAX:
            if self.count == PAGES_MAX + 1:
                self._fault(prefix.rstrip("."), f"at most {PAGES_MAX} pages", "more")
            return
        names = dict(sockets)
        for place in page.places:
            if place.name not in sockets:
                names[place.name] = self._place(place, prefix)
        for transition in page.transitions:
            self.transitions.append(_renamed(transition, prefix, names))
        for each in page.substitutions:
            self._substitute(each, prefix, names, above)

    def _place(self, place: PlaceSpec, prefix: str) -> str:
        """Add a place under its flat name; of fused ones, the first."""
        known = self.fused.get(place.fusion) if place.fusion else None
        if known is None:
            made = replace(place, name=f"{prefix}{place.name}")
            self.places.append(made)
            if place.fusion:
                self.fused[place.fusion] = made
            return made.name
        if (known.colour, known.timed) != (place.colour, place.timed):
            where = f"place {prefix}{place.name}"
            self._fault(where, f"colour {known.colour!r}, as {known.name!r}", repr(place.colour))
        if place.initial and place.initial != known.initial:
            where = f"place {prefix}{place.name}"
            self._fault(where, f"the tokens of {known.name!r}, or none", "others")
        return known.name

    def _substitute(
        self, substitution: Substitution, prefix: str, names: dict[str, str],
        above: tuple[str, ...],
    ) -> None:  # fmt: skip
        path = f"substitution {prefix}{substitution.name}"
        page = self.document.pages.get(substitution.page)
        if page is None:
            hint = did_you_mean(substitution.page, self.document.pages)
            self._fault(path, "the name of a page", repr(substitution.page), hint)
            return
        if substitution.page in above or len(above) >= PAGE_DEPTH_MAX:
            self._fault(path, "pages that end", f"{substitution.page!r} inside itself")
            return
        ports = {place.name: place for place in page.places if place.port}
        sockets: dict[str, str] = {}
        for port, socket in substitution.ports.items():
            if port not in ports:
                hint = did_you_mean(port, ports)
                self._fault(path, f"a port of page {substitution.page!r}", repr(port), hint)
            elif socket not in names:
                self._fault(path, "a place to be the socket", repr(socket),
                            did_you_mean(socket, names))  # fmt: skip
            else:
                sockets[port] = names[socket]
                self._check_colour(path, ports[port], sockets[port])
        for port in ports.keys() - substitution.ports.keys():
            self._fault(path, f"a socket for port {port!r}", "none")
        deeper = f"{prefix}{substitution.name}."
        self.expand(page, deeper, sockets, (*above, substitution.page))

    def _check_colour(self, path: str, port: PlaceSpec, socket: str) -> None:
        found = next(each for each in self.places if each.name == socket)
        if (found.colour, found.timed) != (port.colour, port.timed):
            expected = f"a socket of colour {port.colour!r}, timed or not, as port {port.name!r}"
            self._fault(path, expected, f"{socket!r} of {found.colour!r}")

    def _fault(self, path: str, expected: str, found: str, hint: str = "") -> None:
        source = f"net {self.document.id}"
        self.faults.append(
            Fault(source=source, path=path, expected=expected, found=found, hint=hint)
        )


def _renamed(spec: TransitionSpec, prefix: str, names: dict[str, str]) -> TransitionSpec:
    def flat(name: str) -> str:
        return names.get(name, name)

    return replace(
        spec,
        name=f"{prefix}{spec.name}",
        take=tuple(replace(each, place=flat(each.place)) for each in spec.take),
        put=tuple(replace(each, place=flat(each.place)) for each in spec.put),
        inhibit=tuple(flat(each) for each in spec.inhibit),
        reset=tuple(flat(each) for each in spec.reset),
    )
