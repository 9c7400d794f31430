"""Whether a page that completes leaves nothing behind, found by exploring it by itself."""

from collections.abc import Collection, Mapping

from fabloop.process.definition import Scope
from fabloop.process.verify.unfold import Page, Unfolding

PAGE_MARKINGS_MAX = 2_000
"""Markings of one page by itself; a page with more is treated as if it might leave tokens."""


def ends_empty(net: Unfolding, page: Page, scope: Scope, exits: frozenset[int]) -> bool:
    """Tell whether a token on the page's exit is always the only one left in the page.

    The page is explored by itself with every shared place full: it can then do all that it
    can do in the process, and more. Where that takes too long nothing is claimed.
    """
    local = page.local.keys()
    moves = [
        (_within(each.pre, local), _within(each.post, local))
        for each in (net.transitions[n] for n in page.transitions)
        if each.plain
    ]
    if len(moves) < len(page.transitions) or not all(pre for pre, _ in moves):
        return False
    entries = net.known_fields(page, frozenset({scope.entry}))
    seen = {frozenset({(entry, 1)}) for entry in entries}
    waiting = [dict(marking) for marking in seen]
    while waiting:
        marking = waiting.pop()
        if exits & marking.keys() and sum(marking.values()) > 1:
            return False
        for pre, post in moves:
            if any(marking.get(field, 0) < count for field, count in pre.items()):
                continue
            after = _fired(marking, pre, post)
            key = frozenset(after.items())
            if key not in seen:
                if len(seen) == PAGE_MARKINGS_MAX:
                    return False
                seen.add(key)
                waiting.append(after)
    return True


def _within(tokens: Mapping[int, int], fields: Collection[int]) -> dict[int, int]:
    return {field: count for field, count in tokens.items() if field in fields}


def _fired(
    marking: Mapping[int, int], pre: Mapping[int, int], post: Mapping[int, int]
) -> dict[int, int]:
    after = dict(marking)
    for field, count in pre.items():
        after[field] -= count
    for field, count in post.items():
        after[field] = after.get(field, 0) + count
    return {field: count for field, count in after.items() if count}
