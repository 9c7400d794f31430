"""From a burnt batch up the ladder: retried, repaired or asked about, held where nobody answers."""

from adapt.repair.bakery import baking, burnt, situation
from fabloop.adapt import ladder
from fabloop.adapt.climb import Shell, climb
from fabloop.adapt.ladder import CaseState, Deviation, Offer
from fabloop.adapt.patterns import learned, recalled
from fabloop.adapt.policy import Instead, Policy, Rung, RungRule, Severity
from fabloop.adapt.repair.enact import enact
from fabloop.adapt.repair.proposal import NotNeeded, Proposal
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.rehearse import rehearse
from fabloop.adapt.repair.task import counted
from fabloop.base.errors import FabloopError
from fabloop.base.instant import MINUTE, Instant
from fabloop.process.operations import SuspendInstance
from process.driver import Plant

POLICY = Policy(
    rungs=(
        RungRule(rung=Rung.TOLERATE),
        RungRule(rung=Rung.RETRY, automatic_up_to=Severity.MAJOR, attempts=2),
        RungRule(
            rung=Rung.REPAIR,
            automatic_up_to=Severity.MAJOR,
            cost_minor_max=50,
            approver="shift-lead",
        ),
        RungRule(rung=Rung.ASK, approver="plant-manager"),
    )
)


class Bakery:
    """A shell over a running process: what it was told and asked, in the order it came."""

    def __init__(self, policy=POLICY, budget=20_000, physical=None, retries=False):
        self.plant = Plant()
        key = self.plant.starts(baking())
        self.plant.completes("cook")
        self.situation = situation(instance=key, physical=physical or burnt())
        self.policy, self.budget, self.retries = policy, budget, retries
        self.moves, self.docket, self.options = [], {}, {}
        self.patterns = ()
        self.shell = Shell(
            looks=self.looks,
            does=self.does,
            asks=lambda move: None,
            withdraws=lambda move: None,
            defaults=self.defaults,
            noted=self.moves.append,
        )

    def deviates(self, severity=Severity.MAJOR):
        found = Deviation(
            id="d1", instance=self.situation.instance, severity=severity, at=self.plant.now
        )
        self.goes_on(ladder.report(self.docket, self.policy, found))

    def goes_on(self, ruling):
        self.docket = climb(ruling, self.policy, self.shell, self.plant.now)

    def looks(self, move):
        if move.rung is Rung.RETRY:
            return (Offer(id="again", rung=move.rung),) if self.retries else "it burnt again"
        known = recalled(self.patterns, self.situation, counted(1_000))
        budget = counted(self.budget) if self.budget else lambda: 0.0
        answer = repair(
            self.situation,
            budget,
            known,
            tried=lambda o: rehearse(o, self.situation, self.plant.engine, self.plant.now),
        )
        match answer:
            case NotNeeded():
                return (Offer(id="none", rung=move.rung),) if move.rung is Rung.TOLERATE else "-"
            case Proposal(options=options) if move.rung is Rung.REPAIR:
                self.options = {each.id: each for each in options}
                return tuple(
                    Offer(id=e.id, rung=move.rung, cost_minor=e.cost_minor, delay_ns=e.delay_ns)
                    for e in options
                )
            case Proposal():
                return "the rest needs what is missing"
            case found:
                return found.why

    def does(self, move):
        if move.offer.id not in self.options:
            return ""
        option = self.options[move.offer.id]
        try:
            enactment = enact(option, self.situation)
            target = self.plant.does(enactment.deploy).key
            for request, command in enactment.commands(target):
                self.plant.does(command, request=request)
        except FabloopError as error:
            return str(error)
        self.patterns = learned(self.patterns, option, self.situation)
        return ""

    def defaults(self, move):
        if move.instead is Instead.HOLD:
            self.plant.does(SuspendInstance(instance=move.instance))

    def told(self):
        return [f"{type(each).__name__} {getattr(each, 'rung', '')}".strip() for each in self.moves]


def test_a_burnt_batch_is_retried_then_repaired_unasked():
    bakery = Bakery()
    bakery.deviates()
    assert bakery.told() == [
        "TryRung tolerate",
        "TryRung retry",
        "TryRung retry",
        "TryRung repair",
        "Do",
    ]
    assert bakery.docket[bakery.situation.instance].state is CaseState.SETTLED
    assert any(node.startswith("r1.1-") for node in bakery.plant.open_nodes())
    assert [each.id for each in bakery.patterns] == ["r1.1"]


def test_what_the_rest_does_not_need_is_tolerated():
    dirty = burnt() | {("burnt", "b1"): False}
    bakery = Bakery(physical=dirty)
    bakery.deviates(Severity.MINOR)
    assert bakery.told() == ["TryRung tolerate", "Do"]
    assert bakery.plant.open_nodes() == ["top"]


def test_a_retry_that_helps_ends_the_climb():
    bakery = Bakery(retries=True)
    bakery.deviates()
    assert bakery.told() == ["TryRung tolerate", "TryRung retry", "Do"]


def test_without_a_plan_in_time_the_next_rung_is_climbed():
    bakery = Bakery(budget=0)
    bakery.deviates()
    assert bakery.told()[-2:] == ["TryRung repair", "Ask"]
    assert "no plan was found within the budget" in {
        each.details["why"] for each in bakery.moves[-1].reasons
    }


def test_a_dear_repair_is_put_to_a_person_whose_answer_is_carried_out():
    strict = Policy(rungs=(RungRule(rung=Rung.REPAIR, cost_minor_max=1, approver="lead",
                                    automatic_up_to=Severity.CRITICAL),))  # fmt: skip
    bakery = Bakery(policy=strict)
    bakery.deviates()
    asked = bakery.moves[-1]
    assert bakery.plant.open_nodes() == ["top"]
    bakery.goes_on(
        ladder.answered(
            bakery.docket,
            strict,
            asked.instance,
            by="lead",
            round=asked.round,
            offer=asked.offers[0].id,
            now=bakery.plant.now,
        )
    )
    assert bakery.docket[asked.instance].state is CaseState.SETTLED
    assert "top" not in bakery.plant.open_nodes()


def test_who_never_answers_leaves_the_instance_held_and_the_reason_visible():
    bakery = Bakery(budget=0)
    bakery.deviates()
    bakery.plant.now = Instant(bakery.plant.now + 15 * MINUTE)
    bakery.goes_on(ladder.expire(bakery.docket, POLICY, bakery.plant.now))
    key = bakery.situation.instance
    assert bakery.plant.engine.instance(key).suspended
    assert bakery.docket[key].state is CaseState.DEFAULTED
    assert bakery.docket[key].tried[-1].code == "nobody-answered"


def test_what_cannot_be_carried_out_leads_to_the_next_rung():
    bakery = Bakery()
    bakery.shell = Shell(
        looks=bakery.looks,
        does=lambda move: "the oven's door is open",
        asks=lambda move: None,
        withdraws=lambda move: None,
        defaults=bakery.defaults,
        noted=bakery.moves.append,
    )
    bakery.deviates()
    assert bakery.told()[-3:] == ["TryRung repair", "Do", "Ask"]
    assert bakery.moves[-1].reasons[-1].details["why"] == "the oven's door is open"
