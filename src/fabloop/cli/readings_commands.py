"""The command group ``fabloop readings``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

readings = typer.Typer(help="Ask and look after stored readings.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder of stored readings.")]
Named = Annotated[
    str, typer.Argument(metavar="SERIES", help="A series: number, name, or SOURCE:ADDRESS.")
]
Several = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SERIES]...", help="Number, name or SOURCE:ADDRESS; none: all."),
]
Since = Annotated[
    str, typer.Option("--from", help="First instant. [default: one hour before the end]")
]
Until = Annotated[str, typer.Option("--to", help="End. [default: the newest reading]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@readings.command()
def collect(
    folder: Folder,
    factory: Annotated[
        Path | None,
        typer.Option(help="Folder of a factory: its connections and its *.mapping.yaml."),
    ] = None,
    mapping: Annotated[
        list[Path] | None, typer.Option(help="A mapping of topics; may be repeated.")
    ] = None,
    play: Annotated[
        list[Path] | None, typer.Option(help="A recording to play; may be repeated.")
    ] = None,
    post: Annotated[str, typer.Option(help="Take posted readings on this HOST:PORT.")] = "",
    token: Annotated[str, typer.Option(help="File of the token that posts must show.")] = "",
    pki: Annotated[Path | None, typer.Option(help="Folder of certificates, for OPC UA.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so many seconds; else at Ctrl+C.")
    ] = None,
    oee: Annotated[
        Path | None, typer.Option(help="Document of kind effectiveness: tell OEE meanwhile.")
    ] = None,
    oee_lines: Annotated[
        Path | None, typer.Option(help="Append OEE to this file, a JSON object in each line.")
    ] = None,
    kpi_lines: Annotated[
        Path | None, typer.Option(help="Append KPIs that changed to this file, in JSON lines.")
    ] = None,
    precedence: Annotated[
        Path | None, typer.Option(help="Which source counts where two tell the same (YAML).")
    ] = None,
    metrics: Annotated[
        str, typer.Option(metavar="[HOST:]PORT", help="Serve all counts there for Prometheus.")
    ] = "",
    buffer: Annotated[
        Path | None, typer.Option(help="Keep what is told here too, until it is stored.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Collect readings from machines, brokers, posts and recordings into a store.

    Exit codes: 0 every source told something, 1 some did not or failed, 2 bad input.
    """
    from fabloop.cli.readings_collect import CollectRequest, collect_readings

    request = CollectRequest(
        folder=folder, factory=factory, mappings=tuple(mapping or ()),
        recordings=tuple(play or ()), post=post, token=token, pki=pki, seconds=seconds,
        oee=oee, oee_lines=oee_lines, kpi_lines=kpi_lines, precedence=precedence, metrics=metrics,
        buffer=buffer,
    )  # fmt: skip
    raise typer.Exit(collect_readings(request, as_json=json))


@readings.command()
def health(
    folder: Folder,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Print all counts in the format of Prometheus.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Tell how collecting is doing: every source, what was refused and why, and the store.

    Exit codes: 0 all is well, 1 something is wrong or nobody collects now, 2 bad input.
    """
    from fabloop.cli.readings_health import print_health

    raise typer.Exit(print_health(folder, metrics=metrics, as_json=json))


@readings.command("list")
def list_(
    folder: Folder,
    source: Annotated[str, typer.Option(help="Only series of this source.")] = "",
    work_unit: Annotated[str, typer.Option(help="Only series of this work unit.")] = "",
    json: AsJson = False,
) -> None:
    """List the series with their units, and since when they mean what they mean.

    Exit codes: 0 they are told, or that there are none, 2 bad input.
    """
    from fabloop.cli.readings import print_series

    raise typer.Exit(print_series(folder, source, work_unit, as_json=json))


@readings.command()
def latest(folder: Folder, series: Several = None, json: AsJson = False) -> None:
    """Print the latest reading of each series with its unit, quality and age.

    Exit codes: 0 printed, 1 none of them told anything yet, 2 bad input.
    """
    from fabloop.cli.readings import print_latest

    raise typer.Exit(print_latest(folder, series or [], as_json=json))


@readings.command("range")
def range_(
    folder: Folder,
    series: Named,
    since: Since = "",
    until: Until = "",
    every: Annotated[
        str, typer.Option(help="Down-sample to steps such as PT5M; else every reading.")
    ] = "",
    rows: Annotated[int, typer.Option(min=1, help="Rows printed; the rest is counted.")] = 1_000,
    json: AsJson = False,
) -> None:
    """Print the readings of a series, or its mean, least and greatest value by steps of time.

    Exit codes: 0 printed, 1 there are none, 2 bad input.
    """
    from fabloop.cli.readings import RangeRequest, print_range

    request = RangeRequest(
        folder=folder, series=series, since=since, until=until, every=every, rows=rows
    )
    raise typer.Exit(print_range(request, as_json=json))


@readings.command()
def export(
    folder: Folder,
    series: Several = None,
    since: Since = "",
    until: Until = "",
    csv: Annotated[
        Path | None, typer.Option(help="Write CSV to this file; '-' is standard output.")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write Parquet to this file.")] = None,
    json: AsJson = False,
) -> None:
    """Write readings with names, SI units and qualities to a file for other tools.

    Exit codes: 0 written, 1 there are none, 2 bad input.
    """
    from fabloop.cli.readings_export import ExportRequest, export_readings

    request = ExportRequest(
        folder=folder, series=tuple(series or ()), since=since, until=until, csv=csv,
        parquet=parquet,
    )  # fmt: skip
    raise typer.Exit(export_readings(request, as_json=json))


@readings.command()
def sql(
    folder: Folder,
    statement: Annotated[
        str, typer.Argument(help="DuckDB SQL over the views readings, rollup_1m and series.")
    ],
    rows: Annotated[int, typer.Option(min=1, help="Rows printed; the rest is counted.")] = 1_000,
    memory: Annotated[str, typer.Option(help="Memory that DuckDB may use.")] = "1GB",
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads of DuckDB.")] = 2,
    json: AsJson = False,
) -> None:
    """Answer a question in SQL over all readings, sealed or not.

    Exit codes: 0 answered, 2 bad input.
    """
    from fabloop.cli.readings import print_sql

    raise typer.Exit(
        print_sql(folder, statement, rows=rows, memory=memory, threads=threads, as_json=json)
    )


@readings.command()
def retention(
    folder: Folder,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="CLASS",
            help="Such as name=vibration,series=*.vib*,raw=P7D,rollup=P365D; repeatable, replaces "
            "all classes. Left out: source=*, series=*; 'for-ever' is a span.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Print how long readings are kept, by class of series, or set it.

    Exit codes: 0 printed or set, 2 bad input, or the folder is being written.
    """
    from fabloop.cli.readings_upkeep import print_retention

    raise typer.Exit(print_retention(folder, keep or [], as_json=json))


@readings.command()
def check(folder: Folder, json: AsJson = False) -> None:
    """Read everything and tell what is damaged.

    Exit codes: 0 all is whole, 1 something is damaged (each is named), 2 bad input.
    """
    from fabloop.cli.readings_upkeep import print_check

    raise typer.Exit(print_check(folder, as_json=json))
