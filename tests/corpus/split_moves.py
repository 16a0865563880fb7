"""Prices that nobody adjusted for a split, and ticks that are none: files of one symbol."""

from __future__ import annotations

import polars as pl

from tests.corpus.shapes import Shape, file, history

NAMES = {"session": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close"}
PRICES = ("open", "high", "low", "close")
AT = 200  # row of the split, or of the tick
SOUND = history()
DAY = SOUND["session"][AT]
DAILY = "finance.yahoo.com and others: daily bars as traded, no adjusted close"


def scaled(factor: float, *, start: int = AT, stop: int | None = None) -> pl.DataFrame:
    """The history with the prices of some rows times a factor, to five decimals."""
    row = pl.int_range(pl.len())
    is_it = (row >= start) & (row < (stop or SOUND.height))
    return SOUND.with_columns(
        pl.when(is_it).then(pl.col(c) * factor).otherwise(c).round(5).alias(c) for c in PRICES
    )


def written(symbol: str, frame: pl.DataFrame) -> dict[str, object]:
    """The file of one symbol, and what it holds."""
    text = frame.rename({**NAMES, "volume": "Volume"}).write_csv()
    return {"write": file(f"{symbol}.csv", text), "holds": {symbol: frame}}


SHAPES = (
    *(
        Shape(
            name=f"unadjusted: {name} in one session",
            source=DAILY,
            asks=("E59",),
            answers={"not_a_split": (f"R {DAY}",)},
            **written("R", scaled(factor)),  # type: ignore[arg-type]
        )
        for name, factor in (
            *(("2:1", 1 / 2), ("3:2", 2 / 3), ("4:1", 1 / 4), ("20:1", 1 / 20)),
            *(("1:5", 5.0), ("1:12", 12.0), ("1:30", 30.0), ("1:150", 150.0), ("1:1000", 1000.0)),
        )
    ),
    *(
        Shape(
            name=f"slipped: {name}",
            source="hand-kept and scraped tables: a decimal point that slipped in one row",
            codes=("W64",),
            **written("T", scaled(factor, stop=AT + n)),  # type: ignore[arg-type]
        )
        for name, factor, n in (
            ("ten times the price for a day", 10.0, 1),
            ("ten times the price for two days", 10.0, 2),
            ("a tenth of the price for a day", 0.1, 1),
            ("a thousand times the price for a day", 1000.0, 1),
        )
    ),
)
