"""DMN XML 1.2 to 1.5 to a document of nouns; all its faults at once, with element and line."""

from collections.abc import Callable

from fabloop.base.errors import Fault, Invalid
from fabloop.base.xml import Element, Tally, local_of, parse_xml, place_of, text_of
from fabloop.feel.dmn.boxed import (
    DESCRIBING,
    EXPRESSIONS,
    BoxedReader,
    child_of,
    children_of,
    named,
    text_below,
    variable_of,
)
from fabloop.feel.dmn.limits import ELEMENTS_MAX
from fabloop.feel.dmn.model import (
    Decision,
    Document,
    Import,
    InputData,
    ItemDefinition,
    Knowledge,
    Node,
    Service,
    Variable,
)

SOURCE = "DMN document"
VERSIONS = {
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
_DRAWING = frozenset(
    {"knowledgeSource", "textAnnotation", "association", "group", "elementCollection"}
    | {"performanceIndicator", "organizationUnit"}
)
"""Elements that document a model and mean nothing to its evaluation."""

_NODES = frozenset({"inputData", "decision", "businessKnowledgeModel", "decisionService"})
_REQUIREMENTS = {
    "informationRequirement": ("requiredDecision", "requiredInput"),
    "knowledgeRequirement": ("requiredKnowledge",),
}


def read_document(data: bytes) -> tuple[Document, tuple[Fault, ...]]:
    """Return a document and its faults; what is at fault stands in it as null.

    Raises
    ------
    Invalid
        The XML is not fit to be read, or it is no DMN of a version that we know.
    """
    root = parse_xml(data, SOURCE)
    space, _, name = str(root.tag).rpartition("}")
    if space.lstrip("{") not in VERSIONS or name != "definitions":
        expected = f"DMN definitions of version {', '.join(VERSIONS.values())}"
        found = f"<{name}> of '{space.lstrip('{')}'"
        raise Invalid(Fault(source=SOURCE, path=place_of(root), expected=expected, found=found))
    reader = _Reader(root)
    return reader.read(), tuple(reader.tally.faults)


class _Reader:
    def __init__(self, root: Element) -> None:
        self.root = root
        self.tally = Tally(SOURCE)
        self.boxed = BoxedReader(self.tally)
        self.readers: dict[str, Callable[[Element], Node]] = {
            "inputData": self._input,
            "decision": self._decision,
            "businessKnowledgeModel": self._knowledge,
            "decisionService": self._service,
        }

    def read(self) -> Document:
        self._check_elements()
        nodes: dict[str, Node] = {}
        for each in children_of(self.root, *_NODES):
            node = self.readers[local_of(each)](each)
            if not node.id:
                self.tally.refuse(each, "an id", "none")
            elif node.id in nodes:
                self.tally.refuse(each, "an id that is not there yet", f"'{node.id}' again")
            nodes[node.id] = node
        return Document(
            name=named(self.root.get("name", "")),
            namespace=self.root.get("namespace", ""),
            imports=tuple(map(self._import, children_of(self.root, "import"))),
            types=tuple(map(self._item, children_of(self.root, "itemDefinition"))),
            nodes=tuple(nodes.values()),
        )

    def _check_elements(self) -> None:
        known = _NODES | _DRAWING | DESCRIBING | {"import", "itemDefinition"}
        space = str(self.root.tag).rpartition("}")[0]
        count = 0
        for each in self.root:
            count += 1
            if str(each.tag).startswith(f"{space}}}") and local_of(each) not in known:
                expected = f"one of {', '.join(sorted(known))}"
                self.tally.refuse(each, expected, f"{local_of(each)}, which is not carried out")
        if count > ELEMENTS_MAX:
            self.tally.refuse(self.root, f"at most {ELEMENTS_MAX} elements", str(count))

    def _import(self, element: Element) -> Import:
        kind = element.get("importType", "")
        if kind not in VERSIONS:
            expected = "an import of a DMN model, version 1.2 to 1.5"
            self.tally.refuse(element, expected, f"type '{kind}'", "Other kinds are not read.")
        return Import(
            place=place_of(element),
            name=named(element.get("name", "")),
            namespace=element.get("namespace", ""),
            location=element.get("locationURI", ""),
        )

    # -- types ------------------------------------------------------------------------------------

    def _item(self, element: Element) -> ItemDefinition:
        language = element.get("typeLanguage", "")
        if language and "feel" not in language.lower():
            self.tally.refuse(element, "a type of FEEL", f"type language '{language}'")
        function = child_of(element, "functionItem")
        base = named(text_of(child_of(element, "typeRef")))
        components = tuple(map(self._item, children_of(element, "itemComponent")))
        if bool(base) + bool(components) + (function is not None) > 1:
            self.tally.refuse(element, "a typeRef, components or a functionItem", "several")
        parameters: tuple[Variable, ...] = ()
        if function is not None:
            parameters = tuple(map(variable_of, children_of(function, "parameters")))
        return ItemDefinition(
            place=place_of(element),
            name=named(element.get("name", "")),
            base=base,
            components=components,
            collection=element.get("isCollection") == "true",
            allowed=text_below(child_of(element, "allowedValues")),
            constraint=text_below(child_of(element, "typeConstraint")),
            function=function is not None,
            result="" if function is None else named(function.get("outputTypeRef", "")),
            parameters=parameters,
        )

    # -- nodes ------------------------------------------------------------------------------------

    def _variable(self, element: Element) -> Variable:
        """Return the variable of a node; its name is that of the node."""
        held = child_of(element, "variable")
        name = named(element.get("name", ""))
        if not name:
            self.tally.refuse(element, "a name", "none")
        variable = variable_of(element if held is None else held)
        return Variable(place=variable.place, name=name, type=variable.type)

    def _input(self, element: Element) -> InputData:
        return InputData(
            place=place_of(element), id=element.get("id", ""), variable=self._variable(element)
        )

    def _decision(self, element: Element) -> Decision:
        variable = self._variable(element)
        return Decision(
            place=place_of(element),
            id=element.get("id", ""),
            name=variable.name,
            variable=variable,
            needs=self._needs(element),
            logic=self.boxed.only(element, needed=False),
        )

    def _knowledge(self, element: Element) -> Knowledge:
        logic = child_of(element, "encapsulatedLogic")
        if logic is None and (stray := children_of(element, *EXPRESSIONS)):
            self.tally.refuse(stray[0], "logic inside of encapsulatedLogic", local_of(stray[0]))
        return Knowledge(
            place=place_of(element),
            id=element.get("id", ""),
            variable=self._variable(element),
            needs=self._needs(element),
            function=None if logic is None else self.boxed.function(logic),
        )

    def _service(self, element: Element) -> Service:
        variable = self._variable(element)
        outputs = self._references(element, "outputDecision")
        if not outputs:
            self.tally.refuse(element, "an output decision", "none")
        return Service(
            place=place_of(element),
            id=element.get("id", ""),
            name=variable.name,
            variable=variable,
            outputs=outputs,
            encapsulated=self._references(element, "encapsulatedDecision"),
            inputs=self._references(element, "inputData")
            + self._references(element, "inputDecision"),
        )

    def _needs(self, element: Element) -> tuple[str, ...]:
        return tuple(
            reference
            for name, kinds in _REQUIREMENTS.items()
            for each in children_of(element, name)
            for reference in self._references(each, *kinds)
        )

    def _references(self, element: Element, *names: str) -> tuple[str, ...]:
        found = []
        for each in children_of(element, *names):
            reference = each.get("href", "").strip()
            if "#" not in reference:
                self.tally.refuse(each, "a reference with '#'", f"'{reference}'")
            else:
                found.append(reference)
        return tuple(found)
