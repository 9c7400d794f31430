"""What ``fabloop cloud certificate`` does."""

import os
import sys
from pathlib import Path

import msgspec

from fabloop.adapters.arrowhead.authority import Authority, make_authority
from fabloop.adapters.arrowhead.certificates import Told, read_chain, read_credentials, told_by
from fabloop.adapters.arrowhead.profiles import CloudName, Generation, Profile
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import DAY, iso_of
from fabloop.cli.given import read_bytes
from fabloop.cli.processes.plain import print_json, print_lines

_KEY_STORE = "system.p12"


class _Issued(msgspec.Struct, frozen=True):
    folder: str
    certificate: Told


def make(
    folder: Path, cloud: str, organization: str, generation: int, *, as_json: bool
) -> ExitCode:
    """Make the chain of a new cloud."""
    name = CloudName(cloud=cloud, organization=organization)
    authority = make_authority(folder, name, Generation(generation), WallClock().now())
    if as_json:
        print_json(
            {"folder": str(folder), "cloud": name.common_name, "trust": str(authority.trust)}
        )
    else:
        print_lines(
            [
                f"Made the certificates of '{name.common_name}' in '{folder}'.",
                f"Systems trust '{authority.trust}'. Keep {folder / 'master'} apart from machines.",
                "Next: fabloop cloud certificate issue SYSTEM --address HOST",
            ]
        )
    return ExitCode.FINE


def issue_one(
    folder: Path,
    system: str,
    kind: str,
    addresses: tuple[str, ...],
    days: float,
    password_from: str,
    *,
    as_json: bool,
) -> ExitCode:
    """Issue a certificate."""
    password = _password(password_from)
    made = Authority(folder).issue(
        system, WallClock().now(), profile=Profile[kind.upper()], addresses=addresses,
        lasts_ns=int(days * DAY),
    )  # fmt: skip
    told = told_by(read_chain(made / "certificate.pem")[0])
    if password:
        own = read_credentials(made / "certificate.pem", made / "key.pem")
        (made / _KEY_STORE).write_bytes(own.pkcs12(password))
    if as_json:
        print_json(_Issued(str(made), told))
    else:
        print_lines([f"Issued '{told.common_name}' until {iso_of(told.ends)} in '{made}'."])
    return ExitCode.FINE


def sign_one(folder: Path, request: Path, kind: str, days: float) -> ExitCode:
    """Print the certificate for a signing request."""
    signed = Authority(folder).sign(
        read_bytes(request), WallClock().now(), profile=Profile[kind.upper()],
        lasts_ns=int(days * DAY),
    )  # fmt: skip
    sys.stdout.write(signed.decode())
    return ExitCode.FINE


def print_all(folder: Path, *, as_json: bool) -> ExitCode:
    """List what was issued."""
    now = WallClock().now()
    authority = Authority(folder)
    found = authority.issued()
    troubles = authority.troubles(now)
    if as_json:
        print_json({"certificates": found, "troubles": troubles})
    else:
        print_lines([_line(each, now) for each in found] or ["None was issued yet."])
        print_lines(troubles)
    return ExitCode.NOT_PRODUCIBLE if troubles else ExitCode.FINE


def revoke_one(folder: Path, label: str, *, as_json: bool) -> ExitCode:
    """Trust a certificate no more."""
    told = Authority(folder).revoke(label, WallClock().now())
    if as_json:
        print_json(told)
    else:
        print_lines([f"Revoked '{told.common_name}'. Restart the servers of the cloud to heed it."])
    return ExitCode.FINE


def _line(told: Told, now: int) -> str:
    state = "ended" if told.ends <= now else "until"
    where = f" at {', '.join(told.addresses)}" if told.addresses else ""
    return f"{told.common_name}{where}, {state} {iso_of(told.ends)}"


def _password(variable: str) -> str:
    if not variable:
        return ""
    found = os.environ.get(variable, "")
    if not found:
        expected = "an environment variable with a password"
        raise Invalid(
            Fault(source="--password-from", path="", expected=expected, found=repr(variable))
        )
    return found
