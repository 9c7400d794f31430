"""Which work unit a machine's variables belong to: by name, by label, by type, or as said."""

from hypothesis import given
from hypothesis import strategies as st

from fabloop.model.ids import AreaId, EquipmentTypeId, SiteId, WorkUnitId
from fabloop.model.site import WorkUnit
from fabloop.sense.connections.propose import Places, propose
from fabloop.sense.connections.seen import Seen, SeenMethod, SeenVariable


def unit(name, label="", kind="mill"):
    return WorkUnit(
        id=WorkUnitId(name), label=label or name, equipment_type=EquipmentTypeId(kind),
        site=SiteId("graz"), area=AreaId("hall"), offers=(), cost_per_hour_minor=0, power_w=0.0,
    )  # fmt: skip


UNITS = {
    each.id: each
    for each in (
        unit("mill-1", "Mill one"), unit("mill-2", "Mill two"), unit("saw-1", kind="band-saw"),
    )
}  # fmt: skip


def seen(path, **more):
    return SeenVariable(address=f"s={path}", path=tuple(path.split("/")), **more)


def proposed(*variables, places=None, methods=()):
    return propose(Seen(variables=variables, methods=methods), places or Places(units=UNITS))


def mapped(found):
    return [(each.work_unit, each.name) for each in found.variables]


def test_names_on_the_way_to_a_variable_are_compared_with_ids_and_labels():
    found = proposed(
        seen("Machines/MILL_1/Spindle/Load"), seen("Hall/Mill two/power"), seen("mill-2/power")
    )
    assert mapped(found) == [
        ("mill-1", "Spindle.Load"), ("mill-2", "power"), ("mill-2", "power (2)"),
    ]  # fmt: skip


def test_what_a_machine_says_of_itself_counts_where_its_names_do_not():
    found = proposed(seen("M7/Load", about=("Mill one", "something")))
    assert mapped(found) == [("mill-1", "Load")]


def test_the_only_work_unit_of_a_type_is_meant_and_of_several_none():
    found = proposed(seen("M7/Load", about=("Band Saw",)), seen("M8/Load", about=("mill",)))
    assert mapped(found) == [("saw-1", "Load")]
    (left,) = found.unmapped
    assert left.path == "M8/Load"
    assert "'mill-1', 'mill-2'" in left.reason
    assert "--map 'M8=UNIT'" in left.reason


def test_what_a_person_says_goes_before_all_else():
    said = Places(units=UNITS, said={"mill-1": "saw-1"})
    assert mapped(proposed(seen("mill-1/Load"), places=said)) == [("saw-1", "Load")]
    only = Places(units=UNITS, only="mill-2")
    assert mapped(proposed(seen("mill-1/Load"), seen("Load"), places=only)) == [
        ("mill-2", "Load"), ("mill-2", "Load (2)"),
    ]  # fmt: skip


def test_what_is_no_number_or_nobody_s_is_left_out_with_the_reason():
    found = proposed(seen("mill-1/Name", number=False, text=True), seen("lathe/Load"))
    assert [each.reason for each in found.unmapped] == [
        "it is no number, and its texts are not listed",
        "no work unit is named so. Known are: mill-1, mill-2, saw-1.",
    ]


def test_units_ranges_states_counters_and_samples_are_taken_over():
    found = proposed(
        seen("mill-1/power", unit="kW", least=0.0, greatest=60.0),
        seen("mill-1/parts.good"),
        seen("mill-1/energy", unit="kWh"),
        seen("mill-1/mode", states=("off", "on"), number=True, unit="kW"),
        seen("mill-1/current", length=50, sample_interval_ns=20_000_000),
        seen("mill-1/zones", length=3, unit="°C"),
        seen("mill-1/odd", unit="furlong", unit_known=False),
    )
    by_name = {each.name: each for each in found.variables}
    assert (by_name["power"].unit, by_name["power"].least, by_name["power"].greatest) == (
        "kW", 0.0, 60.0,
    )  # fmt: skip
    assert by_name["parts.good"].kind == by_name["energy"].kind == "counter"
    assert (by_name["mode"].kind, by_name["mode"].unit) == ("state", "")
    assert (by_name["current"].sample_interval, by_name["current"].elements) == ("20 ms", 0)
    assert (by_name["zones"].sample_interval, by_name["zones"].elements) == (None, 3)
    assert by_name["odd"].unit == ""
    assert "'furlong'" in found.notes[0]


def test_methods_that_take_jobs_become_commands_and_their_permissive_no_variable():
    path = ("mill-1",)
    methods = tuple(
        SeenMethod(address=f"s={name}", object="s=mill-1", path=(*path, name))
        for name in ("BeginJob", "JobResponses", "Reboot")
    )
    found = proposed(seen("mill-1/StartPermitted"), seen("mill-1/Load"), methods=methods)
    (commands,) = found.commands
    assert (commands.work_unit, commands.object, commands.begin, commands.responses) == (
        "mill-1", "s=mill-1", "s=BeginJob", "s=JobResponses",
    )  # fmt: skip
    assert commands.permitted == "s=mill-1/StartPermitted"
    assert mapped(found) == [("mill-1", "Load")]


@given(
    st.lists(
        st.lists(st.sampled_from(["mill-1", "Mill two", "x", "y", "load"]), min_size=1, max_size=4),
        max_size=12,
    )
)
def test_every_variable_is_either_mapped_once_or_left_out_and_names_are_unique(paths):
    variables = [SeenVariable(address=f"i={n}", path=tuple(path)) for n, path in enumerate(paths)]
    found = proposed(*variables)
    addresses = [each.address for each in (*found.variables, *found.unmapped)]
    assert sorted(addresses) == sorted(each.address for each in variables)
    assert len(set(mapped(found))) == len(found.variables)
