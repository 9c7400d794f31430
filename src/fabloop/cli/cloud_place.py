"""The options that say where a system stands in a cloud, the same for all its commands."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

Cloud = Annotated[str, typer.Option("--cloud", help="Address of the cloud, https://HOST:PORT.")]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        help="Folder with certificate.pem and key.pem, as `fabloop cloud certificate issue` makes "
        "it. Without it: a cloud without certificates.",
    ),
]
Trust = Annotated[
    Path | None,
    typer.Option("--trust", help="Whom to trust. [default: trust.pem beside the certificates]"),
]
Name = Annotated[
    str, typer.Option("--name", help="Name of the system, where no certificate tells it.")
]
GenerationOf = Annotated[
    int,
    typer.Option(
        "--generation", min=4, max=5, help="Version of the cloud: 5 (5.2.1) or 4 (4.6.2)."
    ),
]
Core = Annotated[
    list[str] | None,
    typer.Option(
        "--core", help="NAME=URL of a core system of 4.6.2 that is elsewhere; repeatable."
    ),
]
Host = Annotated[str, typer.Option("--host", help="Address to listen at, as others reach it.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen at; 0 is any.")]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a system stands, as the options tell it."""

    cloud: str
    certificate: Path | None
    trust: Path | None
    name: str
    generation: int
    core: tuple[str, ...]
    host: str
    port: int


def _place(
    cloud: Cloud = "https://127.0.0.1:8443",
    certificate: Certificate = None,
    trust: Trust = None,
    name: Name = "",
    generation: GenerationOf = 5,
    core: Core = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
) -> Place:
    return Place(
        cloud=cloud, certificate=certificate, trust=trust, name=name, generation=generation,
        core=tuple(core or ()), host=host, port=port,
    )  # fmt: skip


def placed(port: int = 0) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what gives a command the options of a place; it gets the place as `place`.

    Parameters
    ----------
    port : at which it listens where nothing else is said
    """
    shared = inspect.signature(_place).parameters
    told = [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=port)
        if each.name == "port"
        else each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for each in shared.values()
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for each in inspect.signature(command).parameters.values()
            if each.name != "place"
        ]

        def run(**given: Any) -> None:
            place = _place(**{each: given.pop(each) for each in shared})
            command(place=place, **given)

        run.__name__, run.__doc__, run.__module__ = (
            command.__name__, command.__doc__, command.__module__,
        )  # fmt: skip
        run.__signature__ = inspect.Signature([*own, *told])  # type: ignore[attr-defined]  # of any function
        return run

    return decorate
