"""Which registers are asked for together."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.modbus.maps import connection, register
from fabloop.adapters.modbus.groups import (
    BITS_PER_REQUEST,
    GAP_MAX,
    REGISTERS_PER_REQUEST,
    groups_of,
    singly,
)

PLACES = st.tuples(
    st.sampled_from(["holding", "input", "coil"]), st.integers(0, 3_000),
    st.sampled_from(["uint16", "float32", "float64"]), st.sampled_from([None, 10**8]),
)  # fmt: skip


@given(st.lists(PLACES, max_size=60))
def test_every_register_is_asked_for_once_and_no_request_is_too_long(places):
    registers = [
        register(f"r{n}", at, "bool" if table == "coil" else kind, table=table, every_ns=every)
        for n, (table, at, kind, every) in enumerate(places)
    ]
    groups = groups_of(connection("modbus://x/1", *registers))
    asked = [each.position for group in groups for each in group.wanted]
    assert sorted(asked) == list(range(len(places)))
    for group in groups:
        most = BITS_PER_REQUEST if group.table == "coil" else REGISTERS_PER_REQUEST
        assert 0 < group.count <= most
        for each in group.wanted:
            assert each.register.table == group.table
            assert group.at <= each.register.at
            assert each.register.at + each.register.size <= group.at + group.count


def test_neighbours_share_a_request_and_distant_ones_do_not():
    near = [register("a", 0), register("b", 1 + GAP_MAX), register("c", 500)]
    groups = groups_of(connection("modbus://x/1", *near))
    assert [[each.register.id for each in group.wanted] for group in groups] == [["a", "b"], ["c"]]
    assert [group.count for group in singly(groups[0])] == [1, 1]
