"""Repairs decided row by row: high and low widened, prices adjusted by the row's ratio."""

from __future__ import annotations

import polars as pl

from nextclose.schema import MASK_COLUMNS, PRICE_COLUMNS


def body(frame: pl.DataFrame) -> list[str]:
    """Those of open and close that are there: what high and low must enclose."""
    return [name for name in ("open", "close") if name in frame.columns]


def widened(frame: pl.DataFrame, _hits: pl.DataFrame) -> pl.DataFrame:
    """High and low moved just far enough to enclose open and close."""
    ends = {
        "high": pl.max_horizontal("high", *body(frame)),
        "low": pl.min_horizontal("low", *body(frame)),
    }
    return frame.with_columns(
        expr.alias(name) for name, expr in ends.items() if name in frame.columns
    )


def adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """Prices in units of `adj_close`, which becomes `close`; `close_raw` keeps what close was.

    open, high and low are divided by close first: equal to close stays equal to it, to the bit,
    and high >= close survives the rounding. Volume moves the other way, so that price x volume
    stays the money that changed hands.
    Causal per row, but the ratio knows later splits and dividends: ratios between sessions are
    sound, the level of a price is not (the table uses no level).
    """
    if "adj_close" not in frame.columns:
        return frame
    is_moved = pl.col("adj_close") != pl.col("close")
    scaled = [
        pl.when(is_moved)
        .then(pl.col(c) / pl.col("close") * pl.col("adj_close"))
        .otherwise(pl.col(c))
        .alias(c)
        for c in PRICE_COLUMNS[:-1]
        if c in frame.columns
    ]
    if "volume" in frame.columns:
        scaled.append(
            pl.when(is_moved)
            .then(pl.col("volume") / (pl.col("adj_close") / pl.col("close")))
            .otherwise(pl.col("volume"))
            .alias("volume")
        )
    close = [pl.col("close").alias("close_raw"), pl.col("adj_close").alias("close")]
    return frame.with_columns(*scaled, *close).drop("adj_close")


def masked(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every mask: false where no rule set one."""
    absent = [name for name in MASK_COLUMNS if name not in frame.columns]
    return frame.with_columns(pl.lit(value=False).alias(name) for name in absent)
