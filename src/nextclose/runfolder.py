"""[shell] The run folder: settings, forecasts, verdict, report and figures of a backtest."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomli_w

from nextclose.config import RunConfig
from nextclose.data.catalogue import Issue
from nextclose.data.finding_counts import policies_in_force
from nextclose.data.inventory import symbol_summaries
from nextclose.durable import save
from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.breakdowns.calibration import (
    coverage_by_level,
    pit_histogram,
    rolling_coverage,
)
from nextclose.evaluation.breakdowns.tutorial import tutorial_metrics
from nextclose.evaluation.verdict.periods import by_regime, by_year
from nextclose.models.classic.network import network_table
from nextclose.models.trees.trees import FittedTrees
from nextclose.report.exports import json_text
from nextclose.report.page import ReportContent, RunFacts, figure_files, render_page
from nextclose.run import Run, run_facts, versions

CLASSIC = "classic"
PRIOR_UNTIL = np.datetime64("2004-12-31")  # models/loghar/prior.py
ALL_SYMBOLS = "all symbols"  # in the names of the trees' curves
HEADLINES = (
    *("hybrid", "lstm", "trees", "loghar", "garch", "har", "ewma"),
    *("drift", "hs_expanding", "hs_250", CLASSIC, "naive"),
)
IMPORTANCE_SCHEMA = {"horizon_sessions": pl.Int32, "feature": pl.String, "share": pl.Float64}
CURVE_SCHEMA = {
    "model": pl.String,
    "label": pl.String,
    "seed": pl.Int64,
    "epoch": pl.Int64,
    "train": pl.Float64,
    "valid": pl.Float64,
    "kept": pl.Boolean,
}


def start_run(folder: Path, config: RunConfig) -> None:
    """Write the settings: a folder that cannot be written to is found before the work, not after.

    Raises: OutputError.
    """
    save(folder / "config.toml", effective_toml(config).encode())


def write_run(run: Run, folder: Path, *, command: str, figures: bool = True) -> None:
    """Write everything a run leaves behind into `folder`; `command` is what the report quotes.

    Raises: OutputError if a file cannot be written.
    """
    content = report_content(run, command=command)
    start_run(folder, run.config)
    save(folder / "forecasts.parquet", _parquet(run.forecasts))
    save(folder / "verdict.json", json_text(run.document, what="verdict.json", indent=1).encode())
    save(folder / "report.html", render_page(content).encode())
    for name, picture in figure_files(content).items() if figures else ():
        save(folder / "figures" / name, picture)


def effective_toml(config: RunConfig) -> str:
    """All settings in force as TOML; settings that are None have no line."""
    return tomli_w.dumps(_without_none(config.model_dump()))


def report_content(run: Run, *, command: str) -> ReportContent:
    """Every number and frame the report shows, from the stages that compute them."""
    forecasts = run.forecasts
    short = {
        finding.symbol: finding.found
        for finding in run.bars.findings
        if finding.number == Issue.SHORT_HISTORY
    }
    return ReportContent(
        headline=headline(run),
        verdicts=run.verdict,
        bars=run.bars.frame,
        forecasts=forecasts,
        coverage=coverage_by_level(forecasts),
        rolling=rolling_coverage(forecasts),
        pit=pit_histogram(forecasts),
        by_year=by_year(forecasts),
        by_regime=by_regime(forecasts),
        curves=learning_curves(run),
        tutorial=tutorial_table(forecasts),
        ablation=run.ablation,
        weights=run.backtest.weights,
        news=run.news,
        importance=tree_importance(run),
        network=network_table() if CLASSIC in run.config.backtest.models else "",
        basis=run.bars.basis,
        holdings=symbol_summaries(run.bars),
        policies=policies_in_force(run.config.data),
        findings=run.bars.findings,
        left_out=short,
        run=RunFacts(
            command=command,
            config=effective_toml(run.config),
            versions=versions(),
            seeds=tuple(range(run.config.lstm.n_seeds)),
            data_fingerprint=run.bars.fingerprint,
            other={
                "Settings hash": str(run_facts(run)["config_hash"]),
                **seen_through_the_prior(run),
                **used_corrections(run),
            },
        ),
    )


def seen_through_the_prior(run: Run) -> dict[str, str]:
    """A warning where folds lie in the years from which the prior of log-HAR is."""
    fitted_at = [fold.fitted_at for fold in run.backtest.study.folds]
    n_seen = sum(bool(one <= PRIOR_UNTIL) for one in fitted_at)
    if not n_seen:
        return {}
    return {
        "Prior of loghar": f"it has seen the years up to {PRIOR_UNTIL}, {n_seen} of "
        f"{len(fitted_at)} refits lie in them, rehearsals included"
    }


def headline(run: Run) -> str:
    """The model the report is about: the first of `HEADLINES` that ran."""
    return next(name for name in HEADLINES if name in run.config.backtest.models)


def used_corrections(run: Run) -> dict[str, str]:
    """How much of what the LSTM's networks learnt their validation years supported, in words."""
    shares = [
        np.asarray(fitted.state().arrays["shares"])
        for (model, _), members in run.backtest.fits.items()
        for fitted in members
        if model == "lstm"
    ]
    if not shares:
        return {}
    mean = np.concatenate(shares).mean(axis=0)  # (horizon, correction)
    return {
        f"LSTM corrections used, {horizon} ahead": f"direction {shift:.0%}, size {width:.0%}"
        for horizon, (shift, width, _) in zip(run.config.backtest.horizons, mean, strict=True)
    }


def tree_importance(run: Run) -> pl.DataFrame:
    """Share of each feature in what the trees add, in `IMPORTANCE_SCHEMA`: the mean of all refits.

    Refits that kept no tree at a horizon have no shares there and do not count.
    """
    found = [
        fitted.importance
        for (model, _), members in run.backtest.fits.items()
        for fitted in members
        if model == "trees" and isinstance(fitted, FittedTrees)
    ]
    if not found:
        return pl.DataFrame(schema=IMPORTANCE_SCHEMA)
    features = list(found[0])
    shares = np.array([list(one.values()) for one in found])  # (refit, feature, horizon)
    rows: list[tuple[int, str, float]] = []
    for k, horizon in enumerate(run.config.backtest.horizons):
        grown = shares[shares[:, :, k].sum(axis=1) > 0, :, k]
        if len(grown):
            rows += [(horizon, *pair) for pair in zip(features, grown.mean(axis=0), strict=True)]
    return pl.DataFrame(rows, schema=IMPORTANCE_SCHEMA, orient="row")


def learning_curves(run: Run) -> pl.DataFrame:
    """Losses by epoch or tree of every fit that has them, with the place of what was kept.

    Oldest refit first: a report shows the last ones.
    """
    rows: list[tuple[Any, ...]] = []
    folds = run.backtest.study.folds
    for (model, fold), members in sorted(run.backtest.fits.items()):
        for seed, fitted in enumerate(members):
            curves = dict(fitted.curves)
            # the tutorial's network says nothing before its first epoch
            first = 1 if model == CLASSIC else 0
            for whose, train, valid in _pairs(curves):
                title = f"{whose}fitted {folds[fold].fitted_at}"
                label = title[0].upper() + title[1:]
                best = first + kept(curves, valid)
                rows += [
                    (model, label, seed, epoch, *losses, epoch == best)
                    for epoch, losses in enumerate(zip(train, valid, strict=True), first)
                ]
    return pl.DataFrame(rows, schema=CURVE_SCHEMA, orient="row")


def kept(curves: dict[str, Any], valid: list[float]) -> int:
    """Position of what was kept: the LSTM's epoch by gain, all else by its validation loss."""
    if "usable_gain" in curves:
        return int(np.argmax(curves["usable_gain"]))
    return int(np.argmin(valid))


def tutorial_table(forecasts: pl.DataFrame) -> pl.DataFrame:
    """The tutorial's five numbers of `classic` beside naive's on the same origins, by horizon.

    Of the first symbol it was run on: prices of different symbols have no common error.
    """
    rows = []
    classic = forecasts.filter(pl.col("model") == CLASSIC)
    first = classic.filter(pl.col("symbol") == pl.col("symbol").min())
    for part in first.partition_by("horizon_sessions", maintain_order=True):
        try:
            found = tutorial_metrics(part)
        except NotEnoughDataError:
            continue
        ours, naive, hits = found.model_numbers, found.naive_numbers, found.hits
        for metric in ("mse", "mae", "mape_pct", "r2"):
            rows.append(
                (found.horizon_sessions, metric, getattr(ours, metric), getattr(naive, metric))
            )
        slopes = (ours.consecutive_direction, naive.consecutive_direction)
        rows.append((found.horizon_sessions, "consecutive_direction", *slopes))
        rows.append((found.horizon_sessions, "direction", hits.hit_rate, hits.base_rate))
    schema = {
        "horizon_sessions": pl.Int32,
        "metric": pl.String,
        "classic": pl.Float64,
        "naive": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _pairs(curves: dict[str, Any]) -> Iterator[tuple[str, list[float], list[float]]]:
    """Training and validation losses that belong together: whose they are, and both curves."""
    if curves.get("train_crps"):
        yield "", list(curves["train_crps"]), list(curves["valid_crps"])
    keys = (name.removesuffix("/loss") for name in curves if name.endswith("/loss"))
    parts = ((*key.rpartition("/")[::2], key) for key in keys)
    for symbol, horizon, key in sorted(parts, key=lambda part: (part[0], int(part[1]))):
        sessions = "session" if horizon == "1" else "sessions"
        whose = "" if symbol == ALL_SYMBOLS else f"{symbol}, "
        losses = list(curves[f"{key}/loss"]), list(curves[f"{key}/val_loss"])
        yield f"{whose}{horizon} {sessions}, ", *losses


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
