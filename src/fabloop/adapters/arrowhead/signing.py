"""Signatures and encryption of tokens, by the `cryptography` package."""

import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from fabloop.services.cloud.records import EncryptionKey

_BLOCK_BITS = 128


def signature(key: rsa.RSAPrivateKey, content: bytes, *, is_512: bool) -> bytes:
    """Return an RSA signature by PKCS 1 v1.5, with SHA-512 or SHA-256."""
    digest: hashes.HashAlgorithm = hashes.SHA512() if is_512 else hashes.SHA256()
    return key.sign(content, padding.PKCS1v15(), digest)


def public_der(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public key of a private one as DER (SubjectPublicKeyInfo)."""
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def encrypted(key: EncryptionKey, secret: str) -> str:
    """Return a token in AES, in CBC with the initialisation that its provider was told."""
    cipher = algorithms.AES(key.secret.encode())
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(secret.encode()) + padder.finalize()
    if key.iv:
        encryptor = Cipher(cipher, modes.CBC(base64.b64decode(key.iv))).encryptor()
    else:  # ECB is what providers of this generation may ask for; CBC is theirs to choose
        encryptor = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305  # see above
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
