"""What goes wrong most often with forecasts of prices, found in their figures. Pure.

Thresholds are fixed, and such that an honest model meets none: `tests/judging/test_checks.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from nextclose.evaluation.verdict.comparison import is_short
from nextclose.evaluation.verdict.decision import SUSPICION_LATER, SUSPICION_SYMBOL
from nextclose.judging.bar_positions import Calendar
from nextclose.judging.submission import Diagnosis
from nextclose.metrics import direction_hits
from nextclose.schema import MEDIAN, QUANTILE_COLUMNS, Floats, Ints

LEAST = 100  # forecasts below which nothing is said
LAGS = 5  # sessions before the origin that a forecast may copy
COPIES = 0.8  # of the distance to the origin's close, from which on an older one is copied
AHEAD = 0.3  # correlation with what comes after the target
NARROW = 0.6  # coverage of the 90 % ranges below which they are of something else
SHRINKS = (-0.75, -0.25)  # slope of log width over log count: -0.5 for a confidence of a mean
SLOPE_GAIN = 0.05  # of direction between consecutive forecasts over that which counts


def diagnoses_of(scored: pl.DataFrame, calendar: Calendar) -> tuple[Diagnosis, ...]:
    """Everything that is suspicious about the forecasts of each model, by its shortest horizon.

    Expects: rows of `with_losses` of submissions alone.
    """
    parts = scored.filter(pl.col("target").is_not_null()).partition_by("model", maintain_order=True)
    return tuple(d for part in parts for d in _of_model(part, calendar))


def _of_model(frame: pl.DataFrame, calendar: Calendar) -> Iterator[Diagnosis]:
    shortest = frame["horizon_sessions"].min()
    frame = frame.filter(pl.col("horizon_sessions") == shortest).sort("symbol", "origin")
    if frame.height < LEAST:
        return
    at = frame.join(
        calendar.frame, left_on=["symbol", "origin"], right_on=["symbol", "session"], how="left",
        maintain_order="left",
    )["at"].to_numpy()  # fmt: skip
    yield from _lag(frame, at, calendar)
    yield from _ahead(frame, at, calendar)
    yield from _too_good(frame)
    yield from _ranges(frame)
    yield from _slopes(frame)


def _lag(frame: pl.DataFrame, at: Ints, calendar: Calendar) -> Iterator[Diagnosis]:
    """A copy of a price that was known: the last close, or an older one."""
    model, h = frame["model"][0], int(frame["horizon_sessions"][0])
    median, outcome = frame[QUANTILE_COLUMNS[MEDIAN]].to_numpy(), frame["target"].to_numpy()
    close = frame["close"].to_numpy()
    logs = np.log(close) + median
    distance = []
    for back in range(LAGS + 1):
        other = calendar.close_at(calendar.moved(at, -back))
        distance.append(float(np.nanmean(np.abs(logs - np.log(other)))))
    move = float(np.abs(outcome).mean())
    back = int(np.argmin(distance))
    with_level = _correlation(np.exp(logs), close)
    with_change = _correlation(median, outcome)
    points = bool(frame["point_only"].all())
    figures = {
        "sessions_back": float(back),
        "correlation_with_last_close": with_level,
        "correlation_with_change": with_change,
    }
    if back >= 1 and distance[back] < COPIES * distance[0] and distance[back] < move:
        yield Diagnosis(
            name="shifted",
            model=model,
            sentence=f"{model} lags behind: its forecasts are nearest to the close "
            f"{back + h} sessions before their target, {back} before the last one known. It copies "
            "old prices, or its dates are shifted.",
            figures=figures,
        )
    elif points and with_change < 2.0 / np.sqrt(frame.height) and distance[0] < move:
        yield Diagnosis(
            name="lag",
            model=model,
            sentence=f"{model} is yesterday's price: correlation with the last close "
            f"{with_level:.3f}, of the predicted with the actual change {with_change:.2f}.",
            figures=figures,
        )


def _ahead(frame: pl.DataFrame, at: Ints, calendar: Calendar) -> Iterator[Diagnosis]:
    """Forecasts that know the session after their target: dates are one too early."""
    model, h = frame["model"][0], int(frame["horizon_sessions"][0])
    later = calendar.close_at(calendar.moved(at, h + 1))
    target = calendar.close_at(calendar.moved(at, h))
    known = np.isfinite(later)
    median = frame[QUANTILE_COLUMNS[MEDIAN]].to_numpy()
    beyond = _correlation(median[known], np.log(later / target)[known])
    now = _correlation(median, frame["target"].to_numpy())
    # the sum of both moves for one that is right and a session late
    total = _correlation(median[known], np.log(later / frame["close"].to_numpy())[known])
    if known.sum() >= LEAST and beyond > max(AHEAD, 0.0) and total > now:
        yield Diagnosis(
            name="shifted_ahead",
            model=model,
            sentence=f"{model} fits the session after its target better than the target: "
            f"correlation {beyond:.2f} with the change that comes after. Its dates are one session "
            "too early, or it has read the future.",
            figures={"correlation_beyond": beyond, "correlation_with_change": now},
        )


def _too_good(frame: pl.DataFrame) -> Iterator[Diagnosis]:
    """Skill of a size that nobody has, by the limits of the verdict TOO GOOD."""
    ahead = int(frame["horizon_sessions"][0])
    limit = SUSPICION_SYMBOL if ahead == 1 else SUSPICION_LATER
    is_few = ahead > 1 and is_short(frame["origin"].n_unique(), horizon_sessions=ahead)
    if is_few or frame.height < limit.n_forecasts:
        return
    model, outcome = frame["model"][0], frame["target"].to_numpy()
    r2 = 1.0 - float(frame["squared_error"].sum() / (outcome**2).sum())
    hits = direction_hits(frame["call"].to_numpy(), outcome)
    rate, base = hits.hit_rate or 0.0, hits.base_rate or 1.0
    if r2 > limit.r2 or rate > base + limit.hit_over_base:
        yield Diagnosis(
            name="too_good",
            model=model,
            sentence=f"{model} is too good to be true: R2 of returns {r2:.2f}, "
            f"{100 * rate:.0f} % of directions right where always the same says "
            f"{100 * base:.0f} %. Look for a leak.",
            figures={"r2": r2, "hit_rate": rate, "base_rate": base},
        )  # fmt: skip


def _ranges(frame: pl.DataFrame) -> Iterator[Diagnosis]:
    """Ranges far too narrow: of the mean, not of what comes."""
    ranged = frame.filter(~pl.col("point_only"))
    if ranged.height < LEAST:
        return
    held = float(ranged["inside_90"].cast(pl.Float64).mean())  # type: ignore[arg-type]
    if held >= NARROW:
        return
    by_origin = ranged.group_by("origin").agg(pl.col("width_90_pct").mean()).sort("origin")
    width = by_origin["width_90_pct"].to_numpy()
    count = np.log(np.arange(1, len(width) + 1))
    slope = float(np.polyfit(count, np.log(np.maximum(width, 1e-12)), 1)[0])
    shrinks = SHRINKS[0] < slope < SHRINKS[1]
    why = " and they shrink with the root of the count" if shrinks else ""
    yield Diagnosis(
        name="ranges_of_the_mean",
        model=frame["model"][0],
        sentence=f"The 90 % ranges held {100 * held:.0f} % of what came{why}: they say how "
        "sure the mean is, not where a price may be.",
        figures={"coverage_90": held, "slope": slope},
    )


def _slopes(frame: pl.DataFrame) -> Iterator[Diagnosis]:
    """Direction between consecutive forecasts, where it flatters."""
    right = total = 0
    for part in frame.partition_by("symbol"):
        close = part["close"].to_numpy()
        forecast = close * np.exp(part[QUANTILE_COLUMNS[MEDIAN]].to_numpy())
        price = close * np.exp(part["target"].to_numpy())
        right += int(((np.diff(price) > 0) == (np.diff(forecast) > 0)).sum())
        total += max(len(close) - 1, 0)
    hits = direction_hits(frame["call"].to_numpy(), frame["target"].to_numpy())
    if total < LEAST or hits.hit_rate is None or hits.base_rate is None:
        return
    share = right / total
    gain = max(SLOPE_GAIN, 1.5 / np.sqrt(total))  # three standard errors of a share
    if share > max(hits.hit_rate, hits.base_rate) + gain:
        yield Diagnosis(
            name="consecutive_direction",
            model=frame["model"][0],
            sentence=f"Compared from one forecast to the next {100 * share:.0f} % of directions "
            f"look right; against the last known close, which is what one can act on, "
            f"{100 * hits.hit_rate:.0f} % are, where always the same says "
            f"{100 * hits.base_rate:.0f} %.",
            figures={"consecutive": share, "hit_rate": hits.hit_rate, "base_rate": hits.base_rate},
        )


def _correlation(one: Floats, other: Floats) -> float:
    if len(one) < 3 or np.std(one) < 1e-12 or np.std(other) < 1e-12:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
