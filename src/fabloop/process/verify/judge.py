"""Judges a flat net: which properties hold, which fail and how."""

from collections.abc import Sequence

import msgspec

from fabloop.process.verify.environment import Environment
from fabloop.process.verify.explore import Exploration, Property, explore
from fabloop.process.verify.flat import FlatNet, Limits, fire
from fabloop.process.verify.quotient import Quotient, concrete, quotient_of
from fabloop.process.verify.reduce import reduce
from fabloop.process.verify.stubborn import DEADLOCK_MARKINGS_MAX, find_deadlock
from fabloop.process.verify.verdict import Finding, Verdict, Verification

EXPLAINED_MARKINGS_MAX = 200_000
"""Markings searched for the shortest counterexample once a reduced net has refuted a property."""

ENDS = frozenset({Property.OPTION_TO_COMPLETE, Property.PROPER_COMPLETION})
FIRST = (Property.DEADLOCK_FREE, *Property)
"""The order in which a report looks for its counterexample."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What was explored, and which net it was: `net` has the transitions of the quotient's net.

    `proven` holds in any case, though not everything was explored.
    """

    net: FlatNet
    found: Exploration
    proven: frozenset[Property] = frozenset()


def judge(
    net: FlatNet,
    subject: str,
    *,
    limits: Limits,
    environment: Environment | None,
    reduced: bool,
    counted: bool,
) -> Verification:
    """Return the verdicts on a flat net.

    Interchangeable tokens are merged first, which changes no count. To be `counted`, that net is
    explored as it is; where it is too large, or counts are not asked for, the verdicts come from
    a net that is reduced further. A counterexample is then looked for in the larger net, as it is
    shortest there, and else expanded from the reduced one. Without `reduced` nothing is merged.
    """
    same = Quotient(net=net, alike=tuple((n,) for n in range(len(net.transitions))), merged=())
    quotient = quotient_of(net) if reduced else same
    tries: list[Evidence] = []
    if counted or not reduced:
        tries.append(Evidence(net=quotient.net, found=explore(quotient.net, limits)))
    if reduced and not any(each.found.complete for each in tries):
        small = reduce(quotient.net)
        tries.append(Evidence(net=small, found=explore(small, limits)))
        if tries[-1].found.witnesses and not counted:
            few = min(limits.markings, EXPLAINED_MARKINGS_MAX)
            found = explore(quotient.net, msgspec.structs.replace(limits, markings=few))
            tries.insert(0, Evidence(net=quotient.net, found=found))
    if reduced and not any(each.found.complete for each in tries):
        tries += _deadlocks(tries, limits)
    shown = next((each for each in tries if each.found.complete), tries[0])
    return _report(net, quotient, tries, tries[0] if counted else shown, subject, environment)


def _deadlocks(tries: Sequence[Evidence], limits: Limits) -> list[Evidence]:
    """Return what a search for deadlocks alone finds where all markings are too many."""
    if any(Property.DEADLOCK_FREE in each.found.witnesses for each in tries):
        return []
    net = tries[-1].net
    few = min(limits.markings, DEADLOCK_MARKINGS_MAX)
    search = find_deadlock(net, msgspec.structs.replace(limits, markings=few))
    if search is None or not (search.complete or search.witness):
        return []
    witnesses = {Property.DEADLOCK_FREE: search.witness} if search.witness else {}
    found = Exploration(
        seen=search.markings, complete=False, fired=bytearray(), witnesses=witnesses
    )
    proven = frozenset[Property]() if search.witness else frozenset({Property.DEADLOCK_FREE})
    return [Evidence(net=net, found=found, proven=proven)]


def _report(
    net: FlatNet,
    quotient: Quotient,
    tries: Sequence[Evidence],
    shown: Evidence,
    subject: str,
    environment: Environment | None,
) -> Verification:
    findings = tuple(_finding(net, quotient, tries, which) for which in Property)
    found, whole = shown.found, shown.net is quotient.net
    violated = {each.property: each for each in findings if each.verdict is Verdict.VIOLATED}
    held = all(each.verdict is Verdict.HOLDS for each in findings)
    return Verification(
        subject=subject,
        sound=False if violated else True if held else None,
        markings=found.markings,
        arcs=found.arcs,
        dead_markings=found.dead,
        dead_transitions=found.never,
        bounds=(
            {p.name: most for p, most in zip(shown.net.places, found.peaks, strict=True)}
            if whole
            else {}
        ),
        exhaustive=found.complete,
        counterexample=next((violated[p].counterexample for p in FIRST if p in violated), ()),
        explored=_explored(found, quotient, tries, whole=whole),
        reduced=not whole or bool(quotient.merged),
        environment=environment,
        findings=findings,
    )


def _explored(
    found: Exploration, quotient: Quotient, tries: Sequence[Evidence], *, whole: bool
) -> str:
    if not found.complete:
        part = f"a part: {found.seen} markings, then {found.limit}"
        small = next((each.found for each in tries if each.found.complete), None)
        if small is None:
            sought = next((each.found.seen for each in tries if each.proven), 0)
            return f"{part}; deadlocks, in {sought} that have them all" if sought else part
        return f"{part}; verdicts from {small.seen} markings of a smaller net that has the same"
    if not whole:
        return f"{found.seen} markings of a smaller net with the same verdicts"
    if quotient.merged:
        alike = " and ".join(quotient.merged)
        return f"every marking, by {found.seen} in which {alike} are not told apart"
    return "every marking"


def _finding(
    net: FlatNet, quotient: Quotient, tries: Sequence[Evidence], which: Property
) -> Finding:
    """Return the first proof or refutation of a property, the larger net's before others."""
    for each in tries:
        witness = each.found.witnesses.get(which)
        if witness is not None:
            firings = [s for n in witness.firings for s in each.net.transitions[n].steps]
            steps = concrete(net, quotient, firings)
            replay(net, steps)
            labels = tuple(net.transitions[step].label for step in steps)
            return Finding(
                property=which, verdict=Verdict.VIOLATED, reason=witness.what,
                counterexample=labels,
            )  # fmt: skip
    if which in ENDS and not net.final.stated:
        reason = "no final marking is stated"
        return Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason)
    if any(each.found.complete or which in each.proven for each in tries):
        return Finding(property=which, verdict=Verdict.HOLDS)
    most = max((each.found for each in tries if each.found.limit), key=lambda found: found.seen)
    reason = f"explored {most.seen:,} markings, it holds in them, not exhaustive: {most.limit}"
    return Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason)


def replay(net: FlatNet, steps: Sequence[int]) -> dict[int, int]:
    """Return the marking after firing transitions by the plain rule.

    This is the certificate of a counterexample; it fails loudly if the search was wrong.
    """
    marking = {field: count for field, count in enumerate(net.initial) if count}
    for step in steps:
        after = fire(net.transitions[step], marking)
        assert after is not None, f"{net.transitions[step].label} is not enabled in the replay"
        marking = after
    return marking
