"""What a sample of rows tells about a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.dataspace.links import linked, overlap
from fabloop.dataspace.ngsi import rows_by_type
from fabloop.dataspace.profile import VALUES_MAX, profile, profile_column
from fabloop.dataspace.schema import ColumnKind, LinkKind, Place, Raw
from fabloop.dataspace.shred import ROW_ID, raws_of, shred
from fabloop.dataspace.words import Thesaurus
from fabloop.model.documents.data_structs import ColumnNoteEntry


def table(name, source="s", notes=None, **columns):
    rows = tuple(zip(*columns.values(), strict=True))
    raw = Raw(name=name, columns=tuple(columns), rows=rows, count=len(rows))
    return profile(source, raw, notes)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2", "-3"], ColumnKind.INTEGER),
        ([1, 2.5, None], ColumnKind.NUMBER),
        (["75 g", "2", "1 kg"], ColumnKind.QUANTITY),
        (["2026-11-22", "2026-11-23T10:00:00+01:00"], ColumnKind.INSTANT),
        (["true", "false"], ColumnKind.BOOLEAN),
        (["1", "two", "three"], ColumnKind.TEXT),
        ([None, None], ColumnKind.TEXT),
    ],
)
def test_the_kind_of_a_column_is_that_of_its_values(values, kind):
    assert profile_column("a", values).kind is kind


def test_some_dirt_does_not_change_the_kind():
    assert profile_column("a", ["n/a"] + [str(n) for n in range(40)]).kind is ColumnKind.INTEGER


def test_units_come_from_values_names_columns_beside_and_persons():
    found = table(
        "t", weight=["1 kg", "2 kg"], length_mm=[1, 2], amount=[1, 2], unit=["g", "kg"],
        heat=[180, 190], notes={"heat": ColumnNoteEntry(unit="°C")},
    )  # fmt: skip
    by_name = {each.name: each for each in found.columns}
    assert by_name["weight"].unit == "kg"
    assert by_name["length_mm"].unit == "mm"
    assert by_name["amount"].unit_from == "unit"
    assert by_name["heat"].unit == "°C"


def test_keys_are_columns_that_tell_every_row_apart():
    found = table("t", number=[1, 2, 3], kind=["a", "a", "b"], maybe=["x", None, "z"])
    assert found.keys == ("number",)


@given(st.lists(st.text(max_size=5), max_size=60))
def test_a_column_remembers_its_values_and_no_more(values):
    column = profile_column("a", values)
    texts = {each.strip() for each in values} - {""}
    assert set(column.values) == texts
    assert column.distinct == len(texts)
    assert overlap(column, column, folded=False) == ((1.0, 1.0) if texts else (0.0, 0.0))


def test_samples_of_large_columns_can_be_compared():
    one = profile_column("a", [f"v{n}" for n in range(6 * VALUES_MAX)])
    half = profile_column("b", [f"v{n}" for n in range(3 * VALUES_MAX)])
    assert not one.whole
    to_half, to_one = overlap(one, half, folded=False)
    assert to_half == pytest.approx(0.5, abs=0.1)
    assert to_one == pytest.approx(1.0, abs=0.1)


def test_nested_rows_become_tables_that_know_their_parent():
    rows = [{"type": "a", "in": [{"name": "egg"}, {"name": "flour"}], "oven": {"heat": 180}}]
    raws = {each.name: each for each in raws_of(shred("s", {"recipes": rows}))}
    assert raws["recipes"].columns == (ROW_ID, "type", "oven.heat")
    assert raws["recipes.in"].rows == ((0, "egg"), (0, "flour"))
    assert raws["recipes.in"].parent == "recipes"


def test_entities_become_tables_by_type_with_units_beside():
    entity = {
        "id": "urn:ngsi-ld:Oven:1",
        "type": "Oven",
        "heat": {"type": "Property", "value": 180, "unitCode": "CEL", "observedAt": "2026-11-22"},
        "hall": {"type": "Relationship", "object": "urn:ngsi-ld:Hall:1"},
    }
    assert rows_by_type("s", [entity]) == {
        "Oven": [
            {
                "id": "urn:ngsi-ld:Oven:1",
                "heat": 180,
                "heat_unit": "degC",
                "heat_observedAt": "2026-11-22",
                "hall": "urn:ngsi-ld:Hall:1",
            }
        ]
    }


def test_links_are_found_by_values_that_columns_share():
    orders = table("orders", number=["1", "2", "3", "4"], courier=["Pony", "GoFast", "Pony", "Via"])
    couriers = table(
        "couriers", company=["GoFast", "Pony", "Via", "Rosa"], town=["A", "B", "A", "A"]
    )
    (link,) = linked([orders, couriers], [], Thesaurus()).links
    assert (link.many, link.one) == (
        Place(table="s.orders", column="courier"),
        Place(table="s.couriers", column="company"),
    )
    assert link.kind is LinkKind.FOUND
    assert not link.folded


def test_texts_that_differ_in_case_only_are_linked_without_case():
    orders = table("orders", number=["1", "2", "3"], courier=["PONY", "GOFAST", "VIA"])
    couriers = table("couriers", company=["GoFast", "Pony", "Via", "Rosa"])
    (link,) = linked([orders, couriers], [], Thesaurus()).links
    assert link.folded


def test_small_numbers_that_happen_to_be_equal_are_no_link():
    one = table("a", boxes=[1, 2, 3, 4])
    other = table("b", level=[1, 2, 3, 4, 5])
    assert linked([one, other], [], Thesaurus()).links == ()
