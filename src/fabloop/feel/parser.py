"""FEEL tokens to a syntax tree: a Pratt parser with names resolved by longest match."""

from collections.abc import Iterable
from decimal import Decimal

from fabloop.base.errors import Invalid
from fabloop.feel import nodes
from fabloop.feel.decimals import CONTEXT
from fabloop.feel.lexer import Kind, Token, fault_at, tokens_of
from fabloop.feel.limits import CHAIN_LENGTH_MAX, NESTING_MAX, exceeded
from fabloop.feel.names import KEYWORDS, MEMBER_NAMES, KnownNames, plain_run
from fabloop.feel.nodes import Node
from fabloop.feel.temporal import temporal_of_text

OR, AND, COMPARE, ADD, MULTIPLY, POWER, INSTANCE, UNARY = range(1, 9)
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_ARITHMETIC = {"+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "**": POWER}
_CONSTANTS = {"true": True, "false": False, "null": None}


class Parser:
    """Reads one expression, unary tests or a type; `known` are names with spaces or signs."""

    def __init__(self, source: str, known: Iterable[str]) -> None:
        self.source = source
        self.tokens = tokens_of(source)
        self.index = 0
        self.depth = 0
        self.known = KnownNames(known)
        self.members = KnownNames(MEMBER_NAMES)

    # -- tokens -----------------------------------------------------------------------------

    @property
    def here(self) -> Token:
        """The token to read next."""
        return self.tokens[self.index]

    def ahead(self, count: int = 1) -> Token:
        """A later token; the end stays the end."""
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def is_sign(self, *texts: str) -> bool:
        """Tell whether one of these signs stands here."""
        return self.here.kind is Kind.SIGN and self.here.text in texts

    def is_word(self, *texts: str) -> bool:
        """Tell whether one of these words stands here."""
        return self.here.kind is Kind.WORD and self.here.text in texts

    def take(self) -> Token:
        """Read a token."""
        token = self.here
        self.index += token.kind is not Kind.END
        return token

    def accept(self, text: str) -> bool:
        """Read a sign or word if it stands here."""
        if self.here.text == text and self.here.kind in (Kind.SIGN, Kind.WORD):
            self.index += 1
            return True
        return False

    def expect(self, *texts: str, hint: str = "") -> Token:
        """Read one of these signs or words, or say what stands there instead."""
        if self.here.text in texts and self.here.kind in (Kind.SIGN, Kind.WORD):
            return self.take()
        raise self.fault(" or ".join(f"'{text}'" for text in texts), hint=hint)

    def fault(self, expected: str, *, hint: str = "") -> Invalid:
        """Return the error for the token here."""
        token = self.here
        found = "the end" if token.kind is Kind.END else f"'{self.source[token.at : token.end]}'"
        return fault_at(self.source, token.at, expected=expected, found=found, hint=hint)

    def finish(self) -> None:
        """Make sure that nothing follows."""
        if self.here.kind is not Kind.END:
            raise self.fault("an operator or the end of the expression")

    def enter(self) -> None:
        """Go one level deeper."""
        self.depth += 1
        if self.depth > NESTING_MAX:
            raise exceeded("levels of nesting", NESTING_MAX, "Name a part and refer to it.")

    # -- expressions by precedence ----------------------------------------------------------

    def expression(self, level: int = OR, *, closing: bool = False) -> Node:
        """Read an expression of at least this precedence.

        `closing`: a ``[`` may close a range here (``[1..3[``).
        """
        self.enter()
        left = self.prefix(closing=closing)
        while True:
            found = self.operator()
            if found is None or found[1] < level:
                break
            left = self.infix(left, *found, closing=closing)
        self.depth -= 1
        return left

    def operator(self) -> tuple[str, int] | None:
        """Return the binary operator here and its precedence."""
        text = self.here.text
        if self.here.kind is Kind.SIGN:
            if text in _ARITHMETIC:
                return text, _ARITHMETIC[text]
            return (text, COMPARE) if text in COMPARISONS else None
        if self.here.kind is Kind.WORD:
            if text in ("or", "and"):
                return text, OR if text == "or" else AND
            if text in ("in", "between"):
                return text, COMPARE
            if text == "instance" and self.ahead().text == "of":
                return text, INSTANCE
        return None

    def infix(self, left: Node, op: str, level: int, *, closing: bool) -> Node:
        """Read what follows a left operand."""
        at = self.here.at
        if op in ("or", "and"):
            return self.logic(left, op, level, closing=closing)
        if op in _ARITHMETIC:
            return self.arithmetic(left, level, closing=closing)
        self.take()
        if op == "in":
            return nodes.In(at=at, operand=left, tests=self.in_tests(closing=closing))
        if op == "between":
            low = self.expression(ADD)
            self.expect("and", hint="Write 'x between low and high'.")
            return nodes.Between(at=at, operand=left, low=low, high=self.expression(ADD))
        if op == "instance":
            self.take()
            return nodes.InstanceOf(at=at, operand=left, type=self.type())
        right = self.expression(level + 1, closing=closing)
        return nodes.Comparison(at=at, op=op, left=left, right=right)

    def logic(self, left: Node, op: str, level: int, *, closing: bool) -> Node:
        """Read the other operands of a chain of ``and`` or of ``or``."""
        at = self.here.at
        operands = [left]
        while self.is_word(op):
            self.take()
            operands.append(self.expression(level + 1, closing=closing))
            self.check_chain(len(operands))
        return nodes.Logic(at=at, op=op, operands=tuple(operands))

    def arithmetic(self, first: Node, level: int, *, closing: bool) -> Node:
        """Read the other operands of a chain of one precedence."""
        at = self.here.at
        rest: list[tuple[str, int, Node]] = []
        while self.here.kind is Kind.SIGN and _ARITHMETIC.get(self.here.text) == level:
            op = self.take()
            rest.append((op.text, op.at, self.expression(level + 1, closing=closing)))
            self.check_chain(len(rest))
        return nodes.Arithmetic(at=at, first=first, rest=tuple(rest))

    def check_chain(self, length: int) -> None:
        """Refuse a chain that is too long."""
        if length > CHAIN_LENGTH_MAX:
            raise exceeded("operands in a row", CHAIN_LENGTH_MAX, "Use a list and sum() or any().")

    def prefix(self, *, closing: bool) -> Node:
        """Read an operand with its sign and what is attached to it."""
        at = self.here.at
        if not self.is_sign("-"):
            return self.postfix(self.primary(), closing=closing)
        minus = 0
        while self.accept("-"):
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
            self.check_chain(count)
            at = self.here.at
            if self.is_sign("."):
                self.take()
                base = nodes.Path(at=at, base=base, name=self.member())
            elif self.is_sign("[") and not (closing and self.bracket_closes()):
                self.take()
                condition = self.expression()
                self.expect("]")
                base = nodes.Filter(at=at, base=base, condition=condition)
            elif self.is_sign("("):
                base = self.call(base)
            else:
                return base

    def bracket_closes(self) -> bool:
        """Tell whether a ``[`` behind the end of a range closes it: no operand follows."""
        after = self.ahead()
        if after.kind is Kind.WORD:
            return after.text in KEYWORDS - {"true", "false", "null", "not", "if", "for", "some"}
        return after.kind is Kind.END or (
            after.kind is Kind.SIGN and after.text not in ("(", "[", "{", "-", "@", "<", ">")
        )

    # -- operands ---------------------------------------------------------------------------

    def primary(self) -> Node:
        """Read an operand."""
        token = self.here
        if token.kind is Kind.NUMBER:
            self.take()
            return nodes.Literal(at=token.at, value=number_of(token.text))
        if token.kind is Kind.STRING:
            self.take()
            return nodes.Literal(at=token.at, value=token.text)
        if token.kind is Kind.WORD:
            return self.word()
        if self.is_sign("("):
            return self.bracketed()
        if self.is_sign("["):
            return self.list_or_range()
        if self.is_sign("{"):
            return self.context()
        if self.is_sign("@"):
            return self.temporal()
        if self.is_sign("]"):
            self.take()
            return self.range_after(self.expression(ADD), token.at, low_included=False)
        raise self.fault("a value, a name or '('", hint=_hint(token.text))

    def word(self) -> Node:
        """Read what starts with a word: a constant, a keyword form or a name."""
        token = self.here
        if self.known.match(self.tokens, self.index) is None:
            match token.text:
                case "true" | "false" | "null":
                    self.take()
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
                    self.take()
                    return nodes.Name(at=token.at, name="not")
        return nodes.Name(at=token.at, name=self.name())

    def name(self) -> str:
        """Read a name: the longest known one, or all plain words side by side."""
        known = self.known.match(self.tokens, self.index)
        run = plain_run(self.tokens, self.index)
        if known is not None and known[1] >= run:
            self.index += known[1]
            return known[0]
        if run == 0:
            raise self.fault("a name")
        words = [self.take().text for _ in range(run)]
        return " ".join(words)

    def member(self) -> str:
        """Read the name behind a dot."""
        known = self.members.match(self.tokens, self.index)
        run = plain_run(self.tokens, self.index, first_free=True)
        if known is not None and known[1] >= run:
            self.index += known[1]
            return known[0]
        if run == 0:
            raise self.fault("a name behind '.'")
        return " ".join(self.take().text for _ in range(run))

    def temporal(self) -> Node:
        """Read ``@"2026-11-21"``."""
        at = self.take().at
        if self.here.kind is not Kind.STRING:
            raise self.fault("a text such as \"2026-11-21\" behind '@'")
        value = temporal_of_text(self.here.text)
        if value is None:
            raise self.fault("a date, time, date and time, or duration in ISO 8601")
        self.take()
        return nodes.Literal(at=at, value=value)

    def bracketed(self) -> Node:
        """Read ``(expression)``, ``(low..high]`` or ``(< bound)``."""
        at = self.take().at
        if self.is_sign(*COMPARISONS):
            op = self.take().text
            bound = self.expression(ADD)
            self.expect(")")
            return nodes.Bounded(at=at, op=op, bound=bound)
        first = self.expression()
        if self.is_sign(".."):
            return self.range_after(first, at, low_included=False)
        self.expect(")")
        return first

    def list_or_range(self) -> Node:
        """Read ``[item, item]`` or ``[low..high]``."""
        at = self.take().at
        items: list[Node] = []
        while not self.is_sign("]"):
            items.append(self.expression())
            if len(items) == 1 and self.is_sign(".."):
                return self.range_after(items[0], at, low_included=True)
            if not self.accept(","):
                break
        self.expect("]", hint="Close the list, or put ',' between its items.")
        return nodes.ListOf(at=at, items=tuple(items))

    def range_after(self, low: Node, at: int, *, low_included: bool) -> Node:
        """Read the rest of a range behind its low end."""
        self.expect("..")
        high = self.expression(ADD, closing=True)
        close = self.expect("]", ")", "[").text
        return nodes.RangeOf(
            at=at, low=low, high=high, low_included=low_included, high_included=close == "]"
        )

    def context(self) -> Node:
        """Read ``{key: value, key: value}``; later entries know the names of earlier ones."""
        at = self.take().at
        entries: dict[str, Node] = {}
        while not self.is_sign("}"):
            if self.here.text in entries:
                raise self.fault("a key that is not there yet", hint="Rename the entry.")
            key = self.key()
            self.known.add(key)
            self.members.add(key)
            entries[key] = self.expression()
            if not self.accept(","):
                break
        self.expect("}", hint="Close the context, or put ',' between its entries.")
        return nodes.ContextOf(at=at, entries=tuple(entries.items()))

    def key(self) -> str:
        """Read the key of an entry up to its colon, which is read too."""
        start = self.here
        if start.kind is Kind.STRING:
            self.take()
            self.expect(":")
            return start.text
        while not self.is_sign(":"):
            if self.here.kind is not Kind.WORD and (
                self.here is start or self.here.text in tuple('{}[](),;"') or not self.here.text
            ):
                raise self.fault("a key and ':'", hint="Put a key with other signs in quotes.")
            self.take()
        end = self.take().at
        return " ".join(self.source[start.at : end].split())

    def call(self, callee: Node) -> Node:
        """Read the arguments of a call, by position or by name."""
        at = self.take().at
        arguments: list[Node] = []
        names: list[str] = []
        while not self.is_sign(")"):
            name = self.argument_name()
            if bool(names) != bool(name) and arguments:
                raise self.fault("arguments all by name or all by position")
            if name:
                names.append(name)
            arguments.append(self.expression())
            if not self.accept(","):
                break
        self.expect(")", hint="Close the call, or put ',' between its arguments.")
        return nodes.Call(at=at, callee=callee, arguments=tuple(arguments), names=tuple(names))

    def argument_name(self) -> str:
        """Read ``name:`` if it stands here."""
        count = 0
        while self.ahead(count).kind is Kind.WORD:
            count += 1
        if count == 0 or self.ahead(count).text != ":" or self.ahead(count).kind is Kind.STRING:
            return ""
        words = [self.take().text for _ in range(count)]
        self.take()
        return " ".join(words)

    # -- keyword forms ----------------------------------------------------------------------

    def condition(self) -> Node:
        """Read ``if a then b else c``."""
        at = self.take().at
        condition = self.expression()
        self.expect("then")
        first = self.expression()
        self.expect("else", hint="Every 'if' of FEEL has an 'else'.")
        return nodes.If(at=at, condition=condition, first=first, second=self.expression())

    def bindings(self) -> tuple[nodes.Binding, ...]:
        """Read ``name in source, name in source`` and make the names known."""
        found: list[nodes.Binding] = []
        while True:
            name = self.declared("in")
            self.expect("in")
            at = self.here.at
            source = self.expression()
            if self.accept(".."):
                source = nodes.RangeOf(at=at, low=source, high=self.expression(), bare=True)
            self.known.add(name)
            found.append(nodes.Binding(name=name, source=source))
            if not self.accept(","):
                return tuple(found)

    def declared(self, *ends: str) -> str:
        """Read a name that is being declared, up to one of the given words or signs."""
        start = self.index
        while self.here.text not in ends and self.here.kind not in (Kind.END, Kind.STRING):
            self.take()
        if self.index == start or self.tokens[start].kind is not Kind.WORD:
            raise self.fault("a name")
        text = self.source[self.tokens[start].at : self.tokens[self.index - 1].end]
        return " ".join(text.split())

    def loop(self) -> Node:
        """Read ``for bindings return body``."""
        at = self.take().at
        bindings = self.bindings()
        self.expect("return")
        return nodes.For(at=at, bindings=bindings, body=self.expression())

    def quantified(self) -> Node:
        """Read ``some|every bindings satisfies body``."""
        token = self.take()
        bindings = self.bindings()
        self.expect("satisfies")
        body = self.expression()
        return nodes.Quantified(at=token.at, kind=token.text, bindings=bindings, body=body)

    def function(self) -> Node:
        """Read ``function(a, b: number) body``."""
        at = self.take().at
        self.expect("(")
        parameters: list[nodes.Parameter] = []
        while not self.is_sign(")"):
            name = self.declared(",", ")", ":")
            wanted = self.type() if self.accept(":") else None
            self.known.add(name)
            parameters.append(nodes.Parameter(name=name, type=wanted))
            if not self.accept(","):
                break
        self.expect(")")
        if self.is_word("external"):
            raise self.fault("a FEEL expression", hint="Functions of other languages are not run.")
        return nodes.FunctionOf(at=at, parameters=tuple(parameters), body=self.expression())

    def type(self) -> nodes.TypeOf:
        """Read a type: ``date and time``, ``list<number>``, ``function<number>->string``."""
        self.enter()
        at = self.here.at
        name = self.type_name()
        items: list[nodes.TypeOf] = []
        fields: list[tuple[str, nodes.TypeOf]] = []
        result: nodes.TypeOf | None = None
        if name in ("list", "range", "context", "function") and self.accept("<"):
            while not self.is_sign(">"):
                if name == "context":
                    field = self.declared(":")
                    self.expect(":")
                    fields.append((field, self.type()))
                else:
                    items.append(self.type())
                if not self.accept(","):
                    break
            self.expect(">")
            if name == "function":
                self.expect("->")
                result = self.type()
        self.depth -= 1
        return nodes.TypeOf(
            at=at, name=name, items=tuple(items), fields=tuple(fields), result=result
        )

    def type_name(self) -> str:
        """Read the name of a type, dots included."""
        known = _TYPE_NAMES.match(self.tokens, self.index)
        if known is not None:
            self.index += known[1]
            return known[0]
        run = plain_run(self.tokens, self.index, first_free=self.is_word("function"))
        if run == 0:
            raise self.fault("the name of a type such as 'number' or 'list<string>'")
        name = " ".join(self.take().text for _ in range(run))
        while self.is_sign("."):
            self.take()
            name += f".{self.member()}"
        return name

    # -- tests ------------------------------------------------------------------------------

    def in_tests(self, *, closing: bool) -> tuple[Node, ...]:
        """Read what stands behind ``in``: one test, or several in brackets."""
        if not self.is_sign("("):
            return (self.test(ADD, closing=closing),)
        start = self.index
        at = self.take().at
        tests = [self.test()]
        if self.is_sign(".."):
            return (self.range_after(tests[0], at, low_included=False),)
        while self.accept(","):
            tests.append(self.test())
        self.expect(")")
        if len(tests) == 1 and self.continues():
            # It was only a bracket inside a longer operand: 'x in (a + b) * 2'.
            self.index = start
            return (self.expression(ADD, closing=closing),)
        return tuple(tests)

    def continues(self) -> bool:
        """Tell whether the operand that was just read goes on."""
        return self.is_sign("+", "-", "*", "/", "**", ".", "[", "(")

    def test(self, level: int = OR, *, closing: bool = False) -> Node:
        """Read one positive unary test."""
        if self.is_sign(*COMPARISONS):
            token = self.take()
            return nodes.Bounded(
                at=token.at, op=token.text, bound=self.expression(ADD, closing=closing)
            )
        return self.expression(level, closing=closing)

    def unary_tests(self) -> tuple[Node, ...]:
        """Read unary tests: ``-``, ``not(tests)`` or tests with commas between."""
        at = self.here.at
        if self.is_sign("-") and self.ahead().kind is Kind.END:
            self.take()
            return (nodes.AnyValue(at=at),)
        if self.is_word("not") and self.ahead().text == "(":
            self.take()
            self.take()
            inner = self.tests_until_end()
            self.expect(")")
            return (nodes.Not(at=at, tests=inner),)
        return self.tests_until_end()

    def tests_until_end(self) -> tuple[Node, ...]:
        """Read tests with commas between."""
        tests = [self.test()]
        while self.accept(","):
            tests.append(self.test())
            self.check_chain(len(tests))
        return tuple(tests)


_TYPE_NAMES = KnownNames(
    ("date and time", "days and time duration", "years and months duration", "day time duration")
)


def number_of(text: str) -> int | Decimal:
    """Return the value of a number literal."""
    if text.isdecimal() and len(text) <= 34:
        return int(text)
    return CONTEXT.create_decimal(text)


def _hint(text: str) -> str:
    return {
        "'": "Strings stand in double quotes.",
        "=": "Write the value before '='.",
        "&": "Write 'and'.",
        "|": "Write 'or'.",
        "!": "Write 'not(...)'.",
    }.get(text, "")
