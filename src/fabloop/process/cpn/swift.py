"""Generates one function per transition that finds, takes and puts, and keeps nothing.

It serves transitions that need no more than patterns, guards, single tokens and delays. They fire
as `CompiledTransition.find` and `make` would let them, only that no binding is made for it.
"""

import ast
from collections.abc import Sequence
from heapq import heappush

from fabloop.process.cpn.compiled import Place, Swift
from fabloop.process.cpn.expression import Expression
from fabloop.process.cpn.generate import Inscribed, Output, fits, is_zero, nanoseconds
from fabloop.process.cpn.search import Search, trivial
from fabloop.process.cpn.source import made_function


def swift(read: Inscribed, places: Sequence[Place], space: dict[str, object]) -> Swift | None:
    """Return what fires a transition, or None for one that asks for more than this can do.

    Raises
    ------
    Misread
        Its patterns cannot be matched one after another.
    """
    if not _simple(read, places):
        return None
    lines = _bound_lists(read)
    body, named = _found(read, lines)
    body += _made(read, places)
    body += _taken(read, named)
    body += _put(read, places)
    lines += ["    def fire(now):", "        try:"]
    lines += [f"            {line}" for line in [*_waiting(read), *body, "return True"]]
    lines += ["        except _FAILURES as error:", "            raise _failed(error) from error"]
    lines += ["    return fire"]
    bind = made_function("bind", "marking, wakes", lines, {**space, "_push": heappush})
    at_once = [each.place for each in read.outputs if _may_be_at_once(read, each, places)]
    return Swift(bind, tuple(dict.fromkeys(at_once)))


def _may_be_at_once(read: Inscribed, output: Output, places: Sequence[Place]) -> bool:
    """Whether a token may be ready when it is put: not behind a delay that is a number."""
    later = [each for each in (read.delay, output.delay) if not is_zero(each)]
    return not places[output.place].timed or not any(
        isinstance(each.tree, ast.Constant) and each.tree.value for each in later
    )


def _simple(read: Inscribed, places: Sequence[Place]) -> bool:
    """Whether nothing but single tokens move, at a time and in a number that is not computed."""
    return (
        not read.works
        and not read.free
        and not read.inhibits
        and read.clock is None
        and all(arc.count == 1 and not arc.many for arc in read.arcs)
        and all(output.count.code == "(1)" and not output.many for output in read.outputs)
        and all(places[output.place].capacity is None for output in read.outputs)
    )


def _bound_lists(read: Inscribed) -> list[str]:
    used = {arc.place for arc in read.arcs} | {output.place for output in read.outputs}
    return [
        f"    T{place} = marking[{place}].times; V{place} = marking[{place}].values; "
        f"A{place} = marking[{place}].add"
        for place in sorted(used)
    ]


def _waiting(read: Inscribed) -> list[str]:
    """Return the lines that leave at once where an input place has no token that is ready."""
    return [
        f"if not T{place} or T{place}[0] > now: return False"
        for place in dict.fromkeys(arc.place for arc in read.arcs)
    ]


def _found(read: Inscribed, lines: list[str]) -> tuple[list[str], dict[int, str]]:
    """Return the lines that bind the variables, and where the token of each arc stands.

    Searches become functions of their own, which are added to `lines`.
    """
    body: list[str] = []
    named: dict[int, str] = {}
    for number, (group, _) in enumerate(read.groups()):
        match = trivial(group, read.words)
        if match is not None:
            arc = group[0][0]
            body.append(f"x{arc.number} = V{arc.place}[0]")
            body += [f"v_{name} = {subject}" for name, subject in match.binds]
            named[arc.number] = "0"
            continue
        searched, names = Search(group, read.words).write_positions()
        lines.append(f"    def part{number}(now):")
        lines += [f"    {line}" for line in searched]
        body.append(f"r = part{number}(now)")
        body.append("if r is None: return False")
        body.append(f"{''.join(f'{name}, ' for name in names)}= r")
        named |= {arc.number: f"p{arc.number}" for arc in group[0]}
    return body, named


def _made(read: Inscribed, places: Sequence[Place]) -> list[str]:
    """Return the lines that compute the outputs, before anything is taken."""
    lines = []
    base = "now"
    if not is_zero(read.delay):
        lines.append(f"later = now + {nanoseconds(read.delay)}")
        base = "later"
    for number, output in enumerate(read.outputs):
        place = output.place
        lines.append(f"y{number} = {output.value.code}")
        if not fits(output.value.tree, places[place].colour, read):
            lines.append(f"if not a{place}(y{number}): raise _misfit({place}, y{number})")
        if places[place].timed:
            later = "" if is_zero(output.delay) else f" + {nanoseconds(output.delay)}"
            lines.append(f"t{number} = {base}{later}")
    return lines


def _taken(read: Inscribed, named: dict[int, str]) -> list[str]:
    """Return the lines that take the tokens, those of one place from behind."""
    lines = []
    for place in dict.fromkeys(arc.place for arc in read.arcs):
        found = [named[arc.number] for arc in read.arcs if arc.place == place]
        if len(found) == 1:
            lines.append(f"del T{place}[{found[0]}], V{place}[{found[0]}]")
            continue
        lines.append(f"for i in sorted(({', '.join(found)}), reverse=True):")
        lines.append(f"    del T{place}[i], V{place}[i]")
    return lines


def _put(read: Inscribed, places: Sequence[Place]) -> list[str]:
    lines = []
    for number, output in enumerate(read.outputs):
        p = output.place
        at = f"t{number}" if places[p].timed else "0"
        lines.append(f"if T{p} and T{p}[-1] > {at}: A{p}(y{number}, {at})")
        lines.append(f"else: T{p}.append({at}); V{p}.append(y{number})")
        if places[p].timed and _may_be_later(read.delay, output):
            lines.append(f"if {at} > now: _push(wakes, ({at}, {p}))")
    return lines


def _may_be_later(delay: Expression, output: Output) -> bool:
    return not (is_zero(delay) and is_zero(output.delay))
