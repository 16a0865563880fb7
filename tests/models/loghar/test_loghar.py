import warnings
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.features.market import MARKET_NAMES
from nextclose.features.table import make_table
from nextclose.models.baselines import LOGHAR
from nextclose.models.location import risk_premium
from nextclose.models.loghar import loghar
from nextclose.models.loghar.loghar import (
    CLOSE_INPUTS,
    LEVEL_SESSIONS,
    LOG_FLOOR,
    MARKET_SYMBOLS,
    RANGE_INPUTS,
    REACH_SESSIONS,
    LogHar,
    LogHarScale,
    available_inputs,
    centred_spread,
    design,
    fit_loghar,
    fit_loghar_scale,
    gamma_weights,
    has_long_run,
    last_rows,
)
from nextclose.models.loghar.prior import Prior, prior_at, shipped_priors
from nextclose.models.state import decode_state, encode_state
from nextclose.models.volatility.har import year_move
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import known_at, originating_from, walk_forward
from nextclose.schema import MEDIAN, Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import (
    bare_samples,
    close_only,
    day,
    last_fold,
    samples_of,
    until,
    walk_bars,
    walk_frame,
)

LATER = 18 * 365  # days from the walks to a year in which the newest may be used


@pytest.fixture(scope="module")
def bars() -> Bars:
    return walk_bars((880, 850))


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


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


def test_rows_with_500_returns_before_them_in_their_segment_have_a_long_run():
    n = LEVEL_SESSIONS + 3
    samples = bare_samples([day(0) + np.arange(n), day(5) + np.arange(LEVEL_SESSIONS)])
    assert np.flatnonzero(has_long_run(samples)).tolist() == [500, 501, 502]


def test_inputs_are_logarithms_but_for_falls_and_the_single_session(samples):
    names = available_inputs(samples)
    rows = np.array([300, 450])
    column = {name: samples.table.values[rows, j] for j, name in enumerate(samples.table.names)}
    found = design(samples, names, rows=rows)
    year = year_move(samples)[rows] * samples.scale[rows]
    for j, name in enumerate(names):
        plain = column[name.removeprefix("ln ")].astype(np.float64)
        expected = np.log(np.maximum(plain, LOG_FLOOR)) if name.startswith("ln ") else plain
        np.testing.assert_array_equal(found[:, j], expected)
    for row, size, level in zip(rows, year, found[:, -1], strict=True):
        moves = np.abs(np.diff(np.log(samples.table.close[: row + 1])))
        assert level == pytest.approx(np.log(size / moves.mean()), abs=1e-6)


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


# --- the forecast ---


def test_a_forecast_is_the_premium_and_the_spread_of_targets_over_its_own_ratio(samples):
    fold = last_fold(samples)
    fitted = fit_loghar(fold.train, fold.valid)
    rows = np.arange(len(samples.origin))
    ratio = fitted.scale.ratio(samples, rows)
    np.testing.assert_array_equal(
        fitted.spread, centred_spread(fold.train, fold.valid, ratio=ratio)
    )
    some = np.array([300, 1300])
    grid = fitted.quantiles(samples, some)
    premium = risk_premium(samples, some)[:, :, None]
    np.testing.assert_allclose(grid, premium + ratio[some][:, :, None] * fitted.spread, rtol=1e-14)
    np.testing.assert_array_equal(grid[:, :, MEDIAN], premium[:, :, 0])


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
def test_the_tail_of_a_file_gives_the_same_bits_and_one_row_less_does_not(used):
    bars = walk_bars((REACH_SESSIONS + 330, REACH_SESSIONS + 300))
    bars = close_only(bars) if used == "closes" else bars
    whole = samples_of(bars)
    fold = last_fold(whole)
    fitted = fit_loghar(fold.train, fold.valid)
    newest = whole.segments[:, 1] - 1
    expected = fitted.quantiles(whole, newest)
    assert whole.origin[newest[0]] != whole.origin[newest[1]]
    for n_rows, is_same in ((REACH_SESSIONS, True), (REACH_SESSIONS - 1, False)):
        tail = bars.frame.group_by("symbol", maintain_order=True).tail(n_rows)
        found = fitted.quantiles(samples_of(Bars(frame=tail)), np.array([1, 2]) * n_rows - 1)
        assert (found.tobytes() == expected.tobytes()) == is_same
        np.testing.assert_allclose(found, expected, rtol=0.05)


def test_a_symbol_that_the_fit_did_not_know_is_as_wide_as_the_weights_expect(bars, samples):
    fold = last_fold(samples)
    scale = fit_loghar_scale(fold.train, fold.valid)
    assert (scale.widths != 1.0).all()
    other = samples_of(
        Bars(frame=bars.frame.filter(pl.col("symbol") == "BBB").with_columns(symbol=pl.lit("ZZZ")))
    )
    rows = np.flatnonzero(other.ready("stationary"))
    inputs = design(other, scale.names, rows=rows)
    expected = np.exp(scale.weights[0, 0] + inputs @ scale.weights[0, 1:])
    np.testing.assert_allclose(
        scale.ratio(other, rows)[:, 0], expected * year_move(other)[rows], rtol=1e-12
    )


def test_the_expected_move_stays_within_its_bounds(samples):
    rows = np.array([300, 900])
    for constant, bound in ((-9.0, -2.0), (9.0, 2.5)):
        weights = np.zeros((3, 3))
        weights[:, 0] = constant
        scale = LogHarScale(
            names=("move_ratio_1",),
            weights=weights,
            rangeless=weights,
            symbols=(),
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


def test_where_no_session_is_known_nothing_is_fitted(samples):
    none = known_at(samples, np.datetime64("1999-01-01"))
    with pytest.raises(NotEnoughDataError, match="0 known moves"):
        fit_loghar(none, none)


# --- the prior ---


@pytest.mark.parametrize(("later", "prior"), [(0, 0), (LATER, -1)])
def test_without_a_row_that_has_a_long_run_the_weights_are_the_priors(later, prior):
    # 300 sessions of six symbols: some 40 rows of each are known at one session, fewer further on
    bars = walk_bars((300,) * 6)
    bars = replace(bars, frame=bars.frame.with_columns(pl.col("session") + pl.duration(days=later)))
    for used, n_inputs in ((bars, 13), (close_only(bars), 9)):
        samples = samples_of(used, horizons=(1, 7))
        scale = fit_loghar_scale(samples, originating_from(samples, np.datetime64("2100-01-01")))
        (table,) = (w for w in shipped_priors()[prior].weights if w.shape[1] == n_inputs)
        np.testing.assert_array_equal(scale.weights, table[:2])


def test_the_prior_is_that_of_the_last_session_that_the_fit_knows(samples, monkeypatch):
    asked: list[np.datetime64] = []

    def remembering(session: np.datetime64) -> Prior:
        asked.append(session)
        return prior_at(session)

    monkeypatch.setattr(loghar, "prior_at", remembering)
    fold = last_fold(samples)
    fit_loghar(fold.train, fold.valid)
    assert set(asked) == {fold.fitted_at}
    assert fold.fitted_at < samples.origin.max()


# --- the market ---


def panel_of(n_symbols: int, *, market: bool = True) -> Samples:
    bars = walk_bars(tuple(620 - 7 * k for k in range(n_symbols)))
    return make_samples(make_table(close_only(bars), market=market))


def test_the_market_is_read_of_five_symbols_and_not_of_four():
    assert available_inputs(panel_of(4)) == CLOSE_INPUTS
    assert available_inputs(panel_of(5)) == CLOSE_INPUTS + MARKET_NAMES
    assert available_inputs(panel_of(5, market=False)) == CLOSE_INPUTS
    # as known early on only four have a year
    early = known_at(panel_of(5), panel_of(5).origin[255])
    assert len(last_rows(early)) < MARKET_SYMBOLS
    assert available_inputs(early) == CLOSE_INPUTS


def test_a_fit_with_the_market_reads_it_and_is_written_down():
    samples = panel_of(5)
    fold = last_fold(samples)
    fitted = fit_loghar(fold.train, fold.valid)
    assert fitted.scale.names == CLOSE_INPUTS + MARKET_NAMES
    assert fitted.scale.weights.shape == (3, 1 + len(CLOSE_INPUTS) + len(MARKET_NAMES) + 1)
    again = decode_state(LogHar, state_of(state_bytes(encode_state(fitted))))
    rows = fold.test_rows
    np.testing.assert_array_equal(again.quantiles(samples, rows), fitted.quantiles(samples, rows))
    start = samples.table.families["market"].start
    for column in range(start, start + len(MARKET_NAMES)):
        values = samples.table.values.copy()
        values[rows[0], column] += 0.1
        moved = replace(samples, table=replace(samples.table, values=values))
        grid, other = (fitted.quantiles(each, rows) for each in (samples, moved))
        assert (other[0] != grid[0])[:, [0, -1]].all()
        np.testing.assert_array_equal(other[1:], grid[1:])
