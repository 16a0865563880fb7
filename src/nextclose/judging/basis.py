"""What forecast values are: prices or returns, of these prices or of others. Pure."""

from __future__ import annotations

import numpy as np

from nextclose.judging.submission import Diagnosis, Submission, refused
from nextclose.schema import Floats

SCALES = ("auto", "prices", "log returns", "simple returns")
NEAR = 0.5  # the median forecast is this near to the close: prices
LIKE_RETURNS = 0.5  # the median size of what may be a return
FOLLOWS = 0.8  # correlation with the price level from which on values are scaled prices
SAME_PRICES = 1e-3  # median relative difference of a file's actual column from the prices
OTHER_PRICES = 1e-2  # from here on they are other prices, and their forecasts others too


def scale_of(given: Submission, *, point: Floats, close: Floats, later: Floats) -> str:
    """What the values are, told by the median forecast beside the close it starts from.

    `later` is the close of the target, NaN where it is not known.
    Raises: ForecastsError for scaled prices, prices on another basis, and where log and simple
        returns cannot be told apart.
    """
    if given.scale != "auto":
        return given.scale
    off = float(np.median(np.abs(point / close - 1.0)))
    if off < NEAR:
        return "prices"
    known = np.isfinite(later)
    follows = _correlation(point[known], later[known])
    if follows > FOLLOWS:
        ratio = float(np.median(point / close))
        spread = float(np.std(point / close)) / max(abs(ratio), 1e-12)
        if ratio > 0 and spread < 0.1:
            raise refused(
                f"forecasts of {ratio:.4g} times the close",
                expected="forecasts and prices on one basis, split-adjusted alike",
                fix="give the prices that the forecasts were made from.",
                where=given.source,
            )
        raise refused(
            f"values from {point.min():.4g} to {point.max():.4g} that follow the price "
            f"(correlation {follows:.2f})",
            expected="prices or returns, not scaled prices",
            fix="undo the scaling, as scaler.inverse_transform does, and export again.",
            where=given.source,
        )
    if float(np.median(np.abs(point))) > LIKE_RETURNS:
        raise refused(
            f"a median forecast of {np.median(point):.4g} beside a close of {np.median(close):.4g}",
            expected="prices near the close, or returns",
            fix="give the prices that the forecasts were made from, or say values=...",
            where=given.source,
        )
    actual = given.places["actual"].to_numpy()
    known &= np.isfinite(actual)
    if known.sum() > 1:
        came = later[known] / close[known]
        errors = {
            "log returns": float(np.abs(actual[known] - np.log(came)).max()),
            "simple returns": float(np.abs(actual[known] - (came - 1.0)).max()),
        }
        best = min(errors, key=lambda name: errors[name])
        if errors[best] < 1e-5 and max(errors.values()) > 2 * errors[best]:
            return best
    raise refused(
        "values like returns",
        expected="to be told which",
        fix="say values='log returns' or values='simple returns' (--values log or simple).",
        where=given.source,
    )


def as_log_returns(values: Floats, close: Floats, *, scale: str, given: Submission) -> Floats:
    """Values (row, level) as log returns from `close`.

    Raises: ForecastsError for a price or gross return of 0 or less.
    """
    if scale == "log returns":
        return values
    gross = values / close[:, None] if scale == "prices" else 1.0 + values
    if (gross[:, len(gross[0]) // 2] <= 0).any():
        row = int(np.flatnonzero(gross[:, len(gross[0]) // 2] <= 0)[0])
        raise refused(
            f"{values[row, len(gross[0]) // 2]:.6g}",
            expected="a price above 0" if scale == "prices" else "a return above -1",
            fix="correct the forecast, or leave the row out.",
            where=given.source,
            row=int(given.places["row"][row]),
        )
    return np.asarray(np.log(np.maximum(gross, 1e-3)))  # the lower tail of a normal of prices


def actual_diagnoses(
    given: Submission, *, scale: str, later: Floats, before: Floats, after: Floats
) -> list[Diagnosis]:
    """What a file's own actual column says beside the prices; `before`, `after`: a session off.

    Raises: ForecastsError where the actual prices are others than those given.
    """
    actual = given.places["actual"].to_numpy().astype(np.float64)
    if scale != "prices" or np.isfinite(actual).sum() < 10:
        return []
    off = _distance(actual, later)
    if not off > SAME_PRICES:
        return []
    for name, other in (("before", before), ("after", after)):
        if _distance(actual, other) <= SAME_PRICES:
            return [
                Diagnosis(
                    name="shifted_actual",
                    model=given.model,
                    sentence=f"The actual prices beside the forecasts are those of the session "
                    f"{name} the date that stands there: the dates are shifted by one.",
                    figures={"median_difference_pct": 100.0 * off},
                )
            ]
    if off > OTHER_PRICES:
        raise refused(
            f"actual prices {100 * off:.1f} % from the closes of these dates (median)",
            expected="forecasts of the prices that they are judged on",
            fix="give the prices that the forecasts were made from: adjusted alike, not scaled.",
            where=given.source,
        )
    return [
        Diagnosis(
            name="other_actual",
            model=given.model,
            sentence=f"The actual prices beside the forecasts differ from the prices by "
            f"{100 * off:.2f} % (median): another adjustment, or another source.",
            figures={"median_difference_pct": 100.0 * off},
            is_grave=False,
        )
    ]


def _distance(actual: Floats, close: Floats) -> float:
    """Median relative distance, NaN where nothing is known."""
    known = np.isfinite(actual) & np.isfinite(close)
    if not known.any():
        return float("nan")
    return float(np.median(np.abs(actual[known] / close[known] - 1.0)))


def _correlation(one: Floats, other: Floats) -> float:
    if len(one) < 3 or np.std(one) == 0 or np.std(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
