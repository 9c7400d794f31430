"""Commands of ``fabloop edge``: run an edge, and look after one from the centre."""

from pathlib import Path
from typing import Annotated

import typer

edge = typer.Typer(help="Run apps beside machines, and look after them.", no_args_is_help=True)

FOLDER = Path("fabloop-edge")

Folder = Annotated[Path, typer.Option(help="Folder of the edge.")]
Url = Annotated[
    str, typer.Option(help="Where the edge is asked, if not through its folder on this computer.")
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="With --url: file with the edge's token.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
GroupName = Annotated[str, typer.Argument(metavar="GROUP", help="A group of machines.")]
AppName = Annotated[str, typer.Argument(metavar="APP", help="An app of the group.")]


@edge.callback()
def edges() -> None:
    """Run apps beside machines, and look after them."""


@edge.command()
def run(
    folder: Folder = FOLDER,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where the centre asks, on the loopback; 0: any.")
    ] = 0,
    json: Json = False,
) -> None:
    """Run what was deployed to a folder, until Ctrl-C or SIGTERM.

    Exit codes: 0 ended, 2 bad input, 3 something outside does not answer.
    """
    import sys

    if sys.platform == "win32":
        from fabloop.base.errors import Fault, Invalid

        expected = "a POSIX system, for Unix sockets and real-time scheduling"
        raise Invalid(Fault(source="edge run", path="", expected=expected, found=sys.platform))
    from fabloop.cli.edge_run import run_edge

    raise typer.Exit(run_edge(folder, port, as_json=json))


@edge.command()
def deploy(
    file: Annotated[Path | None, typer.Argument(help="What to run (JSON).")] = None,
    restore: Annotated[
        int | None, typer.Option(help="Run this earlier version again, instead of a file.")
    ] = None,
    folder: Folder = FOLDER,
    url: Url = "",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Check groups, apps and their grants, keep them as the next version, and run them.

    Exit codes: 0 deployed, 2 bad input or refused (nothing was changed), 3 no edge answers.
    """
    from fabloop.cli.edge import deploy_to

    raise typer.Exit(deploy_to(file, restore, folder, url, token_file, as_json=json))


@edge.command()
def start(
    group: GroupName,
    app: AppName,
    folder: Folder = FOLDER,
    url: Url = "",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Start an app, anew if it was suspended.

    Exit codes: 0 done, 2 bad input or refused, 3 no edge answers.
    """
    from fabloop.app.edge.requests import Change
    from fabloop.cli.edge import change_app

    change = Change(group=group, app=app, started=True)
    raise typer.Exit(change_app(change, folder, url, token_file, as_json=json))


@edge.command()
def stop(
    group: GroupName,
    app: AppName,
    folder: Folder = FOLDER,
    url: Url = "",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Stop an app; the others of its group go on undisturbed.

    Exit codes: 0 done, 2 bad input or refused, 3 no edge answers.
    """
    from fabloop.app.edge.requests import Change
    from fabloop.cli.edge import change_app

    change = Change(group=group, app=app, started=False)
    raise typer.Exit(change_app(change, folder, url, token_file, as_json=json))


@edge.command()
def configure(
    group: GroupName,
    app: AppName,
    settings: Annotated[str, typer.Argument(help="Settings as a JSON object, or @FILE with one.")],
    folder: Folder = FOLDER,
    url: Url = "",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Give an app other settings; it begins anew with them.

    Exit codes: 0 done, 2 bad input or refused (nothing was changed), 3 no edge answers.
    """
    from fabloop.app.edge.requests import Change
    from fabloop.cli.edge import change_app
    from fabloop.cli.given import json_object

    change = Change(group=group, app=app, settings=json_object("SETTINGS", settings))
    raise typer.Exit(change_app(change, folder, url, token_file, as_json=json))


@edge.command()
def health(
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Print it as metrics in the format of Prometheus.")
    ] = False,
    folder: Folder = FOLDER,
    url: Url = "",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Tell how processes, streams, apps and latencies of an edge are.

    Exit codes: 0 all is well, 1 something is not, 2 bad input, 3 no edge answers.
    """
    from fabloop.cli.edge import print_health

    raise typer.Exit(print_health(folder, url, token_file, metrics=metrics, as_json=json))


@edge.command()
def apps(
    folder: Folder = FOLDER,
    url: Url = "",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """List the apps of an edge: what they are, beside which machine, and how they are.

    Exit codes: 0 listed, 2 bad input, 3 no edge answers.
    """
    from fabloop.cli.edge import print_apps

    raise typer.Exit(print_apps(folder, url, token_file, as_json=json))
