"""How the fits of a backtest went: learning curves, what trees read, how much was believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from nextclose.backtesting.walk_forward import Backtest
from nextclose.evaluation.verdict.overlap import Overlap
from nextclose.models.protocol import Fitted, LearningCurve, Trained
from nextclose.models.volatility.garch import Garch

if TYPE_CHECKING:  # both load libraries that a run without them can do without
    from nextclose.models.lstm.lstm import FittedLstm
    from nextclose.models.trees.trees import FittedTrees

IMPORTANCE_SCHEMA = {"horizon_sessions": pl.Int32, "feature": pl.String, "share": pl.Float64}
CURVE_SCHEMA = {
    "model": pl.String,
    "label": pl.String,
    "seed": pl.Int64,
    "epoch": pl.Int64,
    "train": pl.Float64,
    "valid": pl.Float64,
    "kept": pl.Boolean,
}
SHOWN_MEASURES = ("loss", "crps")


def learning_curves(walked: Backtest) -> pl.DataFrame:
    """Losses by epoch or tree of every fit that has them, in `CURVE_SCHEMA`, kept ones marked.

    Oldest refit first: a report shows the last ones. A training that several refits share is there
    once.
    """
    rows: list[tuple[Any, ...]] = []
    shared: set[tuple[str, str]] = set()
    for (model, fold), members in sorted(walked.fits.items()):
        fitted_at = walked.study.folds[fold].fitted_at
        for seed, fitted in enumerate(members):
            for curve in fitted.curves if isinstance(fitted, Trained) else ():
                if curve.measure in SHOWN_MEASURES and (model, curve.stage) not in shared:
                    shared |= {(model, curve.stage)} if curve.stage else set()
                    label = curve.stage or _label(curve, fitted_at=str(fitted_at))
                    rows += [(model, label, seed, *point) for point in _points(curve)]
    return pl.DataFrame(rows, schema=CURVE_SCHEMA, orient="row")


def _label(curve: LearningCurve, *, fitted_at: str) -> str:
    """Whose curve it is, in words: `AAPL, 7 sessions, fitted 2012-10-31`."""
    n = curve.horizon_sessions
    horizon = "" if n is None else f"{n} session{'' if n == 1 else 's'}"
    words = ", ".join(filter(None, (curve.symbol, horizon, f"fitted {fitted_at}")))
    return words[0].upper() + words[1:]


def _points(curve: LearningCurve) -> Iterator[tuple[int, float, float, bool]]:
    """Epoch, both losses and whether it was kept, epoch by epoch."""
    for position, losses in enumerate(zip(curve.train, curve.valid, strict=True)):
        yield curve.first_epoch + position, *losses, position == curve.kept


def tree_importance(walked: Backtest) -> pl.DataFrame:
    """Share of each feature in what the trees add, in `IMPORTANCE_SCHEMA`: the mean of all refits.

    Refits that kept no tree at a horizon have no shares there and do not count.
    """
    importance = [cast("FittedTrees", fitted).importance for fitted in fits_of(walked, "trees")]
    if not importance:
        return pl.DataFrame(schema=IMPORTANCE_SCHEMA)
    names = tuple(dict.fromkeys(name for fit in importance for name in fit))
    none = [0.0] * len(walked.study.samples.horizons)  # a refit whose rows did not know a feature
    shares = np.array([[fit.get(name, none) for name in names] for fit in importance])
    rows: list[tuple[int, str, float]] = []
    for k, horizon in enumerate(walked.study.samples.horizons):
        grown = shares[shares[:, :, k].sum(axis=1) > 0, :, k]
        if len(grown):
            mean = grown.mean(axis=0)
            rows += [(horizon, *pair) for pair in zip(names, mean, strict=True)]
    return pl.DataFrame(rows, schema=IMPORTANCE_SCHEMA, orient="row")


def editions_used(walked: Backtest) -> dict[str, int]:
    """The editions of the LSTM by the day each was taught up to, and how many refits used it.

    "" counts refits that none had ended before; empty without an LSTM.
    """
    used = Counter(cast("FittedLstm", fitted).edition for fitted in fits_of(walked, "lstm"))
    return dict(sorted(used.items()))


def overlaps(walked: Backtest) -> tuple[Overlap, ...]:
    """Models of the settings that were taught beforehand by years that they are tested in."""
    study, found = walked.study, []
    for name in dict.fromkeys(study.config.backtest.models):
        until = study.models[name].traits.taught_until
        tested = [
            fold.fitted_at
            for fold in study.folds[study.n_rehearsals :]
            if (name, fold.index) in walked.fits
        ]
        refits = sum(bool(day <= np.datetime64(until, "D")) for day in tested) if until else 0
        if refits:
            found.append(Overlap(model=name, taught_until=until, refits=refits, of=len(tested)))
    return tuple(found)


def borrowed_volatility(walked: Backtest) -> dict[str, int]:
    """Symbols that garch could not fit by themselves, and at how many refits; sorted."""
    failed = [
        name
        for fitted in fits_of(walked, "garch")
        if isinstance(fitted, Garch)
        for name in fitted.failed
    ]
    return dict(sorted(Counter(failed).items()))


def fits_of(walked: Backtest, model: str) -> list[Fitted]:
    """All fits of one model, fold by fold, seed by seed."""
    return [
        fitted for (name, _), members in walked.fits.items() for fitted in members if name == model
    ]
