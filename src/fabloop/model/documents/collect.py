"""Collects the faults of a document while it is read, each with its place."""

from collections.abc import Collection, Iterable

from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean

FAULTS_MAX = 1_000
FOUND_TEXT_MAX = 80


class Sheet:
    """A document being read: its name, the path one stands at, and the faults met so far.

    Sheets made by `at` share the list of faults. Who meets a fault goes on with any value of the
    right type: nothing that was read leaves the package once a fault has been met.
    """

    def __init__(self, source: str, faults: list[Fault], path: str = "$") -> None:
        self.source = source
        self.path = path
        self.faults = faults

    def __str__(self) -> str:
        return f"{self.source} {self.path}"

    def at(self, *steps: str | int) -> "Sheet":
        """Return the sheet one or more steps further in (keys and indices)."""
        return Sheet(self.source, self.faults, json_path(steps, self.path))

    def fault(self, expected: str, found: str, hint: str = "") -> None:
        """Note that something else was expected here."""
        self.faults.append(
            Fault(source=self.source, path=self.path, expected=expected, found=found, hint=hint)
        )

    def known(self, name: str, names: Collection[str] | None, what: str) -> bool:
        """Tell whether `name` is one of `names`, and note a fault where it is not.

        `names` is None where the documents that would tell could not be read; then nothing can
        be said about the name, and it passes for unknown without a fault.
        """
        if names is None:
            return False
        if name not in names:
            self.fault(what, repr(name), did_you_mean(name, names))
            return False
        return True


def unique(places: Iterable[tuple[Sheet, str]], what: str) -> None:
    """Note a fault at each place whose id an earlier place has already; across documents too."""
    first: dict[str, Sheet] = {}
    for sheet, each in places:
        if each not in first:
            first[each] = sheet
            continue
        earlier = first[each]
        where = earlier.path if earlier.source == sheet.source else str(earlier)
        sheet.fault(f"each {what} once", f"{each!r} again", f"It stands at {where} already.")


def json_path(steps: Iterable[str | int], start: str = "$") -> str:
    """Return a JSON path; keys that are no plain words are quoted."""
    text = start
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "a").isalnum():
            text += f".{step}"
        else:
            text += f"[{step!r}]"
    return text


def raise_if_any(faults: list[Fault]) -> None:
    """Raise all faults, or the first of them and how many more there are.

    Raises
    ------
    Invalid
        There is at least one fault.
    """
    if not faults:
        return
    left_out = len(faults) - FAULTS_MAX
    if left_out > 0:
        rest = Fault(
            source="documents",
            path="",
            expected=f"at most {FAULTS_MAX} faults",
            found=f"{left_out} more",
            hint="Correct those above first.",
        )
        raise Invalid((*faults[:FAULTS_MAX], rest))
    raise Invalid(faults)


def shown(value: object) -> str:
    """Return a JSON value as a fault shows it: containers by size, texts shortened."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list():
            return f"a list of {len(value)}"
        case _:
            return short(repr(value))


def short(text: str) -> str:
    """Return text of at most `FOUND_TEXT_MAX` characters."""
    return text if len(text) <= FOUND_TEXT_MAX else f"{text[: FOUND_TEXT_MAX - 1]}…"
