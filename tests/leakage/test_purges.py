"""Each place that keeps unresolved targets out is needed: taken away, the leak is named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nextclose.backtesting import walk_forward
from nextclose.backtesting.forecasts import rising_quantiles
from nextclose.errors import LeakError
from nextclose.models.hybrid.hybrid import mean_quantiles
from nextclose.models.hybrid.record import Record
from nextclose.models.volatility import har
from tests.builders import FAMILIES
from tests.leakage.artefacts import STACKED, Pipeline, inner_leaks, leaks
from tests.leakage.open_sizes import FIRST_FOLD_SIZES, MID_FOLD_SIZES
from tests.leakage.open_targets import (
    FIRST_FOLD,
    MID_FOLD,
    SCALED,
    STACK_FOLD,
    STACK_MID_FOLD,
    Mutant,
    scaler_of_all_rows,
    scaler_of_fit_and_valid,
    train_unpurged,
)
from tests.leakage.thresholds import lower_thresholds
from tests.leakage.worlds import clean_panel, day, perturbed

TELLING = ("x1e6", "wild walk", "half deleted", "reversed")


def named(
    pipeline: Pipeline,
    row: int,
    *,
    wanted: tuple[str, ...] = ("every world",),
    find: Callable[..., list[str]] = leaks,
) -> set[str]:
    """What the harness names over a few worlds after that row, until all that is wanted is."""
    base, cut = clean_panel(), day(row)
    made = pipeline.artefacts(base)
    lines: set[str] = set()
    for world in TELLING:
        other = pipeline.artefacts(perturbed(base, cut, world))
        lines |= {line.split(",")[0] for line in find(made, other, at=cut)}
        if {*wanted} <= lines:
            break
    return lines


def ids(mutant: Mutant) -> str:
    return mutant.leak.__name__


def pipeline_of(models: tuple[str, ...]) -> Pipeline:
    more = ("classic",) if "classic" in models else ()
    return Pipeline(models=models, families=(*more, *FAMILIES))


@pytest.mark.parametrize("mutant", FIRST_FOLD, ids=ids)
def test_a_fit_that_learns_what_is_open_is_found(mutant, monkeypatch):
    mutant.leak(monkeypatch)
    pipeline = Pipeline(models=mutant.models)
    assert {*mutant.named} <= named(pipeline, 400, wanted=mutant.named)


def test_a_scaler_that_sees_all_rows_is_found(monkeypatch):
    lower_thresholds(monkeypatch)
    assert not {*SCALED} & named(Pipeline(models=("ridge",)), 400, wanted=SCALED)
    scaler_of_all_rows(monkeypatch)
    assert {*SCALED} <= named(Pipeline(models=("ridge",)), 400, wanted=SCALED)


@pytest.mark.parametrize("mutant", MID_FOLD, ids=ids)
def test_a_forecast_that_reads_what_is_open_is_found(mutant, monkeypatch):
    mutant.leak(monkeypatch)
    pipeline = pipeline_of(mutant.models)
    assert {*mutant.named} <= named(pipeline, 415, wanted=mutant.named)


@pytest.mark.parametrize(
    ("mutant", "row"),
    [(m, 400) for m in FIRST_FOLD_SIZES] + [(m, 415) for m in MID_FOLD_SIZES],
    ids=lambda each: ids(each) if isinstance(each, Mutant) else "",
)
def test_a_size_that_knows_later_sessions_is_found(mutant, row, monkeypatch):
    lower_thresholds(monkeypatch)
    pipeline = Pipeline(models=mutant.models)
    assert named(pipeline, row) == set()
    mutant.leak(monkeypatch)
    assert {*mutant.named} <= named(pipeline, row, wanted=mutant.named)


@pytest.mark.parametrize("mutant", STACK_FOLD, ids=ids)
def test_a_stack_that_learns_what_is_open_is_found(mutant, monkeypatch):
    lower_thresholds(monkeypatch)
    mutant.leak(monkeypatch)
    pipeline = Pipeline(models=mutant.models)
    assert {*mutant.named} <= named(pipeline, 430, wanted=mutant.named)


@pytest.mark.parametrize("mutant", STACK_MID_FOLD, ids=ids)
def test_a_range_that_knows_outcomes_before_they_resolve_is_found(mutant, monkeypatch):
    lower_thresholds(monkeypatch)
    mutant.leak(monkeypatch)
    pipeline = Pipeline(models=mutant.models)
    assert {*mutant.named} <= named(pipeline, 445, wanted=mutant.named)


def test_the_record_counts_forecasts_of_fits_that_had_not_seen_their_rows(monkeypatch):
    lower_thresholds(monkeypatch)
    counted: list[tuple[Any, Any]] = []

    def remembering(self: Record, samples: Any, rows: Any, raw: Any) -> Any:
        counted.append((rows, raw))
        return honest(self, samples, rows, raw)

    honest = Record.moved
    monkeypatch.setattr(Record, "moved", remembering)
    study = Pipeline(models=STACKED).study(clean_panel())
    walk = walk_forward.backtest(study)
    assert len(counted) == len(study.folds)
    for fold, (rows, raw) in zip(study.folds, counted, strict=True):
        assert (study.samples.origin[rows] >= fold.fitted_at).all()
        fits = [walk.fits[name, fold.index][0] for name in ("garch", "loghar")]
        grids = [rising_quantiles(fitted, study.samples, rows)[0] for fitted in fits]
        np.testing.assert_array_equal(raw, mean_quantiles(np.stack(grids)))


def test_a_training_block_without_its_purge_is_refused(monkeypatch):
    train_unpurged(monkeypatch)
    for model in ("drift", "ewma", "har", "trees", "lstm"):
        with pytest.raises(LeakError):
            Pipeline(models=(model,)).artefacts(clean_panel())


def test_the_guard_taken_away_too_a_training_block_without_its_purge_is_found(monkeypatch):
    train_unpurged(monkeypatch)
    monkeypatch.setattr(har, "refuse_overlap", lambda train, valid: None)
    assert named(Pipeline(models=("har",)), valid_from(), find=inner_leaks) == {
        "inner: train targets"
    }


def test_a_scaler_that_sees_the_validation_block_is_found(monkeypatch):
    lower_thresholds(monkeypatch)
    scaler_of_fit_and_valid(monkeypatch)
    wanted = ("inner: fit ridge scaler.center",)
    found = named(Pipeline(models=("ridge",)), valid_from(), wanted=wanted, find=inner_leaks)
    assert {*wanted} <= found


def valid_from() -> int:
    """The row at which the first fold's validation block begins."""
    made = Pipeline(models=("naive",)).artefacts(clean_panel())
    begins = made["inner: train targets"].known_at[0].astype(object)
    return next(row for row in range(257, 400) if day(row) == begins)
