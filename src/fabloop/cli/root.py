"""Commands, options and exit codes; what a command needs is imported when it runs."""

import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fabloop.base.errors import ExitCode, FabloopError, Invalid
from fabloop.cli.adapt_commands import adapt
from fabloop.cli.cloud_commands import cloud
from fabloop.cli.condition_commands import condition
from fabloop.cli.data_commands import data
from fabloop.cli.edge_commands import edge
from fabloop.cli.goal_commands import goal
from fabloop.cli.interrupts import obey_interrupts
from fabloop.cli.kpi_commands import kpi
from fabloop.cli.machine_commands import machine
from fabloop.cli.machine_errors import machine_sentence, of_the_machine
from fabloop.cli.oee_commands import oee
from fabloop.cli.order_commands import orders
from fabloop.cli.plan_commands import plan
from fabloop.cli.processes.commands import commands
from fabloop.cli.processes.operations import operations
from fabloop.cli.readings_commands import readings
from fabloop.cli.safety_commands import safety
from fabloop.cli.service_commands import service
from fabloop.cli.simulate_commands import simulate
from fabloop.cli.spc_commands import spc
from fabloop.process.verify.environment import Openness

app = typer.Typer(
    name="fabloop",
    help="Closes the loop of a digital factory: plan, run, sense, adapt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def version(show: bool) -> None:
    """Print the version and end."""
    if show:
        from fabloop import __version__

        typer.echo(f"fabloop {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _show: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Closes the loop of a digital factory: plan, run, sense, adapt."""


@app.command()
def demo(
    story: Annotated[
        str, typer.Argument(help="Which story to play: wavegear, muffin.")
    ] = "wavegear",
    auto: Annotated[bool, typer.Option("--auto", help="Answer every question with yes.")] = False,
    json: Annotated[
        Path | None,
        typer.Option(help="Write all that happened as one JSON document; '-' is standard output."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same story.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the data in this folder (new or empty).")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the data in this folder after a crash.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where pictures and report go. [default: demo-STORY]")
    ] = None,
    documents: Annotated[
        Path | None, typer.Option(help="Read these documents instead of the story's own.")
    ] = None,
    choose: Annotated[
        list[str] | None, typer.Option(help="A product feature, such as ratio=80; repeatable.")
    ] = None,
    realtime: Annotated[
        float | None, typer.Option(help="Play at this many times real time, not at once.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="Of the story muffin: burnt or broken-door. [default: burnt]")
    ] = "",
    wire: Annotated[
        bool,
        typer.Option("--wire", help="Machines as processes, over OPC UA, MQTT and the edge."),
    ] = False,
    until: Annotated[
        str, typer.Option(help="With --keep or --resume: rest at this instant, to be played on.")
    ] = "",
) -> None:
    """Play a story round the whole loop, on a simulated plant in virtual time.

    Exit codes: 0 the order was finished, 1 it could not be (with the reasons), 2 bad input.
    """
    from fabloop.cli.demo import play
    from fabloop.cli.story_options import Request

    raise typer.Exit(
        play(
            Request(
                story=story,
                auto=auto,
                json=json,
                seed=seed,
                keep=keep,
                resume=resume,
                out=out,
                documents=documents,
                choices=tuple(choose or ()),
                realtime=realtime,
                wire=wire,
                until=until,
                scenario=scenario,
            )
        )
    )


@app.command()
def schema(
    name: Annotated[str | None, typer.Argument(help="A kind of document; none lists all.")] = None,
    context: Annotated[
        bool, typer.Option("--context", help="Print the JSON-LD context instead.")
    ] = False,
) -> None:
    """Print the JSON Schema (2020-12) or the JSON-LD context of a kind of document.

    Exit codes: 0 printed, 2 there is no such kind.
    """
    from fabloop.cli.schema import print_schema

    raise typer.Exit(print_schema(name, context=context))


vocabulary = typer.Typer(help="Skill vocabularies from and to RDF.", no_args_is_help=True)
app.add_typer(vocabulary, name="vocabulary")
RdfForm = Annotated[
    str | None,
    typer.Option("--format", help="turtle, n-triples, rdf-xml or json-ld; else by the file name."),
]


@vocabulary.command("export")
def vocabulary_export(
    folder: Annotated[Path, typer.Argument(help="Folder with documents (*.json).")],
    form: RdfForm = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write to. [default: standard output]")
    ] = None,
) -> None:
    """Write the skills of a folder as RDF: SKOS concepts and capabilities of the CSS model.

    Exit codes: 0 written, 2 bad input.
    """
    from fabloop.cli.vocabulary import export

    raise typer.Exit(export(folder, form, out))


@vocabulary.command("import")
def vocabulary_import(
    file: Annotated[Path, typer.Argument(help="RDF file (.ttl, .nt, .rdf, .jsonld).")],
    form: RdfForm = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write to. [default: standard output]")
    ] = None,
) -> None:
    """Write the skill vocabulary document that an RDF file tells, checked as any document is.

    Exit codes: 0 written, 2 bad input.
    """
    from fabloop.cli.vocabulary import bring_in

    raise typer.Exit(bring_in(file, form, out))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder with documents (*.json).")],
    where: Annotated[
        bool,
        typer.Option("--where", help="Tell which variants of which product each site can make."),
    ] = False,
    at: Annotated[
        str, typer.Option(help="With --where: judge at this instant, not the order's receipt.")
    ] = "",
    tenant: Annotated[
        str, typer.Option(help="Who plans: of others only sites that disclose all are seen.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Check documents and tell whether their order can be produced, where, when, at what cost.

    Exit codes: 0 producible, 1 not producible (with the reasons), 2 bad input, 4 not decided.
    """
    if where:
        from fabloop.cli.given import instant_given
        from fabloop.cli.where import print_where

        raise typer.Exit(
            print_where(folder, instant_given("--at", at) if at else None, tenant, as_json=json)
        )
    from fabloop.cli.check import print_check

    raise typer.Exit(print_check(folder, tenant, as_json=json))


app.command()(plan)
app.add_typer(orders, name="order", no_args_is_help=True)
app.add_typer(adapt, name="adapt", no_args_is_help=True)
app.add_typer(goal, name="goal", no_args_is_help=True)
app.add_typer(machine, name="machine")
app.add_typer(simulate, name="simulate")
app.add_typer(condition, name="condition")
app.add_typer(spc, name="spc")
app.add_typer(oee, name="oee")
app.add_typer(readings, name="readings")
app.add_typer(kpi, name="kpi")
app.add_typer(safety, name="safety")
app.add_typer(edge, name="edge")
app.add_typer(cloud, name="cloud")
app.add_typer(data, name="data")
app.add_typer(service, name="service")


dmn = typer.Typer(help="Ask decision models (DMN).", no_args_is_help=True)
app.add_typer(dmn, name="dmn")


@dmn.command("run")
def dmn_run(
    file: Annotated[Path, typer.Argument(help="DMN XML, version 1.2 to 1.5.")],
    decision: Annotated[
        str | None, typer.Option(help="Decision or decision service to ask; none lists all.")
    ] = None,
    input: Annotated[  # noqa: A002  # the option's name
        str, typer.Option(help="Inputs as a JSON object, or @FILE with one.")
    ] = "{}",
    now: Annotated[
        str | None, typer.Option(help="What now() and today() give; without it they are null.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Evaluate a decision of a DMN model and tell why parts of it are null.

    Exit codes: 0 the decision has a value, 1 it is null (with the reasons), 2 bad input.
    """
    from fabloop.cli.dmn import print_decision

    raise typer.Exit(print_decision(file, decision, input, now=now, as_json=json))


@dmn.command("tck")
def dmn_tck(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the DMN TCK, or of one of its levels or tests.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
) -> None:
    """Run the test files of the DMN Technology Compatibility Kit below a folder.

    Exit codes: 0 every result agrees, 1 some do not, 2 bad input.
    """
    from fabloop.cli.dmn import print_kit

    raise typer.Exit(print_kit(folder, as_json=json))


feel = typer.Typer(help="Evaluate FEEL expressions.", no_args_is_help=True)
app.add_typer(feel, name="feel")


@feel.command("eval")
def feel_eval(
    expression: Annotated[str, typer.Argument(help="A FEEL expression.")],
    context: Annotated[
        str, typer.Option(help="Its variables as a JSON object, or @FILE with one.")
    ] = "{}",
    now: Annotated[
        str | None, typer.Option(help="What now() and today() give; without it they are null.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Print what an expression gives, and why parts of it are null.

    Exit codes: 0 it has a value, 1 it is null (with the reasons), 2 bad input.
    """
    from fabloop.cli.feel import print_value

    raise typer.Exit(print_value(expression, context, now=now, as_json=json))


@feel.command("run")
def feel_run(
    file: Annotated[Path, typer.Argument(help="JSON list of cases: expr, ctx, expected.")],
    json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
) -> None:
    """Run a file of cases, each an expression in a context with the value it should have.

    Exit codes: 0 every case passes, 1 some do not, 2 bad input.
    """
    from fabloop.cli.feel import print_score

    raise typer.Exit(print_score(file, as_json=json))


bench = typer.Typer(help="Measure on public problems.", no_args_is_help=True)
app.add_typer(bench, name="bench")


@bench.callback()
def benches() -> None:
    """Measure on public problems."""


@bench.command("fjsp")
def bench_fjsp(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Problems (.fjs, .json, .ipps), or their folders."),
    ],
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", min=1e-3, max=1e6, help="CPU seconds for each problem."),
    ] = 10.0,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Threads of the search.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print all as JSON.")] = False,
) -> None:
    """Schedule flexible job shops and print makespan, bound, gap and CPU seconds of each.

    Exit codes: 0 each has a schedule, 1 for some there is none, 2 bad input (a bad file is told
    and the others run), 4 for some none was found in time.
    """
    from fabloop.cli.bench import print_schedules

    raise typer.Exit(print_schedules(paths, time_limit=time_limit, workers=workers, as_json=json))


process = typer.Typer(help="Verify, deploy and run processes.", no_args_is_help=True)
app.add_typer(process, name="process")


@process.callback()
def processes() -> None:
    """Verify, deploy and run processes."""


@process.command()
def verify(
    file: Annotated[
        Path,
        typer.Argument(help="BPMN 2.0 XML, a net (document, .pnml, .cpn) or a production recipe."),
    ],
    nets: Annotated[
        list[Path] | None, typer.Option("--net", help="Net document of a page; repeatable.")
    ] = None,
    environment: Annotated[
        Openness,
        typer.Option(help="Whether messages and errors of the outside may happen."),
    ] = Openness.OPEN,
    full: Annotated[
        bool, typer.Option("--full", help="Explore the net as it is, with no reduction.")
    ] = False,
    markings: Annotated[
        int, typer.Option(min=1, help="Markings explored before the answer is: not decided.")
    ] = 2_000_000,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Prove that a model always comes to a good end, or show how it fails.

    Exit codes: 0 proven sound, 1 refuted, 2 bad input, 4 not decided within the limits.
    """
    from fabloop.cli.process import print_verification

    raise typer.Exit(
        print_verification(
            file, tuple(nets or ()), environment=environment, full=full, markings=markings,
            as_json=json,
        )
    )  # fmt: skip


process.registered_commands += [*commands.registered_commands, *operations.registered_commands]


def main() -> None:
    """Run the command line; our errors become a sentence each and an exit code."""
    obey_interrupts()
    try:
        app()
    except FabloopError as error:
        faults = error.faults if isinstance(error, Invalid) else ()
        for fault in faults:
            typer.echo(fault.sentence(), err=True)
        if not faults:
            typer.echo(str(error), err=True)
        elif len(faults) > 1:
            typer.echo(f"{len(faults)} faults; nothing was changed.", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        sys.exit(ExitCode.FINE)
    except OSError as error:
        if not of_the_machine(error):
            _internal(error)
        typer.echo(machine_sentence(error), err=True)
        sys.exit(ExitCode.BAD_INPUT if error.filename else ExitCode.INTERNAL)
    except Exception as error:  # noqa: BLE001  # the last resort: a bug of ours, told as one
        _internal(error)


def _internal(error: Exception) -> NoReturn:
    traceback.print_exc()
    typer.echo(f"Internal error, please report it: {type(error).__name__}: {error}", err=True)
    sys.exit(ExitCode.INTERNAL)
