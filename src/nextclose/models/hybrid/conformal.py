"""Ranges that hold what they promise: tails follow what past forecasts missed, with delay.

A forecast's score is (outcome - median) / half width, where the half width is that of the middle
70 % of the same forecast. The tails of a new forecast are the quantiles of past scores times its
own half width; at which level a quantile is read off adapts, for each symbol, horizon and side:
down when too few outcomes fell beyond it, up when too many did. The body is left as it was.

Everything is in units of the samples' targets, but for what waits from fold to fold: that is kept
in log returns, as the tail of a file has them long before it has a scale. Only tails adapt:
adapting all levels costs more score than calibration is worth (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nextclose.models.hybrid.adaptive_tails import (
    KNOTS,
    TAILS,
    Course,
    Trackers,
    advance,
    half_width,
    new_course,
    trackers_after,
)
from nextclose.models.mixture import HIGH_REACH, LOW_REACH, PROBABILITIES
from nextclose.samples.samples import Samples
from nextclose.schema import MEDIAN, Dates, Floats, Ints

MINIMUM_SCORES = 250  # resolved, before anything is adapted
SCORE_SESSIONS = 504  # two years: older scores tell of another market
SCORES_PER_SESSION = 300  # what a forecast's own tails are worth, in scores per session of horizon


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Quantiles of past scores, and the trackers as they stood when the fold began.

    `tails`: (horizon, side, knot), the lower side and the mirrored upper; `adapts`: (horizon,), 1
    where there were enough scores to learn them from.
    """

    step: float  # of a level, at one session ahead; over the horizon at others
    tails: Annotated[Floats, "float64 horizon side knot"]
    adapts: Annotated[Ints, "int64 horizon"]
    trackers: Trackers

    def __post_init__(self) -> None:
        """Raise ValueError unless both sides have all knots, and `adapts` is 0 or 1."""
        if self.tails.shape[1:] != (2, len(KNOTS)):
            raise ValueError(
                f"tails of shape {self.tails.shape}, not of 2 sides, {len(KNOTS)} knots"
            )
        if not np.isin(self.adapts, (0, 1)).all():
            raise ValueError("adapts is neither 0 nor 1")

    def issued(self, samples: Samples, rows: Ints, raw: Floats) -> tuple[Floats, Trackers]:
        """The forecasts at `rows` with adapted tails, and the trackers after the last of them.

        `raw` and the result are rising, (row, horizon, level), target units. Each row uses what had
        resolved by its own origin, the waiting forecasts of the trackers first.
        Expects: no NaN; rows sorted, all of a symbol that were forecast since the fold began.
        """
        grid = raw.copy()
        courses = [self._course(samples, rows, raw, k) for k in range(len(samples.horizons))]
        for k, course in enumerate(courses):
            inside = course.row >= 0
            grid[course.row[inside][:, None], k, TAILS] = course.thresholds[inside]
        return np.sort(grid, axis=2), trackers_after(courses)

    def _course(self, samples: Samples, rows: Ints, raw: Floats, k: int) -> Course:
        course = new_course(self.trackers, samples, rows, raw, k)
        if self.adapts[k]:
            advance(course, self.tails[k], step=self.step / samples.horizons[k])
        else:
            last = course.origin.max(axis=1, initial=-1, where=course.row >= 0)
            course.done = (course.resolved <= last[:, None]).sum(axis=1)
        return course


def learnt_calibration(
    raw: Floats,
    target: Floats,
    origin: Dates,
    *,
    horizons: Sequence[int],
    trackers: Trackers,
    step: float,
) -> Calibration:
    """Score quantiles of the resolved among recent forecasts, to go on from `trackers`.

    `raw`: (row, horizon, level); `target`: (row, horizon), NaN where not resolved by now; `origin`:
    (row,). The quantiles are blended with those that the forecasts themselves state, as overlapping
    scores at long horizons tell little of tails.
    Source: Gibbs & Candes (2021), Adaptive conformal inference under distribution shift, NeurIPS
        34; scores in units of the forecast's own width, sides apart.
    """
    days = np.unique(origin)
    recent = origin >= days[-min(SCORE_SESSIONS, len(days))] if len(days) else origin == origin
    tails = np.zeros((len(horizons), 2, len(KNOTS)))
    adapts = np.zeros(len(horizons), dtype=np.int64)
    for k, horizon in enumerate(horizons):
        known = recent & np.isfinite(target[:, k]) & (half_width(raw[:, k]) > 0)  # NaN: no
        n = int(known.sum())
        if n >= MINIMUM_SCORES:
            grid = standardised_grid(raw[known, k])
            score = (target[known, k] - raw[known, k, MEDIAN]) / half_width(raw[known, k])
            quantiles = np.stack([np.quantile(score, KNOTS), np.quantile(score, 1.0 - KNOTS)])
            share = n / (n + SCORES_PER_SESSION * horizon)
            tails[k] = share * quantiles + (1.0 - share) * stated_tails(grid.mean(axis=0))
            adapts[k] = 1
    return Calibration(step=step, tails=tails, adapts=adapts, trackers=trackers)


def standardised_grid(grid: Floats) -> Floats:
    """Quantiles less their median, in half widths. (row, level) -> (row, level)."""
    return np.asarray((grid - grid[:, MEDIAN, None]) / half_width(grid)[:, None])


def stated_tails(quantiles: Floats) -> Floats:
    """What quantiles (level,) say at the knots of both sides. Shape (side, knot).

    Linear between levels; beyond the outermost along the last segment.
    """
    low = quantiles[0] - LOW_REACH * (quantiles[1] - quantiles[0])
    high = quantiles[-1] + HIGH_REACH * (quantiles[-1] - quantiles[-2])
    whole = np.concatenate([[low], quantiles, [high]])
    sides = [np.interp(places, PROBABILITIES, whole) for places in (KNOTS, 1.0 - KNOTS)]
    return np.stack(sides)
