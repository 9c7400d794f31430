"""Near names: what a person probably meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x' or 'y'?`` for the nearest known names, or how many are known."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(each) for each in near)}?"
    if 0 < len(names) <= 12:
        return f"Known are: {', '.join(names)}."
    return f"{len(names)} names are known, none of them near." if names else "None is known."
