"""A real OPC UA server as companion specifications lay it out, in the loop of a test."""

import asyncio
import logging
import threading
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

from asyncua import Server, ua, uamethod
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import CertificateUserManager
from cryptography.x509.oid import ExtendedKeyUsageOID

MACHINERY = "http://opcfoundation.org/UA/Machinery/"
TOOLS = "http://opcfoundation.org/UA/MachineTool/"
DEVICES = "http://opcfoundation.org/UA/DI/"
MINE = "urn:maker:mill"
START_S_MAX = 180


class SpecServer:
    """A machine tool with nameplate, states, an enumeration, a method and alarms."""

    def __init__(self, server):
        self.server = server
        self.url = ""
        self.standing = {}
        self.calls = []
        self.done = None

    async def lay_out(self):
        server = self.server
        mine, machinery, tools, devices = [
            await server.register_namespace(each) for each in (MINE, MACHINERY, TOOLS, DEVICES)
        ]
        self.mine = mine
        machines = await server.nodes.objects.add_folder(
            ua.NodeId("Machines", mine), ua.QualifiedName("Machines", machinery)
        )
        mill = self.mill = await machines.add_object(ua.NodeId("mill", mine), f"{mine}:Mill-7")
        about = await mill.add_object(
            ua.NodeId("about", mine), ua.QualifiedName("Identification", devices)
        )
        for name, value in (
            ("Manufacturer", ua.LocalizedText("Maker")), ("SerialNumber", "M-4711"),
            ("ProductInstanceUri", "urn:maker:M-4711"), ("YearOfConstruction", 2021),
            ("AssetId", "graz-u630"), ("InitialOperationDate", datetime(2021, 1, 1, tzinfo=UTC)),
        ):  # fmt: skip
            await about.add_property(
                ua.NodeId(f"about.{name}", mine), ua.QualifiedName(name, devices), value
            )
        blocks = await mill.add_folder(
            ua.NodeId("blocks", mine), ua.QualifiedName("MachineryBuildingBlocks", machinery)
        )
        for name, text in (("MachineryItemState", "Executing"), ("MachineryOperationMode", "None")):
            state = await blocks.add_object(
                ua.NodeId(name, mine), ua.QualifiedName(name, machinery)
            )
            await state.add_variable(
                ua.NodeId(f"{name}.now", mine), ua.QualifiedName("CurrentState", 0),
                ua.LocalizedText(text),
            )  # fmt: skip
        await self._monitoring(mine, tools)

    async def _monitoring(self, mine, tools):
        monitoring = await self.mill.add_folder(
            ua.NodeId("monitoring", mine), ua.QualifiedName("Monitoring", tools)
        )
        modes = await self.server.nodes.enum_data_type.add_data_type(
            ua.NodeId("modes", mine), ua.QualifiedName("MachineOperationMode", tools)
        )
        await modes.add_property(
            ua.NodeId("modes.values", mine), ua.QualifiedName("EnumValues", 0),
            [ua.EnumValueType(Value=n, DisplayName=ua.LocalizedText(text))
             for n, text in ((0, "Manual"), (1, "Automatic"), (3, "Service"))],
        )  # fmt: skip
        self.mode = await monitoring.add_variable(
            ua.NodeId("mode", mine), ua.QualifiedName("OperationMode", tools), 1,
            ua.VariantType.Int32, datatype=modes.nodeid,
        )  # fmt: skip
        production = await self.mill.add_folder(
            ua.NodeId("production", mine), ua.QualifiedName("Production", tools)
        )
        program = await production.add_object(
            ua.NodeId("program", mine), ua.QualifiedName("ActiveProgram", tools)
        )
        state = await program.add_object(
            ua.NodeId("program.state", mine), ua.QualifiedName("State", tools)
        )
        await state.add_variable(
            ua.NodeId("program.state.now", mine), ua.QualifiedName("CurrentState", 0),
            ua.LocalizedText("Running"),
        )  # fmt: skip
        statistics = await production.add_object(
            ua.NodeId("statistics", mine), ua.QualifiedName("Statistics", tools)
        )
        await statistics.add_variable(
            ua.NodeId("parts", mine), ua.QualifiedName("PartsProducedInLifetime", tools), 41,
            ua.VariantType.UInt32,
        )  # fmt: skip
        await self._method(mine, modes.nodeid)
        await self._alarms()

    async def _method(self, mine, modes):
        def argument(name, kind, rank=-1):
            return ua.Argument(Name=name, DataType=kind, ValueRank=rank,
                               Description=ua.LocalizedText(f"the {name}"))  # fmt: skip

        @uamethod
        def select(_parent, tool, offsets, mode):
            self.calls.append((tool, offsets, mode))
            if tool == 99:
                return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
            return sum(offsets), f"tool {tool}"

        await self.mill.add_method(
            ua.NodeId("select", mine), ua.QualifiedName("SelectTool", mine), select,
            [argument("tool", ua.NodeId(ua.ObjectIds.UInt16)),
             argument("offsets", ua.NodeId(ua.ObjectIds.Double), 1), argument("mode", modes)],
            [argument("sum", ua.NodeId(ua.ObjectIds.Double)),
             argument("text", ua.NodeId(ua.ObjectIds.String))],
        )  # fmt: skip

    async def _alarms(self):
        self.generator = await self.server.get_event_generator(ua.ObjectIds.AlarmConditionType)
        self.generator.event.SourceNode = self.mill.nodeid
        self.generator.event.SourceName = "Mill-7"
        self.starts = await self.server.get_event_generator(ua.ObjectIds.RefreshStartEventType)
        self.ends = await self.server.get_event_generator(ua.ObjectIds.RefreshEndEventType)

        async def refresh(_parent, _subscription):
            await self.starts.trigger()
            for name in list(self.standing):
                await self._trigger(name)
            await self.ends.trigger()
            return []

        node = self.server.get_node(ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh))
        self.server.link_method(node, refresh)

    async def alarm(self, *told, **more):
        """Tell the state of a condition, from whatever loop."""
        await asyncio.to_thread(self.done, self._alarm(*told, **more))

    async def _alarm(self, name, *, active, acknowledged=False, severity=700, message="too warm"):
        self.standing[name] = (active, acknowledged, severity, message)
        await self._trigger(name)
        if not active and acknowledged:
            del self.standing[name]

    async def _trigger(self, name):
        active, acknowledged, severity, message = self.standing[name]
        event = self.generator.event
        event.ConditionName = name
        event.NodeId = ua.NodeId(f"alarm.{name}", self.mine)
        event.BranchId = ua.NodeId()
        event.Severity = severity
        event.Message = ua.LocalizedText(message)
        for field, value in (("EnabledState", True), ("ActiveState", active),
                             ("AckedState", acknowledged)):  # fmt: skip
            setattr(event, f"{field}/Id", value)
            event.data_types[f"{field}/Id"] = ua.VariantType.Boolean
        await self.generator.trigger()


class Users(CertificateUserManager):
    """Lets in whoever shows no certificate of a user, or a known one."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if not certificate:
            return User(role=UserRole.User)
        return super().get_user(iserver, username, password, certificate)


@asynccontextmanager
async def served(folder, user_certificate):
    """Serve until the block ends, with and without encryption."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    users = Users()
    await users.add_role(user_certificate, UserRole.User, "joe")
    server = Server(user_manager=users)
    await server.init()
    await server.set_application_uri("urn:maker:server")
    server.set_endpoint("opc.tcp://127.0.0.1:0/mill")
    server.set_security_policy(
        [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    )
    server.set_identity_tokens([ua.AnonymousIdentityToken, ua.X509IdentityToken])
    certificate, key = folder / "server.der", folder / "server.pem"
    await setup_self_signed_certificate(
        key, certificate, "urn:maker:server", "127.0.0.1", [ExtendedKeyUsageOID.SERVER_AUTH],
        {"organizationName": "maker"},
    )  # fmt: skip
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    shown = SpecServer(server)
    await shown.lay_out()
    await server.start()
    try:
        port = server.bserver._server.sockets[0].getsockname()[1]
        shown.url = f"opc.tcp://127.0.0.1:{port}/mill"
        yield shown
    finally:
        await server.stop()


@contextmanager
def spec_server(folder, user_certificate):
    """Serve from a thread of its own until the block ends; `told` runs there what is to be told."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def done(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(START_S_MAX)

    serving = served(folder, user_certificate)
    shown = done(serving.__aenter__())
    shown.done = done
    try:
        yield shown
    finally:
        done(serving.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
