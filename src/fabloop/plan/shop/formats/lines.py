"""Text of whole numbers, line by line, with faults that name the line and the value."""

from collections.abc import Iterator

from fabloop.base.errors import Fault, Invalid
from fabloop.plan.shop.model import TICKS_MAX

BYTES_MAX = 64 * 2**20
DIGITS_MAX = 10


def text_of(data: bytes, source: str) -> str:
    """Return the text of a file.

    Raises
    ------
    Invalid
        It is too large or no UTF-8.
    """
    if len(data) > BYTES_MAX:
        raise fault(source, "", f"at most {BYTES_MAX} bytes", f"{len(data)}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(source, f"byte {error.start}", "text in UTF-8", "something else") from None


def fault(source: str, path: str, expected: str, found: str, hint: str = "") -> Invalid:
    """Return the error for one fault."""
    if len(found) > 80:
        found = f"{found[:80]}..."
    return Invalid(Fault(source=source, path=path, expected=expected, found=found, hint=hint))


def lines_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each line that has some, with the number of the line."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words:
            yield number, words


class Numbers:
    """The numbers of one line, read one after the other."""

    def __init__(self, source: str, line: int, words: list[str]) -> None:
        self.source, self.line, self.words = source, line, words
        self.at = 0

    def left(self) -> int:
        """Return how many have not been read."""
        return len(self.words) - self.at

    def next(self, what: str, least: int = 0, most: int = TICKS_MAX) -> int:
        """Return the next number.

        Raises
        ------
        Invalid
            There is none, or it is out of its range.
        """
        expected = f"{what} from {least} to {most}"
        if not self.left():
            raise fault(self.source, f"line {self.line}", expected, "the end of the line")
        word = self.words[self.at]
        self.at += 1
        digits = word.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS_MAX):
            raise fault(self.source, self.place(), expected, repr(word[:40]))
        if not least <= int(word) <= most:
            raise fault(self.source, self.place(), expected, word)
        return int(word)

    def place(self) -> str:
        """Return where the last number stood."""
        return f"line {self.line}, word {self.at}"

    def end(self) -> None:
        """Check that nothing is left.

        Raises
        ------
        Invalid
            There are more words.
        """
        if self.left():
            self.at += 1
            expected = f"the end of the line after {self.at - 1} words"
            raise fault(self.source, self.place(), expected, repr(self.words[self.at - 1][:40]))
