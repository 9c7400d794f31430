"""Questions that have a name, in SQL over the views of `Analyst`; values are parameters."""

from typing import Final

LATEST: Final = """
SELECT series, max(ns) AS ns, arg_max(value, ns) AS value, arg_max(quality, ns) AS quality
FROM (
  SELECT series, ns, coalesce(value, 'nan'::DOUBLE) AS value, quality
  FROM readings WHERE ns >= $since AND date >= CAST(make_timestamp_ns($since) AS DATE)
)
GROUP BY series ORDER BY series
"""

RANGE: Final = """
SELECT ns, value, quality FROM readings
WHERE series = $series AND ns >= $start AND ns < $end
  AND date BETWEEN CAST(make_timestamp_ns($start) AS DATE) AND CAST(make_timestamp_ns($end) AS DATE)
ORDER BY ns
"""

DOWNSAMPLE: Final = """
WITH mine AS MATERIALIZED (
  SELECT ns, value FROM readings
  WHERE series = $series AND ns >= $start - $look_back AND ns < $end
    AND date BETWEEN CAST(make_timestamp_ns($start - $look_back) AS DATE)
    AND CAST(make_timestamp_ns($end) AS DATE)
), edges AS (
  SELECT unnest(range($start, $end, $width)) AS ns
), held AS (
  SELECT edges.ns, mine.value, true AS is_edge FROM edges ASOF LEFT JOIN mine ON edges.ns >= mine.ns
  UNION ALL SELECT ns, value, false FROM mine WHERE ns >= $start
), lasting AS (
  SELECT ns, value, is_edge, ($start + (ns - $start) // $width * $width) AS start,
    lead(ns, 1, $end) OVER (ORDER BY ns, is_edge DESC) - ns AS ns_long
  FROM held
)
SELECT start,
  count(value) FILTER (NOT is_edge) AS count,
  count(*) FILTER (NOT is_edge AND value IS NULL) AS bad,
  min(value) FILTER (NOT is_edge) AS least,
  max(value) FILTER (NOT is_edge) AS greatest,
  arg_max(value, ns) FILTER (NOT is_edge AND value IS NOT NULL) AS last,
  sum(value * ns_long) / nullif(sum(ns_long) FILTER (value IS NOT NULL), 0) AS mean,
  coalesce(sum(ns_long) FILTER (value IS NOT NULL), 0)::BIGINT AS covered_ns
FROM lasting GROUP BY start ORDER BY start
"""

AS_OF: Final = """
WITH mine AS (
  SELECT ns, value, quality FROM readings
  WHERE series = $series AND ns >= list_min($times) - $oldest AND ns <= list_max($times)
    AND date BETWEEN CAST(make_timestamp_ns(list_min($times) - $oldest) AS DATE)
    AND CAST(make_timestamp_ns(list_max($times)) AS DATE)
), asked AS (SELECT unnest($times) AS at)
SELECT asked.at, mine.ns, mine.value, mine.quality
FROM asked ASOF LEFT JOIN mine ON asked.at >= mine.ns
ORDER BY asked.at
"""

TEMPLATES: Final = {"latest": LATEST, "range": RANGE, "downsample": DOWNSAMPLE, "as_of": AS_OF}
"""By name. ``latest`` looks at what was told since an instant: `Queries.latest` keeps them all."""

READING: Final = """
SELECT series, epoch_ns(time) AS ns,
  coalesce(value, scaled / pow(10::DOUBLE, exponent)) AS value, quality, date{more}
FROM read_parquet({paths}, hive_partitioning = true, hive_types_autocast = true)
"""
"""Readings of sealed files, as any engine reads them: a value is there, or is a scaled integer."""

HOT: Final = """
SELECT series, ns, CASE WHEN isnan(value) THEN NULL ELSE value END AS value, quality,
  CAST(make_timestamp_ns(ns) AS DATE) AS date, {rank} AS rank, arrival
FROM hot
"""

SETTLED: Final = """
SELECT series, ns, value, quality, date FROM ({rows})
QUALIFY row_number() OVER (PARTITION BY series, ns ORDER BY rank DESC, arrival DESC) = 1
"""
"""One row for each series and instant: the one that came last."""

MINUTES: Final = """
SELECT series, minute * 60000000000 AS start_ns, count(value)::INTEGER AS count,
  count(*)::INTEGER - count(value)::INTEGER AS bad, min(value) AS least, max(value) AS greatest,
  coalesce(sum(value), 0) AS total, arg_min(value, ns) AS first, arg_max(value, ns) AS last
FROM (SELECT *, ns // 60000000000 AS minute FROM readings {where})
GROUP BY series, minute
"""
"""Readings condensed to minutes, where no file with them is kept."""

ROLLED_UP: Final = """
SELECT series, epoch_ns(start) AS start_ns, count, bad, least, greatest, total, first, last
FROM read_parquet({paths})
"""

NAMED: Final = """
SELECT number AS series, source, address, name, work_unit, kind, dimension, unit, si_unit
FROM described
"""
