import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.features.table import make_table
from nextclose.models.baselines import LOGHAR
from nextclose.models.loghar.loghar import (
    CLOSE_INPUTS,
    LEVEL_SESSIONS,
    LOG_FLOOR,
    MARKET_INPUTS,
    MARKET_SYMBOLS,
    RANGE_INPUTS,
    LogHar,
    LogHarScale,
    available_inputs,
    design,
    fit_loghar,
    fit_loghar_scale,
    gamma_weights,
    last_rows,
    long_run,
)
from nextclose.models.loghar.prior import blended_spread, blended_weights
from nextclose.models.state import decode_state, encode_state
from nextclose.models.volatility.har import year_move
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import Fold, known_at, originating_from, walk_forward
from nextclose.schema import Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import bare_samples, close_only, day, samples_of, until, walk_bars, walk_frame

Key = tuple[str, date]  # symbol, session


@pytest.fixture(scope="module")
def bars() -> Bars:
    return walk_bars((620, 590))


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


def last_fold(samples: Samples, *, sessions: int = 60) -> Fold:
    """All that is known at the start of the last `sessions` sessions, and those to be forecast."""
    (fold,) = walk_forward(
        samples, test_from=np.unique(samples.origin)[-sessions], refit_sessions=999
    )
    return fold


# --- the fit ---


def simulated(*, seed: int, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    noise = np.random.default_rng(seed)
    inputs = np.column_stack([np.ones(n), 0.4 * noise.standard_normal((n, 3))])
    mean = np.exp(inputs @ np.array([-0.2, 0.5, -0.3, 0.1]))
    return inputs, mean * noise.exponential(size=n)


def test_gamma_weights_are_those_of_the_generalised_linear_model_of_statsmodels():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own deprecated imports
        from statsmodels.api import GLM, families

    inputs, aim = simulated(seed=3)
    theirs = GLM(aim, inputs, family=families.Gamma(link=families.links.Log())).fit(tol=1e-12)
    np.testing.assert_allclose(gamma_weights(inputs, aim), theirs.params, atol=1e-6)


def test_gamma_weights_make_the_relative_errors_blind_to_every_input():
    # the score equations of the gamma deviance with log link: sum x (aim - mean) / mean = 0
    inputs, aim = simulated(seed=4)
    mean = np.exp(inputs @ gamma_weights(inputs, aim))
    np.testing.assert_allclose(inputs.T @ (aim / mean - 1) / len(aim), 0, atol=1e-6)


def test_the_weight_of_a_constant_alone_is_the_logarithm_of_the_mean():
    aim = np.array([0.0, 1.0, 2.0, 5.0])
    np.testing.assert_allclose(gamma_weights(np.ones((4, 1)), aim), [np.log(2.0)])


# --- inputs ---


def test_the_long_run_is_the_mean_size_of_all_returns_from_the_first_on():
    n = LEVEL_SESSIONS + 3
    returns = np.where(np.arange(n) % 2, 0.01, -0.03)
    calendars = [day(0) + np.arange(n), day(5) + np.arange(20)]
    samples = bare_samples(calendars, returns=[returns, returns[:20]])
    levels = long_run(samples)
    # 250 returns, half of them 1 %, half 3 %; then one more of 3 % is missing or there
    assert np.isnan(levels[:LEVEL_SESSIONS]).all()
    expected = [(125 * 0.01 + 125 * 0.03) / 250, (126 * 0.01 + 125 * 0.03) / 251]
    np.testing.assert_allclose(levels[LEVEL_SESSIONS : LEVEL_SESSIONS + 2], expected)
    assert np.isnan(levels[n:]).all()  # the other symbol is too short


def test_a_price_that_never_moved_has_a_long_run_above_zero():
    samples = bare_samples([day(0) + np.arange(300)], returns=[np.zeros(300)])
    np.testing.assert_array_equal(long_run(samples)[LEVEL_SESSIONS:], 1e-4)


def test_inputs_are_logarithms_but_for_falls_and_the_single_session(samples):
    names = available_inputs(samples)
    rows = np.array([300, 450])
    column = {name: samples.table.values[rows, j] for j, name in enumerate(samples.table.names)}
    found = design(samples, names, levels=np.array([0.01, np.nan]), rows=rows)
    year = year_move(samples)[rows] * samples.scale[rows]
    for j, name in enumerate(names):
        plain = column[name.removeprefix("ln ")].astype(np.float64)
        expected = np.log(np.maximum(plain, LOG_FLOOR)) if name.startswith("ln ") else plain
        np.testing.assert_array_equal(found[:, j], expected)
    # over a long run of 1 %, and over one that is not known
    np.testing.assert_allclose(found[:, -1], [np.log(year[0] / 0.01), 0.0])


def test_a_file_of_closes_has_no_range_inputs(bars, samples):
    assert available_inputs(samples) == CLOSE_INPUTS + RANGE_INPUTS
    assert available_inputs(samples_of(close_only(bars))) == CLOSE_INPUTS


def test_a_table_with_some_range_inputs_uses_none_of_them(samples):
    names = tuple("x" if n == "range_volatility_ratio_5" else n for n in samples.table.names)
    less = replace(samples, table=replace(samples.table, names=names))
    assert available_inputs(less) == CLOSE_INPUTS


def test_the_newest_row_is_that_of_the_latest_segment_with_a_long_run():
    calendars = [day(0) + np.arange(n) for n in (300, 251, 250)]
    samples = bare_samples(calendars, horizons=(1,))
    assert last_rows(samples).tolist() == [299, 550]
    assert last_rows(known_at(samples, day(250))).tolist() == [250, 550]
    assert last_rows(known_at(samples, day(249))).tolist() == []


# --- against a twin that reads the bars themselves ---


def twin_rows(frame: pl.DataFrame, *, horizon: int, with_range: bool) -> Iterator[tuple[Any, ...]]:
    """(session, inputs without the level, aim, size of outcome, year, long run) of one symbol.

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
        yield frame["session"][t], inputs, aim, size, year, a[1 : t + 1].mean()


def twin_forecast(
    bars: Bars, *, horizon: int, with_range: bool, known: set[Key], fitted_at: date
) -> dict[Key, float]:
    """Expected move in log return by (symbol, session), learnt from the aims of `known`."""
    rows: dict[Key, tuple[np.ndarray, float, float, float]] = {}
    for (symbol,), frame in bars.frame.group_by(["symbol"], maintain_order=True):
        level = np.nan
        for session, inputs, aim, size, year, run in twin_rows(
            frame, horizon=horizon, with_range=with_range
        ):
            level = run if session <= fitted_at else level  # it stands still after the fit
            whole = np.array([*inputs, np.log(max(year / level, 0.02))])
            rows[str(symbol), session] = (whole, aim, size, year)
    x = np.array([rows[key][0] for key in rows if key in known])
    y = np.array([rows[key][1] for key in rows if key in known])
    y = np.minimum(y, np.quantile(y, 0.999))
    own = np.zeros(x.shape[1])
    for _ in range(60):  # Newton's steps on the gamma deviance
        mean = np.exp(x @ own)
        own += np.linalg.solve(x.T @ (x * (y / mean)[:, None]), x.T @ (y / mean - 1))
    weights = blended_weights(own, n_rows=len(y), horizon_sessions=horizon)
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
def test_the_expected_move_against_newtons_method_on_the_bars(bars, with_range, column):
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
        fitted_at=fold.fitted_at.astype(object),
    )
    scale = fit_loghar_scale(fold.train, fold.valid)
    rows = np.flatnonzero(samples.ready("stationary"))
    found = scale.ratio(samples, rows)[:, column] * samples.scale[rows]
    np.testing.assert_allclose(found, [expected[keys[row]] for row in rows], rtol=3e-5)  # float32


def test_the_spread_is_that_of_targets_over_its_own_ratio(samples):
    fold = last_fold(samples)
    fitted = fit_loghar(fold.train, fold.valid)
    rows = np.arange(len(samples.origin))
    ratio = fitted.scale.ratio(samples, rows)
    np.testing.assert_array_equal(
        fitted.spread, blended_spread(fold.train, fold.valid, ratio=ratio)
    )
    some = np.array([300, 900])
    np.testing.assert_allclose(
        fitted.quantiles(samples, some), ratio[some][:, :, None] * fitted.spread, rtol=1e-14
    )


def test_a_symbol_whose_outcomes_lie_further_is_forecast_wider():
    # two symbols that differ in nothing but this: the moves of one are followed by no return
    # over seven sessions, as each is taken back by the next
    noise = np.random.default_rng(8)
    frames = []
    for symbol, there_and_back in (("AAA", False), ("BBB", True)):
        returns = 0.01 * noise.standard_normal(700)
        if there_and_back:
            returns[1::2] = -returns[0::2]
        frame = walk_frame(symbol, seed=1, n=700).select("symbol", "session")
        frames.append(frame.with_columns(close=50 * np.exp(np.cumsum(returns))))
    samples = samples_of(Bars(frame=pl.concat(frames)))
    fold = last_fold(samples)
    widths = fit_loghar_scale(fold.train, fold.valid).widths
    assert widths[1, 1] < 0.85 < 1.1 < widths[0, 1]
    np.testing.assert_allclose(widths[:, 0], 1.0, atol=0.1)  # after one session they are alike


# --- what it may know ---


def test_the_level_of_a_symbol_stands_still_from_the_fit_on(samples):
    fold = last_fold(samples)
    scale = fit_loghar_scale(fold.train, fold.valid)
    running = long_run(samples)
    for name, level, since in zip(scale.symbols, scale.levels, scale.since, strict=True):
        own = samples.table.symbol == samples.table.symbols.index(name)
        (newest,) = np.flatnonzero(own & (samples.origin.astype(np.int64) == since))
        assert samples.origin[newest] <= fold.fitted_at < samples.origin[newest + 1]
        assert level == running[newest]
        assert not np.isclose(running[newest + 40], level, rtol=1e-4)  # it would have moved
        # one session moves nothing but the weights' inputs: with none of them, only the level
        none = replace(
            scale, weights=np.zeros_like(scale.weights), widths=np.ones_like(scale.widths)
        )
        none.weights[:, -1] = 1.0
        rows = np.flatnonzero(own & samples.ready("stationary"))
        year = year_move(samples)[rows] * samples.scale[rows]
        at = np.where(rows < newest, running[rows], level)
        np.testing.assert_allclose(
            none.ratio(samples, rows)[:, 0] * samples.scale[rows], year * year / at, rtol=1e-12
        )


def test_bars_after_the_fit_change_neither_the_fit_nor_a_forecast_before_them(bars):
    whole = samples_of(bars)
    fold = last_fold(whole)
    cut = fold.fitted_at.astype(object)
    early = samples_of(until(bars, cut))
    same = walk_forward(early, test_from=fold.fitted_at, refit_sessions=999)[0]
    one, two = (fit_loghar(f.train, f.valid) for f in (fold, same))
    assert state_bytes(encode_state(one)) == state_bytes(encode_state(two))
    is_later = pl.col("session") > cut
    other = replace(
        bars,
        frame=bars.frame.with_columns(
            pl.when(is_later).then(pl.col("close") * 9).otherwise(pl.col("close")).alias("close")
        ),
    )
    rows = np.flatnonzero((whole.origin <= fold.fitted_at) & whole.ready("stationary"))
    np.testing.assert_array_equal(
        one.quantiles(whole, rows), one.quantiles(samples_of(other), rows)
    )


@pytest.mark.parametrize("used", ["all", "closes"])
def test_the_tail_of_a_file_gives_the_same_bits_from_the_fit_on(bars, used):
    bars = close_only(bars) if used == "closes" else bars
    whole = samples_of(bars)
    fold = last_fold(whole)
    fitted = fit_loghar(fold.train, fold.valid)
    rows = fold.test_rows
    expected = fitted.quantiles(whole, rows)
    first = bars.frame.filter(pl.col("session") >= fold.fitted_at.astype(object))
    tails = [
        own.tail(256 + first.filter(pl.col("symbol") == symbol).height)
        for (symbol,), own in bars.frame.group_by(["symbol"], maintain_order=True)
    ]
    tail = samples_of(Bars(frame=pl.concat(tails)))
    late = np.flatnonzero(tail.origin >= fold.fitted_at)
    np.testing.assert_array_equal(tail.origin[late], whole.origin[rows])
    np.testing.assert_array_equal(fitted.quantiles(tail, late), expected)


def test_a_symbol_that_the_fit_did_not_know_has_its_year_for_a_long_run(bars, samples):
    fold = last_fold(samples)
    scale = fit_loghar_scale(fold.train, fold.valid)
    other = samples_of(
        Bars(frame=bars.frame.filter(pl.col("symbol") == "BBB").with_columns(symbol=pl.lit("ZZZ")))
    )
    rows = np.flatnonzero(other.ready("stationary"))
    inputs = design(other, scale.names, levels=np.full(len(rows), np.nan), rows=rows)
    np.testing.assert_array_equal(inputs[:, -1], 0.0)
    expected = np.exp(scale.weights[0, 0] + inputs @ scale.weights[0, 1:])
    np.testing.assert_allclose(
        scale.ratio(other, rows)[:, 0], expected * year_move(other)[rows], rtol=1e-12
    )


def test_the_expected_move_stays_within_its_bounds(samples):
    rows = np.array([300, 900])
    for constant, bound in ((-9.0, -2.0), (9.0, 2.5)):
        weights = np.zeros((3, 3))
        weights[:, 0] = constant
        none = np.empty(0)
        scale = LogHarScale(
            names=("move_ratio_1",),
            weights=weights,
            rangeless=weights,
            symbols=(),
            levels=none,
            since=none.astype(np.int64),
            widths=np.empty((0, 3)),
        )
        expected = np.exp(bound) * year_move(samples)[rows]
        np.testing.assert_allclose(scale.ratio(samples, rows), np.tile(expected[:, None], 3))


def test_a_row_alone_has_the_bits_it_has_among_others(samples):
    fold = last_fold(samples)
    fitted = fit_loghar(fold.train, fold.valid)
    rows = fold.test_rows
    mixed = np.random.default_rng(0).permutation(rows)
    together = fitted.quantiles(samples, rows)
    np.testing.assert_array_equal(
        fitted.quantiles(samples, mixed), together[np.searchsorted(rows, mixed)]
    )
    np.testing.assert_array_equal(fitted.quantiles(samples, rows[7:8])[0], together[7])


def test_its_state_as_bytes_gives_the_same_forecasts(samples):
    fold = last_fold(samples)
    fitted = LOGHAR.fit(fold.train, fold.valid, 0)
    again = decode_state(LogHar, state_of(state_bytes(encode_state(fitted))))
    np.testing.assert_array_equal(
        again.quantiles(samples, fold.test_rows), fitted.quantiles(samples, fold.test_rows)
    )
    assert state_bytes(encode_state(again)) == state_bytes(encode_state(fitted))


def test_one_symbol_of_closes_alone_is_enough():
    frame = walk_frame("AAA", seed=5, n=460).select("symbol", "session", "close")
    samples = samples_of(Bars(frame=frame))
    fold = last_fold(samples, sessions=20)
    grid = fit_loghar(fold.train, fold.valid).quantiles(samples, fold.test_rows)
    assert np.isfinite(grid).all()
    assert (np.diff(grid, axis=2) > 0).all()


def test_a_price_that_never_moves_is_forecast_not_to():
    frame = walk_frame("AAA", seed=5, n=460).select("symbol", "session", close=pl.lit(10.0))
    samples = samples_of(Bars(frame=frame))
    fold = last_fold(samples, sessions=20)
    fitted = fit_loghar(fold.train, fold.valid)
    np.testing.assert_array_equal(fitted.scale.widths, 1.0)
    rows = fold.test_rows
    log_grid = fitted.quantiles(samples, rows) * samples.unit(rows)[:, :, None]
    assert np.abs(log_grid).max() < 0.01


# --- refusals ---


def test_a_training_target_from_the_validation_block_is_refused(samples):
    start = np.unique(samples.origin)[-60]
    with pytest.raises(LeakError):
        fit_loghar_scale(samples, originating_from(samples, start))


def test_99_known_moves_are_too_few(samples):
    short = known_at(samples, samples.origin[256 + 99])
    alone = replace(short, segments=short.segments[:1])
    own = (samples.table.symbol == 0)[:, None]
    alone = replace(alone, movement=np.where(own, short.movement, np.nan))
    nothing = originating_from(alone, np.datetime64("2100-01-01"))
    with pytest.raises(NotEnoughDataError, match="99 known moves at 1 sessions") as caught:
        fit_loghar_scale(alone, nothing)
    assert (caught.value.needed, caught.value.found) == (100, 99)


# --- the market ---


def panel_of(n_symbols: int, *, market: bool = True) -> Samples:
    bars = walk_bars(tuple(520 - 7 * k for k in range(n_symbols)))
    return make_samples(make_table(close_only(bars), market=market))


def test_the_market_is_read_of_five_symbols_and_not_of_four():
    assert available_inputs(panel_of(4)) == CLOSE_INPUTS
    assert available_inputs(panel_of(5)) == CLOSE_INPUTS + MARKET_INPUTS
    assert available_inputs(panel_of(5, market=False)) == CLOSE_INPUTS
    # as known early on only four have a long run
    early = known_at(panel_of(5), panel_of(5).origin[255])
    assert len(last_rows(early)) < MARKET_SYMBOLS
    assert available_inputs(early) == CLOSE_INPUTS


def test_a_fit_with_the_market_reads_it_and_is_written_down():
    samples = panel_of(5)
    fold = last_fold(samples)
    fitted = fit_loghar(fold.train, fold.valid)
    assert fitted.scale.names == CLOSE_INPUTS + MARKET_INPUTS
    assert fitted.scale.weights.shape == (3, 1 + len(CLOSE_INPUTS) + len(MARKET_INPUTS) + 1)
    again = decode_state(LogHar, state_of(state_bytes(encode_state(fitted))))
    rows = fold.test_rows
    np.testing.assert_array_equal(again.quantiles(samples, rows), fitted.quantiles(samples, rows))
    start = samples.table.families["market"].start
    values = samples.table.values.copy()
    values[rows[0], start:] *= 2
    moved = replace(samples, table=replace(samples.table, values=values))
    assert (fitted.quantiles(moved, rows)[0] != fitted.quantiles(samples, rows)[0]).any()
    np.testing.assert_array_equal(
        fitted.quantiles(moved, rows)[1:], fitted.quantiles(samples, rows)[1:]
    )
