"""[shell] What commands print: the scoreboard, its sentences, and the next forecasts as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from rich import box
from rich.table import Table

from nextclose.evaluation.evidence import POOLED
from nextclose.evaluation.verdict import VerdictRow

STYLES = {
    "BETTER": "green",
    "SIZE ONLY": "green",
    "POINT ONLY": "green",
    "WORSE": "red",
    "TOO GOOD": "red",
}
RANGE = 90
LOOK: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "title_justify": "left",
    "caption_justify": "left",
    "padding": (0, 0, 0, 1),  # fits 80 columns
}


def scoreboard(rows: Sequence[VerdictRow], *, models: Sequence[str]) -> Table:
    """Pooled figures of every horizon and model, in the order of `models`.

    Each error stands beside that of "no change" on the same forecasts.
    """
    table = Table(title="All symbols together", **LOOK)
    table.add_column("ahead", justify="right", no_wrap=True)
    table.add_column("model", no_wrap=True)
    for name in ("error %", "no change", "ratio", "ranges", "in 90 %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.caption = (
        "error in % of price; ratio below 1 beats no change; ranges: CRPS gain over history; "
        "* on fewer forecasts"
    )
    previous = None
    pooled = [row for row in rows if row.symbol == POOLED]
    most = {row.horizon_sessions: 0 for row in pooled}
    for row in pooled:
        most[row.horizon_sessions] = max(most[row.horizon_sessions], row.forecasts)
    for row in sorted(pooled, key=lambda row: (row.horizon_sessions, models.index(row.model))):
        if previous not in (None, row.horizon_sessions):
            table.add_section()
        previous = row.horizon_sessions
        table.add_row(
            str(row.horizon_sessions),
            row.model if row.forecasts == most[row.horizon_sessions] else f"{row.model}*",
            f"{row.mape_pct:.2f}",
            f"{row.naive_mape_pct:.2f}",
            _number(row.relative_mae, ".4f"),
            # a yardstick's skill would be against the other yardstick
            _number(None if row.verdict == "YARDSTICK" else row.crps_skill_vs_hs, "+.1%"),
            _number(row.coverage_90, ".1%"),
            row.verdict,
            style=STYLES.get(row.verdict, ""),
        )
    return table


def sentences(rows: Sequence[VerdictRow], *, models: Sequence[str]) -> Iterator[str]:
    """The pooled sentences of `models` at each horizon."""
    for model in dict.fromkeys(models):
        for row in rows:
            if row.symbol == POOLED and row.model == model:
                yield f"\n{row.sentence}"


def forecast_table(prices: pl.DataFrame) -> Table:
    """The next closes: median and the 90 % range of each symbol and horizon."""
    table = Table(title="Next closes", **LOOK)
    for name in ("symbol", "last close", "date", "sessions", "median", "low", "high"):
        table.add_column(name, justify="left" if name in ("symbol", "date") else "right")
    for row in prices.iter_rows(named=True):
        table.add_row(
            row["symbol"],
            f"{row['close']:.2f}",
            str(row["date"]),
            str(row["horizon_sessions"]),
            f"{row['median']:.2f}",
            f"{row[f'low_{RANGE}']:.2f}",
            f"{row[f'high_{RANGE}']:.2f}",
        )
    table.caption = f"low to high holds {RANGE} % of outcomes if the future is like the past"
    return table


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
