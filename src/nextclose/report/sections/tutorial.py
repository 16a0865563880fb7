"""The tutorial's numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from nextclose.formatting import number, sessions
from nextclose.report.elements import Cell, ReportTable, TableRow, columns_named

# metric of the tutorial -> (name, decimals, factor, unit)
TUTORIAL_METRICS = {
    "mse": ("Mean squared error, price²", 3, 1.0, ""),
    "mae": ("Mean absolute error, price", 3, 1.0, ""),
    "mape_pct": ("Mean absolute percentage error", 2, 1.0, "%"),
    "r2": ("R² of the price level", 3, 1.0, ""),
    "consecutive_direction": (
        "Direction the tutorial\N{RIGHT SINGLE QUOTATION MARK}s way",
        1,
        100.0,
        "%",
    ),
    "direction": ("Direction against the last close", 1, 100.0, "%"),
}


def tutorial_comparison(frame: pl.DataFrame) -> ReportTable:
    """The tutorial's numbers for its network and for no change, one row per metric there is."""
    horizons = frame["horizon_sessions"].unique().sort().to_list()
    metrics = set(frame["metric"])
    titles = [text for h in horizons for text in (f"{sessions(h)}: network", "no change")]
    return ReportTable(
        caption="Tutorial network, and beside it the forecast that repeats the last close",
        columns=columns_named("Metric", *titles),
        rows=tuple(
            TableRow(name=name, cells=tuple(_metric_cells(frame, metric, horizons)))
            for metric, (name, *_) in TUTORIAL_METRICS.items()
            if metric in metrics
        ),
    )


def _metric_cells(frame: pl.DataFrame, metric: str, horizons: Sequence[int]) -> Iterator[Cell]:
    """Two cells a horizon: of the network and of no change."""
    _, decimals, factor, unit = TUTORIAL_METRICS[metric]
    for h in horizons:
        row = frame.filter(pl.col("metric") == metric, pl.col("horizon_sessions") == h)
        for model, look in (("classic", ""), ("naive", "beside")):
            value = row[model][0] if len(row) else None
            text = number(None if value is None else factor * value, decimals=decimals, unit=unit)
            yield Cell(text=text, look=look, values=(value,))
