"""The intake: what senders may make up has an end."""

import numpy as np

from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings import intake
from fabloop.sense.readings.payloads.decoded import Decoded
from fabloop.sense.readings.quality import GOOD
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.tally import Tally

NOW = Instant(1_763_800_000 * SECOND)


def test_names_without_end_are_refused_beyond_the_limit(monkeypatch):
    monkeypatch.setattr(intake, "SERIES_MAX", 3)
    tally, catalogue = Tally(), Catalogue()
    desk = intake.Intake(catalogue, tally)
    channel = desk.channel(
        lambda name, unit: Series(source="s", address=name, name=name, unit=unit)
    )
    names = [f"made-up-{n}" for n in range(10)]
    decoded = Decoded(
        np.full(10, NOW, np.int64), np.zeros(10), np.full(10, GOOD, np.uint8), names=names
    )
    assert len(desk.fitted(desk.taken(channel, decoded), NOW)) == 3
    assert len(catalogue) == 3
    assert tally.health().refused == {"too-many-series": 7}
    assert "Look for a sender that makes up names" in tally.health().trouble
