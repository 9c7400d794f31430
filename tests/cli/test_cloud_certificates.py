import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from fabloop.adapters.arrowhead.certificates import new_key, read_pkcs12
from fabloop.base.errors import ExitCode, FabloopError
from fabloop.cli.cloud_certificate_commands import certificate


def run(*arguments):
    return CliRunner().invoke(certificate, [str(each) for each in arguments])


def made(tmp_path, *more):
    folder = tmp_path / "pki"
    assert run("init", "assembly-shop", "car-maker", "--folder", folder, *more).exit_code == 0
    return folder


def test_a_cloud_gets_its_chain_and_a_system_its_certificate(tmp_path):
    folder = made(tmp_path)
    answer = run("issue", "WeldingRobot", "--folder", folder, "--address", "robot.plant", "--json")
    told = json.loads(answer.stdout)
    assert told["certificate"]["common_name"] == (
        "welding-robot.assembly-shop.car-maker.arrowhead.eu"
    )
    assert told["certificate"]["addresses"] == ["robot.plant"]
    listed = json.loads(run("list", "--folder", folder, "--json").stdout)
    assert [each["profile"] for each in listed["certificates"]] == ["sy"]
    assert listed["troubles"] == []
    assert "welding-robot" in run("list", "--folder", folder).stdout


def test_the_operator_of_four_is_sysop(tmp_path):
    folder = made(tmp_path, "--generation", 4)
    answer = run("issue", "Anybody", "--for", "operator", "--folder", folder)
    assert "'sysop.assembly-shop" in answer.stdout


def test_a_key_store_for_java_comes_with_a_password(tmp_path, monkeypatch):
    folder = made(tmp_path)
    monkeypatch.setenv("STORE_PASSWORD", "123456")
    run("issue", "Crane", "--folder", folder, "--password-from", "STORE_PASSWORD")
    found = read_pkcs12(folder / "systems" / "crane" / "system.p12", "123456")
    assert found.common_name.startswith("crane.")


def test_a_signing_request_is_signed(tmp_path):
    folder = made(tmp_path)
    wish = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "painter")]))
        .sign(new_key(), hashes.SHA256())
    )
    request = tmp_path / "painter.csr"
    request.write_bytes(wish.public_bytes(Encoding.PEM))
    chain = x509.load_pem_x509_certificates(
        run("sign", request, "--folder", folder).stdout.encode()
    )
    assert len(chain) == 3


def test_what_belongs_to_another_chain_is_told(tmp_path):
    folder = made(tmp_path)
    run("issue", "Crane", "--folder", folder)
    (tmp_path / "second").mkdir()
    other = made(tmp_path / "second")
    (folder / "cloud" / "certificate.pem").write_bytes(
        (other / "cloud" / "certificate.pem").read_bytes()
    )
    answer = run("list", "--folder", folder)
    assert answer.exit_code == ExitCode.NOT_PRODUCIBLE
    assert "another signature" in answer.stdout


def test_what_is_revoked_is_told(tmp_path):
    folder = made(tmp_path)
    run("issue", "Crane", "--folder", folder)
    assert "Revoked" in run("revoke", "crane", "--folder", folder).stdout
    assert (folder / "revoked.pem").is_file()


def test_what_cannot_be_done_is_refused_with_the_reason(tmp_path):
    folder = made(tmp_path)
    for arguments, word in (
        (("init", "assembly-shop", "car-maker", "--folder", folder), "another folder"),
        (("issue", "Crane", "--folder", tmp_path / "gone"), "certificate init"),
        (("issue", "Crâne", "--folder", folder), "letter"),
        (("issue", "Crane", "--folder", folder, "--password-from", "NO_SUCH"), "environment"),
        (("sign", tmp_path / "none.csr", "--folder", folder), "can be read"),
        (("revoke", "crane", "--folder", folder), "certificate list"),
    ):
        answer = run(*arguments)
        assert isinstance(answer.exception, FabloopError)
        assert answer.exception.exit_code is ExitCode.BAD_INPUT
        assert word in str(answer.exception)


def test_without_the_extra_it_is_told_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fabloop.cli.cloud_certificates", None)
    answer = run("list")
    assert isinstance(answer.exception, FabloopError)
    assert "fabloop[cloud]" in str(answer.exception)
