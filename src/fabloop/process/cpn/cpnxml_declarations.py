"""Colour sets, variables, values and functions of a CPN Tools file."""

import re
from collections.abc import Callable

import msgspec

from fabloop.base.errors import Fault
from fabloop.base.xml import Element, line_of, local_of, text_of
from fabloop.process.cpn.colour import ColourSet, Palette, Test
from fabloop.process.cpn.domain import values_of
from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.ml.declare import FAILURES, Declarations, failure
from fabloop.process.cpn.model import (
    BoolColour,
    Colour,
    EnumColour,
    IntColour,
    ListColour,
    ProductColour,
    RealColour,
    RecordColour,
    SubsetColour,
    TextColour,
    TimedColour,
    UnionColour,
    UnitColour,
)
from fabloop.process.cpn.token import thaw

COLOURS_MAX = 500
DECLARATIONS_MAX = 5_000

PRIORITIES = {"P_HIGH": 100, "P_NORMAL": 1_000, "P_LOW": 10_000}
"""What CPN Tools calls its standard priorities."""

_NAMES = re.compile(r"\b(?:fun|val|and)\s+(?:rec\s+)?([A-Za-z][A-Za-z0-9_']*)")


class Faults:
    """Collects what is wrong with one file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.all: list[Fault] = []

    def add(self, path: str, expected: str, found: str, hint: str = "") -> None:
        """Add a fault."""
        self.all.append(
            Fault(source=self.source, path=path, expected=expected, found=found, hint=hint)
        )

    def misread(self, path: str, misread: Misread) -> None:
        """Add what is wrong with a text."""
        self.add(path, misread.expected, misread.found, misread.hint)


class Declared(msgspec.Struct, kw_only=True):
    """What a file declares.

    Attributes
    ----------
    colours, variables, texts : as they go into the document
    names : what CPN ML may name, to read markings with
    """

    colours: dict[str, Colour]
    variables: dict[str, str]
    texts: list[str]
    names: Declarations
    palette: Palette


def read_declarations(net: Element, faults: Faults) -> Declared:
    """Return the declarations of a net; what is unsupported counts only where it is used."""
    reader = _Reader(faults)
    box = net.find("globbox")
    elements = list(box.iter("color", "var", "ml", "globref", "use")) if box is not None else []
    if len(elements) > DECLARATIONS_MAX:
        faults.add("declarations", f"at most {DECLARATIONS_MAX}", str(len(elements)))
        elements = []
    for element in elements:
        reader.read(element)
    return reader.found


class _Reader:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        palette = Palette({})
        self.found = Declared(
            colours={}, variables={}, texts=[], names=Declarations(), palette=palette
        )
        for colour in palette.sets.values():
            self.found.names.colour(colour)
        for name, rank in PRIORITIES.items():
            self.found.names.define(name, rank)

    def read(self, element: Element) -> None:
        """Read one declaration."""
        parent = element.getparent()
        kind, inside = local_of(element), local_of(parent) if parent is not None else ""
        if kind == "color":
            self._colour(element)
        elif kind == "var":
            self._variable(element)
        elif kind == "use":
            self.found.names.used_files.append(text_of(element.find("ml")) or text_of(element))
        elif kind == "globref":
            self._text(
                element, f"val {text_of(element.find('id'))} = {text_of(element.find('ml'))}"
            )
        elif inside in ("block", "globbox"):
            self._text(element, element.text or "")

    def _text(self, element: Element, text: str) -> None:
        """Read values and functions; those that we cannot carry out must not be used."""
        if not text.strip():
            return
        try:
            self.found.names.declare(text)
        except Misread as misread:
            reason = f"line {line_of(element)}: {misread}"
            for name in _NAMES.findall(text):
                self.found.names.forbid(name, reason)
            return
        self.found.texts.append(text.strip())

    def _variable(self, element: Element) -> None:
        colour = text_of(element.find("type/id"))
        for each in element.findall("id"):
            name = text_of(each)
            if colour not in self.found.palette.sets:
                where = f"variable '{name}', line {line_of(element)}"
                self.faults.add(where, "the name of a colour set", repr(colour))
                continue
            self.found.variables[name] = colour

    # -- colours ------------------------------------------------------------------------------

    def _colour(self, element: Element) -> None:
        name = text_of(element.find("id"))
        where = f"colour set '{name}', line {line_of(element)}"
        if len(self.found.colours) >= COLOURS_MAX:
            self.faults.add(where, f"at most {COLOURS_MAX} colour sets", "more")
            return
        forms = [each for each in element if local_of(each) not in ("id", "timed", "layout")]
        try:
            if not name or len(forms) != 1:
                raise Misread("a name and one form", f"{name!r}, {len(forms)} forms")
            colour = self._form(name, forms[0])
        except Misread as misread:
            self.faults.misread(where, misread)
            return
        if element.find("timed") is not None and not isinstance(colour, TimedColour):
            untimed = f"{name} untimed"
            self._add(untimed, colour, where)
            colour = TimedColour(of=untimed)
        self._add(name, colour, where)
        if name in self.found.palette.sets:
            self.found.names.colour(self.found.palette.sets[name])

    def _add(self, name: str, colour: Colour, where: str) -> None:
        self.found.colours[name] = colour
        palette = Palette(self.found.colours, self._judge)
        for _, expected, found, hint in palette.faults:
            self.faults.add(where, expected, found, hint)
        if palette.faults:
            del self.found.colours[name]
            return
        self.found.palette = palette

    def _judge(self, _name: str, text: str) -> Test:
        return self.found.names.predicate(text)

    def _form(self, name: str, form: Element) -> Colour:  # noqa: C901, PLR0911, PLR0912  # one each
        names = [text_of(each) for each in form.findall("id")]
        match local_of(form):
            case "unit":
                self._constants(names, [()])
                return UnitColour()
            case "bool":
                self._constants([text_of(each) for each in form.iter("id")], [False, True])
                return BoolColour()
            case "int" | "intinf":
                bounds = self._bounds(form.find("with"))
                return IntColour(low=bounds[0], high=bounds[1]) if bounds else IntColour()
            case "time":
                return IntColour()
            case "real":
                return RealColour()
            case "string":
                return TextColour()
            case "enum":
                return EnumColour(values=tuple(names))
            case "index":
                return self._index(name, form, names)
            case "product":
                return ProductColour(of=tuple(names))
            case "list":
                return ListColour(of=names[0] if names else "")
            case "alias":
                return self._alias(names)
            case "record":
                fields = (each.findall("id") for each in form.findall("recordfield"))
                return RecordColour(fields={text_of(f[0]): text_of(f[-1]) for f in fields if f})
            case "union":
                cases = form.findall("unionfield")
                return UnionColour(
                    cases={text_of(c.find("id")): text_of(c.find("type/id")) for c in cases}
                )
            case "subset":
                return self._subset(form, names)
            case other:
                raise Misread("a colour set that CPN Tools has", f"<{other}>")

    def _constants(self, names: list[str], values: list[object]) -> None:
        for name, value in zip(names, values, strict=False):
            if name:
                shown = {(): "()", False: "false", True: "true"}[value]
                self.found.names.declare(f"val {name} = {shown}")
                self.found.texts.append(f"val {name} = {shown}")

    def _bounds(self, element: Element | None) -> tuple[int, int] | None:
        if element is None:
            return None
        found = [self.found.names.value(text_of(each)) for each in element.findall("ml")]
        if len(found) != 2 or not all(type(each) is int for each in found):
            raise Misread("two whole numbers as bounds", repr(found))
        return found[0], found[1]

    def _index(self, name: str, form: Element, names: list[str]) -> Colour:
        bounds = self._bounds(form)
        if bounds is None or len(names) != 1:
            raise Misread("an index with bounds", f"{names}")
        numbers = f"{name} numbers"
        self._add(numbers, IntColour(low=bounds[0], high=bounds[1]), f"colour set '{name}'")
        return UnionColour(cases={names[0]: numbers})

    def _alias(self, names: list[str]) -> Colour:
        known = self.found.colours.get(names[0]) if names else None
        if known is None:
            built_in = self.found.palette.sets.get(names[0].lower()) if names else None
            if built_in is None:
                raise Misread("the name of a colour set", repr(names))
            return built_in.colour
        # An alias of a timed colour set is not timed unless it says so itself.
        return self.found.colours[known.of] if isinstance(known, TimedColour) else known

    def _subset(self, form: Element, names: list[str]) -> Colour:
        base = self.found.palette.sets.get(names[0]) if names else None
        if base is None:
            raise Misread("the name of a colour set", repr(names))
        by, listed = form.find("by"), form.find("with")
        if by is not None:
            condition = f"({text_of(by.find('ml')) or text_of(by)}) value"
            return _filtered(base.name, condition, self.found.names.predicate(condition), base)
        if listed is None:
            raise Misread("a subset by function or list", "neither")
        values = self.found.names.value(text_of(listed.find("ml")) or text_of(listed))
        return SubsetColour(of=base.name, values=tuple(thaw(each) for each in values))


def _filtered(of: str, condition: str, test: Callable[[object], bool], base: ColourSet) -> Colour:
    """Return a subset by condition; where the base is small, with its values listed."""
    values = values_of(base)
    if values is None:
        return SubsetColour(of=of, when=condition)
    try:
        kept = tuple(thaw(value) for value in values if test(value))
    except FAILURES as error:
        raise Misread("a condition that fits the values", failure(error)) from error
    return SubsetColour(of=of, values=kept) if kept else SubsetColour(of=of, when=condition)
