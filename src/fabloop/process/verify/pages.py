"""Pages of a process as parts of its flat net.

A page comes to rest before it completes, and an interrupted firing gives back the shared tokens
that it took, as the kernel does.
"""

import msgspec

from fabloop.process.definition import NOWHERE, Scope
from fabloop.process.verify.draft import Draft
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.page_ends import ends_empty
from fabloop.process.verify.unfold import entry_token


def open_page(draft: Draft, scope: Scope) -> None:
    """Register a page with the unfolding, with the tokens that it starts with."""
    assert scope.net is not None, "a page has a net"
    owner = draft.definition.nodes[scope.owner]
    keys = [
        ("shared", shared) if shared != NOWHERE else ("page", scope.number, place)
        for place, shared in enumerate(scope.fusion)
    ]
    shared = frozenset(n for n, shared in enumerate(scope.fusion) if shared != NOWHERE)
    known = set(draft.net.known)
    page = draft.net.page(scope.net, f"{owner.id}/", keys, shared)
    draft.pages[scope.number] = page
    for number in sorted(shared):
        if keys[number] not in known:
            for value, _ in scope.net.places[number].initial:
                draft.net.initial[draft.net.token_field(page, number, value)] += 1
            draft.net.known.setdefault(keys[number], {})
    page_start(draft, scope)
    for transition in scope.net.transitions:
        draft.elements[f"{owner.id}/{transition.name}"] = None


def page_start(draft: Draft, scope: Scope) -> dict[int, int]:
    """Return what entering a page puts."""
    page = draft.pages[scope.number]
    assert scope.net is not None
    token = entry_token(scope.net.places[scope.entry].colour)
    put = dict(draft.net.initial_fields(page, shared=False))
    put[draft.net.token_field(page, scope.entry, token)] = 1
    return put


def end_page(draft: Draft, scope: Scope, end: FlatTransition) -> None:
    """Add the completion of a page, one per value that may stand on its exit."""
    page = draft.pages[scope.number]
    before = draft.net.initial_fields(page, shared=False)
    exits = draft.net.known_fields(page, frozenset({scope.exit}))
    alone = not before and (page.single or ends_empty(draft.net, page, scope, frozenset(exits)))
    kept = sorted(set(page.local) - set(page.firing) - set(exits))
    for field in exits:
        done = msgspec.structs.replace(end, pre={**end.pre, field: 1})
        if not alone:
            done = msgspec.structs.replace(
                done,
                zero=frozenset(page.firing),
                clears=done.clears | set(page.local),
                yields=frozenset(page.transitions),
                leftover=tuple((each, before.get(each, 0)) for each in [*kept, *exits]),
            )
        draft.net.add(done)
