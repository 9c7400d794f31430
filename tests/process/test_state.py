"""What a state undoes of a command that was refused."""

from fabloop.process.commands import Done
from fabloop.process.state import State


def test_what_went_as_the_oldest_is_the_oldest_again_when_a_command_is_undone():
    state = State()
    for request in ("first", "second", "third"):
        state.put(state.requests, request, Done())
    state.commit()
    state.put(state.requests, "fourth", Done())
    state.drop_oldest(state.requests)
    state.drop_oldest(state.requests)
    assert list(state.requests) == ["third", "fourth"]
    state.rollback()
    assert list(state.requests) == ["first", "second", "third"]
