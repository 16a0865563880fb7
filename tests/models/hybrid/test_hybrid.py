from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest

from nextclose.config import HybridConfig
from nextclose.errors import LeakError
from nextclose.models.hybrid.adaptive_tails import no_trackers
from nextclose.models.hybrid.conformal import learnt_calibration
from nextclose.models.hybrid.hybrid import (
    MINIMUM_FORECASTS,
    FittedHybrid,
    Hybrid,
    Issued,
    learnt_weights,
    least_crps_weights,
    past_forecasts,
    weighted_quantiles,
)
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Fitted
from nextclose.models.registry import hybrid_of, model_named, model_of_state
from nextclose.models.state import State, encode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at
from nextclose.schema import LEVEL_WEIGHTS, LEVELS, QUANTILE_COLUMNS, Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import (
    daily_samples,
    day,
    hybrid_bars,
    hybrid_config,
    hybrid_fit,
    hybrid_walk,
    samples_of,
)


def restored_alone(state: State) -> Fitted:
    """As one who has the state and nothing else."""
    return restore_forecaster(model_of_state("hybrid", state), state)


def normal_members(*widths: float, n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normal forecasts of different widths, (member, row, level), and outcomes of width 1."""
    from scipy.special import ndtri

    target = np.random.default_rng(seed).standard_normal(n)
    return np.stack([np.tile(width * ndtri(LEVELS), (n, 1)) for width in widths]), target


def mean_crps(grid: np.ndarray, target: np.ndarray) -> float:
    """By its definition, level by level."""
    total = 0.0
    for j, (level, weight) in enumerate(zip(LEVELS, LEVEL_WEIGHTS, strict=True)):
        error = target - grid[:, j]
        total += 2 * weight * np.mean(error * (level - (error < 0)))
    return float(total)


# --- weights ---


@pytest.mark.parametrize("widths", [(0.5, 1.7), (0.4, 1.1, 2.0), (1.0, 3.0, 5.0)])
def test_learnt_weights_lose_no_more_than_the_best_of_a_fine_grid(widths):
    members, target = normal_members(*widths)
    members = members + 0.3 * np.random.default_rng(4).standard_normal((len(widths), 600, 1))
    found = least_crps_weights(members, target)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1.0)
    steps = np.linspace(0, 1, 41)
    simplex = [
        np.array([*w, 1 - sum(w)])
        for w in product(steps, repeat=len(widths) - 1)
        if sum(w) <= 1 + 1e-9
    ]
    losses = [mean_crps(np.tensordot(w, members, axes=1), target) for w in simplex]
    own = mean_crps(np.tensordot(found, members, axes=1), target)
    assert own <= min(losses) + 1e-6
    np.testing.assert_allclose(found, simplex[int(np.argmin(losses))], atol=0.05)
    assert own < max(losses) - 1e-3  # there was something to lose


def test_weights_are_pulled_to_equal_by_their_share():
    members, target = normal_members(0.4, 1.1, 2.0)
    fitted = least_crps_weights(members, target)
    assert np.ptp(fitted) > 0.2
    for share, expected in ((0.5, fitted / 2 + 1 / 6), (0.0, fitted), (1.0, np.full(3, 1 / 3))):
        np.testing.assert_allclose(learnt_weights(members, target, equal_share=share), expected)


def test_a_member_that_is_right_keeps_two_thirds_beside_two_that_are_far_off():
    # learnt (1, 0, 0), half-way to (1, 1, 1) / 3, as in method reference value 20
    members, target = normal_members(1.0, 1.0, 1.0)
    members = members + np.array([0.0, 9.0, 30.0])[:, None, None]
    found = learnt_weights(members, target, equal_share=0.5)
    np.testing.assert_allclose(found, [2 / 3, 1 / 6, 1 / 6], atol=0.005)


def test_with_249_complete_forecasts_the_weights_are_equal():
    members, target = normal_members(0.4, 2.0)
    target[MINIMUM_FORECASTS:] = np.nan
    assert np.ptp(learnt_weights(members, target, equal_share=0.5)) > 0.05
    target[0] = np.nan
    np.testing.assert_array_equal(learnt_weights(members, target, equal_share=0.5), [0.5, 0.5])
    members, target = normal_members(0.4, 2.0)
    members[1, MINIMUM_FORECASTS - 1 :, 3] = np.nan  # one member made no forecast there
    np.testing.assert_array_equal(learnt_weights(members, target, equal_share=0.5), [0.5, 0.5])


def test_a_member_that_has_issued_nothing_keeps_no_other_from_being_weighed():
    members, target = normal_members(0.4, 1.1, 2.0)
    members[2] = np.nan  # no edition yet, or a horizon that was not taught
    fitted = least_crps_weights(members[:2], target)
    found = learnt_weights(members, target, equal_share=0.0)
    np.testing.assert_allclose(found, [*fitted * 2 / 3, 1 / 3])  # its equal share waits for it
    grid = weighted_quantiles(members[:, :, None], found[None])  # where it is silent still
    alone = weighted_quantiles(
        members[:2, :, None], learnt_weights(members[:2], target, equal_share=0.0)[None]
    )
    np.testing.assert_allclose(grid, alone)
    members[1] = np.nan  # one alone is not weighed
    np.testing.assert_array_equal(
        learnt_weights(members, target, equal_share=0.5), np.full(3, 1 / 3)
    )


def test_rows_that_are_not_complete_play_no_part():
    members, target = normal_members(0.4, 1.1, 2.0, n=700)
    expected = learnt_weights(members[:, :600], target[:600], equal_share=0.5)
    members[0, 600:650, 5] = np.nan
    members[1:, 600:650] = 99.0
    target[650:] = np.nan
    np.testing.assert_array_equal(learnt_weights(members, target, equal_share=0.5), expected)


# --- the combination ---


def test_quantiles_are_averaged_level_by_level():
    members = np.stack([np.full((1, 2, len(LEVELS)), v) for v in (1.0, 4.0)])
    members = members + np.arange(len(LEVELS))
    weights = np.array([[0.75, 0.25], [0.0, 1.0]])  # (horizon, member)
    expected = np.array([1.75, 4.0])[None, :, None] + np.arange(len(LEVELS))
    np.testing.assert_allclose(weighted_quantiles(members, weights), expected)


def test_where_a_member_makes_no_forecast_the_others_share_its_weight():
    members = np.stack([np.full((2, 1, len(LEVELS)), v) for v in (1.0, 2.0, 5.0)])
    members[0, 1, 0, 7] = np.nan
    found = weighted_quantiles(members, np.array([[0.5, 0.375, 0.125]]))
    np.testing.assert_allclose(found[0], 0.5 + 0.75 + 0.625)
    np.testing.assert_allclose(found[1], (0.375 * 2 + 0.125 * 5) / 0.5)


def test_a_row_is_combined_alone():
    members = np.random.default_rng(0).standard_normal((4, 50, 3, len(LEVELS)))
    weights = np.random.default_rng(1).dirichlet(np.ones(4), size=3)
    whole = weighted_quantiles(members, weights)
    np.testing.assert_array_equal(weighted_quantiles(members[:, 17:18], weights)[0], whole[17])
    np.testing.assert_array_equal(weighted_quantiles(members[:, ::-1], weights), whole[::-1])


# --- what it learns from ---


def issued_of(members: np.ndarray, rows: np.ndarray) -> Issued:
    grids = members[:, :, None, :]
    return Issued(rows=rows, members=grids, raw=grids.mean(axis=0), trackers=no_trackers(1))


def test_weights_come_from_all_past_folds_as_far_as_they_have_resolved():
    n = 700
    samples = daily_samples(n, horizons=(1,), scale=0.02)
    members, _ = normal_members(0.4, 1.1, 2.0, n=n)
    members_fitted = dict(
        hybrid_fit(hybrid_walk(), 0).members
    )  # three; what they are plays no part
    past = [issued_of(members[:, a:b], np.arange(a, b)) for a, b in ((100, 300), (300, 600))]
    hybrid = Hybrid(
        settings=HybridConfig(members=("ewma", "har")),
        models={name: model_named(name, hybrid_walk().study.config) for name in ("ewma", "har")},
    )
    found = hybrid.learnt(members_fitted, past, known_at(samples, day(500)))
    target = samples.target[100:500, 0]  # that of origin 499 resolves on day 500
    expected = learnt_weights(members[:, 100:500], target, equal_share=0.5)
    np.testing.assert_array_equal(found.weights, [expected])
    assert found.fitted_at == day(500).astype(int)
    raw = members[:, 100:500].mean(axis=0)[:, None]
    tails = learnt_calibration(
        raw,
        target[:, None],
        samples.origin[100:500],
        horizons=samples.horizons,
        trackers=no_trackers(1),
        step=0.01,
    ).tails
    np.testing.assert_array_equal(found.calibration.tails, tails)


def test_with_nothing_issued_before_weights_are_equal_and_tails_as_they_come():
    first = hybrid_fit(hybrid_walk(), 0)
    np.testing.assert_array_equal(first.weights, np.full((3, 3), 1 / 3))
    assert first.calibration.adapts.tolist() == [0, 0, 0]
    rows, members, raw = past_forecasts([], n_members=2, n_horizons=3)
    assert (rows.shape, members.shape, raw.shape) == ((0,), (2, 0, 3, 23), (0, 3, 23))


# --- served ---


@pytest.fixture(scope="module")
def bars() -> Bars:
    return hybrid_bars()


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


def quantiles_issued(fold: int) -> tuple[FittedHybrid, np.ndarray, np.ndarray]:
    """The fitted hybrid of a fold, its rows, and what was issued there, target units."""
    walk = hybrid_walk()
    fitted = hybrid_fit(walk, fold)
    rows = walk.study.folds[fold].test_rows
    frame = walk.forecasts.filter(model="hybrid", fold=fold - walk.study.n_rehearsals)
    samples = walk.study.samples
    log_grid = fitted.quantiles(samples, rows) * samples.unit(rows)[:, :, None]
    issued = frame.sort("symbol", "origin", "horizon_sessions").select(QUANTILE_COLUMNS)
    return fitted, log_grid, issued.to_numpy().reshape(log_grid.shape)


@pytest.mark.parametrize("fold", [3, 4, 5])
def test_a_replay_from_the_fit_gives_what_was_issued_to_the_bit(fold):
    fitted, replayed, issued = quantiles_issued(fold)
    np.testing.assert_array_equal(replayed, issued)
    if fold == 5:
        assert fitted.calibration.adapts[0] == 1
        assert len(fitted.calibration.trackers.waiting_origin) > 30


@pytest.mark.parametrize(
    "members", [("loghar", "trees"), ("garch", "loghar")], ids=["six rows", "one row"]
)
def test_the_tail_of_the_file_that_holds_the_fit_gives_the_same_bits(bars, samples, members):
    walk = hybrid_walk(*members)
    fold = walk.study.folds[5]
    fitted = hybrid_fit(walk, 5)
    assert fitted.calibration.adapts[0] == 1
    expected = fitted.quantiles(samples, fold.test_rows)
    is_late = pl.col("session") >= fold.fitted_at.astype(object)
    late = {s: own.height for (s,), own in bars.frame.filter(is_late).group_by(["symbol"])}
    needed = 256 + fitted.context_sessions - 1  # rows before the fit
    tails = [
        own.tail(needed + late[symbol])
        for (symbol,), own in bars.frame.group_by(["symbol"], maintain_order=True)
    ]
    tail = samples_of(Bars(frame=pl.concat(tails)))
    rows = np.flatnonzero(tail.origin >= fold.fitted_at)
    np.testing.assert_array_equal(fitted.quantiles(tail, rows), expected)
    # the newest row alone, of each symbol and of one of them
    newest = tail.segments[:, 1] - 1
    last = fitted.quantiles(tail, newest)
    np.testing.assert_array_equal(last, expected[np.searchsorted(rows, newest)])
    np.testing.assert_array_equal(fitted.quantiles(tail, newest[1:2])[0], last[1])


def test_a_symbol_served_alone_has_the_bits_it_has_among_others(bars, samples):
    walk = hybrid_walk()
    fold = walk.study.folds[5]
    fitted = hybrid_fit(walk, 5)
    expected = fitted.quantiles(samples, fold.test_rows)
    alone = samples_of(Bars(frame=bars.frame.filter(pl.col("symbol") == "BBB")))
    rows = np.flatnonzero(alone.origin >= fold.fitted_at)
    own = samples.table.symbol[fold.test_rows] == 1
    np.testing.assert_array_equal(fitted.quantiles(alone, rows), expected[own])


def test_a_row_has_the_same_bits_in_any_order_and_without_the_others(samples):
    walk = hybrid_walk()
    rows = walk.study.folds[5].test_rows
    fitted = hybrid_fit(walk, 5)
    whole = fitted.quantiles(samples, rows)
    mixed = np.random.default_rng(0).permutation(len(rows))[:40]
    np.testing.assert_array_equal(fitted.quantiles(samples, rows[mixed]), whole[mixed])


def test_what_follows_a_row_changes_nothing_of_it(samples):
    walk = hybrid_walk()
    rows = walk.study.folds[5].test_rows
    fitted = hybrid_fit(walk, 5)
    whole = fitted.quantiles(samples, rows)
    early = rows[samples.origin[rows] <= np.quantile(samples.origin[rows].astype(int), 0.5)
                 .astype(int).astype("datetime64[D]")]  # fmt: skip
    then = known_at(samples, samples.origin[early].max())
    found = fitted.quantiles(then, early)
    np.testing.assert_array_equal(found, whole[np.searchsorted(rows, early)])


def test_its_state_as_bytes_gives_the_same_forecasts(samples):
    walk = hybrid_walk()
    rows = walk.study.folds[5].test_rows
    fitted = hybrid_fit(walk, 5)
    content = state_bytes(encode_state(fitted))
    for again in (
        hybrid_of(walk.study.config).restore(state_of(content)),
        restored_alone(state_of(content)),
    ):
        np.testing.assert_array_equal(
            again.quantiles(samples, rows), fitted.quantiles(samples, rows)
        )
        assert state_bytes(encode_state(again)) == content


def test_members_keep_their_order_through_json(samples):
    fitted = hybrid_fit(hybrid_walk(), 5)
    turned = replace(
        fitted,
        members=dict(reversed(list(fitted.members.items()))),
        weights=np.ascontiguousarray(fitted.weights[:, ::-1]),
    )
    again = restored_alone(state_of(state_bytes(encode_state(turned))))
    assert isinstance(again, FittedHybrid)
    assert list(again.members) == ["lstm", "loghar", "garch"]
    rows = hybrid_walk().study.folds[5].test_rows
    np.testing.assert_allclose(
        again.quantiles(samples, rows), fitted.quantiles(samples, rows), rtol=1e-9
    )


def test_a_state_without_a_member_is_refused():
    state = encode_state(hybrid_fit(hybrid_walk(), 5))
    left_out = "members.loghar.scale.weights"
    assert left_out in state.arrays
    arrays = {name: value for name, value in state.arrays.items() if name != left_out}
    with pytest.raises(ValueError, match="no array weights"):
        restored_alone(State(arrays=arrays, facts=state.facts))


def test_rows_older_than_the_fit_or_without_their_context_get_no_forecast(samples):
    walk = hybrid_walk()
    rows, fitted = walk.study.folds[5].test_rows, hybrid_fit(walk, 5)
    with pytest.raises(LeakError, match="this hybrid is known from"):
        fitted.quantiles(samples, np.array([rows[0] - 1, rows[0]]))
    later = samples_of(Bars(frame=hybrid_bars().frame.tail(60)))  # all of them in the warm-up
    late = np.flatnonzero(later.origin.astype(np.int64) >= fitted.fitted_at)
    with pytest.raises(ValueError, match="lacks the sessions"):
        fitted.quantiles(later, late[-1:])


def test_it_reads_as_many_rows_as_its_hungriest_member_and_names_all_settings():
    config = hybrid_config("garch", "trees", "lstm")
    hybrid = hybrid_of(config)
    assert hybrid.traits.context_sessions == 6  # a week of lags, and the session
    assert hybrid.traits.settings["hybrid"]["members"] == ["garch", "trees", "lstm"]
    members = hybrid.traits.settings["members"]
    assert members["trees"] == config.trees.model_dump(mode="json")
    assert list(members["lstm"]["editions"]) == ["2000-12-31"]


def test_members_without_weight_stand_in_alike_where_those_with_weight_make_no_forecast():
    members = np.stack([np.full((2, 1, len(LEVELS)), value) for value in (1.0, 2.0, 4.0)])
    members[0, 1] = np.nan  # all weight is on the first, which is silent in the second row
    found = weighted_quantiles(members, np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(found[:, 0, 0], [1.0, 3.0])
    members[:, 1] = np.nan
    assert np.isnan(weighted_quantiles(members, np.array([[1.0, 0.0, 0.0]]))[1]).all()
