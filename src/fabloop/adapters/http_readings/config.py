"""What a source of posted readings is told: names, limits, who may post."""

from pathlib import Path

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.readings.described import SeriesRule
from fabloop.sense.readings.intake import AHEAD_MAX_S

BODY_BYTES_MAX = 8 * 2**20
"""Of one request."""
PENDING_READINGS_MAX = 2_000_000
"""Readings that were accepted and are not safe yet, of all requests together."""
SAFE_S_MAX = 10.0
"""How long a request waits for its readings to be safe before it is told to come again."""
BATCH_IDS_MAX = 100_000
"""Batch ids that are remembered, the newest; of about 100 bytes each."""
BATCH_ID_CHARACTERS_MAX = 200


class HttpReadings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of posted readings.

    Attributes
    ----------
    source : the name under which it is configured, `Series.source` of all that it tells
    token_file : holds the bearer token that senders show; empty: whoever reaches us may post
    series : what is known of series; the first rule that matches counts
    ahead_max_s : how far the clock of a sender may be ahead of ours
    """

    source: str
    token_file: str = ""
    series: tuple[SeriesRule, ...] = ()
    body_bytes_max: int = BODY_BYTES_MAX
    pending_readings_max: int = PENDING_READINGS_MAX
    ahead_max_s: float = AHEAD_MAX_S

    def token(self) -> bytes | None:
        """Return the bearer token; None: there is none.

        Raises
        ------
        Invalid
            Its file cannot be read, or is empty.
        """
        if not self.token_file:
            return None
        try:
            token = Path(self.token_file).read_bytes().strip()
        except OSError as error:
            raise _invalid(self.token_file, error.strerror or "nothing") from error
        if not token:
            raise _invalid(self.token_file, "an empty file")
        return token


def _invalid(file: str, found: str) -> Invalid:
    return Invalid(
        Fault(source=file, path="token_file", expected="a file with a token", found=found,
            hint="Write one into it, readable only for us.")
    )  # fmt: skip
