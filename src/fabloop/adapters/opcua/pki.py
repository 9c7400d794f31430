"""Certificates: our own, those of servers that are trusted, and when they end."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from fabloop.base.errors import NotPermitted
from fabloop.base.instant import DAY, SECOND, Instant, iso_of

OWN_DAYS = 3 * 365
WARN_BEFORE_NS = 30 * DAY


class ServerCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a server showed of itself; `thumbprint` is its SHA-1, as OPC UA tools show it."""

    subject: str
    thumbprint: str
    valid_until: Instant
    der: bytes


class Pki:
    """A folder of certificates: our `own`, `trusted` ones, `authorities`, and `rejected` ones.

    Our certificate and key are made on first use. A server is trusted if its certificate lies in
    `trusted`, or the one of who issued it in `authorities`, as DER or PEM. Machines issue
    themselves certificates that would do for others too, so one that is trusted is no authority.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def certificate(self) -> Path:
        """The file of our certificate (DER)."""
        return self.folder / "own" / "certificate.der"

    @property
    def key(self) -> Path:
        """The file of our private key (PEM)."""
        return self.folder / "own" / "key.pem"

    @property
    def application_uri(self) -> str:
        """The name under which servers know us; it stands in our certificate."""
        return f"urn:{socket.gethostname()}:fabloop"

    def ensure_own(self, now: Instant) -> str:
        """Make our certificate if there is none; return a warning if it ends soon, or nothing.

        Raises
        ------
        NotPermitted
            It has ended.
        """
        if not self.certificate.exists():
            self._make_own()
        own = _loaded(self.certificate)
        ends = instant_of_date(own.not_valid_after_utc)
        if ends <= now:
            raise NotPermitted(
                f"Expected a certificate of ours that is valid, but found that "
                f"'{self.certificate}' ended on {_day(ends)}. Remove it: the next start makes a "
                "new one, which the servers have to trust again."
            )
        return ends_soon(f"our own certificate '{self.certificate}'", ends, now)

    def check_server(self, der: bytes, url: str, now: Instant) -> str:
        """Return a warning if the certificate ends soon, or nothing.

        Raises
        ------
        NotPermitted
            It is unknown, or not valid now; an unknown one is kept in `rejected`.
        """
        shown = x509.load_der_x509_certificate(der)
        told = described(der)
        begins, ends = instant_of_date(shown.not_valid_before_utc), told.valid_until
        if not self._trusted(shown, now):
            self._keep("rejected", told)
            raise NotPermitted(
                f"Expected a certificate of {url} that is trusted, but found '{told.subject}' "
                f"with thumbprint {told.thumbprint}. Compare it at the machine, then type "
                f"'fabloop machine trust {told.thumbprint}'."
            )
        if now < begins:
            raise NotPermitted(
                f"Expected a certificate of {url} that is valid, but found that it begins on "
                f"{_day(begins)}. Check the clocks of the server and of this machine."
            )
        if ends <= now:
            raise NotPermitted(
                f"Expected a certificate of {url} that is valid, but found that it ended on "
                f"{_day(ends)}. Renew it at the server, and trust the new one."
            )
        return ends_soon(f"the certificate of {url}", ends, now)

    def trust(self, thumbprint: str) -> ServerCertificate:
        """Move a rejected certificate to the trusted ones.

        Raises
        ------
        NotPermitted
            None with this thumbprint was met.
        """
        wanted = thumbprint.replace(":", "").lower()
        for path in sorted((self.folder / "rejected").glob("*.der")):
            told = described(path.read_bytes())
            if told.thumbprint == wanted:
                self._keep("trusted", told)
                path.unlink()
                return told
        raise NotPermitted(
            f"Expected the thumbprint of a certificate that was met and rejected, but found "
            f"'{thumbprint}'. Type 'fabloop machine test' first; it tells the thumbprint."
        )

    def _trusted(self, shown: x509.Certificate, now: Instant) -> bool:
        if any(_loaded(path) == shown for path in self._in("trusted")):
            return True
        return any(
            instant_of_date(known.not_valid_after_utc) > now and _issued(shown, known)
            for known in map(_loaded, self._in("authorities"))
        )

    def _in(self, where: str) -> list[Path]:
        return sorted((self.folder / where).glob("*"))

    def _keep(self, where: str, told: ServerCertificate) -> None:
        folder = self.folder / where
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{told.thumbprint}.der").write_bytes(told.der)

    def _make_own(self) -> None:
        self.certificate.parent.mkdir(parents=True, exist_ok=True)
        key = generate_private_key()
        host = socket.gethostname()
        self.key.touch(mode=0o600)
        self.key.write_bytes(dump_private_key_as_pem(key))
        names = [x509.UniformResourceIdentifier(self.application_uri), x509.DNSName(host)]
        made = generate_self_signed_app_certificate(
            key, f"fabloop@{host}", {"organizationName": "fabloop"}, names,
            [ExtendedKeyUsageOID.CLIENT_AUTH], days=OWN_DAYS,
        )  # fmt: skip
        self.certificate.write_bytes(made.public_bytes(Encoding.DER))


def described(der: bytes) -> ServerCertificate:
    """Return what a certificate says of itself."""
    shown = x509.load_der_x509_certificate(der)
    return ServerCertificate(
        subject=shown.subject.rfc4514_string(),
        thumbprint=shown.fingerprint(hashes.SHA1()).hex(),  # noqa: S303  # a name, no protection
        valid_until=instant_of_date(shown.not_valid_after_utc),
        der=der,
    )


def _issued(shown: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage)
        shown.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return constraints.value.ca and usage.value.key_cert_sign


def _loaded(path: Path) -> x509.Certificate:
    data = path.read_bytes()
    if data.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def ends_soon(what: str, ends: Instant, now: Instant) -> str:
    """Return a warning where a certificate ends within a month; empty: it does not."""
    if ends - now > WARN_BEFORE_NS:
        return ""
    return (
        f"Expected {what} to be valid for more than {WARN_BEFORE_NS // DAY} days, but found that "
        f"it ends on {_day(ends)}. Renew it before."
    )


def instant_of_date(moment: datetime) -> Instant:
    """Return the instant of a date in a certificate."""
    return Instant(int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND)


def _day(at: Instant) -> str:
    return iso_of(at)[:10]
