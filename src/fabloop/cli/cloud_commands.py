"""Commands of ``fabloop cloud``: an Arrowhead local cloud, served and asked."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fabloop.cli.cloud_certificate_commands import certificate as certificates
from fabloop.cli.cloud_extra import cloud_extra
from fabloop.cli.cloud_work_commands import work

cloud = typer.Typer(help="Serve an Arrowhead local cloud, and work in one.", no_args_is_help=True)

FOLDER = Path("fabloop-cloud")
URL = "http://127.0.0.1:8443"


class PolicyWord(StrEnum):
    """How systems prove who they are."""

    DECLARED = "declared"
    CERTIFICATE = "certificate"
    OUTSOURCED = "outsourced"


Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


cloud.add_typer(certificates, name="certificate")
cloud.add_typer(work)


@cloud.callback()
def clouds() -> None:
    """Serve an Arrowhead local cloud, and work in one."""


@cloud.command()
def serve(
    data: Annotated[
        Path, typer.Option(help="Folder of the cloud; a new one begins empty.")
    ] = FOLDER,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Where all core systems answer; repeatable; 0 is any. [default: 8443]",
        ),
    ] = None,
    simple_store_port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Where orchestration answers by fixed bindings too."),
    ] = None,
    policy: Annotated[
        PolicyWord, typer.Option(help="How systems prove who they are.")
    ] = PolicyWord.DECLARED,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Folder with certificate.pem and key.pem; without, there is no TLS."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(help="Whom to trust. [default: trust.pem beside the certificates]"),
    ] = None,
    manager: Annotated[
        list[str] | None,
        typer.Option(help="A system that may manage beside the operator; repeatable."),
    ] = None,
    templates: Annotated[
        str, typer.Option(help="Unknown interface templates: restricted, extendable or open.")
    ] = "restricted",
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Look up only offers with unrestrictedDiscovery.")
    ] = False,
    no_authorization: Annotated[
        bool, typer.Option("--no-authorization", help="Bind consumers without asking for grants.")
    ] = False,
    sysop_password_file: Annotated[
        Path | None,
        typer.Option(help="With --policy outsourced, in a new cloud: the operator's password."),
    ] = None,
    json: Json = False,
) -> None:
    """Serve the core systems of Arrowhead 5.2.1 and 4.6.2 over one cloud, until Ctrl-C or SIGTERM.

    Exit codes: 0 ended, 2 bad input or the folder is in use, 3 a port is taken.
    """  # fmt: skip
    with cloud_extra():
        from fabloop.cli.cloud import Wish, serve_cloud

    raise typer.Exit(
        serve_cloud(
            Wish(
                data=data,
                host=host,
                ports=tuple(port or ()),
                simple_store_port=simple_store_port,
                policy=policy.value,
                certificate=certificate,
                trust=trust,
                managers=tuple(manager or ()),
                templates=templates,
                restricted=restricted,
                authorised=not no_authorization,
                sysop_password_file=sysop_password_file,
            ),
            as_json=json,
        )
    )


@cloud.command()
def status(
    url: Annotated[str, typer.Option(help="Address of the cloud.")] = URL,
    name: Annotated[
        str, typer.Option(help="Who asks where systems say it themselves; an operator.")
    ] = "Sysop",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with an identity token (outsourced).")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Folder with certificate.pem and key.pem of an operator.")
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(help="Whom to trust. [default: trust.pem beside the certificates]"),
    ] = None,
    json: Json = False,
) -> None:
    """Tell what is in a cloud: systems, offers, who holds what, pushes under way.

    Exit codes: 0 told, 2 bad input or not permitted, 3 it does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud import print_status

    raise typer.Exit(print_status(url, name, token_file, certificate, trust, as_json=json))
