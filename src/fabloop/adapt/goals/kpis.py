"""KPIs over days, weeks and months: counted as goals are decided, judged at the end or before."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from fabloop.adapt.goals.reasons import of_kpi
from fabloop.adapt.goals.tracks import SPANS_MAX, Bucket, Contribution, Memory, Standing
from fabloop.base.instant import Instant
from fabloop.base.period import instant_in, local_in
from fabloop.model.explanation import GoalCode
from fabloop.model.goal import CalendarSpan, Count, GoalStatus, Kpi, Relation, Share

CALM = 0.2
"""Part of the way from the limit to the best that a figure must have come back to be calm."""


def span_at(at: Instant, over: CalendarSpan, zone: ZoneInfo) -> tuple[Instant, Instant]:
    """Return the day, ISO week or month of the zone's calendar in which an instant lies."""
    midnight = local_in(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = midnight, midnight + timedelta(days=1)
    if over is CalendarSpan.WEEK:
        start = midnight - timedelta(days=midnight.weekday())
        end = start + timedelta(days=7)
    elif over is CalendarSpan.MONTH:
        start = midnight.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
    return instant_in(start, zone), instant_in(end, zone)


def name_of(start: Instant, over: CalendarSpan, zone: ZoneInfo) -> str:
    """Return a span as people name it: ``2026-11-23``, ``2026-W48``, ``2026-11``."""
    local = local_in(start, zone)
    match over:
        case CalendarSpan.DAY:
            return f"{local:%Y-%m-%d}"
        case CalendarSpan.WEEK:
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02}"
        case CalendarSpan.MONTH:
            return f"{local:%Y-%m}"


def bucket_at(memory: Memory, kpi: Kpi, at: Instant, zone: ZoneInfo) -> Bucket:
    """Return the span of a KPI in which an instant lies; the oldest make room for new ones."""
    found = memory.buckets.setdefault(kpi.id, {})
    latest = next(reversed(found.values()), None)
    if latest is not None and latest.start <= at < latest.end:
        return latest
    start, end = span_at(at, kpi.over, zone)
    if start not in found:
        found[start] = Bucket(start=start, end=end)
        if len(found) > SPANS_MAX:
            del found[min(found)]
    return found[start]


def put(bucket: Bucket, each: Contribution, sign: int) -> None:
    """Add what a subject contributes, or take it away (`sign` -1)."""
    bucket.met += sign * each.met
    bucket.violated += sign * each.violated
    bucket.open += sign * each.open
    bucket.lost = max(0.0, bucket.lost + sign * each.lost) if bucket.open else 0.0
    bucket.count += sign * each.count
    bucket.total_ns += sign * each.total_ns


def value_of(kpi: Kpi, bucket: Bucket) -> float | None:
    """Return the figure as it is by what is decided; None where nothing was counted."""
    match kpi.measure:
        case Share():
            decided = bucket.met + bucket.violated
            return bucket.met / decided if decided else None
        case Count():
            return float(bucket.count)
        case _:
            return bucket.total_ns / bucket.count / 1e9 if bucket.count else None


def ahead(kpi: Kpi, bucket: Bucket) -> float | None:
    """Return the figure to be expected when what is open and due in the span is decided."""
    if not isinstance(kpi.measure, Share):
        return value_of(kpi, bucket)
    whole = bucket.met + bucket.violated + bucket.open
    return (bucket.met + bucket.open - bucket.lost) / whole if whole else None


def holds(kpi: Kpi, value: float, slack: float = 0.0) -> bool:
    """Tell whether a figure stands to the limit as it should, by so much at least."""
    match kpi.relation:
        case Relation.AT_LEAST:
            return value >= kpi.limit + slack
        case Relation.AT_MOST:
            return value <= kpi.limit - slack
        case Relation.ABOVE:
            return value > kpi.limit + slack
        case Relation.BELOW:
            return value < kpi.limit - slack


def judge_bucket(kpi: Kpi, bucket: Bucket, now: Instant, name: str) -> Standing:
    """Return how a KPI stands over a span: decided at its end, or when nothing can change it."""
    before, value = bucket.standing, value_of(kpi, bucket)
    cases = bucket.met + bucket.violated + bucket.count
    over = now >= bucket.end
    limits_above = kpi.relation in (Relation.AT_MOST, Relation.BELOW)
    if value is None and (over or not bucket.open):
        return Standing(status=GoalStatus.IDLE, deadline=bucket.end)
    sure = over or isinstance(kpi.measure, Count)
    if value is not None and sure and (over or holds(kpi, value) is not limits_above):
        status = GoalStatus.MET if holds(kpi, value) else GoalStatus.VIOLATED
        code = GoalCode.MET if status is GoalStatus.MET else GoalCode.KPI_MISSED
        since = before.since if before.status is status else min(now, bucket.end)
        because = of_kpi(kpi, name, value, code, cases)
        return Standing(status=status, since=since, deadline=bucket.end, because=because)
    return _open(kpi, bucket, now, name, cases)


def _open(kpi: Kpi, bucket: Bucket, now: Instant, name: str, cases: int) -> Standing:
    before, value = bucket.standing, ahead(kpi, bucket)
    if value is None or (isinstance(kpi.measure, Count) and kpi.limit):
        return _still(GoalStatus.OPEN, before, now, bucket)
    best = 1.0 if kpi.relation in (Relation.AT_LEAST, Relation.ABOVE) else 0.0
    slack = 0.0
    if before.status is GoalStatus.ENDANGERED and isinstance(kpi.measure, Share):
        slack = abs(best - kpi.limit) * CALM
    if holds(kpi, value, slack):
        return _still(GoalStatus.OPEN, before, now, bucket)
    found = _still(GoalStatus.ENDANGERED, before, now, bucket)
    found.because = of_kpi(kpi, name, value, GoalCode.KPI_AT_RISK, cases + bucket.open)
    found.risk = 1.0
    return found


def _still(status: GoalStatus, before: Standing, now: Instant, bucket: Bucket) -> Standing:
    since = before.since if before.status is status else now
    return Standing(status=status, since=since, deadline=bucket.end)
