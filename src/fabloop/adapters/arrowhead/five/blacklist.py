"""Blacklist: systems that are refused."""

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Route, told
from fabloop.adapters.arrowhead.five.pages import Sorts, page_of
from fabloop.adapters.arrowhead.five.reading import Reading
from fabloop.adapters.arrowhead.five.registry_management import some
from fabloop.adapters.arrowhead.five.shapes import Entries
from fabloop.adapters.arrowhead.five.told import ban_out, listed
from fabloop.base.instant import Instant
from fabloop.services.cloud.names import SYSTEM
from fabloop.services.cloud.people import Ban, Blacklist, Pardon
from fabloop.services.cloud.records import BlacklistEntry
from fabloop.services.cloud.state import State

BLACKLIST = "/blacklist"
_BANS = msgspec.json.Decoder(wire.BansIn)
_QUERY = msgspec.json.Decoder(wire.BanQuery)
_MODES = ("ALL", "ACTIVES", "INACTIVES")
_SORTS: Sorts = {
    "id": lambda each: each.number,
    "systemName": lambda each: each.system,
    "createdAt": lambda each: each.created_at,
}


class Blacklisting:
    """Systems that are refused."""

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("GET", f"{BLACKLIST}/lookup", self.look_up),
            Route("GET", f"{BLACKLIST}/check/", self.check, tail=True),
            Route("POST", f"{BLACKLIST}/mgmt/query", self.query),
            Route("POST", f"{BLACKLIST}/mgmt/create", self.create),
            Route("DELETE", f"{BLACKLIST}/mgmt/remove", self.remove),
        )

    async def look_up(self, call: Call) -> Answer:
        """List entries in force for who asks."""

        def found(state: State, at: Instant) -> Entries[object]:
            entries = state.table(BlacklistEntry).values()
            return listed([ban_out(x) for x in entries if x.system == call.who and x.holds(at)])

        return told(await call.cloud.ask(found))

    async def check(self, call: Call) -> Answer:
        """Tell whether a system is refused."""
        reading = Reading("check")
        system = reading.name(SYSTEM, call.tail, "systemName")
        reading.check()
        return told(await call.cloud.ask(lambda state, at: state.is_refused(system, at)))

    async def query(self, call: Call) -> Answer:
        """List entries."""
        asked = call.read(_QUERY)
        reading = Reading("query")
        mode = (asked.mode or "ALL").strip().upper()
        if mode not in _MODES:
            reading.add("mode", f"one of {', '.join(_MODES)}", repr(asked.mode))
        alive_at = reading.time(asked.alives_at, "alivesAt")

        def found(state: State, _: Instant) -> Entries[object]:
            every = [
                each
                for each in state.table(BlacklistEntry).values()
                if (mode == "ALL" or each.active is (mode == "ACTIVES"))
                and (not asked.system_names or each.system in asked.system_names)
                and (not asked.issuers or each.created_by in asked.issuers)
                and (not asked.revokers or each.revoked_by in asked.revokers)
                and (asked.reason or "") in each.reason
                and (alive_at is None or each.holds(alive_at))
            ]
            page = page_of(every, asked.pagination, _SORTS, reading)
            return listed([ban_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def create(self, call: Call) -> Answer:
        """Refuse systems from now on."""
        reading = Reading("blacklist")
        bans = tuple(
            Ban(
                system=reading.name(SYSTEM, each.system_name, f"entities[{n}].systemName"),
                reason=reading.text(each.reason, f"entities[{n}].reason"),
                expires_at=reading.time(each.expires_at, f"entities[{n}].expiresAt"),
            )
            for n, each in enumerate(some(call.read(_BANS).entities, reading, "entities"))
        )
        reading.check()
        made = await call.cloud.do(Blacklist(entries=bans, by=call.who))
        return told(listed([ban_out(each) for each in made]), 201)

    async def remove(self, call: Call) -> Answer:
        """Refuse systems no more."""
        await call.cloud.do(Pardon(systems=call.several("names"), by=call.who))
        return Answer()
