"""What a column of a forecast file is, told by its name: pure tables and one function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["level", "point", "mean", "sd", "sample"]
# What a place is called by those who write forecasts; compared in lower case, blanks as _.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ticker", "unique_id", "item_id", "series_id", "asset", "id"),
    "origin": ("origin", "cutoff", "forecast_date", "issued", "issued_at", "as_of", "origin_date"),
    "target": (
        "target_date",
        "resolved",
        "ds",
        "timestamp",
        "date",
        "datetime",
        "time",
        "day",
        "session",
    ),
    "horizon": ("horizon", "horizon_sessions", "h", "step", "steps_ahead", "lead"),
    "model": ("model", "model_name", "method"),
    "sample": ("sample", "sample_id", "path", "draw", "sample_index"),
    "actual": (
        *("y", "actual", "actuals", "actual_price", "actual_close", "real", "real_price", "true"),
        *("y_true", "truth", "observed", "close", "price", "y_test", "original"),
    ),
}
POINTS = (
    *("point", "forecast", "forecasts", "prediction", "predictions", "predicted", "pred", "preds"),
    *("yhat", "y_hat", "y_pred", "predicted_price", "predicted_close", "median", "value"),
    *("test_predictions", "predictions_lstm", "close_pred", "predicted_stock_price"),
)
MEANS = ("mean",)
DEVIATIONS = ("sd", "std", "sigma", "stddev", "standard_deviation")
_NAMED = r"(?:(?P<model>.+?)[-_])?"
_PATTERNS = (
    re.compile(rf"{_NAMED}(?P<side>lo|hi|lower|upper)[-_](?P<width>\d+(?:\.\d+)?)"),
    re.compile(r"(?P<model>.+)[-_](?P<median>median)"),
    re.compile(rf"{_NAMED}(?:ql|q|p|quantile)?[-_]?(?P<level>\d*\.\d+)", re.IGNORECASE),
    re.compile(rf"{_NAMED}[qp][-_]?(?P<percent>\d{{1,3}})", re.IGNORECASE),
    re.compile(rf"{_NAMED}(?:sample|path|s)[-_]?(?P<sample>\d+)", re.IGNORECASE),
    re.compile(r"(?P<model>.+)[-_](?P<sd>sd|std|sigma)"),
)


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """A column of forecast values: whose, and which part of the distribution. Model "": not said.

    `level` is in (0, 1) for a sound file, whatever the name says for another; of a sample path it
    is its number.
    """

    name: str
    model: str
    kind: Kind
    level: float = 0.5


def spelled(name: str) -> str:
    """The name in lower case with _ for blanks."""
    return re.sub(r"[\s.]+", "_", name.strip().lower()).strip("_")


def role_of(name: str) -> str:
    """The place that a column says (a key of SPELLINGS), or ""."""
    word = spelled(name)
    return next((role for role, words in SPELLINGS.items() if word in words), "")


def value_column(name: str) -> ValueColumn | None:
    """The column as values of a forecast; None where its name does not say so."""
    word = spelled(name)
    for words, kind in ((POINTS, "point"), (MEANS, "mean"), (DEVIATIONS, "sd")):
        if word in words:
            return ValueColumn(name, "", kind)  # type: ignore[arg-type]
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(name.strip()):
            return _of_match(name, match.groupdict())
    return None


def _of_match(name: str, part: Mapping[str, str | None]) -> ValueColumn:
    model = part.get("model") or ""
    if width := part.get("width"):
        tail = (1.0 - float(width) / 100.0) / 2.0
        level = tail if part["side"] in ("lo", "lower") else 1.0 - tail
        return ValueColumn(name, model, "level", round(level, 6))
    if level_text := part.get("level"):
        return ValueColumn(name, model, "level", float(level_text))
    if percent := part.get("percent"):
        return ValueColumn(name, model, "level", float(percent) / 100.0)
    if sample := part.get("sample"):
        return ValueColumn(name, model, "sample", float(sample))
    return ValueColumn(name, model, "sd" if part.get("sd") else "level", 0.5)
