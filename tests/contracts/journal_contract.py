"""What every journal does, whatever it is made of."""

import pytest

from fabloop.base.errors import Conflict
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
        assert journal.last() == 0

    def test_the_last_number_is_that_of_the_newest_durable_row(self, journal):
        last = journal.append([row(b"a"), row(b"b")])
        journal.wait(last)
        assert journal.last() == last == 2

    def test_a_row_is_found_by_the_request_it_carries(self, journal):
        journal.wait(journal.append([row(b"a"), row(b"b", request="r-1"), row(b"c")]))
        assert journal.find("r-1") == row(b"b", request="r-1")
        assert journal.find("r-2") is None

    def test_a_row_of_another_partition_is_refused_and_nothing_of_its_group_is_kept(self, journal):
        stray = Row(stream="s", kind="k", version=1, at=Instant(1), body=b"", partition=9)
        with pytest.raises(Conflict, match="partition 9"):
            journal.append([row(b"a"), stray])
        journal.wait(journal.append([row(b"b")]))
        assert [(seq, each.body) for seq, each in journal.read()] == [(1, b"b")]
