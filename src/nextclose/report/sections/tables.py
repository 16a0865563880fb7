"""The tutorial's numbers, and symbols left out, as tables."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from nextclose.formatting import number, sessions
from nextclose.report.grid import Cell, Grid, Row
from nextclose.report.wording import truncation_note

MAX_LEFT_OUT = 60
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


def tutorial(frame: pl.DataFrame) -> Grid:
    """The tutorial's numbers for its network and for no change, one row per metric there is."""
    horizons = frame["horizon_sessions"].unique().sort().to_list()
    present = set(frame["metric"])
    rows = []
    for metric, (name, decimals, factor, unit) in TUTORIAL_METRICS.items():
        if metric not in present:
            continue
        cells = []
        for h in horizons:
            found = frame.filter(
                (pl.col("metric") == metric) & (pl.col("horizon_sessions") == h)
            ).select("classic", "naive")
            pair = found.row(0) if len(found) else (None, None)
            texts = [
                number(None if x is None else factor * x, decimals=decimals, unit=unit)
                for x in pair
            ]
            cells += [Cell(text=texts[0]), Cell(text=texts[1], look="beside")]
        rows.append(Row(name=name, cells=tuple(cells)))
    head = [text for h in horizons for text in (f"{sessions(h)}: network", "no change")]
    return Grid(
        caption="Tutorial network, and beside it the forecast that repeats the last close",
        head=("Metric", *head),
        rows=tuple(rows),
    )


def left_out(reasons: Mapping[str, str]) -> Grid:
    """Symbols that were not forecast, and why, at most `MAX_LEFT_OUT`."""
    shown = sorted(reasons.items())[:MAX_LEFT_OUT]
    return Grid(
        caption="Symbols left out",
        head=("Symbol", "Why"),
        rows=tuple(Row(name=s, cells=(Cell(text=why, look="words"),)) for s, why in shown),
        text=("Why",),
        note=truncation_note(len(reasons), len(shown), "symbols left out"),
    )
