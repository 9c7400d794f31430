"""The compiled cells of one decision table."""

from fabloop.base.errors import Fault, Invalid
from fabloop.feel.compiler import Code
from fabloop.feel.dmn.kinds import Faults
from fabloop.feel.dmn.model import Literal
from fabloop.feel.dmn.scope import Names, Scope
from fabloop.feel.dmn.words import Lexicon, expression_code, ranking, tests_code
from fabloop.feel.values import Value


class Cells:
    """Compiles cells; equal texts share their code."""

    def __init__(self, words: Lexicon, faults: Faults) -> None:
        self.words = words
        self.faults = faults
        self._tests: dict[str, Code] = {}
        self._results: dict[str, Code] = {}

    def test(self, text: str, place: str) -> Code:
        """Return the code of unary tests; where they are at fault, nothing passes them."""
        if text not in self._tests:
            self._tests[text] = _sound(tests_code(text, self.words, place, self.faults))
        return self._tests[text]

    def result(self, cell: Literal) -> Code:
        """Return the code of an expression; an empty one is null."""
        if not cell.text:
            return lambda *_: None
        if cell.text not in self._results:
            found = expression_code(cell.text, self.words, cell.place, self.faults)
            self._results[cell.text] = _sound(found)
        return self._results[cell.text]

    def ranks(self, text: str) -> tuple[Code, ...]:
        """Return an order of priority; what is wrong with it is noted with its tests."""
        try:
            return ranking(text, self.words)
        except Invalid:
            return ()


def _sound(code: Code | Fault) -> Code:
    if not isinstance(code, Fault):
        return code
    fault = code

    def null(_names: Names, run: Scope, *_value: Value) -> Value:
        run.evaluation.warn(fault.path, f"Expected {fault.expected}, but found {fault.found}.")

    return null
