import msgspec

from app.pictures.reading import bar, outside, signs, titled, titles, tree, words
from fabloop.app.pictures import plan_picture
from fabloop.base.instant import DAY
from run.wave_gear import BEGIN, _at, network, plan_in_graz, plan_over_vienna, product


def picture(plan, **more):
    return plan_picture(plan, product(), network(), **more)


def test_every_step_and_movement_is_told_with_unit_and_local_time():
    told = titles(picture(plan_in_graz()))
    assert "Ream wave generator bore on Spinner U630, 2026-11-23 07:50 to 08:10 (20 min)" in told
    assert any(each.startswith("Transport of Blank, DMG NLX 2500 → Spinner U630") for each in told)
    steps = [each for each in told if " on " in each]
    assert len(steps) == len(plan_in_graz().steps)


def test_rows_are_the_units_in_use_by_site_and_the_carriers():
    drawn = words(picture(plan_over_vienna()))
    for each in ("Factory Graz", "Factory Vienna", "Between sites", "EMCO MAXXMILL 750",
                 "Alpine Cargo"):  # fmt: skip
        assert each in drawn
    assert "EMCO MAXXMILL 750" not in words(picture(plan_in_graz()))


def test_bars_are_as_long_as_their_steps():
    svg = picture(plan_in_graz())
    (x, mill), (y, base) = (bar(titled(svg, f"Mill {each} on")[0]) for each in
                            ("wave generator", "base"))  # fmt: skip
    assert abs(mill / base - 30 / 40) < 0.01
    assert abs(x + mill - y) < 0.2


def test_the_axis_is_in_the_sites_own_time():
    plan = plan_in_graz()
    elsewhere = network()
    sites = {
        id_: msgspec.structs.replace(site, time_zone="Asia/Tokyo")
        for id_, site in elsewhere.sites.items()
    }
    svg = plan_picture(plan, product(), msgspec.structs.replace(elsewhere, sites=sites))
    assert "23 Nov 15:00" in words(svg)
    assert "23 Nov 07:00" in words(picture(plan))


def test_what_moved_is_marked_in_sign_and_word_and_its_old_place_is_shown():
    svg = picture(plan_over_vienna(), before=plan_in_graz())
    moved = titled(svg, "Ream wave generator bore on EMCO")[0]
    assert "Moved from Spinner U630" in moved[0].text
    assert any("7 h 45 min later" not in t and "later than before" in t for t in titles(svg))
    assert signs(svg).count("moved") == 4 + 1  # four steps and the legend
    assert len([t for t in titles(svg) if t.startswith("Before: ")]) == 4


def test_without_a_plan_before_nothing_is_marked_as_moved():
    assert "moved" not in signs(picture(plan_over_vienna()))


def test_a_step_that_did_not_move_is_not_marked():
    assert signs(picture(plan_in_graz(), before=plan_in_graz())).count("moved") == 1  # legend


def test_frozen_steps_are_hatched_and_locked():
    svg = picture(plan_over_vienna())
    fixed = titled(svg, "Drill wave generator on")[0]
    assert "fixed" in fixed[0].text
    assert fixed.find(".//{*}path[@class='hatch']") is not None
    assert titled(svg, "Ream wave")[0].find(".//{*}path[@class='hatch']") is None


def test_labels_stay_inside_their_bars():
    for plan in (plan_in_graz(), plan_over_vienna()):
        for each in tree(picture(plan)).iter("{*}svg"):
            label = each.find("{*}text")
            if label is not None and each.get("viewBox") is None:
                assert len(label.text) * 12 * 0.56 <= float(each.get("width"))


def test_now_is_drawn_only_inside_the_plans_time():
    assert "now" in words(picture(plan_in_graz(), now=_at(52)))
    assert "now" not in words(picture(plan_in_graz(), now=BEGIN + DAY))


def test_a_picture_stands_alone_and_is_the_same_every_time():
    svg = picture(plan_over_vienna(), before=plan_in_graz())
    assert outside(svg) == []
    assert svg == picture(plan_over_vienna(), before=plan_in_graz())


def test_labels_are_escaped():
    made = product()
    odd = msgspec.structs.replace(made.operations[0], label='<b>&"x"')
    made = msgspec.structs.replace(made, operations=(odd, *made.operations[1:]))
    svg = plan_picture(plan_in_graz(), made, network(), title="a < b")
    assert any(each.startswith('<b>&"x"') for each in titles(svg))
