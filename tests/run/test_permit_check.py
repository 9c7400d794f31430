"""What a machine has against a command, by its permits and by what the controller shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.model.explanation import SafetyCode
from fabloop.model.safety import ControllerState, Permit
from fabloop.run.permit_check import Shown, permits_against, permits_in, remembered
from fabloop.run.permits import claims_of, permits_text
from fabloop.run.safety_words import (
    GRANTS_MAX,
    REGISTERS,
    Grant,
    Told,
    command_number,
    grants_of,
    words_of,
    words_of_grants,
)
from fabloop.sim.safety import ControllerSettings, Heard, Panel, begin, step
from run.safety_rules import CELL, GAUGE, NOW, OVEN, PRESS, rules

RULES = rules(decides=True)
TOLD = Told(beat=1, state=ControllerState.RUNS, signals=3, sound=3, stop_taken=0, permit=17)
SHOWN = Shown(told=TOLD, grants=(Grant(claim=4, command=command_number(PRESS)),))


def codes(carried, *, target=PRESS, shown=SHOWN, used=None, key="job 1"):
    found = permits_against(target, carried, RULES, {CELL: shown}, used or {}, key)
    return [each.code for each in found]


def shown(**more):
    return Shown(told=Told(**{**{n: getattr(TOLD, n) for n in TOLD.__struct_fields__}, **more}),
                 grants=SHOWN.grants)  # fmt: skip


def test_a_command_with_its_permit_may_be_done_and_one_that_needs_none_needs_none():
    assert codes("cell=17/4") == []
    assert codes("", target=GAUGE) == []
    assert codes("nonsense", target=GAUGE) == []


@pytest.mark.parametrize(
    ("carried", "more", "expected"),
    [
        ("", {}, SafetyCode.PERMIT_MISSING),
        ("other=17/4", {}, SafetyCode.PERMIT_MISSING),
        ("cell=17", {}, SafetyCode.PERMIT_UNREADABLE),
        ("cell=17/4x", {}, SafetyCode.PERMIT_UNREADABLE),
        ("cell=17/70000", {}, SafetyCode.PERMIT_UNREADABLE),
        ("cell=17/4,", {}, SafetyCode.PERMIT_UNREADABLE),
        ("cell=17/4", {"shown": None}, SafetyCode.PERMIT_UNCHECKED),
        ("cell=16/4", {}, SafetyCode.PERMIT_OVER),
        ("cell=17/5", {}, SafetyCode.PERMIT_UNKNOWN),
        ("cell=17/4", {"target": OVEN}, SafetyCode.PERMIT_FOREIGN),
    ],
)
def test_a_permit_that_does_not_stand_is_refused_by_name(carried, more, expected):
    assert codes(carried, **more) == [expected]


def test_a_zone_that_stands_takes_nothing_and_all_reasons_are_told():
    stopped = shown(state=ControllerState.STOPPED, permit=18)
    assert codes("cell=17/4", shown=stopped) == [
        SafetyCode.CONTROLLER_STOPPED, SafetyCode.PERMIT_OVER,
    ]  # fmt: skip


def test_a_permit_is_for_one_command_which_may_come_again():
    used = remembered({}, "cell=17/4", "job 1")
    assert codes("cell=17/4", used=used, key="job 1") == []
    assert codes("cell=17/4", used=used, key="job 2") == [SafetyCode.PERMIT_USED]


def test_what_a_machine_remembers_has_an_end():
    used = {}
    for claim in range(1_500):
        used = remembered(used, f"cell=17/{claim}", f"job {claim}")
    assert len(used) == 1_000
    assert next(iter(used)).claim == 500


words = st.integers(0, 2**16 - 1)
names = st.text("abc-0123", min_size=1, max_size=5)
permits = st.builds(Permit, controller=names, number=words, claim=words)


@given(st.lists(permits, max_size=5))
def test_permits_are_read_as_they_were_written(given_permits):
    assert permits_in(permits_text(given_permits)) == tuple(given_permits)


@given(st.text(max_size=30))
def test_no_text_breaks_a_machine(text):
    found = permits_in(text)
    assert found is None or permits_in(permits_text(found)) == found


grants = st.builds(Grant, claim=st.integers(1, 2**16 - 1), command=words)


@given(st.lists(grants, max_size=GRANTS_MAX))
def test_grants_are_read_as_they_were_shown(shown_grants):
    before = words_of(TOLD)
    registers = before + [0] * (32 - len(before)) + words_of_grants(shown_grants)
    assert len(registers) == REGISTERS
    assert grants_of(registers) == tuple(shown_grants)


TURNS = st.lists(st.tuples(st.sampled_from(("fall", "press", "oven")), st.booleans()), max_size=12)


@given(TURNS)
def test_what_stands_was_granted_for_that_command_and_nothing_fell_since(turns):
    """Played with the simulated controller: a permit stands exactly as long as it may."""
    panel = Panel(signals=0b11, sound=0b11, reset_presses=1)
    memory = step(begin(Panel(signals=0b11, sound=0b11)), panel, Heard(), ControllerSettings(), NOW)
    heard, carried = Heard(), []
    for number, (turn, closes) in enumerate(turns, start=1):
        if turn == "fall":
            panel = Panel(signals=0b11 if closes else 0b01, sound=0b11, reset_presses=1)
        else:
            target = PRESS if turn == "press" else OVEN
            claim = claims_of(target, RULES)[CELL]
            made = {"number": number, "permit": memory.told.permit}
            heard = Heard(claim=type(claim)(**{**_fields(claim), **made}))
        fell = memory.told.signals != panel.signals
        memory = step(memory, panel, heard, ControllerSettings(), Instant(NOW + number))
        carried = [] if fell else carried
        if turn != "fall" and memory.told.granted:
            carried.append((target, f"cell={memory.told.permit}/{number}"))
        now = Shown(told=memory.told, grants=memory.grants)
        for target, permit in carried:
            other = OVEN if target is PRESS else PRESS
            assert codes(permit, target=target, shown=now) == []
            assert codes(permit, target=other, shown=now) == [SafetyCode.PERMIT_FOREIGN]


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
