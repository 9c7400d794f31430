"""Inscriptions: a small, safe, Python-like expression language, checked and rewritten by `ast`.

Allowed are names, constants, tuples, lists, records, ``x.field`` and ``x[i]``, arithmetic,
comparison, ``and or not``, ``a if c else b`` and calls of the functions in `FUNCTIONS` or of a
record colour (``Order(id=1)``). There are no loops, so an evaluation ends after at most
`NODES_MAX` steps, each linear in the size of a token.
"""

import ast
from collections.abc import Callable, Collection, Mapping
from keyword import iskeyword

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.process.cpn.token import Record, merge

TEXT_MAX = 2_000
NODES_MAX = 400
DEPTH_MAX = 40

_PLAIN_NODES = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, ast.Add,
    ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare, ast.Eq, ast.NotEq, ast.Lt,
    ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.IfExp, ast.Name, ast.Load, ast.Constant,
    ast.Tuple, ast.List, ast.Starred, ast.Dict, ast.Attribute, ast.Subscript, ast.Slice, ast.Call,
    ast.keyword,
)  # fmt: skip

_NUMBERS = (int, float)


def _times(left: object, right: object) -> object:
    """Multiply numbers only: a text times a number would grow without limit."""
    if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        return left * right
    raise TypeError(f"Expected two numbers to multiply, but found {left!r:.40}, {right!r:.40}.")


def _modulo(left: object, right: object) -> object:
    """Take the remainder of numbers only: on a text, ``%`` would format."""
    if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        return left % right
    raise TypeError(f"Expected two numbers to divide, but found {left!r:.40}, {right!r:.40}.")


def _record(**fields: object) -> Record:
    return merge(fields)


FUNCTIONS: dict[str, Callable[..., object]] = {
    "len": len, "min": min, "max": max, "abs": abs, "sum": sum, "round": round, "int": int,
    "merge": merge, "record": _record,
}  # fmt: skip
"""What an expression may call; ``merge(a, b)`` lays one record over another."""

NAMESPACE: dict[str, object] = {
    **{f"f_{name}": function for name, function in FUNCTIONS.items()},
    "_times": _times,
    "_modulo": _modulo,
    "_record": _record,
}
"""What rewritten expressions refer to, besides variables ``v_x`` and constants ``c_x``."""


class Misread(ValueError):  # an answer to the compiler, which turns it into a fault
    """An inscription that is not in the language."""

    def __init__(self, expected: str, found: str, hint: str = "") -> None:
        super().__init__(f"Expected {expected}, but found {found}. {hint}")
        self.expected, self.found, self.hint = expected, found, hint


class Expression(msgspec.Struct, frozen=True, eq=False):
    """A checked expression.

    Attributes
    ----------
    tree : the expression as read; patterns walk it
    names : variables it reads (constants of the net are not among them)
    fields : ``(variable, field)`` pairs it reads with a dot, to check against colours
    code : Python source in which variables are ``v_x`` and constants ``c_x``
    """

    text: str
    tree: ast.expr
    names: frozenset[str]
    fields: tuple[tuple[str, str], ...]
    code: str


class Words(msgspec.Struct, frozen=True):
    """The names that mean something besides variables: constants and record colours.

    Attributes
    ----------
    functions : further functions that may be called
    constructors : what the cases of unions are called by, with the case each stands for
    """

    constants: Collection[str]
    records: Mapping[str, Collection[str]]
    functions: Mapping[str, object] = {}
    constructors: Mapping[str, str] = {}


def read_tree(text: str) -> ast.expr:
    """Parse text and refuse everything outside the language; raises Misread."""
    if len(text) > TEXT_MAX:
        raise Misread(f"at most {TEXT_MAX} characters", f"{len(text)}", "Split the transition.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise Misread("an expression", repr(text), f"{reason}.") from error
    nodes = list(ast.walk(tree))
    if len(nodes) > NODES_MAX or _depth(tree) > DEPTH_MAX:
        raise Misread(f"at most {NODES_MAX} parts, {DEPTH_MAX} deep", f"{len(nodes)} parts")
    for node in nodes:
        _check_node(node, text)
    return tree


def _depth(tree: ast.AST) -> int:
    level, depth = [tree], 0
    while level and depth <= DEPTH_MAX:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _check_node(node: ast.AST, text: str) -> None:
    if not isinstance(node, _PLAIN_NODES):
        raise Misread("a plain expression", f"{type(node).__name__} in {text!r}")
    name = (
        node.id if isinstance(node, ast.Name)
        else node.attr if isinstance(node, ast.Attribute)
        else node.arg if isinstance(node, ast.keyword)
        else ""
    )  # fmt: skip
    if name is None:
        raise Misread("named arguments", f"'**' in {text!r}", "Use merge(a, b).")
    if name.startswith("_") and name != "_":
        raise Misread("a name that does not start with '_'", repr(name))
    if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float, str, type(None))):
        raise Misread("a number, text, True, False or None", f"{node.value!r:.40}")


def split_conjuncts(tree: ast.expr) -> list[ast.expr]:
    """Return the parts of a top-level ``and``."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return [part for each in tree.values for part in split_conjuncts(each)]
    return [tree]


def express(tree: ast.expr, words: Words, text: str = "") -> Expression:
    """Return a checked tree with its Python source and the names it reads; raises Misread."""
    rewriter = _Rewriter(words)
    # The tree is read again from its text, as rewriting changes it in place.
    code = ast.unparse(rewriter.visit(ast.parse(ast.unparse(tree), mode="eval").body))
    return Expression(
        text or ast.unparse(tree),
        tree,
        frozenset(rewriter.names),
        tuple(rewriter.fields),
        f"({code})",
    )


def record_call(node: ast.expr, words: Words) -> dict[str, ast.expr] | None:
    """Return the fields of a record written as a dict, ``record(...)`` or a colour's name."""
    if isinstance(node, ast.Dict):
        fields: dict[str, ast.expr] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                raise Misread("field names as text", ast.unparse(node))
            fields[key.value] = value
        return fields
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return None
    if node.func.id != "record" and node.func.id not in words.records:
        return None
    if node.args:
        raise Misread("fields by name", ast.unparse(node), "Write Order(id=1), say.")
    return {keyword.arg or "": keyword.value for keyword in node.keywords}


def constructed(node: ast.expr, words: Words) -> tuple[str, ast.expr] | None:
    """Return the case of a union and what it carries, where a constructor is called."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return None
    tag = words.constructors.get(node.func.id)
    if tag is None:
        return None
    if len(node.args) != 1 or node.keywords:
        raise Misread(f"one value for '{tag}'", ast.unparse(node))
    return tag, node.args[0]


class _Rewriter(ast.NodeTransformer):
    """Renames variables, turns records, fields and risky operators into calls."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.names: set[str] = set()
        self.fields: list[tuple[str, str]] = []

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "_":
            raise Misread("a value", "'_'", "The wildcard stands in input patterns only.")
        if node.id in self.words.constants:
            return ast.Name(f"c_{node.id}", ast.Load())
        self.names.add(node.id)
        return ast.Name(f"v_{node.id}", ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name):
            self.fields.append((node.value.id, node.attr))
        return ast.Subscript(self.visit(node.value), ast.Constant(node.attr), ast.Load())

    def visit_List(self, node: ast.List) -> ast.expr:
        return ast.Tuple([self.visit(each) for each in node.elts], ast.Load())

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Mult | ast.Mod):
            name = "_times" if isinstance(node.op, ast.Mult) else "_modulo"
            return ast.Call(ast.Name(name, ast.Load()), [left, right], [])
        return ast.BinOp(left, node.op, right)

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        return self._record_of(record_call(node, self.words) or {})

    def visit_Call(self, node: ast.Call) -> ast.expr:
        fields = record_call(node, self.words)
        if fields is not None:
            assert isinstance(node.func, ast.Name)
            self._check_fields(node.func.id, fields)
            return self._record_of(fields)
        case = constructed(node, self.words)
        if case is not None:
            tag, carried = case
            return ast.Tuple([ast.Constant(tag), self.visit(carried)], ast.Load())
        if not (
            isinstance(node.func, ast.Name)
            and (node.func.id in FUNCTIONS or node.func.id in self.words.functions)
        ):
            known = [*FUNCTIONS, *self.words.records, *self.words.constructors]
            called = ast.unparse(node.func)
            raise Misread("a known function", repr(called), did_you_mean(called, known))
        if node.keywords:
            raise Misread("arguments without names", ast.unparse(node))
        arguments = [self.visit(each) for each in node.args]
        return ast.Call(ast.Name(f"f_{node.func.id}", ast.Load()), arguments, [])

    def _check_fields(self, colour: str, fields: dict[str, ast.expr]) -> None:
        known = self.words.records.get(colour, fields)
        for name in fields:
            if name not in known:
                raise Misread(f"a field of {colour}", repr(name), did_you_mean(name, known))

    def _record_of(self, fields: dict[str, ast.expr]) -> ast.expr:
        values = [self.visit(value) for value in fields.values()]
        named = ast.Dict([ast.Constant(name) for name in fields], values)
        plain = all(name.isidentifier() and not iskeyword(name) for name in fields)
        keywords = [ast.keyword(*pair) for pair in zip(fields, values, strict=True)]
        given = keywords if plain else [ast.keyword(None, named)]
        return ast.Call(ast.Name("_record", ast.Load()), [], given)
