from app.pictures.kpi_course import lots
from app.pictures.reading import outside, signs, titles, tree, words
from fabloop.app.pictures import genealogy_picture
from fabloop.app.pictures.genealogy import LOTS_MAX
from fabloop.model.ids import LotId


def test_every_lot_tells_how_it_was_made():
    told = titles(genealogy_picture(lots()))
    assert "Lot L-5: assembled gear, assemble on bench, fitter-3 at graz" in told
    assert "Lot bar-77: no record of how it was made" in told


def test_there_is_an_arrow_for_every_consumed_lot():
    svg = genealogy_picture(lots())
    lines = [e for e in tree(svg).iter("{*}polyline") if "flow" in e.get("class")]
    assert len(lines) == sum(len(each.consumed) for each in lots())


def test_times_are_those_of_the_site():
    assert "2026-10-20 05:30" in words(genealogy_picture(lots()))
    assert "2026-10-20 07:30" in words(genealogy_picture(lots(), zones={"graz": "Europe/Vienna"}))


def test_recalled_lots_wear_sign_and_word():
    svg = genealogy_picture(lots(), marked=[LotId("L-4"), LotId("bar-77")])
    assert signs(svg) == ["failed", "failed"]
    assert words(svg).count("recall") == 2
    assert any(each.endswith("to be recalled") for each in titles(svg))


def test_too_many_lots_are_told_not_drawn():
    many = [
        type(each)(**{f: getattr(each, f) for f in each.__struct_fields__} | {
            "lot": LotId(f"{each.lot}-{n}"), "consumed": (),
        })
        for n in range(LOTS_MAX // 6 + 2)
        for each in lots()
    ]  # fmt: skip
    svg = genealogy_picture(many)
    assert f"{len(many) - LOTS_MAX} earlier lots are not drawn." in words(svg)


def test_without_lots_it_says_so():
    assert "No lot yet." in words(genealogy_picture([]))


def test_a_picture_stands_alone():
    assert outside(genealogy_picture(lots())) == []
