"""Deliveries: acknowledged once, when safe; what may be another message is not taken for known."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapters.mqtt.deliveries import Deliveries
from fabloop.adapters.mqtt.packets import Publication


class Line(SimpleNamespace):
    """What the broker hears."""

    def __init__(self, *, session_present=True):
        super().__init__(session_present=session_present, heard=[])

    def acknowledge(self, packets):
        self.heard += packets


def message(packet, payload=b"1", *, again=False):
    return Publication(b"plant/mill/load", payload, packet, again)


def begun():
    line, deliveries = Line(), Deliveries()
    deliveries.begin(line)
    return line, deliveries


def test_messages_are_acknowledged_when_their_batch_is_safe():
    line, deliveries = begun()
    deliveries.hand([message(1), message(2)], readings=2)
    deliveries.hand([message(3), message(0)], readings=2)
    assert line.heard == []
    deliveries.settle(1)
    assert (line.heard, deliveries.open) == ([1, 2], 1)
    deliveries.settle(2)
    assert (line.heard, deliveries.open) == ([1, 2, 3], 0)


def test_messages_without_readings_are_acknowledged_at_once():
    line, deliveries = begun()
    deliveries.hand([message(1)], readings=0)
    assert line.heard == [1]


def test_after_a_broken_connection_only_what_came_again_is_acknowledged():
    _, deliveries = begun()
    deliveries.hand([message(1), message(2)], readings=2)
    line = Line()
    deliveries.begin(line)
    fresh, repeated = deliveries.fresh([message(2, again=True), message(3)])
    assert ([each.packet for each in fresh], repeated) == ([3], 1)
    deliveries.settle(1)
    assert line.heard == [2]


def test_what_was_acknowledged_is_not_taken_for_known_when_it_comes_again():
    # The broker may have given the identifier to another message that looks alike.
    _, deliveries = begun()
    deliveries.hand([message(1)], readings=1)
    deliveries.settle(1)
    deliveries.begin(Line())
    assert deliveries.fresh([message(1, again=True)])[1] == 0


def test_another_message_of_the_same_identifier_is_not_known():
    _, deliveries = begun()
    deliveries.hand([message(1)], readings=1)
    deliveries.begin(Line())
    assert deliveries.fresh([message(1, b"2", again=True)])[1] == 0


def test_a_broker_that_forgot_the_session_numbers_anew():
    _, deliveries = begun()
    deliveries.hand([message(1)], readings=1)
    deliveries.begin(Line(session_present=False))
    assert deliveries.fresh([message(1, again=True)])[1] == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30))
def test_each_message_is_acknowledged_once_and_never_before_it_is_safe(steps):
    line, deliveries = begun()
    number, handed, settled, batch_of = 0, 0, 0, {}
    for count, more in steps:
        messages = [message(number + at + 1) for at in range(count)]
        number += count
        deliveries.hand(messages, readings=count)
        handed += 1 if count else 0
        batch_of |= {each.packet: handed for each in messages}
        settled = min(handed, settled + more)
        deliveries.settle(settled)
        assert all(batch_of[packet] <= settled for packet in line.heard)
    deliveries.settle(handed)
    assert sorted(line.heard) == list(range(1, number + 1))
