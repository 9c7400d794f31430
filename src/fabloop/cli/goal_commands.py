"""Commands of ``fabloop goal``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fabloop.base.instant import Instant

goal = typer.Typer(help="Goals of orders and processes: check, watch, explain.")

Goals = Annotated[
    Path | None, typer.Option(help="Goals, as text or JSON; a process store needs them.")
]
Folder = Annotated[
    Path, typer.Argument(help="A process store, or data of a story (`fabloop demo --keep`).")
]
At = Annotated[str, typer.Option(help="Judge at this instant, not at the last that is known.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@goal.command()
def check(
    file: Annotated[Path, typer.Argument(help="Goals, as text or as a JSON document.")],
    process: Annotated[
        list[Path] | None, typer.Option(help="A BPMN model that they speak of; repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """Read goals and tell which of them cannot all be met, and why.

    Exit codes: 0 nothing stands against them, 1 some contradict each other, 2 bad input.
    """
    from fabloop.cli.goal import print_check

    raise typer.Exit(print_check(file, tuple(process or ()), as_json=json))


@goal.command()
def status(
    folder: Folder,
    goals: Goals = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Tell how goals stand: for each order, process and week, the worst first.

    Exit codes: 0 none is missed or in danger, 1 some are, 2 bad input.
    """
    from fabloop.cli.goal import print_status

    raise typer.Exit(print_status(folder, goals, _instant(at), as_json=json))


@goal.command()
def explain(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="Id of the goal or KPI.")],
    key: Annotated[str, typer.Argument(help="For which order, instance or week.")],
    goals: Goals = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Tell why a goal stands as it does, with the evidence and what would help.

    Exit codes: 0 it is neither missed nor in danger, 1 it is, 2 bad input.
    """
    from fabloop.cli.goal import print_explanation

    raise typer.Exit(print_explanation(folder, name, key, goals, _instant(at), as_json=json))


@goal.command()
def watch(
    folder: Folder,
    goals: Goals = None,
    once: Annotated[
        bool, typer.Option("--once", help="Tell what was news so far, and end.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print each fact as a line of JSON.")
    ] = False,
) -> None:
    """Tell what is news about goals as it happens, until interrupted.

    Exit codes: 0 it was told, 2 bad input.
    """
    from fabloop.cli.goal import follow

    raise typer.Exit(follow(folder, goals, once=once, as_json=json))


def _instant(text: str) -> "Instant | None":
    from fabloop.cli.given import instant_given

    return instant_given("--at", text) if text else None
