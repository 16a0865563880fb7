"""[shell] The yardsticks on what somebody else has forecast: the same symbols, days, horizons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from nextclose.backtesting.study import Study
from nextclose.config import RunConfig, with_sections
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.execution.in_turn import Progress
from nextclose.features.table import make_table
from nextclose.judging.keys import naive_rows, on_keys_of
from nextclose.judging.submission import Diagnosis
from nextclose.models.registry import COMPARED_WITH
from nextclose.samples.samples import make_samples
from nextclose.schema import Bars
from nextclose.studies import NONE, study_of, walk_study

YARDSTICKS = ("naive", "drift", "hs_250", "hs_expanding", "ewma", "garch", "lstm")


def missing_yardsticks(submitted: Mapping[str, str], yardsticks: Sequence[str]) -> tuple[str, ...]:
    """Yardsticks that have to be run: none beside a run of ours, which has its own."""
    if {*COMPARED_WITH} <= {*submitted}:
        return ()
    return tuple(name for name in ("naive", *yardsticks) if name not in submitted)


def with_yardsticks(
    frame: pl.DataFrame, bars: Bars, names: Sequence[str], *, workers: int, progress: Progress
) -> tuple[pl.DataFrame, Study, tuple[Diagnosis, ...]]:
    """The submissions with the yardsticks on the same keys, and the study of these.

    Where there is too little history before the forecasts, "no change" is all there is, and said.
    """
    names = tuple(dict.fromkeys(names))
    horizons = tuple(frame["horizon_sessions"].unique().sort().to_list())
    plan = {"horizons": horizons, "test_from": frame["origin"].min(), "models": names or ("naive",)}
    config = with_sections(RunConfig(), backtest=RunConfig().backtest.model_dump() | plan)
    if names:
        try:
            study = _study(frame, bars, config)
            walked = walk_study(study, workers=workers, progress=progress, memory=None)
        except (NotEnoughDataError, ConfigError) as error:
            lack = Diagnosis(
                name="no_yardsticks",
                model="",
                sentence="There is too little history before the first forecast to fit yardsticks: "
                f"only 'no change' is measured beside them ({error}).",
                is_grave=False,
            )
            return pl.concat([frame, naive_rows(frame)]), _bare_study(bars, config), (lack,)
        else:
            others = walked.forecasts.filter(pl.col("model") != "naive")
            del walked  # gigabytes, of a thousand symbols
            ran = on_keys_of(others, frame)
            parts = [frame, *([naive_rows(frame)] if "naive" in names else []), ran]
            silent_ones = [n for n in names if n not in {"naive", *ran["model"].unique()}]
            notes = tuple(
                Diagnosis(name="no_yardstick", model=name, is_grave=False,
                          sentence=f"{name} had too little history before the first forecast.")
                for name in silent_ones
            )  # fmt: skip
            return pl.concat(parts), study, notes
    return frame, _bare_study(bars, config), ()


def _study(frame: pl.DataFrame, bars: Bars, config: RunConfig) -> Study:
    """The yardsticks' study: tested on the submissions' origins alone, each that can be fitted."""
    last = frame.select(pl.max_horizontal("origin", "resolved").max()).item()
    known = replace(bars, frame=bars.frame.filter(pl.col("session") <= last))
    study = study_of(known, config, NONE)
    table, models = study.samples.table, study.config.backtest.models
    rows = pl.DataFrame({"symbol": np.array(table.symbols)[table.symbol], "origin": table.session})
    wanted = frame.select("symbol", "origin").unique().with_columns(pl.lit(True).alias("wanted"))
    is_wanted = (
        rows.join(wanted, on=["symbol", "origin"], how="left", maintain_order="left")["wanted"]
        .fill_null(False)
        .to_numpy()
    )
    plan = study.config.backtest.model_copy(update={"models": models[:1]})
    return replace(
        study,
        config=study.config.model_copy(update={"backtest": plan}),
        folds=tuple(fold.restricted(is_wanted) for fold in study.folds),
        yardsticks=models[1:],
    )


def _bare_study(bars: Bars, config: RunConfig) -> Study:
    """A study in which nothing is fitted."""
    samples = make_samples(make_table(bars), horizons=config.backtest.horizons)
    return Study(samples=samples, config=config, folds=())
