"""Checks of a symbol's rows together: order, repeated sessions, mixed currencies."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hit_mask, hits_at, hits_where, no_hits
from nextclose.data.reading.column_names import NUMBERS
from nextclose.data.reading.columns.series import is_several
from nextclose.data.rules.steps import day_numbers, is_first
from nextclose.schema import Ints

BLOCK = 1 << 18  # rows compared at once

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
    return hits_where(
        frame, _is_after_own_past() & ~_is_descending(), text=pl.lit("a row out of order")
    )


def descending_rows(frame: Frame) -> Frame:
    """Rows of symbols given newest first."""
    if is_in_order(frame):
        return no_hits()
    return hits_where(frame, _is_descending(), text=pl.lit("newest session first"))


def is_in_order(frame: Frame) -> bool:
    """Whether rows rise strictly by symbol, then session: sorted, and no session twice."""
    starts = range(0, frame.height, BLOCK)
    return all(_is_rising(frame[max(start - 1, 0) : start + BLOCK]) for start in starts)


def _is_rising(frame: Frame) -> bool:
    symbol, session = pl.col("symbol"), pl.col("session")
    is_same = symbol == symbol.shift()
    rises = (is_same & (session > session.shift())) | (symbol > symbol.shift())
    return bool(frame.select(rises.fill_null(value=True).all()).item())


def repeated_rows(frame: Frame) -> Frame:
    """Rows equal to those before of the same session in every value that both have."""
    rows = _second_rows(frame)
    is_copy = _changes(frame, rows)["text"] == ""
    return hits_at(rows[is_copy.to_numpy()], ["the same row again"] * int(is_copy.sum()))


def joined_rows(frame: Frame, hits: Frame) -> Frame:
    """The rows less those hit, which give what they alone have to the row that they repeat."""
    is_again = pl.lit(hit_mask(frame, hits))
    gaps = [name for name in NUMBERS if name in frame.columns and frame[name].null_count()]
    whole = [pl.col(name).backward_fill().over((~is_again).cum_sum()) for name in gaps]
    return frame.with_columns(whole).filter(~is_again)


def several_series(frame: Frame) -> Frame:
    """The first row of each symbol that has several closes on many of its sessions.

    What such a file holds, nobody knows before its end: that is asked, and never repaired.
    """
    rows = _second_rows(frame)
    close = frame["close"].to_numpy()
    rows = rows[close[rows] != close[rows - 1]]
    if not len(rows):
        return no_hits()
    series = frame["series"].to_numpy()
    first, n_rows = np.unique(series, return_index=True, return_counts=True)[1:]
    n_dates = n_rows - np.bincount(series[_second_rows(frame)] - series[0], minlength=len(n_rows))
    dates = np.unique(np.stack([series[rows] - series[0], day_numbers(frame)[rows]]), axis=1)[0]
    counts = pl.DataFrame({"n_repeated": np.bincount(dates, minlength=len(n_rows)), "n": n_dates})
    is_hit = counts.select(is_several(pl.col("n_repeated"), pl.col("n"))).to_series().to_numpy()
    texts = [f"{k} of {n} dates more than once" for k, n in counts.filter(pl.Series(is_hit)).rows()]
    return hits_at(first[is_hit], texts, column="date")


def contradicting_rows(frame: Frame) -> Frame:
    """Rows of a session that the symbol already has, with other values."""
    rows = _second_rows(frame)
    if not len(rows):
        return no_hits()
    with_row = pl.format("row {} again with {}", "before", "text")  # a database has no row numbers
    text = _changes(frame, rows).select(pl.coalesce(with_row, pl.format("again with {}", "text")))
    return hits_at(rows, text.to_series(), column="date")


def last_rows(frame: Frame, _hits: Frame) -> Frame:
    """The rows less those that another row of the same session follows."""
    is_followed = np.zeros(frame.height, dtype=np.bool_)
    is_followed[_second_rows(frame) - 1] = True
    return frame.filter(~pl.Series(is_followed))


def mixed_currencies(frame: Frame) -> Frame:
    """The first row of each symbol with another currency than the row before; both codes."""
    if "currency" not in frame.columns or frame["currency"].n_unique() < 2:
        return no_hits()
    code, old = pl.col("currency"), pl.col("currency").forward_fill().over("series").shift()
    is_other = (code != old) & (pl.col("series") == pl.col("series").shift())
    hits = hits_where(frame, is_other, text=pl.format("{} after {}", code, old), column="currency")
    series = frame["series"].gather(hits["at"])
    return hits.filter(series.is_first_distinct())


def _second_rows(frame: Frame) -> Ints:
    """Positions of rows whose symbol has their session already, in the row before."""
    day = day_numbers(frame)
    is_second = ~is_first(frame)
    is_second[1:] &= day[1:] == day[:-1]
    return np.flatnonzero(is_second)


def _changes(frame: Frame, rows: Ints) -> Frame:
    """For each of `rows`: `text`, its values unlike those before; `before`, the row before.

    As in "close 10.4 against 10.3"; empty for a copy. A cell that is missing differs from none.
    """
    columns = [c for c in NUMBERS if c in frame.columns]
    known = frame.select(columns)
    if len(rows) and any(known[c].null_count() for c in columns):
        of_session = pl.col(columns).forward_fill().over("series", "session")
        known = frame.select(of_session)
    new, old = frame[rows].select(columns), known[rows - 1].rename("old_{}".format)
    texts = [
        pl.when(pl.col(c) != pl.col(f"old_{c}")).then(
            pl.format(f"{c} {{}} against {{}}", pl.col(c), pl.col(f"old_{c}"))
        )
        for c in columns
    ]
    both = pl.concat([new, old], how="horizontal")
    changes = both.select(pl.concat_str(texts, separator=", ", ignore_nulls=True).alias("text"))
    return changes.with_columns(frame["row"].gather(rows - 1).alias("before"))
