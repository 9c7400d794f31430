"""``fabloop spc``: control charts, capability and gauge studies of tables."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from rich.console import Console

from fabloop.app.pictures.control_chart import control_chart_picture
from fabloop.app.pictures.report import Table
from fabloop.base.codec import from_json, to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.columns import Columns, read_columns
from fabloop.cli.given import read_bytes
from fabloop.cli.grid import grid_of
from fabloop.sense.spc.baseline import Baseline, ChartKind, baseline_of
from fabloop.sense.spc.capability import Capability, Index, Tolerance, capability_of
from fabloop.sense.spc.chart import Chart, chart_of
from fabloop.sense.spc.estimate import SigmaEstimator
from fabloop.sense.spc.gauge import GaugeStudy, study_by_ranges, study_by_variance
from fabloop.sense.spc.rules import NELSON, WESTERN_ELECTRIC
from fabloop.sense.spc.samples import Counts, Floats, Subgroups, counts_of, subgroups_of

Kind = TypeVar("Kind", ChartKind, SigmaEstimator)

RULES = {"nelson": NELSON, "western-electric": WESTERN_ELECTRIC}


class SignalReply(msgspec.Struct, frozen=True, kw_only=True):
    """A signal with the sample it belongs to, counted from 1, and its name in the table."""

    sample: int
    name: str
    rule: str
    value: float
    limit: float | None


class ChartReply(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fabloop spc chart --json`` prints; null where a sample was lost."""

    baseline: Baseline
    samples: tuple[str, ...]
    points: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    signals: tuple[SignalReply, ...]


class ChartRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line."""

    file: Path
    kind: str
    values: str
    group: str
    sizes: str
    size: float
    estimator: str
    rules: str
    first: int
    exclude: tuple[int, ...]
    limits: Path | None
    freeze: Path | None
    svg: Path | None
    as_json: bool


def chart(asked: ChartRequest) -> ExitCode:
    """Print a control chart: the baseline, and each signal with what it broke."""
    kind = _choice("--kind", asked.kind, ChartKind)
    rules = RULES.get(asked.rules)
    if rules is None:
        raise _unknown("--rules", asked.rules, RULES)
    names, samples = _samples(kind, asked)
    baseline = (
        _frozen(asked.limits, kind)
        if asked.limits
        else _phase_one(kind, samples, asked, len(names))
    )
    found = chart_of(baseline, samples, rules)
    reply = _reply(found, names)
    if asked.freeze:
        _write(asked.freeze, to_json_pretty(baseline))
    if asked.svg:
        title = f"{kind} chart of {asked.values} in {asked.file.name}"
        _write(asked.svg, control_chart_picture(found, names, title=title).encode())
    if asked.as_json:
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        _tell(reply, asked)
    return ExitCode.FINE


def _samples(kind: ChartKind, asked: ChartRequest) -> tuple[list[str], Subgroups | Counts]:
    table = read_columns(asked.file)
    numbers = table.numbers(asked.values, "--values")
    source = str(asked.file)
    if not kind.of_values:
        if asked.sizes:
            return _labels(table, asked.group), counts_of(
                numbers, table.numbers(asked.sizes, "--sizes"), source
            )
        return _labels(table, asked.group), counts_of(numbers, asked.size, source)
    if kind in {ChartKind.INDIVIDUALS, ChartKind.MOVING_RANGE} or not asked.group:
        if kind not in {ChartKind.INDIVIDUALS, ChartKind.MOVING_RANGE}:
            raise Invalid(
                Fault(
                    source="--group",
                    path="",
                    expected=f"the column that tells the subgroups of an {kind} chart",
                    found="none",
                    hint="Or draw an i chart of single values.",
                )
            )
        return _labels(table, asked.group), subgroups_of(numbers, source)
    return _grouped(table.text(asked.group, "--group"), numbers, source)


def _labels(table: Columns, group: str) -> list[str]:
    if group:
        return table.text(group, "--group")
    return [str(number) for number in range(1, len(table.lines) + 1)]


def _grouped(
    labels: Sequence[str], numbers: Sequence[float], source: str
) -> tuple[list[str], Subgroups]:
    groups: dict[str, list[float]] = {}
    for label, value in zip(labels, numbers, strict=True):
        groups.setdefault(label, []).append(value)
    most = max(map(len, groups.values()))
    values = np.full((len(groups), most), np.nan)
    for row, group in enumerate(groups.values()):
        values[row, : len(group)] = group
    return list(groups), subgroups_of(values, source)


def _phase_one(
    kind: ChartKind, samples: Subgroups | Counts, asked: ChartRequest, count: int
) -> Baseline:
    first = asked.first or count
    wrong = [each for each in asked.exclude if not 1 <= each <= first]
    if first > count or wrong:
        raise Invalid(
            Fault(
                source="--exclude" if wrong else "--first",
                path="",
                expected=f"samples 1 to {min(first, count)}",
                found=", ".join(map(str, wrong)) or str(first),
            )
        )
    part = (
        Counts(samples.counts[:first], samples.sizes[:first])
        if isinstance(samples, Counts)
        else Subgroups(samples.values[:first])
    )
    estimator = _choice("--estimator", asked.estimator, SigmaEstimator) if asked.estimator else None
    left_out = tuple(each - 1 for each in asked.exclude)
    return baseline_of(kind, part, estimator=estimator, excluded=left_out)


def _frozen(file: Path, kind: ChartKind) -> Baseline:
    try:
        baseline = from_json(read_bytes(file), Baseline)
    except msgspec.DecodeError as error:
        expected = "limits that --freeze has written"
        fault = Fault(source=str(file), path="", expected=expected, found=str(error))
        raise Invalid(fault) from error
    if baseline.kind is not kind:
        raise Invalid(
            Fault(
                source=str(file),
                path="$.kind",
                expected=f"limits of an {kind} chart",
                found=baseline.kind,
            )
        )
    return baseline


def _reply(found: Chart, names: Sequence[str]) -> ChartReply:
    signals = tuple(
        SignalReply(
            sample=each.point + 1,
            name=names[each.point],
            rule=each.rule,
            value=each.value,
            limit=each.limit,
        )
        for each in found.signals
    )
    return ChartReply(
        baseline=found.baseline,
        samples=tuple(names),
        points=_known(found.points),
        lower=_known(found.limits.lower),
        upper=_known(found.limits.upper),
        signals=signals,
    )


def _known(values: Floats) -> tuple[float | None, ...]:
    return tuple(each if np.isfinite(each) else None for each in values.tolist())


def _tell(reply: ChartReply, asked: ChartRequest) -> None:
    baseline = reply.baseline
    out = sys.stdout
    out.write(
        f"{baseline.kind} chart of {asked.values}: centre {baseline.center:.8g}, sigma "
        f"{baseline.sigma:.8g} ({baseline.estimator}) from {baseline.samples} samples\n"
    )
    limits = {pair for pair in zip(reply.lower, reply.upper, strict=True) if None not in pair}
    if len(limits) == 1:
        low, high = limits.pop()
        out.write(f"limits {low:.8g} to {high:.8g}\n")
    elif limits:
        out.write("limits differ with the size of the sample; --json lists them\n")
    if not reply.signals:
        out.write("In control: no point signals.\n")
        return
    rows = [
        (
            str(each.sample),
            each.name,
            each.rule,
            f"{each.value:.8g}",
            "" if each.limit is None else f"{each.limit:.8g}",
        )
        for each in reply.signals
    ]
    _print(("sample", "name", "rule", "value", "limit"), rows, numeric=(0, 3, 4))


def capability(
    file: Path,
    values: str,
    group: str,
    tolerance: Tolerance,
    estimator: str,
    confidence: float,
    *,
    as_json: bool,
) -> ExitCode:
    """Print the indices of capability with their intervals."""
    table = read_columns(file)
    numbers = table.numbers(values, "--values")
    if group:
        _, samples = _grouped(table.text(group, "--group"), numbers, str(file))
    else:
        samples = subgroups_of(numbers, str(file))
    usual = SigmaEstimator.RANGE if group else SigmaEstimator.MOVING_RANGE
    chosen = _choice("--estimator", estimator, SigmaEstimator) if estimator else usual
    found = capability_of(samples, tolerance, estimator=chosen, confidence=confidence)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        _tell_capability(found)
    return ExitCode.FINE


def _tell_capability(found: Capability) -> None:
    def row(name: str, index: Index) -> tuple[str, ...]:
        return name, *(
            "unknown" if np.isnan(each) else f"{each:.3f}"
            for each in (index.value, index.low, index.high)
        )

    indices = ("cp", "cpk", "pp", "ppk", "cpm")
    rows = [row(name.capitalize(), getattr(found, name)) for name in indices]
    sys.stdout.write(
        f"{found.count} values, mean {found.mean:.8g}, sigma within {found.sigma_within:.8g} "
        f"({found.estimator}), overall {found.sigma_overall:.8g}\n"
    )
    _print(("index", "value", f"{found.confidence:.0%} from", "to"), rows, numeric=(1, 2, 3))
    sys.stdout.write(
        f"beyond the tolerance: {found.outside_observed:.2%} seen, "
        f"{found.outside_expected:.2g} expected of a normal distribution\n"
    )
    if found.in_doubt:
        sys.stdout.write(f"In doubt: {found.in_doubt}.\n")


def gauge(
    file: Path, values: str, part: str, appraiser: str, method: str, *, as_json: bool
) -> ExitCode:
    """Print a study of repeatability and reproducibility."""
    methods = {"anova": study_by_variance, "ranges": study_by_ranges}
    if method not in methods:
        raise _unknown("--method", method, methods)
    table = read_columns(file)
    parts, people = table.text(part, "--part"), table.text(appraiser, "--appraiser")
    cells: dict[tuple[str, str], list[float]] = {}
    for key, value in zip(
        zip(parts, people, strict=True), table.numbers(values, "--values"), strict=True
    ):
        cells.setdefault(key, []).append(value)
    rows, columns = list(dict.fromkeys(parts)), list(dict.fromkeys(people))
    trials = max(map(len, cells.values()))
    measured = np.full((len(rows), len(columns), trials), np.nan)
    for (row, column), found in cells.items():
        measured[rows.index(row), columns.index(column), : len(found)] = found
    study = methods[method](measured)
    if as_json:
        sys.stdout.write(to_json_pretty(study).decode())
    else:
        _tell_study(study)
    return ExitCode.FINE


def _tell_study(study: GaugeStudy) -> None:
    named = {
        "repeatability (EV)": study.equipment,
        "reproducibility (AV)": study.appraiser,
        "gauge (GRR)": study.gauge,
        "parts (PV)": study.part,
        "total (TV)": study.total,
    }
    rows = [
        (name, f"{value:.5g}", f"{100 * value / study.total:.1f} %" if study.total else "unknown")
        for name, value in named.items()
    ]
    _print(("source", "sigma", "of total"), rows, numeric=(1, 2))
    sys.stdout.write(f"The gauge tells {study.categories} classes apart.\n")


def _print(
    heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, numeric: tuple[int, ...]
) -> None:
    table = Table(caption="", heads=heads, rows=tuple(rows), numeric=numeric)
    Console(highlight=False).print(grid_of(table))


def _choice(option: str, text: str, kinds: type[Kind]) -> Kind:
    try:
        return kinds(text)
    except ValueError:
        raise _unknown(option, text, [str(each) for each in kinds]) from None


def _unknown(option: str, text: str, known: Iterable[str]) -> Invalid:
    expected = "one of " + ", ".join(known)
    return Invalid(Fault(source=option, path="", expected=expected, found=f"'{text}'"))


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fault = Fault(source=str(file), path="", expected="a file to write to", found=reason)
        raise Invalid(fault) from error
