"""Takes a repair of a kept week back, or compensates one that is over; the week is resumed then."""

from collections.abc import Sequence
from pathlib import Path

from fabloop.adapt.repair.domain import Step, action_name
from fabloop.adapt.repair.enact import Lasting, WayBack, afterwards, undo
from fabloop.adapt.repair.fragment import steps_of, title_of
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.reality import VARIABLE, Atom, Reality, bind, put, said
from fabloop.app.muffin.folders import LOG_FILE
from fabloop.app.muffin.play import settings_in
from fabloop.app.muffin.recovery import OVERCOOKED, refuse
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstances, AskJobs
from fabloop.app.processes.store import open_host
from fabloop.app.service_runtime.clock import StoryClock
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallBound,
    Deviated,
    RepairEnacted,
    RepairKept,
    RepairUndone,
    RuntimeFact,
)
from fabloop.app.service_runtime.kept import Kept, unpacked
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.errors import Conflict, NotFound
from fabloop.model.service import Constant
from fabloop.process.commands import Deploy, ProcessDeployed, StartInstance
from fabloop.process.operations import Selection


def undo_repair(folder: Path, about: str, by: str) -> RepairUndone:
    """Take the last repair of a batch, or of the batch of an order, back.

    What it has done is compensated where its services say how and that can be done now; the rest
    is told as lasting, with the reason. While it goes on, orders that were to be made again by it
    are refused; one that is over has made them.

    Raises
    ------
    NotFound
        There is no week in the folder, or no repair of this batch or order.
    Conflict
        Another one came after it before it was over, or somebody has the week open.
    """
    settings_in(folder)
    log = FactLog(folder / LOG_FILE)
    try:
        kept = _kept(log.facts(), about)
        host = open_host(folder, StoryClock(log.history[-1][0], None))
        try:
            return _taken_back(host, log, kept, by)
        finally:
            host.close()
    finally:
        log.close()


def _kept(facts: Sequence[RuntimeFact], about: str) -> RepairKept:
    """Return the last repair of a batch or an order that was carried out."""
    deviated = {each.repair: each for each in facts if isinstance(each, Deviated)}
    enacted = {each.repair for each in facts if isinstance(each, RepairEnacted)}
    enacted -= {each.repair for each in facts if isinstance(each, RepairUndone)}
    found = [
        each
        for each in facts
        if isinstance(each, RepairKept)
        and each.repair in enacted
        and about in (each.about, each.repair, *deviated[each.repair].subjects)
    ]
    if found:
        return found[-1]
    known = ", ".join(sorted(enacted)) or "none"
    raise NotFound(
        f"Expected a batch, order or repair with a repair to take back, but found '{about}'. "
        f"Repairs that were carried out: {known}."
    )


def _taken_back(host: Host, log: FactLog, kept: RepairKept, by: str) -> RepairUndone:
    """Take a repair back: while it goes on, instead of the rest of it; else beside what follows."""
    found = unpacked(kept.data)
    option, situation = found.option, found.situation
    steps = steps_of(option.course, option.id)
    running = host.query(
        AskInstances(where=Selection(business_key=kept.about, process=option.woven.process.id))
    )
    jobs = host.query(AskJobs(instance=situation.instance))
    under_way = {each.node for each in jobs} & steps.keys()
    open_ = {each.key for each in jobs}
    answered = {
        each.node
        for each in log.facts()
        if isinstance(each, CallAnswered) and each.node in steps and each.job not in open_
    }
    begun = answered | (under_way & _taken_on(log.facts()))
    physical = _physical(log.facts(), kept, situation)
    if running and under_way:
        back = undo(option, situation, begun, physical=physical)
        return _went_back(host, log, kept.about, situation, back, by)
    if answered != steps.keys():
        raise Conflict(
            f"Expected repair '{kept.repair}' of {kept.about} to be going on or to be over, but "
            "another one came after it. Take that one back first."
        )
    return _compensated(host, log, kept.about, found, answered, physical, by)


def _taken_on(facts: Sequence[RuntimeFact]) -> set[str]:
    """Return the nodes of which a service was bound to the job: it may be at it."""
    return {each.node for each in facts if isinstance(each, CallBound)}


def _physical(
    facts: Sequence[RuntimeFact], kept: RepairKept, situation: Situation
) -> dict[Atom, Constant]:
    """Return what is so now: as it was when the repair began, and by what was done since."""
    known = {each.name: each for each in situation.domain.actions}
    reality = dict(situation.physical)
    for each in facts[facts.index(kept) :]:
        if not isinstance(each, CallAnswered):
            continue
        action = known.get(action_name(each.service, each.operation))
        if action is not None:
            values = {f"{VARIABLE}{name}": str(value) for name, value in each.given.items()}
            for effect in action.effects:
                put(reality, bind(effect, values))
    return reality


def _compensated(
    host: Host, log: FactLog, about: str, kept: Kept, done: set[str], physical: Reality, by: str
) -> RepairUndone:
    """Have what a repair that is over has done compensated by a process of its own."""
    option, situation = kept.option, kept.situation
    back = afterwards(option, situation, done, physical)
    process = ""
    if back.process is not None:
        process = back.process.id
        host.submit(Deploy(process=back.process), request=f"deploy/{process}")
        start = StartInstance(process=process, business_key=about)
        host.submit(start, request=f"begin/{process}/{about}")
    undone = RepairUndone(
        about=about,
        instance=situation.instance,
        repair=situation.repair,
        by=by,
        process=process,
        steps=_said(back.course.steps, situation),
        lasting=_said([each.step for each in back.lasting], situation),
        because=tuple(_why(each) for each in back.lasting),
        over=True,
    )
    log.tell(host.now(), undone)
    return undone


def _said(steps: Sequence[Step], situation: Situation) -> tuple[str, ...]:
    domain = situation.domain
    return tuple(title_of(each, domain.action(each.action)) for each in steps)


def _why(lasting: Lasting) -> str:
    if not lasting.named:
        return "its description names nothing that takes it back"
    unmet = ", ".join(said(each) for each in lasting.unmet)
    return f"{lasting.named} takes it back, but that requires {unmet}"


def _went_back(
    host: Host, log: FactLog, about: str, situation: Situation, back: WayBack, by: str
) -> RepairUndone:
    now = host.now()
    deployed = host.submit(back.enactment.deploy, request=f"deploy/{back.process.id}")
    assert isinstance(deployed, ProcessDeployed), "a deployment is answered with versions"
    for request, command in back.enactment.commands(deployed.key):
        host.submit(command, request=request)
    undone = RepairUndone(
        about=about,
        instance=situation.instance,
        repair=situation.repair,
        by=by,
        process=deployed.key.id,
        steps=_said(back.course.steps, situation),
        lasting=_said([each.step for each in back.lasting], situation),
        because=tuple(_why(each) for each in back.lasting),
    )
    log.tell(now, undone)
    for each in log.facts():
        if not isinstance(each, Deviated) or each.repair != situation.repair:
            continue
        if each.because.code == OVERCOOKED:  # what only waits goes on waiting
            refuse(host, log, each.subjects, f"repair {situation.repair} was taken back", now)
    return undone
