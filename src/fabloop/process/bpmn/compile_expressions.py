"""Compiles the expressions of a process, and collects the faults of all that is compiled."""

import re
from collections.abc import Mapping

from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.base.instant import Instant, duration_of_iso
from fabloop.base.period import period_of_iso
from fabloop.feel import compile_expression
from fabloop.process.bpmn import model
from fabloop.process.bpmn.triggers import TimerTrigger
from fabloop.process.formula import Assign, Formula, Text
from fabloop.process.schedule import read_dates
from fabloop.process.trigger import Span, SpanKind

_CYCLE = re.compile(r"R-?\d*/|@\w+$|([^\s()]+\s+){5}[^\s()]+(\s+@\S+)?$")
"""Text that means a cycle or a cron line, be it right or wrong; any other is FEEL."""
_TIME = re.compile(r"-?P(T?\d|T?$)|\d{4}-\d\d-\d\d")
"""How text begins that means a duration or a date, be it right or wrong; any other is FEEL."""

_EXPECTED = {SpanKind.CYCLE: "a cycle or a cron line", SpanKind.DATE: "a date and time"}


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
        """Return when a timer is due: what is no ISO 8601 text or cron line is FEEL."""
        if timer.duration:
            return self.length(element, timer.duration)
        kind, text = (SpanKind.CYCLE, timer.cycle) if timer.cycle else (SpanKind.DATE, timer.date)
        try:
            read_dates(kind, text, Instant(0))
        except (ValueError, OverflowError) as error:
            if _TIME.match(text) or (kind is SpanKind.CYCLE and _CYCLE.match(text)):
                self.fault(element, _EXPECTED[kind], f"'{text}'", str(error))
            return Span(kind=kind, formula=self.formula(element, text))
        return Span(kind=kind, text=text)

    def length(self, element: str, text: str) -> Span:
        """Return a duration: ISO 8601 text, or FEEL."""
        try:
            return Span(kind=SpanKind.DURATION, duration_ns=duration_of_iso(text))
        except ValueError:
            if _TIME.match(text):
                return self._calendar(element, text)
            return Span(kind=SpanKind.DURATION, formula=self.formula(element, text))

    def _calendar(self, element: str, text: str) -> Span:
        try:
            period_of_iso(text)
        except ValueError as error:
            self.fault(element, "an ISO 8601 duration", f"'{text}'", str(error))
        return Span(kind=SpanKind.DURATION, text=text)

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
