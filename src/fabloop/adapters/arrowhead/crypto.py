"""Chance and keys of a local cloud: the operating system's, and files that only we can read.

Signing and encrypting are loaded when something is signed: a cloud within a process needs neither.
"""

import hashlib
import hmac
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fabloop.base.errors import Refused
from fabloop.services.cloud.records import EncryptionKey, SecurityPolicy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SECRET_BYTES = 32
SCRYPT_COST = 2**14
"""Of a password's hash: some 50 ms and 16 MiB."""


class KeyedCrypto:
    """Hashes with a secret; signs where there is a private key.

    Parameters
    ----------
    secret : under which references of tokens are made; a cloud keeps it as long as its journal
    private_key : that of the certificate with which the cloud is served
    """

    def __init__(self, secret: bytes, private_key: "RSAPrivateKey | None" = None) -> None:
        self._secret = secret
        self._private_key = private_key

    def random(self, count: int) -> bytes:
        """Return bytes of the operating system's generator."""
        return os.urandom(count)

    def reference(self, secret: str) -> str:
        """Return an HMAC (SHA-256) in hexadecimal."""
        return hmac.new(self._secret, secret.encode(), hashlib.sha256).hexdigest()

    def signs(self) -> bool:
        """Tell whether there is a private key."""
        return self._private_key is not None

    def sign(self, variant: SecurityPolicy, content: bytes) -> bytes:
        """Return an RSA signature by PKCS 1 v1.5, with SHA-512 or SHA-256 as the kind says."""
        from fabloop.adapters.arrowhead.signing import signature  # noqa: PLC0415  # as above

        is_512 = variant is SecurityPolicy.RSA_SHA512_JSON_WEB_TOKEN_AUTH
        return signature(self._key(), content, is_512=is_512)

    def public_key(self) -> bytes:
        """Return the public key as DER."""
        from fabloop.adapters.arrowhead.signing import public_der  # noqa: PLC0415  # as above

        return public_der(self._key())

    def encrypt(self, key: EncryptionKey, secret: str) -> str:
        """Return a token in AES, in CBC with the initialisation that its provider was told."""
        from fabloop.adapters.arrowhead.signing import encrypted  # noqa: PLC0415  # as above

        return encrypted(key, secret)

    def password_hash(self, password: str, salt: bytes) -> str:
        """Return a hash by scrypt, in hexadecimal."""
        return hashlib.scrypt(password.encode(), salt=salt, n=SCRYPT_COST, r=8, p=1).hex()

    def _key(self) -> "RSAPrivateKey":
        if self._private_key is None:
            raise Refused("Expected a private key, but this cloud has none.")
        return self._private_key


def secret_in(path: Path) -> bytes:
    """Return the secret in a file, made anew where there is none; only we may read it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    secret = os.urandom(SECRET_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret
