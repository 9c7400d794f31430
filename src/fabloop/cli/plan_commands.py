"""The command ``fabloop plan``; what it needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="cost, makespan, tardiness, energy, co2 or sites; repeatable, one after another.",
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        help="A term of one sum, such as cost=1 or co2=0.5; per money unit, hour, kWh, kg.",
    ),
]


def plan(
    folder: Annotated[Path, typer.Argument(help="Folder with documents (*.json).")],
    objective: Objectives = None,
    weight: Weights = None,
    plans: Annotated[int, typer.Option(min=1, max=50, help="How many plans are wanted.")] = 4,
    front: Annotated[
        bool, typer.Option("--front", help="All plans that no other one beats (Pareto front).")
    ] = False,
    budget: Annotated[str, typer.Option(help="Money that may be spent, such as '1500 EUR'.")] = "",
    max_energy: Annotated[str, typer.Option(help="Energy at most, such as '300 kWh'.")] = "",
    max_co2: Annotated[str, typer.Option(help="CO2 at most, such as '80 kg'.")] = "",
    deadline: Annotated[str, typer.Option(help="Instant by which it has to be made.")] = "",
    max_sites: Annotated[
        int | None, typer.Option(min=1, help="Sites that may take part; without it any number.")
    ] = None,
    forbid: Annotated[
        list[str] | None, typer.Option(help="A site or work unit that may not take part.")
    ] = None,
    prefer: Annotated[
        list[str] | None, typer.Option(help="A site or work unit to prefer among equals.")
    ] = None,
    pin: Annotated[
        list[str] | None, typer.Option(help="OPERATION=WORK-UNIT, settled; repeatable.")
    ] = None,
    why: Annotated[
        list[str] | None,
        typer.Option(
            help="OPERATION=WORK-UNIT or SITE: why is it not chosen, or what would it cost?"
        ),
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="Who plans: of others only sites that disclose all are seen.")
    ] = "",
    effort: Annotated[
        float, typer.Option(min=0.0, help="CPU seconds for each solve; 0 is the usual one.")
    ] = 0.0,
    steps: Annotated[
        bool,
        typer.Option(
            "--steps", help="Tell who does what when, of the first plan, or of each order."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write pictures and a report into this folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Plan the order of a folder: the best ways to make it, or why none does as you wish.

    Exit codes: 0 there are plans, 1 not producible (with the reasons), 2 bad input, 4 not decided.
    """
    from fabloop.cli.plan import PlanRequest, print_plans

    request = PlanRequest(
        folder=folder,
        objectives=tuple(objective or ()),
        weights=tuple(weight or ()),
        plans_max=plans,
        front=front,
        budget=budget,
        max_energy=max_energy,
        max_co2=max_co2,
        deadline=deadline,
        max_sites=max_sites,
        forbid=tuple(forbid or ()),
        prefer=tuple(prefer or ()),
        pin=tuple(pin or ()),
        effort=effort,
        why=tuple(why or ()),
        tenant=tenant,
        steps=steps,
    )
    raise typer.Exit(print_plans(request, out, as_json=json))
