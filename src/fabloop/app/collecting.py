"""Collecting: all sources of a plant into one store, each on its own, until they are to end."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from fabloop.app.ingest import pump
from fabloop.base.errors import FabloopError, Fault, Invalid
from fabloop.sense.readings.ports import ReadingSource, ReadingStore, SourceHealth
from fabloop.sense.readings.series import Catalogue

LOOK_S = 1.0
"""How often whoever watches is told."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a source did; `failure` says why it could not go on, empty: it ended as it should."""

    source: str
    health: SourceHealth
    failure: str = ""


async def collect(
    sources: Sequence[ReadingSource],
    store: ReadingStore,
    catalogue: Catalogue,
    ending: asyncio.Event,
    watch: Callable[[Sequence[ReadingSource]], None],
) -> tuple[Outcome, ...]:
    """Keep all that sources tell until `ending` is set or all have ended by themselves.

    A source that fails does not stop the others. All that was received is kept before this
    returns.

    Raises
    ------
    Invalid
        There are no sources, or two have one name.
    """
    _check(sources)
    pumping = [asyncio.create_task(_pumped(each, store, catalogue)) for each in sources]
    ended = asyncio.create_task(_ended(pumping, ending))
    while not ended.done():
        await asyncio.wait([ended], timeout=LOOK_S)
        watch(sources)
    for each in sources:
        each.close()
    failures = await asyncio.gather(*pumping)
    return tuple(
        Outcome(source=each.name, health=each.health(), failure=failure)
        for each, failure in zip(sources, failures, strict=True)
    )


async def _ended(pumping: Sequence[asyncio.Task[str]], ending: asyncio.Event) -> None:
    """Wait until all have ended, or are to end."""

    async def all_have() -> None:
        await asyncio.wait(pumping)

    async def they_are_to() -> None:
        await ending.wait()

    either = [asyncio.create_task(each) for each in (all_have(), they_are_to())]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    for each in either:
        each.cancel()


async def _pumped(source: ReadingSource, store: ReadingStore, catalogue: Catalogue) -> str:
    """Keep what one source tells; return why it could not go on."""
    try:
        await pump(source, store, catalogue)
    except FabloopError as error:
        return str(error)
    return ""


def _check(sources: Sequence[ReadingSource]) -> None:
    names = [each.name for each in sources]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise Invalid(
            Fault(source="sources", path="source", expected="a name for each source",
                found=f"{', '.join(twice)} more than once", hint="Name them in their mappings.")
        )  # fmt: skip
    if not names:
        raise Invalid(
            Fault(source="sources", path="", expected="at least one source", found="none",
                hint="Name a --factory with connections or mappings, a --mapping, or --post.")
        )  # fmt: skip
