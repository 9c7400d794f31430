"""The goal language: both forms say the same, every fault is told with its place."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR
from fabloop.base.period import Period
from fabloop.model.documents.goal_structs import (
    EventEntry,
    GoalEntry,
    GoalsDocument,
    KpiGoalEntry,
    SubjectEntry,
)
from fabloop.model.documents.goal_text import CONTEXT, read_goals, text_of
from fabloop.model.goal import (
    Always,
    AtMost,
    By,
    CalendarSpan,
    HoldsAt,
    MeanTime,
    NotBefore,
    Parts,
    Precedes,
    Relation,
    Share,
    Source,
    Within,
)
from fabloop.model.ids import GoalId

HEAD = """goals bakery version 7
zone Europe/Rome
subject order: business key of process bake
subject muffin within order: muffin.qr of process bake
event fulfilled(order): completion of "hand over" in bake
event burnt(muffin): failure of cook when heat > 300
"""


def faults(text: str) -> list[str]:
    with pytest.raises(Invalid) as found:
        read_goals("x.goals", text.encode())
    return [each.sentence() for each in found.value.faults]


@pytest.mark.parametrize(
    ("written", "statement"),
    [
        (
            "fulfilled within 36 h of received",
            Within(
                what="fulfilled(order)", span=Period(duration_ns=36 * HOUR), after="received(order)"
            ),
        ),
        (
            "fulfilled(order) within 2 calendar days of received(order)",
            Within(what="fulfilled(order)", span=Period(days=2), after="received(order)"),
        ),
        (
            "done at least 30 min after fulfilled",
            NotBefore(
                what="done(order)", span=Period(duration_ns=HOUR // 2), after="fulfilled(order)"
            ),
        ),
        ("fulfilled before done", Precedes(what="fulfilled(order)", before="done(order)")),
        ("done by promised + duration(\"PT1H\")",
         By(what="done(order)", by='promised + duration("PT1H")')),
        ("never cancelled", AtMost(what="cancelled(order)")),
        ("fulfilled at most 3 times", AtMost(what="fulfilled(order)", times=3)),
        ("always heat < 300 or paused", Always(condition="heat < 300 or paused")),
        ("at done, weight >= 0.4", HoldsAt(what="done(order)", condition="weight >= 0.4")),
        ("any part", Parts(least=1)),
        ("all parts", Parts()),
        ("at least 1 part", Parts(least=1)),
    ],
)  # fmt: skip
def test_each_form_of_a_statement_is_read(written: str, statement: object):
    more = "goal part-1 for each order, part of G1: never cancelled\n"
    found = read_goals("x", f"{HEAD}{more}goal G1 for each order: {written}\n".encode())
    assert found.goals[GoalId("G1")].statement == statement


def test_a_goal_says_what_it_serves_and_when_it_warns():
    text = (
        HEAD
        + """
goal G1 "in time: always" for each order warn at 20 %: fulfilled within 36 h of received
goal G1.1 needed for G1, for each muffin:
    never burnt(muffin)   # of any cause
kpi K1 "on time": share of orders with G1 >= 95 % over the week
kpi K2: mean time from received(order) to fulfilled(order) < 1 d over each month
"""
    )
    found = read_goals("x", text.encode())
    whole, part = found.goals[GoalId("G1")], found.goals[GoalId("G1.1")]
    assert (whole.title, whole.warn_at) == ("in time: always", 0.2)
    assert (part.part_of, part.needed, part.subject) == ("G1", True, "muffin")
    first, second = found.kpis.values()
    assert (first.measure, first.relation, first.limit) == (
        Share(goal=GoalId("G1")), Relation.AT_LEAST, 0.95,
    )  # fmt: skip
    assert isinstance(second.measure, MeanTime)
    assert (second.limit, second.over) == (86_400.0, CalendarSpan.MONTH)
    event = found.events["burnt(muffin)"]
    assert (event.source, event.node, event.when) == (Source.FAILURE, "cook", "heat > 300")
    assert found.events["fulfilled(order)"].node == "hand over"


def test_every_fault_is_told_with_its_line():
    told = faults(
        HEAD
        + """goal G1 for each ordr: fulfilled within 36 h of received
goal G2 for each order: fulfiled within 36 h of received
goal G2 for each order: fulfilled within 3 kg of received
goal G3 for each order, part of G9: never cancelled
goal G4 for each order: always heat <
goal G5 for each order: soon
goal G6 for each order, warn at 120 %: never cancelled
kpi K1: share of orders with G99 >= 195 % over the week
kpi K2: hopes of orders over the week
whatever
subject box within nowhere: box_id
goal G7 for each order: at least 2 parts
"""
    )
    lines = {each.split(":")[0] for each in told}
    assert {f"x.goals line {number}" for number in range(7, 19)} == lines
    assert any("Did you mean 'order'?" in each for each in told)
    assert any("Did you mean 'fulfilled(order)'" in each for each in told)
    assert any("FEEL" in each for each in told)


def test_goals_in_a_ring_and_subjects_in_a_ring_are_faults():
    told = faults("""goals g version 1
subject a within b: a_id
subject b within a: b_id
goal G1 for each a, part of G2: never cancelled
goal G2 for each a, part of G1: never cancelled
""")
    assert any("not within themselves" in each for each in told)
    assert any("no part of themselves" in each for each in told)


def test_text_and_json_say_the_same():
    document = GoalsDocument(
        version="7",
        context=CONTEXT,
        id="bakery",
        time_zone="Europe/Rome",
        subjects=(SubjectEntry(name="order", process="bake"),),
        events=(
            EventEntry(
                name="fulfilled", subject="order", happens="completion of out", when="ok = true"
            ),
        ),
        goals=(
            GoalEntry(
                id="G1", title="fast", each="order", statement="fulfilled within 1 h of done"
            ),
            GoalEntry(id="G2", each="order", statement="any part", warn_at="10 %"),
            GoalEntry(id="G3", each="order", statement="never cancelled", part_of="G2"),
        ),
        kpis=(KpiGoalEntry(id="K1", measure="share of orders with G1 > 90 % over each day"),),
    )
    data = msgspec.json.encode(document)
    assert json.loads(data)["document"] == "goals"
    assert read_goals("a.json", data) == read_goals("a.goals", text_of(document).encode())


@given(st.text(max_size=200))
def test_whatever_is_written_is_read_or_refused(text: str):
    with suppress(Invalid):
        read_goals("x", (HEAD + text).encode())


WORDS = ("goal", "kpi", "G1", "for each order", "part of G1", ":", "never", "done", "(", ")",
         "within", "36 h", "of", "received", "by", "at most", "3 times", '"', ",", ">= 95 %",
         "share of orders with G1", "over the week", "subject", "event", "when", "\n", "#",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_whatever_words_come_together_are_read_or_refused(words: list[str]):
    with suppress(Invalid):
        read_goals("x", (HEAD + " ".join(words)).encode())
