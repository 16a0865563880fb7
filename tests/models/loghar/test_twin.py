"""The expected move of log-HAR against a twin that reads the bars themselves, one by one."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.models.loghar.loghar import fit_loghar_scale
from nextclose.schema import Bars
from tests.builders import close_only, last_fold, samples_of, walk_bars

Key = tuple[str, date]  # symbol, session
# the walks here are of 2001 to 2004
PRIOR = importlib.resources.files("nextclose.models.loghar") / "priors" / "until-1994-12-31.json"


def twin_rows(frame: pl.DataFrame, *, horizon: int, with_range: bool) -> Iterator[tuple[Any, ...]]:
    """(session, inputs, aim, size of outcome, year, whether it has a long run) of one symbol.

    Aim and outcome are NaN where the bars end before them.
    """
    price = {name: frame[name].to_numpy() for name in frame.columns[2:]}
    r = np.diff(np.log(price["close"]), prepend=np.nan)
    a, n = np.abs(r), np.maximum(-r, 0)
    v = np.full(len(r), np.nan)
    if with_range:
        span, body = np.log(price["high"] / price["low"]), np.log(price["close"] / price["open"])
        v = np.sqrt(np.maximum(0.5 * span**2 - (2 * np.log(2) - 1) * body**2, 1e-8))
    for t in range(256, len(r)):
        year = a[t - 249 : t + 1].mean()
        inputs = [1.0, a[t] / year]
        inputs += [np.log(max(a[t - w + 1 : t + 1].mean() / year, 0.02)) for w in (5, 22, 66)]
        inputs += [n[t - w + 1 : t + 1].mean() / year for w in (1, 5, 22)]
        if with_range:
            usual = v[t - 249 : t + 1].mean()
            inputs += [
                np.log(max(v[t - w + 1 : t + 1].mean() / usual, 0.02)) for w in (1, 5, 22, 66)
            ]
        ahead = a[t + 1 : t + 1 + horizon]
        aim = ahead.mean() / year if len(ahead) == horizon else np.nan
        size = abs(r[t + 1 : t + 1 + horizon].sum()) if len(ahead) == horizon else np.nan
        inputs.append(np.log(max(year / a[1 : t + 1].mean(), 0.02)))
        yield frame["session"][t], inputs, aim, size, year, t >= 500


def twin_forecast(
    bars: Bars, *, horizon: int, with_range: bool, known: set[Key]
) -> dict[Key, float]:
    """Expected move in log return by (symbol, session), learnt from the aims of `known`."""
    rows: dict[Key, tuple[np.ndarray, float, float, float]] = {}
    taught: list[Key] = []
    for (symbol,), frame in bars.frame.group_by(["symbol"], maintain_order=True):
        for session, inputs, aim, size, year, is_long in twin_rows(
            frame, horizon=horizon, with_range=with_range
        ):
            key = (str(symbol), session)
            rows[key] = (np.array(inputs), aim, size, year)
            if is_long and key in known:
                taught.append(key)
    x = np.array([rows[key][0] for key in taught])
    y = np.array([rows[key][1] for key in taught])
    y = np.minimum(y, np.quantile(y, 0.999))
    own = np.zeros(x.shape[1])
    for _ in range(60):  # Newton's steps on the gamma deviance
        mean = np.exp(x @ own)
        own += np.linalg.solve(x.T @ (x * (y / mean)[:, None]), x.T @ (y / mean - 1))
    share = len(y) / (len(y) + 2000 * horizon)
    prior = json.loads(PRIOR.read_text())["weights"]["close, range" if with_range else "close"]
    weights = share * own + (1 - share) * np.array(prior[{1: 0, 7: 1, 30: 2}[horizon]])
    move = {
        key: float(np.exp(np.clip(inputs @ weights, -2.0, 2.5))) * year
        for key, (inputs, _, _, year) in rows.items()
    }
    # how far outcomes lay over their expected move, by symbol against all
    sizes = {key: rows[key][2] / (move[key] * np.sqrt(horizon)) for key in rows if key in known}
    usual = np.mean(list(sizes.values()))
    width = {}
    for symbol in bars.symbols:
        mine = [size for key, size in sizes.items() if key[0] == symbol]
        share = len(mine) / (len(mine) + 50 * horizon)
        width[symbol] = (1 - share) + share * float(np.mean(mine) / usual)
    return {key: size * width[key[0]] for key, size in move.items()}


@pytest.mark.parametrize("with_range", [True, False])
@pytest.mark.parametrize("column", [0, 1])
def test_the_expected_move_against_newtons_method_on_the_bars(with_range, column):
    bars = walk_bars((880, 850))
    used = bars if with_range else close_only(bars)
    samples = samples_of(used)
    fold = last_fold(samples)
    symbols = [samples.table.symbols[i] for i in samples.table.symbol]
    keys = list(zip(symbols, samples.origin.astype(object), strict=True))
    both = np.isfinite(fold.train.movement[:, column]) | np.isfinite(fold.valid.movement[:, column])
    expected = twin_forecast(
        used,
        horizon=samples.horizons[column],
        with_range=with_range,
        known={key for key, known in zip(keys, both, strict=True) if known},
    )
    scale = fit_loghar_scale(fold.train, fold.valid)
    rows = np.flatnonzero(samples.ready("stationary"))
    found = scale.ratio(samples, rows)[:, column] * samples.scale[rows]
    np.testing.assert_allclose(found, [expected[keys[row]] for row in rows], rtol=3e-5)  # float32
