"""A fit uses no prior that knows its day or a later one, but the oldest where none had ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.models.editions import newest_edition
from nextclose.models.loghar import loghar, prior
from nextclose.models.loghar.loghar import LogHar
from nextclose.models.loghar.prior import Prior, shipped_priors
from nextclose.models.trees.trees import FittedTrees
from tests.leakage.artefacts import FOLDS, Pipeline
from tests.leakage.worlds import clean_panel, day

Patch = pytest.MonkeyPatch
# one before the world, one that ends on the day of the second fold, one the day before the third
DAYS = ("2000-12-31", str(day(FOLDS[1])), str(day(FOLDS[2] - 1)))
PRIORS = tuple(
    replace(shipped_priors()[0], until=until, weights=[t + k for t in shipped_priors()[0].weights])
    for k, until in enumerate(DAYS)
)


def walked(patch: Patch) -> Backtest:
    """Log-HAR and trees in a world too young to teach weights: those of a fit are its prior's."""
    patch.setattr(prior, "shipped_priors", lambda: PRIORS)
    return backtest(Pipeline(models=("loghar", "trees")).study(clean_panel()))


def used(walk: Backtest, model: str) -> list[str]:
    """The day up to which the prior of each fold was taught."""
    days = []
    for fold in walk.study.folds:
        (fitted,) = walk.fits[model, fold.index]
        assert isinstance(fitted, LogHar | FittedTrees)
        (own,) = (
            each.until
            for each in PRIORS
            for table in each.weights
            if np.array_equal(table[0], fitted.scale.weights[0])
        )
        days.append(own)
    return days


def too_late(walk: Backtest) -> list[str]:
    """Folds whose fit used a prior that knows its day or a later one."""
    return [
        f"fold {fold.index}"
        for fold, until in zip(walk.study.folds, used(walk, "loghar"), strict=True)
        if np.datetime64(until) >= fold.fitted_at
    ]


def test_no_fold_is_fitted_with_a_prior_that_knows_its_day_or_a_later_one(monkeypatch):
    walk = walked(monkeypatch)
    assert [fold.fitted_at for fold in walk.study.folds] == [
        np.datetime64(day(row)) for row in FOLDS
    ]
    assert too_late(walk) == []
    assert used(walk, "loghar") == used(walk, "trees") == [DAYS[0], DAYS[0], DAYS[2]]


def ends_on_the_day(patch: Patch) -> None:
    """A prior may be used from its own last day on."""

    def leaky(editions: Sequence[Prior], *, before: np.datetime64) -> Prior | None:
        return newest_edition(editions, before=before + np.timedelta64(1, "D"))

    patch.setattr(prior, "newest_edition", leaky)


def newest_of_all(patch: Patch) -> None:
    """Every day is fitted with what is shipped today."""
    patch.setattr(prior, "newest_edition", lambda editions, *, before: editions[-1])


def as_of_the_last_bar(patch: Patch) -> None:
    """The day of a fit is that of the newest bar of the file, not of what the fold knows."""
    patch.setattr(loghar, "sessions_of", lambda samples: np.unique(samples.origin))


@pytest.mark.parametrize(
    ("leak", "found"),
    [
        (ends_on_the_day, ["fold 1"]),
        (newest_of_all, ["fold 0", "fold 1"]),
        (as_of_the_last_bar, ["fold 0", "fold 1"]),
    ],
)
def test_a_prior_chosen_by_another_day_is_found(leak, found, monkeypatch):
    leak(monkeypatch)
    assert too_late(walked(monkeypatch)) == found
