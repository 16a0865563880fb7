"""How fits went: learning curves, what trees read, editions used, years taught beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import Ridge

from nextclose.backtesting.walk_forward import Backtest
from nextclose.config import TreesConfig
from nextclose.evaluation.breakdowns.training import (
    CURVE_SCHEMA,
    IMPORTANCE_SCHEMA,
    editions_used,
    fits_of,
    learning_curves,
    overlaps,
    tree_importance,
)
from nextclose.evaluation.verdict.overlap import Overlap
from nextclose.models.baselines import HAR, LOGHAR, NAIVE
from nextclose.models.loghar.prior import shipped_priors
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.models.protocol import Fitted, LearningCurve
from nextclose.models.regressors import from_sklearn
from nextclose.models.trees.forests import NODE_ARRAYS, Forest
from nextclose.models.trees.inputs import lag_names
from nextclose.models.trees.trees import FittedTrees, Trees
from tests.plugins import Wide

NO_TREES = {
    "offsets": np.zeros(1, dtype=np.int32),
    **{name: np.empty(0, dtype=dtype) for name, dtype in NODE_ARRAYS.items()},
}


def fitted_trees(*, shares: Any, curves: tuple[LearningCurve, ...] = ()) -> FittedTrees:
    """Trees whose two inputs (and lags that did nothing) made these shares at each horizon."""
    lags = np.zeros((len(shares), len(lag_names())))
    no_trees = Forest(arrays=NO_TREES, n_features=2 + len(lag_names()))
    return FittedTrees(
        names=("calm", "storm"),
        scale=cast(Any, None),  # no forecast is asked for
        spread=np.zeros((3, 23)),
        forests=(no_trees,) * 3,
        shares=np.hstack([np.array(shares), lags]),
        curves=curves,
    )


def with_fits(walked: Backtest, model: str, *fits: Any) -> Backtest:
    """The walk with a fit of `model`, or a tuple of one a seed, in each of its first folds."""
    extra: dict[tuple[str, int], tuple[Fitted, ...]] = {
        (model, fold): fitted if isinstance(fitted, tuple) else (fitted,)
        for fold, fitted in enumerate(fits)
    }
    return replace(walked, fits={**walked.fits, **extra})


@dataclass(frozen=True)
class Fit:
    """A fit that only remembers how its training went."""

    curves: tuple[LearningCurve, ...]


def by_epoch(*valid: float, kept: int, **more: Any) -> LearningCurve:
    """A curve whose training losses are half those of validation."""
    return LearningCurve(train=tuple(v / 2 for v in valid), valid=valid, kept=kept, **more)


# --- learning curves ---


def test_curves_are_one_a_refit_and_seed_with_the_kept_epoch_marked(walked):
    first = tuple(Fit((by_epoch(3.0, valid, 2.5, kept=1),)) for valid in (2.0, 1.0))
    second = tuple(Fit((by_epoch(4.0, valid, kept=0),)) for valid in (5.0, 6.0))
    curves = learning_curves(with_fits(walked, "mine", first, second))
    assert dict(curves.schema) == CURVE_SCHEMA
    assert set(curves["model"]) == {"mine"}  # the others learn nothing by epochs
    days = [f"Fitted {fold.fitted_at}" for fold in walked.study.folds]
    assert curves.drop("model").rows() == [
        *((days[0], 0, e, v / 2, v, e == 1) for e, v in enumerate((3.0, 2.0, 2.5))),  # 0: before
        *((days[0], 1, e, v / 2, v, e == 1) for e, v in enumerate((3.0, 1.0, 2.5))),
        *((days[1], 0, e, v / 2, v, e == 0) for e, v in enumerate((4.0, 5.0))),
        *((days[1], 1, e, v / 2, v, e == 0) for e, v in enumerate((4.0, 6.0))),
    ]


def test_a_training_before_the_fits_is_listed_once_though_several_refits_share_it(walked):
    old, new = (
        Fit(
            tuple(
                by_epoch(2.0, 1.0, kept=1, first_epoch=1, measure="crps", stage=f"{until}: {part}")
                for part in ("simulated", "tuning")
            )
        )
        for until in ("2004", "2008")
    )
    found = learning_curves(with_fits(walked, "mine", old, old, new))
    assert found.filter(pl.col("kept")).select("label", "epoch", "valid").rows() == [
        *(
            (f"{until}: {part}", 2, 1.0)
            for until in (2004, 2008)
            for part in ("simulated", "tuning")
        )
    ]
    assert found.height == 4 * 2


def test_two_models_may_each_have_a_stage_of_one_name(walked):
    fit = Fit((by_epoch(2.0, 1.0, kept=1, stage="before"),))
    both = with_fits(with_fits(walked, "mine", fit, fit), "yours", fit)
    assert learning_curves(both)["model"].to_list() == ["mine", "mine", "yours", "yours"]


def test_curves_of_trees_begin_before_the_first_tree_and_come_by_horizon(walked):
    curves = tuple(
        LearningCurve(train=(3.0, 2.0, 1.0), valid=(3.0, 2.5, 2.7), kept=1, horizon_sessions=h)
        for h in (1, 7, 30)
    )
    grown = with_fits(walked, "trees", fitted_trees(shares=[[1.0, 0.0]] * 3, curves=curves))
    found = learning_curves(grown).filter(pl.col("model") == "trees")
    day = walked.study.folds[0].fitted_at
    assert found["label"].unique(maintain_order=True).to_list() == [
        *(f"1 session, fitted {day}", f"7 sessions, fitted {day}", f"30 sessions, fitted {day}")
    ]
    first = found.filter(pl.col("label").str.starts_with("1 "))
    assert first["epoch"].to_list() == [0, 1, 2]
    assert first.filter(pl.col("kept"))["valid"].to_list() == [2.5]


def test_a_curve_names_its_symbol_begins_where_it_says_and_is_left_out_if_it_is_no_loss(walked):
    class Networks:
        curves = tuple(
            LearningCurve(
                train=(2.0, 1.0),
                valid=(2.0, 3.0),
                kept=0,
                first_epoch=1,
                measure=measure,
                symbol="aaa",
                horizon_sessions=7,
            )
            for measure in ("loss", "mae")
        )

    found = learning_curves(with_fits(walked, "classic", Networks())).filter(model="classic")
    day = walked.study.folds[0].fitted_at
    assert found.rows() == [
        ("classic", f"Aaa, 7 sessions, fitted {day}", 0, 1, 2.0, 2.0, True),
        ("classic", f"Aaa, 7 sessions, fitted {day}", 0, 2, 1.0, 3.0, False),
    ]


# --- what trees read ---


def test_importance_is_the_mean_of_the_refits_that_kept_trees(walked):
    none = [0.0, 0.0]
    first = fitted_trees(shares=[[0.8, 0.2], [1.0, 0.0], none])
    second = fitted_trees(shares=[[0.4, 0.6], none, none])
    found = tree_importance(with_fits(walked, "trees", first, second))
    assert dict(found.schema) == IMPORTANCE_SCHEMA
    assert found.filter(pl.col("share") > 0).rows() == [
        (1, "calm", pytest.approx(0.6)),
        (1, "storm", pytest.approx(0.4)),
        (7, "calm", 1.0),  # one refit had no trees there, and none had any at 30 sessions
    ]


def test_without_trees_there_is_no_importance(walked):
    found = tree_importance(walked)
    assert found.is_empty()
    assert dict(found.schema) == IMPORTANCE_SCHEMA


# --- editions of the LSTM ---


def test_editions_are_counted_by_refits_the_oldest_first(walked):
    (fitted,) = walked.fits["lstm", 0]
    assert isinstance(fitted, FittedLstm)
    (network,) = fitted.networks
    none, old, new = (
        FittedLstm(edition=until, networks=(network,) * bool(until))
        for until in ("", "2000-12-31", "2002-12-31")
    )
    assert editions_used(walked) == {"2000-12-31": 3}
    assert editions_used(with_fits(walked, "lstm", new, old, new)) == {
        "2000-12-31": 1,
        "2002-12-31": 2,
    }
    assert list(editions_used(with_fits(walked, "lstm", old, none)).items()) == [
        ("", 1),
        ("2000-12-31", 2),
    ]


def test_without_an_lstm_no_edition_is_used(walked):
    others = {key: fits for key, fits in walked.fits.items() if key[0] != "lstm"}
    assert editions_used(replace(walked, fits=others)) == {}


# --- years that taught a model beforehand ---


TAUGHT = Wide(name="taught", more={"taught_until": "1994-12-31"})


def with_models(walked: Backtest, *days: str, n_rehearsals: int = 0) -> Backtest:
    """The walk of loghar, trees, har and a plug-in that was taught, fitted on these days."""
    names = ("har", "loghar", "trees", "taught")
    config = walked.study.config
    plan = config.backtest.model_copy(update={"models": names})
    folds = tuple(
        replace(walked.study.folds[0], index=k, fitted_at=np.datetime64(day))
        for k, day in enumerate(days)
    )
    study = replace(
        walked.study,
        config=config.model_copy(update={"backtest": plan}),
        folds=folds,
        n_rehearsals=n_rehearsals,
        plugins=(TAUGHT,),
    )
    fits: Any = {(name, fold): (Fit(()),) for name in names for fold in range(len(days))}
    return replace(walked, study=study, fits=fits)


DAYS = ("1993-12-31", "1994-12-31", "1995-01-03")


def test_refits_up_to_the_day_that_a_model_was_taught_until_overlap_and_later_ones_do_not(walked):
    assert overlaps(with_models(walked, *DAYS)) == tuple(
        Overlap(model=name, taught_until="1994-12-31", refits=2, of=3)
        for name in ("loghar", "trees", "taught")
    )
    assert overlaps(with_models(walked, "1995-01-03", "2018-01-02")) == ()


def test_rehearsals_are_no_tested_refits(walked):
    (first, *_) = overlaps(with_models(walked, *DAYS, n_rehearsals=1))
    assert (first.refits, first.of) == (1, 2)
    assert overlaps(with_models(walked, *DAYS, n_rehearsals=2)) == ()


def test_a_model_that_is_fitted_in_the_last_folds_alone_counts_those(walked):
    late = with_models(walked, *DAYS)
    fits = {key: fits for key, fits in late.fits.items() if key not in {("trees", 0), ("trees", 1)}}
    assert [each.model for each in overlaps(replace(late, fits=fits))] == ["loghar", "taught"]


def test_whatever_stands_on_the_prior_of_log_har_says_until_when_it_was_taught():
    oldest = shipped_priors()[0].until
    models = (LOGHAR, Trees(settings=TreesConfig()), from_sklearn(Ridge(), name="ridge"))
    assert {model.traits.taught_until for model in models} == {oldest} == {"1994-12-31"}
    assert {HAR.traits.taught_until, NAIVE.traits.taught_until} == {""}


# --- the rest ---


def test_fits_of_a_model_are_all_of_its_folds_and_seeds(walked):
    fits = [fitted for fold in range(3) for fitted in walked.fits["lstm", fold]]
    assert fits_of(walked, "lstm") == fits
    assert fits_of(walked, "trees") == []
