"""Worlds in which a bundle is updated, with what a backtest fitted on the same day forecasts."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from nextclose.backtesting.walk_forward import backtest
from nextclose.config import FeaturesConfig, RunConfig
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.state import encode_state
from nextclose.schema import QUANTILE_COLUMNS, Bars
from nextclose.serving.bundle import Bundle
from nextclose.serving.predictor import load_bundle
from nextclose.serving.states import state_bytes
from nextclose.studies import Plugins, study_of
from nextclose.training import train
from tests.builders import hybrid_bars, hybrid_config, until, walk_frame
from tests.plugins import Wide

OWN = pl.col("symbol")
KEYS = ["symbol", "origin", "horizon_sessions"]
ISSUED = [*KEYS, "close", *QUANTILE_COLUMNS]
N_LATER = 60
DAYS = hybrid_bars().frame["session"].unique().sort()[-N_LATER:].to_list()


def broken(frame: pl.DataFrame, row: int) -> pl.DataFrame:
    """The bars in two segments, of which the later begins at that row."""
    part = (pl.int_range(pl.len()) >= row).cast(pl.Int32)
    return frame.with_columns(part.alias("segment"))


def panel() -> Bars:
    """Symbols that differ in sessions and ends; one is new, one pauses and one has ended."""
    whole = hybrid_bars().frame
    last = whole["session"].unique().sort()[-25]
    ended = walk_frame("DDD", seed=3, n=900, phi=0.85).filter(pl.col("session") <= last)
    frames = [
        *(broken(whole.filter(name == OWN), 9999) for name in ("AAA", "BBB", "CCC")),
        broken(ended, 9999),
        broken(
            walk_frame("EEE", seed=4, n=290, first=620, phi=0.85), 9999
        ),  # ready amid the updates
        broken(walk_frame("FFF", seed=5, n=910, phi=0.85), 625),  # ready again amid them
    ]
    return Bars(frame=pl.concat(frames))


def market() -> Bars:
    """Five symbols that are read together."""
    frames = [
        walk_frame(3 * name, seed=k, n=900 - 20 * k, first=20 * k, missing=0.002 * k, phi=0.6)
        for k, name in enumerate("ABCDE")
    ]
    return Bars(frame=pl.concat(frames))


WIDE = Wide()
WORLDS: dict[str, tuple[Bars, tuple[str, ...], bool]] = {
    "own bars": (panel(), ("loghar", "lstm"), False),
    "a member that goes on from the fit": (panel(), ("garch", "loghar"), False),
    "a market": (market(), ("loghar", "lstm"), True),
    "a member of the user's own": (panel(), ("loghar", WIDE.name), False),
}


@dataclass(frozen=True, kw_only=True)
class World:
    """Bars, a bundle of some of them, and what a backtest fitted on that day forecasts later."""

    bars: Bars
    bundle: Bundle
    issued: pl.DataFrame
    days: list[date]  # the sessions of the fit and after it


def config_of(members: tuple[str, ...], *, is_market: bool) -> RunConfig:
    config = hybrid_config(*members, models=("hybrid",), rehearsal_sessions=315)
    return config.model_copy(update={"features": FeaturesConfig(market=is_market)})


def issued_without_refit(bars: Bars, config: RunConfig, fitted_at: date) -> pl.DataFrame:
    """The forecasts of all sessions from the fit on, rehearsed as the bundle was."""
    plan = config.backtest.model_copy(update={"test_from": fitted_at})
    plugins = Plugins(models=(WIDE,) if WIDE.name in config.hybrid.members else ())
    study = study_of(bars, config.model_copy(update={"backtest": plan}), plugins)
    rehearsals, first = study.folds[: study.n_rehearsals], study.folds[study.n_rehearsals]
    assert len(rehearsals) >= 3
    rows = np.sort(np.concatenate([fold.test_rows for fold in study.folds[study.n_rehearsals :]]))
    whole = replace(study, folds=(*rehearsals, replace(first, test_rows=rows)), yardsticks=())
    return backtest(whole).forecasts.filter(pl.col("model") == "hybrid").select(ISSUED)


@cache
def world_of(name: str) -> World:
    """One of the worlds, once for all who ask."""
    bars, members, is_market = WORLDS[name]
    days = bars.frame["session"].unique().sort()[-N_LATER:].to_list()
    config = config_of(members, is_market=is_market)
    return World(
        bars=bars,
        bundle=trained(until(bars, days[0]), config),
        issued=issued_without_refit(bars, config, days[0]),
        days=days,
    )


@cache
def plain_bundle() -> Bundle:
    """Log-HAR and a network, fitted on the first of `DAYS`."""
    config = config_of(("loghar", "lstm"), is_market=False)
    return trained(until(hybrid_bars(), DAYS[0]), config)


def trained(bars: Bars, config: RunConfig) -> Bundle:
    """A bundle of these bars, written and loaded again."""
    own = [WIDE] if WIDE.name in config.hybrid.members else []
    with TemporaryDirectory() as folder:
        train(bars, folder, config=config, members=own)
        return load_bundle(folder, models=own)


def record_bytes(bundle: Bundle) -> bytes:
    return state_bytes(encode_state(bundle.fitted))


def record_of(bundle: Bundle) -> Any:
    assert isinstance(bundle.fitted, FittedHybrid)
    return bundle.fitted.record
