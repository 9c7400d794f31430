"""A service that may have done something without saying so is not replaced by another one."""

import httpx
import msgspec

from fabloop.app.muffin.kpis import courses_of
from fabloop.app.muffin.play import begin_week
from fabloop.app.service_runtime.facts import CallTroubled, PersonAsked, RungTried
from fabloop.app.service_runtime.ladder import SAFE_DEFAULT
from fabloop.base.instant import HOUR, Instant
from small_bakery import settings_of, small_bakery

ATTEMPTS = 6
"""As the policy of the bakery has it."""


def test_a_load_whose_answers_are_lost_is_baked_once_and_by_the_same_oven(tmp_path):
    documents = small_bakery(
        tmp_path, orders_per_day=(0,), scenarios={"burnt": {"mishaps": [], "delays": []}}
    )
    week = begin_week(tmp_path / "data", settings_of(documents))
    try:
        week.play(until=Instant(week.bakery.begins_at + HOUR))
        trouble = {"kind": "lost", "times": ATTEMPTS + 2}
        httpx.post(f"{week.fleet.url('oven')}/_troubles", content=msgspec.json.encode(trouble))
        week.play()
        history, courses = week.log.history, courses_of(week.log.history, week.bakery)
    finally:
        week.close()
    lost = [
        fact for _, fact in history
        if isinstance(fact, CallTroubled) and (fact.service, fact.operation) == ("oven", "bake")
    ]  # fmt: skip
    assert len(lost) >= ATTEMPTS
    assert {each.rung for each in lost} == {"retry", "ask"}
    baking = next(each.job for each in lost)
    told = [f for _, f in history if isinstance(f, RungTried) and f.repair == f"c{baking}"]
    assert [(each.rung, each.helps) for each in told] == [
        ("retry", False), ("rebind", False), (SAFE_DEFAULT, True), (SAFE_DEFAULT, True),
    ]  # fmt: skip
    assert 1 < told[0].attempts <= ATTEMPTS
    assert "its lease" in told[0].why
    assert "would do it twice" in told[1].why
    assert "it has answered" in told[3].why
    assert [each.partition(":")[0] for each in told[2].lower] == ["retry", "rebind"]
    asked = next(f for _, f in history if isinstance(f, PersonAsked))
    assert (asked.who, asked.default) == ("owner", "hold")
    assert all(each.delivered_at for each in courses)
    begun = [
        file.stem for file in (tmp_path / "data").glob("*.jsonl")
        if b'"operation":"bake' in file.read_bytes()
    ]  # fmt: skip
    assert begun == ["oven"]
