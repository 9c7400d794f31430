"""Writes nets in Python: places and transitions by name, inscriptions as text.

::

    net = Net("weld station")
    order = net.colour("Order", record(id=int, variant=enum("gear", "shaft")))
    robot = net.colour("Robot", record(id=str, skill=str))
    at = net.place("at", order, capacity=2)
    idle = net.place("robot", robot, initial=[{"id": "R1", "skill": "W"}], timed=True)
    busy = net.place("welding", product(order, robot), timed=True)
    net.transition("weld start", take={at: "o", idle: "r"}, when="r.skill == 'W'",
                   put={busy: "(o, r)"}, delay="90 if o.variant == 'gear' else 60")
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from fabloop.base.errors import Fault
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.document import compile_net, faults_of
from fabloop.process.cpn.model import (
    BUILT_IN,
    AnyColour,
    BoolColour,
    Colour,
    EnumColour,
    InitialToken,
    IntColour,
    ListColour,
    NetDocument,
    PageSpec,
    PlaceSpec,
    ProductColour,
    Put,
    RealColour,
    RecordColour,
    SubsetColour,
    Substitution,
    Take,
    TextColour,
    TimedColour,
    TransitionSpec,
    TransitionWork,
    UnionColour,
    UnitColour,
)
from fabloop.process.cpn.simulate import FIRINGS_MAX, Run, simulate
from fabloop.process.cpn.token import thaw


class Named(msgspec.Struct, frozen=True):
    """A colour of the net, by name."""

    name: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A composed colour that has no name yet, of parts; `union` cases may carry nothing."""

    kind: Literal["product", "record", "list", "union", "subset", "timed"]
    parts: "tuple[tuple[str, ColourLike | None], ...]"
    longest: int = 10_000
    open: bool = False
    values: tuple[object, ...] = ()
    when: str = ""


ColourLike: TypeAlias = "type[int | str | bool | float] | Named | Form | Colour"
"""Whatever names a colour: a declared one, a Python type, or a form such as ``product(a, b)``."""

unit, any_plain = UnitColour(), AnyColour()


def integer(low: int, high: int) -> IntColour:
    """Return the colour of whole numbers from `low` to `high`."""
    return IntColour(low=low, high=high)


def enum(*values: str) -> EnumColour:
    """Return the colour of the listed texts."""
    return EnumColour(values=values)


def product(*parts: ColourLike) -> Form:
    """Return the colour of tuples."""
    return Form(kind="product", parts=tuple((str(n), part) for n, part in enumerate(parts)))


def record(*, further: bool = False, **fields: ColourLike) -> Form:
    """Return the colour of records; with `further`, they may have more fields than these."""
    return Form(kind="record", parts=tuple(fields.items()), open=further)


def list_of(part: ColourLike, longest: int = 10_000) -> Form:
    """Return the colour of lists."""
    return Form(kind="list", parts=(("*", part),), longest=longest)


def union(**cases: "ColourLike | None") -> Form:
    """Return the colour of alternatives: each case with what it carries, or None."""
    return Form(kind="union", parts=tuple(cases.items()))


def subset(of: ColourLike, *values: object, when: str = "") -> Form:
    """Return those values of a colour that are listed, or for which ``when`` ``value`` holds."""
    return Form(kind="subset", parts=(("", of),), values=tuple(map(thaw, values)), when=when)


def timed(of: ColourLike) -> Form:
    """Return a colour of which all places are timed."""
    return Form(kind="timed", parts=(("", of),))


class PlaceRef(msgspec.Struct, frozen=True):
    """A place of the net, by name; what `take` and `put` refer to."""

    name: str


class Times(msgspec.Struct, frozen=True):
    """Several tokens on an arc, or tokens that are ready later: see `times` and `each`."""

    count: str
    inscription: str
    delay: str = "0"
    many: bool = False


def times(count: int | str, inscription: str, *, delay: str | int = 0) -> Times:
    """Return an inscription for `count` equal tokens; on outputs an expression, with a delay."""
    return Times(str(count), inscription, str(delay))


def each(inscription: str, *, delay: str | int = 0) -> Times:
    """Return an inscription that gives a list: on an arc, each of its elements is a token."""
    return Times("1", inscription, str(delay), many=True)


Inscription: TypeAlias = str | Times | Sequence[str | Times]
Arcs: TypeAlias = Mapping[PlaceRef, Inscription]


class Net:
    """A net being written, or a page of one; `document` is what is stored, `compiled` what runs."""

    def __init__(self, name: str, *, constants: Mapping[str, object] | None = None) -> None:
        self.id = name
        self._constants = dict(constants or {})
        self._colours: dict[str, Colour] = {}
        self._variables: dict[str, str] = {}
        self._places: list[PlaceSpec] = []
        self._transitions: list[TransitionSpec] = []
        self._substitutions: list[Substitution] = []
        self._pages: dict[str, Net] = {}
        self._final = ""

    def colour(self, name: str, form: ColourLike) -> Named:
        """Declare a colour under a name; expressions may then build records with it."""
        self._colours[name] = self._resolve(form)
        return Named(name)

    def place(
        self, name: str, colour: ColourLike = unit, *, initial: Iterable[object] = (),
        timed: bool = False, port: Literal["", "in", "out", "both"] = "", fusion: str = "",
        capacity: int | None = None,
    ) -> PlaceRef:  # fmt: skip
        """Add a place with its initial tokens (plain values, all ready at the start)."""
        tokens = tuple(InitialToken(value=thaw(value)) for value in initial)
        self._places.append(
            PlaceSpec(
                name=name,
                colour=self._name_of(colour),
                timed=timed,
                port=port,
                fusion=fusion,
                initial=tokens,
                capacity=capacity,
            )
        )
        return PlaceRef(name)

    def transition(  # noqa: PLR0913  # one for each inscription
        self, name: str, *, take: Arcs, put: Arcs | None = None, when: str = "",
        delay: str | int = 0, work: TransitionWork | None = None, priority: int = 0,
        inhibit: Iterable[PlaceRef] = (), reset: Iterable[PlaceRef] = (),
    ) -> None:  # fmt: skip
        """Add a transition; `delay` in ns, a number or an expression over the variables.

        It waits until every place of `inhibit` is empty, and empties those of `reset`.
        """
        self._transitions.append(
            TransitionSpec(
                name=name,
                when=when,
                delay=str(delay),
                work=work,
                priority=priority,
                inhibit=tuple(place.name for place in inhibit),
                reset=tuple(place.name for place in reset),
                take=tuple(
                    Take(place=place, pattern=arc.inscription, count=int(arc.count), many=arc.many)
                    for place, arc in _arcs(take)
                ),
                put=tuple(
                    Put(
                        place=place,
                        value=arc.inscription,
                        count=arc.count,
                        delay=arc.delay,
                        many=arc.many,
                    )
                    for place, arc in _arcs(put or {})
                ),
            )
        )

    def variable(self, name: str, colour: ColourLike) -> None:
        """Declare a variable that no input binds: every value of its small colour is possible."""
        self._variables[name] = self._name_of(colour)

    def page(self, name: str) -> "Net":
        """Return a new page of this net; it knows the same colours, constants and pages."""
        page = Net(name, constants=self._constants)
        page._colours, page._variables = self._colours, self._variables
        page._pages = self._pages
        self._pages[name] = page
        return page

    def substitute(self, name: str, page: "Net", ports: Mapping[PlaceRef, PlaceRef]) -> None:
        """Use a page: each of its ports (a key) is one of the places here (its value)."""
        self._substitutions.append(
            Substitution(
                name=name,
                page=page.id,
                ports={port.name: socket.name for port, socket in ports.items()},
            )
        )

    def final(self, condition: str) -> None:
        """Say what a finished marking is, over place names: ``"done == 3 and at == 0"``."""
        self._final = condition

    def document(self) -> NetDocument:
        """Return the net as data."""
        return NetDocument(
            id=self.id, colours=dict(self._colours), constants=dict(self._constants),
            places=tuple(self._places), transitions=tuple(self._transitions), final=self._final,
            variables=dict(self._variables), substitutions=tuple(self._substitutions),
            pages={name: page.sheet() for name, page in self._pages.items()},
        )  # fmt: skip

    def sheet(self) -> PageSpec:
        """Return what stands on this page alone."""
        return PageSpec(
            places=tuple(self._places), transitions=tuple(self._transitions),
            substitutions=tuple(self._substitutions),
        )  # fmt: skip

    def check(self) -> tuple[Fault, ...]:
        """Return every fault of the document; nothing if it compiles."""
        return faults_of(self.document())

    def compiled(self) -> CompiledNet:
        """Return the net ready to run; raises Invalid with every fault."""
        return compile_net(self.document())

    def simulate(self, until_ns: int, seed: int | None, firings_max: int = FIRINGS_MAX) -> Run:
        """Run the net alone in virtual time."""
        return simulate(self.compiled(), until_ns=until_ns, seed=seed, firings_max=firings_max)

    def _resolve(self, form: ColourLike) -> Colour:  # noqa: PLR0911  # one each
        if isinstance(form, Named):
            return self._colours[form.name]
        if isinstance(form, type):
            return _PYTHON[form]
        if not isinstance(form, Form):
            return form
        parts = {
            part: self._name_of(colour) if colour is not None else "" for part, colour in form.parts
        }
        match form.kind:
            case "product":
                return ProductColour(of=tuple(parts.values()))
            case "record":
                return RecordColour(fields=parts, open=form.open)
            case "list":
                return ListColour(of=parts["*"], longest=form.longest)
            case "union":
                return UnionColour(cases=parts)
            case "subset":
                return SubsetColour(of=parts[""], values=form.values, when=form.when)
            case "timed":
                return TimedColour(of=parts[""])

    def _name_of(self, form: ColourLike) -> str:
        """Return the name of a colour; one without a name gets the next of its kind."""
        if isinstance(form, Named):
            return form.name
        colour = self._resolve(form)
        for name, known in (*BUILT_IN.items(), *self._colours.items()):
            if known == colour:
                return name
        name = f"{type(colour).__name__}{len(self._colours)}"
        self._colours[name] = colour
        return name


_PYTHON: dict[type, Colour] = {
    int: IntColour(), str: TextColour(), bool: BoolColour(), float: RealColour(),
}  # fmt: skip


def _arcs(arcs: Arcs) -> Iterable[tuple[str, Times]]:
    for place, inscription in arcs.items():
        several = [inscription] if isinstance(inscription, str | Times) else inscription
        for one in several:
            yield place.name, one if isinstance(one, Times) else Times("1", one)
