"""Looks at apps before they are deployed, in a process of its own: what do they declare?"""

import subprocess
import sys
from pathlib import Path

import msgspec

from fabloop.app.edge.app import Manifest
from fabloop.app.edge.deployment import SOURCE, DeployedApp, Deployment
from fabloop.app.edge.loading import load
from fabloop.base.errors import Fault, Invalid

PROBE_S_MAX = 30.0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What an app declares, or why it cannot be made."""

    manifest: Manifest | None = None
    faults: tuple[Fault, ...] = ()


def manifests_of(deployment: Deployment, code: Path) -> dict[tuple[str, str], Manifest]:
    """Return what the apps declare, by group and name.

    Raises
    ------
    Invalid
        With every app that cannot be made.
    """
    wanted = {(g.group, each.name): each for g in deployment.groups for each in g.apps}
    if not wanted:
        return {}
    asked = msgspec.json.encode(tuple(wanted.values()))
    try:
        done = subprocess.run(  # noqa: S603  # ourselves
            [sys.executable, "-m", "fabloop.app.edge.probe", str(code)],
            input=asked, capture_output=True, check=False, timeout=PROBE_S_MAX,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        expected = f"apps that can be looked at within {PROBE_S_MAX:.0f} s"
        raise _fault(expected, "one that goes on") from error
    if done.returncode != 0:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise _fault("apps that can be looked at", f"exit {done.returncode}: {last}")
    answer = done.stdout.rsplit(b"\n", 2)[-2] if done.stdout.endswith(b"\n") else done.stdout
    found = msgspec.json.decode(answer, type=tuple[Found, ...])
    faults = [fault for each in found for fault in each.faults]
    if faults:
        raise Invalid(faults)
    return {
        key: each.manifest
        for key, each in zip(wanted, found, strict=True)
        if each.manifest is not None
    }


def probed(apps: tuple[DeployedApp, ...], code: Path) -> tuple[Found, ...]:
    """Make each app and return what it declares."""
    return tuple(_probed(each, code) for each in apps)


def _probed(deployed: DeployedApp, code: Path) -> Found:
    try:
        return Found(manifest=load(deployed, code).manifest)
    except Invalid as error:
        return Found(faults=error.faults)


def _fault(expected: str, found: str) -> Invalid:
    return Invalid(Fault(source=SOURCE, path="", expected=expected, found=found))


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[DeployedApp, ...])
    result = msgspec.json.encode(probed(given, Path(sys.argv[1])))
    sys.stdout.buffer.write(b"\n" + result + b"\n")
