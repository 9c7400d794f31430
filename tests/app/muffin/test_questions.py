"""Questions of the bakery: answered from another process, put anew when something else happens."""

import json
import re

import pytest

from fabloop.app.muffin.answers import ANSWERS_FILE, give, open_questions
from fabloop.app.muffin.documents import FOLDER
from fabloop.app.muffin.kpis import courses_of
from fabloop.app.muffin.play import begin_week, resume_week
from fabloop.app.service_runtime.facts import (
    AnswerRefused,
    Deviated,
    PersonAnswered,
    PersonAsked,
    QuestionWithdrawn,
    RepairApproved,
    RepairEnacted,
    RungTried,
)
from fabloop.base.errors import NotFound, NotPermitted
from fabloop.base.instant import HOUR
from fabloop.cli.adapt_repair import answer_question, tell_questions
from small_bakery import settings_of, small_bakery

LEAD = "shift lead"


def asking(folder, mishap, **changes):
    """A bakery in which every repair costs too much to be done unasked."""
    burnt = {"device": "oven", "load": [1, 1], "share": [0.3, 0.3], "reason": "The sensor failed."}
    scenarios = {"burnt": {"mishaps": [{**burnt, **mishap}], "delays": []}}
    documents = small_bakery(folder, orders_per_day=(0,), scenarios=scenarios, **changes)
    file = documents / "adaptation-policy.json"
    policy = json.loads(file.read_bytes())
    repair = next(each for each in policy["rungs"] if each["rung"] == "repair")
    repair |= {"automatic_cost": "0.00 EUR", "answer_within": "3 h"}
    file.write_text(json.dumps(policy))
    return documents


def resumed(folder):
    week = resume_week(folder)
    try:
        week.play()
        facts = [fact for _, fact in week.log.history]
        return facts, courses_of(week.log.history, week.bakery)
    finally:
        week.close()


def of(facts, kind):
    return [each for each in facts if isinstance(each, kind)]


def test_a_question_is_answered_from_another_process_and_the_week_goes_on(tmp_path, capsys):
    documents = asking(tmp_path, {"repair_hours": [4, 4]})
    folder = tmp_path / "data"
    week = begin_week(folder, settings_of(documents))
    week.play(to_question=True)
    assert week.questions()
    tell_questions(folder, as_json=False)  # while the week is open here
    told = capsys.readouterr().out
    assert "shift lead is asked which way out is wanted" in told
    assert "Without an answer until" in told
    assert not re.search(r"\d{4}-\d\d-\d\dT", told), "an instant of another zone"
    with pytest.raises(NotPermitted, match="--as"):
        give(folder, "batch-001", "1", "eva", "")
    with pytest.raises(NotFound, match="none"):
        give(folder, "batch-001", "9", "eva", LEAD)
    with pytest.raises(NotFound, match="batch-001"):
        give(folder, "batch-999", "1", "eva", LEAD)
    week.close()
    answer_question(folder, "batch-001", "2", "eva", LEAD, as_json=False)
    assert "eva wants" in capsys.readouterr().out
    (asked,) = of([each.asked for each in open_questions(folder)], PersonAsked)
    facts, courses = resumed(folder)
    (answer,) = of(facts, PersonAnswered)
    assert (answer.by, answer.offer, answer.number) == ("eva", asked.options[1], 1)
    assert [each.by for each in of(facts, RepairApproved)] == ["eva"]
    assert of(facts, RepairEnacted)
    assert all(each.delivered_at for each in courses)
    assert open_questions(folder) == ()


def test_an_answer_to_what_is_asked_no_more_is_told_and_does_nothing(tmp_path):
    documents = asking(tmp_path, {"repair_hours": [4, 4]})
    folder = tmp_path / "data"
    week = begin_week(folder, settings_of(documents))
    week.play(to_question=True)
    week.close()
    for _ in range(2):
        give(folder, "batch-001", "none", "eva", LEAD)
    with (folder / ANSWERS_FILE).open("ab") as file:
        file.write(b'{"repair": "r1", "offer')  # half a line, as a power cut leaves it
    facts, courses = resumed(folder)
    assert [each.number for each in of(facts, PersonAnswered)] == [1]
    (refused,) = of(facts, AnswerRefused)
    assert (refused.number, refused.by) == (2, "eva")
    assert "from 'owner'" in refused.why
    assert {bool(each.refused) for each in courses if each.burnt} == {True}


def test_two_deviations_of_one_batch_at_once_are_one_case_and_the_question_is_put_anew(tmp_path):
    story = json.loads((FOLDER / "story.json").read_bytes())
    known = {**story["orders"][0], "boxes": 1}
    orders = [
        {**known, "dough": "plain", "additions": ["honey"], "after_minutes": 1},
        {**known, "after_minutes": 30},
    ]
    mishap = {"share": [0.0, 0.0], "repair_hours": [40, 40], "later": [1.5, 5]}
    documents = asking(tmp_path, mishap, orders=orders)
    folder = tmp_path / "data"
    week = begin_week(folder, settings_of(documents))
    week.play(to_question=True)
    (first,) = week.questions()
    withdrawn = []
    while not withdrawn:  # until the oven tells that it is back later still
        week.play(until=week.clock.now() + HOUR)
        withdrawn = of(week.log.facts(), QuestionWithdrawn)
    (second,) = week.questions()
    week.close()
    assert (withdrawn[0].repair, withdrawn[0].because) == (first, second)
    assert [each.repair for each in of(week.log.facts(), Deviated)] == [first, second]
    assert [each.asked.repair for each in open_questions(folder)] == [second]
    give(folder, second, "1", "eva", LEAD)
    facts, courses = resumed(folder)
    assert [each.repair for each in of(facts, RepairEnacted)] == [second]
    taken = [each for each in of(facts, RungTried) if each.helps and each.repair == second]
    assert [each.rung for each in taken] == ["repair"]
    assert len(taken[0].lower) == 4
    assert all(each.delivered_at for each in courses)
