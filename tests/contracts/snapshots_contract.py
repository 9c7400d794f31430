"""What every store of snapshots does, whatever it is made of."""

import pytest

from fabloop.base.snapshots import Snapshots


class SnapshotsContract:
    """Subclass with a `snapshots` fixture."""

    @pytest.fixture
    def snapshots(self) -> Snapshots:
        raise AssertionError("the subclass provides the store")

    def test_parts_come_back_in_order(self, snapshots):
        snapshots.save(7, (bytes([number]) * 3 for number in range(20)))
        assert list(snapshots.parts(7)) == [bytes([number]) * 3 for number in range(20)]

    def test_the_newest_is_named_first(self, snapshots):
        for seq in (5, 12, 9):
            snapshots.save(seq, [b"x"])
        assert snapshots.known() == (12, 9, 5)

    def test_one_that_fails_half_way_is_absent_and_the_earlier_ones_stay(self, snapshots):
        def parts():
            yield b"a"
            raise ValueError("no more")

        snapshots.save(1, [b"x"])
        with pytest.raises(ValueError, match="no more"):
            snapshots.save(2, parts())
        assert snapshots.known() == (1,)
        assert list(snapshots.parts(2)) == []

    def test_saving_again_replaces(self, snapshots):
        snapshots.save(1, [b"a", b"b", b"c"])
        snapshots.save(1, [b"d"])
        assert list(snapshots.parts(1)) == [b"d"]

    def test_one_that_is_dropped_is_gone_alone(self, snapshots):
        snapshots.save(1, [b"a"])
        snapshots.save(2, [b"b"])
        snapshots.drop(1)
        assert snapshots.known() == (2,)
        assert list(snapshots.parts(1)) == []
