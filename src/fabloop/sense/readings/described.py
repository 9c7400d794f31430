"""Series rules: what a mapping says about the series that a source will tell."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from fabloop.base.errors import Fault
from fabloop.base.quantity import Dimension, dimension_of, si_scale
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.series import Kind, Series


class SeriesRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of all series whose ``work unit/name`` matches a pattern.

    Attributes
    ----------
    series : pattern with ``*`` and ``?``, such as ``*/spindle.load`` or ``mill-1/*``
    unit : unit in which the source tells its numbers; empty: as the source says, or none
    states : texts that a state's values are, in the order of their numbers
    least, greatest : limits of the sensor, in `unit`
    rollover : what a counter would have shown where it shows 0 again, in `unit`
    """

    series: str
    unit: str = ""
    kind: Kind = Kind.GAUGE
    states: tuple[str, ...] = ()
    least: float | None = None
    greatest: float | None = None
    rollover: float | None = None

    def faults(self, source: str, path: str) -> list[Fault]:
        """Return what is wrong with the rule."""
        found = []
        if self.unit:
            try:
                dimension_of(self.unit)
            except ValueError as error:
                found.append(_fault(source, f"{path}.unit", "a unit that can be turned into SI",
                    str(error), "Write '°C' or 'kW', say; leave it out for counts."))  # fmt: skip
        if self.states and self.kind is not Kind.STATE:
            found.append(_fault(source, f"{path}.kind", "kind: state where states are listed",
                self.kind, "Set kind: state."))  # fmt: skip
        if self.rollover is not None and (self.kind is not Kind.COUNTER or self.rollover <= 0):
            found.append(_fault(source, f"{path}.rollover", "a number above 0, of a counter",
                f"{self.rollover:g} of a {self.kind}", "Set kind: counter."))  # fmt: skip
        if self.least is not None and self.greatest is not None and self.least > self.greatest:
            found.append(_fault(source, f"{path}.least", f"at most greatest ({self.greatest})",
                str(self.least), "Exchange them."))  # fmt: skip
        return found


def _fault(source: str, path: str, expected: str, found: str, hint: str) -> Fault:
    return Fault(source=source, path=path, expected=expected, found=found, hint=hint)


def described(
    rules: Sequence[SeriesRule],
    *,
    source: str,
    address: str,
    work_unit: WorkUnitId,
    name: str,
    unit: str = "",
) -> Series:
    """Return a series as the first rule that matches describes it.

    `unit` is the one the source tells; where a rule has another, the source is believed, since
    it knows what it sends. A unit that is none of physics (``pcs``) is kept as a text.

    Raises
    ------
    ValueError
        The source tells a unit of another dimension than that of the rule, or none we know.
    """
    place = f"{work_unit}/{name}"
    rule = next((each for each in rules if fnmatchcase(place, each.series)), None)
    ruled = rule.unit if rule else ""
    spoken = unit or ruled
    dimension, scale, offset = _in_si(spoken, ruled)
    if rule is None:
        return Series(
            source=source, address=address, work_unit=work_unit, name=name,
            dimension=dimension, scale=scale, offset=offset, unit=spoken,
        )  # fmt: skip
    limits = si_scale(rule.unit) if rule.unit else (1.0, 0.0)
    return Series(
        source=source, address=address, work_unit=work_unit, name=name, kind=rule.kind,
        dimension=dimension, scale=scale, offset=offset, unit=spoken, states=rule.states,
        least=_si(rule.least, limits), greatest=_si(rule.greatest, limits),
        rollover=_si(rule.rollover, limits),
    )  # fmt: skip


def _in_si(unit: str, ruled: str) -> tuple[Dimension | None, float, float]:
    """Return dimension, scale and offset of a unit; as a rule has it, where there is one."""
    if not unit:
        return None, 1.0, 0.0
    try:
        dimension = dimension_of(unit)
    except ValueError:
        if ruled:
            raise
        return None, 1.0, 0.0
    if ruled and dimension is not dimension_of(ruled):
        raise ValueError(f"'{unit}', a unit of {dimension} instead of {dimension_of(ruled)}")
    return dimension, *si_scale(unit)


def _si(limit: float | None, scale: tuple[float, float]) -> float | None:
    return None if limit is None else limit * scale[0] + scale[1]
