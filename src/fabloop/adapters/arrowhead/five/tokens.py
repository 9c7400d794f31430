"""ConsumerAuthorization: tokens for consumers, keys of providers."""

import base64

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.authorization import AUTHORIZATION
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Route, plain, removed, told
from fabloop.adapters.arrowhead.five.pages import Sorts, page_of
from fabloop.adapters.arrowhead.five.reading import Reading
from fabloop.adapters.arrowhead.five.registry_management import some
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.five.shapes import Entries
from fabloop.adapters.arrowhead.five.told import listed, token_out, token_told
from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant
from fabloop.services.cloud.command import Decided, Moment
from fabloop.services.cloud.names import OPERATION, SERVICE, SYSTEM
from fabloop.services.cloud.records import (
    LOCAL,
    EncryptionKey,
    SecurityPolicy,
    TargetType,
    Token,
    TokenKind,
)
from fabloop.services.cloud.state import State
from fabloop.services.cloud.times import iso_seconds
from fabloop.services.cloud.tokens import (
    KINDS,
    USAGE_LIMIT_MAX,
    DropKeys,
    GiveTokens,
    KeepKeys,
    RevokeTokens,
    TokenEntry,
    UseToken,
)

TOKENS = "/consumerauthorization/authorization-token"
_MANAGEMENT = f"{AUTHORIZATION}/mgmt/token"
_TOKEN = msgspec.json.Decoder(wire.TokenIn)
_TOKENS = msgspec.json.Decoder(wire.TokensIn)
_QUERY = msgspec.json.Decoder(wire.TokenQuery)
_KEY = msgspec.json.Decoder(wire.KeyIn)
_KEYS = msgspec.json.Decoder(wire.KeysIn)
_SORTS: Sorts = {
    "createdAt": lambda each: each.created_at,
    "id": lambda each: each.reference,
    "consumer": lambda each: each.consumer,
    "provider": lambda each: each.provider,
    "target": lambda each: each.target,
}


class VerifiedOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a token allows, where it is valid."""

    verified: bool
    consumer_cloud: str | None = None
    consumer: str | None = None
    target_type: str | None = None
    target: str | None = None
    scope: str | None = None


class KeyOut(msgspec.Struct, rename="camel", omit_defaults=True):
    """A key of a provider."""

    system_name: str
    algorithm: str
    created_at: str
    key_additive: str | None = None


class PublicKey(msgspec.Struct, frozen=True):
    """What is the public key? The reply is its DER; None where there is no key."""

    def decide(self, state: State, moment: Moment) -> Decided[bytes | None]:  # noqa: ARG002
        """Ask for it."""
        return Decided(moment.crypto.public_key() if moment.crypto.signs() else None)


class Tokens:
    """Tokens and keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("POST", f"{TOKENS}/generate", self.generate),
            Route("GET", f"{TOKENS}/verify/", self.verify, tail=True),
            Route("GET", f"{TOKENS}/public-key", self.public_key),
            Route("POST", f"{TOKENS}/encryption-key", self.register_key),
            Route("DELETE", f"{TOKENS}/encryption-key", self.unregister_key),
            Route("POST", f"{_MANAGEMENT}/generate", self.generate_all),
            Route("POST", f"{_MANAGEMENT}/query", self.query),
            Route("DELETE", f"{_MANAGEMENT}/revoke", self.revoke),
            Route("POST", f"{_MANAGEMENT}/encryption-key", self.add_keys),
            Route("DELETE", f"{_MANAGEMENT}/encryption-key", self.remove_keys),
        )

    async def generate(self, call: Call) -> Answer:
        """Give a token to who asks, if it has a grant."""
        reading = Reading("token")
        asked = call.read(_TOKEN)
        entry = _token_entry(asked, reading, "", call.who)
        reading.check()
        (given,) = await call.cloud.do(GiveTokens(entries=(entry,), by=call.who))
        return told(token_told(given.record, given.secret), 201)

    async def verify(self, call: Call) -> Answer:
        """Tell a provider whether a token that it was shown is valid for it."""
        found = await call.cloud.do(UseToken(secret=call.tail, provider=call.who))
        if found is None:
            return told(VerifiedOut(verified=False))
        return told(
            VerifiedOut(
                verified=True,
                consumer_cloud=found.cloud,
                consumer=found.consumer,
                target_type=found.target_type.value,
                target=found.target,
                scope=found.scope or None,
            )
        )

    async def public_key(self, call: Call) -> Answer:
        """Tell the key that tokens are signed with."""
        found = await call.cloud.do(PublicKey())
        if found is None:
            raise NotFound("Public key is not available")
        return plain(base64.b64encode(found).decode())

    async def register_key(self, call: Call) -> Answer:
        """Encrypt tokens for who asks from now on; the answer is what goes with the key."""
        reading = Reading("encryption key")
        key = _key(call.read(_KEY), reading, "", call.who)
        reading.check()
        (made,) = await call.cloud.do(KeepKeys(entries=(key,)))
        return plain(made.iv, 201)

    async def unregister_key(self, call: Call) -> Answer:
        """Encrypt tokens for who asks no more."""
        return removed(await call.cloud.do(DropKeys(systems=(call.who,))))

    async def generate_all(self, call: Call) -> Answer:
        """Give tokens on behalf of consumers; with `unbound`, without asking for grants."""
        reading = Reading("tokens")
        asked = some(call.read(_TOKENS).entries, reading, "list")
        entries = tuple(
            _token_entry(each, reading, f"list[{number}].", each.consumer)
            for number, each in enumerate(asked)
        )
        reading.check()
        unbound = call.flag("unbound") and (call.sysop or call.who in self._settings.managers)
        given = await call.cloud.do(GiveTokens(entries=entries, by=call.who, unbound=unbound))
        return told(listed([token_out(each.record, each.secret) for each in given]), 201)

    async def query(self, call: Call) -> Answer:
        """List tokens, by their references only."""
        asked = call.read(_QUERY)
        reading = Reading("query")
        kind = None
        if asked.token_type:
            default = TokenKind.TIME_LIMITED_TOKEN
            kind = reading.choice(TokenKind, asked.token_type, "tokenType", default)

        def found(state: State, _: Instant) -> Entries[object]:
            every = [
                each
                for each in state.table(Token).values()
                if (kind is None or each.kind is kind) and _is_wanted(each, asked)
            ]
            page = page_of(every, asked.pagination, _SORTS, reading)
            return listed([token_out(each) for each in page], len(every))

        return told(await call.cloud.ask(found))

    async def revoke(self, call: Call) -> Answer:
        """Revoke tokens."""
        await call.cloud.do(RevokeTokens(references=call.several("tokenReferences")))
        return Answer()

    async def add_keys(self, call: Call) -> Answer:
        """Encrypt tokens for providers from now on."""
        reading = Reading("encryption keys")
        asked = some(call.read(_KEYS).entries, reading, "list")
        keys = tuple(
            _key(x, reading, f"list[{n}].", x.system_name or "") for n, x in enumerate(asked)
        )
        reading.check()
        made = await call.cloud.do(KeepKeys(entries=keys))
        return told(
            listed(
                [
                    KeyOut(each.system, each.algorithm, iso_seconds(each.created_at),
                        each.iv or None)
                    for each in made
                ]
            ),
            201,
        )  # fmt: skip

    async def remove_keys(self, call: Call) -> Answer:
        """Encrypt tokens for providers no more."""
        await call.cloud.do(DropKeys(systems=call.several("systemNames")))
        return Answer()


def _token_entry(
    asked: wire.TokenIn, reading: Reading, path: str, consumer: str | None
) -> TokenEntry:
    reading.text(asked.token_variant, f"{path}tokenVariant")
    variant = reading.choice(
        SecurityPolicy,
        asked.token_variant,
        f"{path}tokenVariant",
        SecurityPolicy.TIME_LIMITED_TOKEN_AUTH,
    )
    if variant not in KINDS:
        reading.add(f"{path}tokenVariant", f"one of {', '.join(KINDS)}", repr(variant.value))
    limit = asked.usage_limit
    if limit is not None and not 0 < limit <= USAGE_LIMIT_MAX:
        reading.add(f"{path}usageLimit", f"a number from 1 to {USAGE_LIMIT_MAX}", str(limit))
    kind = reading.choice(
        TargetType, asked.target_type, f"{path}targetType", TargetType.SERVICE_DEF
    )
    is_service = kind is TargetType.SERVICE_DEF
    return TokenEntry(
        variant=variant,
        provider=reading.name(SYSTEM, asked.provider, f"{path}provider"),
        consumer=reading.name(SYSTEM, consumer, f"{path}consumer"),
        target=reading.name(SERVICE, asked.target, f"{path}target")
        if is_service
        else reading.text(asked.target, f"{path}target"),
        target_type=kind,
        scope=reading.name(OPERATION, asked.scope, f"{path}scope") if asked.scope else "",
        cloud=(asked.consumer_cloud or "").strip() or LOCAL,
        usage_limit=limit,
        expires_at=reading.time(asked.expires_at, f"{path}expiresAt"),
    )


def _key(asked: wire.KeyIn, reading: Reading, path: str, system: str) -> EncryptionKey:
    return EncryptionKey(
        system=reading.name(SYSTEM, system, f"{path}systemName"),
        algorithm=reading.text(asked.algorithm, f"{path}algorithm"),
        secret=reading.text(asked.key, f"{path}key"),
        created_at=Instant(0),
    )


def _is_wanted(token: Token, asked: wire.TokenQuery) -> bool:
    return all(
        not wanted or wanted == found
        for wanted, found in (
            (asked.requester, token.requester),
            (asked.consumer_cloud, token.cloud),
            (asked.consumer, token.consumer),
            (asked.provider, token.provider),
            (asked.target_type, token.target_type.value),
            (asked.target, token.target),
        )
    )
