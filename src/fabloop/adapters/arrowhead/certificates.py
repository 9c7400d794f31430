"""Certificates of an Arrowhead local cloud: issued, written, read and judged."""

import base64
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fabloop.adapters.arrowhead.profiles import AUTHORITIES, Generation, Profile
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant, iso_of

KEY_BITS = 2_048
"""Both versions want RSA: the tokens of 4.x are encrypted with the provider's key."""
CLOCK_SKEW_NS = 60 * SECOND
"""A certificate begins that much earlier: clocks in a plant differ."""
ADDRESSES_MAX = 20

_PATH_LENGTHS = {Profile.MASTER: None, Profile.ORGANIZATION: 1, Profile.CLOUD: 0}


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, its key, and the certificates above it up to, but without, the master's."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def common_name(self) -> str:
        """The common name of its subject."""
        return _attribute(self.certificate.subject, NameOID.COMMON_NAME)

    def certificate_pem(self) -> bytes:
        """Return the certificate and those above it."""
        chain = (self.certificate, *self.above)
        return b"".join(each.public_bytes(Encoding.PEM) for each in chain)

    def key_pem(self) -> bytes:
        """Return the key, not encrypted: its file is for its owner alone."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def pkcs12(self, password: str) -> bytes:
        """Return all of it as the systems of the Java framework read it."""
        return pkcs12.serialize_key_and_certificates(
            self.common_name.encode(), self.key, self.certificate, self.above,
            BestAvailableEncryption(password.encode()),
        )  # fmt: skip


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a certificate shall say.

    Attributes
    ----------
    addresses : host names and IP addresses under which its owner is reached
    lasts_ns : from now
    """

    common_name: str
    profile: Profile
    generation: Generation
    addresses: tuple[str, ...] = ()
    lasts_ns: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a certificate says of itself; `profile` is empty where 4.x issued it."""

    common_name: str
    profile: str
    issuer: str
    addresses: tuple[str, ...]
    begins: Instant
    ends: Instant
    serial: str


def new_key() -> rsa.RSAPrivateKey:
    """Return a new key."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)


def issue(
    wanted: Wanted,
    public_key: rsa.RSAPublicKey,
    issuer: Credentials | None,
    *,
    signed_with: rsa.RSAPrivateKey,
    now: Instant,
) -> x509.Certificate:
    """Return a certificate; without an issuer it issues itself."""
    subject = _name(wanted)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment_of(Instant(now - CLOCK_SKEW_NS)))
        .not_valid_after(moment_of(Instant(now + wanted.lasts_ns)))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_with.public_key()),
            critical=False,
        )
    )
    if wanted.profile in AUTHORITIES:
        builder = _as_authority(builder, wanted.profile)
    else:
        builder = _as_end(builder, wanted.addresses)
    return builder.sign(signed_with, hashes.SHA256())


def _name(wanted: Wanted) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)]
    if wanted.generation is Generation.FIVE:
        attributes.append(x509.NameAttribute(NameOID.DN_QUALIFIER, wanted.profile))
    return x509.Name(attributes)


def _as_authority(builder: x509.CertificateBuilder, profile: Profile) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=_PATH_LENGTHS[profile])
    return builder.add_extension(constraints, critical=True).add_extension(
        _usage(signs_certificates=True), critical=True
    )


def _as_end(
    builder: x509.CertificateBuilder, addresses: tuple[str, ...]
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    extended = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    builder = (
        builder.add_extension(constraints, critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(extended, critical=False)
    )
    if not addresses:
        return builder
    names = x509.SubjectAlternativeName([_general_name(each) for each in addresses])
    return builder.add_extension(names, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def check_addresses(addresses: tuple[str, ...], source: str) -> None:
    """Refuse addresses that cannot stand in a certificate, and more of them than may.

    Raises
    ------
    Invalid
        With every address that is wrong.
    """
    wrong = [each for each in addresses if not each or not each.isascii() or " " in each]
    faults = [
        Fault(source=source, path="address", expected="a host name or IP address", found=repr(each))
        for each in wrong
    ]
    if len(addresses) > ADDRESSES_MAX:
        expected, found = f"at most {ADDRESSES_MAX} addresses", str(len(addresses))
        faults.append(Fault(source=source, path="address", expected=expected, found=found))
    if faults:
        raise Invalid(faults)


def told_by(certificate: x509.Certificate) -> Told:
    """Return what a certificate says of itself."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = tuple(str(each.value) for each in names)
    except x509.ExtensionNotFound:
        addresses = ()
    return Told(
        common_name=_attribute(certificate.subject, NameOID.COMMON_NAME),
        profile=_attribute(certificate.subject, NameOID.DN_QUALIFIER),
        issuer=_attribute(certificate.issuer, NameOID.COMMON_NAME),
        addresses=addresses,
        begins=_instant(certificate.not_valid_before_utc),
        ends=_instant(certificate.not_valid_after_utc),
        serial=f"{certificate.serial_number:x}",
    )


def troubles_of(
    certificate: x509.Certificate, issuer: x509.Certificate | None, now: Instant
) -> tuple[str, ...]:
    """Return why a certificate is of no use, as sentences; none: it is valid now."""
    told = told_by(certificate)
    found = []
    if now < told.begins:
        found.append(
            f"Expected '{told.common_name}' to be valid now, but found that it begins on "
            f"{iso_of(told.begins)}. Check the clocks."
        )
    if told.ends <= now:
        found.append(
            f"Expected '{told.common_name}' to be valid now, but found that it ended on "
            f"{iso_of(told.ends)}. Issue it again."
        )
    if issuer is not None and not is_issued(certificate, issuer):
        found.append(
            f"Expected '{told.common_name}' to be issued by '{told_by(issuer).common_name}', but "
            f"found another signature under the name '{told.issuer}'."
        )
    return tuple(found)


def is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether an authority issued a certificate."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints)
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return constraints.value.ca


def public_key_text(certificate: x509.Certificate) -> str:
    """Return the key of a certificate as `authenticationInfo` has it: base 64 of its DER form."""
    pem = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return "".join(pem.decode().splitlines()[1:-1])


def key_text(key: rsa.RSAPublicKey) -> str:
    """Return a key as base 64 of its DER form."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def read_credentials(certificate: Path, key: Path) -> Credentials:
    """Return what two PEM files hold: a chain that begins with our certificate, and its key.

    Raises
    ------
    Invalid
        A file cannot be read, holds something else, or the key is that of another certificate.
    """
    chain = read_chain(certificate)
    own = read_key(key)
    if chain[0].public_key() != own.public_key():
        found = f"the key of another one in '{key}'"
        raise Invalid(_fault(certificate, "a certificate with the key beside it", found))
    return Credentials(certificate=chain[0], key=own, above=tuple(chain[1:]))


def read_chain(path: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file; raises Invalid where there are none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise Invalid(_fault(path, "a file to read", error.strerror or "none")) from error
    except ValueError as error:
        raise Invalid(_fault(path, "certificates in PEM form", str(error))) from error


def read_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the key of a PEM file; raises Invalid where there is none."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Invalid(_fault(path, "a file to read", error.strerror or "none")) from error
    except (ValueError, TypeError) as error:
        raise Invalid(_fault(path, "an RSA key in PEM form", str(error))) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Invalid(_fault(path, "an RSA key", type(key).__name__))
    return key


def read_pkcs12(path: Path, password: str) -> Credentials:
    """Return what a key store of the Java framework holds.

    Raises
    ------
    Invalid
        The password is wrong, or there is no certificate with an RSA key in it.
    """
    try:
        key, own, above = pkcs12.load_key_and_certificates(path.read_bytes(), password.encode())
    except OSError as error:
        raise Invalid(_fault(path, "a file to read", error.strerror or "none")) from error
    except ValueError as error:
        raise Invalid(_fault(path, "a PKCS 12 store and its password", str(error))) from error
    if own is None or not isinstance(key, rsa.RSAPrivateKey):
        raise Invalid(_fault(path, "a certificate with its RSA key", "none"))
    return Credentials(certificate=own, key=key, above=tuple(above))


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _fault(path: Path, expected: str, found: str) -> Fault:
    return Fault(source=str(path), path="", expected=expected, found=found)


def _instant(moment: datetime) -> Instant:
    return Instant(int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND)


def moment_of(at: Instant) -> datetime:
    """Return an instant as certificates have it: to the second."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at // SECOND)
