"""Verifies a definition or a net: what the rest of the program calls."""

from collections.abc import Sequence

import msgspec

from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.definition import Call, Definition, Rounds
from fabloop.process.verify.drawn.drawing import Drawing
from fabloop.process.verify.drawn.net import flat_drawing, not_verified_drawn
from fabloop.process.verify.elements import not_verified
from fabloop.process.verify.environment import OPEN, Environment
from fabloop.process.verify.fired import fired_report
from fabloop.process.verify.flat import Exceeded, Final, FlatNet, Limits
from fabloop.process.verify.judge import judge
from fabloop.process.verify.net_steps import Partial, fired_with_time, unfolded, with_rules
from fabloop.process.verify.processes import flat_process
from fabloop.process.verify.undoing import undoes
from fabloop.process.verify.verdict import LeftOut, Verification, undecided

LIMITS = Limits()


def verify(
    definition: Definition,
    *,
    limits: Limits = LIMITS,
    environment: Environment = OPEN,
    reduced: bool = True,
    counted: bool = False,
) -> Verification:
    """Verify a process with its pages: every property, or ``unknown`` with the reason.

    The reason is the limit met, or the elements for which the verification has no mapping.
    With `counted`, markings, arcs and bounds are those of the whole net where limits allow.
    """
    subject = f"process '{definition.id}'"
    unmapped = not_verified(definition)
    if unmapped:
        return undecided(subject, f"not verified: {', '.join(unmapped)}", environment)
    try:
        net = flat_process(definition, environment, limits)
    except Exceeded as exceeded:
        return undecided(subject, str(exceeded), environment)
    found = judge(
        net, subject, limits=limits, environment=environment, reduced=reduced, counted=counted
    )
    return msgspec.structs.replace(found, left_out=_left_out_of(definition))


def verify_net(
    net: CompiledNet, *, limits: Limits = LIMITS, reduced: bool = True, counted: bool = False
) -> Verification:
    """Verify a stand-alone net against the final marking that its document states.

    Time is left out, except for a net in CPN ML of which the timed markings come to an end.
    """
    subject = f"net '{net.id}'"
    try:
        timed = fired_with_time(net, limits)
        if timed is not None:
            return fired_report(subject, net, timed)
        flat = flat_net(net, limits)
    except Exceeded as exceeded:
        return undecided(subject, str(exceeded), None)
    except Partial as partial:
        found = fired_report(subject, net, partial.reached)
    else:
        plain = all(each.plain for each in flat.transitions)
        found = judge(
            flat, subject, limits=limits, environment=None, reduced=reduced and plain,
            counted=counted,
        )  # fmt: skip
    left_out = _left_out_of_nets((net,))
    kept = () if left_out == (LeftOut.PRIORITY,) else left_out  # obeyed where nothing is timed
    return msgspec.structs.replace(found, left_out=kept)


def verify_drawing(
    drawing: Drawing,
    *,
    limits: Limits = LIMITS,
    environment: Environment = OPEN,
    reduced: bool = True,
    counted: bool = False,
) -> Verification:
    """Verify the flow of a drawing that need not be fit to be carried out: all pools together."""
    names = [scope.id for scope in drawing.scopes if scope.owner < 0]
    subject = f"drawing of {', '.join(map(repr, names))}"
    unmapped = not_verified_drawn(drawing)
    if unmapped:
        return undecided(subject, f"not verified: {', '.join(unmapped)}", environment)
    try:
        net = flat_drawing(drawing, environment, limits)
    except Exceeded as exceeded:
        return undecided(subject, str(exceeded), environment)
    found = judge(
        net, subject, limits=limits, environment=environment, reduced=reduced, counted=counted
    )
    left_out = (LeftOut.DATA, LeftOut.EXECUTION) if _decides(drawing) else (LeftOut.EXECUTION,)
    return msgspec.structs.replace(found, left_out=left_out)


def _decides(drawing: Drawing) -> bool:
    return any(flow.conditional for flow in drawing.flows) or any(
        len(node.outgoing) > 1 and node.kind in ("exclusiveGateway", "inclusiveGateway")
        for node in drawing.nodes
    )


def _left_out_of(definition: Definition) -> tuple[LeftOut, ...]:
    nets = tuple(scope.net for scope in definition.scopes if scope.net is not None)
    decides = any(flow.condition is not None for flow in definition.flows)
    works = any(each.reads_result for net in nets for each in net.transitions)
    data = (LeftOut.DATA,) if decides or works else ()
    calls = any(isinstance(node.action, Call) for node in definition.nodes)
    several = any(
        isinstance(node.action, Rounds) and not node.action.sequential for node in definition.nodes
    )
    at_once = (LeftOut.AT_ONCE,) if several else ()
    undoing = (LeftOut.UNDOING,) if undoes(definition) else ()
    return _left_out_of_nets(nets) + data + ((LeftOut.CALLS,) if calls else ()) + at_once + undoing


def _left_out_of_nets(nets: Sequence[CompiledNet]) -> tuple[LeftOut, ...]:
    timed = any(place.timed for net in nets for place in net.places)
    ranked = any(len({each.priority for each in net.transitions}) > 1 for net in nets)
    return ((LeftOut.TIME,) if timed else ()) + ((LeftOut.PRIORITY,) if ranked else ())


def flat_net(net: CompiledNet, limits: Limits) -> FlatNet:
    """Return the flat net of a stand-alone net; raises Exceeded or Partial."""
    unfolding, page = unfolded(net, limits)
    transitions = with_rules(unfolding, page, net)
    groups = tuple(
        tuple(unfolding.known_fields(page, frozenset({n}))) if n in net.final_reads else ()
        for n in range(len(net.places))
    )
    return FlatNet(
        fields=tuple(unfolding.names),
        initial=tuple(unfolding.initial.get(n, 0) for n in range(len(unfolding.names))),
        transitions=tuple(transitions),
        bounds=tuple(unfolding.capacities()),
        final=Final(
            empty=frozenset(unfolding.faulty),
            test=net.final,
            places=groups,
            stated=net.final is not None,
        ),
        elements=tuple(each.name for each in net.transitions),
        places=tuple(unfolding.places()),
    )
