"""A stored history and a newer answer: which rows the provider revised, and which are new."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from nextclose.data.calendars.exchanges import exchanges_of
from nextclose.data.rules.alignment import with_sessions
from nextclose.schema import PRICE_COLUMNS

VALUES = (*PRICE_COLUMNS, "volume", "adj_close")
SAME = 1e-6  # relative: above the rounding of a feed in single precision, far below any dividend
STAMP = pl.Datetime("us", "UTC")


def with_fetch_time(frame: pl.DataFrame, *, fetched_at: datetime) -> pl.DataFrame:
    """The rows with `fetched_at`, the instant from which the store knows them."""
    return frame.with_columns(pl.lit(fetched_at, dtype=STAMP).alias("fetched_at"))


def is_finished(
    frame: pl.DataFrame, *, symbol: str, calendar: str | Mapping[str, str] | None, now: datetime
) -> pl.Series:
    """Whether the session of each row is over at `now`, by half an hour (rule 50)."""
    keyed = frame.select(pl.lit(symbol).alias("symbol"), "session")
    return ~with_sessions(keyed, exchanges_of([symbol], calendar=calendar), now=now)[
        "is_unfinished"
    ]


def revised_sessions(old: pl.DataFrame, new: pl.DataFrame, *, asked: date) -> pl.Series:
    """Sessions of which `old` and `new` differ, oldest first. Dates, shape (session,).

    Compared from `asked`, the first day that `new` speaks of, to the end of `old`: a row differs
    in a value, or is on one side only. What `new` has before and after `old` is no revision.
    """
    span = pl.col("session").is_between(max(asked, old["session"][0]), old["session"][-1])
    names = [name for name in VALUES if name in old.columns or name in new.columns]
    ours, theirs = (_value_columns(frame.filter(span), names) for frame in (old, new))
    both = ours.join(theirs, on="session", how="full", coalesce=True, suffix="_new")
    differs = [pl.col("there").ne_missing(pl.col("there_new")), *map(_differs, names)]
    return both.filter(pl.any_horizontal(differs))["session"].sort()


def _value_columns(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    missing = [pl.lit(None, dtype=pl.Float64).alias(c) for c in names if c not in frame.columns]
    return frame.with_columns(missing).select("session", *names, there=pl.lit(value=True))


def _differs(name: str) -> pl.Expr:
    old, new = pl.col(name), pl.col(f"{name}_new")
    is_far = (old - new).abs() > SAME * pl.max_horizontal(old.abs(), new.abs())
    return is_far.fill_null(old.is_null() != new.is_null())


def with_new_sessions(
    old: pl.DataFrame, new: pl.DataFrame, *, fetched_at: datetime
) -> pl.DataFrame:
    """The stored rows as they are, and those of `new` with other sessions, oldest first."""
    added = with_fetch_time(new, fetched_at=fetched_at).join(old, on="session", how="anti")
    both = [old, added.select(old.columns)]
    return pl.concat(both, how="vertical_relaxed").sort("session")  # a volume may get fractions
