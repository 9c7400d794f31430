"""The MyMuffin data space at work: filled, asked, remembered, and everything that goes wrong."""

import json
import sqlite3

import pytest

from fabloop.app.dataspace import Ask, NoMapping, open_data_space, read_space
from fabloop.app.dataspace.account import filled_table, outcome_texts
from fabloop.base.errors import Conflict, Invalid, NotFound, Unavailable
from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.dataspace.book import read
from fabloop.dataspace.finish import Filled, NothingFound, TooMuch
from fabloop.dataspace.kpis import kpi_row
from fabloop.dataspace.mapping import Certain, Pin, Unmapped
from fabloop.dataspace.schema import Place
from fabloop.model.kpi import KpiValue
from muffin_space import (
    BATCHES,
    COURIER,
    COURIERS,
    INGREDIENTS,
    RECIPES,
    served,
    write_orders,
    write_space,
    yellow_pages,
)

DOUBTFUL = "(QRCode, courier service, ?z)"


def clock():
    return Instant(1_795_000_000_000_000_000)


@pytest.fixture(scope="module")
def pages():
    with served(yellow_pages) as url:
        yield url


@pytest.fixture
def folder(tmp_path, pages):
    return write_space(tmp_path, pages)


@pytest.fixture
def space(folder):
    found = open_data_space(folder, clock)
    found.take("batches", BATCHES)
    yield found
    found.close()


def test_the_ingredients_of_the_recipe_times_the_number_of_muffins_come_out(space):
    found = space.fill(INGREDIENTS, {"type": "type 1", "num": 12})
    assert isinstance(found, Filled)
    _, rows = filled_table(found)
    assert [(x, total) for _, x, _, total in rows] == [
        ("yoghurt", "900 g"),
        ("blueberry", "360 g"),
        ("egg", "24"),
        ("flour", "1320 g"),
    ]


def test_for_one_muffin_the_quantities_are_those_of_the_paper(space):
    found = space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    pairs = [(row["x"], row["num*?y"], row.get("num*?y unit", "")) for row in found.rows]
    assert {("yoghurt", 75, "g"), ("blueberry", 30, "g"), ("egg", 2, "")} <= set(pairs)


def test_quantities_come_in_the_unit_that_is_wanted_and_counts_stay_counts(space):
    found = space.fill(INGREDIENTS, {"type": "type 2", "num": 100}, wanted={"num*?y": "kg"})
    pairs = {row["x"]: (row["num*?y"], row.get("num*?y unit")) for row in found.rows}
    assert pairs == {
        "carrot": (6, "kg"), "egg": (100, None), "flour": (12, "kg"), "honey": (1, "kg"),
    }  # fmt: skip


def test_the_service_of_the_courier_comes_from_the_qr_code_over_two_sources(space):
    found = space.fill(COURIER, {"QRCode": "QR-1002"})
    assert [row["z"] for row in found.rows] == ["http://pony.example/ship"]
    uses = space.book.valid(COURIER).expression.uses
    assert {each.table.partition(".")[0] for each in uses} == {"orders", "yellow-pages"}


def test_several_given_values_are_answered_together(space):
    found = space.fill(COURIER, {"QRCode": ["QR-1001", "QR-1004", "QR-9999"]})
    assert {row["z"] for row in found.rows} == {
        "http://gofast.example/api",
        "http://viavia.example/v2",
    }


def test_the_stream_is_asked_for_what_was_told_last(space):
    target = "(?b, state, ?s), (?b, oven, oven)"
    first = space.fill(target, {"oven": "oven-1"})
    assert {row["s"] for row in first.rows} == {"cooked", "cooking"}
    space.take("batches", [{"batch": "B-3", "type": "type 3", "oven": "oven-1", "state": "burnt"}])
    again = space.fill(target, {"oven": "oven-1"})
    assert "burnt" in {row["s"] for row in again.rows}


def test_kpis_are_asked_for_by_their_names_and_the_latest_counts(tmp_path, pages):
    stream = {"kind": "stream", "table": "kpis", "latest_by": ["work_unit", "kpi"]}
    space = open_data_space(write_space(tmp_path, pages, kpis=stream), clock)
    told = [("oven-1", "heat-loss", 120.0), ("oven-1", "oee", 0.7), ("oven-1", "heat-loss", 150.0)]
    rows = [
        kpi_row(
            KpiValue(work_unit=unit, kpi=kpi, value=value, upper=value, at=Instant(0),
                     dimension=Dimension.POWER if kpi == "heat-loss" else Dimension.RATIO,
                     valid_for_ns=1, source="test")
        )
        for unit, kpi, value in told
    ]  # fmt: skip
    space.take("kpis", rows)
    found = space.fill("(work unit, heat loss, ?w)", {"work unit": "oven-1"}, wanted={"w": "kW"})
    assert [(row["w"], found.columns[0].unit) for row in found.rows] == [(0.15, "kW")]
    space.close()


def test_a_mapping_is_remembered_over_a_restart(folder):
    space = open_data_space(folder, clock)
    space.fill(COURIER, {"QRCode": "QR-1001"})
    mapping = space.book.valid(COURIER)
    space.close()
    again = open_data_space(folder, clock)
    assert again.book.valid(COURIER) == mapping
    again.fill(COURIER, {"QRCode": "QR-1002"})
    assert [each.version for each in again.book.mappings[COURIER]] == [1]
    again.close()


def test_what_is_doubtful_is_asked_and_the_answer_is_remembered(space):
    asked = space.fill(DOUBTFUL, {"QRCode": "QR-1002"})
    assert isinstance(asked, Ask)
    texts = outcome_texts(asked)
    assert texts[0].startswith(f"Which mapping fills '{DOUBTFUL}'?")
    assert any("named like" in each for each in texts)
    number = next(
        n for n, each in enumerate(asked.question.proposals, 1)
        if each.expression.place(each.expression.outputs[0].spot).column == "courier"
    )  # fmt: skip
    mapping = space.answer(DOUBTFUL, by="Eva", choose=number)
    assert (mapping.version, mapping.by) == (1, "Eva")
    assert space.book.questions == {}
    found = space.fill(DOUBTFUL, {"QRCode": "QR-1002"})
    assert [row["z"] for row in found.rows] == ["Pony"]


def test_a_question_that_is_open_stays_the_same_until_it_is_answered(space):
    first = space.fill(DOUBTFUL, {"QRCode": "QR-1002"})
    assert space.fill(DOUBTFUL, {"QRCode": "QR-1002"}).question == first.question
    with pytest.raises(NotFound, match="Expected a proposal from 1 to"):
        space.answer(DOUBTFUL, by="Eva", choose=99)


def test_words_that_a_person_explains_are_understood_from_then_on(space):
    place = Place(table="yellow-pages.companies", column="town")
    target = "(QRCode, whereabouts, ?z)"
    assert not isinstance(space.fill(target, {"QRCode": "QR-1002"}), Filled)
    space.answer(target, by="Eva", pins=[Pin(phrase="whereabouts", place=place)])
    found = space.fill(target, {"QRCode": "QR-1002"})
    assert [row["z"] for row in found.rows] == ["Bologna"]


def test_a_join_that_a_person_refuses_is_made_no_more(space):
    before = space.discover(COURIER, {"QRCode": "QR-1002"})
    assert isinstance(before, Certain)
    no_join = (
        Place(table="orders.orders", column="courier"),
        Place(table="yellow-pages.companies", column="company"),
    )
    space.answer(COURIER, by="Eva", no_joins=[no_join])
    after = space.discover(COURIER, {"QRCode": "QR-1002"})
    assert not isinstance(after, Certain)


def test_a_mapping_that_is_taken_back_is_chosen_by_a_person_next(space):
    space.fill(COURIER, {"QRCode": "QR-1002"})
    space.refuse(COURIER, by="Eva", why="the wrong service")
    asked = space.fill(COURIER, {"QRCode": "QR-1002"})
    assert isinstance(asked, Ask)
    assert asked.question.why == "replaced"
    assert space.answer(COURIER, by="Eva", choose=1).version == 2
    with pytest.raises(Conflict, match="Expected a mapping in force"):
        space.refuse(INGREDIENTS, by="Eva", why="none there")


def test_what_no_source_has_is_told_with_what_is_near(space):
    found = space.fill("(QRCode, blood pressure, ?z)", {"QRCode": "QR-1002"})
    assert isinstance(found, NoMapping)
    assert found.missing == ("blood pressure",)
    (text, *_) = outcome_texts(found)
    assert text.startswith("Expected sources that fill")
    assert isinstance(space.discover("(QRCode, blood pressure, ?z)"), Unmapped)


def test_a_column_that_is_renamed_makes_its_mapping_invalid_with_the_reason(space, folder):
    space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    renamed = json.dumps(RECIPES).replace('"qty"', '"amount"')
    (folder / "recipes.json").write_text(renamed)
    found = space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    first, second = space.book.mappings[INGREDIENTS]
    (reason,) = first.invalid
    assert reason.startswith(
        "Expected the column 'recipes.recipes.ingredients.qty', but it is gone."
    )
    assert second.version == 2
    assert {row["x"] for row in found.rows} >= {"yoghurt", "egg"}


def test_a_mapping_that_a_person_chose_is_not_replaced_behind_that_persons_back(space, folder):
    space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    space.refuse(INGREDIENTS, by="Eva", why="to choose it myself")
    space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    space.answer(INGREDIENTS, by="Eva", choose=1)
    (folder / "recipes.json").write_text(json.dumps(RECIPES).replace('"qty"', '"amount"'))
    asked = space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    assert isinstance(asked, Ask)
    assert "it is gone" in asked.reasons[0]


def test_a_column_that_holds_other_things_now_makes_its_mapping_invalid(space, folder):
    space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    words = json.loads(json.dumps(RECIPES))
    for recipe in words:
        for each in recipe["ingredients"]:
            each["qty"] = "a little"
    (folder / "recipes.json").write_text(json.dumps(words))
    space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    (reason,) = space.book.mappings[INGREDIENTS][0].invalid
    assert reason == "Expected 'recipes.recipes.ingredients.qty' to hold quantity, but found text."


def test_another_unit_of_the_same_quantity_needs_no_new_mapping(space, folder):
    space.fill(INGREDIENTS, {"type": "type 3", "num": 1}, wanted={"y": "g"})
    kilos = json.dumps(RECIPES).replace("45 gr", "0.045 kg").replace("100 gr", "0.1 kg")
    (folder / "recipes.json").write_text(kilos)
    found = space.fill(INGREDIENTS, {"type": "type 3", "num": 2}, wanted={"y": "g"})
    assert {row["x"]: row["num*?y"] for row in found.rows}["chocolate chips"] == 90
    assert len(space.book.mappings[INGREDIENTS]) == 1


def test_a_source_that_is_gone_is_told_and_its_mapping_stays(space, folder):
    space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    (folder / "recipes.json").unlink()
    with pytest.raises(Unavailable, match="Expected the source 'recipes' to answer"):
        space.fill(INGREDIENTS, {"type": "type 1", "num": 1})
    assert space.book.valid(INGREDIENTS) is not None
    (folder / "recipes.json").write_text(json.dumps(RECIPES))
    assert isinstance(space.fill(INGREDIENTS, {"type": "type 1", "num": 1}), Filled)


def test_a_source_that_vanishes_in_the_middle_gives_no_half_answer(tmp_path):
    """The yellow pages answer while they are looked at, then no more."""
    left = [3]  # for the look at all sources, the glance at its own, and the rows

    def answer(path):
        left[0] -= 1
        return (503, b"") if left[0] < 0 else (200, json.dumps(COURIERS).encode())

    with served(answer) as url:
        space = open_data_space(write_space(tmp_path, url), clock)
        assert isinstance(space.fill(COURIER, {"QRCode": "QR-1001"}), Filled)
        left[0] = 1  # for the glance before; the orders are read, then the pages are gone
        with pytest.raises(Unavailable, match="answers 503") as caught:
            space.fill(COURIER, {"QRCode": "QR-1001"})
        assert "yellow-pages" in str(caught.value)
        left[0] = 9
        assert isinstance(space.fill(COURIER, {"QRCode": "QR-1001"}), Filled)
        space.close()


def test_a_mapping_found_while_a_source_was_silent_is_looked_at_again_later(tmp_path):
    now = [clock()]
    awake = [False]
    couriers = [{**each, "service": each["call"]} for each in COURIERS]

    def answer(path):
        return (200, json.dumps(couriers).encode()) if awake[0] else (503, b"")

    with served(answer) as url:
        space = open_data_space(write_space(tmp_path, url), lambda: Instant(now[0]))
        target = "(QRCode, courier, ?z)"
        assert isinstance(space.fill(target, {"QRCode": "QR-1001"}), Filled)
        assert space.book.valid(target).without == ("yellow-pages",)
        awake[0] = True
        space.fill(target, {"QRCode": "QR-1001"})
        assert space.book.valid(target).version == 1
        now[0] += 61 * 10**9
        space.fill(target, {"QRCode": "QR-1001"})
        assert (space.book.valid(target).version, space.book.valid(target).without) == (2, ())
        space.close()


def test_a_mapping_that_yields_nothing_says_where_nothing_fits(space):
    found = space.fill(COURIER, {"QRCode": "QR-1001"})
    found = space.fill(COURIER, {"QRCode": "QR-9999"})
    assert isinstance(found, NothingFound)
    assert found.at == "orders.orders"
    (text,) = outcome_texts(found)
    assert "no row of 'orders.orders' fits QRCode = 'QR-9999'" in text


def test_a_mapping_that_yields_too_much_is_stopped_at_the_limit(space):
    found = space.fill("(?o, customer, ?c), (?o, boxes, ?n)", limit=3)
    assert found == TooMuch(target=found.target, version=1, limit=3, what="answer")
    assert outcome_texts(found)[0].startswith("Expected at most 3 rows")
    exact = space.fill("(?o, customer, ?c), (?o, boxes, ?n)", limit=4)
    assert len(exact.rows) == 4


def test_a_value_that_cannot_be_calculated_with_is_told_and_its_row_left_out(space, folder):
    odd = json.dumps(RECIPES[:2] * 20).replace('"75 gr"', '"some"', 1)
    (folder / "recipes.json").write_text(odd)
    found = space.fill(INGREDIENTS, {"type": "type 1", "num": 2})
    assert isinstance(found, Filled)
    assert found.faulty_count == 1
    assert outcome_texts(found) == [
        "Left a row out: y was 'some', but a number is needed to calculate."
    ]


def test_an_answer_of_which_no_row_can_be_used_is_none(space, folder):
    words = json.loads(json.dumps(RECIPES[1:] * 20))
    words.append({"type": "type 9", "ingredients": [{"name": "salt", "qty": "a pinch"}]})
    (folder / "recipes.json").write_text(json.dumps(words))
    found = space.fill(INGREDIENTS, {"type": "type 9", "num": 2})
    assert isinstance(found, NothingFound)
    assert "none of 1 rows can be used: y was 'a pinch'" in outcome_texts(found)[0]


def test_given_names_that_lack_or_are_unknown_are_told_together(space):
    with pytest.raises(Invalid) as caught:
        space.fill(INGREDIENTS, {"typ": "type 1"})
    assert len(caught.value.faults) == 3
    with pytest.raises(Invalid, match="Did you mean 'y'"):
        space.fill(INGREDIENTS, {"type": "type 1", "num": 1}, wanted={"yy": "g"})


def test_faults_of_the_document_are_told_at_once(tmp_path):
    write_space(
        tmp_path,
        "http://127.0.0.1:9/",
        broker={"kind": "ngsi-ld"},
        more={"kind": "http", "url": "http://127.0.0.1:9/", "rows": "items"},
    )
    document = json.loads((tmp_path / "sources.json").read_text())
    document["sources"].append(document["sources"][0])
    document["sources"].append({"id": "a.b", "access": document["sources"][0]["access"]})
    document["sources"][1]["columns"] = {"orders.boxes": {"unit": "bananas"}}
    (tmp_path / "sources.json").write_text(json.dumps(document))
    with pytest.raises(Invalid) as caught:
        read_space(tmp_path)
    told = str(caught.value)
    assert len(caught.value.faults) == 5
    for part in (
        "an id without '.'",
        "each source once",
        "a known unit",
        "one of 'url' and 'file'",
        "a JSON pointer",
    ):
        assert part in told


def test_rows_handed_to_what_is_no_stream_are_refused(space):
    with pytest.raises(NotFound, match="to be a stream"):
        space.take("orders", [{}])
    with pytest.raises(NotFound, match="Did you mean 'batches'"):
        space.take("batch", [{}])


def test_only_rows_that_can_matter_are_asked_of_a_database(folder, tmp_path):
    names = ["GoFast", "ViaVia", "Pony"]
    many = [(f"QR-{n}", f"c{n}", f"type {n % 3 + 1}", 1, names[n % 3], "") for n in range(30_000)]
    file = tmp_path / "orders.db"
    file.unlink()
    write_orders(file, many)
    space = open_data_space(folder, clock)
    found = space.fill(COURIER, {"QRCode": "QR-29999"})
    assert [row["z"] for row in found.rows] == ["http://pony.example/ship"]
    space.close()


def test_the_book_is_what_its_entries_amount_to(folder):
    space = open_data_space(folder, clock)
    space.fill(COURIER, {"QRCode": "QR-1001"})
    space.refuse(COURIER, by="Eva", why="to see")
    space.fill(COURIER, {"QRCode": "QR-1001"})
    space.answer(COURIER, by="Eva", choose=1)
    book = space.book
    space.close()
    again = open_data_space(folder, clock)
    assert again.book == book
    assert read([]).mappings == {}
    again.close()


def test_a_book_has_one_writer(space, folder):
    with pytest.raises(Conflict, match="another one has it open"):
        open_data_space(folder, clock)


def test_many_threads_may_ask(space):
    from concurrent.futures import ThreadPoolExecutor

    codes = [f"QR-100{n % 4 + 1}" for n in range(24)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda code: space.fill(COURIER, {"QRCode": code}), codes))
    urls = {code: each.rows[0]["z"] for code, each in zip(codes, found, strict=True)}
    assert urls["QR-1004"] == "http://viavia.example/v2"
    assert len(space.book.mappings[COURIER]) == 1


def test_a_database_that_is_none_is_silent_and_the_others_are_told(folder):
    (folder / "orders.db").write_bytes(b"no database" * 100)
    space = open_data_space(folder, clock)
    schema = space.schema()
    assert set(schema.silent) == {"orders"}
    assert "recipes.recipes" in schema.tables
    found = space.fill(COURIER, {"QRCode": "QR-1001"})
    assert not isinstance(found, Filled)
    space.close()
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(folder / "orders.db").execute("SELECT 1 FROM sqlite_master")
