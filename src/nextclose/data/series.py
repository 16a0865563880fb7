"""Checks of a symbol's rows together: order, gaps in bars, repeated sessions, a still close."""

from __future__ import annotations

import polars as pl

from nextclose.data.columns import NUMBERS
from nextclose.data.findings import hits_at, no_hits
from nextclose.schema import PRICE_COLUMNS

N_CONSTANT = 5  # rows before equal closes mean a dead series rather than a quiet week

Frame = pl.DataFrame


def _is_after_own_past() -> pl.Expr:
    return pl.col("session") < pl.col("session").cum_max().over("symbol")


def _is_descending() -> pl.Expr:
    """Whether the row's symbol goes strictly back in time from its first row to its last."""
    n_back = (pl.col("session").diff() < pl.duration(days=0)).sum()
    return (n_back.over("symbol") == pl.len().over("symbol") - 1) & (pl.len().over("symbol") > 1)


def shuffled_rows(frame: Frame) -> Frame:
    """Rows that come after a later session of their symbol."""
    if is_in_order(frame):
        return no_hits()
    return hits_at(
        frame, _is_after_own_past() & ~_is_descending(), found=pl.lit("a row out of order")
    )


def descending_rows(frame: Frame) -> Frame:
    """Rows of symbols given newest first."""
    if is_in_order(frame):
        return no_hits()
    return hits_at(frame, _is_descending(), found=pl.lit("newest session first"))


def is_in_order(frame: Frame) -> bool:
    """Whether rows rise strictly by symbol, then session: sorted, and no session twice."""
    symbol, session = pl.col("symbol"), pl.col("session")
    is_same = symbol == symbol.shift()
    rises = (is_same & (session > session.shift())) | (symbol > symbol.shift())
    return bool(frame.select(rises.fill_null(value=True).all()).item())


def _is_incomplete(frame: Frame) -> pl.Expr:
    columns = [c for c in (*PRICE_COLUMNS, "volume", "adj_close") if c in frame.columns]
    return pl.any_horizontal(pl.col(columns).is_null())


def _is_newest() -> pl.Expr:
    return pl.col("symbol").ne_missing(pl.col("symbol").shift(-1))


def incomplete_newest_bar(frame: Frame) -> Frame:
    """A symbol's newest row with an empty cell."""
    return hits_at(frame, _is_incomplete(frame) & _is_newest(), found=_empty_cells(frame))


def incomplete_bars(frame: Frame) -> Frame:
    """Older rows with an empty cell."""
    return hits_at(frame, _is_incomplete(frame), found=_empty_cells(frame))


def _empty_cells(frame: Frame) -> pl.Expr:
    columns = [c for c in (*PRICE_COLUMNS, "volume", "adj_close") if c in frame.columns]
    names = [pl.when(pl.col(c).is_null()).then(pl.lit(c)) for c in columns]
    return pl.format("no {}", pl.concat_str(names, separator=", ", ignore_nulls=True))


def _is_same_session() -> pl.Expr:
    return (pl.col("symbol") == pl.col("symbol").shift()) & (
        pl.col("session") == pl.col("session").shift()
    )


def repeated_rows(frame: Frame) -> Frame:
    """Rows equal in every value to an earlier row of the same session."""
    if is_in_order(frame):
        return no_hits()
    values = [c for c in ("symbol", "session", *NUMBERS) if c in frame.columns]
    is_copy = ~pl.struct(values).is_first_distinct()
    return hits_at(frame, is_copy, found=pl.lit("the same row again"))


def contradicting_rows(frame: Frame) -> Frame:
    """Rows of a session that the symbol already has, with other values."""
    if is_in_order(frame):
        return no_hits()
    differing = [
        pl.when(pl.col(c).ne_missing(pl.col(c).shift())).then(
            pl.format(f"{c} {{}} against {{}}", pl.col(c), pl.col(c).shift())
        )
        for c in NUMBERS
        if c in frame.columns
    ]
    values = pl.concat_str(differing, separator=", ", ignore_nulls=True)
    found = pl.format("row {} again with {}", pl.col("row").shift(), values)
    return hits_at(frame, _is_same_session(), found=found, column="date")


def constant_closes(frame: Frame) -> Frame:
    """Rows of symbols whose close never moves."""
    stats = frame.group_by("symbol").agg(pl.len(), pl.col("close").n_unique().alias("n"))
    still = stats.filter((pl.col("n") == 1) & (pl.col("len") >= N_CONSTANT))["symbol"].to_list()
    if not still:
        return no_hits()
    return hits_at(frame, pl.col("symbol").is_in(still), found=pl.col("close"), column="close")
