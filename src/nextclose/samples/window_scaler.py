"""How windows and targets are scaled, learnt from the rows that training windows may read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nextclose.samples.samples import Samples
from nextclose.samples.scaling import (
    MinMax,
    family_columns,
    fit_min_max,
    fit_scaler,
    standardised,
)
from nextclose.samples.windows import window_rows
from nextclose.schema import Floats, Floats32, Ints

CLASSIC, STATIONARY = "classic", "stationary"  # families, and forms of windows
FORMS = (STATIONARY, CLASSIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowScaler:
    """Of each column and of the target: what is taken off, and what the rest is divided by.

    Capped: standard deviations, cut at +-5, and what is not known is 0. A column whose centre is
    NaN is one that the training rows do not know: 0 throughout. Else MinMax, without a cut.
    """

    center: Floats32  # (feature,)
    width: Floats32  # (feature,) > 0
    is_capped: bool
    target_center: float
    target_width: float  # > 0

    def scaled(self, windows: Floats32) -> Floats32:
        """The windows in these units. Shape (..., feature)."""
        if self.is_capped:
            return standardised(windows, center=self.center, width=self.width)
        return MinMax(low=self.center, span=self.width).apply(windows)

    def scaled_targets(self, targets: Floats) -> Floats32:
        """The targets in these units, any shape."""
        return np.asarray((targets - self.target_center) / self.target_width, dtype=np.float32)

    def targets(self, scaled: npt.ArrayLike) -> Floats:
        """The way back: targets from what a model says, any shape."""
        return np.asarray(scaled, dtype=np.float64) * self.target_width + self.target_center


def min_max_scaler(samples: Samples, rows: Ints, *, sessions: int) -> WindowScaler:
    """The tutorial's: ranges of columns and close over all that windows ending at `rows` read.

    Expects: training rows of one symbol, at least one.
    """
    read = np.unique(window_rows(rows, sessions=sessions))
    features = fit_min_max(family_columns(samples, CLASSIC)[read])
    close = fit_min_max(samples.table.close[read, None])
    return WindowScaler(
        center=features.low,
        width=features.span,
        is_capped=False,
        target_center=float(close.low[0]),
        target_width=float(close.span[0]),
    )


def standard_scaler(train: Samples) -> WindowScaler:
    """Mean and standard deviation of the stationary columns over the rows that may be learnt from.

    Of all symbols together. Targets are in units of their own already: they stay as they are.
    Raises: NotEnoughDataError with fewer than 2 such rows.
    """
    span = train.table.families[STATIONARY]
    names = train.table.names[span.start : span.stop]
    fitted = fit_scaler(train, names=names, family=STATIONARY)
    center, width = np.full(len(names), np.nan), np.ones(len(names))
    known = [names.index(name) for name in fitted.names]
    center[known], width[known] = fitted.center, fitted.width
    return WindowScaler(
        center=center.astype(np.float32),
        width=width.astype(np.float32),
        is_capped=True,
        target_center=0.0,
        target_width=1.0,
    )
