"""What helped once is offered first the next time, if it still helps."""

from msgspec.structs import replace

from adapt.repair.bakery import MINUTE, action, actions, burnt, domain, situation, so, work
from fabloop.adapt.patterns import Pattern, learned, recalled
from fabloop.adapt.repair.domain import Step
from fabloop.adapt.repair.proposal import Proposal
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.remaining import Place
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import counted
from fabloop.base.codec import from_json, to_json

BUDGET = 20_000


def first():
    """Return what was learnt from the first burnt batch."""
    asked = situation()
    return learned((), repair(asked, counted(BUDGET)).options[0], asked)


def another(**more):
    """Return the same trouble with another batch, in another instance."""
    values = {"?b": "b9"}
    return situation(
        repair="r2",
        instance=2,
        work={node: Step(action=step.action, values=values) for node, step in work().items()},
        domain=domain(("b1", "b9")),
        physical=burnt(("b9",)),
        **more,
    )


def test_a_pattern_has_no_names_of_what_it_was_for():
    (pattern,) = first()
    assert pattern.missing == (so("burnt", "?1", value=False),)
    assert pattern.kinds == {"?1": "batch"}
    assert "b1" not in {value for step in pattern.steps for value in step.values.values()}


def test_it_is_offered_first_for_another_batch():
    asked = another()
    known = recalled(first(), asked, counted(1_000))
    answer = repair(asked, counted(BUDGET), known)
    assert isinstance(answer, Proposal)
    best = answer.options[0]
    assert best.pattern == "r1.1"
    assert {"b9"} == {each.values["?b"] for each in best.course.steps if "?b" in each.values}
    assert [each.code for each in best.reasons][-1] == "learned"


def test_it_takes_what_is_there_where_what_it_used_is_not():
    asked = another()
    taken = replace(asked, physical={**asked.physical, ("parked", "cart-1"): "nowhere"})
    (known,) = recalled(first(), taken, counted(5_000))
    carts = {each.values["?c"] for each in known.course.steps if "?c" in each.values}
    assert carts == {"cart-2"}


def test_it_is_not_offered_where_it_does_not_help_any_more():
    asked = another()
    closed = replace(asked, physical={**asked.physical, ("open", "nearby"): False})
    assert recalled(first(), closed, counted(5_000)) == ()


def test_it_is_not_offered_for_other_trouble():
    asked = another()
    fine = {**asked.physical, ("burnt", "b9"): False, ("told", "b9"): False}
    assert recalled(first(), replace(asked, physical=fine), counted(5_000)) == ()


def test_it_is_not_offered_where_a_service_is_gone():
    asked = another()
    fewer = tuple(each for each in actions() if each.name != "bakery.cook")
    gone = replace(asked, domain=replace(asked.domain, actions=fewer))
    assert recalled(first(), gone, counted(5_000)) == ()


def test_what_helps_again_is_the_same_pattern():
    asked = another()
    patterns = first()
    best = repair(asked, counted(BUDGET), recalled(patterns, asked, counted(1_000))).options[0]
    again = learned(patterns, best, asked)
    assert [each.used for each in again] == [2]


def test_patterns_are_plain_data():
    assert from_json(to_json(first()), tuple[Pattern, ...]) == first()


def many(count):
    """Return a situation in which several batches came out burnt."""
    batches = tuple(f"b{number}" for number in range(1, count + 1))
    packing = action(
        "line.boxes",
        {},
        [c for b in batches for c in (so("baked", b), so("burnt", b, value=False))],
        [so("boxed")],
    )
    whole = domain(batches)
    return situation(
        repair="many",
        domain=replace(whole, actions=(*whole.actions, packing)),
        work={"pack": Step(action="line.boxes")},
        places=(Place(node="pack"),),
        physical=burnt(batches),
        tokens=batches,
    )


def test_many_batches_are_planned_for_one_and_timed_together():
    asked = many(4)
    best = repair(asked, counted(BUDGET)).options[0]
    assert {each.values.get("?b") for each in best.course.steps} >= set(asked.tokens)
    goal = tuple(c for b in asked.tokens for c in (so("baked", b), so("burnt", b, value=False)))
    assert breaches(asked.domain, best.course, asked.physical, goal) == ()
    alone = repair(many(1), counted(BUDGET)).options[0].course
    assert best.course.duration_ns < 4 * alone.duration_ns
    assert best.course.duration_ns >= 4 * 30 * MINUTE  # one mixer takes 30 minutes each


def test_what_was_learnt_from_one_carries_over_to_many():
    asked = many(1)
    patterns = learned((), repair(asked, counted(BUDGET)).options[0], asked)
    several = many(3)
    (known,) = recalled(patterns, several, counted(5_000))
    assert {each.values.get("?b") for each in known.course.steps} >= set(several.tokens)
