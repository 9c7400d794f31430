"""What ``fabloop cloud serve`` and ``fabloop cloud status`` do."""

import signal
import ssl
import sys
import threading
from pathlib import Path

import msgspec

from fabloop.adapters.arrowhead.five.client import FiveClient
from fabloop.adapters.arrowhead.five.senders import IdentityPolicy
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.mtls import client_context, identity_in
from fabloop.app.choreography.versions import with_four
from fabloop.app.cloud.serving import PORT, Plan, identity_of, served
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.given import address_given
from fabloop.cli.processes.plain import print_json, print_lines
from fabloop.services.cloud.interfaces import TemplatePolicy
from fabloop.services.cloud.names import SYSTEM, name_fault
from fabloop.services.cloud.orchestrate import Rules

TRUST_FILE = "trust.pem"
_QUERIES = {
    "devices": "/serviceregistry/mgmt/devices/query",
    "systems": "/serviceregistry/mgmt/systems/query",
    "service definitions": "/serviceregistry/mgmt/service-definitions/query",
    "offers": "/serviceregistry/mgmt/service-instances/query",
    "offers held": "/serviceorchestration/orchestration/mgmt/lock/query",
    "subscriptions": "/serviceorchestration/orchestration/mgmt/push/query",
    "orchestrations": "/serviceorchestration/orchestration/mgmt/history/query",
    "blacklist entries": "/blacklist/mgmt/query",
}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Options of ``fabloop cloud serve``."""

    data: Path
    host: str
    ports: tuple[int, ...]
    simple_store_port: int | None
    policy: str
    certificate: Path | None
    trust: Path | None
    managers: tuple[str, ...]
    templates: str
    restricted: bool
    authorised: bool
    sysop_password_file: Path | None


def serve_cloud(wish: Wish, *, as_json: bool) -> ExitCode:
    """Serve a cloud until a signal comes."""
    plan = _plan(wish)
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    identity = identity_of(plan)
    with with_four(identity) as four, served(plan, four) as cloud:
        if as_json:
            told = {"folder": str(plan.data), "urls": list(cloud.urls)}
            if cloud.simple_store_url:
                told["simple_store_url"] = cloud.simple_store_url
            print_json(told)
        else:
            places = " and ".join(cloud.urls)
            print_lines([f"Cloud of '{plan.data}' answers at {places}. Ctrl-C ends it."])
        sys.stdout.flush()
        while not ended.wait(1.0):
            if cloud.host.failure is not None:
                raise cloud.host.failure
    return ExitCode.FINE


def print_status(
    url: str,
    name: str,
    token_file: Path | None,
    certificate: Path | None,
    trust: Path | None,
    *,
    as_json: bool,
) -> ExitCode:
    """Print how much of everything there is."""
    address_given("--url", url)
    context: ssl.SSLContext | None = None
    if certificate is not None:
        context = client_context(identity_in(certificate, trust or _trust_beside(certificate)))
    with FiveClient(url, name, context=context) as client:
        if token_file is not None:
            client.identify(_text_in(token_file, "--token-file"))
        counts = {what: client.counted(path) for what, path in _QUERIES.items()}
    if as_json:
        print_json({"url": url, **{what.replace(" ", "_"): n for what, n in counts.items()}})
    else:
        print_lines([f"Cloud at {url}:", *(f"  {n:>7} {what}" for what, n in counts.items())])
    return ExitCode.FINE


def _plan(wish: Wish) -> Plan:
    faults = [
        fault
        for each in wish.managers
        if (fault := name_fault(SYSTEM, each, "cloud serve", "--manager")) is not None
    ]
    if wish.templates not in tuple(TemplatePolicy):
        expected = f"one of {', '.join(TemplatePolicy)}"
        faults.append(
            Fault(source="cloud serve", path="--templates", expected=expected,
                found=repr(wish.templates))
        )  # fmt: skip
    if faults:
        raise Invalid(faults)
    certificate = wish.certificate
    password = wish.sysop_password_file
    return Plan(
        data=wish.data,
        host=wish.host,
        ports=wish.ports or (PORT,),
        simple_store_port=wish.simple_store_port,
        certificates=certificate,
        trust=wish.trust or (_trust_beside(certificate) if certificate is not None else None),
        sysop_password=_text_in(password, "--sysop-password-file") if password else "",
        settings=Settings(
            policy=IdentityPolicy(wish.policy),
            managers=frozenset(wish.managers),
            templates=TemplatePolicy(wish.templates),
            restricted=wish.restricted,
            rules=Rules(authorised=wish.authorised),
        ),
    )


def _trust_beside(certificate: Path) -> Path:
    """Return whom to trust, as the authority of a cloud leaves it: beside its folders."""
    places = (certificate, certificate.parent, certificate.parent.parent)
    found = (place / TRUST_FILE for place in places if (place / TRUST_FILE).is_file())
    return next(found, certificate.parent / TRUST_FILE)


def _text_in(path: Path, option: str) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or "no text"
        raise Invalid(
            Fault(source=str(path), path=option, expected="a file with a text", found=found)
        ) from error
