"""Who we are to a server: nobody, a name with a password, or the owner of a certificate."""

import os
from pathlib import Path

from asyncua import Client
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from fabloop.adapters.opcua.pki import ends_soon, instant_of_date
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Clock, Instant, iso_of
from fabloop.sense.connections.model import Connection


async def identify(client: Client, connection: Connection, clock: Clock) -> str:
    """Tell a client who we are; return a warning if that ends soon, or nothing.

    Raises
    ------
    NotPermitted
        The password is not there; a file is missing, is none of its kind or does not fit the other
        one; or the certificate is not valid now.
    """
    if connection.user_certificate:
        return await _by_certificate(client, connection, clock.now())
    if connection.user:
        client.set_user(connection.user)
        client.set_password(_secret(connection, f"the password of '{connection.user}'"))
    return ""


async def _by_certificate(client: Client, connection: Connection, now: Instant) -> str:
    certificate, key = Path(connection.user_certificate), Path(connection.user_key)
    shown = _certificate(certificate)
    password = None
    if connection.password_from:
        password = _secret(connection, f"the password of '{key}'").encode()
    if _public_key(key, password) != shown.public_key():
        raise NotPermitted(
            f"Expected '{key}' to be the key of '{certificate}', but found another one. Name the "
            "key that belongs to the certificate."
        )
    begins, ends = (
        instant_of_date(each) for each in (shown.not_valid_before_utc, shown.not_valid_after_utc)
    )
    if not begins <= now < ends:
        raise NotPermitted(
            f"Expected the certificate of the user '{certificate}' to be valid, but found that it "
            f"is so from {iso_of(begins)[:10]} to {iso_of(ends)[:10]}. Have it renewed by whoever "
            "issued it."
        )
    await client.load_client_certificate(str(certificate))
    await client.load_private_key(key, password)
    return ends_soon(f"the certificate of the user '{certificate}'", ends, now)


def _certificate(file: Path) -> x509.Certificate:
    data = _content(file, "a certificate (DER or PEM)")
    try:
        if data.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise _unfit(file, "a certificate (DER or PEM)", str(error)) from error


def _public_key(file: Path, password: bytes | None) -> object:
    what = "a private key (PEM or DER)"
    data = _content(file, what)
    load = load_pem_private_key if data.startswith(b"-----BEGIN") else load_der_private_key
    try:
        return load(data, password).public_key()
    except (ValueError, TypeError) as error:
        raise _unfit(file, f"{what} that opens with the password given", str(error)) from error


def _content(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unfit(file, what, error.strerror or "nothing") from error


def _unfit(file: Path, what: str, found: str) -> NotPermitted:
    return NotPermitted(f"Expected {what} in '{file}', but found: {found}. Name the right file.")


def _secret(connection: Connection, what: str) -> str:
    found = os.environ.get(connection.password_from)
    if found is None:
        raise NotPermitted(
            f"Expected {what} in the environment variable '{connection.password_from}', but found "
            "nothing there. Set it."
        )
    return found
