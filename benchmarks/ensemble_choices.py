"""Choices behind the hybrid: members, location, calibration, on companies nobody learnt from.

Quality, not speed; no limit, no peer but the variants. The "stop" companies of a panel of US stocks
(symbol, session, open, high, low, close; not part of this project), 1995 to 2004, with three years
of sessions before: edition and prior are those until 1994, taught by other companies. Nothing later
is read. Gains are in CRPS over each company's GJR-GARCH-t, mean of the companies in per cent; a
difference stands with its standard error, of the decisive test of the pooled series.

    python benchmarks/ensemble_choices.py PANEL.parquet [--write] [--workers N]

"tails of before" is the calibration that the hybrid had until commit f394e78, read from history.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import minimize

from nextclose.backtesting.walk_forward import Backtest
from nextclose.config import BacktestConfig, HybridConfig, RunConfig
from nextclose.data.sources.loading import load_bars
from nextclose.evaluation.hypothesis_tests.mean import decisive_test, relative_gain
from nextclose.execution.in_turn import silent
from nextclose.metrics import crps_slope, grid_crps, mean_grid_crps
from nextclose.models.hybrid.hybrid import mean_quantiles
from nextclose.models.hybrid.record import no_record, stretched
from nextclose.models.location import risk_premium
from nextclose.pretraining.companies import company_part
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at, resolved_outcomes
from nextclose.schema import HORIZONS, MEDIAN, Bars, Floats, Ints
from nextclose.studies import chosen_settings, study_of, walk_study

RESULT = Path(__file__).parent / "results" / "ensemble_choices.json"
TEST_FROM, END = date(1995, 1, 3), date(2004, 12, 31)
LEAST_SESSIONS = 750
MEMBERS = ("loghar", "lstm", "trees", "garch")
OLD_CODE, OLD_STEP = "f394e78", 0.01
PER_CENT = 100.0
COVERED = {50: (6, 16), 80: (3, 19), 90: (2, 20), 95: (1, 21)}  # places on the grid


@dataclass(frozen=True, kw_only=True)
class Issued:
    """What the members forecast in every tested fold: rows and grids in target units."""

    samples: Samples
    rows: tuple[Ints, ...]
    fitted_at: tuple[np.datetime64, ...]
    grids: Mapping[str, tuple[Floats, ...]]  # (row, horizon, level) of each fold

    def together(self, folds: tuple[Floats, ...]) -> Floats:
        """One array of all folds."""
        return np.concatenate(folds)


def stop_bars(panel: Path) -> Bars:
    """The stop companies' bars up to the end of 2004."""
    bars = load_bars(str(panel))
    frame = bars.frame.filter(pl.col("session") <= END)
    counts = frame.filter(pl.col("session") < TEST_FROM).group_by("symbol").len()
    long = counts.filter(pl.col("len") >= LEAST_SESSIONS)["symbol"].to_list()
    chosen = [name for name in long if company_part(name) == "stop"]
    return replace(bars, frame=frame.filter(pl.col("symbol").is_in(chosen)))


def issued_of(walked: Backtest) -> Issued:
    """The members' forecasts, rehearsals included, in order of fold."""
    study, issued = walked.study, walked.issued
    folds = study.folds
    return Issued(
        samples=study.samples,
        rows=tuple(fold.test_rows for fold in folds),
        fitted_at=tuple(fold.fitted_at for fold in folds),
        grids={name: tuple(issued[name, fold.index].grid for fold in folds) for name in MEMBERS},
    )


# --- variants: (row, horizon, level) of all folds ---


def members_of(issued: Issued) -> Iterator[tuple[str, Floats]]:
    """Fewer and more members, and weights learnt from earlier forecasts."""
    grids = {name: issued.together(folds) for name, folds in issued.grids.items()}
    for names in (
        ("loghar", "lstm"),
        ("loghar",),
        ("lstm",),
        ("trees",),
        ("loghar", "trees"),
        ("loghar", "lstm", "trees"),
        ("loghar", "lstm", "garch"),
    ):
        yield " + ".join(names), mean_quantiles(np.stack([grids[name] for name in names]))
    yield "loghar + lstm, learnt weights", np.concatenate([*_learnt(issued, ("loghar", "lstm"))])


def _learnt(issued: Issued, names: tuple[str, ...]) -> Iterator[Floats]:
    """Half equal weights, half those of least CRPS on all that had been issued and resolved."""
    for fold, fitted_at in enumerate(issued.fitted_at):
        now = np.stack([issued.grids[name][fold] for name in names])
        weights = np.full((len(HORIZONS), len(names)), 1.0 / len(names))
        if fold:
            rows = np.concatenate(issued.rows[:fold])
            before = np.stack([np.concatenate(issued.grids[name][:fold]) for name in names])
            target = known_at(issued.samples, fitted_at).target[rows]
            for k in range(len(HORIZONS)):
                known = np.isfinite(target[:, k]) & np.isfinite(before[:, :, k]).all(axis=(0, 2))
                weights[k] += _least_crps_weights(before[:, known, k], target[known, k])
                weights[k] /= 2.0
        yield np.einsum("km,mrkl->rkl", weights, now)


def _least_crps_weights(members: Floats, target: Floats) -> Floats:
    """The convex weights of least mean CRPS. `members`: (member, row, level)."""
    equal = np.full(len(members), 1.0 / len(members))
    unit = 1e-4 * mean_grid_crps(members.mean(axis=0), target)

    def loss(weights: Floats) -> tuple[float, Floats]:
        grid = np.tensordot(weights, members, axes=1)
        slope = crps_slope(grid, target)
        gradient = -np.tensordot(members, slope, axes=([1, 2], [0, 1])) / len(target)
        return mean_grid_crps(grid, target) / unit, gradient / unit

    rule = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(len(members))}
    bounds = [(0.0, 1.0)] * len(members)
    found = minimize(loss, equal, jac=True, method="SLSQP", bounds=bounds, constraints=rule)
    return np.asarray(np.clip(found.x, 0.0, 1.0) / np.clip(found.x, 0.0, 1.0).sum())


def locations_of(issued: Issued) -> Iterator[tuple[str, Floats]]:
    """Where the middle lies; the first is the hybrid's own."""
    rows = np.concatenate(issued.rows)
    grids = {name: issued.together(issued.grids[name]) for name in ("loghar", "lstm")}
    both = mean_quantiles(np.stack([*grids.values()]))
    around = both - both[:, :, MEDIAN : MEDIAN + 1]
    premium = risk_premium(issued.samples, rows)
    yield "price of risk .02, and what the network was taught", both
    yield "price of risk .02", around + premium[:, :, None]
    yield "price of risk .03", around + 1.5 * premium[:, :, None]
    yield "none", around
    yield "own mean", around + own_means(issued.samples, rows)[:, :, None]


def own_means(samples: Samples, rows: Ints) -> Floats:
    """Each symbol's mean outcome, of those that had resolved, in target units. (row, horizon)."""
    point = np.zeros((len(rows), len(samples.horizons)))
    for k in range(len(samples.horizons)):
        for past in resolved_outcomes(samples, rows, horizon=k):
            sums = np.append(0.0, np.cumsum(past.outcome))
            counts = past.n_resolved
            point[past.positions, k] = sums[counts] / np.maximum(counts, 1)
    return np.asarray(point / samples.unit(rows))


def calibrations_of(issued: Issued) -> Iterator[tuple[str, Floats]]:
    """The mean of both members: as it is, by each symbol's record, and by the tails of before."""
    raw = [
        mean_quantiles(np.stack([issued.grids[name][fold] for name in ("loghar", "lstm")]))
        for fold in range(len(issued.rows))
    ]
    yield "none", np.concatenate(raw)
    record, ours = no_record(len(HORIZONS)), []
    for rows, grid in zip(issued.rows, raw, strict=True):
        then = known_at(issued.samples, issued.samples.origin[rows].max())
        factors, record = record.moved(then, rows, grid)
        ours.append(stretched(grid, factors))
    yield "a factor by each symbol's record", np.concatenate(ours)
    yield "tails of before", np.concatenate([*_old_tails(issued, raw)])


def _old_tails(issued: Issued, raw: list[Floats]) -> Iterator[Floats]:
    """Adaptive tails as the hybrid had them, from the code of that time."""
    tails, conformal = (_module_of_before(name) for name in ("adaptive_tails", "conformal"))
    trackers = tails.no_trackers(len(HORIZONS))
    for fold, rows in enumerate(issued.rows):
        known = known_at(issued.samples, issued.fitted_at[fold])
        before = np.concatenate([np.empty(0, np.int64), *issued.rows[:fold]])
        calibration = conformal.learnt_calibration(
            np.concatenate([raw[0][:0], *raw[:fold]]),
            known.target[before],
            known.origin[before],
            horizons=known.horizons,
            trackers=trackers,
            step=OLD_STEP,
        )
        then = known_at(issued.samples, issued.samples.origin[rows].max())
        is_whole = np.isfinite(raw[fold]).all(axis=(1, 2))
        grid = raw[fold].copy()
        grid[is_whole], trackers = calibration.issued(then, rows[is_whole], raw[fold][is_whole])
        yield grid


def _module_of_before(name: str) -> Any:
    """A module of the hybrid as it stood at that commit."""
    path = f"src/nextclose/models/hybrid/{name}.py"
    command = ["git", "show", f"{OLD_CODE}:{path}"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    module = types.ModuleType(f"nextclose.models.hybrid.{name}")
    sys.modules[module.__name__] = module
    exec(compile(text, path, "exec"), module.__dict__)  # noqa: S102  our own, from history
    return module


# --- scores ---


def table(
    issued: Issued, variants: Iterator[tuple[str, Floats]], tested: Ints
) -> list[dict[str, Any]]:
    """A row for each variant and horizon; differences are to the first variant."""
    samples = issued.samples
    rows = np.concatenate(issued.rows)[tested]
    garch = losses(samples, rows, issued.together(issued.grids["garch"])[tested])
    first, found = None, []
    for name, grid in variants:
        loss = losses(samples, rows, grid[tested])
        first = loss if first is None else first
        for k, horizon in enumerate(samples.horizons):
            over = _test(loss[k], garch[k], horizon)
            row: dict[str, Any] = {"variant": name, "horizon": horizon}
            row |= {"gain_pct": round(over[0], 3), "se": round(over[1], 3)}
            if loss is not first:
                beside = _test(loss[k], first[k], horizon)
                row |= {"over_first_pct": round(beside[0], 3), "over_first_se": round(beside[1], 3)}
            found.append(row | coverage(samples, rows, grid[tested], k))
    return found


def losses(samples: Samples, rows: Ints, grid: Floats) -> list[Floats]:
    """CRPS by (origin, symbol) at each horizon, log returns; NaN where there is none."""
    days, place = np.unique(samples.origin[rows], return_inverse=True)
    symbol = samples.table.symbol[rows]
    panels = []
    for k in range(len(samples.horizons)):
        panel = np.full((len(days), len(samples.table.symbols)), np.nan)
        quantiles = grid[:, k] * samples.unit(rows)[:, k, None]
        panel[place, symbol] = grid_crps(quantiles, samples.outcome[rows, k])
        panels.append(panel)
    return panels


def _test(loss: Floats, reference: Floats, horizon: int) -> tuple[float, float]:
    """Gain in per cent and its standard error."""
    gain = relative_gain(loss, reference)
    test = decisive_test(gain, horizon_sessions=horizon, pooled=True)
    return PER_CENT * test.mean, PER_CENT * test.standard_error


def coverage(samples: Samples, rows: Ints, grid: Floats, k: int) -> dict[str, Any]:
    """Shares inside central ranges in per cent, 90 % by the worst year and the worst company."""
    target = samples.target[rows, k]
    known = np.isfinite(target) & np.isfinite(grid[:, k]).all(axis=1)
    inside = {
        level: (grid[known, k, low] <= target[known]) & (target[known] <= grid[known, k, high])
        for level, (low, high) in COVERED.items()
    }
    years = samples.origin[rows][known].astype("datetime64[Y]")
    companies = samples.table.symbol[rows][known]
    own = [inside[90][companies == company].mean() for company in np.unique(companies)]
    return {
        "coverage": [round(PER_CENT * float(each.mean()), 1) for each in inside.values()],
        "worst_year_90": round(
            PER_CENT * float(min(inside[90][years == year].mean() for year in np.unique(years))), 1
        ),
        "companies_90_sd": round(PER_CENT * float(np.std(own)), 2),
    }


def main() -> None:
    """Run once, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("panel", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    plan = BacktestConfig(test_from=TEST_FROM, models=(*MEMBERS, "hybrid"), horizons=HORIZONS)
    bars = stop_bars(given.panel)
    everyone = HybridConfig(members=MEMBERS)  # so that all forecast the rehearsals too
    settings, plugins = chosen_settings(RunConfig(backtest=plan, hybrid=everyone))
    study = study_of(bars, settings, plugins)
    issued = issued_of(walk_study(study, workers=given.workers, progress=silent))
    origins = issued.samples.origin[np.concatenate(issued.rows)]
    tested = np.flatnonzero(origins >= np.datetime64(TEST_FROM))
    result = {
        "bench": "ensemble_choices",
        "companies": len(bars.symbols),
        "test": [str(TEST_FROM), str(END)],
        "levels_pct": list(COVERED),
        "members": table(issued, members_of(issued), tested),
        "location": table(issued, locations_of(issued), tested),
        "calibration": table(issued, calibrations_of(issued), tested),
    }
    for name in ("members", "location", "calibration"):
        for row in result[name]:
            print(name, row)
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
