"""The data space that comes along answers what its page asks."""

import shutil
from contextlib import closing
from pathlib import Path

from fabloop.app.dataspace import Ask, open_data_space
from fabloop.base.instant import Instant
from fabloop.dataspace.finish import Filled

EXAMPLE = Path(__file__).parents[3] / "examples" / "data-space"


def test_the_example_answers_what_its_page_asks_and_asks_what_it_says(tmp_path):
    folder = shutil.copytree(EXAMPLE, tmp_path / "muffin")
    with closing(open_data_space(folder, lambda: Instant(1_795_000_000_000_000_000))) as space:
        courier = space.fill("(QRCode, call, ?z)", {"QRCode": "QR-1002"})
        assert isinstance(courier, Filled)
        assert courier.rows == ({"z": "http://pony.example/ship"},)
        doubtful = "(QRCode, courier service, ?z)"
        assert isinstance(space.fill(doubtful, {"QRCode": "QR-1002"}), Ask)
        space.answer(doubtful, by="eva", choose=1)
        assert isinstance(space.fill(doubtful, {"QRCode": "QR-1002"}), Filled)
