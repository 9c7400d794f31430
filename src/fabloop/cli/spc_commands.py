"""The command group ``fabloop spc``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

spc = typer.Typer(help="Control charts, capability, gauge studies.", no_args_is_help=True)

Table = Annotated[Path, typer.Argument(help="Table with a header: CSV, TSV, or blanks between.")]
Values = Annotated[str, typer.Option(help="Column with the measured values or counts.")]
Group = Annotated[str, typer.Option(help="Column that tells which values were taken together.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@spc.command("chart")
def chart(
    file: Table,
    values: Values,
    kind: Annotated[str, typer.Option(help="xbar, r, s, i, mr, p, np, c or u.")] = "xbar",
    group: Group = "",
    sizes: Annotated[str, typer.Option(help="Column with the sizes of the samples.")] = "",
    size: Annotated[float, typer.Option(help="Size of every sample, for counts.")] = 1.0,
    estimator: Annotated[str, typer.Option(help="Of sigma, such as R/d2 or s/c4.")] = "",
    rules: Annotated[str, typer.Option(help="nelson or western-electric.")] = "nelson",
    first: Annotated[int, typer.Option(min=0, help="Samples of phase I; 0: all.")] = 0,
    exclude: Annotated[
        list[int] | None, typer.Option(help="Leave a sample out of phase I; repeatable.")
    ] = None,
    limits: Annotated[Path | None, typer.Option(help="Judge by limits frozen before.")] = None,
    freeze: Annotated[Path | None, typer.Option(help="Write the limits to this file.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the chart.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw a control chart of a table and tell every signal.

    Exit codes: 0 told, with or without signals, 2 bad input.
    """
    from fabloop.cli.spc import ChartRequest
    from fabloop.cli.spc import chart as run

    raise typer.Exit(
        run(
            ChartRequest(
                file=file,
                kind=kind,
                values=values,
                group=group,
                sizes=sizes,
                size=size,
                estimator=estimator,
                rules=rules,
                first=first,
                exclude=tuple(exclude or ()),
                limits=limits,
                freeze=freeze,
                svg=svg,
                as_json=as_json,
            )
        )
    )


@spc.command("capability")
def capability(
    file: Table,
    values: Values,
    group: Group = "",
    lower: Annotated[float | None, typer.Option(help="Lower limit of the tolerance.")] = None,
    upper: Annotated[float | None, typer.Option(help="Upper limit of the tolerance.")] = None,
    target: Annotated[float | None, typer.Option(help="Target; else the middle.")] = None,
    estimator: Annotated[str, typer.Option(help="Of sigma, such as R/d2 or s/c4.")] = "",
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    as_json: AsJson = False,
) -> None:
    """Tell how well a process keeps its tolerance: Cp, Cpk, Pp, Ppk, Cpm.

    Exit codes: 0 told, 2 bad input.
    """
    from fabloop.cli.spc import capability as run
    from fabloop.sense.spc.capability import Tolerance

    tolerance = Tolerance(lower=lower, upper=upper, target=target)
    raise typer.Exit(run(file, values, group, tolerance, estimator, confidence, as_json=as_json))


@spc.command("gauge")
def gauge(
    file: Table,
    values: Values,
    part: Annotated[str, typer.Option(help="Column with the part.")] = "part",
    appraiser: Annotated[str, typer.Option(help="Column with who measured.")] = "appraiser",
    method: Annotated[str, typer.Option(help="anova or ranges.")] = "anova",
    as_json: AsJson = False,
) -> None:
    """Tell how much of the variation is the gauge: repeatability and reproducibility.

    Exit codes: 0 told, 2 bad input.
    """
    from fabloop.cli.spc import gauge as run

    raise typer.Exit(run(file, values, part, appraiser, method, as_json=as_json))
