"""A re-plan that may move so many operations at most: kept to, proven, or refused with a number."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.errors import Invalid
from fabloop.model.explanation import ReasonCode
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.producible import Objective
from plan.instances import NOW
from plan.test_replan import again, at, broken_story, moved, planned


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    share=st.floats(0, 0.6),
    objective=st.sampled_from((Objective.COST, Objective.MAKESPAN, Objective.CO2)),
)
def test_a_wider_window_is_never_worse_and_each_one_is_kept_to(seed, share, objective):
    request, plant, values, plan, moment, unit = broken_story(seed, share)
    bounds, refused = [], []
    for most in (0, 2, 5, 9):
        answer = again(
            request,
            plan,
            moment,
            plant,
            values,
            unavailable=frozenset({unit}),
            objective=objective,
            changes_max=most,
        )
        if isinstance(answer, Producible):
            new = answer.plans[0]
            assert len(moved(plan, new)) <= most
            assert new.optimality[0].bound <= new.optimality[0].value * (1 + 1e-9)
            assert str(most) in new.optimality[0].scope
            bounds.append(new.optimality[0].bound)
        elif answer.conflicts[0][0].code == ReasonCode.TOO_MANY_CHANGES:
            assert not bounds
            refused.append(int(answer.conflicts[0][0].details["fewest"]))
            assert refused[-1] > most
    assert len(set(refused)) <= 1
    assert all(one >= other * (1 - 1e-9) for one, other in pairwise(bounds))


def test_no_change_at_all_is_refused_with_how_many_there_have_to_be():
    request, plant, values, plan = planned()
    answer = again(
        request,
        plan,
        at(plan, 0),
        plant,
        values,
        unavailable=frozenset({plan.step("ream-a").work_unit}),
        changes_max=0,
    )
    assert isinstance(answer, NotProducible)
    ((reason,),) = answer.conflicts
    assert reason.code == ReasonCode.TOO_MANY_CHANGES
    assert "at most 0 may move" in sentence(reason, NOW, {})


def test_a_window_that_cannot_be_counted_is_refused_by_name():
    request, plant, values, plan = planned()
    for most in (-1, 201):
        with pytest.raises(Invalid, match="0 to 200 operations"):
            again(request, plan, at(plan, 0), plant, values, changes_max=most)
