"""Scaling learnt from training rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Floats32, Ints

CAP = 5.0  # standard deviations; method section 2: inputs are capped at +-5
NARROWEST = 1e-12  # below this a feature does not move
PRICE_FLOOR = 1e-3  # share of the origin's close; a linear output can go below zero, a log cannot
KNOWN_ROWS = 250  # a year of one symbol, for a column to be learnt from where others lack it


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """Centre and width of each named feature. Shapes (feature,); width > 0."""

    names: Annotated[tuple[str, ...], "feature"]
    center: Annotated[Floats, "float64 feature"]
    width: Annotated[Floats, "float64 feature"]

    def __post_init__(self) -> None:
        """Raise ValueError unless every width is above 0."""
        if not (self.width > 0).all():
            raise ValueError("width is not above 0 everywhere")

    def apply(self, samples: Samples) -> Floats32:
        """The named columns, standardised and capped at +-5. Shape (row, feature).

        NaN: what is not known becomes 0, the training mean: ranges and volumes that bars lack, and
            warm-up rows, which `Samples.ready` keeps out of every window that is trained on or
            forecast from.
        Raises: ConfigError if the table lacks a column.
        """
        columns = named_columns(samples, self.names)
        return standardised(columns, center=self.center, width=self.width)


def standardised(
    values: Floats32, *, center: npt.NDArray[Any], width: npt.NDArray[Any]
) -> Floats32:
    """In standard deviations from the centre, capped at +-5; NaN is 0. Shape (..., feature)."""
    scaled = (values - center.astype(np.float32)) / width.astype(np.float32)
    return np.nan_to_num(np.clip(scaled, -CAP, CAP), nan=0.0)


def available_names(samples: Samples, names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that the table has, in the order of `names`."""
    return tuple(name for name in names if name in samples.table.names)


def named_columns(samples: Samples, names: Sequence[str]) -> Floats32:
    """The named columns of the table, copied. Shape (row, feature).

    Raises: ConfigError if the table lacks one.
    """
    missing = [name for name in names if name not in samples.table.names]
    if missing:
        reason = samples.table.left_out.get(missing[0], "it is no feature of this table")
        raise ConfigError(
            f"feature {missing[0]!r} is needed but not there: {reason}. "
            "Fix: give bars with the same columns as in training."
        )
    position = {name: index for index, name in enumerate(samples.table.names)}
    return samples.table.values[:, [position[name] for name in names]]


def known_names(samples: Samples, names: Sequence[str], rows: Ints) -> tuple[str, ...]:
    """Those of `names` that are known at 250 of `rows`, or at all of them.

    What a fit may read: a column that its rows do not know is as one that the table has not, so
    that a symbol listed later changes nothing before.
    Raises: ConfigError if the table lacks one.
    """
    n_known = np.isfinite(named_columns(samples, names)[rows]).sum(axis=0)
    needed = min(len(rows), KNOWN_ROWS)
    return tuple(name for name, n in zip(names, n_known, strict=True) if n >= needed)


def family_columns(samples: Samples, family: str) -> Floats32:
    """The columns of one family, a view. Shape (row, feature)."""
    span = samples.table.families[family]
    return samples.table.values[:, span.start : span.stop]


def fit_scaler(train: Samples, *, names: Sequence[str], family: str) -> Scaler:
    """Mean and standard deviation of each feature over the rows that may be learnt from.

    Of those of `names` that are known there (`known_names`), over the rows that know them. A
    feature that never moves gets width 1, so it becomes 0.
    Raises: NotEnoughDataError with fewer than 2 such rows; ConfigError for an unknown name.
    """
    rows = train.learnable(family)
    if len(rows) < 2:
        raise NotEnoughDataError(
            f"{len(rows)} rows have full features and a known outcome; at least 2 are needed to "
            "scale. Fix: give more history.",
            needed=2,
            found=len(rows),
        )
    names = known_names(train, names, rows)
    columns = named_columns(train, names)[rows].astype(np.float64)
    center, width = _moments(columns)
    return Scaler(
        names=names,
        center=center,
        width=np.where(width > NARROWEST, width, 1.0),
    )


def _moments(columns: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the known values of each column. Shapes (feature,)."""
    is_known = np.isfinite(columns)
    if is_known.all():
        return columns.mean(axis=0), columns.std(axis=0)
    n_known = np.maximum(is_known.sum(axis=0), 1)
    center = np.where(is_known, columns, 0.0).sum(axis=0) / n_known
    apart = np.where(is_known, columns - center, 0.0)
    return center, np.sqrt((apart * apart).sum(axis=0) / n_known)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinMax:
    """Lowest value of each column and its range, 1 where it never moved. Shapes (column,)."""

    low: Floats32
    span: Floats32

    def apply(self, values: npt.NDArray[Any]) -> Floats32:
        """The fitted rows land in [0, 1], others may lie outside. Shape (..., column)."""
        return np.asarray((values - self.low) / self.span, dtype=np.float32)


def fit_min_max(values: npt.NDArray[Any]) -> MinMax:
    """The ranges of `values`, shape (row, column)."""
    low, span = values.min(axis=0), np.ptp(values, axis=0)
    return MinMax(low=low.astype(np.float32), span=np.where(span > 0, span, 1.0).astype(np.float32))


def log_returns_to(price: Floats, *, close: Floats) -> Floats:
    """Log returns from the closes to forecast prices. Shape (row,).

    Limits: a price below a thousandth of the close, zero or less too, is raised to it.
    """
    return np.asarray(np.log(np.maximum(price / close, PRICE_FLOOR)))
