"""Processes with pages are proven sound, or refuted with a way to reach the fault."""

from msgspec.structs import replace

from fabloop.base.codec import from_json, to_json
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import EndEvent
from fabloop.process.bpmn.triggers import ErrorTrigger, EscalationTrigger
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.net import Net, any_plain, integer, product, record
from fabloop.process.verify import page_ends
from fabloop.process.verify.environment import Environment, Openness
from fabloop.process.verify.explore import Property
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import LeftOut, Verdict, Verification
from process.driver import (
    both,
    call,
    error,
    first,
    flows,
    hear,
    job,
    kill,
    message,
    page,
    process,
    some,
    sub,
    tell,
    timer,
    wait,
    xor,
)

WORK = TransitionWork(type="do")


def verified(model, *nets, **options):
    definition = compile_process(model, {net.id: net.compiled() for net in nets}, 1)
    full = verify(definition, reduced=False, **options)
    small = verify(definition, **options)
    assert [f.verdict for f in full.findings] == [f.verdict for f in small.findings]
    assert small.markings <= full.markings
    for finding in (*full.findings, *small.findings):
        assert (finding.verdict is Verdict.HOLDS) == (not finding.reason)
    return full


def violations(report):
    return {each.property for each in report.findings if each.verdict is Verdict.VIOLATED}


def test_a_sequence_with_a_choice_is_sound():
    links = flows("start x a y end", "x b y")
    assert verified(process(xor("x"), job("a"), job("b"), xor("y"), links=links)).released


def test_a_join_behind_a_choice_waits_for_ever():
    report = verified(
        process(xor("x"), job("a"), job("b"), both("j"), links=flows("start x a j end", "x b j"))
    )
    finding = report.finding(Property.DEADLOCK_FREE)
    assert finding.counterexample == ("x to x-a", "a")
    assert "a-j" in finding.reason
    assert violations(report) == {
        Property.DEADLOCK_FREE,
        Property.OPTION_TO_COMPLETE,
        Property.NO_DEAD_ELEMENT,
    }
    assert report.finding(Property.NO_DEAD_ELEMENT).reason == "never reached: j, end"
    assert not report.released


def test_branches_that_are_not_joined_are_unsafe():
    report = verified(
        process(
            both("f"),
            job("a"),
            job("b"),
            xor("m"),
            job("c"),
            links=flows("start f a m c end", "f b m"),
        )
    )
    assert violations(report) == {Property.SAFE, Property.PROPER_COMPLETION}
    assert report.finding(Property.SAFE).counterexample[0] == "f"
    assert report.finding(Property.PROPER_COMPLETION).reason == "two tokens at end 'end'"


def test_an_endless_loop_has_no_option_to_complete():
    report = verified(
        process(xor("x"), job("a"), xor("m"), job("b"), links=flows("start x end", "x m a b m"))
    )
    assert violations(report) == {Property.OPTION_TO_COMPLETE}
    assert report.finding(Property.OPTION_TO_COMPLETE).counterexample[0] == "x to x-m"


def test_a_loop_that_multiplies_tokens_is_unbounded_and_not_guessed_about():
    report = verified(
        process(xor("m"), both("f"), job("a"), xor("x"), links=flows("start m f a m", "f x end")),
        limits=Limits(markings=2_000),
    )
    assert Property.SAFE in violations(report)
    assert report.finding(Property.DEADLOCK_FREE).verdict is Verdict.UNKNOWN
    assert not report.released


def test_a_sub_process_completes_when_it_is_empty():
    inner = sub("s", both("f"), job("a"), job("b"), both("j"),
                links=flows("s.s f a j s.e", "f b j"))  # fmt: skip
    assert verified(process(inner, links=flows("start s end"))).released
    stuck = sub("s", xor("f"), job("a"), job("b"), both("j"),
                links=flows("s.s f a j s.e", "f b j"))  # fmt: skip
    report = verified(process(stuck, links=flows("start s end")))
    assert Property.DEADLOCK_FREE in violations(report)
    late = timer("t", "s", "PT1H")
    report = verified(process(stuck, late, xor("m"), links=flows("start s m end", "t m")))
    assert violations(report) == {Property.NO_DEAD_ELEMENT}
    closed = Environment(timers=Openness.CLOSED)
    report = verified(
        process(stuck, late, xor("m"), links=flows("start s m end", "t m")), environment=closed
    )
    assert Property.DEADLOCK_FREE in violations(report)
    assert report.environment == closed


def test_an_interrupted_sub_process_leaves_nothing_behind():
    inner = sub("s", both("f"), job("a"), job("b"), both("j"),
                links=flows("s.s f a j s.e", "f b j"))  # fmt: skip
    model = process(inner, timer("t", "s", "PT1H"), xor("m"), xor("r"),
                    links=flows("start r s m end", "t m", ))  # fmt: skip
    assert verified(model).released


def test_a_timer_that_does_not_interrupt_fires_once():
    model = process(job("a"), timer("t", "a", "PT1H", interrupting=False), job("b"),
                    links=flows("start a end", "t b end2"))  # fmt: skip
    model = replace(model, nodes=(*model.nodes, EndEvent(id="end2")))
    assert verified(model).released


def test_an_error_end_reaches_the_event_that_catches_it():
    thrown = EndEvent(id="bad", trigger=ErrorTrigger(code="E"))
    inner = sub("s", xor("x"), thrown, links=flows("s.s x s.e", "x bad"))
    caught = process(inner, error("c", "s", "E"), xor("m"), links=flows("start s m end", "c m"))
    assert verified(caught).released
    report = verified(process(inner, links=flows("start s end")))
    assert Property.DEADLOCK_FREE in violations(report)
    finding = report.finding(Property.DEADLOCK_FREE)
    assert finding.counterexample[-1] == "bad (nobody catches it)"


def test_a_terminate_end_leaves_nothing_behind():
    model = process(both("f"), job("a"), job("b"), kill("stop"), both("j"), job("c"),
                    links=flows("start f a j end", "f b j", "f c stop"))  # fmt: skip
    assert verified(model).released
    inner = sub("s", both("f"), page("p", "n"), job("b"), kill("stop"),
                links=flows("s.s f p s.e", "f b stop"))  # fmt: skip
    assert verified(process(inner, links=flows("start s end")), station("n", hold=("R1",))).released
    ended = process(both("f"), job("a"), kill("stop"), links=flows("start f a end", "f stop"))
    assert verified(ended).released


def test_a_message_that_is_never_sent_blocks_in_a_closed_environment():
    model = process(message("m", "go", "1"), links=flows("start m end"))
    assert verified(model).released
    report = verified(model, environment=Environment(messages=Openness.CLOSED))
    assert report.finding(Property.DEADLOCK_FREE).counterexample == ()
    assert Property.OPTION_TO_COMPLETE in violations(report)


def race(*more):
    return process(first("g"), message("m", "go", "1"), wait("w", "PT1S"), xor("x"), *more,
                   links=flows("start g m x end", "g w x"))  # fmt: skip


def test_the_first_of_several_events_is_one_way_out():
    assert verified(race()).released
    report = verified(race(), environment=Environment(messages=Openness.CLOSED))
    assert report.released
    never = Environment(messages=Openness.CLOSED, timers=Openness.CLOSED)
    assert Property.DEADLOCK_FREE in violations(verified(race(), environment=never))
    joined = process(first("g"), message("m", "go", "1"), wait("w", "PT1S"), both("j"),
                     links=flows("start g m j end", "g w j"))  # fmt: skip
    report = verified(joined)
    assert report.finding(Property.DEADLOCK_FREE).counterexample == ("m",)


def test_an_inclusive_join_waits_for_what_an_inclusive_split_has_sent():
    model = process(some("f", default="f-a"), job("a"), job("b"), job("c"), some("j"),
                    links=flows("start f a j end", "f b j: x", "f c j: y"))  # fmt: skip
    assert verified(model).released
    parallel = replace(model, nodes=tuple(both("j") if n.id == "j" else n for n in model.nodes))
    assert Property.DEADLOCK_FREE in violations(verified(parallel))
    exclusive = replace(model, nodes=tuple(xor("j") if n.id == "j" else n for n in model.nodes))
    assert Property.SAFE in violations(verified(exclusive))


def test_an_inclusive_gateway_that_waits_and_chooses_at_the_head_of_a_loop_is_sound():
    model = process(some("h"), some("f", default="f-a"), job("a"), job("b"), some("j"),
                    links=flows("start h f a j", "f b j: x", "j end: x", "j h: again"))  # fmt: skip
    assert Property.PROPER_COMPLETION in violations(verified(model))
    last = replace(model, nodes=(*model.nodes, xor("x", "x-end")), flows=flows(
        "start h f a j x end", "f b j: x", "x h: again"))  # fmt: skip
    assert verified(last).released


def test_an_inclusive_join_sees_tokens_that_a_boundary_event_can_send():
    inner = sub("s", job("w"), links=flows("s.s w s.e"))
    model = process(both("f"), inner, timer("t", "s", "PT1S"), job("b"), job("late"), some("j"),
                    links=flows("start f s end", "t late j end2", "f b j"))  # fmt: skip
    assert verified(replace(model, nodes=(*model.nodes, EndEvent(id="end2")))).released


def test_two_inclusive_joins_that_wait_for_each_other_block():
    model = process(both("f"), some("j"), some("k"), xor("x"), xor("y"), xor("m"),
                    links=flows("start f j x k", "f k y j", "x m end", "y m"))  # fmt: skip
    assert Property.DEADLOCK_FREE in violations(verified(model))


def test_a_called_process_ends_or_throws_and_the_report_says_what_is_trusted():
    inner = sub("s", call("c", "other"), links=flows("s.s c s.e"))
    model = process(inner, error("e", "s"), xor("m"), links=flows("start s m end", "e m"))
    report = verified(model)
    assert report.released
    assert report.left_out == (LeftOut.CALLS,)
    never = Environment(errors=Openness.CLOSED)
    assert verified(model, environment=never).released


def test_an_escalation_interrupts_or_starts_a_branch_beside():
    inner = sub("s", job("a"), tell("t"), job("b"), links=flows("s.s a t b s.e"))
    links = flows("start s m end", "h m")
    report = verified(process(inner, hear("h", "s"), xor("m"), links=links))
    assert report.finding(Property.NO_DEAD_ELEMENT).reason == "never reached: s, b, s.e"
    beside = process(inner, hear("h", "s", interrupting=False), both("m"), links=links)
    assert verified(beside).released
    early = sub("s", xor("x"), tell("t"), links=flows("s.s x s.e", "x t s.e"))
    assert verified(process(early, hear("h", "s"), xor("m"), links=links)).released
    unheard = process(early, links=flows("start s end"))
    assert verified(unheard).released
    loud = EndEvent(id="loud", trigger=EscalationTrigger(code="L"))
    ended = sub("s", xor("x"), loud, links=flows("s.s x s.e", "x loud"))
    assert verified(process(ended, hear("h", "s", "L"), xor("m"), links=links)).released
    assert verified(process(ended, links=flows("start s end"))).released


def test_waiting_for_a_timer_is_sound():
    assert verified(process(wait("w", "PT1S"), links=flows("start w end"))).released


def test_an_error_needs_work_in_progress_to_throw_it():
    stuck = sub("s", xor("f"), job("a"), job("b"), both("j"),
                links=flows("s.s f a j s.e", "f b j"))  # fmt: skip
    model = process(stuck, error("e", "s"), xor("m"), links=flows("start s m end", "e m"))
    report = verified(model)
    assert Property.OPTION_TO_COMPLETE in violations(report)
    assert report.finding(Property.DEADLOCK_FREE).counterexample[-1] in ("a", "b")


def test_an_error_of_a_page_ends_it_and_gives_back_what_it_took():
    net = station("n", hold=("R1",))
    model = process(page("p", "n"), error("e", "p"), xor("m"), links=flows("start p m end", "e m"))
    assert verified(model, net).released


# -- pages --------------------------------------------------------------------------------------

ROBOT = record(id=str)


def station(name, *, hold=(), back=True):
    """Take robots one after another, work with them, give them back."""
    net = Net(name)
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    robots = {
        each: net.place(each, ROBOT, initial=[{"id": each}], fusion=each) for each in ("R1", "R2")
    }
    source = inlet
    for each in hold[:-1]:
        step = net.place(f"has {each}", any_plain)
        net.transition(f"take {each}", take={source: "o", robots[each]: "_"}, put={step: "o"})
        source = step
    given = {robots[each]: f"{{'id': '{each}'}}" for each in hold} if back else {}
    net.transition("work", take={source: "o", robots[hold[-1]]: "_"}, work=WORK,
                   put={outlet: "merge(o, result)", **given})  # fmt: skip
    return net


def two_pages(first, second):
    return process(both("f"), page("p", first.id), page("q", second.id), both("j"),
                   links=flows("start f p j end", "f q j"))  # fmt: skip


def test_pages_that_take_resources_in_one_order_are_sound():
    first, second = station("n1", hold=("R1", "R2")), station("n2", hold=("R1", "R2"))
    assert verified(two_pages(first, second), first, second).released


def test_pages_that_take_resources_crosswise_block_each_other():
    first, second = station("n1", hold=("R1", "R2")), station("n2", hold=("R2", "R1"))
    report = verified(two_pages(first, second), first, second)
    finding = report.finding(Property.DEADLOCK_FREE)
    assert finding.verdict is Verdict.VIOLATED
    assert any(step.startswith("p/take R1") for step in finding.counterexample)
    assert any(step.startswith("q/take R2") for step in finding.counterexample)


def test_a_page_that_keeps_a_resource_does_not_complete_properly():
    net = station("n", hold=("R1",), back=False)
    report = verified(process(page("p", "n"), links=flows("start p end")), net)
    assert violations(report) == {Property.PROPER_COMPLETION}
    assert "R1" in report.finding(Property.PROPER_COMPLETION).reason


def test_an_interrupted_page_gives_back_what_its_work_took():
    net = station("n", hold=("R1",))
    model = process(page("p", "n"), timer("t", "p", "PT1H"), xor("m"),
                    links=flows("start p m end", "t m"))  # fmt: skip
    assert verified(model, net).released


def test_an_interrupted_page_loses_what_it_had_put_aside():
    net = station("n", hold=("R1", "R2"))
    model = process(page("p", "n"), timer("t", "p", "PT1H"), xor("m"),
                    links=flows("start p m end", "t m"))  # fmt: skip
    report = verified(model, net)
    assert violations(report) == {Property.PROPER_COMPLETION}
    assert "t" in report.finding(Property.PROPER_COMPLETION).counterexample


def test_a_page_with_tokens_left_behind_does_not_complete_properly():
    net = Net("n")
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    dust = net.place("dust")
    net.transition("work", take={inlet: "o"}, put={outlet: "o", dust: "()"})
    report = verified(process(page("p", "n"), links=flows("start p end")), net)
    assert violations(report) == {Property.PROPER_COMPLETION}
    assert report.finding(Property.PROPER_COMPLETION).reason == "tokens left behind on p/dust"


def test_a_page_comes_to_rest_before_it_completes():
    net = Net("n")
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    dust = net.place("dust")
    net.transition("work", take={inlet: "o"}, put={outlet: "o", dust: "()"})
    net.transition("sweep", take={dust: "()"})
    assert verified(process(page("p", "n"), links=flows("start p end")), net).released


def kitting(name, *, parts, lost=False):
    """Bring parts to one place in any order with one vehicle, and work when all are there."""
    net = Net(name)
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    vehicle = net.place("vehicle", initial=[()], fusion="vehicle")
    called = [net.place(f"called {n}", any_plain) for n in range(parts)]
    there = [net.place(f"there {n}", any_plain) for n in range(parts)]
    net.transition("enter", take={inlet: "o"}, put=dict.fromkeys(called, "o"))
    for n, (source, target) in enumerate(zip(called, there, strict=True)):
        net.transition(f"bring {n}", take={source: "o", vehicle: "()"},
                       put={target: "o", vehicle: "()"}, work=WORK)  # fmt: skip
    net.transition("kit", take=dict.fromkeys(there[lost:], "o"), put={outlet: "o"})
    return net


def test_pages_that_join_what_they_part_need_few_markings():
    nets = [kitting(f"n{n}", parts=3) for n in range(3)]
    nodes = [page(f"p{n}", net.id) for n, net in enumerate(nets)]
    model = process(both("f"), *nodes, both("j"),
                    links=flows("start f p0 j end", "f p1 j", "f p2 j"))  # fmt: skip
    definition = compile_process(model, {net.id: net.compiled() for net in nets}, 1)
    report = verify(definition)
    assert report.released
    assert report.markings < 10
    assert verify(definition, reduced=False).markings > 1_000


def test_a_page_that_forgets_a_part_is_refuted_although_it_ends():
    net = kitting("n", parts=2, lost=True)
    report = verified(process(page("p", "n"), links=flows("start p end")), net)
    assert Property.PROPER_COMPLETION in violations(report)


def test_a_page_too_large_to_look_at_alone_gets_the_same_verdicts(monkeypatch):
    nets = kitting("good", parts=2), kitting("bad", parts=2, lost=True)
    before = [verified(process(page("p", net.id), links=flows("start p end")), net) for net in nets]
    monkeypatch.setattr(page_ends, "PAGE_MARKINGS_MAX", 1)
    after = [verified(process(page("p", net.id), links=flows("start p end")), net) for net in nets]
    assert [violations(each) for each in before] == [violations(each) for each in after]


def inspection(*, both_answers=True):
    """Work on a part, and go on by what the work answered."""
    net = Net("n")
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    seen = net.place("seen", record(ok=any_plain, tries=integer(0, 3)))
    again = net.place("again", product(integer(0, 3)))
    net.transition("open", take={inlet: "_"}, put={again: "(0,)"})
    net.transition("inspect", take={again: "(k,)"}, work=WORK,
                   put={seen: "record(ok=result.ok, tries=k)"})  # fmt: skip
    net.transition("accept", take={seen: "s"}, when="s.ok", put={outlet: "s"})
    if both_answers:
        net.transition("retry", take={seen: "s"}, when="not s.ok and s.tries < 2",
                       put={again: "(s.tries + 1,)"})  # fmt: skip
        net.transition("give up", take={seen: "s"}, when="not s.ok and s.tries == 2",
                       put={outlet: "s"})  # fmt: skip
    return net


def test_what_a_job_answers_is_taken_both_ways():
    net = inspection()
    report = verified(process(page("p", "n"), links=flows("start p end")), net)
    assert report.released
    assert report.markings > 8
    assert report.left_out == (LeftOut.DATA,)


def test_a_decision_inside_an_output_is_taken_both_ways():
    net = Net("n")
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    bad = net.place("bad")
    net.transition("work", take={inlet: "o"}, work=WORK,
                   put={outlet: "'good' if result.ok else 'poor'"})  # fmt: skip
    net.transition("poor", take={outlet: "'poor'"}, put={bad: "()"})
    report = verified(process(page("p", "n"), links=flows("start p end")), net)
    assert Property.DEADLOCK_FREE in violations(report)


def test_what_cannot_be_unfolded_is_unknown():
    net = Net("n")
    inlet, outlet = net.place("in", any_plain, port="in"), net.place("out", any_plain, port="out")
    count = net.place("count", int, initial=[0])
    net.transition("up", take={count: "k", inlet: "o"}, put={count: "k + 1", inlet: "o"})
    net.transition("go", take={inlet: "o"}, put={outlet: "o"})
    model = process(page("p", "n"), links=flows("start p end"))
    report = verified(model, net, limits=Limits(values=50))
    assert {each.verdict for each in report.findings} == {Verdict.UNKNOWN}
    assert "more than 50 values on place 'count'" in report.findings[0].reason


def tree(width, depth, name="r"):
    """Return nodes and links of an AND tree whose leaves are pages on shared machines."""
    fork, join = f"{name}f", f"{name}j"
    nodes, links = [both(fork), both(join)], []
    for n in range(width):
        inside = f"{name}{n}"
        if depth == 1:
            nodes.append(page(inside, f"n{n % 4}"))
            links.append(f"{fork} {inside} {join}")
        else:
            more, further = tree(width, depth - 1, inside)
            nodes += more
            links += [*further, f"{fork} {inside}f", f"{inside}j {join}"]
    return nodes, links


def test_a_tree_of_forty_pages_on_shared_machines_takes_few_markings():
    nets = [station(f"n{n}", hold=("R1",) if n % 2 else ("R2",)) for n in range(4)]
    nodes, links = tree(7, 2)
    model = process(*nodes, links=flows("start rf", "rj end", *links))
    definition = compile_process(model, {net.id: net.compiled() for net in nets}, 1)
    report = verify(definition)
    assert report.released
    assert report.reduced
    assert report.markings < 10


def test_a_fault_in_a_large_tree_comes_with_a_way_there():
    nodes, links = tree(5, 2)
    nets = [station(f"n{n}", hold=("R1", "R2") if n % 2 else ("R2", "R1")) for n in range(4)]
    model = process(*nodes, links=flows("start rf", "rj end", *links))
    definition = compile_process(model, {net.id: net.compiled() for net in nets}, 1)
    report = verify(definition, limits=Limits(markings=20_000))
    finding = report.finding(Property.DEADLOCK_FREE)
    assert finding.verdict is Verdict.VIOLATED
    assert len(finding.counterexample) > 4


def test_a_report_is_plain_data():
    report = verified(process(job("a"), links=flows("start a end")))
    assert from_json(to_json(report), Verification) == report
