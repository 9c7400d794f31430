"""Takes a repair of a kept week back while it goes on; the week is resumed without it."""

from collections.abc import Sequence
from pathlib import Path

from fabloop.adapt.repair.domain import Step
from fabloop.adapt.repair.enact import WayBack, undo
from fabloop.adapt.repair.fragment import steps_of, title_of
from fabloop.adapt.repair.proposal import Situation
from fabloop.app.muffin.folders import LOG_FILE
from fabloop.app.muffin.play import settings_in
from fabloop.app.muffin.recovery import OVERCOOKED, refuse
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstances, AskJobs
from fabloop.app.processes.store import open_host
from fabloop.app.service_runtime.clock import StoryClock
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    Deviated,
    RepairEnacted,
    RepairKept,
    RepairUndone,
    RuntimeFact,
)
from fabloop.app.service_runtime.kept import unpacked
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.errors import Conflict, NotFound
from fabloop.process.commands import ProcessDeployed
from fabloop.process.operations import Selection


def undo_repair(folder: Path, about: str, by: str) -> RepairUndone:
    """Take the last repair of a batch, or of the batch of an order, back.

    What it has done is compensated where its services say how; the rest is told as lasting.
    Orders that were to be made again by it are refused.

    Raises
    ------
    NotFound
        There is no week in the folder, or no repair of this batch or order.
    Conflict
        The repair is over, or another one came after it, or somebody has the week open.
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
    found = unpacked(kept.data)
    option, situation = found.option, found.situation
    steps = steps_of(option.course, option.id)
    running = host.query(
        AskInstances(where=Selection(business_key=kept.about, process=option.woven.process.id))
    )
    jobs = host.query(AskJobs(instance=situation.instance)) if running else ()
    if not any(each.node in steps for each in jobs):
        raise Conflict(
            f"Expected repair '{kept.repair}' of {kept.about} to be going on, but it is over or "
            "another one came after it. What it has done stays."
        )
    open_ = {each.key for each in jobs}
    done = {
        each.node
        for each in log.facts()
        if isinstance(each, CallAnswered) and each.node in steps and each.job not in open_
    }
    back = undo(option, situation, done)
    return _went_back(host, log, kept.about, situation, back, by)


def _went_back(
    host: Host, log: FactLog, about: str, situation: Situation, back: WayBack, by: str
) -> RepairUndone:
    now = host.now()
    deployed = host.submit(back.enactment.deploy, request=f"deploy/{back.process.id}")
    assert isinstance(deployed, ProcessDeployed), "a deployment is answered with versions"
    for request, command in back.enactment.commands(deployed.key):
        host.submit(command, request=request)

    def said(steps: Sequence[Step]) -> tuple[str, ...]:
        domain = situation.domain
        return tuple(title_of(each, domain.action(each.action)) for each in steps)

    undone = RepairUndone(
        about=about,
        instance=situation.instance,
        repair=situation.repair,
        by=by,
        process=deployed.key.id,
        steps=said(back.course.steps),
        lasting=said(back.lasting),
    )
    log.tell(now, undone)
    for each in log.facts():
        if not isinstance(each, Deviated) or each.repair != situation.repair:
            continue
        if each.because.code == OVERCOOKED:  # what only waits goes on waiting
            refuse(host, log, each.subjects, f"repair {situation.repair} was taken back", now)
    return undone
