"""Reports on a net of which only a part was looked at."""

from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.space import Reached
from fabloop.process.verify.explore import Property
from fabloop.process.verify.net_steps import step_label
from fabloop.process.verify.verdict import Finding, Verdict, Verification


def partly(subject: str, net: CompiledNet, reached: Reached) -> Verification:
    """Return what is known after a search that a limit ended: faults seen, nothing proven."""
    path = reached.path
    steps = tuple(step_label(net, step) for step in path) if path is not None else ()
    full = {
        place.name: most
        for place, most in zip(net.places, reached.peaks, strict=True)
        if place.capacity is not None and most > place.capacity
    }
    findings = tuple(_finding(which, reached, steps, full) for which in Property)
    refuted = path is not None or bool(full)
    return Verification(
        subject=subject, sound=False if refuted else None, markings=reached.markings,
        arcs=reached.arcs, dead_markings=reached.dead, dead_transitions=(),
        bounds={p.name: most for p, most in zip(net.places, reached.peaks, strict=True)},
        exhaustive=False, counterexample=steps,
        explored=f"a part: {reached.markings} markings, then {reached.limit}", reduced=False,
        findings=findings,
    )  # fmt: skip


def _finding(
    which: Property, reached: Reached, steps: tuple[str, ...], full: dict[str, int]
) -> Finding:
    if which is Property.DEADLOCK_FREE and reached.path is not None:
        return Finding(
            property=which, verdict=Verdict.VIOLATED, reason="nothing can happen",
            counterexample=steps,
        )  # fmt: skip
    if which is Property.CAPACITY and full:
        held = ", ".join(f"{count} tokens on {name!r}" for name, count in full.items())
        return Finding(property=which, verdict=Verdict.VIOLATED, reason=held)
    return Finding(property=which, verdict=Verdict.UNKNOWN, reason=reached.limit)
