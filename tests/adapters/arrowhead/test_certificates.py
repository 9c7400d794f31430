import contextlib
import itertools
import ssl
import stat

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fabloop.adapters.arrowhead.authority import AUTHORITY_NS, SYSTEM_NS_MAX, make_authority
from fabloop.adapters.arrowhead.certificates import (
    is_issued,
    new_key,
    read_chain,
    read_credentials,
    read_pkcs12,
    told_by,
    troubles_of,
)
from fabloop.adapters.arrowhead.mtls import client_context, identity_in, server_context
from fabloop.adapters.arrowhead.profiles import CloudName, Generation, Profile
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import DAY, HOUR, Instant, instant_of

SHOP = CloudName(cloud="assembly-shop", organization="car-maker")
NOW = instant_of("2026-11-22T10:00:00Z")


@pytest.fixture(scope="module", params=[Generation.FOUR, Generation.FIVE])
def authority(request, tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("pki"), SHOP, request.param, NOW)


def _extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind).value


def test_a_system_gets_a_chain_that_leads_to_the_cloud_and_beyond(authority):
    folder = authority.issue("WeldingRobot", NOW, addresses=("localhost", "127.0.0.1"))
    chain = read_chain(folder / "certificate.pem")
    lengths = [
        _extension(each, x509.BasicConstraints).path_length
        for each in chain
        if _extension(each, x509.BasicConstraints).ca
    ]
    five = authority.about.generation is Generation.FIVE
    assert lengths == ([0, 1] if five else [0])
    for below, above in itertools.pairwise(chain):
        assert is_issued(below, above)
    assert [told_by(each).profile for each in chain] == (["sy", "lo", "or"] if five else ["", ""])
    name = "welding-robot" if five else "weldingrobot"
    assert told_by(chain[0]).common_name == f"{name}.assembly-shop.car-maker.arrowhead.eu"


def test_a_system_may_serve_and_call_but_issue_nothing(authority):
    folder = authority.issue("Crane", NOW, addresses=("crane.plant", "10.1.2.2"))
    certificate = read_chain(folder / "certificate.pem")[0]
    assert set(_extension(certificate, x509.ExtendedKeyUsage)) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert not _extension(certificate, x509.KeyUsage).key_cert_sign
    assert told_by(certificate).addresses == ("crane.plant", "10.1.2.2")


def test_a_key_is_for_its_owner_alone(authority):
    folder = authority.issue("Crane", NOW)
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_the_operator_is_known_in_both_versions(authority):
    folder = authority.issue("Operator", NOW, profile=Profile.OPERATOR)
    told = told_by(read_chain(folder / "certificate.pem")[0])
    if authority.about.generation is Generation.FIVE:
        assert told.profile == "op"
    else:
        assert told.common_name.startswith("sysop.")


def test_a_key_store_of_java_holds_the_same(authority, tmp_path):
    folder = authority.issue("Crane", NOW)
    made = read_credentials(folder / "certificate.pem", folder / "key.pem")
    path = tmp_path / "crane.p12"
    path.write_bytes(made.pkcs12("123456"))
    again = read_pkcs12(path, "123456")
    assert again.certificate == made.certificate
    assert again.key.private_numbers() == made.key.private_numbers()
    assert set(again.above) == set(made.above)
    with pytest.raises(Invalid):
        read_pkcs12(path, "wrong")


def test_certificates_are_short_lived_and_say_so_when_they_end(authority):
    folder = authority.issue("Crane", NOW, lasts_ns=2 * HOUR)
    chain = read_chain(folder / "certificate.pem")
    assert troubles_of(chain[0], chain[1], Instant(NOW + HOUR)) == ()
    assert "ended on" in troubles_of(chain[0], chain[1], Instant(NOW + 3 * HOUR))[0]
    assert "begins on" in troubles_of(chain[0], chain[1], Instant(NOW - HOUR))[0]


def test_a_signing_request_gets_a_certificate_for_its_own_key(authority):
    key = new_key()
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "painter")]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("painter.plant")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    chain = x509.load_pem_x509_certificates(authority.sign(request, NOW))
    assert chain[0].public_key() == key.public_key()
    assert told_by(chain[0]).addresses == ("painter.plant",)
    assert is_issued(chain[0], chain[1])


def test_a_request_about_another_cloud_is_refused(authority):
    name = "painter.other-shop.car-maker.arrowhead.eu"
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .sign(new_key(), hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    with pytest.raises(Invalid, match="other-shop"):
        authority.sign(request, NOW)
    with pytest.raises(Invalid, match="PEM form"):
        authority.sign(b"no request", NOW)


def test_a_system_cannot_get_the_profile_of_an_authority_nor_live_for_ever(authority):
    with pytest.raises(Invalid, match="issues no others"):
        authority.issue("Crane", NOW, profile=Profile.CLOUD)
    with pytest.raises(Invalid, match="days"):
        authority.issue("Crane", NOW, lasts_ns=SYSTEM_NS_MAX + DAY)
    with pytest.raises(Invalid, match="IP address"):
        authority.issue("Crane", NOW, addresses=("two words",))


def test_a_second_authority_does_not_overwrite_the_first(authority):
    with pytest.raises(Conflict):
        make_authority(authority.folder, SHOP, Generation.FIVE, NOW)


def test_what_is_not_there_cannot_be_revoked(authority):
    with pytest.raises(NotFound, match="certificate list"):
        authority.revoke("nobody", NOW)


def test_a_key_that_belongs_to_another_certificate_is_found_out(authority):
    one, other = authority.issue("One", NOW), authority.issue("Other", NOW)
    with pytest.raises(Invalid, match="another one"):
        read_credentials(one / "certificate.pem", other / "key.pem")


def _handshake(server, client, name="localhost"):
    """Shake hands in memory; return what the server sees of the client."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    left = server.wrap_bio(to_server, to_client, server_side=True)
    right = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(6):
        for each in (right, left):
            with contextlib.suppress(ssl.SSLWantReadError):
                each.do_handshake()
    return left.getpeercert()


@pytest.fixture
def now_pki(tmp_path):
    """Return an authority that began now, because TLS reads the clock of the machine."""
    return make_authority(tmp_path / "pki", SHOP, Generation.FIVE, _now())


def _now():
    return WallClock().now()


def test_two_systems_of_a_cloud_trust_each_other(now_pki):
    robot = now_pki.issue("Robot", _now(), addresses=("localhost",))
    crane = now_pki.issue("Crane", _now())
    seen = _handshake(
        server_context(identity_in(robot, now_pki.trust)),
        client_context(identity_in(crane, now_pki.trust)),
    )
    assert ("commonName", "crane.assembly-shop.car-maker.arrowhead.eu") in [
        each for (each,) in seen["subject"]
    ]


def test_a_system_of_a_sister_cloud_is_a_stranger(now_pki, tmp_path):
    sister = CloudName(cloud="paint-shop", organization="car-maker")
    other = make_authority(tmp_path / "other", sister, Generation.FIVE, _now())
    robot = now_pki.issue("Robot", _now(), addresses=("localhost",))
    stranger = other.issue("Crane", _now())
    with pytest.raises(ssl.SSLError):
        _handshake(
            server_context(identity_in(robot, now_pki.trust)),
            client_context(identity_in(stranger, now_pki.trust)),
        )


def test_a_revoked_system_is_a_stranger(now_pki):
    robot = now_pki.issue("Robot", _now(), addresses=("localhost",))
    crane = now_pki.issue("Crane", _now())
    caller = client_context(identity_in(crane, now_pki.trust))
    now_pki.revoke("crane", _now())
    with pytest.raises(ssl.SSLError, match="revoked"):
        _handshake(server_context(identity_in(robot, now_pki.trust)), caller)
    other = client_context(identity_in(now_pki.issue("Painter", _now()), now_pki.trust))
    assert _handshake(server_context(identity_in(robot, now_pki.trust)), other)


def test_a_server_at_an_address_that_is_not_in_its_certificate_is_not_believed(now_pki):
    robot = now_pki.issue("Robot", _now(), addresses=("robot.plant",))
    crane = now_pki.issue("Crane", _now())
    with pytest.raises(ssl.SSLError, match="mismatch"):
        _handshake(
            server_context(identity_in(robot, now_pki.trust)),
            client_context(identity_in(crane, now_pki.trust)),
        )


def test_files_that_hold_something_else_are_told(now_pki, tmp_path):
    robot = identity_in(now_pki.issue("Robot", _now()), now_pki.trust)
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(Invalid, match=r"empty\.pem"):
        server_context(msgspec.structs.replace(robot, trust=str(tmp_path / "empty.pem")))
    with pytest.raises(Invalid, match="certificate with its key"):
        server_context(msgspec.structs.replace(robot, key=str(tmp_path / "gone.pem")))


def test_the_authority_outlives_what_it_issues():
    assert AUTHORITY_NS > SYSTEM_NS_MAX
