"""What models of the user's own are shown, and what is asked of what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import backtest
from nextclose.errors import ConfigError
from nextclose.models.protocol import Traits
from nextclose.run import backtest as whole_backtest
from nextclose.samples.samples import Samples
from nextclose.samples.splits import outsider_view
from nextclose.schema import LEVELS, Floats, Ints
from tests.builders import samples_of, study_of_last, tiny_config, walk_bars

See = Callable[[Samples, Ints], Any]


@dataclass(frozen=True, kw_only=True)
class FittedSpy:
    """Forecasts nothing of worth, and looks around."""

    see: See = field(default=lambda samples, rows: None)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        grid = self.see(samples, rows)
        if grid is None:
            grid = np.zeros((len(rows), len(samples.horizons), len(LEVELS)))
        return np.asarray(grid)


@dataclass(frozen=True, kw_only=True)
class Spy:
    """A model whose fit and forecasts call back."""

    on_fit: Callable[[Samples, Samples], Any] = field(default=lambda train, valid: None)
    see: See = field(default=lambda samples, rows: None)
    name: str = "spy"
    traits: Traits = field(default_factory=Traits)

    def fit(self, train: Samples, valid: Samples, seed: int) -> Any:
        self.on_fit(train, valid)
        return FittedSpy(see=self.see)


def study(spy: Spy) -> Study:
    config = tiny_config(models=("har", "hs_250", "spy"))
    return study_of_last(samples_of(walk_bars((560, 540))), config, plugins=(spy,))


def test_a_fit_is_shown_nothing_of_later_rows():
    def check(train: Samples, valid: Samples) -> None:
        for block in (train, valid):
            later = ~block.readable()
            assert later.any()
            table = block.table
            for array in (table.values, table.close, table.scale, block.scale, block.target):
                assert np.isnan(array[later]).all()
            assert np.isfinite(table.close[~later]).all()

    backtest(study(Spy(on_fit=check)))


def test_a_forecast_is_shown_no_outcome_that_had_not_resolved_at_the_fit():
    known: list[Any] = []

    def see(samples: Samples, rows: Ints) -> None:
        known.append((samples.origin[rows].min(), samples.resolved[np.isfinite(samples.target)]))
        assert np.isnan(samples.table.close[samples.origin > samples.origin[rows].max()]).all()

    walk = study(Spy(see=see))
    backtest(walk)
    assert len(known) == 3
    for fold, (first, resolved) in zip(walk.folds, known, strict=True):
        assert resolved.max() <= fold.fitted_at <= first


def test_what_is_shown_cannot_be_written_to_and_changes_no_other_model():
    def spoil(train: Samples, valid: Samples) -> None:
        for array in (train.table.values, train.target, valid.scale, train.table.close):
            with pytest.raises(ValueError, match="read-only"):
                array *= 2

    spoilt = backtest(study(Spy(on_fit=spoil))).forecasts
    assert_frame_equal(spoilt, backtest(study(Spy())).forecasts, check_exact=True)


def test_the_view_keeps_all_that_was_known(walked):
    samples = walked.study.folds[1].valid
    view = outsider_view(samples, known_at=walked.study.folds[1].fitted_at)
    inside = samples.readable()
    np.testing.assert_array_equal(view.target, samples.target)
    np.testing.assert_array_equal(view.table.values[inside], samples.table.values[inside])
    assert samples.table.values.flags.writeable


@pytest.mark.parametrize("shape", [(0, 3, 99), (0, 1, 23), (0, 3, 22), (0, 3), (1, 3, 23)])
def test_quantiles_of_another_shape_are_refused(shape):
    def see(samples: Samples, rows: Ints) -> Floats:
        return np.zeros((shape[0] or len(rows), *shape[1:]))

    with pytest.raises(ConfigError, match=r"FittedSpy.quantiles gave shape .* expected .* Fix:"):
        backtest(study(Spy(see=see)))


def test_a_fit_of_another_class_than_the_traits_name_is_refused():
    with pytest.raises(ConfigError, match=r"fit gave a FittedSpy, its traits say Spy\. Fix:"):
        backtest(study(Spy(traits=Traits(fitted=Spy))))


def test_a_model_without_any_forecast_is_named():
    def see(samples: Samples, rows: Ints) -> Floats:
        return np.full((len(rows), 3, len(LEVELS)), np.nan)

    config = tiny_config(models=("har",), test_sessions=40)
    with pytest.raises(ConfigError, match="model 'spy' made no forecast"):
        whole_backtest(walk_bars((460, 450)), models=["har", Spy(see=see)], config=config)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("n_seeds", 0),
        ("n_seeds", 1.5),
        ("context_sessions", -1),
        ("family", "nope"),
        ("relative_cost", None),
        ("taught_until", "2004"),
        ("taught_until", None),
        ("taught_until", "20041231"),
        ("fitted", "FittedSpy"),
        ("fitted", int),
        ("settings", {"a": {1, 2}}),
        ("settings", {"a": float("nan")}),
    ],
)
def test_traits_that_cannot_be_are_refused_by_name(trait, value):
    spy = Spy(traits=replace(Traits(), **{trait: value}))
    with pytest.raises(ConfigError, match=rf"model 'spy': Traits\({trait}=\.\.\.\) is .* Fix:"):
        study(spy)
