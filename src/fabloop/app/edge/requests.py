"""What the centre and an edge say to each other over HTTP."""

from typing import Any

import msgspec

from fabloop.app.edge.deployment import Deployment
from fabloop.base.errors import Fault

CONTROL_FILE = "control.json"
REQUEST_BYTES_MAX = 16 * 2**20
WAIT_S_MAX = 30.0
RESULTS_MAX = 10_000


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where an edge is asked, and the token that it wants to see; kept in its folder."""

    url: str
    token: str


class Deploy(msgspec.Struct, frozen=True, kw_only=True):
    """Run this from now on."""

    deployment: Deployment
    files: dict[str, str] = {}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Start or stop an app, or give it other settings."""

    group: str
    app: str
    started: bool | None = None
    settings: dict[str, Any] | None = None


class Restore(msgspec.Struct, frozen=True, kw_only=True):
    """Run an earlier version from now on."""

    version: int


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True):
    """The centre has the results up to a number."""

    number: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was not done."""

    kind: str
    text: str
    faults: tuple[Fault, ...] = ()
