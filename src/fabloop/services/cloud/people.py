"""Who may come in: the blacklist, and systems that log in with a password."""

import hmac

import msgspec

from fabloop.base.errors import Conflict, Fault, Invalid, NotFound, NotPermitted
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.changes import Change, Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.records import BlacklistEntry, Identity, Session
from fabloop.services.cloud.state import State

SESSION_S = 3_600
"""How long a login lasts."""
SALT_BYTES = 16
IDENTITY_TOKEN_BYTES = 32
PASSWORD_CHARACTERS_MAX = 256


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """A system to be refused, until a time where one is told."""

    system: str
    reason: str
    expires_at: Instant | None = None


class Blacklist(msgspec.Struct, frozen=True, kw_only=True):
    """Systems that are refused from now on; the reply is the entries."""

    entries: tuple[Ban, ...]
    by: str

    def decide(self, state: State, moment: Moment) -> Decided[tuple[BlacklistEntry, ...]]:
        """Raise Invalid for a time that has passed."""
        check_room(state, BlacklistEntry, len(self.entries))
        late = [x for x in self.entries if x.expires_at is not None and x.expires_at <= moment.at]
        if late:
            raise Invalid(
                Fault(source="blacklist", path=f"{each.system}.expiresAt",
                    expected="a time to come", found="one that has passed")
                for each in late
            )  # fmt: skip
        made = tuple(
            BlacklistEntry(
                number=moment.number(),
                system=each.system,
                reason=each.reason,
                created_by=self.by,
                created_at=moment.at,
                updated_at=moment.at,
                expires_at=each.expires_at,
            )
            for each in self.entries
        )
        return Decided(made, tuple(Put(each) for each in made))


class Pardon(msgspec.Struct, frozen=True, kw_only=True):
    """Systems that are refused no more; the reply is how many entries there were."""

    systems: tuple[str, ...]
    by: str

    def decide(self, state: State, moment: Moment) -> Decided[int]:
        """The entries are kept, as revoked."""
        wanted = frozenset(self.systems)
        found = [
            msgspec.structs.replace(each, active=False, revoked_by=self.by, updated_at=moment.at)
            for each in state.table(BlacklistEntry).values()
            if each.active and each.system in wanted
        ]
        return Decided(len(found), tuple(Put(each) for each in found))


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A system shows its password; the reply is its identity token and until when it counts."""

    system: str
    password: str

    def decide(self, state: State, moment: Moment) -> Decided[tuple[str, Instant]]:
        """Raise NotPermitted for an unknown system or a wrong password, without telling which."""
        check_room(state, Session)
        _check_password(state, self.system, self.password, moment)
        secret = moment.crypto.random(IDENTITY_TOKEN_BYTES).hex()
        session = Session(
            reference=moment.crypto.reference(secret),
            system=self.system,
            login_at=moment.at,
            expires_at=Instant(moment.at + SESSION_S * SECOND),
        )
        return Decided((secret, session.expires_at), (Put(session),))


class Logout(msgspec.Struct, frozen=True, kw_only=True):
    """A system ends all its sessions; the reply is how many there were."""

    system: str
    password: str

    def decide(self, state: State, moment: Moment) -> Decided[int]:
        """Raise NotPermitted for an unknown system or a wrong password."""
        _check_password(state, self.system, self.password, moment)
        return _ended(state, (self.system,))


class EndSessions(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions that an operator ends; the reply is how many there were."""

    systems: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """End those that there are."""
        return _ended(state, self.systems)


class ChangePassword(msgspec.Struct, frozen=True, kw_only=True):
    """A system chooses another password; its sessions end."""

    system: str
    password: str
    new_password: str

    def decide(self, state: State, moment: Moment) -> Decided[int]:
        """Raise NotPermitted for an unknown system or a wrong password."""
        old = _check_password(state, self.system, self.password, moment)
        made = _identity(self.system, self.new_password, old.sysop, self.system, moment, old)
        ended = _ended(state, (self.system,))
        return Decided(1, (Put(made), *ended.changes))


class IdentityEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A system that may log in."""

    system: str
    password: str
    sysop: bool = False


class KeepIdentities(msgspec.Struct, frozen=True, kw_only=True):
    """Systems that may log in from now on, new ones or (`update`) known ones."""

    entries: tuple[IdentityEntry, ...]
    by: str
    update: bool = False

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Identity, ...]]:
        """Raise Conflict for one that is there, NotFound for one that is not."""
        check_room(state, Identity, len(self.entries))
        known = state.table(Identity)
        names = [each.system for each in self.entries]
        there = [each for each in names if each in known]
        if not self.update and there:
            raise Conflict(f"Expected new systems, but found {', '.join(map(repr, there))}.")
        lacking = [each for each in names if each not in known]
        if self.update and lacking:
            raise NotFound(f"Expected known systems, but found {', '.join(map(repr, lacking))}.")
        made = tuple(
            _identity(each.system, each.password, each.sysop, self.by, moment,
                known.get(each.system))
            for each in self.entries
        )  # fmt: skip
        return Decided(made, tuple(Put(each) for each in made))


class DropIdentities(msgspec.Struct, frozen=True, kw_only=True):
    """Systems that may log in no more; their sessions end. The reply is how many there were."""

    systems: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Drop those that there are."""
        found = [x for each in self.systems if (x := state.find(Identity, each)) is not None]
        ended = _ended(state, tuple(each.system for each in found))
        return Decided(len(found), (*(drop_of(each) for each in found), *ended.changes))


def session_of(state: State, reference: str, at: Instant) -> Session | None:
    """Return the session with the hash of an identity token; None: there is none any more."""
    session = state.find(Session, reference)
    return session if session is not None and session.expires_at > at else None


def _identity(
    system: str,
    password: str,
    sysop: bool,  # a field of the record
    by: str,
    moment: Moment,
    old: Identity | None,
) -> Identity:
    salt = moment.crypto.random(SALT_BYTES)
    return Identity(
        system=system,
        hash=moment.crypto.password_hash(password, salt),
        salt=salt.hex(),
        sysop=sysop,
        created_by=by if old is None else old.created_by,
        created_at=moment.at if old is None else old.created_at,
        updated_by=by,
        updated_at=moment.at,
    )


def _check_password(state: State, system: str, password: str, moment: Moment) -> Identity:
    identity = state.find(Identity, system)
    salt = bytes.fromhex(identity.salt) if identity is not None else bytes(SALT_BYTES)
    shown = moment.crypto.password_hash(password[:PASSWORD_CHARACTERS_MAX], salt)
    if identity is None or not hmac.compare_digest(shown, identity.hash):
        raise NotPermitted("Expected a known system and its password, but found others.")
    return identity


def _ended(state: State, systems: tuple[str, ...]) -> Decided[int]:
    wanted = frozenset(systems)
    found: list[Change] = [
        drop_of(each) for each in state.table(Session).values() if each.system in wanted
    ]
    return Decided(len(found), tuple(found))
