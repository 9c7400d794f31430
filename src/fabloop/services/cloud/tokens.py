"""Tokens that consumers show to providers: given by grants, checked by asking or by signature."""

import base64
from collections.abc import Iterator

import msgspec

from fabloop.base.codec import to_json
from fabloop.base.errors import Fault, Invalid, NotPermitted, Refused
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.authorise import DEFAULT_SCOPE, Access, is_granted
from fabloop.services.cloud.changes import Change, Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.names import DELIMITER
from fabloop.services.cloud.records import (
    LOCAL,
    EncryptionKey,
    SecurityPolicy,
    TargetType,
    Token,
    TokenKind,
)
from fabloop.services.cloud.state import State, purpose_of
from fabloop.services.cloud.times import iso

TOKEN_BYTES = 32
TOKEN_LIFE_S = 3_600
"""How long a token is valid where nothing else is asked."""
TOKEN_LIFE_S_MAX = 86_400
USAGE_LIMIT = 10
"""How often a counted token may be used where nothing else is asked."""
USAGE_LIMIT_MAX = 10_000
NOT_BEFORE_S = 60
"""How far the clock of a provider may lag behind ours."""
ALGORITHMS = ("AES/ECB/PKCS5Padding", "AES/CBC/PKCS5Padding")
KEY_BYTES = (16, 24, 32)
ISSUER = "ConsumerAuthorization"

KINDS = {
    SecurityPolicy.TIME_LIMITED_TOKEN_AUTH: TokenKind.TIME_LIMITED_TOKEN,
    SecurityPolicy.USAGE_LIMITED_TOKEN_AUTH: TokenKind.USAGE_LIMITED_TOKEN,
    SecurityPolicy.BASE64_SELF_CONTAINED_TOKEN_AUTH: TokenKind.SELF_CONTAINED_TOKEN,
    SecurityPolicy.RSA_SHA256_JSON_WEB_TOKEN_AUTH: TokenKind.SELF_CONTAINED_TOKEN,
    SecurityPolicy.RSA_SHA512_JSON_WEB_TOKEN_AUTH: TokenKind.SELF_CONTAINED_TOKEN,
}
"""The policies that ask for a token; of the others none is given."""
_SIGNED = {
    SecurityPolicy.RSA_SHA256_JSON_WEB_TOKEN_AUTH: "RS256",
    SecurityPolicy.RSA_SHA512_JSON_WEB_TOKEN_AUTH: "RS512",
}


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is asked for; what is not told follows from the limits above."""

    variant: SecurityPolicy
    provider: str
    consumer: str
    target: str
    target_type: TargetType = TargetType.SERVICE_DEF
    scope: str = ""
    cloud: str = LOCAL
    usage_limit: int | None = None
    expires_at: Instant | None = None


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A token with its record: what is shown to the provider is told this one time only."""

    secret: str
    record: Token
    is_new: bool


class GiveTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that are valid from now on, in place of those for the same purposes.

    With `unbound` no grant is asked for: an orchestration has asked already.
    """

    entries: tuple[TokenEntry, ...]
    by: str
    unbound: bool = False

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Given, ...]]:
        """Raise NotPermitted without a grant, Refused where there is no key to sign with."""
        denied = [
            f"{each.provider}{DELIMITER}{each.target}"
            for each in self.entries
            if not self.unbound and not is_granted(state, _access(each))
        ]
        if denied:
            raise NotPermitted(
                f"Expected access to be granted, but it is not to {', '.join(map(repr, denied))}. "
                "Ask the provider or an operator for a grant."
            )
        given = tuple(give(state, each, self.by, moment) for each in self.entries)
        kept = tuple(change for each in given for change in token_changes(state, each))
        return Decided(given, kept)


class UseToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a consumer has shown to `provider`; the reply is its record, if it is valid.

    A counted token is used up by it.
    """

    secret: str
    provider: str

    def decide(self, state: State, moment: Moment) -> Decided[Token | None]:
        """Raise Refused for a token that has to be checked by itself."""
        token = state.find(Token, moment.crypto.reference(self.secret))
        if token is None or token.provider != self.provider:
            return Decided(None)
        match token.kind:
            case TokenKind.SELF_CONTAINED_TOKEN:
                raise Refused(
                    "Expected a token that is checked by asking, but this one is self-contained. "
                    "Check it with the public key."
                )
            case TokenKind.TIME_LIMITED_TOKEN:
                valid = token.expires_at is not None and token.expires_at > moment.at
                return Decided(token if valid else None)
            case TokenKind.USAGE_LIMITED_TOKEN:
                left = token.usage_left or 0
                if left <= 0:
                    return Decided(None)
                used = msgspec.structs.replace(token, usage_left=left - 1)
                return Decided(used, (Put(used),))


class RevokeTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that are valid no more; the reply is how many there were."""

    references: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Revoke those that are there."""
        found = [x for each in self.references if (x := state.find(Token, each)) is not None]
        return Decided(len(found), tuple(drop_of(each) for each in found))


class KeepKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Keys for self-contained tokens, one for each provider; the reply is their records."""

    entries: tuple[EncryptionKey, ...]

    def decide(self, state: State, moment: Moment) -> Decided[tuple[EncryptionKey, ...]]:
        """Raise Invalid for an algorithm or a length of key that is not known."""
        check_room(state, EncryptionKey, len(self.entries))
        faults = [fault for each in self.entries for fault in _key_faults(each)]
        if faults:
            raise Invalid(faults)
        made = tuple(
            msgspec.structs.replace(
                each,
                created_at=moment.at,
                iv=_base64(moment.crypto.random(16)) if "CBC" in each.algorithm else "",
            )
            for each in self.entries
        )
        return Decided(made, tuple(Put(each) for each in made))


class DropKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Providers whose tokens are not encrypted any more; the reply is how many."""

    systems: tuple[str, ...]

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Drop those that are there."""
        found = [x for each in self.systems if (x := state.find(EncryptionKey, each)) is not None]
        return Decided(len(found), tuple(drop_of(each) for each in found))


def give(state: State, entry: TokenEntry, by: str, moment: Moment) -> Given:
    """Return a token for a purpose; `token_changes` tells what has to be kept of it."""
    check_room(state, Token)
    kind = KINDS.get(entry.variant)
    if kind is None:
        raise Invalid(
            Fault(source="token", path="tokenVariant", expected=f"one of {', '.join(KINDS)}",
                found=repr(entry.variant.value))
        )  # fmt: skip
    expires_at = None
    if kind is not TokenKind.USAGE_LIMITED_TOKEN:
        expires_at = entry.expires_at or Instant(moment.at + TOKEN_LIFE_S * SECOND)
    limit = None
    if kind is TokenKind.USAGE_LIMITED_TOKEN:
        limit = USAGE_LIMIT if entry.usage_limit is None else entry.usage_limit
    secret = _secret(entry, expires_at, moment)
    record = Token(
        reference=moment.crypto.reference(secret),
        variant=entry.variant,
        kind=kind,
        requester=by,
        consumer=entry.consumer,
        provider=entry.provider,
        target_type=entry.target_type,
        target=entry.target,
        scope=entry.scope,
        cloud=entry.cloud,
        created_at=moment.at,
        usage_limit=limit,
        usage_left=limit,
        expires_at=expires_at,
    )
    key = state.find(EncryptionKey, entry.provider)
    if key is not None and kind is TokenKind.SELF_CONTAINED_TOKEN:
        secret = moment.crypto.encrypt(key, secret)
    return Given(secret=secret, record=record, is_new=_former(state, record) is None)


def token_changes(state: State, given: Given) -> Iterator[Change]:
    """Yield what is kept of a token that was given: it alone is left of those for its purpose."""
    former = _former(state, given.record)
    if former is not None and former.reference != given.record.reference:
        yield drop_of(former)
    yield Put(given.record)


def _former(state: State, record: Token) -> Token | None:
    return state.token_for(purpose_of(record))


def _access(entry: TokenEntry) -> Access:
    return Access(
        provider=entry.provider,
        consumer=entry.consumer,
        target=entry.target,
        target_type=entry.target_type,
        scope=entry.scope,
        cloud=entry.cloud,
    )


def _secret(entry: TokenEntry, expires_at: Instant | None, moment: Moment) -> str:
    """Return what the consumer shows."""
    if KINDS[entry.variant] is not TokenKind.SELF_CONTAINED_TOKEN:
        return _base64url(moment.crypto.random(TOKEN_BYTES))
    assert expires_at is not None, "self-contained tokens end at a time"
    if entry.variant is SecurityPolicy.BASE64_SELF_CONTAINED_TOKEN_AUTH:
        return _base64(_content(entry, expires_at).encode("latin-1", "replace"))
    if not moment.crypto.signs():
        raise Refused(
            "Expected a private key to sign the token with, but this cloud has none. "
            "Serve it with certificates, or offer another kind of token."
        )
    signed = b".".join(
        _base64url(to_json(part)).encode()
        for part in (
            {"typ": "JWT", "alg": _SIGNED[entry.variant]},
            _claims(entry, expires_at, moment),
        )
    )
    signature = moment.crypto.sign(entry.variant, signed)
    return f"{signed.decode()}.{_base64url(signature)}"


def _content(entry: TokenEntry, expires_at: Instant) -> str:
    """Return the payload of a token that is not signed, as its providers read it."""
    return DELIMITER.join(
        (
            entry.cloud,
            entry.consumer,
            entry.provider,
            entry.target,
            entry.scope or DEFAULT_SCOPE,
            entry.target_type.value.replace("_", "-"),
            iso(expires_at),
        )
    )


def _claims(entry: TokenEntry, expires_at: Instant, moment: Moment) -> dict[str, str | int]:
    """Return the payload of a JSON Web Token; without a scope it covers all operations."""
    now_s = moment.at // SECOND
    claims: dict[str, str | int] = {
        "jti": _base64url(moment.crypto.random(16)),
        "iss": ISSUER,
        "iat": now_s,
        "nbf": now_s - NOT_BEFORE_S,
        "exp": expires_at // SECOND,
        "psn": entry.provider,
        "csn": entry.consumer,
        "ccn": entry.cloud,
        "tat": entry.target_type.value,
        "tan": entry.target,
    }
    return claims | ({"sco": entry.scope} if entry.scope else {})


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _key_faults(key: EncryptionKey) -> Iterator[Fault]:
    if key.algorithm not in ALGORITHMS:
        yield Fault(source="encryption key", path=f"{key.system}.algorithm",
            expected=f"one of {', '.join(ALGORITHMS)}", found=repr(key.algorithm))  # fmt: skip
    if len(key.secret.encode()) not in KEY_BYTES:
        yield Fault(source="encryption key", path=f"{key.system}.key",
            expected=f"a key of {', '.join(map(str, KEY_BYTES))} bytes",
            found=f"one of {len(key.secret.encode())}")  # fmt: skip
