"""What both kinds of bindings promise, each against a cloud that is served."""

import pytest

from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.app.choreography.five_bindings import FiveBindings
from fabloop.app.choreography.four_bindings import FourBindings
from fabloop.app.choreography.network import Line
from fabloop.app.choreography.posts import post_of, system_post, takes
from fabloop.app.choreography.versions import with_four
from fabloop.app.cloud.serving import Plan, served
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Conflict, Unavailable

NAME = "Choreographer"


@pytest.fixture
def url(tmp_path):
    plan = Plan(data=tmp_path / "cloud", ports=(0,), settings=Settings(managers={NAME}))
    with with_four(None) as four, served(plan, four) as cloud:
        url = cloud.urls[0]
        first, second = (
            system_post(post_of(url, None, None, name=name), ("SeatInstallation",), takes(0))
            for name in ("RobotA", "RobotB")
        )
        with first, second:
            yield url


@pytest.fixture(params=["five", "four"])
def bindings(request, url):
    if request.param == "five":
        with Line(None, NAME) as line:
            yield FiveBindings(line, url, NAME, WallClock())
    else:
        with FourClient({"": url}) as client:
            yield FourBindings(client, post_of(url, None, None, name=NAME).told(1))


def test_an_offer_is_held_until_it_is_released(bindings):
    assert bindings.providers("seatInstallation") == {"RobotA", "RobotB"}
    first = bindings.hold("seatInstallation", (), 60)
    second = bindings.hold("seatInstallation", (), 60)
    assert {first.provider, second.provider} == {"RobotA", "RobotB"}
    assert bindings.hold("seatInstallation", (), 60) is None
    bindings.keep(first.offer, 120)
    bindings.release(first.offer)
    again = bindings.hold("seatInstallation", (), 60)
    assert again.offer == first.offer


def test_who_is_avoided_is_not_bound(bindings):
    assert bindings.hold("seatInstallation", ("RobotA",), 60).provider == "RobotB"
    assert bindings.hold("seatInstallation", ("RobotA", "RobotB"), 60) is None
    assert bindings.hold("painting", (), 60) is None


def test_it_is_told_where_the_offer_is_reached(bindings):
    bound = bindings.hold("seatInstallation", (), 60)
    result = bound.result
    assert (result.provider.address, result.service_uri) == ("127.0.0.1", "/task")
    assert result.provider.port > 0
    assert [each.interface_name for each in result.interfaces] == ["HTTP-INSECURE-JSON"]


def test_locks_of_five_are_known_after_a_restart_and_may_be_lost(url):
    with Line(None, NAME) as line, Line(None, "Sysop") as operator:
        bindings = FiveBindings(line, url, NAME, WallClock())
        bound = bindings.hold("seatInstallation", (), 60)
        assert FiveBindings(line, url, NAME, WallClock()).held() == {bound.offer}
        bindings.release(bound.offer)
        other = FiveBindings(operator, url, "Sysop", WallClock())
        taken = other.hold("seatInstallation", ("RobotA", "RobotB"), 60)
        assert taken is None
        both = [other.hold("seatInstallation", (), 60) for _ in range(2)]
        assert bound.offer in {each.offer for each in both}
        with pytest.raises(Conflict, match="somebody else"):
            bindings.keep(bound.offer, 60)


def test_a_cloud_that_is_gone_is_unavailable():
    with Line(None, NAME) as line:
        bindings = FiveBindings(line, "http://127.0.0.1:9", NAME, WallClock())
        with pytest.raises(Unavailable):
            bindings.hold("seatInstallation", (), 60)
