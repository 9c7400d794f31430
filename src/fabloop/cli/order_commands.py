"""Commands of ``fabloop order``; what a command needs is imported when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fabloop.base.instant import Instant
    from fabloop.cli.order_case import CaseGiven
    from fabloop.cli.orders import MarketRequest

OFFERS_MAX = 20
"""Offers one may ask for; `accept` looks through as many, wherever `quote` ranked its offer."""

orders = typer.Typer(
    help="Put orders to the market, hold tenants to their promises, change plans that are run."
)

Folder = Annotated[Path, typer.Argument(help="Folder with documents (*.json).")]
Buyer = Annotated[str, typer.Option(help="Who buys; sites of this tenant quote at cost.")]
Margin = Annotated[
    float, typer.Option(min=0.0, max=10.0, help="What other tenants add to cost (0.2 is 20 %).")
]
Valid = Annotated[str, typer.Option(help="How long quotations bind, such as PT48H.")]
Most = Annotated[int, typer.Option(min=1, max=OFFERS_MAX, help="How many bids are wanted.")]
PlanFiles = Annotated[
    list[Path],
    typer.Argument(help="What `fabloop plan --json`, `order place` or `order replan` wrote."),
]
WhichPlan = Annotated[int, typer.Option(min=1, help="Which plan, where a file has several.")]
At = Annotated[str, typer.Option(help="The instant; now without it.")]
Facts = Annotated[
    list[Path] | None,
    typer.Option(
        "--fact", help="A report, KPI values (`kpi-values`) or an order that goes first (JSON)."
    ),
]
Broken = Annotated[list[str] | None, typer.Option(help="A work unit that is broken.")]
Late = Annotated[list[str] | None, typer.Option(help="A material that is late until --until.")]
Absent = Annotated[list[str] | None, typer.Option(help="A person who is away until --until.")]
Closed = Annotated[list[str] | None, typer.Option(help="A lane on which nothing leaves.")]
Tool = Annotated[list[str] | None, typer.Option(help="A tool that is broken.")]
Stopped = Annotated[list[str] | None, typer.Option(help="A work unit kept free until --until.")]
Due = Annotated[list[str] | None, typer.Option(help="An order that is wanted by --until.")]
Since = Annotated[str, typer.Option(help="From when what the options tell holds; now without.")]
Until = Annotated[str, typer.Option(help="Until when what the options tell holds.")]
Progress = Annotated[
    list[Path] | None,
    typer.Option(help="What is done and running (JSON); without it all goes as planned."),
]
Tenant = Annotated[
    str, typer.Option(help="Who plans: of others only sites that disclose all are seen.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@orders.command()
def quote(
    folder: Folder,
    buyer: Buyer = "buyer",
    margin: Margin = 0.1,
    valid_for: Valid = "PT48H",
    most: Most = 4,
    json: Json = False,
) -> None:
    """Ask every tenant of a folder for its order, blind, and rank the bids.

    Exit codes: 0 there are bids, 1 there are none (with the reasons), 2 bad input.
    """
    from fabloop.cli.orders import print_quotations

    request = _request(folder, buyer, margin, valid_for, most)
    raise typer.Exit(print_quotations(request, as_json=json))


@orders.command()
def accept(
    folder: Folder,
    offer: Annotated[str, typer.Option(help="Name of the offer, as `quote` shows it.")],
    out: Annotated[Path, typer.Option(help="Where the contract goes (and .md beside it).")] = Path(
        "contract.json"
    ),
    buyer: Buyer = "buyer",
    margin: Margin = 0.1,
    valid_for: Valid = "PT48H",
    json: Json = False,
) -> None:
    """Accept the offer of that name and write the contract: who makes what by when, and promises.

    The tenants are asked again. What is no longer offered as it was read is not accepted.
    Exit codes: 0 it was written, 1 it is no longer offered, 2 bad input.
    """
    from fabloop.cli.orders import write_contract

    request = _request(folder, buyer, margin, valid_for, OFFERS_MAX)
    raise typer.Exit(write_contract(request, offer, out, as_json=json))


@orders.command()
def place(
    folder: Folder,
    plans: Annotated[Path, typer.Argument(help="What `fabloop plan --json` wrote.")],
    plan: Annotated[int, typer.Option(min=1, help="Which of its plans.")] = 1,
    at: Annotated[str, typer.Option(help="The instant of the order; now without it.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write the plan that is to be carried out (JSON).")
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="Who plans: of others only sites that disclose all are seen.")
    ] = "",
    json: Json = False,
) -> None:
    """Ask a plan again before it is ordered: does it hold in today's condition, what changed?

    Exit codes: 0 it holds or another takes its place, 1 no plan does, 2 bad input, 4 not decided.
    """
    from fabloop.app.processes.clocks import WallClock
    from fabloop.cli.given import instant_given
    from fabloop.cli.order_place import place as placed

    now = instant_given("--at", at) if at else WallClock().now()
    raise typer.Exit(placed(folder, plans, plan, now, out, tenant=tenant, as_json=json))


@orders.command()
def impact(
    folder: Folder,
    plans: PlanFiles,
    plan: WhichPlan = 1,
    at: At = "",
    fact: Facts = None,
    broken: Broken = None,
    late: Late = None,
    absent: Absent = None,
    closed: Closed = None,
    tool: Tool = None,
    stopped: Stopped = None,
    due: Due = None,
    since: Since = "",
    until: Until = "",
    progress: Progress = None,
    tenant: Tenant = "",
    json: Json = False,
) -> None:
    """Tell which plans that are carried out something endangers, now and in the days to come.

    With five values or more of a KPI: when it will pass the limits of steps to come.
    Exit codes: 0 no plan is in danger, 1 some are (with the reasons), 2 bad input.
    """
    from fabloop.cli.order_replan import print_impact

    names = _told(broken, late, absent, closed, tool, stopped, due)
    given = _case(folder, plans, plan, fact, names, since, until, progress, tenant)
    raise typer.Exit(print_impact(given, _instant(at), as_json=json))


@orders.command()
def replan(
    folder: Folder,
    plans: PlanFiles,
    plan: WhichPlan = 1,
    at: At = "",
    fact: Facts = None,
    broken: Broken = None,
    late: Late = None,
    absent: Absent = None,
    closed: Closed = None,
    tool: Tool = None,
    stopped: Stopped = None,
    due: Due = None,
    since: Since = "",
    until: Until = "",
    progress: Progress = None,
    order: Annotated[
        list[str] | None, typer.Option(help="Re-plan this order, though nothing endangers it.")
    ] = None,
    objective: Annotated[
        str, typer.Option(help="cost, makespan, energy or co2; as the plan was made without it.")
    ] = "",
    stability_price: Annotated[
        str, typer.Option(help="What each operation that moves has to save, such as '5 EUR'.")
    ] = "",
    at_most_changes: Annotated[
        int, typer.Option(min=-1, max=200, help="Operations that may move at most; -1 is any.")
    ] = -1,
    out: Annotated[Path | None, typer.Option(help="Write the plans to go on by (JSON).")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write pictures and a report into this folder.")
    ] = None,
    tenant: Tenant = "",
    json: Json = False,
) -> None:
    """Change plans that are carried out: what has happened stays, and as much of the rest as can.

    Tells before and after, what moves from where to where, what is late, and why.
    Exit codes: 0 every order has a plan, 1 one has none (then nothing is written), 2 bad input,
    4 not decided.
    """
    from fabloop.cli.order_replan import ReplanGiven, print_replan

    names = _told(broken, late, absent, closed, tool, stopped, due)
    given = _case(folder, plans, plan, fact, names, since, until, progress, tenant)
    how = ReplanGiven(
        orders=tuple(order or ()),
        objective=objective,
        stability_price=stability_price,
        at_most_changes=at_most_changes,
        out=out,
        report=report,
    )
    raise typer.Exit(print_replan(given, how, _instant(at), as_json=json))


@orders.command()
def watch(
    contract: Annotated[Path, typer.Argument(help="A contract that `accept` wrote.")],
    delivery: Annotated[
        list[Path] | None, typer.Option(help="A report of a tenant (JSON); repeatable.")
    ] = None,
    at: Annotated[str, typer.Option(help="The instant to judge at; now without it.")] = "",
    json: Json = False,
) -> None:
    """Tell what of a contract is late, broken, in danger or not shown.

    Exit codes: 0 all is as promised, 1 something is not, 2 bad input.
    """
    from fabloop.app.processes.clocks import WallClock
    from fabloop.cli.given import instant_given
    from fabloop.cli.orders import print_watch

    now = instant_given("--at", at) if at else WallClock().now()
    raise typer.Exit(print_watch(contract, tuple(delivery or ()), now, as_json=json))


def _request(folder: Path, buyer: str, margin: float, valid_for: str, most: int) -> "MarketRequest":
    from fabloop.cli.given import duration_given
    from fabloop.cli.orders import MarketRequest

    return MarketRequest(
        folder=folder,
        buyer=buyer,
        margin=margin,
        valid_for_ns=duration_given("--valid-for", valid_for),
        most=most,
    )


def _instant(at: str) -> "Instant":
    from fabloop.app.processes.clocks import WallClock
    from fabloop.cli.given import instant_given

    return instant_given("--at", at) if at else WallClock().now()


def _told(*kinds: list[str] | None) -> dict[str, tuple[str, ...]]:
    from fabloop.cli.order_case import KINDS_TOLD

    return {name: tuple(each) for name, each in zip(KINDS_TOLD, kinds, strict=True) if each}


def _case(  # the options of both commands, as they were typed
    folder: Path,
    plans: list[Path],
    plan: int,
    fact: list[Path] | None,
    told: dict[str, tuple[str, ...]],
    since: str,
    until: str,
    progress: list[Path] | None,
    tenant: str,
) -> "CaseGiven":
    from fabloop.cli.order_case import CaseGiven

    return CaseGiven(
        folder=folder,
        plans=tuple(plans),
        plan=plan,
        facts=tuple(fact or ()),
        told=told,
        since=since,
        until=until,
        progress=tuple(progress or ()),
        tenant=tenant,
    )
