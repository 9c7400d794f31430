"""Pseudonyms and seals: what a tenant may see says nothing about the order behind it."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from fabloop.base.codec import to_json
from fabloop.model.ids import OperationId
from fabloop.model.market import Quotation

PSEUDONYM_BYTES = 12
SECRET_BYTES_MIN = 16
"""A shorter secret could be guessed, and with it the operations behind the pseudonyms."""


def pseudonyms(
    secret: bytes, exchange: str, operations: Iterable[OperationId]
) -> Mapping[OperationId, str]:
    """Return a name for each operation that cannot be traced without the secret.

    The names differ from exchange to exchange, so that two questions cannot be put together.
    `secret` is at least `SECRET_BYTES_MIN` long, random, and stays with the buyer.
    """
    assert len(secret) >= SECRET_BYTES_MIN, "a short secret can be guessed"
    return {each: _keyed(secret, f"{exchange}\0{each}") for each in operations}


def seal(quotation: Quotation, salt: bytes) -> str:
    """Return a commitment to a quotation; it tells nothing about it until both are shown.

    Tenants hand in seals first and quotations when all have: nobody can undercut what they saw.
    """
    assert len(salt) >= SECRET_BYTES_MIN, "a short salt can be guessed, and the price with it"
    return blake2b(to_json(quotation), key=salt, digest_size=32).hexdigest()


def is_sealed_by(sealed: str, quotation: Quotation, salt: bytes) -> bool:
    """Tell whether a quotation is the one that was committed to."""
    return seal(quotation, salt) == sealed


def _keyed(secret: bytes, text: str) -> str:
    return blake2b(text.encode(), key=secret[:64], digest_size=PSEUDONYM_BYTES).hexdigest()
