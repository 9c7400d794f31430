"""The command group ``fabloop safety``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from fabloop.cli.folders import STOPS_FOLDER

safety = typer.Typer(
    help="Which signals permit which commands; stops, and their end.", no_args_is_help=True
)

Documents = Annotated[
    Path, typer.Argument(help="Folder with documents, or one document of kind `safety`.")
]
Controller = Annotated[str, typer.Argument(help="Safety controller, as the document names it.")]
Stops = Annotated[Path, typer.Option("--stops", help="Folder in which stops are kept.")]
By = Annotated[str, typer.Option("--by", help="The person who does it, by role and number.")]
Wait = Annotated[
    float,
    typer.Option("--wait", min=0.1, max=60, help="Seconds to wait at most; all are asked at once."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@safety.command("check")
def check(documents: Documents, as_json: AsJson = False) -> None:
    """Tell what commands to each work unit and service require, and what work asks of persons.

    Exit codes: 0 everything is declared, 2 bad input, with every fault.
    """
    from fabloop.cli.safety import check as run

    raise typer.Exit(run(documents, as_json=as_json))


@safety.command("draft")
def draft(
    folder: Annotated[Path, typer.Argument(help="Folder with documents, services, or both.")],
) -> None:
    """Print a safety document that names everything that is commanded, to be completed.

    Exit codes: 0 printed, 2 bad input.
    """
    from fabloop.cli.safety_draft import draft as run

    raise typer.Exit(run(folder))


@safety.command("status")
def status(
    documents: Documents, stops: Stops = STOPS_FOLDER, wait: Wait = 5.0, as_json: AsJson = False
) -> None:
    """Ask the controllers what is permitted now, and tell the stops that stand.

    Exit codes: 0 all is permitted, 1 something is withheld, with the reasons, 2 bad input.
    """
    from fabloop.cli.safety import status as run

    raise typer.Exit(run(documents, stops, wait, as_json=as_json))


@safety.command("stop")
def stop(
    documents: Documents,
    controller: Controller,
    by: By,
    why: Annotated[str, typer.Option("--why", help="What is the matter.")],
    stops: Stops = STOPS_FOLDER,
    wait: Wait = 5.0,
    as_json: AsJson = False,
) -> None:
    """Ask a safety controller to stop its zone, and let no command leave for it any more.

    This is no emergency stop. Exit codes: 0 the controller confirmed it, 1 it did not, 2 bad input.
    """
    from fabloop.cli.safety import stop as run

    raise typer.Exit(run(documents, controller, by, why, stops, wait, as_json=as_json))


@safety.command("reset")
def reset(
    documents: Documents,
    controller: Controller,
    by: By,
    stops: Stops = STOPS_FOLDER,
    wait: Wait = 5.0,
    as_json: AsJson = False,
) -> None:
    """End a stop in the name of a person, after the zone itself was released at its controller.

    Exit codes: 0 the stop is over, 1 it stands on, with the reasons, 2 bad input.
    """
    from fabloop.cli.safety import reset as run

    raise typer.Exit(run(documents, controller, by, stops, wait, as_json=as_json))


@safety.command("simulate")
def simulate(
    documents: Documents,
    controller: Controller,
    log: Annotated[str, typer.Option("--log", help="File for what it shows, by change.")] = "",
) -> None:
    """Be a simulated controller at its declared address; words on standard input are its panel.

    The words: open, close, break, mend SIGNAL; press, emergency, calm, freeze, thaw.
    Exit codes: 0 ended, 2 bad input.
    """
    from fabloop.cli.safety import simulate as run

    raise typer.Exit(run(documents, controller, log))


@safety.command("worker")
def worker(
    folder: Annotated[Path, typer.Argument(help="Folder of `fabloop demo --keep`.")],
    person: Annotated[str, typer.Argument(help="Who asks, as the documents name the person.")],
    as_json: AsJson = False,
) -> None:
    """Tell a person how much of each limit this shift has used, and what stands against which job.

    It is computed for the answer and kept nowhere. Exit codes: 0 told, 2 bad input.
    """
    from fabloop.cli.safety_worker import worker as run

    raise typer.Exit(run(folder, person, as_json=as_json))
