"""Simulated processes obey queueing theory, their models, and their seed."""

from statistics import fmean

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, SECOND
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    JobWork,
    ServiceTask,
    StartEvent,
)
from fabloop.process.bpmn.triggers import TimerTrigger
from fabloop.process.commands import Deploy
from fabloop.sim.processes import load
from fabloop.sim.processes.kpi import kpis_of, spread_of
from fabloop.sim.processes.load import Scene, simulate
from fabloop.sim.processes.spread import draw_of
from process.driver import (
    both,
    call,
    flows,
    job,
    message,
    person,
    process,
    timer,
    wait,
    xor,
)


def draws(**texts):
    return {name.replace("_", "-"): draw_of(text, name) for name, text in texts.items()}


def scene(model: BpmnProcess, *more: BpmnProcess, **rest):
    if isinstance(rest.get("between"), str):
        rest["between"] = draw_of(rest["between"], "between")
    deploys = tuple(Deploy(process=each) for each in (*more, model))
    return Scene(deploys=deploys, process=model.id, **rest)


def runs(of: Scene, count: int):
    return [simulate(of, f"1/{number}") for number in range(count)]


ONE = process(job("a"), links=flows("start a end"))


def test_one_server_with_random_arrivals_is_as_slow_as_theory_says():
    # M/M/1: mean time in the system 1 / (mu - lambda), utilisation lambda / mu
    of = scene(ONE, cases=2_000, between="exponential(10min)",
               durations=draws(a="exponential(5min)"), capacities={"do-a": 1})  # fmt: skip
    kpis = kpis_of(runs(of, 5))
    low, high = kpis.mean_interval_s
    assert low * 0.95 < 600 < high * 1.05
    assert kpis.resources[0].utilisation == pytest.approx(0.5, rel=0.05)
    assert kpis.waiting_s.mean == pytest.approx(300, rel=0.15)
    assert kpis.cases_per_hour == pytest.approx(6, rel=0.05)


def test_a_line_of_fixed_times_comes_out_exactly():
    p = process(job("a"), job("b"), links=flows("start a b end"))
    of = scene(p, cases=4, durations=draws(a="10s", b="4s"),
               capacities={"do-a": 1, "do-b": 1})  # fmt: skip
    (run,) = runs(of, 1)
    assert [case.through_ns // SECOND for case in run.cases] == [14, 24, 34, 44]
    assert [case.working_ns // SECOND for case in run.cases] == [14] * 4
    assert [case.waiting_ns // SECOND for case in run.cases] == [0, 10, 20, 30]
    assert run.span_ns == 44 * SECOND
    kpis = kpis_of([run])
    assert [each.utilisation for each in kpis.resources] == [40 / 44, 16 / 44]


def test_resources_without_a_capacity_serve_everybody_at_once():
    (run,) = runs(scene(ONE, cases=5, durations=draws(a="10s")), 1)
    assert {case.through_ns for case in run.cases} == {10 * SECOND}
    assert run.uses[0].most == 5


def test_work_side_by_side_counts_twice_as_work_and_once_as_time():
    p = process(both("f"), job("a"), job("b"), both("j"),
                links=flows("start f a j end", "f b j"))  # fmt: skip
    (run,) = runs(scene(p, durations=draws(a="10s", b="4s")), 1)
    assert run.cases[0].through_ns == 10 * SECOND
    assert run.cases[0].working_ns == 14 * SECOND


def test_rework_happens_as_often_as_chance_says():
    p = process(job("a"), xor("g", default="g-a"),
                links=flows("start a g", "g end: ok", "g a"))  # fmt: skip
    p = BpmnProcess(
        id=p.id, nodes=p.nodes, flows=tuple(
            type(each)(id=each.id, source=each.source, target=each.target,
                       condition="ok" if each.id == "g-end" else "") for each in p.flows)
    )  # fmt: skip
    of = scene(p, cases=2_000, durations=draws(a="1s"), results={"a": "{ok: random < 0.8}"})
    (run,) = runs(of, 1)
    assert run.uses[0].jobs / 2_000 == pytest.approx(1.25, rel=0.05)


def test_timers_of_the_model_pass_in_virtual_time():
    p = process(wait("w", "P2D"), job("a"), timer("late", "a", "PT5S"), job("b"),
                links=flows("start w a end", "late b end"))  # fmt: skip
    (run,) = runs(scene(p, cases=2, durations=draws(a="10s", b="1s")), 1)
    assert {case.through_ns for case in run.cases} == {48 * HOUR + 6 * SECOND}
    uses = {use.name: use for use in run.uses}
    assert uses["do-a"].busy_ns == 2 * 5 * SECOND, "it was interrupted after five seconds"


def test_an_interrupted_job_frees_its_resource_for_the_next():
    p = process(job("a"), timer("late", "a", "PT5S"), links=flows("start a end", "late end"))
    (run,) = runs(scene(p, cases=2, durations=draws(a="4s"), capacities={"do-a": 1}), 1)
    assert [case.through_ns // SECOND for case in run.cases] == [4, 5]
    assert run.uses[0].jobs == 2


def test_durations_come_from_the_node_then_the_type_then_the_model_then_any():
    p = process(
        *(ServiceTask(id=name, work=JobWork(type="t", headers={"duration": "3s"} if h else {}))
          for name, h in (("a", True), ("b", True), ("c", False))),
        links=flows("start a b c end"),
    )  # fmt: skip

    def through(**durations):
        return runs(scene(p, durations=draws(**durations)), 1)[0].cases[0].through_ns // SECOND

    assert through() == 6
    assert through(a="1s") == 4
    assert through(t="1s") == 3
    assert through(**{"*": "9s"}) == 15
    assert runs(scene(p), 1)[0].untimed == {"t"}


def test_a_duration_in_the_model_that_is_none_is_told():
    p = process(ServiceTask(id="a", work=JobWork(type="t", headers={"duration": "long"})),
                links=flows("start a end"))  # fmt: skip
    with pytest.raises(Invalid, match="'duration' of a"):
        simulate(scene(p), "1")


def test_people_work_as_what_they_are_candidates_for():
    p = process(person("sign", candidate_groups=("office",)), links=flows("start sign end"))
    (run,) = runs(scene(p, cases=3, durations=draws(sign="1min"), capacities={"office": 1}), 1)
    assert [case.through_ns // MINUTE for case in run.cases] == [1, 2, 3]
    assert run.uses[0].name == "office"


def test_a_called_process_belongs_to_the_case_that_called_it():
    inner = process(job("a"), links=flows("start a end"), id="inner")
    outer = process(call("c", "inner"), job("b"), links=flows("start c b end"), id="outer")
    (run,) = runs(scene(outer, inner, cases=2, durations=draws(a="2s", b="3s")), 1)
    assert [case.working_ns // SECOND for case in run.cases] == [5, 5]
    assert run.started == 2


def test_messages_come_after_their_time():
    p = process(message("m", "M", "k"), links=flows("start m end"))
    of = scene(p, cases=1, variables={"k": "x"}, messages=draws(M="7s"))
    assert runs(of, 1)[0].cases[0].through_ns == 7 * SECOND


def test_what_never_comes_to_its_end_is_counted():
    p = process(message("m", "M", "k"), links=flows("start m end"))
    kpis = kpis_of(runs(scene(p, cases=3, variables={"k": "x"}), 2))
    assert (kpis.started, kpis.finished, kpis.unfinished) == (6, 0, 6)
    assert kpis.throughput_s is None
    stuck = process(job("a"), xor("g"), links=flows("start a g", "g end: x > 1", "g b: x > 5"),
                    id="q")  # fmt: skip
    stuck = BpmnProcess(id="q", nodes=(*stuck.nodes, job("b")), flows=(*stuck.flows,
                        *flows("b end")))  # fmt: skip
    assert kpis_of(runs(scene(stuck, variables={"x": 0}), 1)).incidents == ("1 x no flow at 'g'",)


def test_a_run_is_over_when_its_cases_are_whatever_starts_by_itself():
    often = BpmnProcess(
        id="often",
        nodes=(StartEvent(id="start", trigger=TimerTrigger(cycle="R/PT1M")), job("a"),
               EndEvent(id="end")),
        flows=flows("start a end"),
    )  # fmt: skip
    (run,) = runs(scene(ONE, often, cases=2, durations=draws(a="10min")), 1)
    assert (len(run.cases), run.started, run.cut) == (2, 2, False)
    assert run.span_ns == 10 * MINUTE


def test_a_run_ends_at_its_horizon_and_at_its_limit_of_events(monkeypatch):
    of = scene(ONE, cases=10, between="1h", durations=draws(a="10min"), horizon_ns=3 * HOUR)
    (run,) = runs(of, 1)
    assert run.cut
    assert len(run.cases) == 3
    monkeypatch.setattr(load, "EVENTS_PER_RUN_MAX", 5)
    assert runs(scene(ONE, cases=10), 1)[0].cut


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    of = scene(ONE, cases=50, between="exponential(1min)", durations=draws(a="exponential(1min)"))
    assert simulate(of, "1") == simulate(of, "1") != simulate(of, "2")


def test_a_result_that_is_no_context_is_told():
    with pytest.raises(Invalid, match="result of 'a'"):
        simulate(scene(ONE, results={"a": "3"}), "1")


def test_a_distribution_of_spans_is_told_by_nearest_rank():
    spread = spread_of([n * SECOND for n in range(1, 101)])
    assert (spread.min, spread.median, spread.p95, spread.max) == (1, 50.5, 95, 100)
    assert spread.mean == fmean(range(1, 101))
    assert spread_of([]) is None


def test_every_case_is_in_one_bar_of_the_histogram():
    kpis = kpis_of(runs(scene(ONE, cases=100, durations=draws(a="exponential(1min)")), 2))
    assert sum(kpis.histogram) == 200
    assert kpis_of(runs(scene(ONE, cases=3, durations=draws(a="1s")), 1)).histogram[0] == 3
