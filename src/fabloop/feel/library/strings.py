"""Built-in functions on strings."""

from fabloop.feel.decimals import Number, truncated
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.regex import Pattern, PatternFault, compile_pattern
from fabloop.feel.run import Run

STRINGS = Builtins()


@STRINGS.define("substring", "string: string; start position: number; length?: number")
def _substring(_: Run, string: str, start: Number, length: Number | None = None) -> str:
    place = truncated(start)
    if place == 0 or abs(place) > max(len(string), 1):
        raise Undefined(f"the start position {place} is outside of the string")
    first = place - 1 if place > 0 else len(string) + place
    count = len(string) if length is None else truncated(length)
    if count < 0:
        raise Undefined(f"the length {count} is negative")
    return string[first : first + count]


@STRINGS.define("string length", "string: string")
def _length(_: Run, string: str) -> int:
    return len(string)


@STRINGS.define("upper case", "string: string")
def _upper(run: Run, string: str) -> str:
    return run.string(string.upper())


@STRINGS.define("lower case", "string: string")
def _lower(run: Run, string: str) -> str:
    return run.string(string.lower())


@STRINGS.define("substring before", "string: string; match: string")
def _before(_: Run, string: str, match: str) -> str:
    place = string.find(match)
    return string[:place] if place > 0 else ""


@STRINGS.define("substring after", "string: string; match: string")
def _after(_: Run, string: str, match: str) -> str:
    place = string.find(match)
    return string[place + len(match) :] if place >= 0 else ""


@STRINGS.define("contains", "string: string; match: string")
def _contains(_: Run, string: str, match: str) -> bool:
    return match in string


@STRINGS.define("starts with", "string: string; match: string")
def _starts(_: Run, string: str, match: str) -> bool:
    return string.startswith(match)


@STRINGS.define("ends with", "string: string; match: string")
def _ends(_: Run, string: str, match: str) -> bool:
    return string.endswith(match)


@STRINGS.define("trim", "string: string")
def _trim(_: Run, string: str) -> str:
    return string.strip()


def _pattern(run: Run, text: str, flags: str | None) -> Pattern:
    run.spend(2 * len(text))
    try:
        pattern = compile_pattern(text, flags or "")
    except PatternFault as fault:
        raise Undefined(str(fault)) from None
    # Paid for every time, compiled anew or not: what is refused must not depend on a cache.
    run.spend(2 * len(pattern.program))
    return pattern


@STRINGS.define("matches", "input: string; pattern: string; flags?: string")
def _matches(run: Run, string: str, pattern: str, flags: str | None = None) -> bool:
    return _pattern(run, pattern, flags).search(string, 0, run.spend) is not None


@STRINGS.define("replace", "input: string; pattern: string; replacement: string; flags?: string")
def _replace(
    run: Run, string: str, pattern: str, replacement: str, flags: str | None = None
) -> str:
    try:
        return run.string(_pattern(run, pattern, flags).replaced(string, replacement, run.spend))
    except PatternFault as fault:
        raise Undefined(str(fault)) from None


@STRINGS.define("split", "string: string; delimiter: string")
def _split(run: Run, string: str, delimiter: str) -> list[str]:
    parts = _pattern(run, delimiter, "").split(string, run.spend)
    run.sized(len(parts))
    return parts


@STRINGS.define("string join", "list: list; delimiter?: string")
def _join(run: Run, items: list[object], delimiter: str | None = None) -> str:
    texts = [item for item in items if isinstance(item, str)]
    if any(item is not None and not isinstance(item, str) for item in items):
        raise Undefined("the list holds something that is no string")
    run.sized(len(items))
    whole = sum(len(text) for text in texts) + len(delimiter or "") * len(texts)
    run.spend(whole >> 4)
    return run.string((delimiter or "").join(texts))


@STRINGS.define("extract", "input: string; pattern: string")
def _extract(run: Run, string: str, pattern: str) -> list[str]:
    return _pattern(run, pattern, "").all(string, run.spend)
