"""Connection documents: read with units and intervals, and with every fault named."""

import json
import re
from pathlib import Path

import pytest

from fabloop.base.instant import SECOND
from fabloop.base.quantity import Dimension
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.structure import decode
from fabloop.sense.connections.nodes import node_address
from fabloop.sense.connections.resolve import connections_of, register_maps_of
from fabloop.sense.readings.series import Kind
from fabloop.sense.readings.unece import (
    _UNIT_BY_CODE,
    code_of_unit,
    code_of_unit_id,
    unit_id,
    unit_of_code,
)

DOCS = Path(__file__).parents[3] / "docs"
UNITS = {"mill", "saw"}
HEAD = {"version": "1", "@context": "x"}
MAP = {
    "document": "registers", **HEAD, "id": "meter",
    "registers": [
        {"id": "power", "at": 10, "type": "float32", "unit": "W"},
        {"id": "mode", "at": 12, "kind": "state", "states": ["off", "on"]},
    ],
}  # fmt: skip


def variable(**more):
    return {"address": "nsu=urn:m;s=load", "work_unit": "mill", "name": "load"} | more


def opcua(*variables, **more):
    return {"id": "hall", "url": "opc.tcp://m:4840", "variables": list(variables)} | more


def read(*connections, maps=(MAP,)):
    """Return the connections, and the faults as place and what was expected."""
    faults = []
    sheets = []
    for number, written in enumerate(maps):
        document = decode(f"map{number}.json", json.dumps(written).encode(), faults)
        sheets.append((Sheet(f"map{number}.json", faults), document))
    registers = register_maps_of(sheets)
    whole = {"document": "connections", **HEAD, "connections": list(connections)}
    document = decode("c.json", json.dumps(whole).encode(), faults)
    assert document is not None, [each.sentence() for each in faults]
    found = connections_of([(Sheet("c.json", faults), document)], registers, UNITS)
    return found, [(each.path.removeprefix("$.connections"), each.expected) for each in faults]


def test_a_variable_is_a_series_in_si_with_limits_and_intervals():
    ((connection,), faults) = read(
        opcua(
            variable(unit="kW", least=0, greatest=60, every="100 ms", queue=7),
            variable(address="i=7", name="mode", kind="state", states=["off", "on"]),
            variable(address="i=8", name="current", sample_interval="20 ms"),
            every="1 s",
        )
    )
    assert faults == []
    power, mode, current = connection.variables
    assert (power.series.dimension, power.series.scale) == (Dimension.POWER, 1000.0)
    assert (power.series.least, power.series.greatest) == (0.0, 60_000.0)
    assert (power.every_ns, power.queue) == (SECOND // 10, 7)
    assert (mode.series.kind, mode.series.states) == (Kind.STATE, ("off", "on"))
    assert (current.sample_interval_ns, current.every_ns) == (20_000_000, SECOND)
    assert connection.secure


def test_a_modbus_variable_takes_what_the_register_map_says():
    ((connection,), faults) = read(
        {"id": "m", "url": "modbus://m/1", "registers": "meter", "variables": [
            variable(address="power", name="p"), variable(address="mode", name="m")]}
    )  # fmt: skip
    assert faults == []
    assert connection.variables[0].series.unit == "W"
    assert connection.variables[1].series.states == ("off", "on")
    assert [each.size for each in connection.registers] == [2, 1]


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        (opcua(variable(work_unit="lathe")), [("[0].variables[0].work_unit", "a work unit")]),
        (opcua(variable(unit="parsnips")),
         [("[0].variables[0].unit", "a unit that can be turned into SI")]),
        (opcua(variable(address="ns=2;s=x")), [("[0].variables[0].address",
         "the namespace by its URI (nsu=URI;...), since its number may change at any restart")]),
        (opcua(variable(address="power")),
         [("[0].variables[0].address", "a node id such as 'nsu=urn:plant;s=mill/power'")]),
        (opcua(variable(address="i=x")), [("[0].variables[0].address", "a number after 'i='")]),
        (opcua(variable(), variable(name="other")), [("[0].variables[1].address",
         "each address once")]),
        (opcua(variable(), variable(address="i=7")), [("[0].variables[1].name",
         "each name of a work unit once")]),
        (opcua(variable(elements=3, sample_interval="1 s")),
         [("[0].variables[0].sample_interval", "elements or samples, not both")]),
        (opcua(variable(states=["a"])), [("[0].variables[0].kind",
         "'state', since there are states")]),
        (opcua(variable(kind="state", unit="kW")), [("[0].variables[0].unit",
         "no unit of a state")]),
        (opcua(variable(least=2, greatest=1)), [("[0].variables[0].least",
         "at most greatest (1)")]),
        (opcua(url="http://m"), [("[0].url",
         "a URL such as 'opc.tcp://192.168.3.20:4840' or 'modbus://192.168.3.21:502/1'")]),
        (opcua(registers="meter"), [("[0].registers", "no register map for this protocol")]),
        (opcua(user="me"), [("[0].password_from",
         "a user and where its password is, or neither")]),
        (opcua(user="me", password_from="P", security="none"),
         [("[0].user", "no password over a wire that is not encrypted")]),
        (opcua(user_certificate="c.pem"), [("[0].user_key",
         "a certificate and its key, or neither")]),
        (opcua(user="me", password_from="P", user_certificate="c", user_key="k"),
         [("[0].user_certificate", "a user by name or by certificate")]),
        (opcua(user_certificate="c", user_key="k", security="none"),
         [("[0].user_certificate", "no password over a wire that is not encrypted")]),
        ({"id": "m", "url": "modbus://m/1", "registers": "meter", "alarms": True},
         [("[0].alarms", "no alarms over this protocol")]),
        ({"id": "m", "url": "modbus://m/1"}, [("[0].registers", "the id of a register map")]),
        ({"id": "m", "url": "modbus://m/1", "registers": "other"},
         [("[0].registers", "a register map")]),
        ({"id": "m", "url": "modbus://m/1", "registers": "meter",
          "variables": [variable(address="voltage")]},
         [("[0].variables[0].address", "a register of the map")]),
        ({"id": "m", "url": "modbus://m/1", "registers": "meter",
          "variables": [variable(address="power", unit="kW")]},
         [("[0].variables[0].unit", "'W', as in the register map")]),
        (opcua(commands=[{"work_unit": "lathe", "object": "i=1", "begin": "i=2",
          "responses": "x", "permitted": "i=4"}]),
         [("[0].commands[0].work_unit", "a work unit"), ("[0].commands[0].responses",
          "a node id such as 'nsu=urn:plant;s=mill/power'")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_connection_is_named_with_its_place(connection, told):
    assert read(connection)[1] == told


def test_a_counter_in_unsigned_registers_rolls_over_where_they_end():
    meter = {
        "document": "registers", **HEAD, "id": "meter",
        "registers": [
            {"id": "parts", "at": 1, "type": "uint16", "kind": "counter"},
            {"id": "energy", "at": 2, "type": "uint32", "kind": "counter", "scale": 0.1,
             "unit": "Wh"},
            {"id": "load", "at": 4, "type": "uint16"},
        ],
    }  # fmt: skip
    variables = [variable(address=each, name=each) for each in ("parts", "energy", "load")]
    variables.append(variable(address="load", name="other", kind="counter", rollover=1000))
    whole = {"id": "hall", "url": "modbus://m:502/1", "registers": "meter"}
    ((connection,), faults) = read(whole | {"variables": variables[:3]}, maps=(meter,))
    assert faults == []
    told = [each.series.rollover for each in connection.variables]
    assert told == [2.0**16, pytest.approx(2.0**32 * 0.1 * 3600), None]
    ((connection,), _) = read(whole | {"variables": variables[3:]}, maps=(meter,))
    assert connection.variables[0].series.rollover == 1000
    _, faults = read(opcua(variable(rollover=100)))
    assert faults == [("[0].variables[0].rollover", "a number above 0, of a counter")]


def test_two_connections_of_one_id_are_a_fault():
    assert read(opcua(), opcua())[1] == [("[1].id", "each connection once")]


@pytest.mark.parametrize(
    ("register", "told"),
    [
        ({"at": 65_535, "type": "float32"}, "a value of 2 registers that ends below 65536"),
        ({"at": 1, "table": "coil", "type": "int16"}, "'bool', since each coil is one bit"),
        ({"at": 1, "scale": 0}, "a factor other than 0"),
        ({"at": 1, "unit": "parsnips"}, "a unit that can be turned into SI"),
    ],
)
def test_what_is_wrong_with_a_register_is_named(register, told):
    odd = MAP | {"registers": [{"id": "r"} | register]}
    assert [expected for _, expected in read(maps=(odd,))[1]] == [told]


def test_registers_and_maps_of_one_id_are_faults():
    twice = MAP | {"registers": MAP["registers"][:1] * 2}
    expected = [each for _, each in read(maps=(MAP, twice))[1]]
    assert expected == ["each register map once", "each register once"]


def test_node_ids_are_read_and_written_alike():
    for text in ("nsu=urn:m;s=a;b=c", "i=2253", "nsu=http://x/;g=1b", "nsu=u;i=7"):
        assert str(node_address(text)) == text


def test_units_of_unece_and_their_numbers_go_both_ways():
    assert unit_id("CEL") == 4_408_652  # OPC 10000-8, 5.6.3: the example of degrees Celsius
    for code, unit in _UNIT_BY_CODE.items():
        assert unit_of_code(code_of_unit_id(unit_id(code))) == unit
        assert unit_of_code(code_of_unit(unit)) == unit
    assert code_of_unit_id(-1) == code_of_unit_id(0x20FF) == ""
    assert unit_of_code("XXX") is None


def test_the_register_map_that_the_page_shows_is_one():
    page = (DOCS / "howto/connect-a-machine.md").read_text()
    shown = next(
        block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if '"meter-x"' in block
    )
    assert read(maps=(json.loads(shown),))[1] == []
