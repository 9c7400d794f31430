"""Of many work units that are left out, those that come nearest are told."""

import msgspec

from fabloop.plan.assure import EXCLUSIONS_PER_OPERATION_MAX, exclusions
from fabloop.plan.statement.problem import Setting, problem_of
from plan.instances import NOW, network, offer, operation, order, site, unit, vocabulary

MOST = EXCLUSIONS_PER_OPERATION_MAX


def left_out(fails):
    """State one step that work units fail for one or two reasons each."""
    units = [
        unit(f"m{number:02}", "graz", "hall", offer("mill", size=0.1 if both else 1.0))
        for number, both in enumerate(fails)
    ]
    plant = network(site("graz", units, []))
    request = order(operation("a", "mill", size=0.5, tpe=10e-6))
    problem = problem_of(request.product, Setting(plant, vocabulary(), {}, NOW, NOW))
    (job,) = problem.jobs
    rows = msgspec.structs.replace(
        problem, jobs=(msgspec.structs.replace(job, rejected=tuple(job.rejected)),)
    )
    return exclusions(problem), exclusions(rows), {each.unit.id: each for each in job.rejected}


def test_few_that_are_left_out_are_all_told():
    told, by_rows, every = left_out([True] * MOST)
    assert [each.work_unit for each in told] == list(every)
    assert told == by_rows


def test_of_many_those_with_the_fewest_reasons_are_told_in_their_order():
    told, by_rows, every = left_out([True] * 5 + [False] * MOST + [True] * 5)
    assert [each.work_unit for each in told] == [f"m{5 + number:02}" for number in range(MOST)]
    assert all(each.reasons == every[each.work_unit].reasons for each in told)
    assert all(len(each.reasons) == 1 for each in told)
    assert told == by_rows
