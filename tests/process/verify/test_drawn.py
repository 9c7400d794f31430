"""Drawings that nobody could carry out are verified by their flow alone."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import PageWork, ServiceTask, SubProcess
from fabloop.process.bpmn.write import write
from fabloop.process.verify.drawn.read import read_drawing
from fabloop.process.verify.environment import CLOSED, OPEN, Environment, Openness
from fabloop.process.verify.explore import Property
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify, verify_drawing
from fabloop.process.verify.verdict import LeftOut, Verdict
from process.blocks import built
from process.generator import BLOCKS
from process.verify.test_blocks import gateways, swapped

LIMITS = Limits(markings=3_000)
COMPARED = (
    Property.SAFE,
    Property.DEADLOCK_FREE,
    Property.OPTION_TO_COMPLETE,
    Property.PROPER_COMPLETION,
)


def drawing(*pools, messages=""):
    """Return a drawing; in a pool, ``a>b`` is a flow and ``kind:a`` or ``kind/trigger:a`` a node.

    ``sub:a`` and ``handler:a`` open a sub-process that ``}`` ends; ``at:b@a`` is attached to a.
    """
    parts = []
    for n, pool in enumerate(pools):
        parts.append(f'<process id="p{n}">')
        for number, word in enumerate(pool.split()):
            if word == "}":
                parts.append("</subProcess>")
            elif ">" in word:
                source, target = word.rstrip("?").split(">")
                condition = "<conditionExpression/>" if word.endswith("?") else ""
                parts.append(
                    f'<sequenceFlow id="f{n}.{number}" sourceRef="{source}" targetRef="{target}">'
                    f"{condition}</sequenceFlow>"
                )
            else:
                parts.append(node(word))
        parts.append("</process>")
    arrows = "".join(
        '<messageFlow id="{}" sourceRef="{}" targetRef="{}"/>'.format(each, *each.split(">"))
        for each in messages.split()
    )
    return read_drawing(
        (
            '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">'
            f"<collaboration>{arrows}</collaboration>{''.join(parts)}</definitions>"
        ).encode()
    )


KINDS = {
    "start": "startEvent", "end": "endEvent", "catch": "intermediateCatchEvent",
    "throw": "intermediateThrowEvent", "xor": "exclusiveGateway", "and": "parallelGateway",
    "or": "inclusiveGateway", "race": "eventBasedGateway", "task": "task",
    "receive": "receiveTask", "sub": "subProcess", "complex": "complexGateway",
    "at": "boundaryEvent",
}  # fmt: skip


def node(word):
    head, name = word.split(":")
    kind, _, trigger = head.partition("/")
    name, _, more = name.partition("@")
    attributes = f'attachedToRef="{more.rstrip("+")}"' if more else ""
    if more.endswith("+"):
        attributes += ' cancelActivity="false"'
    if kind == "handler":
        return f'<subProcess id="{name}" triggeredByEvent="true">'
    inside = f'<{trigger}EventDefinition name="n"/>' if trigger else ""
    close = "" if kind == "sub" else f"</{KINDS[kind]}>"
    return f'<{KINDS[kind]} id="{name}" {attributes}>{inside}{close}'


def judged(drawn, environment=CLOSED):
    full = verify_drawing(drawn, limits=LIMITS, environment=environment, reduced=False)
    small = verify_drawing(drawn, limits=LIMITS, environment=environment)
    assert [f.verdict for f in full.findings] == [f.verdict for f in small.findings]
    return full


def violated(report):
    return {each.property for each in report.findings if each.verdict is Verdict.VIOLATED}


def test_untyped_tasks_and_conditions_on_their_flows_are_read():
    report = judged(drawing("start:s task:a xor:x task:b end:e s>a a>x x>b x>e b>e"))
    assert report.sound
    assert report.left_out == (LeftOut.DATA, LeftOut.EXECUTION)
    report = judged(drawing("start:s task:a task:b task:c and:j end:e s>a a>b? a>c? b>j c>j j>e"))
    assert violated(report) == {Property.DEADLOCK_FREE, Property.OPTION_TO_COMPLETE}


def test_a_task_that_splits_is_joined_by_nobody():
    report = judged(drawing("start:s task:a task:b task:c end:e s>a a>b a>c b>e c>e"))
    assert violated(report) == {Property.PROPER_COMPLETION}


def test_pools_wait_for_each_others_messages():
    pools = ("start:s task:a catch/message:m end:e s>a a>m m>e",
             "start/message:t task:b end:f t>b b>f")  # fmt: skip
    assert judged(drawing(*pools, messages="a>t b>m")).sound
    report = judged(drawing(*pools, messages="a>t f>m m>b"))
    assert Property.DEADLOCK_FREE in violated(report)
    assert report.dead_transitions == ("b",)


def test_what_nobody_in_the_drawing_sends_hangs_on_the_environment():
    pools = ("start:s receive:r end:e s>r r>e",)
    closed, opened = judged(drawing(*pools)), judged(drawing(*pools), OPEN)
    assert Property.DEADLOCK_FREE in violated(closed)
    assert opened.sound
    timed = drawing("start:s catch/timer:t end:e s>t t>e")
    assert judged(timed).sound


def test_a_process_begins_at_one_of_its_starts_or_by_itself():
    assert judged(drawing("start:s start/timer:t xor:x end:e s>x t>x x>e")).sound
    bare = drawing("task:a task:b end:e a>e b>e")
    assert violated(judged(bare)) == {Property.NO_DEAD_ELEMENT}
    assert violated(judged(bare, OPEN)) == {Property.PROPER_COMPLETION}


def test_sub_processes_begin_end_and_are_interrupted():
    inside = "sub:u and:f task:a task:b end:g f>a f>b a>g } "
    assert judged(drawing(f"start:s {inside} end:e s>u u>e")).sound
    stuck = "sub:u start:i catch/message:m i>m } "
    late = drawing(f"start:s {stuck} at/timer:t@u end:e end:l s>u u>e t>l")
    assert judged(late).sound
    assert judged(late, OPEN).sound
    assert Property.DEADLOCK_FREE in violated(judged(drawing(f"start:s {stuck} s>u")))


def test_errors_and_terminations_leave_nothing_behind():
    thrown = "sub:u start:i and:f task:a end/error:x i>f f>a f>x } at/error:c@u "
    assert judged(drawing(f"start:s {thrown} end:e end:l s>u u>e c>l")).sound
    ended = "start:s and:f task:a task:b end/terminate:t end:e s>f f>a f>b a>t b>e"
    assert judged(drawing(ended)).sound


def test_an_event_sub_process_takes_over_or_runs_beside():
    handler = "handler:h start/timer:t task:x t>x } "
    report = judged(drawing(f"start:s task:a end:e s>a a>e {handler}"))
    assert report.sound
    assert "h in progress" in report.bounds


def test_links_races_and_inclusive_joins():
    assert judged(drawing("start:s throw/link:l catch/link:m end:e s>l m>e")).sound
    assert judged(
        drawing("start:s race:g catch/timer:t catch/conditional:c xor:x end:e"
                " s>g g>t g>c t>x c>x x>e")
    ).sound  # fmt: skip
    assert judged(
        drawing("start:s or:o task:a task:b task:c or:j end:e s>o o>a o>b o>c a>j b>j c>j j>e")
    ).sound


def test_an_element_without_a_mapping_is_named():
    report = judged(drawing("start:s complex:k end:e s>k k>e"))
    assert report.sound is None
    assert "element 'k', line 1 (complexGateway)" in report.findings[0].reason


def pages(nodes):
    inner = [each for node in nodes if isinstance(node, SubProcess) for each in pages(node.nodes)]
    own = [n for n in nodes if isinstance(n, ServiceTask) and isinstance(n.work, PageWork)]
    return own + inner


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(BLOCKS, st.data())
def test_what_can_be_carried_out_is_judged_alike_as_a_drawing(block, data):
    model = built(block)
    assume(not pages(model.nodes))
    names = gateways(model.nodes)
    if names and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(names))
        model = replace(model, nodes=swapped(model.nodes, name))
    outside = Environment(errors=Openness.CLOSED)  # in a drawing any task may fail, not so here
    options = {"limits": LIMITS, "reduced": False, "environment": outside}
    carried = verify(compile_process(model, {}, 1), **options)
    drawn = verify_drawing(read_drawing(write(model)), **options)
    assume(carried.exhaustive and drawn.exhaustive)
    for which in COMPARED:
        assert drawn.finding(which).verdict is carried.finding(which).verdict, which
