"""Replay: the same readings from CSV and Parquet, long and wide, in whatever time is wanted."""

import asyncio
import math

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from contracts.source_contract import Kept
from fabloop.adapters.replay import Layout, Recording, ReplaySource
from fabloop.app.ingest import pump
from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import joined
from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.quality import BAD, GOOD
from fabloop.sense.readings.series import Catalogue, Kind

MS = 1_000_000
LONG = """time,name,value,quality
1763800000000,mill/load,1.5,192
1763800000100,mill/mode,running,
1763800000200,mill/load,,192
1763800000300,mill/load,7,0
1763800000400,lathe/load,high,
1763800000500,lathe/load,inf,
2026-11-22T08:00:00Z,lathe/load,3,good
never,lathe/load,4,
1763800000600,,5,
1763800000700,lathe/load
"""


def played(recording, **more):
    """Play a recording to its end; return readings by name, health, catalogue."""

    async def story():
        source, kept, catalogue = ReplaySource(recording, **more), Kept(), Catalogue()
        count = await pump(source, kept, catalogue)
        assert count == len(kept) == source.health().received
        return source.health(), kept, catalogue

    health, kept, catalogue = asyncio.run(story())
    batch = joined(kept.batches)
    rows = [
        (f"{catalogue[series].work_unit}/{catalogue[series].name}", at, value, quality)
        for at, series, value, quality in zip(
            batch.times.tolist(), batch.series.tolist(), batch.values.tolist(),
            batch.quality.tolist(), strict=True,
        )
    ]  # fmt: skip
    return rows, health, catalogue


def recording(file, **more):
    rule = SeriesRule(series="*/mode", kind=Kind.STATE, states=("idle", "running"))
    return Recording(source="test", file=str(file), series=(rule,), **more)


def test_a_long_table_is_played_and_what_it_cannot_mean_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text(LONG)
    rows, health, _ = played(recording(tmp_path / "r.csv"))
    assert [(name, at // MS % 10_000, quality) for name, at, _, quality in rows] == [
        ("mill/load", 0, GOOD),
        ("mill/mode", 100, GOOD),
        ("mill/load", 200, BAD),
        ("mill/load", 300, BAD),
        ("lathe/load", 0, GOOD),
        ("lathe/load", 700, BAD),
    ]
    values = [value for _, _, value, _ in rows]
    assert [values[0], values[1], values[4]] == [1.5, 1.0, 3.0]
    assert all(math.isnan(values[at]) for at in (2, 3, 5))
    assert health.refused == {"not-a-number": 2, "time-out-of-range": 1, "nameless": 1}
    assert health.connected is False


def test_long_wide_csv_and_parquet_tell_the_same(tmp_path):
    times = [1_763_800_000_000 + n for n in range(25_000)]
    load = [n / 8 for n in range(25_000)]
    table = pa.table({"time": times, "mill/load": load, "mill/speed": load[::-1]})
    parquet.write_table(table, tmp_path / "wide.parquet")
    stamped = table.set_column(0, "time", pa.array(times, pa.timestamp("ms", "UTC")))
    parquet.write_table(stamped, tmp_path / "stamped.parquet")
    cells = zip(times, load, load[::-1], strict=True)
    lines = "".join(f"{at},{one},{two}\n" for at, one, two in cells)
    (tmp_path / "wide.csv").write_text("time,mill/load,mill/speed\n" + lines)
    told = [
        sorted(played(recording(tmp_path / name, layout=Layout.WIDE))[0])
        for name in ("wide.parquet", "stamped.parquet", "wide.csv")
    ]
    assert len(told[0]) == 50_000
    assert told[0] == told[1] == told[2]
    assert told[0][9] == ("mill/load", times[9] * MS, 9 / 8, GOOD)


def test_an_empty_cell_of_a_wide_table_is_no_reading(tmp_path):
    (tmp_path / "w.csv").write_text("time,a,b\n1,,2\n2,3\n\n")
    rows, health, _ = played(recording(tmp_path / "w.csv", layout=Layout.WIDE, work_unit="mill"))
    assert rows == [("mill/b", MS, 2.0, GOOD), ("mill/a", 2 * MS, 3.0, GOOD)]
    assert health.refused == {}


class Stepping:
    """A clock that goes on by 40 ms whenever it is read."""

    def __init__(self) -> None:
        self.at = 2_000 * SECOND

    def now(self):
        self.at += SECOND // 25
        return Instant(self.at)


def test_a_recording_is_played_in_its_own_time_from_now(tmp_path):
    (tmp_path / "w.csv").write_text("time,a\n" + "".join(f"{n * 100},{n}\n" for n in range(20)))
    clock = Stepping()

    async def story():
        playing = recording(tmp_path / "w.csv", layout=Layout.WIDE, speed=10.0, from_now=True)
        source = ReplaySource(playing, now=clock.now)
        return [
            (int(batch.times[-1]), clock.at, len(batch))
            async for batch in source.batches(Catalogue())
        ]

    told = asyncio.run(story())
    begun = 2_000 * SECOND + SECOND // 25
    assert sum(count for _, _, count in told) == 20
    assert len(told) > 1
    assert told[-1][0] == begun + 1_900 * MS
    assert all(newest - begun <= 10 * (at - begun) for newest, at, _ in told)


def test_closing_ends_a_recording_before_its_time(tmp_path):
    (tmp_path / "w.csv").write_text("time,a\n0,1\n3600000,2\n")

    async def story():
        source, kept = (
            ReplaySource(recording(tmp_path / "w.csv", layout=Layout.WIDE, speed=1.0)),
            Kept(),
        )
        pumping = asyncio.create_task(pump(source, kept, Catalogue()))
        while not len(kept):
            await asyncio.wait([pumping], timeout=0.01)
        source.close()
        await pumping
        return len(kept)

    assert asyncio.run(story()) == 1


@pytest.mark.parametrize(
    ("name", "content", "options", "sentence"),
    [
        ("none.csv", None, {}, "Expected a file that can be read"),
        ("r.csv", b"time,value\n", {}, "Expected columns name, but found time, value"),
        ("r.csv", b"", {}, "Expected columns time, name, value, but found none"),
        ("r.csv", b"time,name,value\n\xff\xfe,1,2\n", {}, "Expected text in UTF-8"),
        ("r.csv", b"time,name,value\n", {"speed": 0.0}, "Expected more than 0, or none"),
        ("r.parquet", b"PAR1 not", {}, "Expected a file of Parquet"),
    ],
)
def test_what_cannot_be_played_is_refused_at_once(tmp_path, name, content, options, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid, match=sentence):
        ReplaySource(recording(tmp_path / name, **options))
