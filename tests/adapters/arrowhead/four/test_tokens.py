import base64
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import RSAKey
from msgspec.structs import replace

from fabloop.adapters.arrowhead.certificates import new_key
from fabloop.adapters.arrowhead.four.tokens import Claims, public_key_of, read_token, token_for
from fabloop.base.errors import Invalid, NotPermitted
from fabloop.base.instant import HOUR, MINUTE, Instant, instant_of

NOW = instant_of("2026-11-22T10:00:00Z")
CLOUD, PROVIDER, OTHER = new_key(), new_key(), new_key()
CLAIMS = Claims(
    id="0a1b", consumer="crane.assembly-shop.car-maker", service="welding",
    interface="HTTP-SECURE-JSON", issued_at=NOW, ends_at=Instant(NOW + HOUR),
)  # fmt: skip
TOKEN = token_for(CLAIMS, CLOUD, PROVIDER.public_key())
ALGORITHMS = ["RSA-OAEP-256", "A256CBC-HS512"]


def _read(token, *, own=PROVIDER, cloud=CLOUD, now=NOW):
    return read_token(token, own, cloud.public_key(), now)


def test_the_provider_reads_what_the_cloud_says():
    assert _read(TOKEN) == CLAIMS
    assert _read(TOKEN).system == "crane"


def test_another_implementation_reads_our_token():
    own = RSAKey.import_key(PROVIDER)
    opened = jwe.decrypt_compact(TOKEN, own, algorithms=ALGORITHMS)
    assert opened.headers() == {"alg": ALGORITHMS[0], "enc": ALGORITHMS[1], "cty": "JWT"}
    signed = jws.deserialize_compact(
        opened.plaintext, RSAKey.import_key(CLOUD.public_key()), algorithms=["RS512"]
    )
    told = json.loads(signed.payload)
    assert (told["iss"], told["cid"], told["sid"], told["iid"]) == (
        "Authorization",
        CLAIMS.consumer,
        "welding",
        "HTTP-SECURE-JSON",
    )
    assert told["exp"] - told["iat"] == 3_600


def test_we_read_the_token_of_another_implementation():
    second = NOW // 10**9
    body = {"iss": "Authorization", "jti": "x", "iat": second, "nbf": second, "cid": "a.b.c",
            "sid": "welding", "iid": "HTTP-SECURE-JSON"}  # fmt: skip
    signed = jws.serialize_compact(
        {"alg": "RS512"}, json.dumps(body), RSAKey.import_key(CLOUD), algorithms=["RS512"]
    )
    header = {"alg": ALGORITHMS[0], "enc": ALGORITHMS[1], "cty": "JWT"}
    key = RSAKey.import_key(PROVIDER.public_key())
    token = jwe.encrypt_compact(header, signed, key, algorithms=ALGORITHMS)
    assert _read(token).ends_at is None
    assert _read(token).consumer == "a.b.c"


def test_another_provider_cannot_read_it():
    with pytest.raises(NotPermitted, match="not made for us"):
        _read(TOKEN, own=OTHER)


def test_what_another_one_signed_does_not_count():
    with pytest.raises(NotPermitted, match="not made for us"):
        _read(token_for(CLAIMS, OTHER, PROVIDER.public_key()))


def test_a_token_holds_from_a_minute_before_until_its_end():
    _read(TOKEN, now=Instant(NOW - MINUTE))
    with pytest.raises(NotPermitted, match="holds from"):
        _read(TOKEN, now=Instant(NOW - 2 * MINUTE))
    with pytest.raises(NotPermitted, match="ended on"):
        _read(TOKEN, now=Instant(NOW + HOUR))
    for_ever = token_for(replace(CLAIMS, ends_at=None), CLOUD, PROVIDER.public_key())
    assert _read(for_ever, now=Instant(NOW + 10_000 * HOUR)).ends_at is None


@settings(max_examples=60)
@given(st.data())
def test_no_changed_token_is_believed(data):
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    sign = data.draw(st.sampled_from("ABCDefgh0189-_.{"))
    changed = TOKEN[:at] + sign + TOKEN[at + 1 :]
    try:
        assert _read(changed) == CLAIMS
    except NotPermitted:
        return
    # the last sign of a part may carry bits that count for nothing
    assert [_loose(part) for part in changed.split(".")] == [_loose(p) for p in TOKEN.split(".")]


def _loose(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@given(st.text(max_size=200))
def test_whatever_is_shown_as_a_token_is_judged(text):
    with pytest.raises(NotPermitted):
        _read(text)


def test_a_token_without_encryption_is_none():
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    with pytest.raises(NotPermitted):
        _read(f"{head}.e30.")


def test_a_key_comes_as_base_64_of_its_der_form():
    der = CLOUD.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = public_key_of(base64.b64encode(der).decode(), "system 'Crane'")
    assert key == CLOUD.public_key()
    for wrong in ("", "no key", base64.b64encode(b"no key").decode()):
        with pytest.raises(Invalid, match="Crane"):
            public_key_of(wrong, "system 'Crane'")
