"""The judge finds what should not have been; each breach is planted once."""

import msgspec
import pytest

from fabloop.app.chaos.judge import good_spans, verdict
from fabloop.app.chaos.player import Promised, checksum
from fabloop.app.muffin.documents import FOLDER, read_bakery
from fabloop.app.safety.controller import Shown
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallBound,
    LeaseEnd,
    LeaseEnded,
    StoryTold,
)
from fabloop.app.service_runtime.serving import Arrived
from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation
from fabloop.model.ids import ServiceId
from fabloop.model.safety import Permissive, Required, SafetyRules
from run.safety_rules import CELL, GUARD, rules

T0 = 1_000 * SECOND
RULES = SafetyRules(
    controllers=rules(heartbeat_ns=SECOND, confirm_ns=SECOND // 2).controllers,
    permissives=(
        Permissive(
            service=ServiceId("oven"), requires=(Required(signal=GUARD, fresh_ns=SECOND // 2),)
        ),
        Permissive(service=ServiceId("van"), free_because="it is outside"),
    ),
)


@pytest.fixture(scope="module")
def bakery():
    made = read_bakery(FOLDER, "burnt", 1)
    return msgspec.structs.replace(made, orders=made.orders[:1])


def shown(seconds, state="runs", signals=1, sound=1, beats=True):
    at = Instant(T0 + int(seconds * SECOND))
    return Shown(at=at, seen_by=at, state=state, signals=signals, sound=sound, beats=beats)


def answered(job, node, order):
    return CallAnswered(
        job=job, about=order, node=node, service="van", operation="carry", begun_at=Instant(0),
        given={}, result={},
    )  # fmt: skip


def history(bakery, *more):
    order = bakery.orders[0].id
    facts = (
        StoryTold(what="order received", about=order),
        answered(1, "ready", order), answered(2, "deliver", order), *more,
    )  # fmt: skip
    return [(Instant(number), fact) for number, fact in enumerate(facts)]


def arrives(folder, service, sent_s, method="POST", operation="bake"):
    sent = Instant(T0 + int(sent_s * SECOND))
    row = Arrived(
        operation=operation, method=method, key="job-1", sent_at=sent, at=Instant(sent + 1)
    )
    with (folder / f"{service}.arrivals").open("ab") as file:
        file.write(msgspec.json.encode(row) + b"\n")


def judged(bakery, folder, log=(), promised=(), controller=()):
    seen = controller or (shown(0),)
    return verdict(log or history(bakery), bakery, promised, folder, RULES, seen)


def test_where_all_is_well_nothing_is_said(bakery, tmp_path):
    arrives(tmp_path, "oven", 5)
    arrives(tmp_path, "van", 5)
    log = history(bakery)
    promised = [Promised(first=0, sums=tuple(checksum(*each) for each in log))]
    assert judged(bakery, tmp_path, log, promised) == ()


def test_an_order_that_ended_neither_way_is_found(bakery, tmp_path):
    (said,) = judged(bakery, tmp_path, history(bakery)[:2])
    assert "ended neither delivered nor refused" in said
    refused = StoryTold(what="order refused", about=bakery.orders[0].id, details={"why": "late"})
    assert judged(bakery, tmp_path, [*history(bakery)[:2], (Instant(9), refused)]) == ()


def test_a_promise_that_is_not_in_the_log_is_found(bakery, tmp_path):
    log = history(bakery)
    promised = [Promised(first=1, sums=(checksum(*log[1]), 7))]
    (said,) = judged(bakery, tmp_path, log, promised)
    assert "Facts 1 to 2 were promised" in said
    beyond = [Promised(first=2, sums=(checksum(*log[2]), 8))]
    assert len(judged(bakery, tmp_path, log, beyond)) == 1


def test_what_is_done_twice_is_found(bakery, tmp_path):
    order = bakery.orders[0].id
    (said,) = judged(bakery, tmp_path, history(bakery, answered(2, "deliver", order)))
    assert "Job 2 (carry) was answered twice" in said
    for service in ("oven", "bakery-nearby"):
        line = b'{"operation":"bake","key":"job-5","given":{},"at":1}\n'
        (tmp_path / f"{service}.jsonl").write_bytes(line + line)  # the same service knows the key
    (said,) = judged(bakery, tmp_path)
    assert said == "job-5 was begun more than once: bakery-nearby.bake, oven.bake."


def test_what_does_no_harm_may_be_done_again_elsewhere(bakery, tmp_path):
    for service in ("liner-printer", "label-printer"):
        line = b'{"operation":"printLiners","key":"job-5","given":{},"at":1}\n'
        (tmp_path / f"{service}.jsonl").write_bytes(line)
    assert judged(bakery, tmp_path) == ()


def bound(job, offer="Oven|bake|1.0.0"):
    return CallBound(
        job=job, epoch=1, about="b", node="cook", service="oven", operation="bake",
        because=Explanation(code="service-bound", subject="oven.bake"), offer=offer,
    )  # fmt: skip


def let_go(job, offer="Oven|bake|1.0.0"):
    return LeaseEnded(
        job=job, about="b", node="cook", service="oven", operation="bake", offer=offer,
        why=LeaseEnd.DONE,
    )  # fmt: skip


def test_what_two_steps_hold_at_once_or_nobody_let_go_of_is_found(bakery, tmp_path):
    fine = (bound(7), let_go(7), bound(8), bound(9, "Van|move|1.0.0"), bound(8), let_go(8))
    assert judged(bakery, tmp_path, history(bakery, *fine, let_go(9, "Van|move|1.0.0"))) == ()
    (said,) = judged(bakery, tmp_path, history(bakery, bound(7), bound(8), let_go(8)))
    assert "Oven|bake|1.0.0 went to job 8" in said
    assert "while job 7 held it" in said
    (said,) = judged(bakery, tmp_path, history(bakery, bound(7)))
    assert said == "Oven|bake|1.0.0 is still held for job 7 when all is over."


@pytest.mark.parametrize(
    ("sent_s", "fine"),
    [(3.0, True), (4.4, True), (4.7, False), (6.9, False), (7.1, True)],
)
def test_a_command_that_left_with_an_open_guard_is_found(bakery, tmp_path, sent_s, fine):
    """It fell at 4 s and rose at 7 s; half a second is how long it counts on."""
    arrives(tmp_path, "oven", sent_s)
    log = (shown(0), shown(4, signals=0), shown(7))
    assert (judged(bakery, tmp_path, controller=log) == ()) is fine


def test_a_question_and_a_repeated_request_of_the_network_are_no_commands(bakery, tmp_path):
    arrives(tmp_path, "oven", 5, method="GET")
    row = Arrived(operation="bake", method="POST", key="k", sent_at=Instant(0), at=Instant(T0))
    with (tmp_path / "oven.arrivals").open("ab") as file:
        file.write(msgspec.json.encode(row) + b"\n")
    assert judged(bakery, tmp_path, controller=(shown(0, signals=0),)) == ()


def test_a_command_that_nothing_permits_is_found(bakery, tmp_path):
    arrives(tmp_path, "order-desk", 5)
    (said,) = judged(bakery, tmp_path)
    assert "nothing permits it" in said


def test_signals_of_a_hung_a_standing_or_a_doubtful_controller_are_not_good():
    assert good_spans((shown(0, state="stopped"), shown(1, sound=0)), 0, SECOND) == ()
    (span,) = good_spans((shown(0, beats=False),), 0, SECOND)
    assert span == (T0, T0 + SECOND)
    assert CELL in RULES.controllers
