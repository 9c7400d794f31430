"""What an app writes: checked against its grants, cleaned of what is no number, and collected."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from fabloop.app.edge.app import TOPIC_MARK, Floats, Manifest, Message, covers
from fabloop.app.edge.deployment import DeployedApp
from fabloop.app.edge.link import FactTold, Named, Told
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Instant
from fabloop.sense.readings.quality import BAD, GOOD, is_bad

FACT_BYTES_MAX = 2**20
READINGS_PER_CALL_MAX = 100_000
NAMINGS_MAX = 10_000
"""An app that made up new names for ever would fill the edge."""

Result = Named | Told | FactTold
SetVariable = Callable[[str, str, float], None]


class Outgoing:
    """The `Outbox` of one app.

    Parameters
    ----------
    heard : outputs of the app that other apps of the group read, names and patterns
    results : where readings and facts are put for the edge
    numbers : of names, no number twice in a process
    messages : where they are put for the apps
    """

    def __init__(
        self,
        deployed: DeployedApp,
        manifest: Manifest,
        *,
        heard: Sequence[str],
        results: list[Result],
        numbers: Iterator[int],
        messages: list[Message],
        set_variable: SetVariable,
    ) -> None:
        self.readings_told = 0
        self.facts_told = 0
        self.unknown_told = 0
        self._deployed = deployed
        self._declared = tuple(each.name for each in manifest.outputs)
        self._variables = manifest.variables
        self._heard = tuple(heard)
        self._results = results
        self._messages = messages
        self._set_variable = set_variable
        self._numbers = numbers
        self._named: dict[tuple[str, ...], int] = {}

    def reading(self, name: str, value: float, at: Instant, quality: int = GOOD) -> None:
        """Tell one value."""
        self._tell((name,), np.array([value], dtype=np.float64), at, quality)

    def readings(self, names: tuple[str, ...], values: Floats, at: Instant) -> None:
        """Tell values of one instant."""
        flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
        if len(flat) != len(names) or len(flat) > READINGS_PER_CALL_MAX:
            raise ValueError(
                f"Expected as many values as names, at most {READINGS_PER_CALL_MAX}, but found "
                f"{len(flat)} values and {len(names)} names."
            )
        self._tell(names, flat, at, GOOD)

    def fact(self, name: str, value: Any, at: Instant) -> None:
        """Tell something that is no number."""
        self._check((name,))
        body = msgspec.json.encode(value)
        if len(body) > FACT_BYTES_MAX:
            raise ValueError(f"Expected {FACT_BYTES_MAX} bytes or less, but found {len(body)}.")
        mine = self._deployed
        self._results.append(FactTold(mine.name, mine.machine, name, at, body))
        self.facts_told += 1
        if covers(self._heard, name):
            topic = f"{mine.name}{TOPIC_MARK}{name}"
            self._messages.append(Message(topic=topic, at=at, fact=body))

    def set_variable(self, name: str, value: float) -> None:
        """Set a user variable of the control."""
        mine = self._deployed
        if not covers(self._variables, name) or not covers(mine.sets, name):
            raise self._refused("set", name, mine.sets)
        self._set_variable(mine.machine, name, float(value))

    def _tell(self, names: tuple[str, ...], values: Floats, at: Instant, quality: int) -> None:
        number = self._named.get(names)
        if number is None:
            number = self._name(names)
        qualities = np.full(len(values), quality, dtype=np.uint8)
        known = np.isfinite(values) & ~is_bad(qualities)
        if not known.all():
            self.unknown_told += int(len(known) - known.sum())
            qualities = np.where(known | is_bad(qualities), qualities, BAD).astype(np.uint8)
            values = np.where(known, values, np.nan)
        self._results.append(Told(number, at, values.tobytes(), qualities.tobytes()))
        self.readings_told += len(names)
        for name, value in zip(names, values, strict=True) if self._heard else ():
            if covers(self._heard, name):
                topic = f"{self._deployed.name}{TOPIC_MARK}{name}"
                self._messages.append(Message(topic=topic, at=at, value=float(value)))

    def _name(self, names: tuple[str, ...]) -> int:
        """Check names that are told for the first time, and say them once."""
        self._check(names)
        if len(self._named) >= NAMINGS_MAX:
            raise ValueError(
                f"Expected at most {NAMINGS_MAX} different tuples of names, but found one more. "
                "Tell readings under names that stay."
            )
        number = self._named[names] = next(self._numbers)
        mine = self._deployed
        self._results.append(Named(number, mine.name, mine.machine, names))
        return number

    def _check(self, names: tuple[str, ...]) -> None:
        for name in names:
            if not covers(self._declared, name) or not covers(self._deployed.writes, name):
                raise self._refused("write", name, self._deployed.writes)

    def _refused(self, what: str, name: str, granted: tuple[str, ...]) -> NotPermitted:
        return NotPermitted(
            f"Expected app {self._deployed.name!r} to {what} only what it declares and was granted "
            f"({', '.join(granted) or 'nothing'}), but found {name!r}. Declare it in the manifest "
            "and grant it with the deployment."
        )
