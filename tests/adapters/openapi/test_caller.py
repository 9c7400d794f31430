import socket

import msgspec
import pytest

from fabloop.adapters.openapi import Answered, Caller, Failed, Failure, Patience
from fabloop.base.errors import Conflict, Invalid
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.run.gate import simulated
from fabloop.run.permissives import Withheld
from fabloop.services.descriptions import read
from moody_server import moody_server
from service_documents import OVEN

QUICK = Patience(timeout_s=0.3, attempts=3, backoff_s=0.5)

DOSING = b"""
openapi: 3.1.0
info: {title: Dosing machine, version: "1"}
paths:
  /dose:
    post:
      operationId: dose
      parameters:
        - {name: Idempotency-Key, in: header, required: true, schema: {type: string}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [ingredients]
              properties:
                ingredients: {type: array, items: {type: string}}
      responses:
        "200":
          content:
            application/json:
              schema:
                type: object
                required: [mass]
                properties:
                  mass: {type: string, x-fabloop: {concept: mass, unit: kg}}
"""


@pytest.fixture
def served():
    pauses = []
    with (
        moody_server() as (mood, url),
        Caller(QUICK, pause=pauses.append, gate=simulated) as caller,
    ):
        mood.pauses = pauses
        yield mood, url, caller


def operation(document, name, url):
    service = msgspec.structs.replace(read("document", document).service, base_url=url)
    return service, next(each for each in service.operations if each.name == name)


def slowdown(url):
    return operation(OVEN, "slowdown", url)


def bake(url):
    return operation(OVEN, "bake", url)


BAKING = {"batch": "b 1/2", "temperature": 180, "pieces": 500}


def test_values_go_where_the_description_says_and_outputs_come_back_by_name(served):
    mood, url, caller = served
    mood.says("/slowdown", (200, {"delay": 33.3, "noise": 1}))
    mood.says("/bake/b%201%2F2", (202, b""))
    assert caller.call(*slowdown(url), {}) == Answered(
        values={"delay": 33.3}, status=200, attempts=1
    )
    assert caller.call(*bake(url), BAKING) == Answered(values={}, status=202, attempts=1)
    (request,) = mood.asked("/bake/b%201%2F2")
    assert msgspec.json.decode(request["body"]) == {"temperature": 180, "pieces": 500}


def test_values_that_the_operation_does_not_take_are_refused_before_anything_is_sent(served):
    mood, url, caller = served
    with pytest.raises(Invalid) as raised:
        caller.call(*bake(url), {"temprature": 180, "temperature": "hot", "batch": "b"})
    assert [each.path for each in raised.value.faults] == ["temprature", "temperature", "pieces"]
    assert "Did you mean 'temperature'" in raised.value.faults[0].hint
    assert raised.value.faults[1].expected == "a number in °C for 'temperature' (temperature)"
    assert mood.requests == []


@pytest.mark.parametrize(
    ("body", "expected", "found"),
    [
        ({"delay": "much"}, "a number", "'much'"),
        ({}, "the property 'delay'", "nothing"),
        ({"delay": -1}, "a number of at least 0", "-1"),
        ([33], "an object", "a list of 1"),
        (b"<html>", "JSON", "'<html>'"),
        (b"", "JSON", "an empty body"),
        (b'{"delay": 1, "delay": 40}', "each property of an object once", "'delay' again"),
        (b'{"delay": NaN}', "JSON", "NaN"),
    ],
)
def test_an_answer_that_is_not_as_described_says_what_is_wrong_with_it(
    served, body, expected, found
):
    mood, url, caller = served
    mood.says("/slowdown", (200, body))
    outcome = caller.call(*slowdown(url), {})
    assert isinstance(outcome, Failed)
    assert outcome.failure is Failure.NOT_AS_DESCRIBED
    assert any(expected in each.expected and found in each.found for each in outcome.faults)
    assert "answer of oven.slowdown" in outcome.message
    assert len(mood.requests) == 1


def test_a_quantity_that_tells_its_unit_is_converted_and_another_dimension_is_a_lie(served):
    mood, url, caller = served
    mood.says("/dose", (200, {"mass": "750 g"}), (200, {"mass": "7 m"}))
    dose = operation(DOSING, "dose", url)
    first = caller.call(*dose, {"ingredients": ["egg"]}, key="1")
    assert isinstance(first, Answered)
    assert first.values == {"mass": "0.75 kg"}
    second = caller.call(*dose, {"ingredients": ["egg"]}, key="2")
    assert isinstance(second, Failed)
    assert "a unit of mass, not of length" in second.message


def test_what_is_idempotent_is_tried_again_with_growing_pauses_until_it_works(served):
    mood, url, caller = served
    mood.says("/slowdown", (500, b"oops"), "hang up", (200, {"delay": 1}))
    outcome = caller.call(*slowdown(url), {})
    assert isinstance(outcome, Answered)
    assert outcome.attempts == 3
    assert mood.pauses == [0.5, 1.0]


def test_a_service_that_keeps_failing_is_given_up_with_its_own_words(served):
    mood, url, caller = served
    mood.says("/slowdown", (503, b"out of order"))
    outcome = caller.call(*slowdown(url), {})
    assert isinstance(outcome, Failed)
    assert (outcome.failure, outcome.status, outcome.attempts) == (Failure.OUT_OF_ORDER, 503, 3)
    assert "status 503: out of order (tried 3 times)" in outcome.message


@pytest.mark.parametrize("answer", ["silence", "half"])
def test_a_service_that_never_answers_is_left_after_the_time_limit(served, answer):
    mood, url, caller = served
    mood.says("/slowdown", answer)
    outcome = caller.call(*slowdown(url), {}, patience=Patience(timeout_s=0.2, attempts=2))
    assert isinstance(outcome, Failed)
    assert (outcome.failure, outcome.attempts) == (Failure.NEVER_ANSWERED, 2)
    assert "an answer within 0.2 s" in outcome.message


@pytest.mark.parametrize("answer", [(500, b""), "hang up", "silence"])
def test_what_may_have_happened_already_is_not_done_again(served, answer):
    mood, url, caller = served
    mood.says("/bake/b", answer)
    outcome = caller.call(*bake(url), {**BAKING, "batch": "b"})
    assert isinstance(outcome, Failed)
    assert outcome.may_have_happened
    assert "look before you try again" in outcome.message
    assert len(mood.requests) == 1


def test_with_a_key_that_the_service_takes_it_is_tried_again_under_the_same_key(served):
    mood, url, caller = served
    mood.says("/dose", "hang up", (500, b""), (200, {"mass": "1 kg"}))
    outcome = caller.call(*operation(DOSING, "dose", url), {"ingredients": ["egg"]}, key="k-1")
    assert isinstance(outcome, Answered)
    assert [each["headers"]["Idempotency-Key"] for each in mood.requests] == ["k-1"] * 3


def test_a_key_that_the_service_does_not_take_makes_nothing_repeatable(served):
    mood, url, caller = served
    mood.says("/bake/b", (500, b""))
    caller.call(*bake(url), {**BAKING, "batch": "b"}, key="k-1")
    assert len(mood.requests) == 1


def test_a_duplicate_of_an_answered_call_is_not_sent_and_gets_the_same_answer(served):
    mood, url, caller = served
    mood.says("/dose", (200, {"mass": "1 kg"}), (200, {"mass": "2 kg"}))
    dose = operation(DOSING, "dose", url)
    first = caller.call(*dose, {"ingredients": ["egg"]}, key="k")
    second = caller.call(*dose, {"ingredients": ["egg"]}, key="k")
    assert isinstance(second, Answered)
    assert second.values == first.values
    assert second.remembered
    assert len(mood.requests) == 1
    with pytest.raises(Conflict, match="Use another key"):
        caller.call(*dose, {"ingredients": ["milk"]}, key="k")


def test_what_is_put_off_is_tried_again_when_the_service_says_even_if_not_idempotent(served):
    mood, url, caller = served
    mood.says("/bake/b", (503, b"", ("Retry-After", "7")), (429, b""), (202, b""))
    outcome = caller.call(*bake(url), {**BAKING, "batch": "b"})
    assert isinstance(outcome, Answered)
    assert mood.pauses == [7.0, 1.0]


@pytest.mark.parametrize("status", [404, 409, 422, 302])
def test_a_refusal_is_final(served, status):
    mood, url, caller = served
    mood.says("/slowdown", (status, b"no such oven"))
    outcome = caller.call(*slowdown(url), {})
    assert isinstance(outcome, Failed)
    assert (outcome.failure, outcome.may_have_happened) == (Failure.REFUSED, False)
    assert len(mood.requests) == 1


def test_nobody_at_home_is_tried_again_and_nothing_has_happened(served):
    _, _, caller = served
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = caller.call(*bake(f"http://127.0.0.1:{port}"), {**BAKING, "batch": "b"})
    assert isinstance(outcome, Failed)
    assert (outcome.failure, outcome.attempts) == (Failure.UNREACHABLE, 3)
    assert "Nothing was carried out" in outcome.message


def test_an_answer_without_end_is_cut_off(served):
    mood, url, caller = served
    mood.says("/slowdown", (200, b" " * (5 * 1024 * 1024)))
    outcome = caller.call(*slowdown(url), {})
    assert isinstance(outcome, Failed)
    assert "at most 4096 KiB" in outcome.message


# -- the gate ------------------------------------------------------------------------------------

BECAUSE = Explanation(code=SafetyCode.SIGNAL_CONTRARY, subject="Oven")


def gate_that_closes(after):
    """Return a gate that lets so many commands pass, and what it was asked."""
    asked = []

    def gate(target):
        asked.append(target.name)
        return Withheld(reasons=(BECAUSE,)) if len(asked) > after else simulated(target)

    return gate, asked


def test_a_withheld_command_is_not_sent_and_the_reasons_are_told(served):
    mood, url, _ = served
    mood.says("/bake/b%201%2F2", (202, b""))
    gate, asked = gate_that_closes(0)
    service, baking = bake(url)
    with Caller(QUICK, pause=mood.pauses.append, gate=gate) as caller:
        outcome = caller.call(service, baking, BAKING)
    assert (outcome.failure, outcome.attempts) == (Failure.WITHHELD, 0)
    assert (outcome.reasons, outcome.may_have_happened) == ((BECAUSE,), False)
    assert "signal-contrary Oven" in outcome.message
    assert asked == [f"{service.id}/{baking.name}"]
    assert mood.asked("/bake/b%201%2F2") == []


def test_each_attempt_is_judged_by_itself(served):
    mood, url, _ = served
    mood.says("/bake/b%201%2F2", (503, b""), (202, b""))
    gate, asked = gate_that_closes(1)
    service, baking = bake(url)
    again = msgspec.structs.replace(baking, idempotent=True)
    with Caller(QUICK, pause=mood.pauses.append, gate=gate) as caller:
        outcome = caller.call(service, again, BAKING)
    assert (outcome.failure, outcome.attempts) == (Failure.WITHHELD, 1)
    assert outcome.may_have_happened
    assert len(mood.asked("/bake/b%201%2F2")) == 1
    assert len(asked) == 2
