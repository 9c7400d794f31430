"""CPN ML inscriptions as the trees that nets are compiled from.

What has the same meaning in both languages becomes a tree; the rest becomes a call of a function
of ours over the variables that it reads.
"""

import ast
import keyword
from collections.abc import Mapping

from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.ml.declare import Declarations
from fabloop.process.cpn.ml.parse import parse_expression
from fabloop.process.cpn.ml.tree import (
    Apply,
    Const,
    If,
    ListOf,
    Name,
    Node,
    Operation,
    RecordOf,
    Select,
    Tuple,
    Typed,
    Wild,
    free_names,
)
from fabloop.process.cpn.ml.values import copies
from fabloop.process.cpn.ml.write import Writer, surely_one
from fabloop.process.cpn.term import Term

_COMPARES: dict[str, ast.cmpop] = {
    "=": ast.Eq(), "<>": ast.NotEq(), "<": ast.Lt(), ">": ast.Gt(), "<=": ast.LtE(),
    ">=": ast.GtE(),
}  # fmt: skip
_ARITHMETIC: dict[str, ast.operator] = {
    "+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div(), "div": ast.FloorDiv(),
    "mod": ast.Mod(), "^": ast.Add(), "^^": ast.Add(),
}  # fmt: skip


class MlReader:
    """Reads the inscriptions of one net.

    Attributes
    ----------
    constants, functions : what the trees refer to, besides variables
    constructors : names by which trees call the cases of unions, with the cases
    """

    def __init__(self, declared: Declarations, variables: Mapping[str, str]) -> None:
        self.declared = declared
        self.variables = variables
        self.constants: dict[str, object] = {}
        self.functions: dict[str, object] = {}
        self.constructors: dict[str, str] = {}
        self.reads: set[str] = set()

    # -- arcs ---------------------------------------------------------------------------------

    def taken(self, text: str, *, lists: frozenset[str] | None) -> list[Term]:
        """Return what an input arc takes.

        `lists` are variables that hold lists; None where the tokens of the place are lists.
        """
        found = self._terms(parse_expression(text), None, lists)
        found = [self._fixed(term) for term in found]
        for each in found:
            if each.delay is not None:
                raise Misread("an input without a time", f"'@+' in {text!r:.120}")
        return found

    def _fixed(self, term: Term) -> Term:
        """Return an input term; one whose count depends on variables takes a multiset."""
        if term.many or term.count is None or isinstance(term.count, ast.Constant):
            return term
        self.functions["copies"] = copies
        value = ast.Call(ast.Name("copies", ast.Load()), [term.count, term.value], [])
        return Term(value=value, delay=term.delay, many=True)

    def put(self, text: str, *, lists: frozenset[str] | None) -> list[Term]:
        """Return what an output arc puts."""
        return self._terms(parse_expression(text), None, lists)

    def _terms(  # noqa: PLR0911  # one each
        self, node: Node, delay: ast.expr | None, lists: frozenset[str] | None
    ) -> list[Term]:
        match node:
            case Typed(node=inner):
                return self._terms(inner, delay, lists)
            case Operation(sign="++" | "+++", parts=parts):
                return [term for part in parts for term in self._terms(part, delay, lists)]
            case Operation(sign="@+", parts=(inner, later)) if delay is None:
                return self._terms(inner, self.tree(later), lists)
            case Operation(sign="@"):
                raise Misread("a delay '@+'", "a time stamp '@'")
            case Operation(sign="`", parts=(Const(value=0), _)):
                return []
            case Operation(sign="`", parts=(count, value)):
                if not surely_one(value) and _may_be_many(value):
                    return [Term(value=self.lifted(node), delay=delay, many=True)]
                return [Term(value=self.tree(value), count=self.tree(count), delay=delay)]
            case Name(id="empty"):
                return []
            case ListOf() if lists is not None:
                return [Term(value=self.tree(node), delay=delay, many=True)]
            case Name(id=name) if name in self.variables and name not in (lists or ()):
                return [Term(value=self.tree(node), delay=delay)]
            case _ if surely_one(node) or _constructed(node, self.declared):
                return [Term(value=self.tree(node), delay=delay)]
            case _:
                return [Term(value=self.tree(node), delay=delay, many=True)]

    # -- guards and other expressions ---------------------------------------------------------

    def conditions(self, text: str) -> list[ast.expr]:
        """Return the conjuncts of a guard."""
        return [self.tree(each) for each in _conjuncts(parse_expression(text))]

    def expression(self, text: str) -> ast.expr:
        """Return the tree of any expression."""
        return self.tree(parse_expression(text))

    def tree(self, node: Node) -> ast.expr:  # noqa: PLR0911  # one each
        """Return an expression or pattern as a tree of the language of nets."""
        match node:
            case Typed(node=inner):
                return self.tree(inner)
            case Const(value=value):
                return ast.Constant(value)
            case Wild():
                return ast.Name("_", ast.Load())
            case Tuple(items=items):
                return ast.Tuple([self.tree(each) for each in items], ast.Load())
            case ListOf(items=items):
                return ast.List([self.tree(each) for each in items], ast.Load())
            case RecordOf(fields=fields, further=False):
                labels = [ast.Constant(label) for label, _ in fields]
                return ast.Dict(list(labels), [self.tree(each) for _, each in fields])
            case Name(id=name) if name in self.variables:
                return ast.Name(spelled(name), ast.Load())
            case Name(id=name):
                return self._constant(name)
            case Apply(function=Select(label=label), argument=argument):
                part = int(label) - 1 if label.isdigit() else label
                return ast.Subscript(self.tree(argument), ast.Constant(part), ast.Load())
            case Apply(function=Name(id=name), argument=argument) if self._is_case(name):
                self.constructors[spelled(name)] = name
                return ast.Call(ast.Name(spelled(name), ast.Load()), [self.tree(argument)], [])
            case If(test=test, then=then, other=other):
                return ast.IfExp(self.tree(test), self.tree(then), self.tree(other))
            case Operation(sign=sign, parts=parts):
                return self._operation(node, sign, parts)
            case _:
                return self.lifted(node)

    def _operation(self, node: Operation, sign: str, parts: tuple[Node, ...]) -> ast.expr:
        if sign == "::":
            rest = ast.Starred(self.tree(parts[1]), ast.Load())
            return ast.List([self.tree(parts[0]), rest], ast.Load())
        if sign in ("andalso", "orelse"):
            word = ast.And() if sign == "andalso" else ast.Or()
            return ast.BoolOp(word, [self.tree(each) for each in parts])
        if sign in _COMPARES:
            left, right = (self.tree(each) for each in parts)
            return ast.Compare(left, [_COMPARES[sign]], [right])
        if sign in _ARITHMETIC:
            left, right = (self.tree(each) for each in parts)
            return ast.BinOp(left, _ARITHMETIC[sign], right)
        return self.lifted(node)

    def _is_case(self, name: str) -> bool:
        found = self.declared.names.get(name)
        return found is not None and bool(found.tag)

    def _constant(self, name: str) -> ast.expr:
        found = self.declared.look_up(name)
        if isinstance(found.value, str | bool | int | float):
            return ast.Constant(found.value)
        if callable(found.value):
            raise Misread("a value", f"the function {name!r}")
        known = f"constant_{spelled(name)}".replace(".", "_")
        self.constants[known] = found.value
        return ast.Name(known, ast.Load())

    def lifted(self, node: Node) -> ast.expr:
        """Return a call of a new function that computes an expression from its variables."""
        names = sorted(self._variables(node))
        scope = {name: f"v{self.declared.number()}" for name in names}
        writer = Writer(self.declared)
        function = writer.function(list(scope.values()), node, scope, fresh=True)
        self.reads |= writer.reads
        called = f"ml{self.declared.number()}"
        self.functions[called] = function
        arguments: list[ast.expr] = [ast.Name(spelled(name), ast.Load()) for name in names]
        return ast.Call(ast.Name(called, ast.Load()), arguments, [])

    def _variables(self, node: Node) -> set[str]:
        """Return the variables of the net that stand in an expression."""
        return free_names(node) & self.variables.keys()


def spelled(name: str) -> str:
    """Return a name of CPN ML as one that trees can carry: primes are no part of theirs."""
    plain = name.replace("'", "\u02b9")
    return plain + "\u02b9" if keyword.iskeyword(plain) or plain == "result" else plain


def _conjuncts(node: Node) -> list[Node]:
    match node:
        case Typed(node=inner):
            return _conjuncts(inner)
        case ListOf(items=parts) | Operation(sign="andalso", parts=parts):
            return [each for part in parts for each in _conjuncts(part)]
        case _:
            return [node]


def _may_be_many(node: Node) -> bool:
    """Tell whether a counted expression might itself be a multiset."""
    return isinstance(node, Operation) and not surely_one(node)


def _constructed(node: Node, declared: Declarations) -> bool:
    match node:
        case Apply(function=Name(id=name)):
            found = declared.names.get(name)
            return found is not None and bool(found.tag)
        case Name(id=name):
            found = declared.names.get(name)
            return found is not None and found.constant
        case _:
            return False
