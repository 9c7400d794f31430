"""What the history tells of compensation, and of event sub-processes."""

from fabloop.process.bpmn.triggers import MessageTrigger
from fabloop.process.commands import CompleteJob, PublishMessage
from fabloop.process.history.event import EventKind
from fabloop.process.history.record import history_of
from process.driver import Plant, flows, job, on, process, sub, undo, undoing, undone_by

STARTED, COMPLETED, CANCELLED = EventKind.STARTED, EventKind.COMPLETED, EventKind.CANCELLED


def told(plant: Plant, *kinds: EventKind) -> list[tuple[EventKind, str]]:
    events = history_of(enumerate(plant.rows, 1))
    return [(each.kind, each.node) for each in events if each.kind in kinds]


def test_undoing_is_told_by_the_event_and_by_each_activity_that_undoes():
    box = sub("box", job("a"), undone_by("c", "a", "-a"), undoing("-a"),
              links=flows("box.s a box.e"))  # fmt: skip
    plant = Plant()
    plant.starts(process(box, undo("u"), links=flows("start box u end")))
    plant.completes("a")
    plant.completes("-a")
    events = told(plant, STARTED, COMPLETED)
    assert events == [
        (STARTED, "box"),
        (STARTED, "a"),
        (COMPLETED, "a"),
        (COMPLETED, "box"),
        (STARTED, "u"),
        (STARTED, "-a"),
        (COMPLETED, "-a"),
        (COMPLETED, "u"),
    ]


def test_listening_is_no_event_and_what_is_interrupted_is_cancelled():
    plant = Plant()
    trigger = MessageTrigger(name="M", correlation_key='"k"')
    key = plant.starts(process(job("a"), on("m", trigger, job("x")), links=flows("start a end")))
    assert told(plant, STARTED) == [(STARTED, "a")]
    plant.does(PublishMessage(name="M", correlation_key="k"))
    plant.does(CompleteJob(job=plant.job("x").key))
    events = told(plant, STARTED, COMPLETED, CANCELLED)
    assert events == [(STARTED, "a"), (CANCELLED, "a"), (STARTED, "m"), (STARTED, "x"),
                      (COMPLETED, "x"), (COMPLETED, "m")]  # fmt: skip
    assert key not in plant.engine.instances()
