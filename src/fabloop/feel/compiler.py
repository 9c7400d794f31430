"""Syntax tree to Python code object: names become locals or look-ups, operators become calls."""

import ast
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, assert_never

import msgspec

from fabloop.base.errors import Refused
from fabloop.feel import access, nodes, operators
from fabloop.feel.java import call_java
from fabloop.feel.library import BUILTINS, call_builtin
from fabloop.feel.nodes import Node
from fabloop.feel.run import Run
from fabloop.feel.types import Types, is_instance
from fabloop.feel.values import TEMPORAL, Function, Value, kind_of

Code = Callable[..., Value]

_OPERATORS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power"}
_PYTHON = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "=": ast.Eq, "!=": ast.NotEq}
FOLDING_STEPS_MAX = 1_000
"""What may be spent on computing one constant ahead."""

NODES_PER_STEP = 16
"""Nodes of Python's syntax tree that take about as long as one round of a loop."""

_UNSTABLE = frozenset({"now", "today"})
_BUILTIN_SCOPE: dict[str, Any] = {
    "__builtins__": {},
    "type": type,
    "int": int,
    "str": str,
    "Function": Function,
    "is_instance": is_instance,
    "call_builtin": call_builtin,
    "call_java": call_java,
    **{name: getattr(operators, name) for name in (*_OPERATORS.values(), "negate", "compare")},
    **{name: getattr(operators, name) for name in ("equals", "unequal", "both", "either")},
    **{name: getattr(operators, name) for name in ("between", "within")},
    **{name: getattr(access, name) for name in ("load", "load_path", "path", "member", "select")},
    **{name: getattr(access, name) for name in ("at_index", "each", "put", "partial", "judge")},
    **{name: getattr(access, name) for name in ("some", "every", "test", "verdict", "span")},
    **{
        name: getattr(access, name)
        for name in ("bounded", "invoke", "truth", "opposite", "load_function")
    },
}


class Locals(msgspec.Struct, frozen=True):
    """Names that the expression declares, with the Python names that hold them."""

    names: dict[str, str]


class Item(msgspec.Struct, frozen=True):
    """The item inside of a filter, whose entries come before outer names."""

    python: str


Scope = Locals | Item
Items = list[str]
Expressions = list[ast.expr]


class Compiled(msgspec.Struct, frozen=True):
    """The code of an expression and the variables that it reads."""

    code: Code
    variables: frozenset[str]
    paths: frozenset[tuple[str, str]]


def compile_tree(tree: Node, types: Types) -> Compiled:
    """Return the code of an expression: a function of the variables and the run."""
    emitter = _Emitter(types)
    return _finished(emitter, ("variables", "run"), emitter.emit(tree))


def compile_tests(tests: tuple[Node, ...], types: Types) -> Compiled:
    """Return the code of unary tests: a function of the variables, the run and the value."""
    emitter = _Emitter(types)
    emitter.scopes.append(Locals({"?": "value"}))
    return _finished(emitter, ("variables", "run", "value"), emitter.tests(tests, _name("value")))


def _finished(emitter: "_Emitter", parameters: tuple[str, ...], body: ast.expr) -> Compiled:
    tree = _placed(ast.Expression(_function(parameters, body)))
    scope = {**_BUILTIN_SCOPE, **emitter.constants}
    code = eval(compile(tree, "<feel>", "eval"), scope)  # noqa: S307 - our own tree, no user text
    return Compiled(code, frozenset(emitter.free), frozenset(emitter.paths))


class _Emitter:
    def __init__(self, types: Types) -> None:
        self.types = types
        self.scopes: list[Scope] = []
        self.constants: dict[str, Any] = {}
        self.free: set[str] = set()
        self.paths: set[tuple[str, str]] = set()
        self.count = 0

    # -- small parts ------------------------------------------------------------------------

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def constant(self, value: Any) -> ast.expr:
        if value is None or type(value) in (bool, int, str):
            return ast.Constant(value)
        name = self.fresh("k")
        self.constants[name] = value
        return _name(name)

    def call(self, function: str, *arguments: ast.expr, at: int) -> ast.expr:
        return _call(function, _name("run"), *arguments, ast.Constant(at))

    def inside(self, scope: Scope, node: Node) -> ast.expr:
        self.scopes.append(scope)
        result = self.emit(node)
        self.scopes.pop()
        return result

    # -- nodes ------------------------------------------------------------------------------

    def emit(self, node: Node) -> ast.expr:
        folded = self.folded(node)
        return self.constant(folded.value) if folded is not None else self.unfolded(node)

    def unfolded(self, node: Node) -> ast.expr:
        emit: Callable[[_Emitter, Any], ast.expr] = _EMITTERS[type(node)]
        return emit(self, node)

    def negation(self, node: nodes.Negation) -> ast.expr:
        return self.call("negate", self.emit(node.operand), at=node.at)

    def between(self, node: nodes.Between) -> ast.expr:
        parts = (self.emit(part) for part in (node.operand, node.low, node.high))
        return self.call("between", *parts, at=node.at)

    def membership(self, node: nodes.In) -> ast.expr:
        value = self.fresh("v")
        held = ast.NamedExpr(ast.Name(value, ast.Store()), self.emit(node.operand))
        both = ast.Tuple([held, self.tests(node.tests, _name(value))], ast.Load())
        return ast.Subscript(both, ast.Constant(1), ast.Load())

    def instance(self, node: nodes.InstanceOf) -> ast.expr:
        wanted, types = self.constant(node.type), self.constant(self.types)
        return _call("is_instance", self.emit(node.operand), wanted, types)

    def list(self, node: nodes.ListOf) -> ast.expr:
        return ast.List([self.emit(item) for item in node.items], ast.Load())

    def bounded(self, node: nodes.Bounded) -> ast.expr:
        return _call("bounded", ast.Constant(node.op), self.emit(node.bound))

    def range(self, node: nodes.RangeOf) -> ast.expr:
        closed = self.constant((node.low_included, node.high_included))
        return self.call("span", self.emit(node.low), self.emit(node.high), closed, at=node.at)

    def folded(self, node: Node) -> nodes.Literal | None:
        """Return the value of a node that has only literals below it, if it is a simple one."""
        if isinstance(node, nodes.Literal):
            return node
        if not isinstance(node, nodes.Negation | nodes.Arithmetic | nodes.Call):
            return None
        try:
            scratch = Run("", None)
            scratch.steps = FOLDING_STEPS_MAX
            value = self.constant_value(node, scratch)
        except Refused:
            return None
        simple = (int, Decimal, str, bool, *TEMPORAL)
        return nodes.Literal(at=node.at, value=value) if type(value) in simple else None

    def constant_value(
        self, node: nodes.Negation | nodes.Arithmetic | nodes.Call, scratch: Run
    ) -> Value:
        match node:
            case nodes.Negation():
                inner = self.folded(node.operand)
                return operators.negate(scratch, inner.value, 0) if inner else None
            case nodes.Arithmetic():
                return self.folded_chain(node, scratch)
            case nodes.Call(callee=nodes.Name(name=name)) if self.stable(name):
                inners = [self.folded(argument) for argument in node.arguments]
                given = tuple(inner.value for inner in inners if inner is not None)
                if len(given) == len(inners):
                    return call_builtin(scratch, name, given, node.names, 0)
            case _:
                pass
        return None

    def stable(self, name: str) -> bool:
        """Tell whether a name is a built-in function whose result depends on nothing else."""
        return name in BUILTINS and name not in _UNSTABLE and not self.local(name)

    def folded_chain(self, node: nodes.Arithmetic, scratch: Run) -> Value:
        first = self.folded(node.first)
        value = first.value if first else None
        for op, _, operand in node.rest:
            inner = self.folded(operand) if value is not None else None
            if inner is None:
                return None
            value = getattr(operators, _OPERATORS[op])(scratch, value, inner.value, 0)
        return value

    def arithmetic(self, node: nodes.Arithmetic) -> ast.expr:
        result = self.emit(node.first)
        for op, at, operand in node.rest:
            result = self.call(_OPERATORS[op], result, self.emit(operand), at=at)
        return result

    def comparison(self, node: nodes.Comparison) -> ast.expr:
        left, right, literal = self.emit(node.left), self.emit(node.right), self.folded(node.right)
        kind = type(literal.value) if literal else None
        if kind not in (int, str):
            return self.compared(node, left, right)
        # The common case 'name op literal' is compared by Python when the types agree.
        held = self.fresh("v")
        quick = ast.Compare(_name(held), [_PYTHON[node.op]()], [right])
        wanted = _name("int" if kind is int else "str")
        if isinstance(node.left, nodes.Name) and self.is_global(node.left.name):
            raw = _variable(node.left.name)
            return ast.IfExp(_typed(held, raw, wanted), quick, self.compared(node, left, right))
        return ast.IfExp(_typed(held, left, wanted), quick, self.compared(node, _name(held), right))

    def compared(self, node: nodes.Comparison, left: ast.expr, right: ast.expr) -> ast.expr:
        if node.op in ("=", "!="):
            return self.call("equals" if node.op == "=" else "unequal", left, right, at=node.at)
        return self.call("compare", ast.Constant(node.op), left, right, at=node.at)

    def junction(self, node: nodes.Logic) -> ast.expr:
        return self.logic(node.op, [self.emit(operand) for operand in node.operands], node.at)

    def logic(self, op: str, operands: Sequence[ast.expr], at: int) -> ast.expr:
        """Combine operands as a balanced tree, so that long chains stay shallow."""
        if len(operands) == 1:
            return operands[0]
        middle = len(operands) // 2
        left = self.logic(op, operands[:middle], at)
        right = self.logic(op, operands[middle:], at)
        held = self.fresh("v")
        decisive = ast.Constant(op == "or")
        done = ast.Compare(ast.NamedExpr(ast.Name(held, ast.Store()), left), [ast.Is()], [decisive])
        joined = self.call("either" if op == "or" else "both", _name(held), right, at=at)
        return ast.IfExp(done, decisive, joined)

    def is_global(self, name: str) -> bool:
        """Tell whether a name can only be a variable that is handed in."""
        inside = any(isinstance(scope, Item) for scope in self.scopes)
        return not inside and not self.local(name)

    # -- names ------------------------------------------------------------------------------

    def local(self, name: str) -> bool:
        """Tell whether the expression declares this name in an open scope."""
        return any(isinstance(scope, Locals) and name in scope.names for scope in self.scopes)

    def reference(self, node: nodes.Name) -> ast.expr:
        name, at = node.name, node.at
        items: Items = []
        result: ast.expr | None = None
        for scope in reversed(self.scopes):
            match scope:
                case Locals(names):
                    result = _name(names[name]) if name in names else None
                case Item(python):
                    items.append(python)
                    result = _name(python) if name == "item" else None
                case _:
                    assert_never(scope)
            if result is not None:
                break
        if result is None:
            self.free.add(name)
            self.paths.add((name, ""))
            result = self.call("load", _name("variables"), ast.Constant(name), at=at)
        for python in reversed(items):
            entry = ast.Subscript(_name(python), ast.Constant(name), ast.Load())
            result = ast.IfExp(_call("member", _name(python), ast.Constant(name)), entry, result)
        return result

    def path(self, node: nodes.Path) -> ast.expr:
        names = [node.name]
        base = node.base
        while isinstance(base, nodes.Path):
            names.append(base.name)
            base = base.base
        if isinstance(base, nodes.Name) and self.is_global(base.name):
            self.free.add(base.name)
            self.paths.add((base.name, names[-1]))
            whole = self.constant((base.name, *reversed(names)))
            return self.call("load_path", _name("variables"), whole, at=node.at)
        result = self.emit(base)
        for name in reversed(names):
            result = self.call("path", result, ast.Constant(name), at=node.at)
        return result

    def filter(self, node: nodes.Filter) -> ast.expr:
        base, literal = self.emit(node.base), self.folded(node.condition)
        if literal is not None and kind_of(literal.value) == "number":
            return self.call("at_index", base, self.constant(literal.value), at=node.at)
        item = self.fresh("item")
        condition = self.inside(Item(item), node.condition)
        tested = _function((item,), condition)
        return self.call("select", base, tested, _weight(condition), at=node.at)

    def invocation(self, node: nodes.Call) -> ast.expr:
        arguments = ast.Tuple([self.emit(argument) for argument in node.arguments], ast.Load())
        names = self.constant(node.names)
        callee = node.callee
        if (
            isinstance(callee, nodes.Name)
            and callee.name in BUILTINS
            and not self.local(callee.name)
        ):
            return self.call(
                "call_builtin", ast.Constant(callee.name), arguments, names, at=node.at
            )
        if isinstance(callee, nodes.Name) and self.is_global(callee.name):
            self.free.add(callee.name)
            wanted = ast.Constant(callee.name)
            function = self.call("load_function", _name("variables"), wanted, at=callee.at)
        else:
            function = self.emit(callee)
        return self.call("invoke", function, arguments, names, at=node.at)

    # -- forms ------------------------------------------------------------------------------

    def condition(self, node: nodes.If) -> ast.expr:
        test = self.call("truth", self.emit(node.condition), at=node.at)
        return ast.IfExp(test, self.emit(node.first), self.emit(node.second))

    def loop(self, node: nodes.For) -> ast.expr:
        out, so_far = self.fresh("out"), self.fresh("v")
        self.scopes.append(Locals({"partial": so_far}))

        def body() -> ast.expr:
            result = self.emit(node.body)
            if any(isinstance(n, ast.Name) and n.id == so_far for n in ast.walk(result)):
                result = ast.Call(
                    _function((so_far,), result), [_call("partial", _name("run"), _name(out))], []
                )
            return _call("put", _name("run"), _name(out), result)

        looped = self.nested(node.bindings, body, node.at)
        self.scopes.pop()
        finished = ast.IfExp(looped, _name(out), ast.Constant(None))
        return ast.Call(_function((out,), finished), [ast.List([], ast.Load())], [])

    def nested(
        self, bindings: tuple[nodes.Binding, ...], body: Callable[[], ast.expr], at: int
    ) -> ast.expr:
        if not bindings:
            return body()
        first = bindings[0]
        source = self.emit(first.source)
        python = self.fresh("x")
        self.scopes.append(Locals({first.name: python}))
        inner = self.nested(bindings[1:], body, at)
        self.scopes.pop()
        return self.call("each", source, _function((python,), inner), _weight(inner), at=at)

    def quantified(self, node: nodes.Quantified) -> ast.expr:
        seen = self.fresh("seen")

        def body() -> ast.expr:
            return self.call("judge", _name(seen), self.emit(node.body), at=node.at)

        looped = self.nested(node.bindings, body, node.at)
        finished = ast.IfExp(looped, _call(node.kind, _name(seen)), ast.Constant(None))
        return ast.Call(_function((seen,), finished), [ast.List([], ast.Load())], [])

    def context(self, node: nodes.ContextOf) -> ast.expr:
        names: dict[str, str] = {}
        self.scopes.append(Locals(names))
        values: Expressions = []
        for key, entry in node.entries:
            python = self.fresh("v")
            if isinstance(entry, nodes.FunctionOf):
                names[key] = python  # A function may call itself.
            values.append(ast.NamedExpr(ast.Name(python, ast.Store()), self.emit(entry)))
            names[key] = python
        self.scopes.pop()
        return ast.Dict([ast.Constant(key) for key, _ in node.entries], values)

    def function(self, node: nodes.FunctionOf) -> ast.expr:
        names = {parameter.name: self.fresh("p") for parameter in node.parameters}
        body = self.inside(Locals(names), node.body)
        wanted = tuple(parameter.type for parameter in node.parameters)
        return _call(
            "Function",
            self.constant(tuple(names)),
            _function(tuple(names.values()), body),
            self.constant(wanted if any(wanted) else ()),
            _weight(body),
        )

    def java(self, node: nodes.JavaCall) -> ast.expr:
        given = ast.Tuple([self.emit(each) for each in node.arguments], ast.Load())
        return self.call("call_java", self.constant(node.method), given, at=node.at)

    # -- tests ------------------------------------------------------------------------------

    def tests(self, tests: tuple[Node, ...], value: ast.expr) -> ast.expr:
        return self.logic("or", [self.test(test, value) for test in tests], tests[0].at)

    def test(self, node: Node, value: ast.expr) -> ast.expr:
        match node:
            case nodes.AnyValue():
                return ast.Constant(True)  # noqa: FBT003 - a constant of the tree
            case nodes.Not():
                return _call("opposite", self.tests(node.tests, value))
            case nodes.Bounded():
                comparison = nodes.Comparison(at=node.at, op=node.op, left=node, right=node.bound)
                return self.compared(comparison, value, self.emit(node.bound))
            case _:
                result = self.emit(node)
        own = any(isinstance(n, ast.Name) and n.id == "value" for n in ast.walk(result))
        return self.call("verdict" if own else "test", value, result, at=node.at)


_EMITTERS: dict[type[Node], Callable[..., ast.expr]] = {
    nodes.Arithmetic: _Emitter.arithmetic,
    nodes.Between: _Emitter.between,
    nodes.Bounded: _Emitter.bounded,
    nodes.Call: _Emitter.invocation,
    nodes.Comparison: _Emitter.comparison,
    nodes.ContextOf: _Emitter.context,
    nodes.Filter: _Emitter.filter,
    nodes.For: _Emitter.loop,
    nodes.FunctionOf: _Emitter.function,
    nodes.If: _Emitter.condition,
    nodes.In: _Emitter.membership,
    nodes.InstanceOf: _Emitter.instance,
    nodes.JavaCall: _Emitter.java,
    nodes.ListOf: _Emitter.list,
    nodes.Logic: _Emitter.junction,
    nodes.Name: _Emitter.reference,
    nodes.Negation: _Emitter.negation,
    nodes.Path: _Emitter.path,
    nodes.Quantified: _Emitter.quantified,
    nodes.RangeOf: _Emitter.range,
}


def _placed(tree: ast.Expression) -> ast.Expression:
    """Give every node a place, which Python asks for; ours are in the calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.arg):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = 0
    return tree


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _weight(body: ast.expr) -> ast.expr:
    """Return the steps that one round of a body costs: by its size, at least one."""
    return ast.Constant(1 + sum(1 for _ in ast.walk(body)) // NODES_PER_STEP)


def _variable(name: str) -> ast.expr:
    return ast.Call(ast.Attribute(_name("variables"), "get", ast.Load()), [ast.Constant(name)], [])


def _typed(held: str, value: ast.expr, kind: ast.expr) -> ast.expr:
    """Return ``type(held := value) is kind``."""
    named = ast.NamedExpr(ast.Name(held, ast.Store()), value)
    return ast.Compare(_call("type", named), [ast.Is()], [kind])


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_name(function), list(arguments), [])


def _function(parameters: tuple[str, ...], body: ast.expr) -> ast.expr:
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    return ast.Lambda(arguments, body)
