"""A stop is latched; a person ends it, and only once the zone itself was released."""

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import SafetyCode
from fabloop.model.safety import ControllerState, SafetyView, StopCause
from fabloop.run.permissives import Permitted, Withheld, permits
from fabloop.run.stops import ResetDone, ResetRefused, latched, requested, reset, unconfirmed
from run.safety_rules import CELL, NOW, PRESS, rules, view

CONTROLLER = rules().controllers[CELL]
LATER = Instant(NOW + 10 * SECOND)


def seen(state=ControllerState.RUNS, beat_at=NOW):
    return view(state=state, beat_at=beat_at).sights[CELL]


def asked(**more):
    return requested(CELL, None, number=3, by="role 7", why="smoke", now=NOW, **more)


def test_a_zone_that_stops_by_itself_is_latched_and_stands_when_it_runs_again():
    stop = latched(CONTROLLER, None, seen(ControllerState.STOPPING), NOW)
    assert stop.cause is StopCause.TRIPPED
    assert stop.confirmed_at is None
    stop = latched(CONTROLLER, stop, seen(ControllerState.STOPPED), LATER)
    assert stop.confirmed_at == LATER
    assert latched(CONTROLLER, stop, seen(), LATER) == stop
    assert isinstance(permits(PRESS, rules(), view({CELL: stop}), NOW), Withheld)


def test_a_heart_that_is_not_heard_stops_the_zone_until_a_person_says_otherwise():
    stop = latched(CONTROLLER, None, seen(), Instant(NOW + SECOND + 1))
    assert stop.cause is StopCause.HEARTBEAT_LOST
    assert latched(CONTROLLER, stop, seen(beat_at=LATER), LATER) == stop


def test_a_heart_at_its_limit_is_heard_and_who_was_never_seen_leaves_nothing_to_stop():
    assert latched(CONTROLLER, None, seen(), Instant(NOW + SECOND)) is None
    assert latched(CONTROLLER, None, None, NOW) is None


def test_a_stop_that_is_asked_for_again_keeps_its_first_cause():
    again = requested(CELL, asked(), number=4, by="role 9", why="noise", now=LATER)
    assert (again.by, again.since, again.number) == ("role 7", NOW, 4)


def test_a_stop_that_the_controller_does_not_confirm_in_time_is_told():
    assert unconfirmed(CONTROLLER, asked(), Instant(NOW + 2 * SECOND)) is None
    told = unconfirmed(CONTROLLER, asked(), Instant(NOW + 2 * SECOND + 1))
    assert told.code == SafetyCode.STOP_NOT_CONFIRMED
    confirmed = latched(CONTROLLER, asked(), seen(ControllerState.STOPPED), NOW)
    assert unconfirmed(CONTROLLER, confirmed, LATER) is None


def test_a_person_ends_a_stop_and_the_next_command_is_judged_anew():
    done = reset(CELL, rules(), view({CELL: asked()}), by="role 7", now=NOW)
    assert isinstance(done, ResetDone)
    assert isinstance(permits(PRESS, rules(), view(), NOW), Permitted)
    assert isinstance(permits(PRESS, rules(), view(guard=None), NOW), Withheld)


def test_nobody_is_no_person():
    refused = reset(CELL, rules(), view({CELL: asked()}), by=" ", now=NOW)
    assert [each.code for each in refused.reasons] == [SafetyCode.PERSON_NOT_NAMED]


def test_a_zone_that_stands_or_is_not_heard_is_not_released_by_us():
    for sights, code in (
        (view({CELL: asked()}, state=ControllerState.STOPPED), SafetyCode.CONTROLLER_STOPPED),
        (view({CELL: asked()}, beat_at=Instant(NOW - 2 * SECOND)), SafetyCode.HEARTBEAT_LOST),
        (SafetyView(stops={CELL: asked()}), SafetyCode.SIGNAL_MISSING),
        (view(), SafetyCode.NOTHING_TO_RESET),
    ):
        refused = reset(CELL, rules(), sights, by="role 7", now=NOW)
        assert isinstance(refused, ResetRefused)
        assert [each.code for each in refused.reasons] == [code]


def test_a_stop_survives_its_way_through_a_file():
    stop = asked()
    assert msgspec.json.decode(msgspec.json.encode(stop), type=type(stop)) == stop
