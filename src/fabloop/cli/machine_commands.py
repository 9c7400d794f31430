"""Commands of ``fabloop machine``: connect machines, and see that they tell something."""

from pathlib import Path
from typing import Annotated

import typer

machine = typer.Typer(help="Connect machines, and look at them.", no_args_is_help=True)

Factory = Annotated[
    Path, typer.Option("--factory", help="Folder with the documents of the factory.")
]
PkiFolder = Annotated[
    Path | None,
    typer.Option("--pki", help="Folder of certificates. [default: $FABLOOP_PKI or settings]"),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Speak OPC UA without encryption; anyone can listen.")
]
User = Annotated[str, typer.Option(help="Name to log in with.")]
PasswordFrom = Annotated[
    str, typer.Option("--password-from", help="Environment variable that holds the password.")
]
UserCertificate = Annotated[
    str, typer.Option("--user-certificate", help="Log in with this certificate (DER or PEM).")
]
UserKey = Annotated[str, typer.Option("--user-key", help="File of its private key (PEM).")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
HERE = Path()


@machine.callback()
def machines() -> None:
    """Connect machines, and look at them."""


@machine.command()
def add(
    url: Annotated[
        str, typer.Argument(help="opc.tcp://HOST:PORT, modbus://HOST:PORT/UNIT or mqtt://HOST.")
    ],
    factory: Factory = HERE,
    id: Annotated[str, typer.Option(help="Id of the connection.")] = "",  # noqa: A002  # its option
    work_unit: Annotated[
        str, typer.Option("--work-unit", help="Everything there belongs to this work unit.")
    ] = "",
    map: Annotated[  # noqa: A002  # the option's name
        list[str] | None, typer.Option("--map", help="NAME=UNIT: what is named so is this unit.")
    ] = None,
    registers: Annotated[str, typer.Option(help="Id of the register map, for Modbus.")] = "",
    insecure: Insecure = False,
    user: User = "",
    password_from: PasswordFrom = "",
    user_certificate: UserCertificate = "",
    user_key: UserKey = "",
    pki: PkiFolder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be written.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite the connection of that id.")
    ] = False,
    listen: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds to listen to topics, for MQTT.")
    ] = 5.0,
    json: Json = False,
) -> None:
    """Look at a machine, propose which work unit each variable belongs to, and write that down.

    Exit codes: 0 written, 1 nothing of it could be mapped, 2 bad input or not trusted, 3 no answer.
    """
    from fabloop.app.machines.add import Wish
    from fabloop.cli.machine import add_machine

    wish = Wish(
        url=url, id=id, secure=not insecure, user=user, password_from=password_from,
        user_certificate=user_certificate, user_key=user_key, work_unit=work_unit,
        said=tuple(map or ()), registers=registers,
    )  # fmt: skip
    raise typer.Exit(
        add_machine(
            wish, factory, pki, write=not dry_run, replace=replace, listen_s=listen, as_json=json
        )
    )


@machine.command("list")
def list_machines(factory: Factory = HERE, json: Json = False) -> None:
    """List the connections of a factory, and which work units have none.

    Exit codes: 0 listed, 2 bad input.
    """
    from fabloop.cli.machine import print_machines

    raise typer.Exit(print_machines(factory, as_json=json))


@machine.command()
def browse(
    url: Annotated[str, typer.Argument(help="opc.tcp://HOST:PORT")],
    insecure: Insecure = False,
    user: User = "",
    password_from: PasswordFrom = "",
    user_certificate: UserCertificate = "",
    user_key: UserKey = "",
    pki: PkiFolder = None,
    json: Json = False,
) -> None:
    """Tell which variables and methods a server has, with their units, ranges and states.

    Exit codes: 0 told, 2 bad input or not trusted, 3 no answer.
    """
    from fabloop.app.machines.reach import bare
    from fabloop.cli.machine import print_seen

    look = bare(
        url, secure=not insecure, user=user, password_from=password_from,
        user_certificate=user_certificate, user_key=user_key,
    )  # fmt: skip
    raise typer.Exit(print_seen(look, pki, as_json=json))


@machine.command("test")
def try_machines(
    connection: Annotated[
        str, typer.Argument(metavar="[CONNECTION]", help="Which one; without it all of them.")
    ] = "",
    factory: Factory = HERE,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=3600, help="How long to listen at most.")
    ] = 10.0,
    pki: PkiFolder = None,
    json: Json = False,
) -> None:
    """Listen to connections until every variable told something, and tell what came.

    Exit codes: 0 every variable told something good, 1 some did not, 2 bad input.
    """
    from fabloop.cli.machine import print_trials

    raise typer.Exit(print_trials(connection, factory, seconds, pki, as_json=json))


@machine.command()
def trust(
    thumbprint: Annotated[str, typer.Argument(help="As the refusal told it; compare it first.")],
    pki: PkiFolder = None,
    json: Json = False,
) -> None:
    """Trust the certificate of a server that was refused.

    Exit codes: 0 trusted, 2 no such certificate was met.
    """
    from fabloop.cli.machine import trust_server

    raise typer.Exit(trust_server(thumbprint, pki, as_json=json))


@machine.command("call")
def call_method(
    connection: Annotated[str, typer.Argument(help="Id of a connection, or opc.tcp://HOST:PORT.")],
    method: Annotated[
        str, typer.Argument(help="Address or path of a method, as 'machine browse' tells it.")
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE; the value as JSON, or a bare text.")
    ] = None,
    factory: Factory = HERE,
    now: Annotated[
        bool, typer.Option("--now", help="Do call it; else what it takes is only told.")
    ] = False,
    insecure: Insecure = False,
    pki: PkiFolder = None,
    json: Json = False,
) -> None:
    """Tell what a method of a machine takes and gives, check arguments, and with --now call it.

    Exit codes: 0 told or done, 2 bad arguments or refused, 3 no answer.
    """
    from fabloop.cli.machine_call import call_machine

    done = call_machine(
        connection, method, tuple(arguments or ()), factory, pki, secure=not insecure, now=now,
        as_json=json,
    )  # fmt: skip
    raise typer.Exit(done)
