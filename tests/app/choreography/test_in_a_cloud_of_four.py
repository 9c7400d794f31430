"""A recipe in a cloud of 4.6.2 alone, as that of the Java framework, and in one without TLS."""

from contextlib import ExitStack

import pytest
from starlette.applications import Starlette

from app.choreography.small_plant import RECIPE, WORK
from app.choreography.test_desk import wait
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.application import four_routes
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.four.event_handler import Courier
from fabloop.adapters.arrowhead.four.steps import SessionStatus
from fabloop.adapters.arrowhead.serving import Serving
from fabloop.app.choreography.choreographer import choreographer_post
from fabloop.app.choreography.conduct import Patience
from fabloop.app.choreography.posts import (
    CHOREOGRAPHER_AGAIN_S,
    executor_post,
    post_of,
    system_post,
    takes,
)
from fabloop.app.choreography.versions import with_four
from fabloop.app.cloud.folder import open_cloud
from fabloop.app.cloud.serving import Plan, served
from fabloop.base.errors import Invalid, Unavailable
from fabloop.run.gate import simulated
from fabloop.run.recipe_document import read_recipe


@pytest.fixture
def url(tmp_path):
    courier = Courier(None)
    with open_cloud(tmp_path / "cloud") as host:
        with Serving(Starlette(routes=four_routes(host, None, courier))) as serving:
            yield f"http://127.0.0.1:{serving.port}"
        courier.close()


def allow(url, consumer, provider, definition):
    """Let a consumer use a service, as the operator of 4.6.2 does."""
    with FourClient({"": url}) as cloud:
        form = wire.QueryForm(service_definition_requirement=definition)
        (offer,) = cloud.query(form).service_query_data
        assert offer.provider.system_name == provider
        who = wire.SystemRequest(system_name=consumer, address="127.0.0.1", port=1)
        known = cloud.register_system(who)
        rules = wire.RuleRequest(
            consumer_id=known.id, provider_ids=[offer.provider.id],
            service_definition_ids=[offer.service_definition.id],
            interface_ids=[each.id for each in offer.interfaces],
        )  # fmt: skip
        cloud.allow(rules)


ROBOTS = {"transport": "Crane", "welding": "Welder", "assembling": "Fitter", "trimming": "Cutter"}
STEPS = ("TankInstallation", "SeatInstallation", "GearInstallation")


def assembled(folder, stands, prepare):
    """Return the messages of a car's assembly by systems in this process."""
    messages = []
    patience = Patience(patience_s=10, again_s=0.1)
    with ExitStack() as stack:
        choreographer = stack.enter_context(
            choreographer_post(stands("Choreographer"), folder / "store", messages.append, patience)
        )
        for service, name in ROBOTS.items():
            stack.enter_context(system_post(stands(name), (service,), takes(0.02), beat_s=0.05))
        prepare()
        with executor_post(stands("Workstation"), STEPS, choreographer.url, gate=simulated):
            desk = choreographer.desk
            plan = desk.add_recipe(read_recipe(RECIPE), "car")
            session = desk.begin(plan.number, order="car-1")
            wait(
                lambda: desk.session(session.number).status is SessionStatus.DONE,
                "the end of the session",
            )
    return messages


def test_an_executor_waits_for_a_choreographer_until_it_is_asked_to_end(url):
    asked = []
    post = post_of(url, None, None, name="Workstation", generation=4)

    def ends(seconds):
        asked.append(seconds)
        return len(asked) == 3

    nobody = "http://127.0.0.1:1"
    waiting = executor_post(post, STEPS, nobody, gate=simulated, awaits=ends)
    with pytest.raises(Unavailable), waiting:
        raise AssertionError("it does not stand before it is registered")
    assert asked == [CHOREOGRAPHER_AGAIN_S] * 3


def test_a_recipe_is_carried_out_without_locks_and_pushes(url, tmp_path):
    def prepare():
        for service, name in ROBOTS.items():
            allow(url, "choreographer", name.lower(), service)

    messages = assembled(
        tmp_path, lambda name: post_of(url, None, None, name=name, generation=4), prepare
    )
    done = [each.text for each in messages if each.name == "stepDone"]
    assert done == [ROBOTS[service.lower()] for _, service in WORK]


def test_a_recipe_is_carried_out_in_a_cloud_without_certificates(tmp_path):
    plan = Plan(data=tmp_path / "cloud", ports=(0,), settings=Settings(managers={"Choreographer"}))
    with with_four(None) as four, served(plan, four) as cloud:
        (url,) = cloud.urls
        messages = assembled(
            tmp_path, lambda name: post_of(url, None, None, name=name), lambda: None
        )
    done = [each.text for each in messages if each.name == "stepDone"]
    assert done == [ROBOTS[service.lower()] for _, service in WORK]
    ready = [each for each in messages if each.text == "applicationSystemReady"]
    assert len(ready) == 1 + len(WORK)


def test_an_unknown_core_system_is_refused(url):
    with pytest.raises(Invalid, match="eventhandler"):
        post_of(url, None, None, cores=("eventhandeler=http://x",))
