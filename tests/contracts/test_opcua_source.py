"""The OPC UA source keeps the contract, with a real server in a process of its own."""

import pytest

from adapters.opcua.opcua_wire import LOAD, Wire, connection
from contracts.source_contract import Rig, SourceContract
from fabloop.adapters.opcua import OpcUaSource, Pki
from opcua_machine import OpcUaMachine


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


class TestOpcUaSource(SourceContract):
    tells_strange = False

    @pytest.fixture
    def rig(self, tmp_path, pki):
        machine = OpcUaMachine(tmp_path, insecure=True)
        try:
            yield lambda: Rig(
                OpcUaSource(connection(machine.url, LOAD, secure=False), pki), Wire(machine)
            )
        finally:
            machine.close()
