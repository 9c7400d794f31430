"""What every journal does, whatever it is made of."""

import pytest

from fabloop.base.instant import Instant
from fabloop.base.journal import Journal, Row


def row(body: bytes, *, request: str = "", stream: str = "facts") -> Row:
    return Row(stream=stream, kind="fact", version=1, at=Instant(7), body=body, request=request)


class JournalContract:
    """Subclass with a `journal` fixture."""

    @pytest.fixture
    def journal(self) -> Journal:
        raise AssertionError("the subclass provides the journal")

    def test_rows_come_back_in_order_with_gapless_numbers(self, journal):
        journal.append([row(b"a"), row(b"b")])
        last = journal.append([row(b"c")])
        journal.wait(last)
        assert [(seq, each.body) for seq, each in journal.read()] == [
            (1, b"a"),
            (2, b"b"),
            (3, b"c"),
        ]

    def test_a_row_comes_back_with_all_it_carried(self, journal):
        given = Row(
            partition=3,
            stream="17",
            kind="steps",
            version=2,
            at=Instant(1_700_000_000_000_000_000),
            actor="oven-2",
            request="r-1",
            body=b"\x00\xff",
        )
        journal.wait(journal.append([given]))
        assert [each for _, each in journal.read()] == [given]

    def test_reading_starts_after_the_given_number(self, journal):
        journal.wait(journal.append([row(b"a"), row(b"b"), row(b"c")]))
        assert [each.body for _, each in journal.read(after=2)] == [b"c"]

    def test_an_empty_journal_reads_as_nothing(self, journal):
        assert list(journal.read()) == []
