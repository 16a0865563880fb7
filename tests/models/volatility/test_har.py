from dataclasses import replace
from datetime import date
from typing import TypeAlias

import numpy as np
import polars as pl
import pytest

from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.features.indicators import volatility
from nextclose.models.baselines import EWMA, HAR
from nextclose.models.state import encode_state
from nextclose.models.volatility.har import (
    HAR_INPUTS,
    HarScale,
    fit_har,
    fit_har_scale,
    pooled_quantiles,
    year_move,
)
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import named_columns
from nextclose.samples.splits import known_at, originating_from, walk_forward
from nextclose.schema import LEVELS, Bars
from tests.builders import close_only, daily_samples, day, samples_of, until, walk_bars

Keys: TypeAlias = set[tuple[str, date]]  # (symbol, session)


@pytest.fixture(scope="module")
def bars() -> Bars:
    return walk_bars((560, 530))


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


def halves(samples: Samples) -> tuple[Samples, Samples]:
    """All that is known at the newest bar, the last 60 sessions of it for validation."""
    start = np.unique(samples.origin)[-60]
    return known_at(samples, start), originating_from(samples, start)


# --- the scale ---


def test_the_scale_follows_the_published_recursion():
    # method reference value 7: v = 1e-4, then returns .02, -.01, 0
    returns = np.concatenate([[0.0], np.full(400, 0.01), [0.02, -0.01, 0.0]])
    variance = volatility(np.exp(np.cumsum(returns)))[-4:] ** 2
    np.testing.assert_allclose(variance, [1e-4, 1.18e-4, 1.1692e-4, 1.099048e-4], rtol=1e-6)


# --- pooled quantiles ---


def test_pooled_quantiles_are_those_of_all_known_targets():
    samples = daily_samples(400, horizons=(1, 30))
    train, valid = known_at(samples, day(300)), originating_from(samples, day(300))
    grid = pooled_quantiles(train, valid)
    # at one session every target is in train or in valid; at 30 those of origins 271 .. 299 are not
    np.testing.assert_allclose(grid[0], np.quantile(samples.target[:399, 0], LEVELS))
    both = np.concatenate([samples.target[:271, 1], samples.target[300:370, 1]])
    np.testing.assert_allclose(grid[1], np.quantile(both, LEVELS))


def test_pooled_quantiles_forget_what_is_older_than_ten_years():
    returns = np.concatenate([np.full(300, 0.5), np.random.default_rng(0).normal(0, 0.02, 2522)])
    samples = daily_samples(2822, horizons=(1,), returns=[returns])
    grid = pooled_quantiles(known_at(samples, day(2700)), originating_from(samples, day(2700)))
    assert grid.max() < 5  # standard deviations; 0.5 would be 25
    # the last 2,520 of 2,822 sessions, the newest without an outcome
    np.testing.assert_allclose(grid[0], np.quantile(samples.target[302:2821, 0], LEVELS))


def test_pooled_quantiles_of_targets_over_a_ratio():
    samples = daily_samples(300, horizons=(1,))
    train, valid = known_at(samples, day(200)), originating_from(samples, day(200))
    ratio = np.where(np.arange(300) % 2, 2.0, 0.5)[:, None]
    grid = pooled_quantiles(train, valid, ratio=ratio)
    np.testing.assert_allclose(grid[0], np.quantile((samples.target / ratio)[:299, 0], LEVELS))


def test_99_outcomes_are_too_few_for_quantiles():
    samples = daily_samples(100, horizons=(1,))
    with pytest.raises(NotEnoughDataError, match="99 known outcomes at 1 sessions") as caught:
        pooled_quantiles(known_at(samples, day(60)), originating_from(samples, day(60)))
    assert (caught.value.needed, caught.value.found) == (100, 99)
    more = daily_samples(101, horizons=(1,))
    pooled_quantiles(known_at(more, day(60)), originating_from(more, day(60)))


@pytest.mark.parametrize("fit", [pooled_quantiles, fit_har_scale, fit_har])
def test_a_training_target_from_the_validation_block_is_refused(samples, fit):
    _, valid = halves(samples)
    with pytest.raises(LeakError):
        fit(samples, valid)


def test_ewma_forecasts_the_scale_times_the_pooled_quantiles(samples):
    train, valid = halves(samples)
    rows = np.array([400, 700])
    log_grid = EWMA.fit(train, valid, 0).quantiles(samples, rows) * samples.unit(rows)[:, :, None]
    for position, row in enumerate(rows):
        for k, h in enumerate(samples.horizons):
            known = np.where(np.isfinite(train.target), train.target, valid.target)[:, k]
            b = samples.scale[row] * np.sqrt(h)
            expected = b * np.quantile(known[np.isfinite(known)], LEVELS)
            np.testing.assert_allclose(log_grid[position, k], expected, rtol=1e-12)


# --- HAR, against a twin that reads the bars themselves ---


def mean_of_last(x: np.ndarray, n: int, t: int) -> float:
    return float(np.mean(x[t - n + 1 : t + 1]))


def twin_rows(frame, *, horizon: int, with_range: bool):
    """(session, inputs, aim or NaN, mean move of 250) of one symbol, from its definition."""
    price = {name: frame[name].to_numpy() for name in frame.columns[2:]}
    r = np.diff(np.log(price["close"]), prepend=np.nan)
    a, n = np.abs(r), np.maximum(-r, 0)
    if with_range:
        span, body = np.log(price["high"] / price["low"]), np.log(price["close"] / price["open"])
        v = np.sqrt(np.maximum(0.5 * span**2 - (2 * np.log(2) - 1) * body**2, 1e-8))
    for t in range(256, len(r)):
        year = mean_of_last(a, 250, t)
        inputs = [1.0]
        inputs += [mean_of_last(a, w, t) / year for w in (1, 5, 22, 66)]
        inputs += [mean_of_last(n, w, t) / year for w in (1, 5, 22)]
        if with_range:
            inputs += [mean_of_last(v, w, t) / mean_of_last(v, 250, t) for w in (1, 5, 22, 66)]
        ahead = a[t + 1 : t + 1 + horizon]
        aim = ahead.mean() / year if len(ahead) == horizon else np.nan
        yield frame["session"][t], inputs, aim, year


def twin_forecast(
    bars: Bars, *, horizon: int, with_range: bool, left_out: Keys
) -> dict[tuple[str, date], float]:
    """Expected move in log return by (symbol, session), fitted on all bars but `left_out`."""
    rows = {
        (symbol, session): (inputs, aim, year)
        for (symbol,), frame in bars.frame.group_by(["symbol"], maintain_order=True)
        for session, inputs, aim, year in twin_rows(frame, horizon=horizon, with_range=with_range)
    }
    known = [key for key, (_, aim, _) in rows.items() if np.isfinite(aim) and key not in left_out]
    x = np.array([rows[key][0] for key in known])
    y = np.array([rows[key][1] for key in known])
    y = np.minimum(y, np.quantile(y, 0.999))
    weights = np.linalg.solve(x.T @ x, x.T @ y)
    return {
        key: max(float(np.dot(inputs, weights)), 0.2) * year
        for key, (inputs, _, year) in rows.items()
    }


@pytest.mark.parametrize("with_range", [True, False])
@pytest.mark.parametrize("column", [0, 1])
def test_har_against_least_squares_on_the_bars(bars, with_range, column):
    used = bars if with_range else close_only(bars)
    samples = samples_of(used)
    train, valid = halves(samples)
    horizon = samples.horizons[column]
    unknown = np.isnan(train.target[:, column]) & np.isnan(valid.target[:, column])
    symbols = [samples.table.symbols[i] for i in samples.table.symbol]
    keys = list(zip(symbols, samples.origin.astype(object), strict=True))
    left_out = {key for key, masked in zip(keys, unknown, strict=True) if masked}
    expected = twin_forecast(used, horizon=horizon, with_range=with_range, left_out=left_out)
    scale = fit_har_scale(train, valid)
    rows = np.flatnonzero(samples.ready("stationary"))
    found = scale.ratio(samples, rows)[:, column] * samples.scale[rows]
    wanted = [expected[keys[row]] for row in rows]
    np.testing.assert_allclose(found, wanted, rtol=2e-5)  # the table is float32
    assert len(scale.names) == (11 if with_range else 7)


def test_har_pools_targets_over_its_own_ratio(samples):
    train, valid = halves(samples)
    fitted = fit_har(train, valid)
    everywhere = np.arange(len(samples.origin))
    ratio = fitted.scale.ratio(samples, everywhere)
    known = np.where(np.isfinite(train.target), train.target, valid.target) / ratio
    for k in range(3):
        column = known[np.isfinite(known[:, k]), k]
        np.testing.assert_allclose(fitted.spread[k], np.quantile(column, LEVELS), rtol=1e-12)
    rows = np.array([300, 900])
    np.testing.assert_allclose(
        fitted.quantiles(samples, rows), ratio[rows][:, :, None] * fitted.spread, rtol=1e-12
    )


def test_the_expected_move_has_a_floor_of_a_fifth_of_the_years_mean(samples):
    weights = np.tile([-9.0, 0.0], (3, 1))
    down = HarScale(names=("move_ratio_1",), weights=weights, rangeless=weights)
    rows = np.array([300, 900])
    ratio = down.ratio(samples, rows)
    np.testing.assert_allclose(ratio, 0.2 * np.repeat(year_move(samples)[rows, None], 3, axis=1))


def test_a_row_without_a_range_is_judged_by_the_closes_that_all_rows_know(bars):
    lacking = replace(
        bars,
        frame=bars.frame.with_columns(
            pl.when(pl.int_range(pl.len()).over("symbol") % 7 != 3).then(name).alias(name)
            for name in ("open", "high", "low")
        ),
    )
    whole, closes, holed = (samples_of(b) for b in (bars, close_only(bars), lacking))
    scale = fit_har_scale(*halves(holed))
    plain = fit_har_scale(*halves(closes))
    np.testing.assert_array_equal(scale.rangeless, plain.weights)
    lacks = np.isnan(named_columns(holed, ["range_volatility_ratio_1"])[:, 0])
    rows = np.flatnonzero(holed.ready("stationary") & lacks)
    assert len(rows) > 50
    np.testing.assert_array_equal(scale.ratio(holed, rows), plain.ratio(closes, rows))
    np.testing.assert_array_equal(fit_har_scale(*halves(whole)).rangeless, plain.weights)


def test_har_never_looks_at_what_it_may_not_learn_from(bars):
    cut = np.unique(samples_of(bars).origin)[450].astype(object)
    late, early = samples_of(bars), samples_of(until(bars, cut))
    weights = []
    for known in (late, early):
        (fold, *_) = walk_forward(known, test_from=np.datetime64(cut), refit_sessions=999)
        fitted = HAR.fit(fold.train, fold.valid, 0)
        weights.append(encode_state(fitted).arrays)
    for name in ("scale.weights", "spread"):
        np.testing.assert_array_equal(weights[0][name], weights[1][name])


def test_har_with_too_few_known_moves_is_refused(samples):
    short = known_at(samples, samples.origin[300])
    nothing = originating_from(short, np.datetime64("2100-01-01"))
    with pytest.raises(NotEnoughDataError, match="known moves at 1 sessions, 100 needed"):
        fit_har_scale(short, nothing)


def test_every_input_of_har_is_a_column_of_the_default_table(samples):
    assert set(HAR_INPUTS) <= set(samples.table.names)
