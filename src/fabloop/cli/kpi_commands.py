"""The command group ``fabloop kpi``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

kpi = typer.Typer(help="What KPIs are, and when they change.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Argument(help="Folder of `fabloop demo --keep`, or with documents (*.json).")
]
Kpi = Annotated[str, typer.Option("--kpi", help="Which KPI.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@kpi.command("explain")
def explain(
    folder: Folder,
    work_unit: Annotated[str, typer.Argument(help="Work unit whose KPI it is.")],
    name: Kpi = "total-position-error",
    at: Annotated[str, typer.Option(help="As it was known at this instant.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell formula, terms, source, age, interval and trend of a KPI, and what it endangers when.

    Exit codes: 0 planning may use the value, 1 it may not (none, or too old), 2 bad input.
    """
    from fabloop.cli.given import instant_given
    from fabloop.cli.kpi import explain as run

    instant = instant_given("--at", at) if at else None
    raise typer.Exit(run(folder, work_unit, name, instant, as_json=as_json))


@kpi.command("watch")
def watch(
    folder: Folder,
    work_unit: Annotated[str, typer.Option("--work-unit", help="Only this work unit.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for changes to come, until interrupted.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object in each line.")
    ] = False,
) -> None:
    """Tell every change of a KPI that was worth telling, and every test that was rejected.

    Exit codes: 0 told, or ended by Ctrl-C, 2 bad input.
    """
    from fabloop.cli.kpi import watch as run

    raise typer.Exit(run(folder, work_unit, follow=follow, as_json=as_json))
