from msgspec.structs import replace

from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.sim.bakery.behaviours import device_of
from fabloop.sim.bakery.device import Asked, Done, Mishap, Nature, Never, NotNow, Under

OVEN = Nature(
    name="oven",
    kind="oven",
    seed=1,
    figures={"warm_up_minutes": 5, "pieces_max": 1_000, "loads_max": 1, "celsius_max": 280},
)
CONTENTS = [{"QRCode": f"MM-{n}", "type": "carrot", "num": 100} for n in range(10)]


def bake(device, key, at, pieces=1_000):
    given = {"lot": key, "pieces": pieces, "temperature_c": 180, "minutes": 25}
    return device.ask(
        Asked(operation="bake", key=key, given={**given, "contents": CONTENTS}, at=Instant(at))
    )


def overcooked(device, lot, at):
    asked = Asked(operation="overcook", key="look", given={"lot": lot}, at=Instant(at))
    answer = device.ask(asked)
    assert isinstance(answer, Done)
    return answer.result["overcooked"]


def test_an_oven_bakes_one_load_after_the_other():
    oven = device_of(OVEN)
    assert bake(oven, "a", 0) == Under(again_ns=30 * MINUTE)
    assert bake(oven, "b", 0) == Under(again_ns=60 * MINUTE)
    assert isinstance(oven.look("a", Instant(30 * MINUTE)), Done)
    assert isinstance(oven.look("b", Instant(59 * MINUTE)), Under)


def test_the_same_key_is_done_once():
    oven = device_of(OVEN)
    bake(oven, "a", 0)
    assert bake(oven, "a", 10 * MINUTE) == Under(again_ns=20 * MINUTE)


def test_more_than_fits_is_never_baked():
    assert isinstance(bake(device_of(OVEN), "a", 0, pieces=1_001), Never)


def test_a_mishap_burns_whole_orders_and_stops_the_oven_until_it_is_repaired():
    mishap = Mishap(load=1, share=0.35, repair_hours=6, reason="The sensor failed.")
    oven = device_of(replace(OVEN, mishaps=(mishap,)))
    bake(oven, "a", 0)
    burnt = overcooked(oven, "a", 30 * MINUTE)
    assert len(burnt) == 4
    assert isinstance(bake(oven, "b", HOUR), NotNow)
    assert isinstance(bake(oven, "b", 7 * HOUR), Under)


def test_a_device_that_is_asked_all_again_is_as_before():
    nature = replace(
        OVEN, mishaps=(Mishap(load=2, share=0.5, repair_hours=6, reason="The sensor failed."),)
    )
    one, other = device_of(nature), device_of(nature)
    for device in (one, other):
        bake(device, "a", 0)
        bake(device, "b", 0)
    assert overcooked(one, "b", 2 * HOUR) == overcooked(other, "b", 2 * HOUR) != []


def test_a_broken_door_takes_half_as_long_again_and_tells_a_delay_of_a_third():
    oven = device_of(replace(OVEN, delays=((Instant(0), 0.5),)))
    assert bake(oven, "a", 0) == Under(again_ns=45 * MINUTE)
    told = oven.ask(Asked(operation="slowdown", key="s", given={}, at=Instant(0)))
    assert told == Done(result={"delay": 33.3})


def test_a_machine_works_at_the_pace_it_is_told():
    mixer = device_of(Nature(name="m", kind="dough", seed=1, figures={"minutes": 20}))
    mixer.ask(Asked(operation="setSpeed", key="s", given={"speed": 0.5}, at=Instant(0)))
    asked = Asked(operation="mixDough", key="a", given={"lot": "a"}, at=Instant(0))
    assert mixer.ask(asked) == Under(again_ns=40 * MINUTE)
    wrong = Asked(operation="setSpeed", key="t", given={"speed": 7}, at=Instant(0))
    assert isinstance(mixer.ask(wrong), Never)
