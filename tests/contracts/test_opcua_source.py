"""The OPC UA source keeps the contract, with a real server in a process of its own."""

from itertools import count

import pytest

from adapters.opcua.opcua_wire import Wire, connection, variable
from contracts.source_contract import Rig, SourceContract
from fabloop.adapters.opcua import OpcUaSource, Pki
from opcua_machine import OpcUaMachine


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = OpcUaMachine(tmp_path_factory.mktemp("machine"), insecure=True)
    yield machine
    machine.close()


LOADS = count()


class TestOpcUaSource(SourceContract):
    tells_strange = False

    @pytest.fixture
    def rig(self, machine, pki):
        """A variable that no other test told anything of, under the name of the contract."""
        told = f"load{next(LOADS)}"
        wired = connection(machine.url, variable(told, called="load"), secure=False)
        return lambda: Rig(OpcUaSource(wired, pki, away_s_max=1.0), Wire(machine, {"load": told}))
