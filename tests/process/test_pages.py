"""Coloured Petri net pages that carry out service tasks."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import Mapping
from fabloop.process.commands import (
    ActAt,
    Activate,
    CompleteJob,
    Deploy,
    FailJob,
    JobCancelled,
    JobCreated,
    Modify,
    ResolveIncident,
    ThrowError,
)
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.net import Net, any_plain, record
from fabloop.process.deployment import Deployment, definition_of
from fabloop.process.verify.report import verify
from process.driver import Plant, both, error, flows, job, page, process, script, timer, xor

ROBOTS = [{"id": "R1"}]


def station(name: str, robots=ROBOTS) -> Net:
    """Take a robot of the plant, let it work, give it back, hand out what it reports."""
    net = Net(name)
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    robot = net.place("robot", record(id=str), initial=robots, fusion="robots")
    net.transition("work", take={inlet: "o", robot: "r"},
                   put={outlet: "merge(o, result)", robot: "r"},
                   work=TransitionWork(type="weld", headers={"tool": "gun"}))  # fmt: skip
    return net


@pytest.fixture
def plant():
    return Plant()


LOT = (Mapping(source="lot", target="lot"),)


def places(plant, key):
    frames = plant.engine.instance(key).frames
    return {place.name: [value for value, _ in place.tokens]
            for frame in frames for place in frame.places}  # fmt: skip


def test_a_page_offers_work_and_its_exit_token_is_the_result(plant):
    net = station("n").document()
    p = process(page("weld", "n", inputs=LOT), links=flows("start weld end"))
    key = plant.starts(p, {"lot": "L1"}, (net,))
    (created,) = plant.told(JobCreated)
    assert (created.node, created.transition, created.type) == ("weld", "work", "weld")
    assert created.headers == {"step": "weld", "tool": "gun"}
    assert created.variables["o"] == {"lot": "L1"}
    assert created.variables["r"] == {"id": "R1"}
    assert places(plant, key)["robot"] == []
    plant.completes("weld", {"seam_mm": 3})
    assert plant.result(key) == {"lot": "L1", "seam_mm": 3}


def test_two_pages_share_a_resource_and_take_turns(plant):
    net = station("n").document()
    p = process(both("f"), page("w1", "n", inputs=LOT), page("w2", "n", inputs=LOT), both("j"),
                links=flows("start f w1 j", "f w2 j", "j end"))  # fmt: skip
    key = plant.starts(p, {"lot": "L1"}, (net,))
    assert plant.open_nodes() == ["w1"]
    plant.completes("w1")
    assert plant.open_nodes() == ["w2"]
    plant.completes("w2")
    assert plant.result(key) == {"lot": "L1"}


def test_instances_do_not_share_their_resources(plant):
    net = station("n").document()
    p = process(page("w", "n"), links=flows("start w end"))
    plant.starts(p, {}, (net,))
    plant.starts(p, {}, (net,))
    assert plant.open_nodes() == ["w", "w"]


def test_an_interrupted_firing_gives_back_what_it_took(plant):
    net = station("n").document()
    p = process(both("f"), page("w1", "n"), timer("late", "w1", "PT5S"), page("w2", "n"),
                links=flows("start f w1 end", "late end", "f w2 end"))  # fmt: skip
    plant.starts(p, {}, (net,))
    first = plant.job("w1")
    plant.passes(5)
    assert [each.job for each in plant.told(JobCancelled)] == [first.key]
    assert plant.open_nodes() == ["w2"]


def test_an_operator_who_cancels_a_firing_lets_it_start_anew(plant):
    net = station("n").document()
    key = plant.starts(process(page("w", "n"), links=flows("start w end")), {}, (net,))
    first = plant.job("w")
    plant.does(Modify(instance=key, cancel=(ActAt(key=first.key),)))
    assert plant.job("w").key != first.key


def test_an_error_in_a_page_is_caught_at_its_task(plant):
    net = station("n").document()
    p = process(page("w", "n"), error("burnt", "w", "B"), job("scrap"),
                links=flows("start w end", "burnt scrap end"))  # fmt: skip
    key = plant.starts(p, {}, (net,))
    plant.does(ThrowError(job=plant.job("w").key, code="B"))
    assert plant.open_nodes() == ["scrap"]
    assert [len(bag) for bag in plant.engine.state.instances[key].shared] == [1]


def test_a_failed_firing_keeps_its_tokens_until_a_person_lets_it_go_on(plant):
    net = station("n").document()
    key = plant.starts(process(page("w", "n"), links=flows("start w end")), {}, (net,))
    plant.does(FailJob(job=plant.job("w").key, retries=0))
    assert places(plant, key)["robot"] == []
    plant.does(ResolveIncident(incident=plant.engine.incidents()[0].key))
    plant.completes("w")
    assert plant.result(key) == {}


def test_timed_tokens_move_on_by_themselves(plant):
    net = Net("cool")
    inlet = net.place("in", any_plain, port="in")
    hot = net.place("hot", any_plain, timed=True)
    outlet = net.place("out", any_plain, port="out")
    net.transition("lay down", take={inlet: "o"}, put={hot: "o"}, delay=10 * SECOND)
    net.transition("pick up", take={hot: "o"}, put={outlet: "o"})
    p = process(page("cool", "cool", inputs=LOT), links=flows("start cool end"))
    key = plant.starts(p, {"lot": 1}, (net.document(),))
    assert plant.engine.next_due() == plant.now + 10 * SECOND
    plant.passes(9)
    assert places(plant, key)["hot"] == [{"lot": 1}]
    plant.passes(1)
    assert plant.result(key) == {"lot": 1}


def test_a_page_ends_when_its_exit_is_marked_and_no_work_is_open(plant):
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    spare, rest = net.place("spare", any_plain), net.place("rest", any_plain)
    net.transition("split", take={inlet: "o"}, put={outlet: "o", spare: "o"})
    net.transition("tidy", take={spare: "o"}, put={rest: "o"}, work=TransitionWork(type="tidy"))
    p = process(page("w", "n", inputs=LOT), links=flows("start w end"))
    key = plant.starts(p, {"lot": 1}, (net.document(),))
    assert places(plant, key)["out"] == [{"lot": 1}]
    plant.completes("w")
    assert plant.result(key) == {"lot": 1}


def test_higher_priority_goes_first(plant):
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    net.transition("second", take={inlet: "o"}, put={outlet: "{'by': 'second'}"})
    net.transition("first", take={inlet: "o"}, put={outlet: "{'by': 'first'}"}, priority=5)
    p = process(page("w", "n"), links=flows("start w end"))
    assert plant.result(plant.starts(p, {}, (net.document(),))) == {"by": "first"}


def test_a_result_that_makes_no_token_waits_for_a_person(plant):
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", record(weight=int), port="out")
    net.transition("weigh", take={inlet: "o"}, put={outlet: "result"},
                   work=TransitionWork(type="weigh"))  # fmt: skip
    p = process(page("w", "n"), links=flows("start w end"))
    key = plant.starts(p, {}, (net.document(),))
    plant.completes("w", {"weight": "heavy"})
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "firing"
    plant.does(ResolveIncident(incident=incident.key))
    (incident,) = plant.engine.incidents(key)
    act = incident.act
    assert plant.engine.state.acts[act].result == {"weight": "heavy"}


def test_a_page_that_fires_without_end_is_stopped(plant):
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    net.place("out", any_plain, port="out")
    net.transition("spin", take={inlet: "o"}, put={inlet: "o"})
    p = process(page("w", "n"), links=flows("start w end"))
    key = plant.starts(p, {}, (net.document(),))
    assert [each.kind for each in plant.engine.incidents(key)] == ["limit"]


def permit(name: str, taken: list[str], put: list[str]) -> Net:
    net = Net(name)
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    shared = net.place("permit", initial=[], fusion="permit")
    net.transition("t", take={inlet: "o", shared: taken}, put={outlet: "o", shared: put})
    return net


def test_a_page_that_nothing_can_wake_is_told_and_goes_on_after_a_change(plant):
    needs, gives = permit("needs", ["()"], []), permit("gives", [], ["()"])
    p = process(xor("x", default="x-w"), page("w", "needs"), page("g", "gives"), job("z"),
                links=flows("start x w z end", "x g: false", "g end"))  # fmt: skip
    key = plant.starts(p, {}, (needs.document(), gives.document()))
    (incident,) = plant.engine.incidents(key)
    assert (incident.kind, plant.at_nodes(key)) == ("deadlock", ["w"])
    assert "'in' 1" in incident.text
    plant.does(ResolveIncident(incident=incident.key))
    assert len(plant.engine.incidents(key)) == 1, "nothing has changed"
    plant.does(Modify(instance=key, activate=(Activate(node="g"),)))
    assert plant.engine.incidents(key) == ()
    assert plant.open_nodes() == ["z"]


def test_a_page_that_waits_while_others_work_is_no_deadlock_until_they_end(plant):
    p = process(both("f"), page("w", "needs"), job("other"),
                links=flows("start f w end", "f other end"))  # fmt: skip
    key = plant.starts(p, {}, (permit("needs", ["()"], []).document(),))
    assert plant.engine.incidents(key) == ()
    plant.completes("other")
    assert [each.kind for each in plant.engine.incidents(key)] == ["deadlock"]


@pytest.mark.parametrize("guard", ["o.missing == 1", "o.lot > 'x'", "o.lot / 0 > 1"])
def test_a_guard_that_fails_on_its_tokens_is_an_incident_not_an_exception(plant, guard):
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    net.transition("t", take={inlet: "o"}, put={outlet: "o"}, when=guard)
    p = process(page("w", "n", inputs=LOT), links=flows("start w end"))
    key = plant.starts(p, {"lot": 5}, (net.document(),))
    assert [each.kind for each in plant.engine.incidents(key)] == ["firing"]


def test_an_entry_token_of_the_wrong_colour_waits_for_a_person(plant):
    net = Net("n")
    inlet = net.place("in", record(lot=str), port="in")
    outlet = net.place("out", any_plain, port="out")
    net.transition("t", take={inlet: "o"}, put={outlet: "o"})
    p = process(script("s", "1", "x"), page("w", "n", inputs=LOT), links=flows("start s w end"))
    key = plant.starts(p, {"lot": 5}, (net.document(),))
    assert [each.kind for each in plant.engine.incidents(key)] == ["page"]


def test_pages_that_disagree_on_a_shared_place_are_refused(plant):
    nets = (station("n").document(), station("m", [{"id": "R1"}, {"id": "R2"}]).document())
    p = process(
        page("w1", "n"), page("w2", "m"), page("w3", "?"), links=flows("start w1 w2 w3 end")
    )
    with pytest.raises(Invalid) as refusal:
        plant.does(Deploy(process=p, nets=nets))
    texts = [each.sentence() for each in refusal.value.faults]
    assert len(texts) == 2
    assert "'w2'" in texts[1]
    assert "robots" in texts[1]
    assert "'w3'" in texts[0]


def test_a_page_needs_one_entry_and_one_exit(plant):
    net = Net("n")
    net.place("in", any_plain, port="in")
    p = process(page("w", "n"), links=flows("start w end"))
    with pytest.raises(Invalid, match="port 'out'"):
        plant.does(Deploy(process=p, nets=(net.document(),)))


def test_jobs_of_a_page_are_leased_like_any_other(plant):
    net = station("n").document()
    key = plant.starts(process(page("w", "n"), links=flows("start w end")), {}, (net,))
    (held,) = plant.takes("weld", "robot-cell", seconds=5)
    assert (held.transition, held.headers["tool"]) == ("work", "gun")
    plant.passes(5)
    (again,) = plant.takes("weld", "robot-cell")
    plant.does(CompleteJob(job=again.key, epoch=again.epoch))
    assert plant.result(key) == {}


def flushing() -> Net:
    """Move three parts, and only when none is left empty the belt and go on."""
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    parts, belt = net.place("parts", initial=[()] * 3), net.place("belt")
    net.transition("flush", take={inlet: "o"}, put={outlet: "o"}, inhibit=[parts], reset=[belt])
    net.transition("move", take={parts: "()"}, put={belt: "()"}, work=TransitionWork(type="move"))
    return net


def test_a_page_goes_on_when_what_inhibits_it_is_gone_and_empties_places(plant):
    p = process(page("w", "n", inputs=LOT), links=flows("start w end"))
    key = plant.starts(p, {"lot": "L1"}, (flushing().document(),))
    assert places(plant, key)["out"] == [{"lot": "L1"}], "no part is left to inhibit it"
    for each in plant.engine.jobs():
        plant.completes_job(each.key)
    assert plant.result(key) == {"lot": "L1"}


def test_verification_names_pages_that_test_or_empty_places(plant):
    p = process(page("w", "n"), links=flows("start w end"))
    report = verify(definition_of(Deployment(p, (flushing().document(),)), 0))
    assert report.sound is None
    assert "'w' (a page that tests or empties places)" in report.findings[0].reason


def test_what_only_a_net_by_itself_may_do_is_refused_at_deployment(plant):
    net = Net("n")
    inlet = net.place("in", any_plain, port="in")
    outlet = net.place("out", any_plain, port="out")
    shared = net.place("shared", fusion="robots")
    net.transition("t", take={inlet: "o"}, put={outlet: "o"}, inhibit=[shared])
    p = process(page("w", "n"), links=flows("start w end"))
    with pytest.raises(Invalid) as told:
        plant.does(Deploy(process=p, nets=(net.document(),)))
    assert "transition t: Expected inhibitors on places of the page alone" in str(told.value)
