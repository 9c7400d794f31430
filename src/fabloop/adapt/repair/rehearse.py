"""Tries a repair out in the engine itself, from where the instance stands, and undoes all of it."""

from fabloop.adapt.repair.domain import Binder
from fabloop.adapt.repair.enact import enact
from fabloop.adapt.repair.fragment import task_id
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.adapt.repair.reality import after, said, unmet
from fabloop.base.errors import FabloopError
from fabloop.base.instant import Instant
from fabloop.process.commands import CompleteJob, ProcessDeployed
from fabloop.process.engine import Engine


def rehearse(option: RepairOption, situation: Situation, engine: Engine, at: Instant) -> str:
    """Return why an option cannot be carried out by the running instance; empty where it can.

    The engine deploys, migrates and hands out the jobs of the repair one after the other; each is
    answered at once, and changes the reality that the next ones need. Nothing of it lasts.
    """
    enactment = enact(option, situation)
    binder = Binder(situation.domain)
    steps = {task_id(option.id, n): step for n, step in enumerate(option.course.steps)}
    reality = dict(situation.physical)
    instance = situation.instance
    try:
        with engine.trial(at=at) as tries:
            deployed = tries(enactment.deploy)
            assert isinstance(deployed, ProcessDeployed), "a deployment says what it has made"
            for _, command in enactment.commands(deployed.key):
                tries(command)
            while steps:
                open_ = [each for each in engine.jobs(instance=instance) if each.node in steps]
                if not open_:
                    return f"'{next(iter(steps))}' is never reached"
                step = binder(steps.pop(open_[0].node))
                missing = unmet(step.requires, reality)
                if missing:
                    return f"'{open_[0].node}' begins without '{said(missing[0])}'"
                tries(CompleteJob(job=open_[0].key))
                reality = after(reality, step.effects)
    except FabloopError as error:
        return str(error)
    return ""
