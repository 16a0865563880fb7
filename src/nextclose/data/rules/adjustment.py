"""Prices in one unit: ranges widened, splits divided out, adjusted closes taken."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import hit_mask
from nextclose.schema import MASK_COLUMNS, PRICE_COLUMNS, Finding, Floats

DIVIDED = "prices before a split are divided by its ratio"


def body_prices(frame: pl.DataFrame) -> list[str]:
    """Those of open and close that are there: what high and low must enclose."""
    return [name for name in ("open", "close") if name in frame.columns]


def open_high_low(frame: pl.DataFrame) -> list[str]:
    """Those of open, high and low that are there."""
    return [name for name in PRICE_COLUMNS[:-1] if name in frame.columns]


def with_wider_ranges(frame: pl.DataFrame, _hits: pl.DataFrame) -> pl.DataFrame:
    """High and low moved just far enough to enclose open and close; one that is missing stays so.

    Causal: each row from itself alone.
    """
    ends = {
        "high": pl.max_horizontal("high", *body_prices(frame)),
        "low": pl.min_horizontal("low", *body_prices(frame)),
    }
    return frame.with_columns(
        pl.when(pl.col(name).is_not_null()).then(expr).alias(name)
        for name, expr in ends.items()
        if name in frame.columns
    )


def with_widened_ranges(frame: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """The same, with the mask `widened` at the hits."""
    return _with_widened_mask(with_wider_ranges(frame, hits), hits)


def without_ranges(frame: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """The hit rows with their close alone: no open, high and low, and the mask `widened`."""
    is_hit = pl.lit(hit_mask(frame, hits))
    return _with_widened_mask(
        frame.with_columns(pl.when(~is_hit).then(c).alias(c) for c in open_high_low(frame)), hits
    )


def _with_widened_mask(frame: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    mask = hit_mask(frame, hits).alias("widened")
    if "widened" in frame.columns:
        mask |= frame["widened"]
    return frame.with_columns(mask)


def with_adjusted_prices(frame: pl.DataFrame) -> pl.DataFrame:
    """Prices in units of `adj_close`, which becomes `close`; `close_raw` keeps what close was.

    open, high and low are divided by close first: equal to close stays equal to it, to the bit,
    and high >= close survives the rounding. Volume moves the other way, so that price x volume
    stays the money that changed hands.
    NaN: `close_raw` is null where `is_pair` is false: the row's file had one close.
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
        for c in open_high_low(frame)
    ]
    if "volume" in frame.columns:
        scaled.append(
            pl.when(is_moved)
            .then(pl.col("volume") / (pl.col("adj_close") / pl.col("close")))
            .otherwise(pl.col("volume"))
            .alias("volume")
        )
    raw = pl.col("close")
    if "is_pair" in frame.columns:
        raw = pl.when(pl.col("is_pair").fill_null(value=True)).then(raw)
    close = [raw.alias("close_raw"), pl.col("adj_close").alias("close")]
    return frame.with_columns(*scaled, *close).drop("adj_close")


def divide_by_splits(
    frame: pl.DataFrame, splits: pl.DataFrame | None
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """Prices before each split divided by its ratio, volume times it; and a finding (R59) of each.

    `splits` has symbol, session and ratio: new shares for an old one, from that session on. An
    adjusted close that the file gave beside the close has them already, and stays.
    Expects: rows sorted by symbol and session. Causal: the table is given, not read from prices;
    but a split behind the last row is not applied yet, and once it is, every level before it moves.
    """
    if splits is None or not splits.height or not frame.height:
        return frame, ()
    factor, findings = _split_factors(frame, splits)
    by = pl.lit(pl.Series(factor))
    prices = [pl.col(c) / by for c in (*open_high_low(frame), "close")]
    volume = [pl.col("volume") * by] if "volume" in frame.columns else []
    new = frame.with_columns(*prices, *volume)
    if "is_pair" in frame.columns:  # elsewhere adj_close is but a copy of close
        is_copy = ~pl.col("is_pair").fill_null(value=True)
        copy = pl.when(is_copy).then(pl.col("close")).otherwise(pl.col("adj_close"))
        new = new.with_columns(copy.alias("adj_close"))
    return new, findings


def _split_factors(frame: pl.DataFrame, splits: pl.DataFrame) -> tuple[Floats, tuple[Finding, ...]]:
    """Product of the ratios of later splits, shape (row,), and a finding of each split."""
    runs = frame["symbol"].rle().struct.unnest()
    stops = np.cumsum(runs["len"].to_numpy())
    places = {s: (k - n, k) for s, n, k in zip(runs["value"], runs["len"], stops, strict=True)}
    factor, findings = np.ones(frame.height), []
    for symbol, session, ratio in splits.select("symbol", "session", "ratio").iter_rows():
        start, stop = places.get(symbol, (0, 0))
        n_before = int(frame["session"][start:stop].search_sorted(session)) if stop else 0
        if 0 < n_before < stop - start:
            factor[start : start + n_before] *= ratio
            finding = Issue.SPLIT.finding(
                f"{ratio:g} new shares for an old one, in the table of splits",
                response="R",
                rule=DIVIDED,
                fix="",
                symbol=symbol,
                session=str(session),
            )
            findings.append(finding)
    return factor, tuple(findings)


def with_masks(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every mask: false where no rule set one."""
    absent = [name for name in MASK_COLUMNS if name not in frame.columns]
    return frame.with_columns(pl.lit(value=False).alias(name) for name in absent)
