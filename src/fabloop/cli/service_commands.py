"""Commands of ``fabloop service``: add, list, find, compose and call services."""

from pathlib import Path
from typing import Annotated

import typer

service = typer.Typer(help="Find, compose and call services.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--folder", help="Folder that keeps the services, with documents if any.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
At = Annotated[str, typer.Option(help="When it is asked, such as 2026-11-24T10:00:00+01:00.")]
Zone = Annotated[str, typer.Option(help="Time zone of the times of day.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", help="A header to send, NAME=VALUE or NAME=@FILE; repeatable."),
]
HERE = Path()


@service.callback()
def services() -> None:
    """Find, compose and call services."""


@service.command()
def add(
    document: Annotated[str, typer.Argument(help="OpenAPI document (JSON or YAML): file or URL.")],
    folder: Folder = HERE,
    url: Annotated[str, typer.Option(help="Where the service answers. [default: as it says]")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite the service of that id.")
    ] = False,
    json: Json = False,
) -> None:
    """Read the document of a service, tell what it says, and keep it.

    Exit codes: 0 kept, 2 bad input (with every fault), 3 nobody answers at the URL.
    """
    from fabloop.cli.service import add_service

    raise typer.Exit(add_service(document, folder, url, replace=replace, as_json=json))


@service.command("list")
def list_services(folder: Folder = HERE, json: Json = False) -> None:
    """List the services that are kept, with their operations.

    Exit codes: 0 listed (there may be none), 2 bad input.
    """
    from fabloop.cli.service import list_all

    raise typer.Exit(list_all(folder, as_json=json))


@service.command()
def find(
    intent: Annotated[
        str, typer.Argument(help="What is wanted, such as 'bake 500 pieces at 180 °C near Modena'.")
    ],
    folder: Folder = HERE,
    most: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 5,
    at: At = "",
    zone: Zone = "UTC",
    json: Json = False,
) -> None:
    """Find services by what is meant; conditions decide who is left, likeness who comes first.

    Exit codes: 0 found, 1 nobody (with who was left out and why), 2 bad input.
    """
    from fabloop.cli.service_find import find_services

    raise typer.Exit(find_services(intent, folder, most, at, zone, as_json=json))


@service.command()
def compose(
    wishes: Annotated[list[str], typer.Argument(help="What is to be reached; one or more.")],
    folder: Folder = HERE,
    first: Annotated[
        str, typer.Option(help="SERVICE.OPERATION that is called first, whose outputs are used.")
    ] = "",
    each: Annotated[bool, typer.Option("--each", help="With every service that can.")] = False,
    feeding: Annotated[
        str, typer.Option(help="Only services that feed this one, by effects and conditions.")
    ] = "",
    given: Annotated[
        list[str] | None, typer.Option("--given", help="A known value, NAME=VALUE; repeatable.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of a data space that fills what nobody gives.")
    ] = None,
    choose: Annotated[
        int, typer.Option(min=0, help="Take this way of the list, and remember it. [0: none]")
    ] = 0,
    by: Annotated[str, typer.Option(help="Who chooses.")] = "",
    run: Annotated[bool, typer.Option("--run", help="Carry the way out that is certain.")] = False,
    key: Annotated[str, typer.Option(help="The same for what must happen only once.")] = "",
    header: Headers = None,
    at: At = "",
    zone: Zone = "UTC",
    json: Json = False,
) -> None:
    """Compose services to what is wanted: chains of calls, by what goes in and comes out.

    Exit codes: 0 a way is certain (or was carried out), 1 there is none, or a call failed,
    2 bad input, 4 a person has to choose.
    """
    from fabloop.cli.service_compose import Asked, compose_services

    asked = Asked(
        wishes=tuple(wishes), folder=folder, first=first, each=each, feeding=feeding,
        given=tuple(given or ()), data=data, choose=choose, by=by, run=run, key=key,
        headers=tuple(header or ()), at=at, zone=zone,
    )  # fmt: skip
    raise typer.Exit(compose_services(asked, as_json=json))


@service.command()
def call(
    operation: Annotated[str, typer.Argument(help="SERVICE.OPERATION.")],
    values: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE; lists and objects as JSON.")
    ] = None,
    folder: Folder = HERE,
    key: Annotated[str, typer.Option(help="The same for what must happen only once.")] = "",
    timeout: Annotated[float, typer.Option(min=0.1, max=600, help="Seconds per attempt.")] = 10.0,
    attempts: Annotated[int, typer.Option(min=1, max=10, help="Attempts in all.")] = 4,
    header: Headers = None,
    json: Json = False,
) -> None:
    """Call an operation of a service, and judge its answer by its description.

    Exit codes: 0 answered as described, 1 not answered or not as described, 2 bad input.
    """
    from fabloop.cli.service import call_operation

    raise typer.Exit(
        call_operation(
            operation,
            tuple(values or ()),
            folder,
            key,
            tuple(header or ()),
            timeout=timeout,
            attempts=attempts,
            as_json=json,
        )
    )
