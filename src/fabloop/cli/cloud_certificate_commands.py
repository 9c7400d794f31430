"""Commands of ``fabloop cloud certificate``: who belongs to a local cloud, and proves it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fabloop.cli.cloud_extra import cloud_extra

certificate = typer.Typer(help="Certificates of a local cloud.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--folder", help="Folder with the certificates of the cloud.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Days = Annotated[
    float, typer.Option(min=0.01, max=825, help="How long it is valid; short is safe.")
]
FOLDER = Path("certificates")


class For(StrEnum):
    """Whom a certificate is for."""

    SYSTEM = "system"
    OPERATOR = "operator"
    DEVICE = "device"
    BROKER = "broker"
    ONBOARDING = "onboarding"


Kind = Annotated[For, typer.Option("--for", help="Whom it is for.")]


@certificate.callback()
def certificates() -> None:
    """Certificates of a local cloud."""


@certificate.command()
def init(
    cloud: Annotated[str, typer.Argument(help="Name of the cloud, such as assembly-shop.")],
    organization: Annotated[str, typer.Argument(help="Who runs it, such as car-maker.")],
    folder: Folder = FOLDER,
    generation: Annotated[
        int, typer.Option(min=4, max=5, help="Which version's certificates: 5 or 4.")
    ] = 5,
    json: Json = False,
) -> None:
    """Make the chain of a new cloud: its master, its organisation (5) and the cloud itself.

    Exit codes: 0 made, 2 bad input or there already.
    """
    with cloud_extra():
        from fabloop.cli.cloud_certificates import make

    raise typer.Exit(make(folder, cloud, organization, generation, as_json=json))


@certificate.command()
def issue(
    system: Annotated[str, typer.Argument(help="Name of the system, such as WeldingRobot.")],
    folder: Folder = FOLDER,
    kind: Kind = For.SYSTEM,
    address: Annotated[
        list[str] | None, typer.Option(help="Host name or IP address at which it is reached.")
    ] = None,
    days: Days = 7.0,
    password_from: Annotated[
        str,
        typer.Option(help="Environment variable with a password: a .p12 for Java comes with it."),
    ] = "",
    json: Json = False,
) -> None:
    """Issue a certificate with a new key; the one before is replaced.

    Exit codes: 0 issued, 2 bad input.
    """
    with cloud_extra():
        from fabloop.cli.cloud_certificates import issue_one

    addresses = tuple(address or ())
    raise typer.Exit(
        issue_one(folder, system, kind.value, addresses, days, password_from, as_json=json)
    )


@certificate.command()
def sign(
    request: Annotated[Path, typer.Argument(help="Signing request (PEM).")],
    folder: Folder = FOLDER,
    kind: Kind = For.SYSTEM,
    days: Days = 7.0,
) -> None:
    """Print the certificate for a signing request, whose key stays where it is.

    Exit codes: 0 signed, 2 bad input.
    """
    with cloud_extra():
        from fabloop.cli.cloud_certificates import sign_one

    raise typer.Exit(sign_one(folder, request, kind.value, days))


@certificate.command("list")
def list_certificates(folder: Folder = FOLDER, json: Json = False) -> None:
    """List the certificates of a cloud: for whom, until when, at which addresses.

    Exit codes: 0 all are valid, 1 one has ended, 2 bad input.
    """
    with cloud_extra():
        from fabloop.cli.cloud_certificates import print_all

    raise typer.Exit(print_all(folder, as_json=json))


@certificate.command()
def revoke(
    label: Annotated[str, typer.Argument(help="As `list` tells it, such as welding-robot.")],
    folder: Folder = FOLDER,
    json: Json = False,
) -> None:
    """Trust a certificate no more; servers see it when they start anew.

    Exit codes: 0 revoked, 2 bad input.
    """
    with cloud_extra():
        from fabloop.cli.cloud_certificates import revoke_one

    raise typer.Exit(revoke_one(folder, label, as_json=json))
