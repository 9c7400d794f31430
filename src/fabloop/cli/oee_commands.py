"""The command group ``fabloop oee``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

oee = typer.Typer(help="Overall equipment effectiveness, ISO 22400.", no_args_is_help=True)

Events = Annotated[list[Path], typer.Argument(help="Files with an event in each line (JSON).")]
Setting = Annotated[Path, typer.Option(help="Document of kind effectiveness.")]
Until = Annotated[str, typer.Option("--to", help="Instant up to which is counted.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@oee.command("report")
def report(
    files: Events,
    setting: Setting,
    start: Annotated[str, typer.Option("--from", help="Instant at which counting begins.")] = "",
    end: Until = "",
    unit: Annotated[list[str] | None, typer.Option(help="Only this unit; repeatable.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw where the time went.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell effectiveness, and where the time went, of a span of time.

    Exit codes: 0 told, 2 bad input.
    """
    from fabloop.cli.oee import report as run

    raise typer.Exit(run(files, setting, start, end, unit or (), svg, as_json=as_json))


@oee.command("shifts")
def shifts(files: Events, setting: Setting, end: Until = "", as_json: AsJson = False) -> None:
    """Tell effectiveness of every shift that has ended.

    Exit codes: 0 told, 2 bad input.
    """
    from fabloop.cli.oee import shifts as run

    raise typer.Exit(run(files, setting, end, as_json=as_json))
