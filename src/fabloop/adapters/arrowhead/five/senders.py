"""Who sends a request: what it says itself, its certificate or its identity token tells."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from fabloop.adapters.arrowhead.five.calls import NotAuthenticated
from fabloop.adapters.arrowhead.mtls import sender_of
from fabloop.adapters.arrowhead.port import CloudPort
from fabloop.adapters.arrowhead.profiles import CloudName, Profile
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.command import Decided, Moment
from fabloop.services.cloud.names import SYSTEM, name_fault
from fabloop.services.cloud.people import session_of
from fabloop.services.cloud.records import Identity
from fabloop.services.cloud.state import State

SYSOP = "Sysop"
_SCHEME = "Bearer"
_SYSTEM = "SYSTEM"
_TOKEN = "IDENTITY-TOKEN"  # noqa: S105  # a prefix


class IdentityPolicy(StrEnum):
    """How senders prove who they are."""

    DECLARED = "declared"
    CERTIFICATE = "certificate"
    OUTSOURCED = "outsourced"


class Sender(msgspec.Struct, frozen=True):
    """A system; `sysop` is an operator."""

    name: str
    sysop: bool = False


class SenderOf(msgspec.Struct, frozen=True):
    """Whose identity token is this? The reply is None for one that is unknown or has expired."""

    secret: str

    def decide(self, state: State, moment: Moment) -> Decided[Sender | None]:
        """Look for the session."""
        session = session_of(state, moment.crypto.reference(self.secret), moment.at)
        if session is None:
            return Decided(None)
        identity = state.find(Identity, session.system)
        return Decided(Sender(session.system, identity is not None and identity.sysop))


async def sender(
    cloud: CloudPort,
    policy: IdentityPolicy,
    scope: Mapping[str, Any],
    ours: CloudName | None = None,
) -> Sender:
    """Return who sent a request; raises NotPermitted where that is not known.

    Parameters
    ----------
    ours : the cloud whose certificates count; None: all that the server trusts
    """
    match policy:
        case IdentityPolicy.DECLARED:
            return _declared(*_authorization(scope, _SYSTEM))
        case IdentityPolicy.OUTSOURCED:
            (secret,) = _authorization(scope, _TOKEN)
            found = await cloud.do(SenderOf(secret))
            if found is None:
                raise NotAuthenticated(
                    "Expected the identity token of a session, but found another. Log in again."
                )
            return found
        case IdentityPolicy.CERTIFICATE:
            return _certified(scope, ours)


async def check_welcome(cloud: CloudPort, who: Sender) -> None:
    """Raise NotPermitted for a system on the blacklist."""
    if who.sysop:
        return

    def is_refused(state: State, at: Instant) -> bool:
        return state.is_refused(who.name, at)

    if await cloud.ask(is_refused):
        raise NotPermitted(f"{who.name} system is blacklisted")


def _authorization(scope: Mapping[str, Any], prefix: str) -> tuple[str]:
    """Return what follows the prefix in the header that says who sends."""
    header = next((value for key, value in scope["headers"] if key == b"authorization"), None)
    if header is None:
        raise NotAuthenticated("No authorization header has been provided")
    scheme, _, rest = header.decode("latin-1").strip().partition(" ")
    found, _, value = rest.strip().partition("//")
    if scheme != _SCHEME or found != prefix or not value or "//" in value:
        raise NotAuthenticated("Invalid authorization header")
    return (value,)


def _declared(name: str) -> Sender:
    if name_fault(SYSTEM, name, "", "") is not None:
        raise NotAuthenticated(f"Invalid authorization header: '{name}' is no system name")
    return Sender(name, name == SYSOP)


def _certified(scope: Mapping[str, Any], ours: CloudName | None) -> Sender:
    peer = sender_of(scope)
    subject = None if peer is None else peer.subject
    if subject is None or subject.profile not in (Profile.SYSTEM, Profile.OPERATOR):
        shown = "none" if peer is None else f"one of '{peer.common_name}'"
        raise NotAuthenticated(
            f"Expected a certificate of a system or an operator, but found {shown}."
        )
    if ours is not None and subject.cloud != ours:
        raise NotAuthenticated(
            f"Expected a certificate of cloud '{ours.common_name}', but found one of "
            f"'{subject.cloud.common_name}'."
        )
    return Sender(subject.system, subject.profile is Profile.OPERATOR)
