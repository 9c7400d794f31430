"""Asked at the moment of a command, a controller confirms, refuses, or the command stays."""

from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import WorkUnitId
from fabloop.model.safety import (
    ControllerState,
    Permissive,
    Permit,
    Required,
    SafetyRules,
)
from fabloop.run.gate import VERDICTS_MAX, leaving
from fabloop.run.permissives import Permitted, Withheld, permits
from fabloop.run.permits import (
    Confirmed,
    Refused,
    Unanswered,
    claims_of,
    confirmed,
    permits_text,
)
from fabloop.run.safety_words import Claim, command_number, told_of, words_of
from fabloop.sim.safety import ControllerSettings, Heard, Panel, begin, step
from run.safety_rules import CELL, CLAMPED, GAUGE, GUARD, NOW, OVEN, PRESS, rules, view


def open_verdict():
    return permits(PRESS, rules(), view(), NOW)


def test_what_a_controller_confirms_may_leave_with_its_permit():
    answers = {CELL: Confirmed(at=NOW, permit=17, claim=4)}
    verdict = confirmed(open_verdict(), answers, rules())
    assert verdict.permits == (Permit(controller=CELL, number=17, claim=4),)
    assert permits_text(verdict.permits) == "cell=17/4"


def test_silence_and_a_refusal_each_withhold():
    for answer, code in (
        (Unanswered(), SafetyCode.NOT_CONFIRMED),
        (Refused(), SafetyCode.CLAIM_REFUSED),
    ):
        found = confirmed(open_verdict(), {CELL: answer}, rules())
        assert isinstance(found, Withheld)
        assert [each.code for each in found.reasons] == [code]


def test_a_confirmation_permits_nothing_that_was_withheld():
    withheld = Withheld(reasons=(Explanation(code=SafetyCode.SIGNAL_MISSING, subject="cell"),))
    assert confirmed(withheld, {CELL: Confirmed(at=NOW)}, rules()) is withheld


def test_a_claim_names_the_signals_that_a_command_requires():
    assert claims_of(PRESS, rules()) == {CELL: Claim(true=0b11, command=command_number(PRESS))}
    assert claims_of(OVEN, rules()) == {CELL: Claim(true=0b01, command=command_number(OVEN))}
    assert claims_of(GAUGE, rules()) == {}
    away = Required(signal=CLAMPED, wanted=False, fresh_ns=SECOND)
    unit = Permissive(
        work_unit=WorkUnitId("press"), requires=(Required(signal=GUARD, fresh_ns=SECOND), away)
    )
    mixed = SafetyRules(controllers=rules().controllers, permissives=(unit,))
    assert claims_of(PRESS, mixed) == {
        CELL: Claim(true=0b01, false=0b10, command=command_number(PRESS))
    }


def test_a_verdict_that_is_over_when_it_comes_is_asked_for_anew():
    asked = []

    def gate(target):
        asked.append(target)
        because = Explanation(code=SafetyCode.PERMITTED, subject=target.name)
        return Permitted(because=because, good_until_ns=2 if len(asked) < 3 else 9)

    assert isinstance(leaving(gate, PRESS, lambda: 5), Permitted)
    assert len(asked) == 3
    late = leaving(gate, PRESS, lambda: 9)
    assert [each.code for each in late.reasons] == [SafetyCode.VERDICT_TOO_SLOW]
    assert len(asked) == 3 + VERDICTS_MAX


# -- the controller's side ------------------------------------------------------------------------

SETTINGS = ControllerSettings(guards=0b01)
bits = st.integers(0, 3)
panels = st.builds(Panel, signals=bits, sound=bits, reset_presses=st.integers(0, 3))
claims = st.builds(Claim, number=st.integers(1, 9), permit=st.integers(1, 6), true=bits, false=bits)


@given(st.lists(st.tuples(panels, claims), max_size=12))
def test_a_controller_grants_only_what_holds_on_the_permit_that_is_claimed(turns):
    memory = begin(Panel(signals=0b11, sound=0b11))
    for number, (panel, claim) in enumerate(turns):
        before, heard = memory.told, Heard(claim=claim)
        new = claim != memory.heard.claim
        memory = step(memory, panel, heard, SETTINGS, Instant(NOW + number))
        told = memory.told
        if new and told.granted:
            assert told.state is ControllerState.RUNS
            assert (told.claim, told.permit) == (claim.number, claim.permit)
            assert told.signals & told.sound & claim.true == claim.true
            assert ~told.signals & told.sound & claim.false == claim.false
        fell = before.signals & before.sound & ~(told.signals & told.sound)
        if fell or (before.state is ControllerState.RUNS and told.state is not before.state):
            assert told.permit != before.permit
            assert new or not told.granted


def test_what_a_controller_tells_of_claims_is_read_as_it_was_written():
    told = begin(Panel(signals=1, sound=3), permit=9).told
    assert told_of(words_of(told)) == told
    assert told_of(words_of(told)[:5]).permit == 0  # one that does not decide
