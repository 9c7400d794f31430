"""The wave-gear story with guards: work waits at an open one, and a change is judged anew."""

import json

import pytest

from app import stories
from fabloop.app.demo import begin, documents_of, resume
from fabloop.app.drive import Driver
from fabloop.app.sentences import sentence
from fabloop.base.instant import MINUTE, SECOND, Instant, iso_of
from fabloop.base.journal import MemoryJournal
from fabloop.model.explanation import SafetyCode
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationProposed,
    AdaptationWithheld,
    JobAnswered,
    JobBound,
    JobKeptWaiting,
    OrderFinished,
    PermissiveChanged,
    ProcessMigrated,
)
from fabloop.run.actor import JobOrder
from fabloop.sim.plant import SimulatedPlant

SHAPING, EMCO = "graz-shaping", "vienna-emco"


def units():
    found = []
    for site in ("graz", "linz", "vienna"):
        text = (documents_of("wavegear") / f"site-{site}.json").read_text(encoding="utf-8")
        found += [each["id"] for each in json.loads(text)["work_units"]]
    return found


def safety(guarded=(SHAPING, EMCO)):
    """Return a document: the shaping cell and the machine in Vienna have guards, or others."""
    controllers = [
        {
            "id": f"{unit}-cell", "label": f"Cell of {unit}", "url": "modbus://127.0.0.1:1502/1",
            "signals": [{"id": "guard", "label": "guard closed", "bit": 0}],
        }
        for unit in guarded
    ]  # fmt: skip
    required = [
        {"work_unit": unit, "requires": [{"signal": f"{unit}-cell/guard"}]} for unit in guarded
    ]
    free = [
        {"work_unit": unit, "free_because": "simulated without guards"}
        for unit in units() if unit not in guarded
    ]  # fmt: skip
    return {
        "document": "safety", "version": "1", "@context": "urn:fabloop:context:1:safety",
        "controllers": controllers, "permissives": required + free,
    }  # fmt: skip


def papers(folder, *openings):
    def open_guards(content):
        content["openings"] = list(openings)

    made = stories.documents(folder, simulation=open_guards)
    (made / "safety.json").write_text(json.dumps(safety()), encoding="utf-8")
    return made


def opening(unit, since, until, reset_at=None):
    entry = {"signal": f"{unit}-cell/guard", "from": iso_of(since), "to": iso_of(until)}
    return entry | ({"reset_at": iso_of(reset_at)} if reset_at is not None else {})


def begun_at(demo, unit):
    bound = [each for each in stories.facts(demo, JobBound) if each.work_unit == unit]
    return min(each.begun_at for each in bound)


def at_of(demo, kind):
    return [at for at, fact in demo.house.history if isinstance(fact, kind)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return stories.told(tmp_path_factory.mktemp("plain") / "wg")


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    return tmp_path_factory.mktemp("guarded") / "wg"


@pytest.fixture(scope="module")
def guarded(plain, where):
    """The guard of the shaping cell is open when its work comes; Vienna's when it is asked."""
    shaping = Instant(begun_at(plain, SHAPING) - MINUTE)
    approved = Instant(at_of(plain, AdaptationApproved)[0] - MINUTE)
    made = papers(
        where.parent / "papers",
        opening(SHAPING, shaping, Instant(shaping + 10 * MINUTE), Instant(shaping + 15 * MINUTE)),
        opening(EMCO, approved, Instant(approved + 20 * MINUTE)),
    )
    return stories.told(where, papers=made)


def test_a_story_whose_guards_stay_closed_is_the_same_story(plain, tmp_path):
    closed = stories.told(tmp_path / "wg", papers=papers(tmp_path / "papers"))
    told = [each for each in stories.facts(closed) if not isinstance(each, PermissiveChanged)]
    assert len(told) == len(stories.facts(plain))
    assert at_of(closed, OrderFinished) == at_of(plain, OrderFinished)


def test_work_waits_at_an_open_guard_with_its_reason_and_for_the_reset(plain, guarded):
    kept = [
        each
        for each in stories.facts(guarded, JobKeptWaiting)
        if any(one.subject == f"Cell of {SHAPING}" for one in each.reasons)
    ]
    codes = {one.code for each in kept for one in each.reasons}
    assert codes == {SafetyCode.STOP_STANDS, SafetyCode.SIGNAL_CONTRARY}
    text = sentence(kept[0].reasons[0], guarded.house.snapshot.now)
    assert "stands" in text
    assert "until a person resets it" in text
    late_ns = begun_at(guarded, SHAPING) - begun_at(plain, SHAPING)
    assert 0 <= 14 * MINUTE - late_ns < SECOND  # the reset; documents tell whole seconds


def test_an_approved_change_is_not_applied_while_it_commands_an_open_cell(guarded):
    (withheld,) = stories.facts(guarded, AdaptationWithheld)
    assert {each.code for each in withheld.reasons} == {SafetyCode.SIGNAL_CONTRARY}
    migrated, (refused_at,) = at_of(guarded, ProcessMigrated), at_of(guarded, AdaptationWithheld)
    assert refused_at < migrated[0]
    assert len(stories.facts(guarded, AdaptationProposed)) == 2  # a person was asked again
    closed = [
        at for at, fact in guarded.house.history
        if isinstance(fact, PermissiveChanged) and fact.work_unit == EMCO and not fact.reasons
    ]  # fmt: skip
    assert migrated[0] == closed[-1]


def test_the_guarded_story_still_ends_with_the_product(guarded):
    assert [each.passed for each in stories.facts(guarded, OrderFinished)] == [True]


def test_no_job_was_begun_while_its_guard_was_open(guarded):
    held = {}
    for at, fact in guarded.house.history:
        match fact:
            case PermissiveChanged():
                held[fact.work_unit] = fact.reasons
            case JobBound(work_unit=unit) if unit in (SHAPING, EMCO):
                assert not held[unit], f"{unit} at {iso_of(at)}"


def test_a_guarded_story_is_read_from_its_journal_as_it_was(guarded, where):
    again = resume(where)
    again.close()
    assert again.house.history == guarded.house.history
    assert again.house.snapshot.permissives == guarded.house.snapshot.permissives
    assert again.house.snapshot.orders == guarded.house.snapshot.orders


class Listening:
    """A plant that notes what reaches it."""

    def __init__(self, plant):
        self.plant, self.heard = plant, []

    def begin(self, order: JobOrder) -> None:
        self.heard.append((order.work_unit, order.job))
        self.plant.begin(order)

    def next_response_at(self):
        return self.plant.next_response_at()

    def responses(self, until):
        return self.plant.responses(until)


def test_with_rules_and_nobody_who_tells_the_signals_nothing_leaves_for_a_guarded_unit(tmp_path):
    demo = begin(
        tmp_path / "wg", stories.settings(papers=papers(tmp_path / "papers")),
        open_journal=lambda _: MemoryJournal(),
    )  # fmt: skip
    start = demo.scenario.simulation.begins_at
    demo.house.hears(stories.KnowledgeRead(digest="d", seed=1), start)
    plant = Listening(SimulatedPlant(demo.scenario.simulation.plant, 1))
    Driver(
        house=demo.house, clock=demo.clock, actor=plant, orders=(demo.order,), schedules=(),
        measure=lambda *_: pytest.fail("nothing is measured"), choose=stories.first_plan,
        approve=stories.agree, begun=start,
    ).run()  # fmt: skip
    assert stories.facts(demo, JobAnswered)
    assert SHAPING not in {unit for unit, _ in plant.heard}
    reasons = [one for each in stories.facts(demo, JobKeptWaiting) for one in each.reasons]
    assert SafetyCode.SIGNAL_MISSING in {each.code for each in reasons}
