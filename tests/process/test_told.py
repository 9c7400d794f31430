"""What an event that hears of an error or escalation may read of it."""

from fabloop.process.bpmn.model import Mapping, StartEvent, SubProcess, SubProcessKind
from fabloop.process.bpmn.triggers import ErrorTrigger
from fabloop.process.commands import ThrowError
from process.driver import Plant, error, flows, hear, job, process, sub, tell

HEARD = (
    Mapping(source="errorCode", target="code"),
    Mapping(source="errorMessage", target="why"),
    Mapping(source="lot", target="lot"),
)


def thrown(plant: Plant) -> None:
    plant.does(
        ThrowError(
            job=plant.job("weld").key, code="BURNT", message="too hot", variables={"lot": "7"}
        )
    )


def test_an_event_for_every_error_learns_code_and_message():
    plant = Plant()
    nodes = (job("weld"), error("bad", "weld", outputs=HEARD))
    links = flows("start weld end", "bad end")
    instance = plant.starts(process(*nodes, links=links))
    thrown(plant)
    assert plant.result(instance) == {"code": "BURNT", "why": "too hot", "lot": "7"}


def test_without_mappings_only_what_was_handed_over_is_kept():
    plant = Plant()
    links = flows("start weld end", "bad end")
    instance = plant.starts(process(job("weld"), error("bad", "weld"), links=links))
    thrown(plant)
    assert plant.result(instance) == {"lot": "7"}


def test_an_event_sub_process_learns_it_at_its_start_event():
    plant = Plant()
    start = StartEvent(id="on", trigger=ErrorTrigger(), outputs=HEARD)
    inner = SubProcess(
        id="rescue",
        kind=SubProcessKind.EVENT,
        nodes=(start, job("cool")),
        flows=flows("on cool"),
    )
    plant.starts(process(job("weld"), inner, links=flows("start weld end")))
    thrown(plant)
    assert plant.job("cool").variables == {"code": "BURNT", "why": "too hot", "lot": "7"}


def test_an_event_for_every_escalation_learns_the_code():
    plant = Plant()
    box = sub("box", tell("late", "LATE"), links=flows("box.s late box.e"))
    heard = hear("h", "box", outputs=(Mapping(source="escalationCode", target="code"),))
    instance = plant.starts(process(box, heard, links=flows("start box end", "h end")))
    assert plant.result(instance) == {"code": "LATE"}
