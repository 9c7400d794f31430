"""Small worlds: a few of many alike, in which plans are found that hold in the whole."""

from msgspec.structs import replace

from adapt.repair.bakery import burnt, domain, so
from fabloop.adapt.repair.domain import Thing
from fabloop.adapt.repair.planner import plan
from fabloop.adapt.repair.sample import worlds
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import Allowance, counted

GOAL = (so("baked", "b1"), so("burnt", "b1", value=False), so("at", "b1", value="home"))
MANY = tuple(f"b{number}" for number in range(1, 30))


def crowded():
    """Return a bakery with many batches, of which one is burnt, and many carts."""
    base = domain(MANY)
    carts = tuple(Thing(name=f"cart-{n}", kind="cart", exclusive=True) for n in range(3, 20))
    whole = replace(base, things=(*base.things, *carts))
    parked = {("parked", each.name): "home" for each in carts}
    return whole, burnt(("b1",)) | parked | {("at", each): "home" for each in MANY}


def test_the_smallest_world_has_one_of_each_sort():
    whole, initial = crowded()
    smallest, *_ = worlds(whole, initial, GOAL)
    names = {each.name for each in smallest.domain.things}
    assert "b1" in names
    assert sum(name.startswith("cart") for name in names) == 1
    assert sum(name.startswith("b") for name in names) == 2
    assert {"home", "nearby", "oven-1", "oven-2", "mixer-1"} <= names


def test_only_the_last_world_is_whole():
    whole, initial = crowded()
    found = list(worlds(whole, initial, GOAL))
    assert [each.whole for each in found] == [False] * (len(found) - 1) + [True]
    sizes = [len(each.domain.things) for each in found]
    assert sizes == sorted(sizes)


def test_things_that_differ_in_what_is_said_of_them_are_kept_apart():
    whole, initial = crowded()
    flat = dict(initial) | {("parked", "cart-7"): "nearby"}
    smallest, *_ = worlds(whole, flat, GOAL)
    carts = [each.name for each in smallest.domain.things if each.kind == "cart"]
    assert sorted(carts) == ["cart-1", "cart-7"]


def test_a_plan_of_a_small_world_holds_in_the_whole():
    whole, initial = crowded()
    found = plan(whole, initial, GOAL, counted(300))
    assert found.courses
    for each in found.courses:
        assert breaches(whole, each, initial, GOAL) == ()


def test_where_the_small_world_is_too_small_a_larger_one_is_taken():
    whole, initial = crowded()
    busy = dict(initial) | {("works", "mixer-1"): False}
    second = Thing(name="mixer-2", kind="mixer", exclusive=True)
    more = replace(whole, things=(*whole.things, second))
    found = plan(more, busy | {("works", "mixer-2"): True}, GOAL, counted(600))
    used = {value for step in found.courses[0].steps for value in step.values.values()}
    assert "mixer-2" in used


def test_an_allowance_is_whole_until_something_is_found():
    budget = counted(1_000)
    allowed = Allowance(budget, 0.25)
    for _ in range(500):
        assert allowed() > 0
    allowed.found()
    assert allowed() < 0
    assert budget() > 0.4
