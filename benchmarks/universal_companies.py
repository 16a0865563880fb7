"""LSTM, log-HAR and their mean on companies that neither taught nor said when to stop, 2005 on.

Quality, not speed; no limit, no peer but the models beside it. What was taught beforehand ended in
2004: edition and prior. A panel of US stocks (symbol, session, open, high, low, close; not part of
this project) gives the test companies, each from its first year on.

    python benchmarks/universal_companies.py PANEL.parquet [--write] [--workers N]

`whole`: CRPS gain over each company's GJR-GARCH-t, mean of the companies in per cent, with its 90 %
interval, the share of companies that gain, coverage, by year and by volatility, and the mean of the
tenth of companies that gain least.
`cut`: the same network given only the last 60, 120 or 250 sessions of a company, every 21st origin,
against GARCH on all history, the historical simulation of as many sessions, and EWMA volatility of
as many with the shape of the companies' targets before 2005; "all": the same origins, uncut.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nextclose.config import BacktestConfig, RunConfig
from nextclose.data.sources.loading import load_bars
from nextclose.evaluation.hypothesis_tests.mean import decisive_test, relative_gain
from nextclose.evaluation.scores.panel import Panel
from nextclose.evaluation.verdict.periods import by_regime, by_year
from nextclose.features.table import make_table
from nextclose.features.universal import FAMILY
from nextclose.metrics import grid_crps
from nextclose.models.editions import newest_edition
from nextclose.models.lstm.editions import shipped_editions
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.pretraining.companies import company_part
from nextclose.run import Run, backtest
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import known_at
from nextclose.schema import HORIZONS, LEVELS, Bars, Floats, Ints

RESULT = Path(__file__).parent / "results" / "universal_companies.json"
TEST_FROM, ENDED = date(2005, 1, 3), np.datetime64("2005-01-03")
LENGTHS = (60, 120, 250)
MODELS = ("lstm", "loghar", "hybrid")
EVERY = 21  # origins of which one is asked of cut histories
PER_CENT = 100.0


def test_bars(panel: Path) -> Bars:
    """The test companies' bars, from a panel that is read as any user's file."""
    bars = load_bars(str(panel))
    chosen = [name for name in bars.symbols if company_part(name) == "test"]
    return replace(bars, frame=bars.frame.filter(pl.col("symbol").is_in(chosen)))


def gains(panel: Panel, model: str) -> dict[str, Any]:
    """The model against garch at one horizon, in per cent, and its 90 % coverage."""
    loss, garch = panel.models[model]["crps"], panel.models["garch"]["crps"]
    test = decisive_test(
        relative_gain(loss, garch), horizon_sessions=panel.horizon_sessions, pooled=True
    )
    both = np.isfinite(loss) & np.isfinite(garch)
    own = 1 - _means(loss, both) / _means(garch, both)
    return {
        "gain_pct": round(PER_CENT * test.mean, 3),
        "interval_pct": [round(PER_CENT * x, 3) for x in test.interval(0.90)],
        "t": round(test.statistic, 2),
        "better": int((own > 0).sum()),
        "companies": len(own),
        "worst_tenth_pct": round(PER_CENT * float(np.sort(own)[: len(own) // 10].mean()), 3),
        "coverage_90": round(float(np.nanmean(panel.models[model]["inside_90"])), 4),
    }


def whole(run: Run) -> list[dict[str, Any]]:
    """Gains of every model at every horizon, with those by year and by volatility."""
    slices = {"year": by_year(run.scores.panels), "volatility": by_regime(run.scores.panels)}
    rows = []
    for panel in run.scores.panels:
        for model in MODELS:
            parts = {
                title: {
                    row["slice"]: round(PER_CENT * row["crps_skill_vs_garch"], 3)
                    for row in frame.filter(
                        pl.col("model") == model,
                        pl.col("horizon_sessions") == panel.horizon_sessions,
                    ).iter_rows(named=True)
                }
                for title, frame in slices.items()
            }
            key = {"horizon": panel.horizon_sessions, "model": model}
            rows.append(key | gains(panel, model) | {"by": parts})
    return rows


def cut_rows(samples: Samples) -> Ints:
    """Every 21st origin from the test's first day on with 250 sessions before it."""
    rows = []
    for start, stop in samples.segments:
        own = np.arange(start + max(LENGTHS), stop)
        rows.append(own[samples.origin[own] >= ENDED][::EVERY])
    return np.concatenate(rows)


def cut(run: Run, fitted: FittedLstm) -> list[dict[str, Any]]:
    """The network given the last sessions of each company alone, against what else there is."""
    samples = make_samples(make_table(run.bars, families=(FAMILY,)))
    rows = cut_rows(samples)
    garch = _losses_at(run, samples, rows, "garch")
    everything = _losses_at(run, samples, rows, "lstm")
    found: list[dict[str, Any]] = []
    for k, horizon in enumerate(samples.horizons):
        known = np.isfinite(garch[:, k]) & np.isfinite(everything[:, k])
        company = samples.table.symbol[rows[known]]
        gain = 1 - _by_company(everything[known, k], company) / _by_company(
            garch[known, k], company
        )
        row = {"sessions": "all", "horizon": horizon, "forecasts": int(known.sum())}
        found.append(row | {"gain_over_garch_pct": round(PER_CENT * float(gain.mean()), 3)})
    for n in LENGTHS:
        losses, inside = cut_losses(run.bars, samples, rows, fitted, n_sessions=n)
        for k, horizon in enumerate(samples.horizons):
            known = np.isfinite(garch[:, k]) & np.isfinite(losses["lstm"][:, k])
            own = _by_company(losses["lstm"][known, k], samples.table.symbol[rows[known]])
            row = {"sessions": n, "horizon": horizon}
            for name, other in (("garch", garch), *losses.items()):
                if name != "lstm":
                    theirs = _by_company(other[known, k], samples.table.symbol[rows[known]])
                    row[f"gain_over_{name}_pct"] = round(
                        PER_CENT * float((1 - own / theirs).mean()), 3
                    )
            row["coverage_90"] = round(float(inside[known, k].mean()), 4)
            found.append(row | {"forecasts": int(known.sum())})
    return found


def cut_losses(
    bars: Bars, samples: Samples, rows: Ints, fitted: FittedLstm, *, n_sessions: int
) -> tuple[dict[str, Floats], Floats]:
    """CRPS (row, horizon) of forecasts that read `n_sessions` rows, and who was inside 90 %."""
    shape = ewma_shape(samples)
    grid = np.empty((len(rows), len(samples.horizons), len(LEVELS)))
    rivals = {"historical": np.full_like(grid, np.nan), "ewma": np.empty_like(grid)}
    starts = samples.segments[:, 0]
    for place, row in enumerate(rows):
        first = row - n_sessions + 1
        assert first >= starts[np.searchsorted(starts, row, side="right") - 1], "too short"
        own = _stretch(bars.frame, int(first), int(row) + 1)
        last = np.array([n_sessions - 1])
        grid[place] = fitted.quantiles(own, last)[0] * own.unit(last)[0][:, None]
        rivals["ewma"][place] = shape * own.unit(last)[0][:, None]
        for k in range(len(samples.horizons)):
            past = own.outcome[np.isfinite(own.outcome[:, k]), k]
            rivals["historical"][place, k] = np.quantile(past, LEVELS)
    outcome = samples.outcome[rows]
    losses = {name: grid_crps(each, outcome) for name, each in (("lstm", grid), *rivals.items())}
    inside = (outcome >= grid[..., 2]) & (outcome <= grid[..., -3])
    return losses, inside.astype(np.float64)


def _stretch(frame: pl.DataFrame, start: int, stop: int) -> Samples:
    """Samples of these rows alone, as if there were no others."""
    own = Bars(frame=frame.slice(start, stop - start))
    return make_samples(make_table(own, families=(FAMILY,)))


def ewma_shape(samples: Samples) -> Floats:
    """Quantiles of all companies' targets that resolved before the test. (horizon, level)."""
    before = known_at(samples, ENDED - np.timedelta64(1, "D"))
    return np.stack(
        [np.nanquantile(before.target[:, k], LEVELS) for k in range(len(samples.horizons))]
    )


def _losses_at(run: Run, samples: Samples, rows: Ints, model: str) -> Floats:
    """The model's CRPS at these rows, NaN where it has none. (row, horizon)."""
    losses = np.full((len(rows), len(samples.horizons)), np.nan)
    names = np.array(samples.table.symbols)[samples.table.symbol[rows]]
    for k, panel in enumerate(run.scores.panels):
        origin = np.searchsorted(panel.origin, samples.origin[rows])
        origin = np.minimum(origin, len(panel.origin) - 1)
        symbol = np.searchsorted(np.array(panel.symbols), names)
        is_there = panel.origin[origin] == samples.origin[rows]
        losses[is_there, k] = panel.models[model]["crps"][origin, symbol][is_there]
    return losses


def _means(values: Floats, known: Any) -> Floats:
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))


def _by_company(values: Floats, company: Ints) -> Floats:
    total = np.bincount(company, weights=values)
    n = np.bincount(company)
    return total[n > 0] / n[n > 0]


def main() -> None:
    """Run once, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("panel", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    bars = test_bars(given.panel)
    plan = BacktestConfig(test_from=TEST_FROM, models=MODELS, horizons=HORIZONS)
    run = backtest(bars, config=RunConfig(backtest=plan), workers=given.workers)
    edition = newest_edition(shipped_editions(), before=ENDED)
    assert edition is not None, "there is an edition until 2004"
    fitted = FittedLstm(edition=edition.until, networks=(edition.network,))
    whole_rows, cut_found = whole(run), cut(run, fitted)
    result = {
        "bench": "universal_companies",
        "edition": edition.until,
        "companies": len(bars.symbols),
        "test": [str(TEST_FROM), str(bars.frame["session"].max())],
        "whole": whole_rows,
        "cut": cut_found,
    }
    for row in whole_rows + cut_found:
        print({name: value for name, value in row.items() if name != "by"})
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
