"""A service that may have done something without saying so is not replaced by another one."""

import httpx
import msgspec

from fabloop.app.muffin.kpis import courses_of
from fabloop.app.muffin.play import begin_week
from fabloop.app.service_runtime.errands import RETRIES_MAX
from fabloop.app.service_runtime.facts import CallTroubled
from fabloop.base.instant import HOUR, Instant
from small_bakery import settings_of, small_bakery


def test_a_load_whose_answers_are_lost_is_baked_once_and_by_the_same_oven(tmp_path):
    documents = small_bakery(
        tmp_path, orders_per_day=(0,), scenarios={"burnt": {"mishaps": [], "delays": []}}
    )
    week = begin_week(tmp_path / "data", settings_of(documents))
    try:
        week.play(until=Instant(week.bakery.begins_at + HOUR))
        trouble = {"kind": "lost", "times": RETRIES_MAX + 2}
        httpx.post(f"{week.fleet.url('oven')}/_troubles", content=msgspec.json.encode(trouble))
        week.play()
        history, courses = week.log.history, courses_of(week.log.history, week.bakery)
    finally:
        week.close()
    lost = [
        fact for _, fact in history
        if isinstance(fact, CallTroubled) and (fact.service, fact.operation) == ("oven", "bake")
    ]  # fmt: skip
    assert len(lost) >= RETRIES_MAX
    assert {each.rung for each in lost} == {"retry"}
    assert all(each.delivered_at for each in courses)
    begun = [
        file.stem for file in (tmp_path / "data").glob("*.jsonl")
        if b'"operation":"bake' in file.read_bytes()
    ]  # fmt: skip
    assert begun == ["oven"]
