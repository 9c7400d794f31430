"""What a local cloud needs of chance and keys; it is handed in."""

from typing import Protocol

from fabloop.services.cloud.records import EncryptionKey, SecurityPolicy


class Crypto(Protocol):
    """Chance, hashes, signatures and encryption. One stands in `adapters.arrowhead.crypto`."""

    def random(self, count: int) -> bytes:
        """Return bytes nobody can guess."""
        ...

    def reference(self, secret: str) -> str:
        """Return a keyed hash under which a token is remembered."""
        ...

    def signs(self) -> bool:
        """Tell whether there is a private key to sign with."""
        ...

    def sign(self, variant: SecurityPolicy, content: bytes) -> bytes:
        """Return an RSA signature (PKCS 1 v1.5) with the hash that the kind of token asks for."""
        ...

    def public_key(self) -> bytes:
        """Return the public key that goes with the signatures (DER, SubjectPublicKeyInfo)."""
        ...

    def encrypt(self, key: EncryptionKey, secret: str) -> str:
        """Return a token so that only its provider can read it, as Base64."""
        ...

    def password_hash(self, password: str, salt: bytes) -> str:
        """Return a slow hash of a password."""
        ...
