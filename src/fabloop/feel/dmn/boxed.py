"""Boxed expressions of DMN XML to nouns; what is not carried out is refused by name."""

from collections.abc import Iterator
from typing import Literal as OneOf

from fabloop.base.xml import Element, Tally, local_of, place_of, text_of
from fabloop.feel.dmn.limits import NESTING_MAX, RULES_MAX
from fabloop.feel.dmn.model import (
    Aggregation,
    Conditional,
    Context,
    Entry,
    Expression,
    Filter,
    FunctionOf,
    Input,
    Invocation,
    ListOf,
    Literal,
    Loop,
    Output,
    Policy,
    Relation,
    Rule,
    Table,
    Variable,
)

DESCRIBING = frozenset({"description", "extensionElements"})
"""Children of any element that mean nothing to the evaluation."""

EXPRESSIONS = frozenset(
    {"literalExpression", "context", "list", "relation", "invocation", "functionDefinition"}
    | {"conditional", "filter", "for", "some", "every", "decisionTable"}
)
_FEEL = ("", "feel")
_KINDS = ", ".join(sorted(EXPRESSIONS))


def named(text: str) -> str:
    """Return a name with one blank between its words."""
    return " ".join(text.split())


def children_of(element: Element, *names: str) -> list[Element]:
    """Return the children with one of these names, of the namespace of their parent."""
    space = str(element.tag).rpartition("}")[0]
    return [
        child
        for child in element
        if str(child.tag).startswith(f"{space}}}") and local_of(child) in names
    ]


def child_of(element: Element, *names: str) -> Element | None:
    """Return the first child with one of these names."""
    return next(iter(children_of(element, *names)), None)


def text_below(element: Element | None) -> str:
    """Return the ``text`` of an element such as an input entry."""
    return "" if element is None else text_of(child_of(element, "text"))


def variable_of(element: Element) -> Variable:
    """Return a variable, parameter or column."""
    name, wanted = named(element.get("name", "")), named(element.get("typeRef", ""))
    return Variable(place=place_of(element), name=name, type=wanted)


class BoxedReader:
    """Reads the boxed expressions of one document."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.depth = 0

    def only(self, holder: Element, *, needed: bool = True) -> Expression | None:
        """Return the one expression inside of an element."""
        found = children_of(holder, *EXPRESSIONS)
        foreign = [
            child
            for child in holder
            if local_of(child).endswith("Expression") and child not in found
        ]
        if len(found) > 1 or foreign or (needed and not found):
            expected = f"one of {_KINDS} in {local_of(holder)}"
            self.tally.refuse(holder, expected, ", ".join(map(local_of, holder)) or "nothing")
        return self.read(found[0]) if found else None

    def inner(self, holder: Element) -> Expression:
        """Return the expression inside of an element; null where a fault was noted."""
        return self.only(holder) or Literal(place=place_of(holder), text="")

    def part(self, element: Element, name: str) -> Expression:
        """Return the expression inside of a child with this name."""
        child = child_of(element, name)
        if child is not None:
            return self.inner(child)
        self.tally.refuse(element, f"'{name}' in {local_of(element)}", "none")
        return Literal(place=place_of(element), text="")

    def read(self, element: Element) -> Expression:
        """Return a boxed expression."""
        self.depth += 1
        if self.depth > NESTING_MAX:
            expected = f"boxed expressions at most {NESTING_MAX} deep"
            self.tally.refuse(element, expected, "deeper", "Give a part a decision of its own.")
            found: Expression = Literal(place=place_of(element), text="")
        else:
            found = self._read(element)
        self.depth -= 1
        return found

    def _read(self, element: Element) -> Expression:
        match local_of(element):
            case "literalExpression":
                return self._literal(element)
            case "context":
                return self._context(element)
            case "list":
                return self._list(element)
            case "relation":
                return self._relation(element)
            case "invocation":
                return self._invocation(element)
            case "functionDefinition":
                return self.function(element)
            case "decisionTable":
                return self._table(element)
            case _:
                return self._form(element)

    def _literal(self, element: Element) -> Literal:
        language = element.get("expressionLanguage", "")
        if language.rstrip("/").rpartition("/")[2].lower() not in _FEEL:
            self.tally.refuse(element, "an expression in FEEL", language)
        imported = child_of(element, "importedValues")
        if imported is not None:
            self.tally.refuse(imported, "an expression in place", "imported values")
        return self._text(element)

    def _text(self, element: Element) -> Literal:
        return Literal(
            place=place_of(element),
            type=named(element.get("typeRef", "")),
            text=text_below(element),
        )

    def _context(self, element: Element) -> Context:
        entries = []
        seen: set[str] = set()
        for each in children_of(element, "contextEntry"):
            held = child_of(each, "variable")
            variable = Variable(place=place_of(each), name="")
            if held is not None:
                variable = variable_of(held)
            if variable.name in seen:
                found = f"'{variable.name}' again" if variable.name else "a second result"
                self.tally.refuse(each, "a name that is not there yet", found)
            seen.add(variable.name)
            entries.append(Entry(variable=variable, value=self.inner(each)))
        if "" in seen and entries[-1].variable.name:
            self.tally.refuse(element, "the entry without a name last", "entries behind it")
        return Context(place=place_of(element), type=_type(element), entries=tuple(entries))

    def _list(self, element: Element) -> ListOf:
        items = tuple(self.read(each) for each in children_of(element, *EXPRESSIONS))
        return ListOf(place=place_of(element), type=_type(element), items=items)

    def _relation(self, element: Element) -> Relation:
        columns = tuple(map(variable_of, children_of(element, "column")))
        rows = []
        for row in children_of(element, "row"):
            cells = tuple(self.read(each) for each in children_of(row, *EXPRESSIONS))
            if len(cells) != len(columns):
                self.tally.refuse(row, f"{len(columns)} cells", str(len(cells)))
            rows.append(cells)
        return Relation(
            place=place_of(element), type=_type(element), columns=columns, rows=tuple(rows)
        )

    def _invocation(self, element: Element) -> Invocation:
        bindings = []
        for each in children_of(element, "binding"):
            parameter = child_of(each, "parameter")
            if parameter is None:
                self.tally.refuse(each, "a parameter in the binding", "none")
                continue
            # A binding without an expression hands over null.
            value = self.only(each, needed=False) or Literal(place=place_of(each), text="")
            bindings.append(Entry(variable=variable_of(parameter), value=value))
        return Invocation(
            place=place_of(element),
            type=_type(element),
            callee=self.inner(element),
            bindings=tuple(bindings),
        )

    def function(self, element: Element) -> FunctionOf:
        """Return a function definition or the encapsulated logic of a knowledge model."""
        kind = element.get("kind", "FEEL")
        parameters = tuple(map(variable_of, children_of(element, "formalParameter")))
        if len({each.name for each in parameters}) < len(parameters):
            self.tally.refuse(element, "parameters of different names", "one name twice")
        names = tuple(each.name for each in parameters)
        body = self._java(element, names) if kind == "Java" else None
        if kind not in ("FEEL", "Java"):
            hint = "Functions of other languages are not run."
            self.tally.refuse(element, "a function of kind FEEL or Java", f"kind {kind}", hint)
            body = Literal(place=place_of(element), text="")
        body = body or self.inner(element)
        return FunctionOf(
            place=place_of(element), type=_type(element), parameters=parameters, body=body
        )

    def _java(self, element: Element, parameters: tuple[str, ...]) -> Expression:
        """Return the call of a Java method whose class and signature stand in a boxed context."""
        entries = {}
        for context in children_of(element, "context"):
            for entry in children_of(context, "contextEntry"):
                name, value = child_of(entry, "variable"), child_of(entry, "literalExpression")
                if name is not None and value is not None:
                    entries[named(name.get("name", ""))] = text_below(value)
        given = ", ".join(parameters)
        method = ", ".join(f"{key}: {value}" for key, value in entries.items())
        text = f"(function({given}) external {{java: {{{method}}}}})({given})"
        return Literal(place=place_of(element), text=text)

    def _form(self, element: Element) -> Expression:
        place, wanted = place_of(element), _type(element)
        match local_of(element):
            case "conditional":
                condition, first, second = (
                    self.part(element, name) for name in ("if", "then", "else")
                )
                return Conditional(
                    place=place, type=wanted, condition=condition, first=first, second=second
                )
            case "filter":
                source, match = (self.part(element, name) for name in ("in", "match"))
                return Filter(place=place, type=wanted, source=source, match=match)
            case "for":
                return self._loop(element, "for", "return")
            case "some":
                return self._loop(element, "some", "satisfies")
            case _:
                return self._loop(element, "every", "satisfies")

    def _loop(self, element: Element, kind: OneOf["for", "some", "every"], part: str) -> Loop:
        name = named(element.get("iteratorVariable", ""))
        if not name:
            self.tally.refuse(element, "an iteratorVariable", "none")
        return Loop(
            place=place_of(element),
            type=_type(element),
            kind=kind,
            name=name,
            source=self.part(element, "in"),
            body=self.part(element, part),
        )

    # -- decision tables --------------------------------------------------------------------------

    def _table(self, element: Element) -> Table:
        policy, aggregation = self._policy(element)
        inputs = tuple(self._inputs(element))
        outputs = tuple(self._outputs(element))
        rows = children_of(element, "rule")
        if len(rows) > RULES_MAX:
            self.tally.refuse(element, f"at most {RULES_MAX} rules", str(len(rows)))
            rows = []
        rules = tuple(self._rule(each, len(inputs), len(outputs)) for each in rows)
        if aggregation and len(outputs) > 1:
            hint = "Collect the rows and aggregate in a second decision."
            self.tally.refuse(element, f"one output to aggregate by {aggregation}", "several", hint)
        return Table(
            place=place_of(element),
            type=_type(element),
            inputs=inputs,
            outputs=outputs,
            rules=rules,
            policy=policy,
            aggregation=aggregation,
        )

    def _policy(self, element: Element) -> tuple[Policy, Aggregation]:
        policy, aggregation = Policy.UNIQUE, Aggregation.NONE
        said, how = element.get("hitPolicy", "UNIQUE"), element.get("aggregation", "")
        try:
            policy = Policy(said)
        except ValueError:
            self.tally.refuse(element, f"a hit policy of {', '.join(Policy)}", f"'{said}'")
        try:
            aggregation = Aggregation(how)
        except ValueError:
            known = ", ".join(filter(None, Aggregation))
            self.tally.refuse(element, f"an aggregation of {known}", f"'{how}'")
        return policy, aggregation if policy is Policy.COLLECT else Aggregation.NONE

    def _inputs(self, element: Element) -> Iterator[Input]:
        for each in children_of(element, "input"):
            expression = child_of(each, "inputExpression")
            if expression is None:
                self.tally.refuse(each, "an inputExpression", "none")
                continue
            values = child_of(each, "inputValues")
            yield Input(
                place=place_of(each), expression=self._text(expression), values=text_below(values)
            )

    def _outputs(self, element: Element) -> Iterator[Output]:
        columns = children_of(element, "output")
        if not columns:
            self.tally.refuse(element, "an output", "none")
        for each in columns:
            name = named(each.get("name", ""))
            if not name and len(columns) > 1:
                self.tally.refuse(each, "a name for each of several outputs", "none")
            default = child_of(each, "defaultOutputEntry")
            yield Output(
                place=place_of(each),
                name=name,
                type=_type(each),
                values=text_below(child_of(each, "outputValues")),
                default=None if default is None else self._text(default),
            )

    def _rule(self, element: Element, inputs: int, outputs: int) -> Rule:
        tests = tuple(text_below(each) for each in children_of(element, "inputEntry"))
        results = tuple(self._text(each) for each in children_of(element, "outputEntry"))
        if (len(tests), len(results)) != (inputs, outputs):
            expected = f"{inputs} input entries and {outputs} output entries"
            self.tally.refuse(element, expected, f"{len(tests)} and {len(results)}")
            missing = (Literal(place=place_of(element), text=""),) * outputs
            tests, results = (tests + ("-",) * inputs)[:inputs], (results + missing)[:outputs]
        return Rule(place=place_of(element), tests=tests, results=results)


def _type(element: Element) -> str:
    return named(element.get("typeRef", ""))
