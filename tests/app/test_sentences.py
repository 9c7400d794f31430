"""Every code has a sentence, and sentences carry values, ages, sources and limits."""

from enum import StrEnum

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.account import refusal_texts
from fabloop.app.option_words import OPTIONS
from fabloop.app.sentences import (
    REASONS,
    age_text,
    evidence_text,
    labels_of,
    money_text,
    option_sentence,
    sentence,
)
from fabloop.app.value_texts import in_zone
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.base.quantity import Dimension
from fabloop.model import explanation as nouns
from fabloop.model.explanation import Evidence, Explanation, Option, OptionCode, ReasonCode
from fabloop.model.facts import OrderRefused
from fabloop.model.ids import OrderId
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.producible import check, impact
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    kpis,
    operation,
    order,
    random_instance,
    tpe,
    vocabulary,
)

CODES = [
    each
    for each in vars(nouns).values()
    if isinstance(each, type) and issubclass(each, StrEnum) and each.__name__.endswith("Code")
]


def test_every_code_has_a_sentence_and_every_sentence_a_code():
    known = {str(code) for enum in CODES for code in enum}
    assert {str(each) for each in (*REASONS, *OPTIONS)} == known


def codes_in(answer):
    reasons = [each for exclusion in answer.exclusions for each in exclusion.reasons]
    options = []
    if isinstance(answer, NotProducible):
        reasons += [each for conflict in answer.conflicts for each in conflict]
        options = [one for each in answer.options for one in (each, *each.also)]
    return reasons, options


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_whatever_the_planner_says_can_be_read_without_a_gap(seed):
    request, plant, values = random_instance(seed, units=3)
    reasons, options = codes_in(check(request, plant, vocabulary(), values, NOW))
    for text in [*(sentence(each, NOW) for each in reasons), *map(option_sentence, options)]:
        assert text.endswith((".", ")."))
        assert "–" not in text
        assert "None" not in text


def test_a_worn_machine_reads_with_value_age_source_and_limit():
    plant, values = graz_and_vienna(graz_tpe=12e-6)
    request = gear()
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6, at=NOW - 2 * HOUR))}
    (reason,) = impact(answer.plans[0], request.product, plant, vocabulary(), worn, NOW)
    assert sentence(reason, NOW) == (
        "ream-a may no longer be done on g-ream: 16.2 µm, measured 2 h ago by tpe/1, limit 15 µm."
    )
    later = check(request, plant, vocabulary(), worn, NOW)
    (excluded,) = [each for each in later.exclusions if each.work_unit == "g-ream"]
    assert sentence(excluded.reasons[0], NOW) == (
        "g-ream: tpe 16.2 µm, measured 2 h ago by tpe/1, limit 15 µm."
    )


def test_a_refusal_and_its_options_read_like_sentences():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6, vienna_tpe=17e-6)
    answer = check(gear(), plant, vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)
    assert sentence(answer.conflicts[0][0], NOW) == (
        "ream-a: 0 of 2 work units that offer ream meet tpe. Nearest: "
        "g-ream: 16.2 µm, measured 1 h ago by tpe/1, limit 15 µm; "
        "v-ream: 17 µm, measured 1 h ago by tpe/1, limit 15 µm."
    )
    texts = [option_sentence(each) for each in answer.options]
    assert texts[0] == (
        "Change tpe of ream-a from 15 µm to 16.2 µm; the product then costs 108.96 EUR."
    )
    assert texts[1] == (
        "Maintain g-ream until its tpe is 15 µm instead of 16.2 µm; "
        "the product then costs 108.96 EUR."
    )


def test_changes_that_belong_together_are_one_sentence():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6, vienna_tpe=17e-6)
    request = order(operation("a", "mill", size=0.6), operation("b", "ream", "a", tpe=15e-6))
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)
    text = option_sentence(answer.options[0])
    assert "change size of a from 600 mm to 500 mm" in text.lower()
    assert "change tpe of b from 15 µm to 16.2 µm" in text.lower()
    assert " and change " in text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW - 2 * HOUR, "2 h ago"),
        (NOW - 2 * DAY - HOUR, "2 d 1 h ago"),
        (NOW, "0 s ago"),
        (NOW + 5 * MINUTE, "5 min ahead of now"),
    ],
)
def test_ages_are_spans_before_now(at, text):
    assert age_text(Instant(at), NOW) == text


def test_words_tell_every_instant_in_one_zone():
    told = (
        "back at 2026-09-09T15:51:08Z, wanted by 2026-09-09T05:04:00+02:00, asked 2026-02-31T01:00Z"
    )
    assert in_zone(told, "Europe/Rome") == (
        "back at 2026-09-09 17:51, wanted by 2026-09-09 05:04, asked 2026-02-31T01:00Z"
    )


def test_a_value_that_is_not_known_is_told_as_unknown_with_what_it_must_be():
    evidence = Evidence(subject="g", parameter="guard", relation="is", limit="true", source="a plc")
    assert evidence_text(evidence, NOW) == "unknown, by a plc, must be true"


def test_a_data_sheet_value_says_so():
    evidence = Evidence(
        subject="m",
        parameter="tpe",
        value=2e-5,
        limit=1.5e-5,
        dimension=Dimension.LENGTH,
        source="data sheet",
    )
    assert evidence_text(evidence, NOW) == "20 µm, from the data sheet, limit 15 µm"


@pytest.mark.parametrize(
    ("minor", "text"),
    [(0, "0.00 EUR"), (5, "0.05 EUR"), (10896, "108.96 EUR"), (-150, "-1.50 EUR")],
)
def test_money_has_two_decimals(minor, text):
    assert money_text(minor, "EUR") == text


def test_an_unknown_code_is_shown_not_hidden():
    strange = Explanation(code="odd", subject="x", details={"a": "b"})
    assert sentence(strange, NOW) == "odd: x a b"
    assert option_sentence(Option(code="odd", subject="x")) == "Odd x (not verified)."


def test_options_of_an_explanation_follow_its_sentence():
    option = Option(code=OptionCode.RELEASE_UNIT, subject="m", verified=True)
    reason = Explanation(code=ReasonCode.UNIT_UNAVAILABLE, subject="m", options=(option,))
    assert sentence(reason, NOW) == "m is not available. Make m available."


def test_labels_stand_in_for_ids_where_they_are_known():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6, vienna_tpe=17e-6)
    request = gear()
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)
    labels = {**labels_of(plant, request.product), "g-ream": "SPINNER", "ream-a": "Ream the part"}
    assert "SPINNER: 16.2 µm" in sentence(answer.conflicts[0][0], NOW, labels)
    assert option_sentence(answer.options[0], labels).startswith("Change tpe of Ream the part from")


def test_a_missing_person_is_told_without_figures():
    plant, values = graz_and_vienna()
    empty = msgspec.structs.replace(plant.sites["graz"], persons=())
    without = msgspec.structs.replace(plant, sites={**plant.sites, "graz": empty})
    answer = check(gear(), without, vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)
    assert sentence(answer.conflicts[0][0], NOW) == (
        "clean: 0 of 1 work units that offer clean have a person for it."
    )
    assert option_sentence(answer.options[0]).startswith(
        "Have a person with the skill assembler at graz"
    )


def test_a_refusal_says_where_there_may_be_more_conflicts():
    for complete in (True, False):
        answer = NotProducible(conflicts=(), options=(), complete=complete)
        refused = OrderRefused(order=OrderId("o"), answer=answer)
        told = list(refusal_texts(refused, NOW, {}))
        assert told == ([] if complete else ["There may be more conflicts than these."])


def test_a_site_without_a_tool_is_called_by_its_label():
    missing = Explanation(
        code=ReasonCode.TOOL_MISSING, subject="d1", details={"site": "linz", "tool": "fixture F7"}
    )
    assert sentence(missing, NOW, {"linz": "Linz"}) == "Linz has no fixture F7."


def test_a_shift_that_never_meets_the_hours_of_a_machine_is_told_without_a_span_of_nothing():
    details = {"site": "Graz", "skill": "welding", "takes": "2 h", "open": "0 s"}
    told = Explanation(code=ReasonCode.SHIFT_TOO_SHORT, subject="cell-2", details=details)
    assert "nobody with the skill welding is at Graz" in sentence(told, Instant(0))
    some = msgspec.structs.replace(told, details={**details, "open": "1 h"})
    assert "is there for 1 h at a stretch" in sentence(some, Instant(0))


def test_the_best_plan_is_told_with_what_makes_its_price():
    whole = Evidence(subject="request", parameter="cost_max_minor", value=179_675.0, limit=10_000)
    step = Evidence(subject="mill", parameter="cost_max_minor", value=12_534.0, source="nlx")
    told = Explanation(
        code=ReasonCode.WISH_BEST,
        subject="cost_max_minor",
        details={"wish": "cost_max_minor", "currency": "EUR", "moves": "11240"},
        evidence=(whole, step),
    )
    assert sentence(told, NOW, {"mill": "Mill base", "nlx": "NLX 2500"}) == (
        "The cheapest plan costs 1796.75 EUR; most of it: Mill base on NLX 2500 125.34 EUR, "
        "moving 112.40 EUR."
    )
    bound = msgspec.structs.replace(whole, relation="at least", value=150_000.0)
    found = msgspec.structs.replace(told, evidence=(whole, bound, step))
    assert sentence(found, NOW, {"mill": "Mill base", "nlx": "NLX 2500"}).startswith(
        "The cheapest plan found costs 1796.75 EUR (none costs less than 1500.00 EUR); most of it"
    )


def test_what_a_site_lacks_is_told_with_who_comes_nearest():
    lacks = Explanation(
        code=ReasonCode.SITE_LACKS,
        subject="graz",
        details={"count": "3", "of": "27", "skills": "clean (2)"},
    )
    assert sentence(lacks, NOW, {"graz": "Graz"}) == (
        "Graz cannot do 3 of 27 operations; nobody there offers clean (2)."
    )
    near = Evidence(
        subject="u630",
        parameter="tpe",
        value=16.2e-6,
        limit=15e-6,
        dimension=Dimension.LENGTH,
        at=Instant(NOW - 2 * HOUR),
        source="tpe/1",
    )
    misses = Explanation(
        code=ReasonCode.SITE_MISSES, subject="ream", details={"site": "graz"}, evidence=(near,)
    )
    assert sentence(misses, NOW) == (
        "ream: nearest at graz is u630: tpe 16.2 µm, measured 2 h ago by tpe/1, limit 15 µm."
    )


def test_what_nobody_else_can_do_is_told():
    alone = Explanation(
        code=ReasonCode.WISH_LEAVES_NOBODY,
        subject="ream",
        details={"wish": "forbidden_sites.graz", "skill": "reaming", "more": "2"},
    )
    assert sentence(alone, NOW) == (
        "ream: nobody else can do it; no other work unit offers reaming. "
        "The same goes for 2 more operations."
    )
    sole = Explanation(
        code=ReasonCode.SITE_ONLY, subject="graz", details={"count": "5", "labels": "a; b; c"}
    )
    assert sentence(sole, NOW) == "Only graz can do: a; b; c and 2 more."
