"""What each part of the hybrid is worth: its forecasts beside those of its variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.evaluation.hypothesis_tests.mean import relative_gain
from nextclose.evaluation.scores.panel import Panel
from nextclose.evaluation.scores.scores import Scores
from nextclose.evaluation.verdict.comparison import overlap_test
from nextclose.evaluation.verdict.decision import INDISTINCT, POOLED_LEVEL
from nextclose.evaluation.verdict.pooled import confidence_set
from nextclose.evaluation.verdict.wording import brackets, opposite_interval
from nextclose.formatting import interval_text, p_value_text, percent, sessions
from nextclose.schema import Floats

HYBRID = "hybrid"
GARCH = "garch"
RAW = "raw"
WITHOUT_NEWS = "without news"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The hybrid's raw forecast against one variant of it, on the forecasts both have, all symbols.

    `crps_skill` is a fraction, 1 - hybrid / variant per symbol, then averaged: above 0 the variant
    lacks something. Tests are the decisive ones of pooled series; None: too few origins, or equal.
    """

    name: str
    forecasts: int
    origins: int
    crps_skill: float
    interval: tuple[float, float] | None  # 95 %
    p_better: float | None  # one-sided: the hybrid has the lower loss
    p_worse: float | None

    @property
    def is_beaten(self) -> bool:
        """Whether the hybrid is better, significantly and by more than prints as nothing."""
        p = self.p_better
        return p is not None and p <= POOLED_LEVEL and self.crps_skill > INDISTINCT


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCost:
    """The hybrid before ("raw") and after ("issued") its ranges were calibrated. Fractions.

    Means over the forecasts both have; the two ratios are averages of the symbols' own.
    """

    forecasts: int
    coverage_90_raw: float
    coverage_90_issued: float
    width_90_raw_pct: float  # % of price
    width_90_issued_pct: float
    width_ratio: float  # issued over raw
    crps_raw: float  # log return
    crps_issued: float
    crps_cost: float  # issued / raw - 1: above 0 calibration made the forecasts worse


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ablation:
    """One horizon: a row per variant, what calibration did, and what each member is worth."""

    horizon_sessions: int
    variants: tuple[Variant, ...]  # sorted by name
    garch: Variant | None  # the raw forecast against garch; None: it did not run
    raw_mcs_p: float | None  # as `Standing.mcs_p`, the raw forecast in the place of the issued one
    raw_in_confidence_set: bool | None
    calibration: CalibrationCost | None  # None: no issued forecast with a known outcome
    sentence: str  # what each member is worth; empty where none was left out

    def __repr__(self) -> str:
        return f"Ablation({self.sentence or sessions(self.horizon_sessions)!r})"


def ablations(ablation: pl.DataFrame, scores: Scores) -> tuple[Ablation, ...]:
    """What the hybrid's parts are worth, shortest horizon first; empty without its forecasts.

    Expects: `ablation` in ABLATION_SCHEMA, any row order, a null or NaN crps = not known yet;
        `scores` of the issued forecasts, of which the hybrid's own are read.
    """
    known = ablation.filter(pl.col("crps").is_finite())
    if known.is_empty() or HYBRID not in scores.frame["model"]:
        return ()
    figures = ("crps", "inside_90", "width_90_pct")
    columns = ("symbol", "origin", "horizon_sessions", "model", *figures)
    issued = scores.frame.select(columns).drop_nulls("inside_90")
    panels = {panel.horizon_sessions: panel for panel in scores.panels}
    return tuple(
        _at_horizon(
            known.filter(pl.col("horizon_sessions") == horizon),
            issued.filter(pl.col("horizon_sessions") == horizon),
            int(horizon),
            panels.get(int(horizon)),
        )
        for horizon in known["horizon_sessions"].unique().sort()
    )


def _at_horizon(
    known: pl.DataFrame, issued: pl.DataFrame, horizon: int, panel: Panel | None
) -> Ablation:
    raw = known.filter(pl.col("variant") == RAW)
    best_set = None
    if panel is not None and HYBRID in panel.models:
        best_set = confidence_set(_with_raw(panel, raw))
    mcs_p = best_set.p_values.get(HYBRID) if best_set else None
    garch = issued.filter(pl.col("model") == GARCH)
    parts = known.filter(pl.col("variant") != RAW).partition_by("variant", as_dict=True)
    shared = (variant_of(str(name), raw, part, horizon) for (name,), part in sorted(parts.items()))
    variants = tuple(variant for variant in shared if variant is not None)
    parts_left_out = [variant for variant in variants if variant.name != WITHOUT_NEWS]
    return Ablation(
        horizon_sessions=horizon,
        variants=variants,
        garch=variant_of(GARCH, raw, garch, horizon) if len(garch) else None,
        raw_mcs_p=mcs_p,
        raw_in_confidence_set=HYBRID in best_set.included
        if best_set and mcs_p is not None
        else None,
        calibration=_calibration(raw, issued.filter(pl.col("model") == HYBRID)),
        sentence=_sentence(parts_left_out, horizon) if parts_left_out else "",
    )


def _with_raw(panel: Panel, raw: pl.DataFrame) -> Panel:
    """The panel with the hybrid's CRPS as it was before calibration."""
    issued = panel.models[HYBRID]
    cells = (
        np.searchsorted(panel.origin, raw["origin"].to_numpy()),
        np.searchsorted(np.array(panel.symbols), raw["symbol"].to_numpy()),
    )
    crps = np.full(panel.target.shape, np.nan)
    crps[cells] = raw["crps"].to_numpy()
    before = replace(issued, figures={**issued.figures, "crps": crps})
    return replace(panel, models={**panel.models, HYBRID: before})


def variant_of(name: str, raw: pl.DataFrame, other: pl.DataFrame, horizon: int) -> Variant | None:
    """The raw losses beside those of a variant, of one horizon; None if they share no forecast."""
    both = _side_by_side(raw, other, ("crps",))
    gain = relative_gain(_grid(both, "crps"), _grid(both, "crps_right"))
    if not len(gain):
        return None
    test = overlap_test(gain, horizon_sessions=horizon, pooled=both["symbol"].n_unique() > 1)
    return Variant(
        name=name,
        forecasts=both.height,
        origins=both["origin"].n_unique(),
        crps_skill=float(gain.mean()),
        interval=test.interval() if test else None,
        p_better=test.p_better if test else None,
        p_worse=test.p_worse if test else None,
    )


def _calibration(raw: pl.DataFrame, issued: pl.DataFrame) -> CalibrationCost | None:
    both = _side_by_side(raw, issued, ("crps", "inside_90", "width_90_pct"))
    if not both.height:
        return None

    def mean(column: str) -> float:
        return float(both[column].cast(pl.Float64).to_numpy().mean())

    def ratio(column: str) -> float:
        gain = relative_gain(_grid(both, f"{column}_right"), _grid(both, column))
        return 1.0 - float(gain.mean())

    return CalibrationCost(
        forecasts=both.height,
        coverage_90_raw=mean("inside_90"),
        coverage_90_issued=mean("inside_90_right"),
        width_90_raw_pct=mean("width_90_pct"),
        width_90_issued_pct=mean("width_90_pct_right"),
        width_ratio=ratio("width_90_pct"),
        crps_raw=mean("crps"),
        crps_issued=mean("crps_right"),
        crps_cost=ratio("crps") - 1.0,
    )


def _side_by_side(
    left: pl.DataFrame, right: pl.DataFrame, figures: tuple[str, ...]
) -> pl.DataFrame:
    """The forecasts that both have, oldest first; the right one's figures end in `_right`."""
    key = ["symbol", "origin"]
    both = left.select(*key, *figures).join(right.select(*key, *figures), on=key, how="inner")
    return both.sort("origin", "symbol")


def _grid(frame: pl.DataFrame, column: str) -> Floats:
    """The column as (origin, symbol), NaN where there is no row."""
    origin, row = np.unique(frame["origin"].to_numpy(), return_inverse=True)
    symbol, place = np.unique(frame["symbol"].to_numpy(), return_inverse=True)
    values = np.full((len(origin), len(symbol)), np.nan)
    values[row, place] = frame[column].cast(pl.Float64).to_numpy()
    return values


def _sentence(left_out: Sequence[Variant], horizon: int) -> str:
    """What each member is worth, with the figures that say so."""
    parts = []
    for variant in left_out:
        gain, facts = difference_and_facts(variant, horizon)
        parts.append(f"{gain} than {variant.name}{facts}")
    worth = " and ".join(parts)
    return f"At {sessions(horizon)} the hybrid's ranges were, before calibration, {worth}."


def difference_and_facts(variant: Variant, horizon: int) -> tuple[str, str]:
    """How much better or worse the raw forecast was, and what that rests on, in brackets."""
    side, span, p = "better", variant.interval, variant.p_better
    if variant.crps_skill < 0:
        side, span, p = "worse", opposite_interval(variant.interval), variant.p_worse
    facts = brackets(
        interval_text(span),
        p_value_text(p, 1),
        f"{variant.forecasts:,} forecasts, about {variant.origins / horizon:,.0f} independent",
    )
    return f"{percent(abs(variant.crps_skill))} {side}", facts
