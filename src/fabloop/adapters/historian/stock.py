"""What the parts of an open historian share."""

from dataclasses import dataclass
from pathlib import Path

from fabloop.adapters.historian.holdings import Holdings
from fabloop.adapters.historian.layout import Options
from fabloop.adapters.historian.manifest import Manifest, Part
from fabloop.adapters.historian.parquet import RawFiles
from fabloop.adapters.historian.sealing import Classes
from fabloop.adapters.historian.tally import Tally
from fabloop.base.instant import Clock
from fabloop.sense.readings.series import Catalogue


@dataclass(slots=True)
class Stock:
    """One folder: its files, what is known of them, and how it is run.

    `manifest` and `classes` are used by one thread at a time: whoever seals.
    """

    folder: Path
    clock: Clock
    options: Options
    manifest: Manifest
    holdings: Holdings
    files: RawFiles
    catalogue: Catalogue
    classes: Classes
    tally: Tally

    def replace(
        self, old: "list[Part] | tuple[Part, ...]", new: tuple[Part, ...], restated: int = 0
    ) -> None:
        """Let parts take the place of others."""
        self.manifest.replace(old, new, self.clock.now(), {"restated": restated})
        self.holdings.swap(self.manifest.parts())
