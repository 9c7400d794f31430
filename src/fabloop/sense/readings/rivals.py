"""Two sources for one property: which of them counts, and whether they agree.

A second source is a second series: both are stored as they came, neither overwrites the other.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant, iso_of
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import is_good
from fabloop.sense.readings.series import Catalogue, Kind

AGREE_AT = 0.5
"""Share of the tolerance within which those that disagreed agree again."""


class Precedence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of several sources counts for a property, and how far they may be apart.

    Attributes
    ----------
    series : pattern of ``work unit/name``
    sources : the names of sources, the one that counts first; others come behind them
    tolerance : in SI units; for counters and states what is not equal is apart
    relative : tolerance as a share of the value that counts; the greater of both holds
    stale_s : a source that told nothing good for so long leaves it to the next one
    lasting_s : they have to be apart for so long before it is told
    """

    series: str = "*"
    sources: tuple[str, ...] = ()
    tolerance: float = 0.0
    relative: float = 0.05
    stale_s: float = 60.0
    lasting_s: float = 10.0

    def faults(self, path: str) -> list[Fault]:
        """Return what is wrong with it."""
        found = [
            _fault(f"{path}.{name}", "a number of at least 0", f"{number:g}")
            for name in ("tolerance", "relative", "stale_s", "lasting_s")
            if not 0 <= (number := float(getattr(self, name))) < float("inf")
        ]
        if len(set(self.sources)) < len(self.sources):
            found.append(_fault(f"{path}.sources", "each source once", ", ".join(self.sources)))
        return found


ANY = Precedence()
"""Holds where nothing is configured: the source that was known first counts."""


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """Two sources tell different values of one property, or agree again.

    Attributes
    ----------
    counts, other : numbers of the series; `counts` is the one whose value is used
    since : when they were apart first
    over : they agree again
    """

    work_unit: WorkUnitId
    name: str
    counts: int
    other: int
    value: float
    other_value: float
    since: Instant
    at: Instant
    over: bool = False
    sentence: str


class _Pair(msgspec.Struct, kw_only=True):
    """How two series stand to each other."""

    apart_since: int | None = None
    told: bool = False


class Rivals:
    """Follows the properties that more than one source tells.

    Attributes
    ----------
    disagreements : how often it was told that two are apart
    """

    def __init__(self, catalogue: Catalogue, rules: Sequence[Precedence] = ()) -> None:
        faults = [each for n, rule in enumerate(rules) for each in rule.faults(f"$[{n}]")]
        if faults:
            raise Invalid(tuple(faults))
        self._catalogue = catalogue
        self._rules = tuple(rules)
        self._revision = 0
        self._looked_at = 0
        self._members: dict[tuple[str, str], list[int]] = {}
        self._groups: dict[tuple[str, str], tuple[int, ...]] = {}
        self._group_of: dict[int, tuple[str, str]] = {}
        self._rival: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._newest: dict[int, tuple[int, float]] = {}
        self._pairs: dict[tuple[int, int], _Pair] = {}
        self._counting: dict[tuple[str, str], int] = {}
        self.disagreements = 0

    @property
    def apart(self) -> int:
        """How many pairs disagree now, as far as it was told."""
        return sum(each.told for each in self._pairs.values())

    def properties(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Return the series of each property with several sources, by precedence."""
        self._renew()
        return dict(self._groups)

    def counting(self, work_unit: str, name: str, now: Instant) -> int | None:
        """Return the series that counts for a property: the first that is good and fresh.

        None: no source tells it now, so that it is unknown. A property with one source has no
        rival; ask the catalogue.
        """
        self._renew()
        rule = self._rule(work_unit, name)
        for number in self._groups.get((work_unit, name), ()):
            told = self._newest.get(number)
            if told is not None and now - told[0] <= rule.stale_s * SECOND:
                return number
        return None

    def take(self, batch: Batch) -> tuple[Disagreement, ...]:
        """Take readings as they are stored; return who disagrees from now on, or agrees again."""
        self._renew()
        if not self._groups or not len(batch):
            return ()
        concerned = self._rival[batch.series]
        if not concerned.any():
            return ()
        good = batch.where(concerned & is_good(batch.quality))
        groups: dict[tuple[str, str], int] = {}
        for at, number, value in zip(
            good.times.tolist(), good.series.tolist(), good.values.tolist(), strict=True
        ):
            if number not in self._newest or at >= self._newest[number][0]:
                self._newest[number] = at, value
                key = self._group_of[number]
                groups[key] = max(at, groups.get(key, at))
        return tuple(each for key, at in groups.items() for each in self._compared(key, at))

    def counted(self, batch: Batch) -> tuple[Batch, tuple[int, ...]]:
        """Return the readings that count, after `take`, and the series that begin to count anew.

        Whoever sums up what counters show begins anew with those: what they counted meanwhile was
        counted from another source.
        """
        if not self._groups or not len(batch):
            return batch, ()
        concerned = self._rival[batch.series]
        if not concerned.any():
            return batch, ()
        kept, anew = ~concerned, []
        for key in {self._group_of[n] for n in np.unique(batch.series[concerned]).tolist()}:
            known = [self._newest[n][0] for n in self._groups[key] if n in self._newest]
            counts = self.counting(*key, Instant(max(known, default=0)))
            if counts is None:
                counts = self._groups[key][0]  # nobody told anything good: the first says so
            kept |= batch.series == counts
            if self._counting.get(key, counts) != counts:
                anew.append(counts)
            self._counting[key] = counts
        return batch.where(kept), tuple(anew)

    def _renew(self) -> None:
        """Find the properties with several sources again, if the catalogue changed."""
        revision, count = self._catalogue.revision, len(self._catalogue)
        if self._revision == revision:
            return
        if revision - self._revision != count - self._looked_at:  # not only new ones
            self._members, self._groups, self._looked_at = {}, {}, 0
        touched = {self._enter(number) for number in range(self._looked_at, count)}
        self._revision, self._looked_at = revision, count
        for key in touched:
            numbers = self._members.get(key, [])
            if len({self._catalogue[each].source for each in numbers}) > 1:
                self._groups[key] = self._ordered(key, numbers)
        self._group_of = {n: key for key, numbers in self._groups.items() for n in numbers}
        self._rival = np.zeros(count, np.bool_)
        self._rival[list(self._group_of)] = True
        self._newest = {n: told for n, told in self._newest.items() if n in self._group_of}

    def _enter(self, number: int) -> tuple[str, str]:
        """Note a series with its property, if it is the present one of its source and address."""
        series = self._catalogue[number]
        key = series.work_unit, series.name
        if series.work_unit and self._catalogue.numbers()[series.key] == number:
            rest = [n for n in self._members.get(key, []) if self._catalogue[n].key != series.key]
            self._members[key] = [*rest, number]
        return key

    def _ordered(self, key: tuple[str, str], numbers: Iterable[int]) -> tuple[int, ...]:
        sources = self._rule(*key).sources
        place = {name: at for at, name in enumerate(sources)}
        return tuple(
            sorted(numbers, key=lambda n: (place.get(self._catalogue[n].source, len(place)), n))
        )

    def _rule(self, work_unit: str, name: str) -> Precedence:
        place = f"{work_unit}/{name}"
        return next((each for each in self._rules if fnmatchcase(place, each.series)), ANY)

    def _compared(self, key: tuple[str, str], at: int) -> Iterable[Disagreement]:
        """Yield what is new between the source that counts and each other one."""
        counts = self.counting(*key, Instant(at))
        if counts is None:
            return
        rule = self._rule(*key)
        for other in self._groups[key]:
            told = self._newest.get(other)
            if other != counts and told is not None and at - told[0] <= rule.stale_s * SECOND:
                yield from self._judged(counts, other, rule, at)

    def _judged(self, counts: int, other: int, rule: Precedence, at: int) -> Iterable[Disagreement]:
        value, other_value = self._newest[counts][1], self._newest[other][1]
        pair = self._pairs.setdefault((min(counts, other), max(counts, other)), _Pair())
        gauge = self._catalogue[counts].kind is Kind.GAUGE
        allowed = max(rule.tolerance, rule.relative * abs(value)) if gauge else 0.0
        distance = abs(value - other_value)
        if distance > allowed:
            pair.apart_since = at if pair.apart_since is None else pair.apart_since
            if not pair.told and at - pair.apart_since >= rule.lasting_s * SECOND:
                pair.told = True
                self.disagreements += 1
                yield self._told(counts, other, pair.apart_since, at, over=False)
        elif pair.told and distance <= allowed * AGREE_AT:
            since = at if pair.apart_since is None else pair.apart_since
            pair.told, pair.apart_since = False, None
            yield self._told(counts, other, since, at, over=True)
        elif not pair.told:
            pair.apart_since = None

    def _told(self, counts: int, other: int, since: int, at: int, *, over: bool) -> Disagreement:
        one, two = self._catalogue[counts], self._catalogue[other]
        value, other_value = self._newest[counts][1], self._newest[other][1]
        place = f"{one.work_unit}/{one.name}"
        found = f"{value:.6g} from '{one.source}' and {other_value:.6g} from '{two.source}'"
        sentence = (
            f"'{one.source}' and '{two.source}' agree again on {place}: {found}."
            if over
            else f"Expected one value of {place}, but found {found} since "
            f"{iso_of(Instant(since))}: '{one.source}' counts. Check both, or their order of "
            "precedence."
        )
        return Disagreement(
            work_unit=one.work_unit, name=one.name, counts=counts, other=other, value=value,
            other_value=other_value, since=Instant(since), at=Instant(at), over=over,
            sentence=sentence,
        )  # fmt: skip


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="precedence", path=path, expected=expected, found=found)
