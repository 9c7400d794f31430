"""FEEL tokens to a syntax tree: a Pratt parser with names resolved by longest match."""

from decimal import Decimal

from fabloop.feel import nodes
from fabloop.feel.cursor import Cursor, slip
from fabloop.feel.decimals import DIGITS, decimal_or_none
from fabloop.feel.java import java_method
from fabloop.feel.lexer import Kind, fault_at
from fabloop.feel.names import KEYWORDS, MEMBER_NAMES, KnownNames, plain_run
from fabloop.feel.nodes import Node
from fabloop.feel.temporal import temporal_of_text
from fabloop.feel.type_parser import read_type

OR, AND, COMPARE, ADD, MULTIPLY, POWER, INSTANCE, UNARY = range(1, 9)
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_ARITHMETIC = {"+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "**": POWER}
_MEMBERS = KnownNames(MEMBER_NAMES)
_NOT_IN_KEYS = frozenset('{}[](),;"')
_CONSTANTS = {"true": True, "false": False, "null": None}


class Parser:
    """Reads one expression, unary tests or a type; `known` are names with spaces or signs."""

    def __init__(self, source: str, known: KnownNames) -> None:
        self.cursor = Cursor(source)
        self.known = known.copy()
        self.members = _MEMBERS.copy()

    # -- expressions by precedence ----------------------------------------------------------

    def expression(self, level: int = OR, *, closing: bool = False) -> Node:
        """Read an expression of at least this precedence.

        `closing`: a ``[`` may close a range here (``[1..3[``).
        """
        self.cursor.enter()
        left = self.prefix(closing=closing)
        while True:
            found = self.operator()
            if found is None or found[1] < level:
                break
            left = self.infix(left, *found, closing=closing)
        self.cursor.leave()
        return left

    def operator(self) -> tuple[str, int] | None:
        """Return the binary operator here and its precedence."""
        text = self.cursor.here.text
        if self.cursor.here.kind is Kind.SIGN:
            if text in _ARITHMETIC:
                return text, _ARITHMETIC[text]
            return (text, COMPARE) if text in COMPARISONS else None
        if self.cursor.here.kind is Kind.WORD:
            if text in ("or", "and"):
                return text, OR if text == "or" else AND
            if text in ("in", "between"):
                return text, COMPARE
            if text == "instance" and self.cursor.ahead().text == "of":
                return text, INSTANCE
        return None

    def infix(self, left: Node, op: str, level: int, *, closing: bool) -> Node:
        """Read what follows a left operand."""
        at = self.cursor.here.at
        if op in ("or", "and"):
            return self.logic(left, op, level, closing=closing)
        if op in _ARITHMETIC:
            return self.arithmetic(left, level, closing=closing)
        self.cursor.take()
        if op == "in":
            return nodes.In(at=at, operand=left, tests=self.in_tests(closing=closing))
        if op == "between":
            low = self.expression(ADD)
            self.cursor.expect("and", hint="Write 'x between low and high'.")
            return nodes.Between(at=at, operand=left, low=low, high=self.expression(ADD))
        if op == "instance":
            self.cursor.take()
            return nodes.InstanceOf(at=at, operand=left, type=read_type(self.cursor))
        right = self.expression(level + 1, closing=closing)
        return nodes.Comparison(at=at, op=op, left=left, right=right)

    def logic(self, left: Node, op: str, level: int, *, closing: bool) -> Node:
        """Read the other operands of a chain of ``and`` or of ``or``."""
        at = self.cursor.here.at
        operands = [left]
        while self.cursor.is_word(op):
            self.cursor.take()
            operands.append(self.expression(level + 1, closing=closing))
            self.cursor.check_chain(len(operands))
        return nodes.Logic(at=at, op=op, operands=tuple(operands))

    def arithmetic(self, first: Node, level: int, *, closing: bool) -> Node:
        """Read the other operands of a chain of one precedence."""
        at = self.cursor.here.at
        rest: list[tuple[str, int, Node]] = []
        while (
            self.cursor.here.kind is Kind.SIGN and _ARITHMETIC.get(self.cursor.here.text) == level
        ):
            op = self.cursor.take()
            rest.append((op.text, op.at, self.expression(level + 1, closing=closing)))
            self.cursor.check_chain(len(rest))
        return nodes.Arithmetic(at=at, first=first, rest=tuple(rest))

    def prefix(self, *, closing: bool) -> Node:
        """Read an operand with its sign and what is attached to it."""
        at = self.cursor.here.at
        if not self.cursor.is_sign("-"):
            return self.postfix(self.primary(), closing=closing)
        minus = 0
        while self.cursor.accept("-"):
            minus += 1
        operand = self.postfix(self.primary(), closing=closing)
        for _ in range(1 if minus % 2 else 2):
            operand = nodes.Negation(at=at, operand=operand)
        return operand

    def postfix(self, base: Node, *, closing: bool) -> Node:
        """Read paths, filters and arguments behind an operand."""
        count = 0
        while True:
            count += 1
            self.cursor.check_chain(count)
            at = self.cursor.here.at
            if self.cursor.is_sign("."):
                self.cursor.take()
                base = nodes.Path(at=at, base=base, name=self.member())
            elif self.cursor.is_sign("[") and not (closing and self.bracket_closes()):
                self.cursor.take()
                condition = self.expression()
                self.cursor.expect("]")
                base = nodes.Filter(at=at, base=base, condition=condition)
            elif self.cursor.is_sign("("):
                base = self.call(base)
            else:
                return base

    def bracket_closes(self) -> bool:
        """Tell whether a ``[`` behind the end of a range closes it: no operand follows."""
        after = self.cursor.ahead()
        if after.kind is Kind.WORD:
            return after.text in KEYWORDS - {"true", "false", "null", "not", "if", "for", "some"}
        return after.kind is Kind.END or (
            after.kind is Kind.SIGN and after.text not in ("(", "[", "{", "-", "@", "<", ">")
        )

    # -- operands ---------------------------------------------------------------------------

    def primary(self) -> Node:
        """Read an operand."""
        token = self.cursor.here
        if token.kind is Kind.NUMBER:
            value = number_of(token.text)
            if value is None:
                raise self.cursor.fault("a number below 1E6145")
            self.cursor.take()
            return nodes.Literal(at=token.at, value=value)
        if token.kind is Kind.STRING:
            self.cursor.take()
            return nodes.Literal(at=token.at, value=token.text)
        if token.kind is Kind.WORD:
            return self.word()
        if self.cursor.is_sign("("):
            return self.bracketed()
        if self.cursor.is_sign("["):
            return self.list_or_range()
        if self.cursor.is_sign("{"):
            return self.context()
        if self.cursor.is_sign("@"):
            return self.temporal()
        if self.cursor.is_sign("]"):
            self.cursor.take()
            return self.range_after(self.expression(ADD), token.at, low_included=False)
        raise self.cursor.fault("a value, a name or '('", hint=slip(token.text))

    def word(self) -> Node:
        """Read what starts with a word: a constant, a keyword form or a name."""
        token = self.cursor.here
        if self.known.match(self.cursor.tokens, self.cursor.index) is None:
            match token.text:
                case "true" | "false" | "null":
                    self.cursor.take()
                    return nodes.Literal(at=token.at, value=_CONSTANTS[token.text])
                case "if":
                    return self.condition()
                case "for":
                    return self.loop()
                case "some" | "every":
                    return self.quantified()
                case "function":
                    return self.function()
                case "not":
                    self.cursor.take()
                    return nodes.Name(at=token.at, name="not")
                case _:
                    pass
        return nodes.Name(at=token.at, name=self.name())

    def name(self) -> str:
        """Read a name: the longest known one, or all plain words side by side."""
        known = self.known.match(self.cursor.tokens, self.cursor.index)
        run = plain_run(self.cursor.tokens, self.cursor.index)
        if known is not None and known[1] >= run:
            self.cursor.index += known[1]
            return known[0]
        if run == 0:
            hint = slip(self.cursor.here.text)
            raise self.cursor.fault("a value, a name or '('", hint=hint)
        words = [self.cursor.take().text for _ in range(run)]
        return " ".join(words)

    def member(self) -> str:
        """Read the name behind a dot."""
        known = self.members.match(self.cursor.tokens, self.cursor.index)
        run = plain_run(self.cursor.tokens, self.cursor.index, first_free=True)
        if known is not None and known[1] >= run:
            self.cursor.index += known[1]
            return known[0]
        if run == 0:
            raise self.cursor.fault("a name behind '.'")
        return " ".join(self.cursor.take().text for _ in range(run))

    def temporal(self) -> Node:
        """Read ``@"2026-11-21"``."""
        at = self.cursor.take().at
        if self.cursor.here.kind is not Kind.STRING:
            raise self.cursor.fault("a text such as \"2026-11-21\" behind '@'")
        value = temporal_of_text(self.cursor.here.text)
        if value is None:
            raise self.cursor.fault("a date, time, date and time, or duration in ISO 8601")
        self.cursor.take()
        return nodes.Literal(at=at, value=value)

    def bracketed(self) -> Node:
        """Read ``(expression)``, ``(low..high]`` or ``(< bound)``."""
        at = self.cursor.take().at
        if self.cursor.is_sign(*COMPARISONS):
            op = self.cursor.take().text
            bound = self.expression(ADD)
            self.cursor.expect(")")
            return nodes.Bounded(at=at, op=op, bound=bound)
        first = self.expression()
        if self.cursor.is_sign(".."):
            return self.range_after(first, at, low_included=False)
        self.cursor.expect(")")
        return first

    def list_or_range(self) -> Node:
        """Read ``[item, item]`` or ``[low..high]``."""
        at = self.cursor.take().at
        items: list[Node] = []
        while not self.cursor.is_sign("]"):
            items.append(self.expression())
            if len(items) == 1 and self.cursor.is_sign(".."):
                return self.range_after(items[0], at, low_included=True)
            if not self.cursor.accept(","):
                break
        self.cursor.expect("]", hint="Close the list, or put ',' between its items.")
        return nodes.ListOf(at=at, items=tuple(items))

    def range_after(self, low: Node, at: int, *, low_included: bool) -> Node:
        """Read the rest of a range behind its low end."""
        self.cursor.expect("..")
        high = self.expression(ADD, closing=True)
        close = self.cursor.expect("]", ")", "[").text
        return nodes.RangeOf(
            at=at, low=low, high=high, low_included=low_included, high_included=close == "]"
        )

    def context(self) -> Node:
        """Read ``{key: value, key: value}``; later entries know the names of earlier ones."""
        at = self.cursor.take().at
        entries: dict[str, Node] = {}
        while not self.cursor.is_sign("}"):
            start = self.cursor.here.at
            key = self.key()
            if key in entries:
                raise fault_at(
                    self.cursor.source,
                    start,
                    expected="a key that is not there yet",
                    found=f"'{key}' again",
                    hint="Rename the entry.",
                )
            self.known.add(key)
            self.members.add(key)
            entries[key] = self.expression()
            if not self.cursor.accept(","):
                break
        self.cursor.expect("}", hint="Close the context, or put ',' between its entries.")
        return nodes.ContextOf(at=at, entries=tuple(entries.items()))

    def key(self) -> str:
        """Read the key of an entry up to its colon, which is read too."""
        start = self.cursor.here
        if start.kind is Kind.STRING:
            self.cursor.take()
            self.cursor.expect(":")
            return start.text
        while not self.cursor.is_sign(":"):
            here = self.cursor.here
            inside = here is not start and here.kind in (Kind.SIGN, Kind.NUMBER)
            if not (here.kind is Kind.WORD or inside) or here.text in _NOT_IN_KEYS:
                hint = "Put a key with other signs in quotes."
                raise self.cursor.fault("a key and ':'", hint=hint)
            self.cursor.take()
        end = self.cursor.take().at
        return " ".join(self.cursor.source[start.at : end].split())

    def call(self, callee: Node) -> Node:
        """Read the arguments of a call, by position or by name."""
        at = self.cursor.take().at
        arguments: list[Node] = []
        names: list[str] = []
        while not self.cursor.is_sign(")"):
            name = self.argument_name()
            if bool(names) != bool(name) and arguments:
                raise self.cursor.fault("arguments all by name or all by position")
            if name:
                names.append(name)
            arguments.append(self.expression())
            if not self.cursor.accept(","):
                break
        self.cursor.expect(")", hint="Close the call, or put ',' between its arguments.")
        return nodes.Call(at=at, callee=callee, arguments=tuple(arguments), names=tuple(names))

    def argument_name(self) -> str:
        """Read ``name:`` if it stands here."""
        count = 0
        while self.cursor.ahead(count).kind is Kind.WORD:
            count += 1
        after = self.cursor.ahead(count)
        if count == 0 or after.text != ":" or after.kind is not Kind.SIGN:
            return ""
        words = [self.cursor.take().text for _ in range(count)]
        self.cursor.take()
        return " ".join(words)

    # -- keyword forms ----------------------------------------------------------------------

    def condition(self) -> Node:
        """Read ``if a then b else c``."""
        at = self.cursor.take().at
        condition = self.expression()
        self.cursor.expect("then")
        first = self.expression()
        self.cursor.expect("else", hint="Every 'if' of FEEL has an 'else'.")
        return nodes.If(at=at, condition=condition, first=first, second=self.expression())

    def bindings(self) -> tuple[nodes.Binding, ...]:
        """Read ``name in source, name in source`` and make the names known."""
        found: list[nodes.Binding] = []
        while True:
            name = self.cursor.declared("in")
            self.cursor.expect("in")
            at = self.cursor.here.at
            source = self.expression()
            if self.cursor.accept(".."):
                source = nodes.RangeOf(at=at, low=source, high=self.expression(), bare=True)
            self.known.add(name)
            found.append(nodes.Binding(name=name, source=source))
            if not self.cursor.accept(","):
                return tuple(found)

    def loop(self) -> Node:
        """Read ``for bindings return body``."""
        at = self.cursor.take().at
        bindings = self.bindings()
        self.cursor.expect("return")
        return nodes.For(at=at, bindings=bindings, body=self.expression())

    def quantified(self) -> Node:
        """Read ``some|every bindings satisfies body``."""
        token = self.cursor.take()
        bindings = self.bindings()
        self.cursor.expect("satisfies")
        body = self.expression()
        return nodes.Quantified(at=token.at, kind=token.text, bindings=bindings, body=body)

    def function(self) -> Node:
        """Read ``function(a, b: number) body``."""
        at = self.cursor.take().at
        self.cursor.expect("(")
        parameters: list[nodes.Parameter] = []
        while not self.cursor.is_sign(")"):
            name = self.cursor.declared(",", ")", ":")
            wanted = read_type(self.cursor) if self.cursor.accept(":") else None
            self.known.add(name)
            parameters.append(nodes.Parameter(name=name, type=wanted))
            if not self.cursor.accept(","):
                break
        self.cursor.expect(")")
        external = self.cursor.is_word("external")
        body = self.external(parameters) if external else self.expression()
        return nodes.FunctionOf(at=at, parameters=tuple(parameters), body=body)

    def external(self, parameters: list[nodes.Parameter]) -> Node:
        """Read ``external {java: {class: "...", method signature: "..."}}``."""
        start = self.cursor.index
        at = self.cursor.take().at
        method = _java_method(self.expression())
        if method is None or len(method[1]) != len(parameters):
            self.cursor.index = start
            hint = "Other functions of other languages are not run."
            expected = "a function of java.lang with as many parameters as the FEEL function"
            raise self.cursor.fault(expected, hint=hint)
        arguments = tuple(nodes.Name(at=at, name=each.name) for each in parameters)
        return nodes.JavaCall(at=at, method=method, arguments=arguments)

    # -- tests ------------------------------------------------------------------------------

    def in_tests(self, *, closing: bool) -> tuple[Node, ...]:
        """Read what stands behind ``in``: one test, or several in brackets."""
        if not self.cursor.is_sign("("):
            return (self.test(ADD, closing=closing),)
        start = self.cursor.index
        at = self.cursor.take().at
        tests = [self.test()]
        if self.cursor.is_sign(".."):
            return (self.range_after(tests[0], at, low_included=False),)
        while self.cursor.accept(","):
            tests.append(self.test())
        self.cursor.expect(")")
        if len(tests) == 1 and self.continues():
            # It was only a bracket inside a longer operand: 'x in (a + b) * 2'.
            self.cursor.index = start
            return (self.expression(ADD, closing=closing),)
        return tuple(tests)

    def continues(self) -> bool:
        """Tell whether the operand that was just read goes on."""
        return self.cursor.is_sign("+", "-", "*", "/", "**", ".", "[", "(")

    def test(self, level: int = OR, *, closing: bool = False) -> Node:
        """Read one positive unary test."""
        if self.cursor.is_sign(*COMPARISONS):
            token = self.cursor.take()
            return nodes.Bounded(
                at=token.at, op=token.text, bound=self.expression(ADD, closing=closing)
            )
        return self.expression(level, closing=closing)

    def unary_tests(self) -> tuple[Node, ...]:
        """Read unary tests: ``-``, ``not(tests)`` or tests with commas between."""
        at = self.cursor.here.at
        if self.cursor.is_sign("-") and self.cursor.ahead().kind is Kind.END:
            self.cursor.take()
            return (nodes.AnyValue(at=at),)
        if self.cursor.is_word("not") and self.cursor.ahead().text == "(":
            self.cursor.take()
            self.cursor.take()
            inner = self.tests_until_end()
            self.cursor.expect(")")
            return (nodes.Not(at=at, tests=inner),)
        return self.tests_until_end()

    def tests_until_end(self) -> tuple[Node, ...]:
        """Read tests with commas between."""
        tests = [self.test()]
        while self.cursor.accept(","):
            tests.append(self.test())
            self.cursor.check_chain(len(tests))
        return tuple(tests)


def number_of(text: str) -> int | Decimal | None:
    """Return the value of a number literal; None where it is too large."""
    if text.isdecimal() and len(text) <= DIGITS:
        return int(text)
    return decimal_or_none(text)


def _java_method(node: Node) -> tuple[str, tuple[str, ...]] | None:
    """Return which method a context names, None for anything else."""
    match node:
        case nodes.ContextOf(entries=(("java", nodes.ContextOf(entries=entries)),)):
            named = {key: each.value for key, each in entries if isinstance(each, nodes.Literal)}
            return java_method(str(named.get("class", "")), str(named.get("method signature", "")))
        case _:
            return None
