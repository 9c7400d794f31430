"""A place in the tokens of an expression: look, take, expect, and say what is wrong there."""

from fabloop.base.errors import Invalid
from fabloop.feel.lexer import Kind, Token, fault_at, tokens_of
from fabloop.feel.limits import CHAIN_LENGTH_MAX, NESTING_MAX, exceeded


class Cursor:
    """Walks over the tokens of a source; `index` may be set back to try again."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokens_of(source)
        self.index = 0
        self.depth = 0

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
            hint = slip(self.here.text)
            raise self.fault("an operator or the end of the expression", hint=hint)

    def enter(self) -> None:
        """Go one level deeper."""
        self.depth += 1
        if self.depth > NESTING_MAX:
            raise exceeded("levels of nesting", NESTING_MAX, "Name a part and refer to it.")

    def leave(self) -> None:
        """Come one level up again."""
        self.depth -= 1

    def declared(self, *ends: str) -> str:
        """Read a name that is being declared, up to one of the given words or signs."""
        start = self.index
        while self.here.text not in ends and self.here.kind not in (Kind.END, Kind.STRING):
            self.take()
        if self.index == start or self.tokens[start].kind is not Kind.WORD:
            raise self.fault("a name")
        text = self.source[self.tokens[start].at : self.tokens[self.index - 1].end]
        return " ".join(text.split())

    def check_chain(self, length: int) -> None:
        """Refuse a chain that is too long."""
        if length > CHAIN_LENGTH_MAX:
            raise exceeded("operands in a row", CHAIN_LENGTH_MAX, "Use a list and sum() or any().")


_SLIPS = {
    "'": "Strings stand in double quotes.",
    "=": "Equality is a single '=' between two values.",
    "&": "Write 'and'.",
    "|": "Write 'or'.",
    "!": "Write 'not(...)'.",
    "%": "Write 'modulo(a, b)'.",
    "?": "Write 'if a then b else c'.",
    "and": "Put a condition before 'and'.",
    "or": "Put a condition before 'or'.",
}


def slip(found: str) -> str:
    """Return what to write instead of a sign that other languages use."""
    return _SLIPS.get(found, "")
