"""A model and those it imports: each read once, its references resolved to nodes."""

from collections.abc import Mapping

from fabloop.base.errors import Fault, Invalid
from fabloop.feel.dmn.kinds import Faults
from fabloop.feel.dmn.limits import IMPORTS_MAX
from fabloop.feel.dmn.model import Document, Import, ItemDefinition, Node
from fabloop.feel.dmn.read import SOURCE, read_document
from fabloop.feel.dmn.types import Registry

Key = tuple[str, str]
"""Namespace and id of a node."""


class Unit:
    """One document with what it imports, by the name that it is known by here."""

    def __init__(self, document: Document, faults: Faults) -> None:
        self.document = document
        self.faults = faults
        self.imports: dict[str, Unit] = {}
        self.registry = Registry(faults)
        self.nodes: dict[str, Node] = {each.id: each for each in document.nodes}

    def find(self, reference: str) -> tuple[str, "Unit", Node] | None:
        """Return the import name ('' for our own), model and node that a reference means."""
        space, _, name = reference.rpartition("#")
        if space in ("", self.document.namespace):
            node = self.nodes.get(name)
            return None if node is None else ("", self, node)
        for known, unit in self.imports.items():
            if unit.document.namespace == space and name in unit.nodes:
                return known, unit, unit.nodes[name]
        return None


def load(data: bytes, given: Mapping[str, bytes]) -> tuple[Unit, list[Unit], list[Fault]]:
    """Return the unit of a document, all units from the deepest import up, and their faults.

    Raises
    ------
    Invalid
        A document is not fit to be read at all, or imports go round in a circle.
    """
    loader = _Loader(given)
    unit = loader.unit(data, SOURCE, ())
    return unit, loader.units, loader.found


class _Loader:
    def __init__(self, given: Mapping[str, bytes]) -> None:
        self.given = given
        self.found: list[Fault] = []
        self.units: list[Unit] = []
        self.by_space: dict[str, Unit] = {}
        self.spaces: dict[str, str] | None = None

    def unit(self, data: bytes, source: str, above: tuple[str, ...]) -> Unit:
        document, faults = read_document(data)
        self.found.extend(_named(each, source) for each in faults)
        unit = Unit(document, Faults(source, self.found))
        for each in document.imports:
            if each.name in unit.imports and each.name:
                unit.faults.note(each.place, "a name for each import", f"'{each.name}' twice")
            imported = self._imported(each, (*above, document.namespace), unit.faults)
            if imported is not None:
                unit.imports[each.name or f"#{each.namespace}"] = imported
        for name, other in unit.imports.items():
            unit.registry.add_imported("" if name.startswith("#") else name, other.registry)
        unit.registry.add(document.types)
        self.units.append(unit)
        self.by_space[document.namespace] = unit
        return unit

    def _imported(self, each: Import, above: tuple[str, ...], faults: Faults) -> Unit | None:
        if each.namespace in above:
            raise Invalid(
                faults.note(each.place, "imports without a circle", f"'{each.namespace}' again")
            )
        if each.namespace in self.by_space:
            return self.by_space[each.namespace]
        name = self._file(each)
        if name is None:
            known = ", ".join(sorted(self.given)) or "none"
            found = f"'{each.namespace}' in none of the files given ({known})"
            faults.note(each.place, "a model to import", found, "Give the file with the model.")
            return None
        if len(self.units) + len(above) > IMPORTS_MAX:
            raise Invalid(faults.note(each.place, f"at most {IMPORTS_MAX} imports", "more"))
        return self.unit(self.given[name], name, above)

    def _file(self, each: Import) -> str | None:
        """Return the name of the file with a namespace; the one at its location comes first."""
        at = each.location.replace("\\", "/").rpartition("/")[2]
        if at in self.given and _namespace(self.given[at]) == each.namespace:
            return at
        if self.spaces is None:
            self.spaces = {_namespace(data): name for name, data in self.given.items()}
        return self.spaces.get(each.namespace)


def _namespace(data: bytes) -> str:
    """Return the namespace of a document; none where it is not fit to be read."""
    try:
        return read_document(data)[0].namespace
    except Invalid:
        return ""


def _named(fault: Fault, source: str) -> Fault:
    return Fault(
        source=source,
        path=fault.path,
        expected=fault.expected,
        found=fault.found,
        hint=fault.hint,
    )


def components_of(definitions: tuple[ItemDefinition, ...]) -> frozenset[str]:
    """Return the names of all components of types."""
    return frozenset(
        name
        for each in definitions
        for part in each.components
        for name in (part.name, *components_of((part,)))
    )
