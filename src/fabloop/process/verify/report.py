"""Verifies a definition or a net, and says what holds, what fails and how."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.definition import Call, Definition
from fabloop.process.verify.elements import not_verified
from fabloop.process.verify.environment import Environment
from fabloop.process.verify.explore import Exploration, Property, Witness, explore
from fabloop.process.verify.flat import (
    Exceeded,
    Final,
    FlatNet,
    FlatTransition,
    Limits,
    fire,
)
from fabloop.process.verify.processes import flat_process
from fabloop.process.verify.reduce import reduce
from fabloop.process.verify.unfold import Unfolding

EXPLAINED_MARKINGS_MAX = 200_000
"""Markings searched for the shortest counterexample once a reduced net has refuted a property."""


class Verdict(StrEnum):
    """The answer for one property."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


class LeftOut(StrEnum):
    """What a run obeys and the verification does not look at: it allows more than can happen.

    A fault that is found may then be out of reach in a run. In return, the proof of an option to
    complete trusts that what is left out does not always forbid the way to the end.
    """

    TIME = "time"
    PRIORITY = "priority"
    DATA = "data"
    CALLS = "calls"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one property.

    Attributes
    ----------
    reason : why it fails or is not known; empty where it holds
    counterexample : occurrence sequence from the start that ends in the failure; replayed
        against the plain firing rule before it was reported
    """

    property: Property
    verdict: Verdict
    reason: str = ""
    counterexample: tuple[str, ...] = ()


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a process or net.

    Attributes
    ----------
    markings : explored for the verdicts
    reduced : whether the net was made smaller first
    environment : what was assumed of the outside; None for a stand-alone net
    left_out : what the subject has and the verification does not look at
    """

    subject: str
    findings: tuple[Finding, ...]
    markings: int
    arcs: int
    reduced: bool
    environment: Environment | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def released(self) -> bool:
        """Whether every property was proven, so that the process may go live."""
        return all(finding.verdict is Verdict.HOLDS for finding in self.findings)

    def finding(self, which: Property) -> Finding:
        """Return the finding on a property."""
        return next(each for each in self.findings if each.property is which)


LIMITS = Limits()
OPEN = Environment()


def verify(
    definition: Definition,
    *,
    limits: Limits = LIMITS,
    environment: Environment = OPEN,
    reduced: bool = True,
) -> Verification:
    """Verify a process with its pages: every property, or ``unknown`` with the reason.

    The reason is the limit met, or the elements for which the verification has no mapping.
    """
    subject = f"process '{definition.id}'"
    unmapped = not_verified(definition)
    if unmapped:
        return _unknown(subject, f"not verified: {', '.join(unmapped)}", environment)
    try:
        net = flat_process(definition, environment, limits)
    except Exceeded as exceeded:
        return _unknown(subject, str(exceeded), environment)
    found = verify_flat(net, subject, limits=limits, environment=environment, reduced=reduced)
    return msgspec.structs.replace(found, left_out=_left_out_of(definition))


def verify_net(net: CompiledNet, *, limits: Limits = LIMITS, reduced: bool = True) -> Verification:
    """Verify a stand-alone net, untimed, against the final marking that its document states."""
    subject = f"net '{net.id}'"
    try:
        flat = flat_net(net, limits)
    except Exceeded as exceeded:
        return _unknown(subject, str(exceeded), None)
    found = verify_flat(flat, subject, limits=limits, environment=None, reduced=reduced)
    return msgspec.structs.replace(found, left_out=_left_out_of_nets((net,)))


def _left_out_of(definition: Definition) -> tuple[LeftOut, ...]:
    nets = tuple(scope.net for scope in definition.scopes if scope.net is not None)
    decides = any(flow.condition is not None for flow in definition.flows)
    works = any(each.reads_result for net in nets for each in net.transitions)
    data = (LeftOut.DATA,) if decides or works else ()
    calls = any(isinstance(node.action, Call) for node in definition.nodes)
    return _left_out_of_nets(nets) + data + ((LeftOut.CALLS,) if calls else ())


def _left_out_of_nets(nets: Sequence[CompiledNet]) -> tuple[LeftOut, ...]:
    timed = any(place.timed for net in nets for place in net.places)
    ranked = any(len({each.priority for each in net.transitions}) > 1 for net in nets)
    return ((LeftOut.TIME,) if timed else ()) + ((LeftOut.PRIORITY,) if ranked else ())


def flat_net(net: CompiledNet, limits: Limits) -> FlatNet:
    """Return the flat net of a stand-alone net; raises Exceeded."""
    unfolding = Unfolding(limits)
    page = unfolding.page(net, "", list(range(len(net.places))), frozenset())
    unfolding.initial.update(unfolding.initial_fields(page, shared=False))
    unfolding.close()
    groups = tuple(
        tuple(unfolding.known_fields(page, frozenset({n}))) if n in net.final_reads else ()
        for n in range(len(net.places))
    )
    return FlatNet(
        fields=tuple(unfolding.names),
        initial=tuple(unfolding.initial.get(n, 0) for n in range(len(unfolding.names))),
        transitions=tuple(unfolding.transitions),
        bounds=tuple(unfolding.capacities()),
        final=Final(
            empty=frozenset(unfolding.faulty),
            test=net.final,
            places=groups,
            stated=net.final is not None,
        ),
        elements=tuple(each.name for each in net.transitions),
    )


def verify_flat(
    net: FlatNet,
    subject: str,
    *,
    limits: Limits,
    environment: Environment | None,
    reduced: bool,
) -> Verification:
    """Verify a flat net.

    Verdicts come from the reduced net; where one is refuted, the counterexample is looked for in
    the original, as it is shortest there, and else expanded from the reduced one.
    """
    small = reduce(net) if reduced else net
    found = explore(small, limits)
    witnesses = found.witnesses
    original: Exploration | None = None
    if reduced and witnesses:
        few = msgspec.structs.replace(limits, markings=min(limits.markings, EXPLAINED_MARKINGS_MAX))
        original = explore(net, few)
    findings = []
    for which in Property:
        witness = witnesses.get(which)
        if witness is not None and original is not None and which in original.witnesses:
            findings.append(_violated(net, net, which, original.witnesses[which]))
        elif witness is not None:
            findings.append(_violated(net, small, which, witness))
        else:
            findings.append(_not_violated(net, which, found))
    return Verification(
        subject=subject, findings=tuple(findings), markings=found.markings, arcs=found.arcs,
        reduced=reduced, environment=environment,
    )  # fmt: skip


def _violated(net: FlatNet, explored: FlatNet, which: Property, witness: Witness) -> Finding:
    steps = [step for n in witness.firings for step in explored.transitions[n].steps]
    replay(net, steps)
    labels = tuple(net.transitions[step].label for step in steps)
    return Finding(
        property=which, verdict=Verdict.VIOLATED, reason=witness.what, counterexample=labels
    )


def _not_violated(net: FlatNet, which: Property, found: Exploration) -> Finding:
    ends = which in (Property.OPTION_TO_COMPLETE, Property.PROPER_COMPLETION)
    if ends and not net.final.stated:
        reason = "no final marking is stated"
        return Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason)
    if found.complete:
        return Finding(property=which, verdict=Verdict.HOLDS)
    return Finding(property=which, verdict=Verdict.UNKNOWN, reason=found.limit)


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


def enabled_in(net: FlatNet, marking: dict[int, int]) -> list[FlatTransition]:
    """Return the transitions enabled by the plain rule."""
    return [each for each in net.transitions if fire(each, marking) is not None]


def _unknown(subject: str, reason: str, environment: Environment | None) -> Verification:
    findings = tuple(
        Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason) for which in Property
    )
    return Verification(
        subject=subject, findings=findings, markings=0, arcs=0, reduced=False,
        environment=environment,
    )  # fmt: skip
