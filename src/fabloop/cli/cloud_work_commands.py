"""Commands of ``fabloop cloud`` for those who work in one: choreographer, executors, systems."""

from pathlib import Path
from typing import Annotated

import typer

from fabloop.cli.cloud_extra import cloud_extra

work = typer.Typer()

Cloud = Annotated[str, typer.Option("--cloud", help="Address of the cloud, https://HOST:PORT.")]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        help="Folder with certificate.pem and key.pem, as `fabloop cloud certificate issue` makes "
        "it. Without it: a cloud without certificates.",
    ),
]
Trust = Annotated[
    Path | None,
    typer.Option("--trust", help="Whom to trust. [default: trust.pem beside the certificates]"),
]
Name = Annotated[
    str, typer.Option("--name", help="Name of the system, where no certificate tells it.")
]
Host = Annotated[str, typer.Option(help="Address to listen at, as others reach it.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 is any.")]
Store = Annotated[Path, typer.Option("--store", help="Folder with the process kernel's journal.")]
Patience = Annotated[
    float, typer.Option(min=0.1, max=86400, help="Seconds without a word until another takes over.")
]
Services = Annotated[list[str], typer.Option("--service", help="What it does; several times.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object in each line.")]
GenerationOf = Annotated[
    int,
    typer.Option(
        "--generation", min=4, max=5, help="Version of the cloud: 5 (5.2.1) or 4 (4.6.2)."
    ),
]
Core = Annotated[
    list[str] | None,
    typer.Option(
        "--core", help="NAME=URL of a core system of 4.6.2 that is elsewhere; repeatable."
    ),
]
STORE = Path("choreographer")
CLOUD = "https://127.0.0.1:8443"


@work.command()
def choreograph(
    cloud: Cloud = CLOUD,
    certificate: Certificate = None,
    trust: Trust = None,
    name: Name = "",
    generation: GenerationOf = 5,
    core: Core = None,
    store: Store = STORE,
    host: Host = "127.0.0.1",
    port: Port = 8457,
    patience: Patience = 30.0,
    json: Json = False,
) -> None:
    """Be the choreographer of a local cloud until interrupted; its certificate is an operator's.

    Plans and sessions come by its interface (/choreographer) or by `fabloop cloud run`.

    Exit codes: 0 ended, 2 bad input or not permitted, 3 the cloud does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud_choreograph import choreograph as run
        from fabloop.cli.cloud_words import where

    place = where(cloud, certificate, trust, name, generation, core, host, port)
    raise typer.Exit(run(place, store, patience, as_json=json))


@work.command("run")
def run_recipe(
    recipe: Annotated[Path, typer.Argument(help="Production recipe (JSON).")],
    cloud: Cloud = CLOUD,
    certificate: Certificate = None,
    trust: Trust = None,
    name: Name = "",
    generation: GenerationOf = 5,
    core: Core = None,
    store: Store = STORE,
    order: Annotated[str, typer.Option(help="Business key of what is made.")] = "",
    host: Host = "127.0.0.1",
    port: Port = 8457,
    patience: Patience = 30.0,
    json: Json = False,
) -> None:
    """Carry out a recipe in a local cloud, tell every message, and end with it.

    Interrupted, it goes on where it was with the same command: the store knows.

    Exit codes: 0 done, 1 aborted, 2 bad input or not permitted, 3 the cloud does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud_choreograph import run
        from fabloop.cli.cloud_words import where

    place = where(cloud, certificate, trust, name, generation, core, host, port)
    raise typer.Exit(run(place, recipe, order, store, patience, as_json=json))


@work.command()
def executor(
    service: Services,
    choreographer: Annotated[str, typer.Option(help="Address of the choreographer.")],
    safety: Annotated[
        Path | None,
        typer.Option(help="Folder with a safety document, or one: what tasks require."),
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Its systems are simulated: nothing real moves.")
    ] = False,
    cloud: Cloud = CLOUD,
    certificate: Certificate = None,
    trust: Trust = None,
    name: Name = "",
    generation: GenerationOf = 5,
    core: Core = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
    json: Json = False,
) -> None:
    """Be an executor of production steps or services until interrupted.

    A task leaves only where a safety document permits it.

    Exit codes: 0 ended, 2 bad input or not permitted, 3 the cloud does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud_words import where
        from fabloop.cli.cloud_work import be_executor

    place = where(cloud, certificate, trust, name, generation, core, host, port)
    code = be_executor(
        place, tuple(service), choreographer, safety, moves_nothing=simulated, as_json=json
    )
    raise typer.Exit(code)


@work.command()
def simulate(
    service: Services,
    takes: Annotated[float, typer.Option(min=0.0, help="Seconds that each task takes.")] = 1.0,
    beat: Annotated[float, typer.Option(min=0.05, help="Seconds between reports.")] = 1.0,
    cloud: Cloud = CLOUD,
    certificate: Certificate = None,
    trust: Trust = None,
    name: Name = "",
    generation: GenerationOf = 5,
    core: Core = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
    json: Json = False,
) -> None:
    """Be an application system that offers services and takes its time, until interrupted.

    Exit codes: 0 ended, 2 bad input or not permitted, 3 the cloud does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud_words import where
        from fabloop.cli.cloud_work import be_system

    place = where(cloud, certificate, trust, name, generation, core, host, port)
    raise typer.Exit(be_system(place, tuple(service), takes, beat, as_json=json))
