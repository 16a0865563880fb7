"""Prices in one unit: ranges widened, splits divided out, adjusted closes taken."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from nextclose.data.catalogue import Issue, Place
from nextclose.data.findings import hit_mask
from nextclose.schema import MASK_COLUMNS, PRICE_COLUMNS, Finding, Floats

DIVIDED = "prices before a split are divided by its ratio"
NOT_SHOWN = "a split of the table that no close moves by is in the prices already; not divided"
NOT_SHOWN_FIX = "correct its date and ratio if it is not."
HIDDEN = 0.2  # log ratio below which a day's own move hides a split


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
    """Prices before each split divided by its ratio, volume times it; and a finding of each.

    `splits` has symbol, session and ratio: new shares for an old one, from that session on. Only a
    close that moves by the split is divided: a close, or an adjusted close beside it, that goes on
    as if nothing were has the split already, or the table is wrong. Of a ratio near 1 a day's own
    move hides which, and the table is believed. R59: it is divided; W59: no close moves by it.
    Expects: rows sorted by symbol and session. Causal: the table is given, and the closes before
    and at a split say whether it is in them; but a split behind the last row is not applied yet,
    and once it is, every level before it moves.
    """
    if splits is None or not splits.height or not frame.height:
        return frame, ()
    by_name, findings = _split_factors(frame, splits)
    prices = [pl.col(c) / pl.lit(pl.Series(by_name["close"])) for c in open_high_low(frame)]
    prices += [pl.col(c) / pl.lit(pl.Series(by_name[c])) for c in by_name]
    is_traded = "volume" in frame.columns
    volume = [pl.col("volume") * pl.lit(pl.Series(by_name["close"]))] if is_traded else []
    new = frame.with_columns(*prices, *volume)
    if "is_pair" in frame.columns:  # elsewhere adj_close is but a copy of close
        is_copy = ~pl.col("is_pair").fill_null(value=True)
        copy = pl.when(is_copy).then(pl.col("close")).otherwise(pl.col("adj_close"))
        new = new.with_columns(copy.alias("adj_close"))
    return new, findings


def _split_factors(
    frame: pl.DataFrame, splits: pl.DataFrame
) -> tuple[dict[str, Floats], tuple[Finding, ...]]:
    """Product of the ratios of later splits, shape (row,), by the name of the close it divides.

    That is `close` and, where it is there, `adj_close`. And a finding of each split.
    """
    runs = frame["symbol"].rle().struct.unnest()
    stops = np.cumsum(runs["len"].to_numpy())
    places = {s: (k - n, k) for s, n, k in zip(runs["value"], runs["len"], stops, strict=True)}
    names = [name for name in ("close", "adj_close") if name in frame.columns]
    factors: dict[str, Floats] = {name: np.ones(frame.height) for name in names}
    findings: list[Finding] = []
    for symbol, session, ratio in (
        splits.select("symbol", "session", "ratio").unique(maintain_order=True).iter_rows()
    ):
        start, stop = places.get(symbol, (0, 0))
        n_before = int(frame["session"][start:stop].search_sorted(session)) if stop else 0
        if not 0 < n_before < stop - start:
            continue
        row = start + n_before
        moving = [name for name in names if _moves_by_split(frame[name], row, ratio)]
        for name in moving:
            factors[name][start:row] *= ratio
        findings.append(_split_finding(symbol, session, ratio, is_divided=bool(moving)))
    return factors, tuple(findings)


def _moves_by_split(price: pl.Series, row: int, ratio: float) -> bool:
    """Whether a price moves, at a row, by that split rather than not at all."""
    size, (before, after) = np.log(ratio), price[row - 1 : row + 1]
    if abs(size) < HIDDEN or not (before and after and before > 0 and after > 0):
        return True
    return bool(abs(np.log(after / before) + size) < abs(size) / 2)


def _split_finding(symbol: str, session: date, ratio: float, *, is_divided: bool) -> Finding:
    found = f"{ratio:g} new shares for an old one, in the table of splits"
    place = Place(symbol=symbol, session=str(session))
    if is_divided:
        return Issue.SPLIT.finding(found, response="R", rule=DIVIDED, fix="", **place)
    return Issue.SPLIT.finding(found, response="W", rule=NOT_SHOWN, fix=NOT_SHOWN_FIX, **place)


def with_masks(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every mask: false where no rule set one."""
    absent = [name for name in MASK_COLUMNS if name not in frame.columns]
    return frame.with_columns(pl.lit(value=False).alias(name) for name in absent)
