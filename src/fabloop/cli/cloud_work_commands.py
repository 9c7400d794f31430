"""Commands of ``fabloop cloud`` for those who work in one: choreographer, executors, systems."""

from pathlib import Path
from typing import Annotated

import typer

from fabloop.cli.cloud_extra import cloud_extra
from fabloop.cli.cloud_place import Place, placed

work = typer.Typer()

Store = Annotated[Path, typer.Option("--store", help="Folder with the process kernel's journal.")]
Patience = Annotated[
    float, typer.Option(min=0.1, max=86400, help="Seconds without a word until another takes over.")
]
Services = Annotated[list[str], typer.Option("--service", help="What it does; several times.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object in each line.")]
STORE = Path("choreographer")


@work.command()
@placed(port=8457)
def choreograph(
    place: Place,
    store: Store = STORE,
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

    raise typer.Exit(run(where(place), store, patience, as_json=json))


@work.command("run")
@placed(port=8457)
def run_recipe(
    place: Place,
    recipe: Annotated[Path, typer.Argument(help="Production recipe (JSON).")],
    store: Store = STORE,
    order: Annotated[str, typer.Option(help="Business key of what is made.")] = "",
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

    raise typer.Exit(run(where(place), recipe, order, store, patience, as_json=json))


@work.command()
@placed()
def executor(
    place: Place,
    service: Services,
    choreographer: Annotated[str, typer.Option(help="Address of the choreographer.")],
    safety: Annotated[
        Path | None,
        typer.Option(help="Folder with a safety document, or one: what tasks require."),
    ] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Its systems are simulated: nothing real moves.")
    ] = False,
    json: Json = False,
) -> None:
    """Be an executor of production steps or services until interrupted.

    A task leaves only where a safety document permits it.

    Exit codes: 0 ended, 2 bad input or not permitted, 3 the cloud does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud_words import where
        from fabloop.cli.cloud_work import be_executor

    code = be_executor(
        where(place), tuple(service), choreographer, safety, moves_nothing=simulated, as_json=json
    )
    raise typer.Exit(code)


@work.command()
@placed()
def simulate(
    place: Place,
    service: Services,
    takes: Annotated[float, typer.Option(min=0.0, help="Seconds that each task takes.")] = 1.0,
    beat: Annotated[float, typer.Option(min=0.05, help="Seconds between reports.")] = 1.0,
    json: Json = False,
) -> None:
    """Be an application system that offers services and takes its time, until interrupted.

    Exit codes: 0 ended, 2 bad input or not permitted, 3 the cloud does not answer.
    """
    with cloud_extra():
        from fabloop.cli.cloud_words import where
        from fabloop.cli.cloud_work import be_system

    raise typer.Exit(be_system(where(place), tuple(service), takes, beat, as_json=json))
