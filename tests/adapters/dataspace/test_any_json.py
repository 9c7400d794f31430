"""Any JSON can be a source: what goes in comes out, whatever its names and values."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fabloop.adapters.dataspace import Found, NothingAt, Sources
from fabloop.dataspace.describe import Source, Space
from fabloop.dataspace.mapping import Expression, Output, Spot, Use
from fabloop.dataspace.profile import text_of_value
from fabloop.model.documents.data_structs import FilesEntry

names = st.text(max_size=4).filter(lambda each: "\0" not in each)
texts = st.text(max_size=6).filter(lambda each: "\0" not in each)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**22), 10**22),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
rows = st.lists(st.dictionaries(names, values, max_size=4), min_size=1, max_size=5)


def all_of(table, column):
    return Expression(
        uses=(Use(name="t0", table=table),),
        outputs=(Output(variable="x", spot=Spot(use="t0", column=column)),),
    )


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows)
@example([{"": [10**15, 0.0]}])
@example([{"": [2**53 + 1, 0.5]}])
def test_every_value_of_every_column_comes_out(tmp_path, content):
    (tmp_path / "rows.json").write_text(json.dumps({"rows": content, "other": []}))
    space = Space(sources=(Source(id="s", label="s", access=FilesEntry(path="rows.json")),))
    sources = Sources(space, tmp_path)
    try:
        schema = sources.schema()
        assert schema.silent == {}
        for table in schema.tables.values():
            for column in table.columns:
                found = sources.run(all_of(table.name, column.name), {}, 1_000)
                assert isinstance(found, Found | NothingAt)
                told = found.rows if isinstance(found, Found) else ()
                out = {text_of_value(row["x"]) for row in told} - {""}
                assert out == set(column.values)
    finally:
        sources.close()


def test_whole_numbers_are_compared_as_numbers_up_to_what_a_float_holds():
    assert text_of_value(float(2**53)) == text_of_value(2**53) == "9007199254740992"
    assert text_of_value(2.0**60) == "1.152921504606847e+18"
