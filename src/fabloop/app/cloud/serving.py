"""Serves a local cloud: its folder, the core systems over HTTP, and pushes to those who ordered."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from fabloop.adapters.arrowhead.certificates import read_key
from fabloop.adapters.arrowhead.five.facade import Facade
from fabloop.adapters.arrowhead.five.senders import SYSOP, IdentityPolicy
from fabloop.adapters.arrowhead.five.settings import Settings, Strategy
from fabloop.adapters.arrowhead.mtls import Identity, client_context, identity_in
from fabloop.adapters.arrowhead.serving import Serving
from fabloop.app.cloud.folder import open_cloud
from fabloop.app.cloud.host import CloudHost
from fabloop.app.cloud.pushing import Pusher
from fabloop.base.collector import settle
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.services.cloud.people import IdentityEntry, KeepIdentities
from fabloop.services.cloud.records import Identity as Login
from fabloop.services.cloud.state import State

PORT = 8443
"""Of the core systems together; 5.2.1 has 8443, 8441, 8445 and 8444 for its systems."""
SIMPLE_STORE_PORT = 8465


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve, and where.

    Attributes
    ----------
    ports : where the core systems answer, all of them at each; 0 is any that is free
    simple_store_port : where orchestration answers by fixed bindings; None: nowhere
    certificates : folder with certificate.pem and key.pem; None serves without TLS
    trust : whom to trust
    sysop_password : with which the operator logs in where nobody may yet (outsourced)
    """

    data: Path
    host: str = "127.0.0.1"
    ports: tuple[int, ...] = (PORT,)
    simple_store_port: int | None = None
    certificates: Path | None = None
    trust: Path | None = None
    settings: Settings = Settings()
    sysop_password: str = ""


class Served(msgspec.Struct, frozen=True):
    """A cloud that is served: its host, and the addresses of its core systems."""

    host: CloudHost
    urls: tuple[str, ...]
    simple_store_url: str = ""


Wrap = Callable[[CloudHost, Facade], Any]
"""Puts something around the application, such as the interfaces of another version."""


@contextmanager
def served(plan: Plan, wrap: Wrap | None = None) -> Iterator[Served]:
    """Serve a cloud until the block ends.

    Raises
    ------
    Invalid
        What was asked for does not fit together, or a certificate cannot be read.
    Conflict
        Another process serves this folder.
    Unavailable
        A port is taken.
    """
    _check(plan)
    identity = identity_of(plan)
    key = read_key(Path(identity.key)) if identity is not None else None
    with ExitStack() as stack:
        host = stack.enter_context(open_cloud(plan.data, key=key))
        _admit_sysop(host, plan)
        context = client_context(identity) if identity is not None else None
        stack.enter_context(Pusher(host, plan.settings.rules, context))
        facade = Facade(host, plan.settings)
        app = wrap(host, facade) if wrap is not None else facade
        urls = [_serve(stack, app, identity, plan.host, port) for port in plan.ports]
        simple_store_url = ""
        if plan.simple_store_port is not None:
            fixed = msgspec.structs.replace(plan.settings, strategy=Strategy.SIMPLE_STORE)
            simple_store_url = _serve(
                stack, Facade(host, fixed), identity, plan.host, plan.simple_store_port
            )
        settle()
        yield Served(host, tuple(urls), simple_store_url)


def _serve(stack: ExitStack, app: Any, identity: Identity | None, host: str, port: int) -> str:
    serving = stack.enter_context(Serving(app, identity, host=host, port=port))
    scheme = "http" if identity is None else "https"
    return f"{scheme}://{host}:{serving.port}"


def _check(plan: Plan) -> None:
    faults = []
    if plan.settings.policy is IdentityPolicy.CERTIFICATE and plan.certificates is None:
        faults.append(
            Fault(source="cloud", path="--certificate", expected="certificates for this policy",
                found="none", hint="Make them with `fabloop cloud certificate`.")
        )  # fmt: skip
    if plan.certificates is not None and plan.trust is None:
        faults.append(
            Fault(source="cloud", path="--trust", expected="whom to trust", found="nobody")
        )
    if faults:
        raise Invalid(faults)


def identity_of(plan: Plan) -> Identity | None:
    """Return what the cloud shows and whom it trusts; None serves without TLS."""
    if plan.certificates is None or plan.trust is None:
        return None
    return identity_in(plan.certificates, plan.trust)


def _admit_sysop(host: CloudHost, plan: Plan) -> None:
    """Let the operator log in where nobody may: somebody has to let in the others."""

    def is_empty(state: State, _: Instant) -> bool:
        return not state.table(Login)

    if plan.settings.policy is not IdentityPolicy.OUTSOURCED or not host.query(is_empty):
        return
    if not plan.sysop_password:
        raise Invalid(
            Fault(source="cloud", path="--sysop-password-file",
                expected="a password for the operator, who lets in the others", found="none")
        )  # fmt: skip
    entry = IdentityEntry(system=SYSOP, password=plan.sysop_password, sysop=True)
    host.submit(KeepIdentities(entries=(entry,), by=SYSOP))
