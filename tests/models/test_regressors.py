"""Any scikit-learn regressor as a model: means with a density around them, or levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, QuantileRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import backtest
from nextclose.errors import ConfigError, LeakError, NotEnoughDataError
from nextclose.models.loghar.loghar import fit_loghar_scale
from nextclose.models.regressors import FittedRegressor, feature_names, from_sklearn
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import fit_scaler
from nextclose.samples.splits import Fold, walk_forward
from nextclose.schema import LEVELS, MEDIAN, Floats
from tests.builders import samples_of, tiny_config, walk_bars


@pytest.fixture(scope="module")
def samples() -> Samples:
    return samples_of(walk_bars((900, 880)), horizons=(1, 7))


@pytest.fixture(scope="module")
def fold(samples) -> Fold:
    sessions = np.unique(samples.origin)
    return next(iter(walk_forward(samples, test_from=sessions[-60], refit_sessions=60)))


def fit(estimator: object, fold: Fold, seed: int = 1, **options: str) -> FittedRegressor:
    model = from_sklearn(estimator, name="mine", **options)  # type: ignore[arg-type]
    fitted = model.fit(fold.train, fold.valid, seed)
    assert isinstance(fitted, FittedRegressor)
    return fitted


def cases(samples: Samples, names: tuple[str, ...], fold: Fold, k: int) -> tuple[Floats, Floats]:
    """Standardised inputs and targets of a block, made anew."""
    scaler = fit_scaler(fold.train, names=names, family="stationary")
    rows = np.flatnonzero(samples.ready("stationary") & np.isfinite(samples.target[:, k]))
    return scaler.apply(samples)[rows].astype(np.float64), samples.target[rows, k]


def test_the_mean_is_the_estimators_own_on_the_standardised_features(samples, fold):
    fitted, rows = fit(Ridge(alpha=10.0), fold), fold.test_rows
    names = feature_names(samples)
    assert len(names) == 41
    scaler = fit_scaler(fold.train, names=names, family="stationary")
    assert fitted.spread is not None
    ratio = fitted.scale.ratio(samples, rows)
    for k in range(2):
        peer = Ridge(alpha=10.0).fit(*cases(fold.train, names, fold, k))
        mean = peer.predict(scaler.apply(samples)[rows].astype(np.float64))
        grid = fitted.quantiles(samples, rows)[:, k]
        expected = mean[:, None] + ratio[:, k, None] * fitted.spread[k]
        np.testing.assert_allclose(grid, expected, rtol=1e-9, atol=1e-9)


def test_ranges_are_the_errors_on_validation_rows_over_what_loghar_expects(samples, fold):
    fitted = fit(LinearRegression(), fold)
    scale = fit_loghar_scale(fold.train, fold.valid)
    names = feature_names(samples)
    rows = np.flatnonzero(fold.valid.ready("stationary") & np.isfinite(fold.valid.target[:, 0]))
    x, y = cases(fold.valid, names, fold, 0)
    peer = LinearRegression().fit(*cases(fold.train, names, fold, 0))
    errors = (y - peer.predict(x)) / scale.ratio(fold.valid, rows)[:, 0]
    assert fitted.spread is not None
    expected = np.quantile(errors - errors.mean(), LEVELS)
    np.testing.assert_allclose(fitted.spread[0], expected, rtol=1e-7, atol=1e-9)


def test_levels_are_fitted_one_by_one_where_the_estimator_states_quantiles(samples, fold):
    estimator = HistGradientBoostingRegressor(loss="quantile", quantile=0.5, max_iter=3)
    fitted = fit(estimator, fold, level_parameter="quantile")
    assert fitted.spread is None
    assert [[one.get_params()["quantile"] for one in own] for own in fitted.estimators] == [
        LEVELS.tolist()
    ] * 2
    grid = fitted.quantiles(samples, fold.test_rows)
    assert (np.diff(grid, axis=2) >= 0).all()
    assert (grid[:, 0, 0] < grid[:, 0, MEDIAN]).all()


def test_a_seed_is_given_where_none_is_set_and_the_estimator_is_left_as_it_was(fold):
    estimator = HistGradientBoostingRegressor(max_iter=2, random_state=None)
    fitted = fit(estimator, fold, seed=5)
    assert fitted.estimators[0][0].get_params()["random_state"] == 5
    assert estimator.get_params()["random_state"] is None
    assert not hasattr(estimator, "_predictors")
    own = fit(HistGradientBoostingRegressor(max_iter=2, random_state=3), fold, seed=5)
    assert own.estimators[0][0].get_params()["random_state"] == 3


def test_a_planted_direction_is_found_and_it_is_judged_beside_ours():
    model = from_sklearn(make_pipeline(StandardScaler(), Ridge(alpha=1.0)), name="ridge")
    samples = samples_of(walk_bars((900, 880, 860), phi=0.85), horizons=(1,))
    config = tiny_config(models=("naive", "ewma", "ridge"), horizons=(1,))
    run = backtest(make_study(samples, config, plugins=(model,)))
    frame = run.forecasts.drop_nulls("target")
    missed = (frame["target"] - frame["q0.500"]).abs().to_numpy()
    error = {
        name: missed[(frame["model"] == name).to_numpy()].mean() for name in ("naive", "ridge")
    }
    assert error["ridge"] < 0.8 * error["naive"]


def test_it_learns_from_resolved_targets_alone(fold):
    model = from_sklearn(Ridge(), name="ridge")
    with pytest.raises(LeakError):
        model.fit(replace(fold.train, **_targets(fold.valid)), fold.valid, 1)


def _targets(other: Samples) -> dict[str, np.ndarray]:
    return {name: getattr(other, name) for name in ("outcome", "target", "movement", "resolved")}


def test_too_few_outcomes_are_said():
    samples = samples_of(walk_bars((420,)), horizons=(1,))
    sessions = np.unique(samples.origin)
    fold = next(iter(walk_forward(samples, test_from=sessions[330], refit_sessions=60)))
    with pytest.raises(NotEnoughDataError, match="100 needed"):
        from_sklearn(Ridge(), name="ridge").fit(fold.train, fold.valid, 1)


def test_it_is_for_backtests_alone():
    traits = from_sklearn(Ridge(alpha=2.0), name="ridge").traits
    assert (traits.is_servable, traits.fitted, traits.version) == (False, None, "")
    assert traits.settings == {"estimator": "Ridge(alpha=2.0)", "level_parameter": None}


def test_what_is_no_regressor_is_refused_with_what_to_give():
    with pytest.raises(ConfigError, match=r"int has no method fit: .* Fix: give an object such as"):
        from_sklearn(3, name="three")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Ridge has no setting 'level'. Fix: name the one"):
        from_sklearn(Ridge(), name="ridge", level_parameter="level")
    assert from_sklearn(QuantileRegressor(), name="q", level_parameter="quantile").name == "q"
