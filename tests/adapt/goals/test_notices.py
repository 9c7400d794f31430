"""What an engine tells at once leads to the same decisions as its journal read later."""

from adapt.goals.histories import Plant, at, goals
from adapt.goals.test_monitor import BPMN, decisions
from fabloop.adapt.goals.monitor import Monitor
from fabloop.adapt.goals.notices import NoticeReader
from fabloop.base.instant import HOUR, Instant
from fabloop.process.commands import (
    ActivateJobs,
    Command,
    CompleteJob,
    Deploy,
    InstanceCreated,
    JobsActivated,
    StartInstance,
)


def test_notices_and_history_decide_the_same():
    plant, reader = Plant(), NoticeReader()
    live, later = Monitor(goals()), Monitor(goals())

    def does(command: Command, when: Instant) -> object:
        outcome = plant.engine.handle(command, at=when)
        plant.take(outcome.rows)
        if isinstance(outcome.reply, InstanceCreated) and isinstance(command, StartInstance):
            made = outcome.reply
            begun = reader.begun(
                made.instance, made.definition, command.business_key, command.variables, when
            )
            live.hear([begun])
        live.hear(reader.take(outcome.notices, when))
        return outcome.reply

    does(Deploy(process=BPMN), at(0))
    for number, hours in enumerate((1, 40)):
        variables: dict[str, object] = {"qr_code": [f"m-{number}"], "bad": 0}
        key = f"o-{number}"
        start = StartInstance(process="bake", variables=variables, business_key=key)
        does(start, at(number))
        for kind in ("cook", "hand"):
            reply = does(ActivateJobs(type=kind, worker="w", lease_ns=100 * HOUR), at(number))
            assert isinstance(reply, JobsActivated)
            job = reply.jobs[0]
            does(CompleteJob(job=job.key, epoch=job.epoch), at(number + hours))
    later.hear(plant.taken())
    for watch in (live, later):
        watch.advance(at(24 * 14))
    assert decisions(live) == decisions(later)
    assert {key for key, _ in decisions(live)} >= {"G1", "G1.1", "G2"}


def test_what_nobody_has_named_is_not_guessed():
    plant, reader = Plant(), NoticeReader()
    plant.engine.handle(Deploy(process=BPMN), at=at(0))
    outcome = plant.engine.handle(StartInstance(process="bake", business_key="o-1"), at=at(0))
    assert outcome.notices
    assert reader.take(outcome.notices, at(0)) == ()
