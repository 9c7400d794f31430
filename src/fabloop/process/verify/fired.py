"""Reports on a net that was fired from its start, to the end or up to a limit."""

from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.space import Reached, Step
from fabloop.process.verify.backward import first_stuck
from fabloop.process.verify.explore import Property
from fabloop.process.verify.net_steps import step_label
from fabloop.process.verify.verdict import Finding, Verdict, Verification

FIRST = (Property.DEADLOCK_FREE, *Property)
"""The order in which the report looks for its counterexample."""


def fired_report(subject: str, net: CompiledNet, reached: Reached) -> Verification:
    """Return what is known: faults that were seen, and, if all was seen, what holds."""
    findings = tuple(_finding(which, net, reached) for which in Property)
    violated = {each.property: each for each in findings if each.verdict is Verdict.VIOLATED}
    held = all(each.verdict is Verdict.HOLDS for each in findings)
    part = f"a part: {reached.markings} markings, then {reached.limit}"
    return Verification(
        subject=subject, sound=False if violated else True if held else None,
        markings=reached.markings, arcs=reached.arcs, dead_markings=reached.dead,
        dead_transitions=_dead(net, reached),
        bounds={p.name: most for p, most in zip(net.places, reached.peaks, strict=True)},
        exhaustive=not reached.limit,
        counterexample=next((violated[p].counterexample for p in FIRST if p in violated), ()),
        explored=part if reached.limit else "every marking", reduced=False, findings=findings,
    )  # fmt: skip


def _finding(which: Property, net: CompiledNet, reached: Reached) -> Finding:
    fault = _fault(which, net, reached)
    if fault is not None:
        reason, path = fault
        return Finding(
            property=which, verdict=Verdict.VIOLATED, reason=reason,
            counterexample=tuple(step_label(net, step) for step in path),
        )  # fmt: skip
    ends = which in (Property.OPTION_TO_COMPLETE, Property.PROPER_COMPLETION)
    if ends and net.final is None:
        reason = "no final marking is stated"
        return Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason)
    if reached.limit:
        reason = (
            f"explored {reached.markings:,} markings, it holds in them, not exhaustive: "
            f"{reached.limit}"
        )
        return Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason)
    return Finding(property=which, verdict=Verdict.HOLDS)


def _fault(
    which: Property, net: CompiledNet, reached: Reached
) -> tuple[str, tuple[Step, ...]] | None:
    """Return how a property fails, and the way there; None where no fault was seen."""
    match which:
        case Property.DEADLOCK_FREE if reached.path is not None:
            return "nothing can happen", reached.path
        case Property.CAPACITY:
            full = [
                f"{most} tokens on {place.name!r}"
                for place, most in zip(net.places, reached.peaks, strict=True)
                if place.capacity is not None and most > place.capacity
            ]
            return (", ".join(full), ()) if full else None
        case Property.OPTION_TO_COMPLETE if net.final is not None and not reached.limit:
            stuck = first_stuck(*reached.graph)
            if stuck is not None:
                return "no end can be reached any more", reached.paths(stuck)
        case Property.NO_DEAD_ELEMENT if _dead(net, reached):
            return f"never reached: {', '.join(_dead(net, reached)[:8])}", ()
        case _:
            pass
    return None


def _dead(net: CompiledNet, reached: Reached) -> tuple[str, ...]:
    """Return the transitions that never happen; none where not all was seen."""
    if reached.limit:
        return ()
    return tuple(each.name for n, each in enumerate(net.transitions) if n not in reached.fired)
