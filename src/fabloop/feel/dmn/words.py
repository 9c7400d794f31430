"""FEEL texts of a model to code, with the names that each of them may use."""

from collections.abc import Iterable
from types import MappingProxyType

from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.feel.compiler import Code, compile_tests, compile_tree
from fabloop.feel.dmn.kinds import Faults
from fabloop.feel.lexer import tokens_of
from fabloop.feel.library import BUILTINS
from fabloop.feel.names import MEMBER_NAMES, KnownNames
from fabloop.feel.nodes import FunctionOf, Node, Parameter, TypeOf
from fabloop.feel.parser import Parser
from fabloop.feel.types import Types

_BUILTIN_NAMES = KnownNames(BUILTINS)
ANYTHING = TypeOf(at=0, name="Any")


class _ModelParser(Parser):
    """Reads parameters of a type of the model as what that type is made of."""

    types: Types = MappingProxyType({})

    def function(self) -> Node:
        """Read ``function(a: tPerson) body``."""
        found = super().function()
        assert isinstance(found, FunctionOf)
        parameters = tuple(
            each
            if each.type is None
            else Parameter(name=each.name, type=made_of(each.type, self.types))
            for each in found.parameters
        )
        return FunctionOf(at=found.at, parameters=parameters, body=found.body)


def made_of(found: TypeOf, types: Types) -> TypeOf:
    """Return a type without names of the model; a type inside of itself may be anything."""
    if found.name in types:
        rest = {name: ANYTHING if name == found.name else each for name, each in types.items()}
        return made_of(types[found.name], rest)
    return TypeOf(
        at=found.at,
        name=found.name,
        items=tuple(made_of(each, types) for each in found.items),
        fields=tuple((name, made_of(each, types)) for name, each in found.fields),
        result=None if found.result is None else made_of(found.result, types),
    )


class Lexicon:
    """The names in scope of an expression, and those that may stand behind a dot.

    Names of components are known by themselves too, as the filter of a list sees those of its
    items; but not where they begin with a name in scope: ``a-b`` is then a difference.
    """

    __slots__ = ("_behind", "known", "members", "names", "types")

    def __init__(self, names: frozenset[str], members: frozenset[str], types: Types) -> None:
        self.names = names
        self.members = members
        self.types = types
        self.known = _BUILTIN_NAMES.copy()
        for name in names:
            add_name(self.known, name)
        for name in members - names:
            if first_word(name) not in names:
                add_name(self.known, name)
        self._behind = KnownNames(MEMBER_NAMES)
        for name in members:
            add_name(self._behind, name)

    def with_names(self, names: Iterable[str]) -> "Lexicon":
        """Return a lexicon of a scope further inside."""
        more = frozenset(names) - self.names
        return Lexicon(self.names | more, self.members, self.types) if more else self

    def parser(self, text: str) -> Parser:
        """Return a parser that knows these names and types."""
        parser = _ModelParser(text, self.known)
        parser.types = self.types
        parser.members = self._behind.copy()
        return parser


def add_name(known: KnownNames, name: str) -> None:
    """Make a name known; one that FEEL cannot write is reached by ``get value`` only."""
    try:
        known.add(name)
    except Invalid:
        return


def first_word(name: str) -> str:
    """Return the first word of a name."""
    try:
        return tokens_of(name)[0].text
    except Invalid:
        return name


def expression_code(text: str, words: Lexicon, place: str, faults: Faults) -> Code | Fault:
    """Return the code of an expression, or the fault that was noted."""
    try:
        parser = words.parser(text)
        tree = parser.expression()
        parser.cursor.finish()
        return compile_tree(tree, words.types).code
    except (Invalid, Refused) as error:
        return _noted(error, text, place, faults)


def tests_code(text: str, words: Lexicon, place: str, faults: Faults) -> Code | Fault:
    """Return the code of unary tests, or the fault that was noted."""
    try:
        parser = words.parser(text)
        tests = parser.unary_tests()
        parser.cursor.finish()
        return compile_tests(tests, words.types).code
    except (Invalid, Refused) as error:
        return _noted(error, text, place, faults)


def ranking(text: str, words: Lexicon) -> tuple[Code, ...]:
    """Return each of the unary tests by itself, as an order of priority needs them.

    Raises
    ------
    Invalid
        The text is no list of unary tests.
    """
    tests = words.parser(text).unary_tests()
    return tuple(compile_tests((test,), words.types).code for test in tests)


def _noted(error: Invalid | Refused, text: str, place: str, faults: Faults) -> Fault:
    if isinstance(error, Invalid):
        first = error.faults[0]
        where = f"{place}, {first.path} of the text"
        return faults.note(where, first.expected, first.found, first.hint)
    shown = f"'{text[:40]}{'...' if len(text) > 40 else ''}'"
    return faults.note(place, "an expression within the limits of FEEL", shown, str(error))
