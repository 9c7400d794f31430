"""Tokens of 4.x: a JWT that the authorisation system signs (RS512) and encrypts for the provider.

The signed token is the content of a JWE with RSA-OAEP-256 and A256CBC-HS512, so only the provider
learns who may use which of its interfaces until when. Source: RFC 7515, 7516, 7518.
"""

import base64
import hmac
import json
import os
from hashlib import sha512
from typing import cast

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_public_key

from fabloop.base.errors import Fault, Invalid, NotPermitted
from fabloop.base.instant import MINUTE, SECOND, Instant, iso_of

ISSUER = "Authorization"
NOT_BEFORE_NS = MINUTE
"""A token holds from a minute before it is given: clocks differ."""
TOKEN_CHARACTERS_MAX = 16_000

_BLOCK_BITS = 128
_HALF = 32
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says: `consumer` may use `service` at `interface` until `ends_at`.

    `consumer` is ``system.cloud.operator``; without an end it holds for ever.
    """

    id: str
    consumer: str
    service: str
    interface: str
    issued_at: Instant
    ends_at: Instant | None = None

    @property
    def system(self) -> str:
        """The consumer without its cloud."""
        return self.consumer.partition(".")[0]


class _Body(msgspec.Struct, kw_only=True):
    """The claims as they are written; instants in seconds."""

    iss: str
    jti: str
    iat: int
    nbf: int
    cid: str
    sid: str
    iid: str
    exp: int | msgspec.UnsetType = msgspec.UNSET


def token_for(claims: Claims, signing: rsa.RSAPrivateKey, provider: rsa.RSAPublicKey) -> str:
    """Return a token that only the provider can read."""
    body = _Body(
        iss=ISSUER,
        jti=claims.id,
        iat=claims.issued_at // SECOND,
        nbf=(claims.issued_at - NOT_BEFORE_NS) // SECOND,
        cid=claims.consumer.lower(),
        sid=claims.service.lower(),
        iid=claims.interface,
        exp=msgspec.UNSET if claims.ends_at is None else claims.ends_at // SECOND,
    )
    head = _encoded(b'{"alg":"RS512"}') + b"." + _encoded(msgspec.json.encode(body))
    signature = signing.sign(head, padding.PKCS1v15(), hashes.SHA512())
    return _encrypted(head + b"." + _encoded(signature), provider).decode()


def read_token(
    token: str, own: rsa.RSAPrivateKey, authorization: rsa.RSAPublicKey, now: Instant
) -> Claims:
    """Return what a token says to us, its provider.

    Raises
    ------
    NotPermitted
        It was made for another provider or by somebody else, has ended, or is none.
    """
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise _refused(f"one of {len(token)} characters")
    try:
        body = _verified(_decrypted(token.encode("ascii"), own), authorization)
    except (ValueError, InvalidSignature, msgspec.DecodeError) as error:
        raise _refused("one that was not made for us by our cloud") from error
    if body.iss != ISSUER:
        raise _refused(f"one of '{body.iss}'")
    if body.nbf * SECOND > now:
        raise _refused(f"one that holds from {iso_of(Instant(body.nbf * SECOND))}")
    ends_at = None if body.exp is msgspec.UNSET else Instant(body.exp * SECOND)
    if ends_at is not None and ends_at <= now:
        raise _refused(f"one that ended on {iso_of(ends_at)}")
    return Claims(
        id=body.jti,
        consumer=body.cid,
        service=body.sid,
        interface=body.iid,
        issued_at=Instant(body.iat * SECOND),
        ends_at=ends_at,
    )


def public_key_of(text: str, whose: str) -> rsa.RSAPublicKey:
    """Return a key that is written as base 64 of its DER form, as `authenticationInfo` has it.

    Raises
    ------
    Invalid
        It is no RSA key.
    """
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise Invalid(_key_fault(whose, f"{text[:20]!r}")) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Invalid(_key_fault(whose, type(key).__name__))
    return key


def _verified(signed: bytes, key: rsa.RSAPublicKey) -> _Body:
    head, body, signature = signed.split(b".")
    if _header(head).get("alg") != "RS512":
        raise ValueError("another algorithm")
    key.verify(_decoded(signature), head + b"." + body, padding.PKCS1v15(), hashes.SHA512())
    return msgspec.json.decode(_decoded(body), type=_Body)


def _encrypted(content: bytes, key: rsa.RSAPublicKey) -> bytes:
    header = _encoded(b'{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512","cty":"JWT"}')
    secret, start = os.urandom(2 * _HALF), os.urandom(_BLOCK_BITS // 8)
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(secret[_HALF:]), modes.CBC(start)).encryptor()
    hidden = encryptor.update(padded) + encryptor.finalize()
    tag = _tag(secret, header, start, hidden)
    parts = (key.encrypt(secret, _OAEP), start, hidden, tag)
    return b".".join((header, *map(_encoded, parts)))


def _decrypted(token: bytes, key: rsa.RSAPrivateKey) -> bytes:
    header, wrapped, start, hidden, tag = token.split(b".")
    told = _header(header)
    if (told.get("alg"), told.get("enc")) != ("RSA-OAEP-256", "A256CBC-HS512"):
        raise ValueError("other algorithms")
    secret = key.decrypt(_decoded(wrapped), _OAEP)
    begin, content = _decoded(start), _decoded(hidden)
    if len(secret) != 2 * _HALF or not hmac.compare_digest(
        _tag(secret, header, begin, content), _decoded(tag)
    ):
        raise ValueError("another tag")
    decryptor = Cipher(algorithms.AES(secret[_HALF:]), modes.CBC(begin)).decryptor()
    padded = decryptor.update(content) + decryptor.finalize()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _tag(secret: bytes, header: bytes, start: bytes, hidden: bytes) -> bytes:
    length = (8 * len(header)).to_bytes(8, "big")
    return hmac.digest(secret[:_HALF], header + start + hidden + length, sha512)[:_HALF]


def _header(part: bytes) -> dict[str, object]:
    told = json.loads(_decoded(part))
    if not isinstance(told, dict):
        raise ValueError("no header")  # noqa: TRY004  # what is sent, not what is called
    return cast("dict[str, object]", told)


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _refused(found: str) -> NotPermitted:
    return NotPermitted(
        f"Expected a token of our cloud for us, but found {found}. Ask the orchestrator again."
    )


def _key_fault(whose: str, found: str) -> Fault:
    expected = "an RSA key as base 64 of its DER form"
    return Fault(source=whose, path="authenticationInfo", expected=expected, found=found)
