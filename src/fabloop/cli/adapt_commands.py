"""Commands of ``fabloop adapt``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fabloop.base.instant import Instant

adapt = typer.Typer(help="Report what happened, see and answer what is proposed, take it back.")

Folder = Annotated[Path, typer.Argument(help="Data of a story (`fabloop demo --keep`).")]
Order = Annotated[str, typer.Argument(help="Id of the order.")]
By = Annotated[str, typer.Option(help="Who says so.")]
At = Annotated[str, typer.Option(help="When; without it at the last instant that is known.")]
Json = Annotated[bool, typer.Option("--json", help="Print what follows as JSON.")]


@adapt.command()
def report(
    folder: Folder,
    file: Annotated[
        Path | None, typer.Argument(help="A report or an order (JSON); or use the options.")
    ] = None,
    broken: Annotated[str, typer.Option(help="This work unit or vehicle broke.")] = "",
    repaired: Annotated[str, typer.Option(help="This work unit or vehicle works again.")] = "",
    late: Annotated[str, typer.Option(help="This material is there only --until.")] = "",
    absent: Annotated[str, typer.Option(help="This person is away --until.")] = "",
    closed: Annotated[str, typer.Option(help="Nothing leaves on this lane (--until).")] = "",
    stopped: Annotated[
        str, typer.Option(help="This machine is kept free, for maintenance (--until).")
    ] = "",
    tool: Annotated[str, typer.Option(help="This tool cannot be used (--until).")] = "",
    due: Annotated[str, typer.Option(help="This order is wanted --until.")] = "",
    since: Annotated[str, typer.Option(help="From when on; without it from --at on.")] = "",
    until: Annotated[str, typer.Option(help="Until when, with an offset.")] = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Tell what happened; plans that it endangers get a proposal with before and after.

    Exit codes: 0 nothing is left without a way, 1 a plan is (with the reasons), 2 bad input.
    """
    from fabloop.cli.adapt import report_file
    from fabloop.cli.report_options import Told, report_told

    told = Told(
        broken=broken,
        repaired=repaired,
        late=late,
        absent=absent,
        closed=closed,
        tool=tool,
        stopped=stopped,
        due=due,
        since=since,
        until=until,
    )
    if file is not None:
        told.refuse_beside(file)
        raise typer.Exit(report_file(folder, file, _instant(at), as_json=json))
    raise typer.Exit(report_told(folder, told, _instant(at), as_json=json))


@adapt.command("list")
def list_(folder: Folder, json: Json = False) -> None:
    """Tell how the orders stand, what is proposed for them, and what was reported.

    Exit codes: 0 it was told, 2 bad input.
    """
    from fabloop.cli.adapt import overview

    raise typer.Exit(overview(folder, as_json=json))


@adapt.command()
def approve(
    folder: Folder, order: Order, by: By = "planner", at: At = "", json: Json = False
) -> None:
    """Agree to what is proposed for an order; its plan and its running process change.

    Exit codes: 0 it was changed, 1 something is left without a way, 2 bad input.
    """
    from fabloop.cli.adapt import answer

    raise typer.Exit(answer(folder, order, by, _instant(at), yes=True, as_json=json))


@adapt.command()
def reject(
    folder: Folder, order: Order, by: By = "planner", at: At = "", json: Json = False
) -> None:
    """Refuse what is proposed for an order; it waits until its plan holds again.

    Exit codes: 0 it was refused, 2 bad input.
    """
    from fabloop.cli.adapt import answer

    raise typer.Exit(answer(folder, order, by, _instant(at), yes=False, as_json=json))


@adapt.command()
def maintain(
    folder: Folder,
    work_unit: Annotated[str, typer.Argument(help="The machine that a stop is advised for.")],
    decline: Annotated[bool, typer.Option("--decline", help="Let it run instead.")] = False,
    by: By = "planner",
    at: At = "",
    json: Json = False,
) -> None:
    """Keep a machine free for the maintenance that is advised; plans give way to it.

    Exit codes: 0 it was decided, 1 a plan is left without a way, 2 nothing is advised for it.
    """
    from fabloop.cli.adapt import decide

    raise typer.Exit(decide(folder, work_unit, by, _instant(at), yes=not decline, as_json=json))


@adapt.command()
def undo(folder: Folder, order: Order, by: By = "planner", at: At = "", json: Json = False) -> None:
    """Go back to the plan before the last adaptation, if nothing stands against that.

    In a week of the muffin demo a repair is taken back, by its name, its batch or an order; what
    cannot be compensated is told with the reason.

    Exit codes: 0 plan and process went back, 1 there is no way back (with reasons), 2 bad input.
    """
    from fabloop.app.muffin.folders import is_week

    if is_week(folder):
        from fabloop.cli.adapt_repair import undo_repair

        raise typer.Exit(undo_repair(folder, order, by, at, as_json=json))
    from fabloop.cli.adapt import undo as undo_

    raise typer.Exit(undo_(folder, order, by, _instant(at), as_json=json))


@adapt.command()
def answer(
    folder: Annotated[Path, typer.Argument(help="Data of a week (`fabloop demo muffin --keep`).")],
    question: Annotated[
        str, typer.Argument(help="Name of the deviation, or batch; none tells what is open.")
    ] = "",
    wanted: Annotated[
        str, typer.Argument(help="Name or number of the way out that is wanted, or `none`.")
    ] = "",
    by: By = "planner",
    role: Annotated[str, typer.Option("--as", help="The role that was asked.")] = "",
    json: Json = False,
) -> None:
    """Answer a question of a week of the muffin demo, while it is played or before it goes on.

    Exit codes: 0 it was told or taken down, 2 bad input.
    """
    from fabloop.cli.adapt_repair import answer_question, tell_questions

    if not question:
        raise typer.Exit(tell_questions(folder, as_json=json))
    raise typer.Exit(answer_question(folder, question, wanted, by, role, as_json=json))


@adapt.command()
def policy(
    file: Annotated[Path, typer.Argument(help="Document of kind `adaptation-policy`.")],
    json: Json = False,
) -> None:
    """Tell what a policy allows when a running process is not as expected, rung by rung.

    Exit codes: 0 it was told, 2 bad input.
    """
    from fabloop.cli.adapt_policy import policy as policy_

    raise typer.Exit(policy_(file, as_json=json))


def _instant(text: str) -> "Instant | None":
    from fabloop.cli.given import instant_given

    return instant_given("--at", text) if text else None
