"""A shipment that was booked but not taken goes by another lane when its own one is closed."""

import pytest

from app import stories
from fabloop.app.demo import begin, schedules
from fabloop.app.drive import Driver
from fabloop.app.edge.simulated import SimulatedEdge
from fabloop.base.instant import HOUR, Instant
from fabloop.base.journal import MemoryJournal
from fabloop.model.disturbance import LaneClosed
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationProposed,
    DisturbanceReported,
    IncidentRaised,
    JobBound,
    JobKeptWaiting,
    KnowledgeRead,
    LotMade,
    OrderFinished,
    ProcessMigrated,
)
from fabloop.sim.plant import SimulatedPlant

LANE, OTHER = "graz-vienna", "graz-vienna-dear"
SHIP = "ship-drill-stabilizer-ream-stabilizer"


def another_lane(shipping):
    lane = next(each for each in shipping["lanes"] if each["id"] == LANE)
    shipping["lanes"].append({**lane, "id": OTHER, "cost": "90.00 EUR"})


class Patient(Driver):
    """A world in which nobody answers what is proposed after the first adaptation."""

    def _ask_about(self, order, proposal):
        if proposal.before == "wg-1/plan-1":
            super()._ask_about(order, proposal)

    def _ask(self):
        for state in self.house.snapshot.orders.values():
            if state.proposal is None or state.proposal.before == "wg-1/plan-1":
                return super()._ask()
        return None


@pytest.fixture(scope="module")
def waits(tmp_path_factory):
    """The lane is closed, another way is proposed, and the part comes to the gate meanwhile."""
    folder = tmp_path_factory.mktemp("booked")
    papers = stories.documents(folder / "papers", shipping=another_lane)
    settings = stories.settings(papers=papers)
    demo = begin(folder / "data", settings, open_journal=lambda _: MemoryJournal())
    told = KnowledgeRead(digest=demo.scenario.digest, seed=1)
    demo.house.hears(told, demo.scenario.simulation.begins_at)
    while not bound(demo, lambda each: each.operation == "drill-stabilizer" and each.main):
        drive(demo, Instant(demo.clock.now() + HOUR // 4))
    at = demo.clock.now()
    demo.house.hears(DisturbanceReported(disturbance=LaneClosed(lane=LANE, since=at), at=at), at)
    drive(demo, Instant(at + 8 * HOUR))
    return demo


def drive(demo, until):
    scenario, seed = demo.scenario, demo.settings.seed
    edge = SimulatedEdge(monitored=scenario.monitored, simulation=scenario.simulation, seed=seed)
    Patient(
        house=demo.house,
        clock=demo.clock,
        actor=SimulatedPlant(scenario.simulation.plant, seed),
        orders=(demo.order,),
        schedules=schedules(scenario),
        measure=edge.measure,
        choose=stories.first_plan,
        approve=stories.agree,
        begun=scenario.simulation.begins_at,
        until=until,
    ).run()
    demo.clock.wait_until(until)


def bound(demo, fits):
    facts = (fact for _, fact in demo.house.history if isinstance(fact, JobBound))
    return [each for each in facts if fits(each)]


def test_the_part_waits_at_the_gate_and_is_not_given_to_the_closed_lane(waits):
    kept = [fact for _, fact in waits.house.history if isinstance(fact, JobKeptWaiting)]
    assert "lane-shut" in {reason.code for each in kept for reason in each.reasons}
    assert not bound(waits, lambda each: each.lane == LANE and each.step == SHIP)


def test_it_goes_by_the_other_lane_when_somebody_agrees_and_the_order_is_finished(waits):
    state = waits.house.snapshot.orders[stories.ORDER]
    proposal = state.proposal
    assert isinstance(proposal, AdaptationProposed)
    assert {each.lane for each in proposal.plan.movements} >= {OTHER}
    yes = AdaptationApproved(order=stories.ORDER, plan=proposal.plan.id, by="planner")
    heard = waits.house.hears(yes, waits.clock.now())
    assert any(isinstance(each, ProcessMigrated) for each in heard)
    waits.play(stories.first_plan, stories.agree)
    shipped = bound(waits, lambda each: each.step == SHIP and each.lane is not None)
    assert [each.lane for each in shipped] == [OTHER]
    facts = [fact for _, fact in waits.house.history]
    made = [each.record.operation for each in facts if isinstance(each, LotMade)]
    assert len(made) == len(set(made)) == 27
    assert not [each for each in facts if isinstance(each, IncidentRaised)]
    assert next(each for each in facts if isinstance(each, OrderFinished)).passed
