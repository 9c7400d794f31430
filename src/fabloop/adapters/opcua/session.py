"""A session with a server: which endpoint, whose certificate, which user."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from asyncua import Client, ua
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)

from fabloop.adapters.opcua.identity import identify
from fabloop.adapters.opcua.pki import Pki
from fabloop.base.errors import FabloopError, NotPermitted, Unavailable
from fabloop.base.instant import Clock
from fabloop.sense.connections.model import Connection
from fabloop.sense.connections.nodes import NodeAddress, node_address

REQUEST_S_MAX = 10.0
RECONNECT_S_MAX = 5.0
"""Longest wait between two tries of the library to get a lost session back."""
WATCH_S = 4.0
"""How often a silent server is asked whether it lives."""
SESSION_MS = 600_000
"""How long a server keeps our session and its queues while we are away."""

POLICIES = (
    SecurityPolicyBasic256Sha256,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyAes128Sha256RsaOaep,
)
"""What we speak, in order of preference; older ones are broken and refused."""

logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what matters is told by health


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, and what is not yet wrong with it."""

    client: Client
    warning: str


async def opened(
    connection: Connection, pki: Pki, clock: Clock, *, comes_back: bool = True
) -> Opened:
    """Return a session with the server of a connection; one that `comes_back` reconnects itself.

    Raises
    ------
    Unavailable
        Nobody answers, or nobody that speaks OPC UA.
    NotPermitted
        The server is not trusted, offers no encryption, or does not let us in.
    """
    client = Client(
        connection.url, timeout=REQUEST_S_MAX, watchdog_intervall=WATCH_S,
        auto_reconnect=comes_back, reconnect_max_delay=RECONNECT_S_MAX,
        reconnect_request_timeout=REQUEST_S_MAX,
    )  # fmt: skip
    client.session_timeout = SESSION_MS
    client.name = "fabloop"
    warning = ""
    try:
        if connection.secure:
            warning = await _secure(client, connection, pki, clock)
        warning = await identify(client, connection, clock) or warning
        await client.connect()
    except FabloopError:
        raise
    except Exception as error:  # the library beneath fails in many ways
        raise _told(connection, error) from error
    return Opened(client, warning)


async def _secure(client: Client, connection: Connection, pki: Pki, clock: Clock) -> str:
    warning = pki.ensure_own(clock.now())
    client.application_uri = pki.application_uri
    endpoints = await client.connect_and_get_server_endpoints()
    policy, certificate = _best(endpoints, connection.url)
    warning = pki.check_server(certificate, connection.url, clock.now()) or warning
    await client.set_security(
        policy, str(pki.certificate), str(pki.key), server_certificate=certificate,
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )  # fmt: skip
    return warning


def _best(
    endpoints: Iterable[ua.EndpointDescription], url: str
) -> tuple[type[SecurityPolicyBasic256Sha256], bytes]:
    offered = {
        each.SecurityPolicyUri: each
        for each in endpoints
        if each.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
    }
    for policy in POLICIES:
        if policy.URI in offered:
            return policy, bytes(offered[policy.URI].ServerCertificate)
    names = ", ".join(sorted({each.SecurityPolicyUri.split("#")[-1] for each in endpoints}))
    raise NotPermitted(
        f"Expected {url} to offer Basic256Sha256 or better, signed and encrypted, but found "
        f"{names or 'no endpoint'}. Turn it on at the server, or give up security: --insecure."
    )


def _told(connection: Connection, error: Exception) -> Unavailable | NotPermitted:
    url = connection.url
    code = getattr(error, "code", None)
    name = ua.status_codes.get_name_and_doc(code)[0] if isinstance(code, int) else ""
    if name in ("BadUserAccessDenied", "BadIdentityTokenRejected", "BadIdentityTokenInvalid"):
        known = connection.user or connection.user_certificate
        who = f"'{known}'" if known else "users without a name"
        return NotPermitted(f"Expected {url} to let in {who}, but found {name}. Ask its keeper.")
    if "Certificate" in name or name == "BadSecurityChecksFailed":
        return NotPermitted(
            f"Expected {url} to trust our certificate, but found {name}. Trust it at the server."
        )
    if "No matching endpoints" in str(error):
        return NotPermitted(
            f"Expected {url} to offer an endpoint without security, but found none. "
            "Leave out --insecure."
        )
    found = name or str(error) or type(error).__name__
    return Unavailable(f"Expected an OPC UA server at {url}, but found: {found}.")


class Namespaces:
    """Node ids of a session from addresses; numbers of namespaces hold for one session."""

    def __init__(self, uris: list[str]) -> None:
        self.uris = uris

    def node_id(self, address: str) -> ua.NodeId | None:
        """Return the node id, None where the server does not know the namespace."""
        node = node_address(address)
        if node.namespace not in self.uris:
            return None
        index = self.uris.index(node.namespace)
        return ua.NodeId.from_string(f"ns={index};{node.kind}={node.identifier}")

    def address(self, node: ua.NodeId) -> str:
        """Return the address of a node id of this session."""
        kind, _, identifier = node.to_string().rpartition(";")[-1].partition("=")
        return str(NodeAddress(self.uris[node.NamespaceIndex], kind, identifier))


async def namespaces_of(client: Client) -> Namespaces:
    """Return how the server numbers its namespaces now."""
    return Namespaces(list(await client.get_namespace_array()))
