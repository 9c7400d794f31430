"""Compiles the expressions of a process, and collects the faults of all that is compiled."""

from collections.abc import Mapping

from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.base.instant import duration_of_iso, instant_of
from fabloop.feel import compile_expression
from fabloop.process.bpmn import model
from fabloop.process.bpmn.triggers import TimerTrigger
from fabloop.process.definition import Assign, Formula, Span, Text


class Expressions:
    """What the compilers of one process share: its expressions and its faults."""

    def __init__(self, process: str, lines: Mapping[str, int]) -> None:
        self.process = process
        self.lines = lines
        self.faults: list[Fault] = []
        self.read: set[str] = set()

    def formula(self, element: str, text: str) -> Formula:
        """Return a compiled expression; one that does not parse is a fault of the element."""
        try:
            expression = compile_expression(text)
            self.read |= expression.variables
            return Formula(text=text, expression=expression)
        except Invalid as error:
            for fault in error.faults:
                hint = f"'{text:.80}' {fault.path}. {fault.hint}"
                self.fault(element, fault.expected, fault.found, hint)
        except Refused as error:
            self.fault(element, "an expression within its limits", str(error))
        return Formula(text=text, expression=compile_expression("null"))

    def assigns(self, element: str, mappings: tuple[model.Mapping, ...]) -> tuple[Assign, ...]:
        """Return compiled mappings."""
        return tuple(
            Assign(target=each.target, formula=self.formula(element, each.source))
            for each in mappings
        )

    def text_of(self, element: str, text: str) -> Text:
        """Return plain text, or FEEL behind its ``=``."""
        if text.startswith("="):
            return Text(formula=self.formula(element, text[1:]))
        return Text(literal=text)

    def span(self, element: str, timer: TimerTrigger) -> Span:
        """Return when a timer is due."""
        try:
            if timer.duration:
                return Span(duration_ns=duration_of_iso(timer.duration))
            return Span(date=instant_of(timer.date), relative=False)
        except ValueError:
            text = timer.duration or timer.date
            return Span(formula=self.formula(element, text), relative=bool(timer.duration))

    def fault(self, element: str, expected: str, found: str, hint: str = "") -> None:
        """Note what is wrong at an element."""
        line = f", line {self.lines[element]}" if element in self.lines else ""
        place = f"element '{element}'{line}"
        self.faults.append(
            Fault(
                source=f"process '{self.process}'",
                path=place,
                expected=expected,
                found=found,
                hint=hint.strip(),
            )
        )
