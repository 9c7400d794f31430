"""Writes CPN ML as Python functions; all names in their source are numbered ones of ours."""

from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any, TypeAlias

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.ml import values
from fabloop.process.cpn.ml.tree import (
    Apply,
    Case,
    Clause,
    Const,
    Declaration,
    Deref,
    Fn,
    Fun,
    If,
    Layered,
    Let,
    ListOf,
    Name,
    Node,
    Operation,
    RecordOf,
    Select,
    Tuple,
    Typed,
    Val,
    Wild,
)
from fabloop.process.cpn.token import Record

Scope: TypeAlias = Mapping[str, str]
"""What names mean inside a function: their Python source."""

SOURCE_LINES_MAX = 20_000

OPERATORS: dict[str, object] = {
    "_copies": values.copies, "_total": values.total, "_minus": values.minus,
    "_scaled": values.scaled, "_delayed": values.delayed, "_only_if": values.only_if,
    "_times": values.times, "_plus": values.plus, "_modulo": values.modulo,
    "_joined": values.joined, "_appended": values.appended, "_cons": values.cons,
    "_no_match": values.no_match, "_bounded": values.bounded, "_Bunch": values.Bunch,
    "_record": lambda **fields: Record(sorted(fields.items())),
    "_fields": lambda fields: Record(sorted(fields.items())),
}  # fmt: skip

_CALLS = {
    "*": "_times", "+": "_plus", "mod": "_modulo", "^": "_joined", "^^": "_appended",
    "@": "_appended", "::": "_cons", "`": "_copies", "--": "_minus", "**": "_scaled",
    "%": "_only_if", "++": "_total", "+++": "_total",
}  # fmt: skip
_SIGNS = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "/": "/", "div": "//"}


class Global(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a name of the net means.

    Attributes
    ----------
    source : its name in the namespace of generated functions
    value : what it stands for
    constant : whether it is a value that patterns compare with (an enumerated one, say)
    tag : for a constructor, what its values begin with
    reads : ``time`` or ``chance``, where it depends on them
    """

    source: str
    value: Any
    constant: bool = False
    tag: str = ""
    reads: frozenset[str] = frozenset()


class Globals:
    """The names of one net, and the namespace of its generated functions."""

    def __init__(self, budget: values.Budget) -> None:
        self.budget = budget
        self.names: dict[str, Global] = {}
        self.space: dict[str, object] = {**OPERATORS, "_tick": budget.tick, "_budget": budget}
        self.used_files: list[str] = []
        self._forbidden: dict[str, str] = {}
        self._counter = 0

    def number(self) -> int:
        """Return a number that no generated name has yet."""
        self._counter += 1
        return self._counter

    def define(
        self, name: str, value: Any, *, constant: bool = False, tag: str = "",
        reads: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        """Give a name a meaning; a later one hides an earlier one."""
        source = f"g{self.number()}"
        self.space[source] = value
        self.names[name] = Global(
            source=source, value=value, constant=constant, tag=tag, reads=reads
        )

    def forbid(self, name: str, reason: str) -> None:
        """Note that a name has a declaration that cannot be carried out."""
        self._forbidden[name] = reason
        self.names.pop(name, None)

    def look_up(self, name: str) -> Global:
        """Return what a name means; raises Misread for what is unknown or unsupported."""
        found = self.names.get(name)
        if found is not None:
            return found
        if name in self._forbidden:
            raise Misread(f"{name!r} to be supported", f"its declaration, {self._forbidden[name]}")
        hint = did_you_mean(name, self.names)
        if self.used_files:
            hint = f"It may stand in {', '.join(self.used_files)}, which are not read."
        expected = "a name that the net declares or the supported part of CPN ML has"
        raise Misread(expected, repr(name), hint)


class Writer:
    """Writes one Python function, with those that its expressions need inside it.

    With `stamps`, ``@`` puts a time on tokens, as in initial markings, and does not join lists.
    """

    def __init__(self, known: Globals, *, stamps: bool = False) -> None:
        self.known = known
        self.stamps = stamps
        self.lines: list[str] = []
        self.depth = 0
        self.reads: set[str] = set()

    # -- whole functions ----------------------------------------------------------------------

    def function(self, argument_names: list[str], body: Node, scope: Scope, *, fresh: bool) -> Any:
        """Return a Python function of `argument_names`; `fresh` refills the steps first."""
        name = f"f{self.known.number()}"
        self._line(f"def {name}({', '.join(argument_names)}):")
        self.depth += 1
        self._line("_budget.left = _LEFT" if fresh else "_tick()")
        self.result(body, scope)
        return self.made(name)

    def made(self, name: str) -> Any:
        """Return the function that was written, compiled."""
        if len(self.lines) > SOURCE_LINES_MAX:
            raise Misread("a shorter function", f"{len(self.lines)} lines of Python")
        self.known.space["_LEFT"] = values.STEPS_MAX
        module = compile("\n".join(self.lines), f"<CPN ML {name}>", "exec")
        code = next(each for each in module.co_consts if isinstance(each, CodeType))
        return FunctionType(code, self.known.space)

    def closure(self, clauses: tuple[Clause, ...], scope: Scope, name: str, what: str) -> None:
        """Write a function of one argument, or curried ones, as ``def name``."""
        arguments = [f"a{self.known.number()}" for _ in clauses[0].patterns]
        names = [name, *(f"c{self.known.number()}" for _ in arguments[1:])]
        for each, argument in zip(names, arguments, strict=True):
            self._line(f"def {each}({argument}):")
            self.depth += 1
        self._line("_tick()")
        for clause in clauses:
            self._clause(clause, arguments, scope)
        shown = arguments[0] if len(arguments) == 1 else f"({', '.join(arguments)})"
        self._line(f"_no_match({shown}, {what!r})")
        for each in reversed(names[1:]):
            self.depth -= 1
            self._line(f"return {each}")
        self.depth -= 1

    def _clause(self, clause: Clause, arguments: list[str], scope: Scope) -> None:
        inside = dict(scope)
        tests: list[str] = []
        binds: list[str] = []
        for pattern, argument in zip(clause.patterns, arguments, strict=True):
            self.match(pattern, argument, inside, tests, binds)
        self._guarded(tests, binds, clause.body, inside)

    def _guarded(self, tests: list[str], binds: list[str], body: Node, scope: Scope) -> None:
        if tests:
            self._line(f"if {' and '.join(tests)}:")
            self.depth += 1
        for line in binds:
            self._line(line)
        self.result(body, scope)
        self.depth -= 1 if tests else 0

    def _line(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    # -- patterns -----------------------------------------------------------------------------

    def match(  # noqa: C901, PLR0912  # one each
        self, pattern: Node, subject: str, scope: dict[str, str], tests: list[str],
        binds: list[str],
    ) -> None:  # fmt: skip
        """Add what a pattern tests and binds; new names go to `scope`."""
        match pattern:
            case Wild() | Tuple(items=()):
                return
            case Typed(node=node):
                self.match(node, subject, scope, tests, binds)
            case Layered(id=name, pattern=inner):
                self._bind(name, subject, scope, binds)
                self.match(inner, subject, scope, tests, binds)
            case Const(value=value):
                tests.append(f"{subject} == {value!r}")
            case Name(id=name) if self._constant(name) is not None:
                tests.append(f"{subject} == {self._constant(name)}")
            case Name(id=name):
                self._bind(name, subject, scope, binds)
            case Tuple(items=items):
                for place, each in enumerate(items):
                    self.match(each, f"{subject}[{place}]", scope, tests, binds)
            case ListOf(items=items):
                tests.append(f"len({subject}) == {len(items)}")
                for place, each in enumerate(items):
                    self.match(each, f"{subject}[{place}]", scope, tests, binds)
            case RecordOf(fields=fields):
                for label, each in fields:
                    self.match(each, f"{subject}[{_part(label)}]", scope, tests, binds)
            case Operation(sign="::", parts=(head, tail)):
                tests.append(f"len({subject}) > 0")
                self.match(head, f"{subject}[0]", scope, tests, binds)
                self.match(tail, f"{subject}[1:]", scope, tests, binds)
            case Apply(function=Name(id=name), argument=inner) if self._tag(name):
                tag = self._tag(name)
                tests.append(f"type({subject}) is tuple and {subject}[0] == {tag!r}")
                self.match(inner, f"{subject}[1]", scope, tests, binds)
            case _:
                raise Misread("a pattern", described(pattern))

    def _bind(self, name: str, subject: str, scope: dict[str, str], binds: list[str]) -> None:
        local = f"v{self.known.number()}"
        binds.append(f"{local} = {subject}")
        scope[name] = local

    def _constant(self, name: str) -> str | None:
        found = self.known.names.get(name)
        return found.source if found is not None and found.constant else None

    def _tag(self, name: str) -> str:
        found = self.known.names.get(name)
        return found.tag if found is not None else ""

    # -- expressions --------------------------------------------------------------------------

    def result(self, node: Node, scope: Scope) -> None:
        """Write statements that return the value of an expression."""
        match node:
            case Typed(node=inner):
                self.result(inner, scope)
            case If(test=test, then=then, other=other):
                self._line(f"if {self.value(test, scope)}:")
                for branch, ending in ((then, True), (other, False)):
                    self.depth += 1
                    self.result(branch, scope)
                    self.depth -= 1
                    if ending:
                        self._line("else:")
            case Case(subject=subject, rules=rules):
                local = f"v{self.known.number()}"
                self._line(f"{local} = {self.value(subject, scope)}")
                for pattern, body in rules:
                    self._clause(Clause((pattern,), body), [local], scope)
                self._line(f"_no_match({local}, 'case')")
            case Let(declarations=declarations, body=body):
                inside = dict(scope)
                for each in declarations:
                    self._declare(each, inside)
                self.result(body, inside)
            case _:
                self._line(f"return {self.value(node, scope)}")

    def _declare(self, declaration: Declaration, scope: dict[str, str]) -> None:
        if isinstance(declaration, Val):
            local = f"v{self.known.number()}"
            self._line(f"{local} = {self.value(declaration.value, scope)}")
            tests: list[str] = []
            binds: list[str] = []
            self.match(declaration.pattern, local, scope, tests, binds)
            if tests:
                self._line(f"if not ({' and '.join(tests)}): _no_match({local}, 'val')")
            for line in binds:
                self._line(line)
            return
        named = [(each, f"f{self.known.number()}") for each in declaration.functions]
        for function, local in named:
            scope[function.id] = local
        for function, local in named:
            self.closure(function.clauses, scope, local, function.id)

    def value(self, node: Node, scope: Scope) -> str:  # noqa: PLR0911  # one each
        """Return the Python source of an expression."""
        match node:
            case Const(value=value):
                return f"({value!r})"
            case Name(id=name):
                return self._name(name, scope)
            case Typed(node=inner):
                return self.value(inner, scope)
            case Tuple(items=items) | ListOf(items=items):
                return f"({''.join(self.value(each, scope) + ', ' for each in items)})"
            case RecordOf(fields=fields, further=False):
                return self._record(fields, scope)
            case Select(label=label):
                return f"(lambda r: r[{_part(label)}])"
            case Apply(function=function, argument=argument):
                return self._application(function, argument, scope)
            case Operation():
                return self._operation(node, scope)
            case If(test=test, then=then, other=other) if not (_long(then) or _long(other)):
                yes, no = self.value(then, scope), self.value(other, scope)
                return f"({yes} if {self.value(test, scope)} else {no})"
            case If() | Case() | Let():
                local = f"f{self.known.number()}"
                self._line(f"def {local}():")
                self.depth += 1
                self.result(node, scope)
                self.depth -= 1
                return f"{local}()"
            case Fn(rules=rules):
                local = f"f{self.known.number()}"
                clauses = tuple(Clause((pattern,), body) for pattern, body in rules)
                self.closure(clauses, scope, local, "fn")
                return local
            case Deref(of=Name(id=name)):
                return self._name(name, scope)
            case Wild() | Layered() | RecordOf() | Deref():
                raise Misread("an expression", described(node))
        raise AssertionError(node)

    def _name(self, name: str, scope: Scope) -> str:
        if name in scope:
            return scope[name]
        found = self.known.look_up(name)
        self.reads |= found.reads
        return found.source

    def _record(self, fields: tuple[tuple[str, Node], ...], scope: Scope) -> str:
        if [label for label, _ in fields] == [str(n + 1) for n in range(len(fields))]:
            return self.value(Tuple(tuple(each for _, each in fields)), scope)
        inside = ", ".join(f"{label!r}: {self.value(each, scope)}" for label, each in fields)
        return f"_fields({{{inside}}})"

    def _application(self, function: Node, argument: Node, scope: Scope) -> str:
        if isinstance(function, Select):
            return f"{self.value(argument, scope)}[{_part(function.label)}]"
        if isinstance(function, Name) and function.id not in scope:
            tag = self._tag(function.id)
            if tag:
                return f"({tag!r}, {self.value(argument, scope)})"
        if function == Name("time") and "time" not in scope:
            self.reads.add("time")
            return "_budget.now"
        return f"{self.value(function, scope)}({self.value(argument, scope)})"

    def _operation(self, node: Operation, scope: Scope) -> str:
        sign, parts = node.sign, [self.value(each, scope) for each in node.parts]
        if sign == "@" and self.stamps:
            sign = "@+"
        if sign in _CALLS:
            return f"{_CALLS[sign]}({', '.join(parts)})"
        if sign in _SIGNS:
            return f"({parts[0]} {_SIGNS[sign]} {parts[1]})"
        match sign:
            case "andalso" | "orelse":
                word = " and " if sign == "andalso" else " or "
                return f"({word.join(parts)})"
            case "-":
                return f"_bounded({parts[0]} - {parts[1]})"
            case "@+":
                return f"_delayed({parts[0]}, {parts[1]}, {surely_one(node.parts[0])})"
            case ":=":
                raise Misread("an expression without effects", "an assignment ':='")
            case _:
                raise Misread("the supported part of CPN ML", f"the operator '{sign}'")


def compiled(known: Globals, functions: tuple[Fun, ...]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return declared functions, ready to be called, and what they depend on."""
    writer = Writer(known)
    outer = f"f{known.number()}"
    writer._line(f"def {outer}():")  # noqa: SLF001  # the same module
    writer.depth += 1
    scope = {each.id: f"f{known.number()}" for each in functions}
    for each in functions:
        writer.closure(each.clauses, scope, scope[each.id], each.id)
    writer._line(f"return ({''.join(scope[each.id] + ', ' for each in functions)})")  # noqa: SLF001
    made = writer.made(outer)()
    return dict(zip(scope, made, strict=True)), frozenset(writer.reads)


def _long(node: Node) -> bool:
    """Tell whether an expression needs statements, so that it may not be computed in vain."""
    return isinstance(node, Case | Let | Fn) or (
        isinstance(node, If) and (_long(node.then) or _long(node.other))
    )


def _part(label: str) -> str:
    return str(int(label) - 1) if label.isdigit() else repr(label)


def surely_one(node: Node) -> bool:
    """Tell whether an expression is one token whatever happens, and never a multiset."""
    match node:
        case Typed(node=inner):
            return surely_one(inner)
        case Const() | Tuple() | ListOf() | RecordOf():
            return True
        case Operation(sign=sign):
            return sign not in ("`", "++", "--", "+++", "**", "%", "@", "@+", "@++")
        case _:
            return False


def described(node: Node) -> str:
    """Return what an expression is, for error messages."""
    match node:
        case Operation(sign=sign):
            return f"an operation with '{sign}'"
        case Name(id=name):
            return repr(name)
        case Apply(function=Name(id=name)):
            return f"a call of {name!r}"
        case _:
            return f"a {type(node).__name__.lower()}"
