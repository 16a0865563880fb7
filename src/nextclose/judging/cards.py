"""One forecast of one price on one card: what the tutorial's metrics say, and what they hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.breakdowns.tutorial import (
    FiveNumbers,
    TutorialMetrics,
    tutorial_metrics,
)
from nextclose.judging.submission import Diagnosis
from nextclose.schema import MEDIAN, QUANTILE_COLUMNS, Dates, Floats

UNNAMED = "PRICE"  # the symbol of a file that names none
N_SHOWN = 60  # sessions of the picture: a lag of one is to be seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Card:
    """What a card shows of one model on one symbol and horizon. Prices: (forecast,), oldest first.

    `multiple` is the mean absolute error over that of doing nothing: 1 is no better, 2 twice as
    far off. `findings` are what is odd about the forecasts.
    """

    model: str
    symbol: str
    horizon_sessions: int
    metrics: TutorialMetrics
    multiple: float
    day: Dates  # of the target
    price: Floats
    forecast: Floats
    last_close: Floats
    findings: tuple[Diagnosis, ...] = ()

    @property
    def headline(self) -> str:
        """The error as a multiple of doing nothing, in a sentence."""
        if self.multiple > 1.005:
            return f"{self.multiple:.2f} times as far off as doing nothing"
        if self.multiple < 0.995:
            return f"{100 * (1 - self.multiple):.1f} % closer than doing nothing"
        return "exactly as far off as doing nothing"

    def facts(self) -> dict[str, Any]:
        """The figures for machines."""
        return {
            "model": self.model,
            "symbol": self.symbol,
            "horizon_sessions": self.horizon_sessions,
            "forecasts": self.metrics.origins,
            "error_multiple": self.multiple,
            "headline": self.headline,
            "metrics": asdict(self.metrics.model_numbers),
            "doing_nothing": asdict(self.metrics.naive_numbers),
            "hit_rate": self.metrics.hits.hit_rate,
            "base_rate": self.metrics.hits.base_rate,
            "findings": [asdict(each) for each in self.findings],
        }

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """The tutorial's metrics: name, the model's, that of doing nothing."""
        ours, naive, hits = (
            self.metrics.model_numbers,
            self.metrics.naive_numbers,
            self.metrics.hits,
        )
        rate, base = hits.hit_rate, hits.base_rate
        return (
            ("RMSE", f"{ours.mse**0.5:,.2f}", f"{naive.mse**0.5:,.2f}"),
            ("MAE", f"{ours.mae:,.2f}", f"{naive.mae:,.2f}"),
            ("MAPE", f"{ours.mape_pct:.2f} %", f"{naive.mape_pct:.2f} %"),
            ("R2 of prices", _r2(ours), _r2(naive)),
            (
                '"directional accuracy"',
                f"{100 * ours.consecutive_direction:.0f} %",
                f"{100 * naive.consecutive_direction:.0f} %",
            ),
            (
                "direction, honestly",
                "no call" if rate is None else f"{100 * rate:.0f} %",
                "" if rate is None or base is None else f"{hits.side}: {100 * base:.0f} %",
            ),
        )


def cards_of(
    scored: pl.DataFrame, *, models: Sequence[str], findings: Sequence[Diagnosis]
) -> tuple[Card, ...]:
    """A card of each model, symbol and horizon that has two forecasts with an outcome.

    Expects: rows of `with_losses`.
    """
    frame = scored.filter(pl.col("model").is_in(list(models)), pl.col("target").is_not_null())
    keys = ["model", "horizon_sessions", "symbol"]
    parts = frame.sort(*keys, "origin").partition_by(keys, maintain_order=True)
    cards = []
    for part in parts:
        try:
            metrics = tutorial_metrics(part)
        except NotEnoughDataError:
            continue
        close, median = part["close"].to_numpy(), part[QUANTILE_COLUMNS[MEDIAN]].to_numpy()
        outcome = part["target"].to_numpy()
        moved = float(np.abs(outcome).sum())
        cards.append(
            Card(
                model=metrics.model,
                symbol=metrics.symbol,
                horizon_sessions=metrics.horizon_sessions,
                metrics=metrics,
                multiple=float(np.abs(outcome - median).sum()) / moved if moved > 0 else np.inf,
                day=part["resolved"].to_numpy(),
                price=close * np.exp(outcome),
                forecast=close * np.exp(median),
                last_close=close,
                findings=tuple(d for d in findings if d.is_grave and d.model == metrics.model),
            )
        )
    return tuple(cards)


def relative_crps(scored: pl.DataFrame) -> dict[tuple[str, int], float]:
    """Mean CRPS over that of "no change" on the same forecasts, by model and horizon.

    Expects: rows of `with_losses`. None where no price moved.
    """
    known = scored.filter(pl.col("target").is_not_null())
    sums = known.group_by("model", "horizon_sessions").agg(
        pl.col("crps").sum(), pl.col("target").abs().sum()
    )
    return {(m, h): crps / move for m, h, crps, move in sums.iter_rows() if move > 0}


def _r2(numbers: FiveNumbers) -> str:
    return "" if numbers.r2 is None else f"{numbers.r2:.3f}"
