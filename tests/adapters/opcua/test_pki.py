"""Certificates: made once, trusted by a person, warned of and refused in time."""

import stat

import pytest
from asyncua.crypto.cert_gen import generate_private_key, generate_self_signed_app_certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fabloop.adapters.opcua.pki import OWN_DAYS, Pki, described
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import DAY, HOUR, Instant

NOW = Instant(WallClock().now() + HOUR)
URL = "opc.tcp://machine:4840"


def certificate(days=365):
    made = generate_self_signed_app_certificate(
        generate_private_key(), "machine", {"organizationName": "maker"},
        [x509.UniformResourceIdentifier("urn:machine")], [ExtendedKeyUsageOID.SERVER_AUTH],
        days=days,
    )  # fmt: skip
    return made.public_bytes(Encoding.DER)


@pytest.fixture
def pki(tmp_path):
    return Pki(tmp_path)


def test_our_certificate_is_made_once_and_its_key_is_for_us_alone(pki):
    assert pki.ensure_own(NOW) == ""
    first = pki.certificate.read_bytes()
    pki.ensure_own(NOW)
    assert pki.certificate.read_bytes() == first
    assert stat.S_IMODE(pki.key.stat().st_mode) == 0o600
    named = x509.load_der_x509_certificate(first).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert pki.application_uri in named.value.get_values_for_type(x509.UniformResourceIdentifier)


def test_our_certificate_is_warned_of_before_it_ends_and_refused_after(pki):
    pki.ensure_own(NOW)
    assert "it ends on" in pki.ensure_own(Instant(NOW + (OWN_DAYS - 20) * DAY))
    with pytest.raises(NotPermitted, match="Remove it"):
        pki.ensure_own(Instant(NOW + (OWN_DAYS + 1) * DAY))


def test_an_unknown_server_is_refused_until_a_person_trusts_its_thumbprint(pki):
    der = certificate()
    with pytest.raises(NotPermitted, match=described(der).thumbprint):
        pki.check_server(der, URL, NOW)
    assert pki.trust(described(der).thumbprint.upper()).der == der
    assert pki.check_server(der, URL, NOW) == ""
    with pytest.raises(NotPermitted, match="thumbprint"):
        pki.trust("00" * 20)


def test_a_server_certificate_is_warned_of_before_it_ends_and_refused_after(pki):
    der = certificate()
    (pki.folder / "trusted").mkdir()
    (pki.folder / "trusted" / "machine.der").write_bytes(der)
    assert "30 days" in pki.check_server(der, URL, Instant(NOW + 350 * DAY))
    with pytest.raises(NotPermitted, match="ended on"):
        pki.check_server(der, URL, Instant(NOW + 366 * DAY))
    with pytest.raises(NotPermitted, match="begins on"):
        pki.check_server(der, URL, Instant(NOW - DAY))


def test_what_a_trusted_authority_issued_is_trusted_and_nothing_else(pki):
    authority_key, machine_key = generate_private_key(), generate_private_key()
    authority = generate_self_signed_app_certificate(
        authority_key, "plant authority", {}, [x509.DNSName("plant")], []
    )
    issued = _issued(authority, authority_key, machine_key)
    (pki.folder / "authorities").mkdir()
    (pki.folder / "authorities" / "authority.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    assert pki.check_server(issued, URL, NOW) == ""
    forged = _issued(authority, generate_private_key(), machine_key)
    with pytest.raises(NotPermitted, match="trusted"):
        pki.check_server(forged, URL, NOW)


def test_a_machine_that_is_trusted_is_no_authority_for_others(pki):
    key = generate_private_key()
    machine = generate_self_signed_app_certificate(
        key, "machine", {}, [x509.DNSName("a")], [ExtendedKeyUsageOID.SERVER_AUTH]
    )
    (pki.folder / "trusted").mkdir()
    (pki.folder / "trusted" / "machine.pem").write_bytes(machine.public_bytes(Encoding.PEM))
    with pytest.raises(NotPermitted, match="trusted"):
        pki.check_server(_issued(machine, key, generate_private_key()), URL, NOW)


def _issued(authority, signing_key, machine_key):
    now = x509.load_der_x509_certificate(certificate()).not_valid_before_utc
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "machine")]))
        .issuer_name(authority.subject)
        .public_key(machine_key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(authority.not_valid_after_utc)
    )
    return builder.sign(signing_key, hashes.SHA256()).public_bytes(Encoding.DER)
