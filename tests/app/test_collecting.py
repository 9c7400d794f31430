"""Collecting: many sources, one store; one that fails does not stop the others."""

import asyncio

import pytest

from contracts.source_contract import Kept
from fabloop.app.collecting import collect
from fabloop.base.errors import Broken, Invalid
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue, Series


class Told:
    """A source that tells so many values and then goes on, ends or fails."""

    def __init__(self, name, count, *, then="end"):
        self.name, self._count, self._then = name, count, then
        self._closing = asyncio.Event()

    def close(self):
        self._closing.set()

    def health(self):
        return SourceHealth(received=self._count)

    async def batches(self, catalogue):
        number = catalogue.number(Series(source=self.name, address="a", name="a"))
        for value in range(self._count):
            yield batch_of(value, number, float(value))
        if self._then == "fail":
            raise Broken("Expected a source that works, but found none.")
        if self._then == "go on":
            await self._closing.wait()


def collected(*sources, ending=None):
    kept = Kept()

    async def story():
        event = ending or asyncio.Event()
        return await collect(sources, kept, Catalogue(), event, lambda _: None)

    return asyncio.run(story()), kept


def test_it_ends_when_all_sources_have_ended():
    outcomes, kept = collected(Told("a", 3), Told("b", 2))
    assert [(each.source, each.failure) for each in outcomes] == [("a", ""), ("b", "")]
    assert len(kept) == 5


def test_it_ends_when_it_is_told_to():
    ending = asyncio.Event()
    ending.set()
    outcomes, _ = collected(Told("a", 3, then="go on"), ending=ending)
    assert outcomes[0].failure == ""


def test_a_source_that_fails_is_told_and_the_others_go_on():
    outcomes, kept = collected(Told("a", 1, then="fail"), Told("b", 4))
    assert outcomes[0].failure.startswith("Expected a source that works")
    assert outcomes[1].failure == ""
    assert len(kept) == 5


@pytest.mark.parametrize(
    ("names", "sentence"), [((), "at least one source"), (("a", "a"), "a more than once")]
)
def test_sources_need_names_of_their_own(names, sentence):
    with pytest.raises(Invalid, match=sentence):
        collected(*(Told(name, 1) for name in names))
