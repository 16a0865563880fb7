"""A made-up run: seeded random-walk prices and plausible forecasts that fill every section."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import polars as pl

from nextclose.data.inventory import symbol_summaries
from nextclose.metrics import INTERVALS
from nextclose.report.content import ReportContent, RunFacts
from nextclose.schema import FORECAST_SCHEMA, HORIZONS, LEVELS, QUANTILE_COLUMNS, Bars, Finding
from tests.report.frames import (
    make_ablation,
    make_curves,
    make_importance,
    make_slices,
)
from tests.report.verdict_rows import verdict_row

Z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
# model -> (width of its ranges against the truth, daily drift); classic is a point far off
MODELS = {
    "hybrid": (1.0, 0.0002),
    "lstm": (1.01, 0.0002),
    "trees": (1.02, 0.0002),
    "garch": (1.04, 0.0),
    "naive": (0.0, 0.0),
    "drift": (1.05, 0.0004),
    "hs_250": (0.92, 0.0003),
    "hs_expanding": (1.12, 0.0003),
    "ewma": (0.98, 0.0),
    "classic": (0.0, -0.02),
}
RUN = RunFacts(
    command="nextclose backtest sample --out run",
    config="[lstm]\neditions = []\n\n[backtest]\nrefit_sessions = 252\n",
    versions={"nextclose": "0.1.0", "numpy": "2.4.6", "polars": "2.1.0", "torch": "2.13.0"},
    data_fingerprint="9f2c" * 16,
    config_hash="5e1f" * 16,
)


def sessions(n: int) -> list[date]:
    """The first `n` weekdays from 2008-01-02 on."""
    days = (date(2008, 1, 2) + timedelta(days=k) for k in range(2 * n))
    return [day for day in days if day.weekday() < 5][:n]


def make_bars(symbols, *, n_sessions, seed=0):
    rng = np.random.default_rng(seed)
    days = sessions(n_sessions)
    frames = []
    for k, symbol in enumerate(symbols):
        swing = 0.012 * np.exp(0.5 * np.sin(np.arange(n_sessions) / 90 + k))
        close = 40.0 * (k + 1) * np.exp(np.cumsum(swing * rng.standard_normal(n_sessions)))
        opened = close * np.exp(0.4 * swing * rng.standard_normal(n_sessions))
        up = np.abs(0.5 * swing * rng.standard_normal(n_sessions))
        down = np.abs(0.5 * swing * rng.standard_normal(n_sessions))
        frames.append(
            pl.DataFrame(
                {
                    "symbol": symbol,
                    "session": days,
                    "open": opened,
                    "high": np.maximum(opened, close) * np.exp(up),
                    "low": np.minimum(opened, close) * np.exp(-down),
                    "close": close,
                    "volume": np.full(n_sessions, 1e6),
                }
            )
        )
    return pl.concat(frames)


def make_forecasts(bars, *, n_origins, models=tuple(MODELS), horizons=HORIZONS):
    """Forecasts from each of the last `n_origins` sessions; targets past the last bar are null."""
    frames = []
    for (symbol,), rows in bars.group_by("symbol", maintain_order=True):
        close = rows["close"].to_numpy()
        log_close = np.log(close)
        n = len(close)
        sigma = np.full(n, 0.015)
        step = np.diff(log_close) ** 2
        for i in range(1, n):
            sigma[i] = np.sqrt(0.94 * sigma[i - 1] ** 2 + 0.06 * step[i - 1])
        origin = np.arange(n - n_origins, n)
        days = rows["session"]
        for h in horizons:
            known = origin + h < n
            end = np.minimum(origin + h, n - 1)
            target = np.where(known, log_close[end] - log_close[origin], np.nan)
            for model in models:
                width, drift = MODELS[model]
                quantile = (
                    drift * h + width * sigma[origin, None] * np.sqrt(h) * Z
                )  # (origin, level)
                frames.append(
                    pl.DataFrame(
                        {
                            "symbol": symbol,
                            "origin": days.gather(origin),
                            "horizon_sessions": h,
                            "model": model,
                            "fold": (origin - origin[0]) // 252,
                            "resolved": days.gather(end),
                            "close": close[origin],
                            "target": pl.Series(target).fill_nan(None),
                            **{name: quantile[:, j] for j, name in enumerate(QUANTILE_COLUMNS)},
                        }
                    )
                    .with_columns(resolved=pl.when(pl.col("target").is_not_null()).then("resolved"))
                    .select(pl.col(c).cast(t) for c, t in FORECAST_SCHEMA.items())
                )
    return pl.concat(frames)


def make_content(
    symbols=("AAPL", "FB", "GOOG", "IBM", "MSFT"),
    *,
    n_sessions=700,
    n_origins=500,
    models=tuple(MODELS),
    horizons=HORIZONS,
    **changes,
):
    """A full content; `changes` replace fields of it."""
    rng = np.random.default_rng(1)
    bars = make_bars(symbols, n_sessions=n_sessions)
    spread = [m for m in models if MODELS[m][0] > 0]
    pairs = [(m, h) for h in horizons for m in spread]
    days = sessions(n_sessions)[-n_origins::5]
    bins = rng.dirichlet(np.full(20, 300.0), size=len(pairs))
    fields = {
        "headline": "hybrid",
        "lead_sentence": "hybrid leads: it was made to.",
        "verdicts": tuple(
            verdict_row(s, h, m, rng)
            for s in ("*", *symbols)
            for h in horizons
            for m in models
            if m != "classic" or s in ("*", symbols[0])  # it ran on one symbol, for one year
        ),
        "bars": bars,
        "forecasts": make_forecasts(bars, n_origins=n_origins, models=models, horizons=horizons),
        "coverage": pl.DataFrame(
            [
                {
                    "horizon_sessions": h,
                    "model": m,
                    "nominal": level,
                    "realised": level + d,
                    "standard_error": 0.004 * h**0.5,
                    "forecasts": 1260,
                }
                for m, h in pairs
                for level, d in zip(sorted(INTERVALS), rng.normal(0, 0.008, 11), strict=True)
            ]
        ),
        "rolling": pl.DataFrame(
            [
                {"horizon_sessions": h, "model": m, "origin": day, "coverage_90": value}
                for m, h in pairs
                for day, value in zip(
                    days, 0.9 - np.abs(np.cumsum(rng.normal(0, 0.006, len(days)))), strict=True
                )
            ]
        ),
        "pit": pl.DataFrame(
            [
                {
                    "horizon_sessions": h,
                    "model": m,
                    "low": k / 20,
                    "high": (k + 1) / 20,
                    "count": round(6300 * float(bins[i, k])),
                    "expected": 315.0,
                }
                for i, (m, h) in enumerate(pairs)
                for k in range(20)
            ]
        ),
        "by_year": make_slices(rng, pairs, [str(year) for year in range(2008, 2014)]),
        "by_regime": make_slices(rng, pairs, ["calm", "normal", "stormy"]),
        "curves": make_curves(rng),
        "tutorial": pl.DataFrame(
            [
                {"horizon_sessions": h, "metric": metric, "classic": c, "naive": n}
                for h in horizons
                for metric, c, n in (
                    ("mse", 214.0 * h, 3.1 * h),
                    ("mae", 11.9 * h**0.5, 1.3 * h**0.5),
                    ("mape_pct", 14.2, 1.55 * h**0.5),
                    ("r2", 0.21, 0.98),
                    ("consecutive_direction", 0.617, 0.505),
                    ("direction", 0.49, 0.524),
                )
            ]
        )
        if "classic" in models
        else pl.DataFrame(),
        "ablation": tuple(make_ablation(h) for h in horizons),
        "importance": make_importance(horizons),
        "basis": "adjusted",
        "summaries": symbol_summaries(Bars(frame=bars, exchanges=dict.fromkeys(symbols, "XNYS"))),
        "policies": {"unfinished": "drop"},
        "findings": (
            Finding(
                number=52,
                response="W",
                found="no trade for 3 sessions",
                rule="gaps are kept, no price is invented",
                path="prices.csv",
                row=1043,
                symbol=symbols[0],
                session="2009-03-04",
                count=4,
            ),
            Finding(
                number=42,
                response="R",
                found="rows newest first",
                rule="oldest first",
                path="b.csv",
            ),
            Finding(
                number=66,
                response="W",
                found="312 sessions, 520 needed",
                rule="a symbol with too little history gets no forecast",
                symbol="XYZ",
            ),
        ),
        "run": RUN,
        "network": "Layer              Parameters\nlstm_1 (LSTM)          87,040"
        if "classic" in models
        else "",
    }
    return ReportContent(**(fields | changes))
