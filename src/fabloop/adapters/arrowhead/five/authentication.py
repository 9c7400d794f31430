"""Authentication: systems log in with a password and get an identity token."""

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import (
    Answer,
    Call,
    NotAuthenticated,
    Route,
    removed,
    told,
)
from fabloop.adapters.arrowhead.five.pages import Sorts, page_of
from fabloop.adapters.arrowhead.five.reading import Reading
from fabloop.adapters.arrowhead.five.registry_management import some
from fabloop.adapters.arrowhead.five.told import identity_out, session_out
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.command import Decided, Moment
from fabloop.services.cloud.names import SYSTEM
from fabloop.services.cloud.people import (
    PASSWORD_CHARACTERS_MAX,
    ChangePassword,
    DropIdentities,
    EndSessions,
    IdentityEntry,
    KeepIdentities,
    Login,
    Logout,
    session_of,
)
from fabloop.services.cloud.records import Identity, Session
from fabloop.services.cloud.state import State
from fabloop.services.cloud.times import iso_seconds

IDENTITY = "/authentication/identity"
_MANAGEMENT = "/authentication/mgmt"
_PASSWORD = "password"  # noqa: S105  # a field's name
_ONE = msgspec.json.Decoder(wire.IdentityIn)
_MANY = msgspec.json.Decoder(wire.IdentitiesIn)
_QUERY = msgspec.json.Decoder(wire.IdentityQuery)
_IDENTITY_SORTS: Sorts = {
    "name": lambda each: each.system,
    "createdAt": lambda each: each.created_at,
    "id": lambda each: each.created_at,
}
_SESSION_SORTS: Sorts = {
    "name": lambda each: each.system,
    "loginTime": lambda each: each.login_at,
    "id": lambda each: each.login_at,
}


class LoginOut(msgspec.Struct, rename="camel"):
    """An identity token."""

    token: str
    expiration_time: str


class VerifiedOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """Whose identity token it is."""

    verified: bool
    system_name: str | None = None
    sysop: bool | None = None
    login_time: str | None = None
    expiration_time: str | None = None


class IdentitiesOut(msgspec.Struct):
    """Systems that may log in."""

    identities: list[object]
    count: int


class SessionsOut(msgspec.Struct):
    """Systems that are logged in."""

    sessions: list[object]
    count: int


class FindSession(msgspec.Struct, frozen=True):
    """Whose identity token is this? The reply is session and identity."""

    secret: str

    def decide(
        self, state: State, moment: Moment
    ) -> Decided[tuple[Session, Identity | None] | None]:
        """Look for the session."""
        found = session_of(state, moment.crypto.reference(self.secret), moment.at)
        if found is None:
            return Decided(None)
        return Decided((found, state.find(Identity, found.system)))


class Authentication:
    """Logging in."""

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what; the first three are asked by those not logged in yet."""
        return (
            Route("POST", f"{IDENTITY}/login", self.login),
            Route("POST", f"{IDENTITY}/logout", self.logout),
            Route("POST", f"{IDENTITY}/change", self.change),
            Route("GET", f"{IDENTITY}/verify/", self.verify, tail=True),
            Route("POST", f"{_MANAGEMENT}/identities", self.create),
            Route("PUT", f"{_MANAGEMENT}/identities", self.update),
            Route("DELETE", f"{_MANAGEMENT}/identities", self.remove),
            Route("POST", f"{_MANAGEMENT}/identities/query", self.query),
            Route("POST", f"{_MANAGEMENT}/sessions", self.query_sessions),
            Route("POST", f"{_MANAGEMENT}/sessions/query", self.query_sessions),
            Route("DELETE", f"{_MANAGEMENT}/sessions", self.close_sessions),
        )

    async def login(self, call: Call) -> Answer:
        """Begin a session."""
        system, password = _credentials(call)
        try:
            token, ends = await call.cloud.do(Login(system=system, password=password))
        except NotPermitted as error:
            raise NotAuthenticated(str(error)) from error
        return told(LoginOut(token, iso_seconds(ends)))

    async def logout(self, call: Call) -> Answer:
        """End all sessions of a system."""
        system, password = _credentials(call)
        try:
            await call.cloud.do(Logout(system=system, password=password))
        except NotPermitted as error:
            raise NotAuthenticated(str(error)) from error
        return Answer()

    async def change(self, call: Call) -> Answer:
        """Change a password."""
        asked = call.read(_ONE)
        reading = Reading("identity")
        system, password = _read(asked, asked.credentials, reading, "")
        _, new_password = _read(asked, asked.new_credentials, reading, "")
        reading.check()
        command = ChangePassword(system=system, password=password, new_password=new_password)
        try:
            await call.cloud.do(command)
        except NotPermitted as error:
            raise NotAuthenticated(str(error)) from error
        return Answer()

    async def verify(self, call: Call) -> Answer:
        """Tell whose identity token it is."""
        found = await call.cloud.do(FindSession(call.tail))
        if found is None:
            return told(VerifiedOut(verified=False))
        session, identity = found
        return told(
            VerifiedOut(
                verified=True,
                system_name=session.system,
                sysop=identity is not None and identity.sysop,
                login_time=iso_seconds(session.login_at),
                expiration_time=iso_seconds(session.expires_at),
            )
        )

    async def create(self, call: Call) -> Answer:
        """Let systems log in."""
        return await self._kept(call, update=False)

    async def update(self, call: Call) -> Answer:
        """Change how systems log in."""
        return await self._kept(call, update=True)

    async def _kept(self, call: Call, *, update: bool) -> Answer:
        asked = call.read(_MANY)
        reading = Reading("identities")
        method = (asked.authentication_method or "").strip().upper()
        if method not in ("PASSWORD", "") or (not method and not update):
            reading.add("authenticationMethod", "PASSWORD", repr(asked.authentication_method))
        entries = []
        for number, each in enumerate(some(asked.identities, reading, "identities")):
            system, password = _read(each, each.credentials, reading, f"identities[{number}].")
            entries.append(IdentityEntry(system=system, password=password, sysop=each.sysop))
        reading.check()
        command = KeepIdentities(entries=tuple(entries), by=call.who, update=update)
        made = await call.cloud.do(command)
        return told(
            IdentitiesOut([identity_out(each) for each in made], len(made)), 200 if update else 201
        )

    async def remove(self, call: Call) -> Answer:
        """Let systems log in no more."""
        await call.cloud.do(DropIdentities(systems=call.several("names")))
        return Answer()

    async def query(self, call: Call) -> Answer:
        """List systems that may log in."""
        asked = call.read(_QUERY)
        reading = Reading("query")
        since = reading.time(asked.creation_from, "creationFrom")
        until = reading.time(asked.creation_to, "creationTo")
        part = (asked.name_part or "").lower()

        def found(state: State, at: Instant) -> IdentitiesOut:
            online = {x.system for x in state.table(Session).values() if x.expires_at > at}
            every = [
                each
                for each in state.table(Identity).values()
                if part in each.system.lower()
                and asked.is_sysop in (None, each.sysop)
                and asked.has_session in (None, each.system in online)
                and asked.created_by in (None, "", each.created_by)
                and (since is None or each.created_at >= since)
                and (until is None or each.created_at <= until)
            ]
            page = page_of(every, asked.pagination, _IDENTITY_SORTS, reading)
            return IdentitiesOut([identity_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def query_sessions(self, call: Call) -> Answer:
        """List systems that are logged in."""
        asked = call.read(_QUERY)
        reading = Reading("query")
        since = reading.time(asked.login_from, "loginFrom")
        until = reading.time(asked.login_to, "loginTo")
        part = (asked.name_part or "").lower()

        def found(state: State, at: Instant) -> SessionsOut:
            every = [
                each
                for each in state.table(Session).values()
                if each.expires_at > at
                and part in each.system.lower()
                and (since is None or each.login_at >= since)
                and (until is None or each.login_at <= until)
            ]
            page = page_of(every, asked.pagination, _SESSION_SORTS, reading)
            return SessionsOut([session_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def close_sessions(self, call: Call) -> Answer:
        """Log systems out."""
        return removed(await call.cloud.do(EndSessions(systems=call.several("names"))))


def _credentials(call: Call) -> tuple[str, str]:
    asked = call.read(_ONE)
    reading = Reading("identity")
    found = _read(asked, asked.credentials, reading, "")
    reading.check()
    return found


def _read(
    asked: wire.IdentityIn, credentials: dict[str, str] | None, reading: Reading, path: str
) -> tuple[str, str]:
    password = (credentials or {}).get(_PASSWORD, "")
    if not 0 < len(password) <= PASSWORD_CHARACTERS_MAX:
        expected = f"a password of 1 to {PASSWORD_CHARACTERS_MAX} characters"
        reading.add(f"{path}credentials.password", expected, f"one of {len(password)}")
    return reading.name(SYSTEM, asked.system_name, f"{path}systemName"), password
