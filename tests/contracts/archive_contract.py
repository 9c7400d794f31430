"""What every archive does, whatever it is made of."""

import pytest

from fabloop.base.instant import Instant
from fabloop.base.journal import Archive, Journal, Row

LATER = Instant(1_000)


def row(stream: str, at: int, request: str = "") -> Row:
    body = f"{stream} {at}".encode()
    return Row(stream=stream, kind="k", version=1, at=Instant(at), body=body, request=request)


ROWS = [
    row("a", 1, "r-1"), row("b", 2), row("a", 3), row("c", 4), row("b", 5), row("a", 6), row("d", 7)
]  # fmt: skip


class ArchiveContract:
    """Subclass with a `journal` and an `archive` of it."""

    @pytest.fixture
    def journal(self) -> Journal:
        raise AssertionError("the subclass provides the journal")

    @pytest.fixture
    def archive(self) -> Archive:
        raise AssertionError("the subclass provides the archive")

    @pytest.fixture
    def filled(self, journal):
        journal.wait(journal.append(ROWS))
        return journal

    def test_what_was_moved_is_read_and_found_as_before(self, filled, archive):
        assert archive.move(["a", "c"], 7, LATER) == 4
        assert [each for _, each in filled.read()] == ROWS
        assert [seq for seq, _ in filled.read(after=3)] == [4, 5, 6, 7]
        assert filled.find("r-1") == ROWS[0]
        assert filled.last() == 7

    def test_a_stream_is_quiet_when_its_last_row_is_old_enough(self, filled, archive):
        assert set(archive.quiet(7, LATER)) == {"a", "b", "c", "d"}
        assert set(archive.quiet(5, LATER)) == {"b", "c"}
        assert set(archive.quiet(7, Instant(6))) == {"b", "c"}

    def test_only_rows_that_are_known_and_old_are_moved(self, filled, archive):
        assert archive.move(["a"], 3, LATER) == 2
        assert archive.move(["a"], 7, Instant(6)) == 0
        assert archive.move(["a"], 7, Instant(7)) == 1
        assert [each for _, each in filled.read()] == ROWS

    def test_moving_again_moves_nothing(self, filled, archive):
        archive.move(["a"], 7, LATER)
        assert archive.move(["a"], 7, LATER) == 0
        assert "a" not in archive.quiet(7, LATER)

    def test_the_newest_row_stays_so_that_numbers_go_on(self, filled, archive):
        assert archive.move(["a", "b", "c", "d"], 7, LATER) == 6
        filled.wait(filled.append([row("e", 8)]))
        assert [seq for seq, _ in filled.read()] == [1, 2, 3, 4, 5, 6, 7, 8]
