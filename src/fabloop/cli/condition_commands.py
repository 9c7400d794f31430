"""The command group ``fabloop condition``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

condition = typer.Typer(
    help="Anomalies, alarms, remaining life of machines, from tables of their signals.",
    no_args_is_help=True,
)

Table = Annotated[Path, typer.Argument(help="Table with a header: CSV, TSV, or blanks between.")]
Signals = Annotated[
    str, typer.Option(help="Columns of signals, with commas; else all but those named otherwise.")
]
Unit = Annotated[str, typer.Option(help="Column that tells which unit a row is of.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@condition.command("anomalies")
def anomalies(
    file: Table,
    first: Annotated[int, typer.Option(min=1, help="Rows at the beginning that are normal.")],
    signals: Signals = "",
    time: Annotated[str, typer.Option(help="Column with the time of each row.")] = "",
    risk: Annotated[float, typer.Option(help="Share of normal rows told wrongly.")] = 0.01,
    as_json: AsJson = False,
) -> None:
    """Tell where a machine is not as it was, and which signals pull.

    Exit codes: 0 it is as it was, 1 there are anomalies, 2 bad input.
    """
    from fabloop.cli.condition import anomalies as run

    raise typer.Exit(run(file, first, signals, time, risk, as_json=as_json))


@condition.command("alarms")
def alarms(
    rules: Annotated[Path, typer.Argument(help="Document of kind `alarms`.")],
    file: Annotated[Path, typer.Argument(help="Table: a column of times, WORK_UNIT/SIGNAL ones.")],
    time: Annotated[str, typer.Option(help="Column with the time of each row.")] = "time",
    as_json: AsJson = False,
) -> None:
    """Play recorded signals to the desk of alarms; tell what it raises, hides and escalates.

    A column WORK_UNIT/state tells the state of a machine. Exit codes: 0 nothing stands at the
    end, 1 something does, 2 bad input.
    """
    from fabloop.cli.condition import alarms as run

    raise typer.Exit(run(rules, file, time, as_json=as_json))


@condition.command("train")
def train(
    file: Table,
    out: Annotated[Path, typer.Option(help="Where the model is written.")],
    unit: Unit = "unit",
    signals: Signals = "",
    cap: Annotated[float, typer.Option(help="Cycles above which a unit is as good as new.")] = 125,
    as_json: AsJson = False,
) -> None:
    """Learn from units that ran to failure how long others will last.

    Each row is a cycle of a unit, in order. Needs: pip install 'fabloop[learning]'.
    Exit codes: 0 written, 2 bad input, such as fewer than 20 units.
    """
    from fabloop.cli.condition_life import train as run

    raise typer.Exit(run(file, out, unit, signals, cap, as_json=as_json))


@condition.command("life")
def life(
    model: Annotated[Path, typer.Argument(help="What `train` has written.")],
    file: Table,
    unit: Unit = "unit",
    as_json: AsJson = False,
) -> None:
    """Tell how many cycles units have left, with an interval and the signals that say so.

    Exit codes: 0 told, 2 bad input, such as a unit without a signal of the model.
    """
    from fabloop.cli.condition_life import life as run

    raise typer.Exit(run(model, file, unit, as_json=as_json))


@condition.command("lifetimes")
def lifetimes(
    file: Table,
    lived: Annotated[str, typer.Option(help="Column with how long each part lived.")] = "lived",
    failed: Annotated[str, typer.Option(help="Column: 1 it failed, 0 it still runs.")] = "failed",
    share: Annotated[float, typer.Option(help="Share of parts that fail earlier.")] = 0.1,
    age: Annotated[float | None, typer.Option(help="Age of a part that runs.")] = None,
    ahead: Annotated[float | None, typer.Option(help="Span ahead, for its risk.")] = None,
    planned_cost: Annotated[float | None, typer.Option(help="Of a planned replacement.")] = None,
    failure_cost: Annotated[float | None, typer.Option(help="Of a failure.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell how long parts last (Weibull, few failures suffice), and when replacing them pays.

    Exit codes: 0 told, 2 bad input, such as no failure at all.
    """
    from fabloop.cli.condition_life import Lifetimes
    from fabloop.cli.condition_life import lifetimes as run

    asked = Lifetimes(
        share=share, age=age, ahead=ahead, planned_cost=planned_cost, failure_cost=failure_cost
    )
    raise typer.Exit(run(file, lived, failed, asked, as_json=as_json))
