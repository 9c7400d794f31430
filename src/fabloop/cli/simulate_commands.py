"""Commands of ``fabloop simulate``: a plant to try everything with."""

from pathlib import Path
from typing import Annotated

import typer

simulate = typer.Typer(help="Simulate machines on real wires.", no_args_is_help=True)


@simulate.callback()
def simulations() -> None:
    """Simulate machines on real wires."""


@simulate.command()
def line(
    opcua: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Serve OPC UA at this port; 0: any.")
    ] = None,
    mqtt: Annotated[
        str, typer.Option(help="Publish to this broker: mqtt://HOST:PORT/PREFIX.")
    ] = "",
    modbus: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Serve Modbus TCP at this port; 0: any.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to serve at.")] = "127.0.0.1",
    speed: Annotated[
        float, typer.Option(min=0.001, max=10_000.0, help="Times real time, on wires.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same story.")] = 1,
    inject: Annotated[
        Path | None, typer.Option(help="What is to go wrong, when and where (JSON).")
    ] = None,
    duration: Annotated[
        str, typer.Option(help="How long in simulated time; without it on wires until Ctrl-C.")
    ] = "",
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Offer OPC UA without security too.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="Where the certificate of the OPC UA server is kept.")
    ] = Path("fabloop-plant"),
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Play a line of four machines that wear, stop, break and mismeasure, on the wires named.

    Without a wire it is played at once, and what the machines did is told.

    Exit codes: 0 played, 2 bad input or a wire that cannot be had.
    """
    from fabloop.app.simulated_line.wires import Wanted
    from fabloop.cli.simulate import Play, play_line

    wanted = Wanted(
        opcua=opcua, modbus=modbus, mqtt=mqtt, host=host, insecure=insecure, folder=folder
    )
    asked = Play(speed=speed, seed=seed, inject=inject, duration=duration)
    raise typer.Exit(play_line(asked, wanted, as_json=json))
