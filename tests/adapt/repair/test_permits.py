"""A repair commands others than before: each of its permissives is judged before it is offered."""

from adapt.repair.bakery import domain, situation
from fabloop.adapt.repair.permits import against, commanded_by, permitted
from fabloop.adapt.repair.proposal import NoRepair, Proposal
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.task import counted
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.run.gate import simulated
from fabloop.run.permissives import Withheld

BECAUSE = Explanation(code=SafetyCode.SIGNAL_CONTRARY, subject="Oven cell")


def found():
    answer = repair(situation(), counted(20_000))
    assert isinstance(answer, Proposal)
    return answer


def closed_for(*services):
    def gate(target):
        if target.service in services:
            return Withheld(reasons=(BECAUSE,))
        return simulated(target)

    return gate


def services_of(option):
    return {str(each.service) for each in commanded_by(option, domain())}


def test_what_is_permitted_stays_as_it_is():
    assert permitted(found(), domain(), simulated) == found()


def test_a_way_out_over_a_withheld_service_is_not_offered():
    first = found().options[0]
    (service, *_) = sorted(services_of(first))
    assert set(map(str, against(first, domain(), closed_for(service)))) == {str(BECAUSE)}
    left = permitted(found(), domain(), closed_for(service))
    if isinstance(left, Proposal):
        assert all(service not in services_of(each) for each in left.options)
    else:
        assert all(service in services_of(each) for each in found().options)


def test_where_none_is_permitted_there_is_no_way_out_and_the_reason_says_why():
    everybody = {each for option in found().options for each in services_of(option)}
    answer = permitted(found(), domain(), closed_for(*everybody))
    assert isinstance(answer, NoRepair)
    assert "signal-contrary Oven cell" in answer.why
    assert permitted(answer, domain(), simulated) is answer


def test_each_service_and_operation_is_judged_once():
    for option in found().options:
        targets = commanded_by(option, domain())
        assert len(targets) == len(set(targets))
        assert targets
