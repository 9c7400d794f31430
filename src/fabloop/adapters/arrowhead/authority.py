"""The certificate authority of an embedded local cloud: a folder of its own chain and its systems.

::

    master/ organization/ cloud/    certificate.pem, key.pem (organization: 5.x only)
    systems/<label>/                certificate.pem with the chain, key.pem
    trust.pem                       whom systems of this cloud trust: its own certificate
    chain.pem                       the same up to the master, for clients that want all of it
    revoked.pem                     what was issued, but is trusted no more

Systems trust the cloud's certificate and not the master's, so that those of another cloud of the
same organisation stay outside. The key of the master may be taken away once the cloud is there.
"""

import os
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from fabloop.adapters.arrowhead.certificates import (
    Credentials,
    Told,
    Wanted,
    check_addresses,
    issue,
    moment_of,
    new_key,
    read_chain,
    read_credentials,
    told_by,
    troubles_of,
)
from fabloop.adapters.arrowhead.profiles import (
    AUTHORITIES,
    MASTER_NAME,
    OPERATOR_LABEL,
    CloudName,
    Generation,
    Profile,
    check_cloud_name,
    common_name_of,
)
from fabloop.base.codec import from_json, to_json
from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import DAY, Instant

AUTHORITY_NS = 3_650 * DAY
SYSTEM_NS = 7 * DAY
"""Certificates of systems are short-lived: what is stolen is soon of no use."""
SYSTEM_NS_MAX = 825 * DAY
REVOCATIONS_NS = 30 * DAY
REVOKED_MAX = 10_000

TRUST_FILE = "trust.pem"
CHAIN_FILE = "chain.pem"
REVOKED_FILE = "revoked.pem"
_ABOUT_FILE = "authority.json"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Whose authority it is."""

    cloud: CloudName
    generation: Generation


class Authority:
    """Issues certificates of one local cloud.

    Raises
    ------
    NotFound
        There is no authority in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.about = from_json((folder / _ABOUT_FILE).read_bytes(), About)
        except FileNotFoundError as error:
            raise NotFound(
                f"Expected the certificates of a local cloud in '{folder}', but found none. Make "
                "them with `fabloop cloud certificate init`."
            ) from error

    @property
    def trust(self) -> Path:
        """The file with whom systems of this cloud trust."""
        return self.folder / TRUST_FILE

    def issue(
        self,
        system: str,
        now: Instant,
        *,
        profile: Profile = Profile.SYSTEM,
        addresses: tuple[str, ...] = (),
        lasts_ns: int = SYSTEM_NS,
    ) -> Path:
        """Issue a certificate with a new key; return the folder that both lie in.

        Raises
        ------
        Invalid
            The name, an address or the time cannot stand in a certificate of this profile.
        """
        key = new_key()
        made = self._issued(system, key.public_key(), now, profile, addresses, lasts_ns)
        folder = self.folder / "systems" / told_by(made.certificate).common_name.split(".")[0]
        _write(folder, msgspec.structs.replace(made, key=key))
        return folder

    def sign(
        self,
        request: bytes,
        now: Instant,
        *,
        profile: Profile = Profile.SYSTEM,
        lasts_ns: int = SYSTEM_NS,
    ) -> bytes:
        """Return the certificate and its chain for a signing request in PEM form.

        The first label of its common name is the system; its addresses are taken over.

        Raises
        ------
        Invalid
            It is no signing request, not signed with its own key, or about another cloud.
        """
        wish = _read_request(request)
        names = wish.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        label, _, rest = (str(names[0].value) if names else "").partition(".")
        if rest not in ("", self.about.cloud.common_name):
            expected = f"a name in cloud '{self.about.cloud.common_name}'"
            raise Invalid(_fault("signing request", "commonName", expected, repr(rest)))
        key = wish.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise Invalid(_fault("signing request", "", "an RSA key", type(key).__name__))
        made = self._issued(label, key, now, profile, _addresses_in(wish), lasts_ns)
        return made.certificate_pem()

    def issued(self) -> tuple[Told, ...]:
        """Return what lies in the folder, by name; what only was signed is not among it."""
        files = sorted((self.folder / "systems").glob("*/certificate.pem"))
        return tuple(told_by(read_chain(path)[0]) for path in files)

    def troubles(self, now: Instant) -> tuple[str, ...]:
        """Return why certificates in the folder are of no use, as sentences."""
        cloud = read_chain(self.folder / "cloud" / "certificate.pem")[0]
        files = sorted((self.folder / "systems").glob("*/certificate.pem"))
        return tuple(
            each for path in files for each in troubles_of(read_chain(path)[0], cloud, now)
        )

    def revoke(self, label: str, now: Instant) -> Told:
        """Trust the certificate of a system no more; servers see it when they begin anew.

        Raises
        ------
        NotFound
            None of that label lies in the folder.
        """
        path = self.folder / "systems" / label / "certificate.pem"
        if not path.is_file():
            raise NotFound(
                f"Expected a certificate of '{label}' in '{self.folder}', but found none. "
                "`fabloop cloud certificate list` tells what there is."
            )
        certificate = read_chain(path)[0]
        self._write_revoked(certificate, now)
        return told_by(certificate)

    def _issued(
        self,
        system: str,
        key: rsa.RSAPublicKey,
        now: Instant,
        profile: Profile,
        addresses: tuple[str, ...],
        lasts_ns: int,
    ) -> Credentials:
        _check_wish(profile, addresses, lasts_ns)
        if profile is Profile.OPERATOR and self.about.generation is Generation.FOUR:
            system = OPERATOR_LABEL
        cloud = read_credentials(
            self.folder / "cloud" / "certificate.pem", self.folder / "cloud" / "key.pem"
        )
        wanted = Wanted(
            common_name=common_name_of(system, self.about.cloud, self.about.generation),
            profile=profile,
            generation=self.about.generation,
            addresses=addresses,
            lasts_ns=lasts_ns,
        )
        certificate = issue(wanted, key, cloud, signed_with=cloud.key, now=now)
        above = (cloud.certificate, *cloud.above)
        return Credentials(certificate=certificate, key=cloud.key, above=above)

    def _write_revoked(self, certificate: x509.Certificate, now: Instant) -> None:
        cloud = read_credentials(
            self.folder / "cloud" / "certificate.pem", self.folder / "cloud" / "key.pem"
        )
        path = self.folder / REVOKED_FILE
        known = list(x509.load_pem_x509_crl(path.read_bytes())) if path.is_file() else []
        serials = {each.serial_number: each.revocation_date_utc for each in known}
        serials.setdefault(certificate.serial_number, moment_of(now))
        if len(serials) > REVOKED_MAX:
            raise Conflict(
                f"Expected at most {REVOKED_MAX} revoked certificates, but found more. Make a "
                "new chain with `fabloop cloud certificate init` in another folder."
            )
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(cloud.certificate.subject)
            .last_update(moment_of(now))
            .next_update(moment_of(Instant(now + REVOCATIONS_NS)))
        )
        for serial, at in serials.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        path.write_bytes(builder.sign(cloud.key, hashes.SHA256()).public_bytes(Encoding.PEM))


def make_authority(
    folder: Path, cloud: CloudName, generation: Generation, now: Instant
) -> Authority:
    """Make the chain of a new cloud: master, in 5.x an organisation, and the cloud itself.

    Raises
    ------
    Invalid
        A name cannot stand in a certificate.
    Conflict
        There is an authority in the folder.
    """
    check_cloud_name(cloud, "certificate")
    if (folder / _ABOUT_FILE).exists():
        raise Conflict(
            f"Expected a folder without certificates, but '{folder}' has those of a cloud. Name "
            "another folder."
        )
    above = _link(folder, None, MASTER_NAME, Profile.MASTER, generation, now)
    if generation is Generation.FIVE:
        name = cloud.organization_name
        above = _link(folder, above, name, Profile.ORGANIZATION, generation, now)
    made = _link(folder, above, cloud.common_name, Profile.CLOUD, generation, now)
    (folder / TRUST_FILE).write_bytes(made.certificate.public_bytes(Encoding.PEM))
    master = (folder / Profile.MASTER.name.lower() / "certificate.pem").read_bytes()
    (folder / CHAIN_FILE).write_bytes(made.certificate_pem() + master)
    (folder / _ABOUT_FILE).write_bytes(to_json(About(cloud=cloud, generation=generation)))
    return Authority(folder)


def _link(
    folder: Path,
    issuer: Credentials | None,
    common_name: str,
    profile: Profile,
    generation: Generation,
    now: Instant,
) -> Credentials:
    """Make and keep one authority of the chain."""
    key = new_key()
    wanted = Wanted(
        common_name=common_name, profile=profile, generation=generation, lasts_ns=AUTHORITY_NS
    )
    signed_with = key if issuer is None else issuer.key
    certificate = issue(wanted, key.public_key(), issuer, signed_with=signed_with, now=now)
    above: tuple[x509.Certificate, ...] = ()
    if issuer is not None and issuer.common_name != MASTER_NAME:
        above = (issuer.certificate, *issuer.above)
    made = Credentials(certificate=certificate, key=key, above=above)
    _write(folder / profile.name.lower(), made)
    return made


def _write(folder: Path, made: Credentials) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certificate.pem").write_bytes(made.certificate_pem())
    descriptor = os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(made.key_pem())


def _check_wish(profile: Profile, addresses: tuple[str, ...], lasts_ns: int) -> None:
    check_addresses(addresses, "certificate")
    if profile in AUTHORITIES:
        raise Invalid(_fault("certificate", "profile", "one that issues no others", profile.name))
    if not 0 < lasts_ns <= SYSTEM_NS_MAX:
        expected = f"more than 0 and at most {SYSTEM_NS_MAX // DAY} days"
        found = f"{lasts_ns / DAY:g} days"
        raise Invalid(_fault("certificate", "validity", expected, found))


def _read_request(data: bytes) -> x509.CertificateSigningRequest:
    try:
        wish = x509.load_pem_x509_csr(data)
    except ValueError as error:
        expected = "a signing request in PEM form"
        raise Invalid(_fault("signing request", "", expected, str(error))) from error
    try:
        genuine = wish.is_signature_valid
    except (InvalidSignature, ValueError):
        genuine = False
    if not genuine:
        raise Invalid(_fault("signing request", "", "its own signature", "another one"))
    return wish


def _addresses_in(wish: x509.CertificateSigningRequest) -> tuple[str, ...]:
    try:
        names = wish.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(each.value) for each in names)


def _fault(source: str, path: str, expected: str, found: str) -> Fault:
    return Fault(source=source, path=path, expected=expected, found=found)
