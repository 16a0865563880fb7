"""Bundles of models and features that are not ours: arrays and names; who loads has the code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.config import BacktestConfig, RunConfig, TreesConfig
from nextclose.errors import BundleError, ConfigError
from nextclose.features.columns import Feature, SymbolBars
from nextclose.features.table import NO_FEATURES
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.loghar.loghar import REACH_SESSIONS
from nextclose.models.protocol import Fitted, Model
from nextclose.models.trees.trees import FittedTrees
from nextclose.run import backtest
from nextclose.samples.samples import Samples
from nextclose.schema import QUANTILE_COLUMNS, Bars, Floats, Ints, Spread
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import load_bundle, predict
from nextclose.serving.states import state_of
from nextclose.training import train
from tests.builders import close_only, tiny_config, until, walk_bars
from tests.plugins import WEEK_RANGE, FittedWide, Wide, week_range

BARS = walk_bars((REACH_SESSIONS + 279, REACH_SESSIONS + 178))  # that end about together
SESSIONS = BARS.frame["session"].unique().sort()
FITTED_AT, LATER = SESSIONS[-60], SESSIONS[-20]
PLAN = BacktestConfig(test_from=FITTED_AT, refit_sessions=999)
SETTINGS = RunConfig(backtest=PLAN, trees=TreesConfig(rounds=25, min_child_weight=20.0))
MINE: Mapping[str, Feature] = {"week_range": WEEK_RANGE}
PLUGIN = Wide(input="week_range")  # a model of one's own that reads a feature of one's own


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Path:
    """The bundle of the plug-in, with the feature that it reads."""
    folder: Path = tmp_path_factory.mktemp("wide")
    train(until(BARS, FITTED_AT), folder, model=PLUGIN, features=MINE, config=SETTINGS)
    return folder


@pytest.fixture(scope="module")
def trees(tmp_path_factory) -> Path:
    """The bundle of a model of ours that reads somebody's feature."""
    folder: Path = tmp_path_factory.mktemp("trees")
    train(until(BARS, FITTED_AT), folder, model="trees", features=MINE, config=SETTINGS)
    return folder


HYBRID_BARS = walk_bars((900, 860))


def refusal(
    folder: Path, *, models: Sequence[Model] = (), features: Mapping[str, Feature] = NO_FEATURES
) -> BundleError:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder, models=models, features=features)
    assert caught.value.exit_code == 7
    return caught.value


# --- what is in it ---


def test_a_bundle_of_an_own_model_holds_arrays_and_names_and_nothing_else(wide):
    assert sorted(path.name for path in wide.iterdir()) == sorted((MANIFEST, MODEL, GOLDEN))
    manifest = json.loads((wide / MANIFEST).read_bytes())
    assert (manifest["model"], manifest["own"]) == ("wide", ["week_range"])
    assert "week_range" in manifest["features"]
    state = state_of((wide / MODEL).read_bytes())
    assert {name: array.shape for name, array in state.arrays.items()} == {"spread": (3, 23)}
    assert state.facts.keys() == {"input", "pid"}
    for name in (MANIFEST, MODEL, GOLDEN):
        content = (wide / name).read_bytes()
        for code in (b"tests", b"plugins", b"Wide", b"pickle", b"lambda", b"def "):
            assert code not in content, (name, code)


def test_a_model_of_ours_reads_an_own_feature_and_its_bundle_names_it(trees):
    bundle = load_bundle(trees, features=MINE)
    assert bundle.manifest.own == ("week_range",)
    assert isinstance(bundle.fitted, FittedTrees)
    assert "week_range" in bundle.fitted.names


def test_without_own_features_none_are_named(tmp_path):
    train(until(BARS, FITTED_AT), tmp_path / "b", model=Wide(), config=SETTINGS)
    bundle = load_bundle(tmp_path / "b", models=[Wide()])
    assert bundle.manifest.own == ()
    assert bundle.features == {}
    assert "load_bundle(folder, models=[...] with the model 'wide')" in str(refusal(tmp_path / "b"))


# --- what it forecasts ---


@pytest.mark.parametrize("model", ["trees", "wide"])
def test_a_served_forecast_is_the_backtests_to_the_bit_also_from_a_tail(request, model):
    folder = request.getfixturevalue(model)
    bundle = load_bundle(folder, models=[PLUGIN], features=MINE)
    ours = PLUGIN if model == "wide" else model
    run = backtest(BARS, models=[ours], features=MINE, config=SETTINGS)
    columns = ["symbol", "horizon_sessions", "close", *QUANTILE_COLUMNS]
    expected = run.forecasts.filter(pl.col("origin") == LATER, pl.col("model") == model).select(
        columns
    )
    known = until(BARS, LATER)
    n_rows = REACH_SESSIONS if model == "trees" else bundle.manifest.min_rows
    tail = Bars(frame=known.frame.group_by("symbol", maintain_order=True).tail(n_rows))
    for bars in (known, tail):
        found = predict(bundle, bars).frame.filter(pl.col("origin") == LATER).select(columns)
        assert_frame_equal(found, expected, check_exact=True)
    assert expected.height >= 3


def test_a_feature_that_looks_further_back_needs_more_bars(tmp_path):
    def far(bars: SymbolBars) -> Floats:
        return np.where(np.arange(len(bars.close)) < 280, np.nan, 1.0)

    features = {"far": Feature(far, 280)}
    train(until(BARS, FITTED_AT), tmp_path, model=Wide(), features=features, config=SETTINGS)
    assert load_bundle(tmp_path, models=[Wide()], features=features).manifest.min_rows == 281


# --- without the code, or with other code ---


@pytest.mark.parametrize(
    ("models", "features", "needed"),
    [
        (
            (),
            NO_FEATURES,
            "models=[...] with the model 'wide', features={...} with 'week_range'",
        ),
        ((PLUGIN,), NO_FEATURES, "features={...} with 'week_range'"),
        ((PLUGIN,), {"other": WEEK_RANGE}, "features={...} with 'week_range'"),
        ((), MINE, "models=[...] with the model 'wide'"),
        ((Wide(name="other"),), MINE, "models=[...] with the model 'wide'"),
    ],
)
def test_without_them_one_error_says_what_to_hand_over(wide, models, features, needed):
    error = refusal(wide, models=models, features=features)
    assert error.path == str(wide / MANIFEST)
    assert error.found == "a model or features that are not of nextclose"
    assert f"Fix: load_bundle(folder, {needed})." in str(error)


def test_a_model_of_ours_without_the_feature_it_reads_is_refused_saying_so(trees):
    assert "Fix: load_bundle(folder, features={...} with 'week_range')." in str(refusal(trees))


def other(bars: SymbolBars) -> Floats:
    return 1.0001 * week_range(bars)


def raising(bars: SymbolBars) -> Floats:
    raise RuntimeError("no licence")


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        (Feature(other, 4), "that gives other values than it did at training"),
        (Feature(week_range, 300), "that gives other values than it did at training"),
        (Feature(raising, 4), "parts that do not fit together (feature 'week_range' raised"),
        (Feature(week_range, 3), "parts that do not fit together (feature 'week_range' has no"),
    ],
)
def test_with_another_function_of_that_name_it_is_refused(wide, feature, says):
    assert says in refusal(wide, models=[PLUGIN], features={"week_range": feature}).found


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedWider(FittedWide):
    """The same state, another forecast."""

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        return np.asarray(1.00001 * FittedWide.quantiles(self, samples, rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedElsewise:
    """Another state."""

    spread: Spread
    level: float

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("fitted", "file", "says"),
    [
        (FittedWider, GOLDEN, "off by 1.0e-05"),
        (FittedElsewise, MODEL, "no fact 'level'"),
        (None, MODEL, "does not say what its fits are"),
    ],
)
def test_with_another_model_of_that_name_it_is_refused(wide, fitted, file, says):
    error = refusal(wide, models=[replace(PLUGIN, fitted=fitted)], features=MINE)
    assert error.path == str(wide / file)
    assert says in error.found


# --- what cannot be put into a bundle ---


@pytest.mark.parametrize("plugin", [Wide(fitted=None), Wide(more={"is_servable": False})])
def test_a_model_that_says_it_cannot_be_served_is_refused_before_it_is_fitted(tmp_path, plugin):
    with pytest.raises(ConfigError, match="'wide' cannot be put into a bundle"):
        train(until(BARS, FITTED_AT), tmp_path / "b", model=plugin, config=SETTINGS)
    assert not (tmp_path / "b").exists()


def test_a_fit_that_cannot_be_written_down_is_refused_and_nothing_is_written(tmp_path):
    @dataclass(frozen=True)
    class Holding(Wide):
        def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
            strange: Any = {1, 2}
            return replace(FittedWide(spread=np.zeros((3, 23)), input=""), pid=strange)

    with pytest.raises(ConfigError, match=r"read again: field 'pid' is a set: .* Fix: hold"):
        train(until(BARS, FITTED_AT), tmp_path / "b", model=Holding(), config=SETTINGS)
    assert not (tmp_path / "b").exists()


def test_an_own_feature_that_says_something_else_is_refused_though_no_forecast_moves(tmp_path):
    """A model that reads no feature forecasts the same: the columns themselves are compared."""
    features = {"week_range": WEEK_RANGE}
    bars = until(BARS, FITTED_AT)
    train(bars, tmp_path / "b", model=Wide(), features=features, config=SETTINGS)
    load_bundle(tmp_path / "b", models=[Wide()], features=features)
    shifted = Feature(
        lambda own: np.nan_to_num(np.roll(week_range(own), -1)), WEEK_RANGE.lookback_sessions
    )
    zeros = Feature(lambda own: np.zeros(len(own.close)), WEEK_RANGE.lookback_sessions)
    for other in (shifted, zeros, replace(WEEK_RANGE, lookback_sessions=9)):
        with pytest.raises(BundleError, match="'week_range' that gives other values") as caught:
            load_bundle(tmp_path / "b", models=[Wide()], features={"week_range": other})
        assert "Fix: hand over that function and look-back" in str(caught.value)


def test_a_hybrid_with_a_member_of_ones_own_is_trained_and_loaded_with_it(tmp_path):
    member, folder = Wide(version="1"), tmp_path / "b"
    config = tiny_config(hybrid={"members": ("ewma", "wide")}, test_sessions=90)
    with pytest.raises(ConfigError, match=r"'wide' cannot take part: .* Fix: hand it over"):
        train(HYBRID_BARS, folder, config=config)
    train(HYBRID_BARS, folder, members=[member], config=config)
    with pytest.raises(BundleError, match=r"Fix: load_bundle\(folder, models=\[...\]\) with its"):
        load_bundle(folder)
    frame = predict(load_bundle(folder, models=[member]), HYBRID_BARS).frame
    assert frame["horizon_sessions"].to_list() == [1, 7, 30]


def test_bars_that_give_a_model_of_ones_own_other_features_are_refused(tmp_path):
    """It may read them by their place."""
    train(HYBRID_BARS, tmp_path / "b", model=Wide(), config=SETTINGS)
    bundle = load_bundle(tmp_path / "b", models=[Wide()])
    with pytest.raises(ConfigError, match=r"features that these bars do not give: .* Fix: give"):
        predict(bundle, close_only(HYBRID_BARS))


def test_several_seeds_of_a_model_of_ones_own_are_served_as_their_mixture(tmp_path):
    model = Wide(more={"n_seeds": 2})
    train(HYBRID_BARS, tmp_path / "b", model=model, config=SETTINGS)
    frame = predict(load_bundle(tmp_path / "b", models=[model]), HYBRID_BARS).frame
    train(HYBRID_BARS, tmp_path / "one", model=Wide(), config=SETTINGS)
    single = predict(load_bundle(tmp_path / "one", models=[Wide()]), HYBRID_BARS).frame
    for level in ("q0.050", "q0.500", "q0.950"):  # its seeds learn the same
        np.testing.assert_allclose(frame[level], single[level], rtol=1e-9, atol=1e-12)


def test_a_hybrids_own_member_is_shown_when_served_what_a_backtest_shows_it(tmp_path):
    """No outcome that resolved after the fit, no row after the newest, nothing to write to."""
    latest: list[np.datetime64] = []

    class Looking(FittedWide):
        def quantiles(self, samples: Samples, rows: Ints) -> Floats:
            latest.append(samples.resolved[np.isfinite(samples.target)].max())
            assert not samples.table.values.flags.writeable
            return FittedWide.quantiles(self, samples, rows)

    config = tiny_config(hybrid={"members": ("ewma", "wide")}, test_sessions=90)
    train(until(HYBRID_BARS, LATER), tmp_path / "b", members=[Wide()], config=config)
    bundle = load_bundle(tmp_path / "b", models=[Wide()])
    hybrid = cast(FittedHybrid, bundle.fitted)
    wide = cast(FittedWide, hybrid.members["wide"])
    looking = Looking(spread=wide.spread, input=wide.input)
    spied = replace(hybrid, members={**hybrid.members, "wide": looking})
    predict(replace(bundle, fitted=spied), HYBRID_BARS)
    assert latest == [np.datetime64(bundle.manifest.fitted_at)]


def test_a_member_that_cannot_be_served_cannot_be_in_a_bundle(tmp_path):
    config = tiny_config(hybrid={"members": ("ewma", "wide")}, test_sessions=90)
    for traits in ({"is_servable": False}, {"fitted": None}):
        with pytest.raises(ConfigError, match="'wide' cannot be put into a bundle"):
            train(HYBRID_BARS, tmp_path / "b", members=[Wide(more=traits)], config=config)
