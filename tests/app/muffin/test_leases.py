"""Steps hold what the cloud gave them while their system is heard; then another one takes over."""

import json
import os
import signal

import pytest

from fabloop.app.cloud.folder import open_cloud
from fabloop.app.muffin.bindings import bindings_of, bindings_section
from fabloop.app.muffin.kpis import courses_of
from fabloop.app.muffin.play import CLOUD_FOLDER, begin_week, resume_week
from fabloop.app.processes.clocks import SteppedClock
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallBound,
    LeaseEnd,
    LeaseEnded,
    ServiceLost,
    ServiceRestarted,
    ServiceReturned,
)
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.dataspace.finish import Filled
from fabloop.services.cloud.orchestrate import Pull, Rules
from fabloop.services.cloud.records import Form, Lock
from small_bakery import settings_of, small_bakery


def dying(device="liner-printer", operation="printLiners", hours=3.0):
    blackout = {
        "device": device, "operation": operation, "call": 1, "after_minutes": 1, "hours": hours
    }  # fmt: skip
    return {"burnt": {"mishaps": [], "delays": [], "blackouts": [blackout]}}


def of_kind(history, kind, **fields):
    return [
        fact for _, fact in history
        if isinstance(fact, kind) and all(getattr(fact, k) == v for k, v in fields.items())
    ]  # fmt: skip


def locks_in(folder):
    with open_cloud(folder / "data" / CLOUD_FOLDER, SteppedClock(Instant(0))) as cloud:
        return cloud.query(lambda state, _: dict(state.table(Lock)))


def played(tmp_path, documents, until=None):
    week = begin_week(tmp_path / "data", settings_of(documents))
    try:
        week.play(until)
        return tuple(week.log.history), courses_of(week.log.history, week.bakery)
    finally:
        week.close()


def test_a_system_that_dies_in_mid_step_loses_its_lease_and_another_one_takes_over(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=dying())
    history, courses = played(tmp_path, documents)
    assert all(each.delivered_at for each in courses)
    first, second = of_kind(history, CallBound, node="prepare-paper")
    assert (first.service, second.service) == ("liner-printer", "label-printer")
    (lost,) = of_kind(history, LeaseEnded, why=LeaseEnd.TAKEN_OVER)
    assert lost.offer == first.offer == "LinerPrinter|print|1.0.0"
    at = {id(fact): at for at, fact in history}
    assert at[id(lost)] == at[id(second)] >= first.held_until, "not before the lease was over"
    assert {each.code for each in second.others} == {"service-away"}
    (answered,) = of_kind(history, CallAnswered, node="prepare-paper")
    assert answered.service == "label-printer"
    assert len(of_kind(history, ServiceLost)) == len(of_kind(history, ServiceReturned)) == 1
    assert locks_in(tmp_path) == {}


def test_what_would_do_harm_twice_waits_for_the_system_that_had_begun_it(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=dying("oven", "bake", 1.0))
    history, courses = played(tmp_path, documents)
    assert all(each.delivered_at for each in courses)
    assert {each.service for each in of_kind(history, CallBound, node="cook")} == {"oven"}
    (silent,) = of_kind(history, LeaseEnded, why=LeaseEnd.SILENT)
    assert silent.service == "oven"
    assert len(of_kind(history, CallAnswered, node="cook")) == 1
    assert len(of_kind(history, ServiceReturned, service="oven")) == 1


def test_a_crash_while_a_system_is_dead_changes_nothing(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=dying())
    (tmp_path / "whole").mkdir()
    whole, _ = played(tmp_path / "whole", documents)
    begun = next(at for at, e in whole if isinstance(e, CallBound) and e.node == "prepare-paper")
    cut, _ = played(tmp_path, documents, until=Instant(begun + 5 * MINUTE))
    assert of_kind(cut, CallBound, service="liner-printer")
    assert not of_kind(cut, ServiceLost)
    week = resume_week(tmp_path / "data")
    try:
        week.play()
        history = week.log.history
        assert [each.service for each in of_kind(history, CallAnswered, node="prepare-paper")] == [
            "label-printer"
        ]
        assert bindings_of(history)[-1] == bindings_of(whole)[-1]
        assert all(each.delivered_at for each in courses_of(history, week.bakery))
    finally:
        week.close()


def test_a_crash_after_an_answer_and_before_the_process_goes_on_loses_and_doubles_nothing(
    tmp_path, monkeypatch
):
    documents = small_bakery(
        tmp_path, orders_per_day=(0,), scenarios={"burnt": {"mishaps": [], "delays": []}}
    )
    week = begin_week(tmp_path / "data", settings_of(documents))
    judge = Runtime._judge

    def power_cut(self, errand, now):
        if errand.task.node == "cook":
            raise KeyboardInterrupt
        judge(self, errand, now)

    with monkeypatch.context() as cut:
        cut.setattr(Runtime, "_judge", power_cut)
        try:
            with pytest.raises(KeyboardInterrupt):
                week.play()
        finally:
            week.close()
    week = resume_week(tmp_path / "data")
    try:
        week.play()
        history = week.log.history
        (baked,) = of_kind(history, CallAnswered, node="cook")
        found = week.story.data.space.fill("(batch, pieces, ?n)", {"batch": baked.about})
        assert isinstance(found, Filled), found
        assert [each["n"] for each in found.rows] == [baked.result["baked"]], "told once"
        assert all(each.delivered_at for each in courses_of(history, week.bakery))
    finally:
        week.close()


def test_a_lock_that_the_log_knows_nothing_of_is_let_go_of_after_a_crash(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=dying(hours=0.1))
    week = begin_week(tmp_path / "data", settings_of(documents))
    week.play(until=Instant(week.bakery.begins_at + HOUR))
    form = Form(definition="bake", exclusivity_s=36_000, flags={"ONLY_EXCLUSIVE": True})
    pulled = week.cloud.submit(Pull(form=form, requester="MyMuffin", rules=Rules(tokens=False)))
    assert pulled.bindings, "bound, and killed before anybody wrote it down"
    week.close()
    assert locks_in(tmp_path)
    week = resume_week(tmp_path / "data")
    try:
        week.play()
        assert all(each.delivered_at for each in courses_of(week.log.history, week.bakery))
    finally:
        week.close()
    assert locks_in(tmp_path) == {}


def at_the_end(tmp_path):
    """Return a week in which everything is delivered, and one machine is to be looked at."""
    documents = small_bakery(
        tmp_path, orders_per_day=(0,), scenarios={"burnt": {"mishaps": [], "delays": []}}
    )
    week = begin_week(tmp_path / "data", settings_of(documents))
    week.play()
    week.machines.may_have_failed("oven", week.clock.now())
    return week


def test_a_machine_that_is_dead_for_good_does_not_keep_a_week_from_ending(tmp_path):
    week = at_the_end(tmp_path)
    try:
        week.fleet.black_out("oven")
        week.machines.look_after(week.clock.now())
        assert week.next_at() is None
        assert week.machines.next_look_at() is not None, "nobody knows how it is"
    finally:
        week.close()


def test_a_machine_that_died_unseen_is_started_again_when_it_is_looked_at(tmp_path):
    week = at_the_end(tmp_path)
    try:
        os.kill(week.fleet.listening()["oven"].pid, signal.SIGKILL)
        now = week.clock.now()
        week.machines.look_after(now)
        assert [each.service for each in of_kind(week.log.history, ServiceRestarted)] == ["oven"]
        week.machines.look_after(Instant(now + HOUR))
        assert week.machines.next_look_at() is None, "it works"
    finally:
        week.close()


def test_a_service_that_does_not_serve_the_bakery_is_passed_over_with_the_reason(tmp_path):
    documents = small_bakery(
        tmp_path, orders_per_day=(0,), scenarios={"burnt": {"mishaps": [], "delays": []}}
    )
    file = documents / "services" / "liner-printer.json"
    told = json.loads(file.read_bytes())
    told["x-fabloop"]["serves"] = ["bakery-nearby"]
    file.write_text(json.dumps(told))
    history, _ = played(tmp_path, documents)
    (bound,) = of_kind(history, CallBound, node="prepare-paper")
    assert bound.service == "label-printer"
    assert [each.code for each in bound.others] == ["offer-not-granted"]
    (decision,) = [each for each in bindings_of(history) if each.node == "prepare-paper"]
    assert decision.held_to is not None
    assert decision.ended == LeaseEnd.DONE
    rows = bindings_section(history, "Europe/Rome").tables[0].rows
    assert any("liner-printer does not let us use" in " ".join(row) for row in rows)


def test_a_blackout_of_nobody_is_refused(tmp_path):
    documents = small_bakery(tmp_path, scenarios=dying("liner-printr"))
    with pytest.raises(Invalid, match="liner-printer"):
        begin_week(tmp_path / "data", settings_of(documents))
