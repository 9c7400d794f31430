"""Events that happen at once, and work that ends meanwhile: one order, nothing twice, no loss."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import SECOND, Instant
from fabloop.process.bpmn.model import BoundaryEvent, CatchEvent
from fabloop.process.bpmn.triggers import (
    ConditionTrigger,
    MessageTrigger,
    SignalTrigger,
    TimerTrigger,
)
from fabloop.process.commands import (
    AdvanceTo,
    BroadcastSignal,
    CompleteJob,
    Deploy,
    FailJob,
    Migrate,
    PublishMessage,
    ReportKpis,
    ResolveIncident,
    SetVariables,
    StartInstance,
    TimerFired,
)
from fabloop.process.operations import ResumeInstance, SuspendInstance
from process.driver import Plant, flows, job, process, script

TRIGGERS = {
    "timer": TimerTrigger(duration="PT5S"),
    "cycle": TimerTrigger(cycle="R3/PT5S"),
    "message": MessageTrigger(name="M", correlation_key="lot"),
    "signal": SignalTrigger(name="S"),
    "condition": ConditionTrigger(condition="hot or kpi.alarm"),
}
EVENTS = st.lists(st.tuples(st.sampled_from(list(TRIGGERS)), st.booleans()), min_size=1, max_size=4)
DOINGS = st.lists(
    st.sampled_from(["wait", "publish", "shout", "heat", "cool", "alarm", "calm", "done", "rest"]),
    max_size=10,
)


def guarded(events: list[tuple[str, bool]]):
    """Return work with events on its boundary; each counts how often it happens."""
    nodes, links = [job("a")], ["start a end"]
    for number, (kind, interrupting) in enumerate(events):
        event = BoundaryEvent(id=f"e{number}", attached_to="a", trigger=TRIGGERS[kind],
                              interrupting=interrupting)  # fmt: skip
        nodes += [event, script(f"s{number}", f"n{number} + 1", f"n{number}")]
        links.append(f"e{number} s{number} end")
    return process(*nodes, links=flows(*links))


def does(plant: Plant, key: int, doing: str) -> None:
    match doing:
        case "wait":
            plant.passes(5)
        case "publish":
            plant.does(PublishMessage(name="M", correlation_key="L"))
        case "shout":
            plant.does(BroadcastSignal(name="S"))
        case "alarm" | "calm":
            plant.does(ReportKpis(values={"alarm": doing == "alarm"}))
        case "rest":
            plant.does(SuspendInstance(instance=key))
            plant.does(ResumeInstance(instance=key))
        case "done":
            for each in plant.engine.jobs():
                plant.does(CompleteJob(job=each.key))
        case _:
            plant.does(SetVariables(target=key, variables={"hot": doing == "heat"}))


class Model:
    """What each event should have counted: a few lines over the same doings."""

    def __init__(self, events: list[tuple[str, bool]]) -> None:
        self.events = events
        self.counts = [0] * len(events)
        self.running = True
        self.time = 0
        self.true = self.hot = self.alarm = False

    def happens(self, kinds: tuple[str, ...], *, one: bool = False) -> None:
        for number, (kind, interrupting) in enumerate(self.events):
            if self.running and kind in kinds:
                self.counts[number] += 1
                self.running = not interrupting
                if one:
                    return

    def does(self, doing: str) -> None:
        match doing:
            case "wait":
                self.time += 1
                kinds = {1: ("timer", "cycle"), 2: ("cycle",), 3: ("cycle",)}
                self.happens(kinds.get(self.time, ()))
            case "publish":
                self.happens(("message",), one=True)
            case "shout":
                self.happens(("signal",))
            case "done":
                self.running = False
            case "heat" | "cool":
                self.hot = doing == "heat"
            case "alarm" | "calm":
                self.alarm = doing == "alarm"
        now = self.hot or self.alarm
        if now and not self.true:
            self.happens(("condition",))
        self.true = now


@settings(max_examples=120, deadline=None)
@given(events=EVENTS, doings=DOINGS)
def test_events_on_one_activity_happen_as_the_model_says(events, doings):
    """Every command is replayed, so nothing of it depends on how it came about."""
    plant, model = Plant(), Model(events)
    begin = {f"n{number}": 0 for number in range(len(events))}
    key = plant.starts(guarded(events), {**begin, "lot": "L", "hot": False})
    for doing in doings:
        if key not in plant.engine.instances():
            break
        does(plant, key, doing)
        model.does(doing)
    variables = plant.engine.instance(key).variables
    assert [variables[f"n{number}"] for number in range(len(events))] == model.counts
    assert (key in plant.engine.instances()) == model.running
    state = plant.engine.state
    if not model.running:
        left = (state.timers, state.subscriptions, state.signals, state.conditions, state.readers)
        assert not any(left)


@settings(max_examples=30, deadline=None)
@given(first=st.sampled_from(["timer", "cycle"]), ends=st.booleans())
def test_work_that_ends_at_the_instant_of_a_timer_wins_when_it_is_first(first, ends):
    plant = Plant()
    key = plant.starts(guarded([(first, True)]), {"n0": 0})
    plant.now = Instant(plant.now + 5 * SECOND)
    if ends:
        plant.completes("a")
    plant.does(AdvanceTo(now=plant.now))
    assert plant.result(key) == {"n0": 0 if ends else 1}
    assert len(plant.told(TimerFired)) == (0 if ends else 1)


# -- migration ----------------------------------------------------------------------------------


def test_what_is_armed_stays_armed_through_a_migration():
    plant = Plant()
    events = [("timer", False), ("cycle", False), ("message", False), ("signal", False),
              ("condition", False)]  # fmt: skip
    begin = {f"n{number}": 0 for number in range(6)}
    key = plant.starts(guarded(events), {**begin, "lot": "L", "hot": True})
    plant.does(SetVariables(target=key, variables={"lot": "other"}))
    plant.passes(3)
    target = plant.does(Deploy(process=guarded([*events, ("signal", False)]))).key
    before = plant.engine.instance(key).frames[0].acts[0]
    plant.does(Migrate(instance=key, target=target))
    after = plant.engine.instance(key).frames[0].acts[0]
    assert after.timers == before.timers
    assert [(each.key, each.correlation) for each in before.waits] == [
        (each.key, each.correlation) for each in after.waits if each.node != "e5"]  # fmt: skip
    plant.does(Migrate(instance=key, target=target))
    assert len(plant.engine.instance(key).frames[0].acts[0].waits) == len(after.waits)
    plant.passes(2)
    plant.does(PublishMessage(name="M", correlation_key="L"))
    plant.does(BroadcastSignal(name="S"))
    variables = plant.engine.instance(key).variables
    assert [variables[f"n{number}"] for number in range(6)] == [1, 1, 1, 1, 1, 1]


def test_keys_and_dates_are_told_anew_where_a_migration_says_so():
    plant = Plant()
    events = [("timer", False), ("message", False)]
    key = plant.starts(guarded(events), {"n0": 0, "n1": 0, "lot": "L"})
    plant.does(SetVariables(target=key, variables={"lot": "new"}))
    plant.passes(3)
    target = plant.does(Deploy(process=guarded([*events, ("signal", False)]))).key
    plant.does(Migrate(instance=key, target=target, renew=("e0", "e1")))
    (act,) = plant.engine.instance(key).frames[0].acts
    assert [each.due for each in act.timers] == [plant.now + 5 * SECOND]
    assert [each.correlation for each in act.waits] == ["new", ""]
    assert plant.does(PublishMessage(name="M", correlation_key="L")).instances == ()


def test_a_condition_with_another_text_is_looked_at_at_once():
    plant = Plant()
    key = plant.starts(guarded([("condition", False)]), {"n0": 0, "hot": False, "n1": 5})
    old = guarded([("condition", False)])
    changed = TRIGGERS | {"condition": ConditionTrigger(condition="n1 > 3")}
    nodes = tuple(
        BoundaryEvent(id="e0", attached_to="a", trigger=changed["condition"], interrupting=False)
        if each.id == "e0" else each
        for each in old.nodes
    )  # fmt: skip
    target = plant.does(Deploy(process=type(old)(id="p", nodes=nodes, flows=old.flows))).key
    plant.does(Migrate(instance=key, target=target))
    assert plant.engine.instance(key).variables["n0"] == 1
    plant.does(SetVariables(target=key, variables={"hot": True}))
    assert plant.engine.instance(key).variables["n0"] == 1, "it reads something else now"


def test_an_incident_at_an_armed_activity_migrates_with_what_is_armed():
    plant = Plant()
    p = guarded([("message", False), ("signal", True)])
    key = plant.starts(p, {"n0": 0, "n1": 0, "lot": "L"})
    plant.does(FailJob(job=plant.job("a").key, retries=0, message="worn"))
    target = plant.does(Deploy(process=guarded([("message", False), ("signal", True),
                                                ("condition", False)]))).key  # fmt: skip
    plant.does(Migrate(instance=key, target=target))
    plant.does(PublishMessage(name="M", correlation_key="L"))
    (incident,) = plant.engine.incidents(key)
    plant.does(ResolveIncident(incident=incident.key))
    plant.does(BroadcastSignal(name="S"))
    assert plant.result(key)["n0"] == 1


# -- many ---------------------------------------------------------------------------------------


def test_a_message_touches_only_the_instance_that_waits_for_it():
    """The work of a correlation is counted in records that change, not in time."""
    plant = Plant()
    waits = process(CatchEvent(id="m", trigger=TRIGGERS["message"]), links=flows("start m end"))
    plant.does(Deploy(process=waits))
    sizes = []
    for population in (10, 200):
        while len(plant.engine.state.instances) < population:
            lot = f"L{len(plant.engine.state.instances)}"
            start = StartInstance(process="p", variables={"lot": lot})
            outcome = plant.engine.handle(start, at=plant.now)
            plant.replica.replay(outcome.rows)
        sent = PublishMessage(name="M", correlation_key=f"L{population // 2}")
        outcome = plant.engine.handle(sent, at=plant.now)
        plant.replica.replay(outcome.rows)
        sizes.append(sum(len(row.body) for row in outcome.rows))
        assert len(outcome.rows) == 1
        assert len(outcome.reply.instances) == 1
    assert max(sizes) - min(sizes) < 10
    assert plant.engine.state == plant.replica.state
