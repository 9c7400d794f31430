"""Where the broker is, and how we show who we are: part of a mapping."""

import ssl
from pathlib import Path

import msgspec

from fabloop.base.errors import Fault, Invalid


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files that make a connection secret and both sides known.

    Attributes
    ----------
    authority : certificates that are trusted; empty: those of the operating system
    certificate, key : of ours, where the broker wants one
    """

    authority: str = ""
    certificate: str = ""
    key: str = ""


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker that speaks MQTT 5.

    Attributes
    ----------
    client_id : names our session; the broker keeps for it what was not acknowledged
    password_file : holds the password of `user`, and an end of line at most
    session_expiry_s : how long the broker keeps the session while we are away
    receive_maximum : messages of QoS 1 that may be under way without our acknowledgement
    """

    host: str
    client_id: str
    port: int = 1883
    tls: Tls | None = None
    user: str = ""
    password_file: str = ""
    keep_alive_s: int = 30
    session_expiry_s: int = 86_400
    receive_maximum: int = 5_000

    @property
    def place(self) -> str:
        """Where it is, for sentences."""
        return f"{self.host}:{self.port}"

    def faults(self, source: str, path: str) -> list[Fault]:
        """Return what is wrong with it."""
        limits = (
            ("port", self.port, 1, 65_535), ("keep_alive_s", self.keep_alive_s, 1, 65_535),
            ("session_expiry_s", self.session_expiry_s, 0, 0xFFFFFFFF),
            ("receive_maximum", self.receive_maximum, 1, 65_535),
        )  # fmt: skip
        found = [
            Fault(source=source, path=f"{path}.{name}", found=str(value),
                expected=f"{least}..{most}", hint="")
            for name, value, least, most in limits
            if not least <= value <= most
        ]  # fmt: skip
        if not self.client_id:
            found.append(
                Fault(source=source, path=f"{path}.client_id", found="nothing",
                    expected="a name of our session", hint="The broker keeps messages under it.")
            )  # fmt: skip
        return found

    def password(self) -> bytes | None:
        """Return the password, None where there is none."""
        if not self.password_file:
            return None
        try:
            return Path(self.password_file).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise _unreadable("broker.password_file", self.password_file, error) from error

    def tls_context(self) -> ssl.SSLContext | None:
        """Return how to make connections secret, None where they are not."""
        if self.tls is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls.authority or None)
            if self.tls.certificate:
                context.load_cert_chain(self.tls.certificate, self.tls.key or None)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(
                filter(None, (self.tls.authority, self.tls.certificate, self.tls.key))
            )
            raise _unreadable("broker.tls", files, error) from error
        return context


def _unreadable(path: str, file: str, error: Exception) -> Invalid:
    return Invalid(
        Fault(source="mapping", path=path, found=f"{file}: {error}",
            expected="files that can be read", hint="Correct the path or its rights.")
    )  # fmt: skip
