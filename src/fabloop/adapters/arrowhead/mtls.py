"""TLS with certificates on both sides: contexts, and who is at the other end of a request."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fabloop.adapters.arrowhead.authority import REVOKED_FILE
from fabloop.adapters.arrowhead.certificates import public_key_text
from fabloop.adapters.arrowhead.profiles import Subject, subject_of
from fabloop.base.errors import Fault, Invalid, NotPermitted, Unavailable

SHOWN_S = 10.0
HTTPS_PORT = 443
PEER = "arrowhead.peer"
"""Key of a request's scope under which its `Peer` stands, where it came with a certificate."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Files that a system shows and trusts; `revoked` is left out where there is none."""

    certificate: str
    key: str
    trust: str
    revoked: str = ""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request: whom its certificate names, and the key in it as base 64."""

    subject: Subject | None
    common_name: str
    public_key: str


def identity_in(folder: Path, trust: Path) -> Identity:
    """Return the identity whose certificate and key lie in a folder of an authority."""
    revoked = trust.parent / REVOKED_FILE
    return Identity(
        certificate=str(folder / "certificate.pem"),
        key=str(folder / "key.pem"),
        trust=str(trust),
        revoked=str(revoked) if revoked.is_file() else "",
    )


def server_context(identity: Identity, *, demand: bool = True) -> ssl.SSLContext:
    """Return a context for a server that demands certificates, or only takes them.

    Raises
    ------
    Invalid
        A file cannot be read or holds something else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
    return _filled(context, identity)


def client_context(identity: Identity) -> ssl.SSLContext:
    """Return a context for a client that shows its certificate and checks the server's address.

    Raises
    ------
    Invalid
        A file cannot be read or holds something else.
    """
    return _filled(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), identity)


def _filled(context: ssl.SSLContext, identity: Identity) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the cloud's certificate is the anchor
    try:
        context.load_verify_locations(identity.trust)
        if identity.revoked:
            context.load_verify_locations(identity.revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except (OSError, ssl.SSLError) as error:
        raise _unusable(identity.trust, "certificates to trust", error) from error
    try:
        context.load_cert_chain(identity.certificate, identity.key)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(identity.certificate, "a certificate with its key", error) from error
    return context


def peer_of(der: bytes) -> Peer:
    """Return who a certificate names."""
    certificate = x509.load_der_x509_certificate(der)
    name = _text(certificate, NameOID.COMMON_NAME)
    return Peer(
        subject=subject_of(name, _text(certificate, NameOID.DN_QUALIFIER)),
        common_name=name,
        public_key=public_key_text(certificate),
    )


class PeerProtocol(HttpToolsProtocol):
    """HTTP that tells an application who sent a request; hand it to uvicorn as ``http``."""

    _peer: Peer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at the certificate once per connection."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self._peer = peer_of(der) if der else None

    def on_message_begin(self) -> None:
        """Begin a request with what is known of its sender."""
        super().on_message_begin()
        if self._peer is not None:
            # a scope takes keys of any extension, which its type does not know
            scope: dict[str, Any] = self.scope  # type: ignore[assignment]
            scope[PEER] = self._peer


def sender_of(scope: Mapping[str, Any]) -> Peer | None:
    """Return who sent a request; None: it came without a certificate."""
    found = scope.get(PEER)
    return found if isinstance(found, Peer) else None


def shown_by(url: str, identity: Identity) -> str:
    """Return the common name of the certificate that a server shows.

    Raises
    ------
    Unavailable
        Nobody answers, or with a certificate that is not trusted.
    """
    place = urlsplit(url)
    where = (place.hostname or "", place.port or HTTPS_PORT)
    try:
        with (
            socket.create_connection(where, timeout=SHOWN_S) as plain,
            client_context(identity).wrap_socket(plain, server_hostname=where[0]) as tls,
        ):
            der = tls.getpeercert(binary_form=True)
    except OSError as error:
        what = error.strerror or str(error) or type(error).__name__
        raise Unavailable(f"Expected {url} to show its certificate, but {what}.") from error
    assert der, "a server without a certificate was refused"
    return peer_of(der).common_name


def check_sender(scope: Mapping[str, Any], expected: str) -> None:
    """Refuse a request of anybody but the system with a common name; an empty one is anybody.

    Raises
    ------
    NotPermitted
        Another one sent it.
    """
    peer = sender_of(scope)
    found = peer.common_name if peer is not None else "nobody with a certificate"
    if expected and found != expected:
        raise NotPermitted(
            f"Expected '{expected}' to ask this, but found '{found}'. Only it may do so here."
        )


def _text(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _unusable(path: str, expected: str, error: Exception) -> Invalid:
    found = getattr(error, "strerror", None) or str(error)
    return Invalid(Fault(source=path, path="", expected=expected, found=found))
