"""What people learn by hand from samples and folds: each leak beside the honest way to do it.

A stage is given all samples and one fold, and returns what the fold has learnt: known at the day
of the fit, so that nothing later may move it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from nextclose.samples.samples import Samples
from nextclose.samples.scaling import family_columns
from nextclose.samples.splits import Fold, originating_from
from tests.leakage.artefacts import Artefact, Pipeline, names_of, per_fold

FAMILY = "stationary"
PENALTIES = np.logspace(-2, 5, 40)
DECAYS = np.linspace(0.80, 0.99, 39)
Learn = Callable[[Samples, Fold], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class OwnStage(Pipeline):
    """The real loader, features, samples and folds; then a stage of somebody's own."""

    learn: Learn
    models: tuple[str, ...] = ("naive",)

    def artefacts(self, frame: pl.DataFrame, *, until: date | None = None) -> dict[str, Artefact]:
        study = self.study(frame)
        learnt = [self.learn(study.samples, fold) for fold in study.folds]
        return {"fit mine": per_fold(study.folds, learnt)}


def cases(samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets one session ahead, and their rows."""
    rows = np.flatnonzero(samples.ready(FAMILY) & np.isfinite(samples.target[:, 0]))
    inputs = np.nan_to_num(family_columns(samples, FAMILY)[rows]).astype(np.float64)
    return inputs, samples.target[rows, 0], rows


def tested(samples: Samples, fold: Fold) -> Samples:
    """What is to be forecast, with its answers."""
    return originating_from(samples, fold.fitted_at)


def moments(samples: Samples) -> np.ndarray:
    target = cases(samples)[1]
    return np.array([target.mean(), target.std()])


def standard(samples: Samples) -> np.ndarray:
    scaler = StandardScaler().fit(cases(samples)[0])
    return np.stack([scaler.mean_, scaler.scale_])


def min_max(samples: Samples) -> np.ndarray:
    scaler = MinMaxScaler().fit(cases(samples)[0])
    return np.stack([scaler.data_min_, scaler.data_max_])


def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)


def tuned(train: Samples, judged: Samples) -> np.ndarray:
    """The weights of the penalty that errs least on `judged`."""
    (x, y, _), (u, v, _) = cases(train), cases(judged)
    weights = [ridge(x, y, penalty) for penalty in PENALTIES]
    return weights[int(np.argmin([np.square(v - u @ each).mean() for each in weights]))]


def selected(train: Samples, by: Samples) -> np.ndarray:
    """Weights of the ten columns that go most with the target in `by`."""
    u, v, _ = cases(by)
    strength = np.abs(((u - u.mean(axis=0)) * (v - v.mean())[:, None]).mean(axis=0))
    chosen = np.sort(np.argsort(strength / (u.std(axis=0) + 1e-9))[-10:])
    x, y, _ = cases(train)
    return np.append(chosen, ridge(x[:, chosen], y, 1.0))


def encoded(samples: Samples) -> np.ndarray:
    """Each symbol and weekday by the mean target of its rows."""
    _, target, rows = cases(samples)
    weekday = (samples.origin[rows].astype(np.int64) + 3) % 7
    symbol = names_of(samples.table)[rows]
    names = [(symbol, name) for name in samples.table.symbols]
    days = [(weekday, number) for number in range(5)]
    groups = [target[keys == key] for keys, key in (*names, *days)]
    return np.array([group.mean() if len(group) else 0.0 for group in groups])


def likely_decay(samples: Samples) -> np.ndarray:
    """The decay of an exponential variance under which the targets are likeliest, and its loss."""
    _, target, _ = cases(samples)
    square, losses = np.square(target), []
    for decay in DECAYS:
        variance, loss = 1.0, 0.0
        for value in square:
            loss += np.log(variance) + value / variance
            variance = max(decay * variance + (1 - decay) * value, 1e-6)
        losses.append(loss / len(square))
    best = int(np.argmin(losses))
    return np.array([DECAYS[best], losses[best]])


def probability_map(train: Samples, by: Samples) -> np.ndarray:
    """How often it rises, by tenths of a score learnt from `train`: a map of scores to chances."""
    (x, y, _), (u, v, _) = cases(train), cases(by)
    weights = ridge(x, y, 10.0)
    borders = np.quantile(x @ weights, np.linspace(0.1, 0.9, 9))
    tenth = np.searchsorted(borders, u @ weights)
    rises = np.bincount(tenth, v > 0, minlength=10)
    return np.asarray((rises + 1) / (np.bincount(tenth, minlength=10) + 2))


def blended(train: Samples, by: Samples) -> np.ndarray:
    """The share of one forecast in a blend with another that errs least on `by`."""
    (x, y, _), (u, v, _) = cases(train), cases(by)
    one, two = u @ ridge(x, y, 1.0), u @ ridge(x, y, 1e4)
    apart = one - two
    return np.array([apart @ (v - two) / (apart @ apart + 1e-9)])


def conformal(train: Samples, by: Samples) -> np.ndarray:
    """The error that nine of ten stay within on `by`: half the width of a range."""
    (x, y, _), (u, v, _) = cases(train), cases(by)
    return np.array([np.quantile(np.abs(v - u @ ridge(x, y, 10.0)), 0.9)])


# name: (the leak, the honest way)
STAGES: dict[str, tuple[Learn, Learn]] = {
    "M39 target scaler of all labels": (
        lambda samples, fold: moments(samples),
        lambda samples, fold: moments(fold.train),
    ),
    "M50 penalty chosen on the test": (
        lambda samples, fold: tuned(fold.train, tested(samples, fold)),
        lambda samples, fold: tuned(fold.train, fold.valid),
    ),
    "M51 columns selected on all rows": (
        lambda samples, fold: selected(fold.train, samples),
        lambda samples, fold: selected(fold.train, fold.train),
    ),
    "M52 symbol and weekday by the mean target of all rows": (
        lambda samples, fold: encoded(samples),
        lambda samples, fold: encoded(fold.train),
    ),
    "M55 conformal quantile of test errors": (
        lambda samples, fold: conformal(fold.train, tested(samples, fold)),
        lambda samples, fold: conformal(fold.train, fold.valid),
    ),
    "M57 probability map of all data": (
        lambda samples, fold: probability_map(fold.train, samples),
        lambda samples, fold: probability_map(fold.train, fold.valid),
    ),
    "M57 volatility parameters of all data": (
        lambda samples, fold: likely_decay(samples),
        lambda samples, fold: likely_decay(fold.train),
    ),
    "M60 blend weights of test rows": (
        lambda samples, fold: blended(fold.train, tested(samples, fold)),
        lambda samples, fold: blended(fold.train, fold.valid),
    ),
    "M68 StandardScaler over the test windows": (
        lambda samples, fold: standard(samples),
        lambda samples, fold: standard(fold.train),
    ),
    "M68 MinMaxScaler over the test windows": (
        lambda samples, fold: min_max(samples),
        lambda samples, fold: min_max(fold.train),
    ),
}
