"""Where each row stands in time: its place among the sessions of its exchange, and the clock's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from nextclose.data.calendar import closing_instants, session_table, zone_of
from nextclose.schema import Dates

SETTLED_AFTER = timedelta(minutes=30)  # after its close a bar is taken for final


def placed(
    frame: pl.DataFrame,
    exchanges: Mapping[str, str],
    *,
    now: datetime | None,
    vouched: Sequence[str] = (),
) -> pl.DataFrame:
    """The rows with their place in time, in columns that the rules of series read.

    `ordinal` (Int32): sessions of the exchange up to and including the row's date; `is_session`:
    whether the date is one; `has_calendar`: whether that is published or weekdays alone.
    `is_future`: the date is after today at the exchange; `is_open`: it is today and the close is
    less than half an hour past. Without `now` both are false. `is_vouched`: `vouched` holds
    "SYMBOL DATE" of the row: a move there is real. `breaks` is false everywhere: a rule that finds
    the end of a segment sets it at the first row of the next.
    Expects: no null in symbol and session. `now` aware of its zone.
    Raises: ConfigError for an exchange without a calendar.
    """
    session = frame["session"].to_numpy().astype("datetime64[D]")
    exchange = frame["symbol"].replace_strict(exchanges, return_dtype=pl.String).to_numpy()
    ordinal = np.zeros(frame.height, dtype=np.int32)
    is_session, has_calendar, is_future, is_open = np.zeros((4, frame.height), dtype=np.bool_)
    for name in sorted(set(exchanges.values())):
        rows = (
            slice(None) if len(set(exchanges.values())) == 1 else np.flatnonzero(exchange == name)
        )
        table = session_table(name)
        ordinal[rows], is_session[rows] = table.at(session[rows])
        has_calendar[rows] = table.is_published
        if now is not None:
            today, is_over = _clock(name, now)
            is_future[rows] = session[rows] > today
            is_open[rows] = (session[rows] == today) & (not is_over)
    named = pl.concat_str("symbol", pl.col("session").cast(pl.String), separator=" ")
    is_vouched = named.is_in(list(vouched)) if vouched else pl.lit(value=False)
    return frame.with_columns(
        pl.Series("ordinal", ordinal),
        pl.Series("is_session", is_session),
        pl.Series("has_calendar", has_calendar),
        pl.Series("is_future", is_future),
        pl.Series("is_open", is_open),
        is_vouched.alias("is_vouched"),
        pl.lit(value=False).alias("breaks"),
    )


def _clock(exchange: str, now: datetime) -> tuple[np.datetime64, bool]:
    """Today's date at the exchange, and whether its bar is final."""
    today = np.datetime64(now.astimezone(ZoneInfo(zone_of(exchange))).date(), "D")
    days: Dates = np.array([today])
    close = closing_instants(exchange, days)[0]
    if np.isnat(close):
        return today, True  # no session today: nothing of it is still to come
    settled = close.astype(datetime).replace(tzinfo=UTC) + SETTLED_AFTER
    return today, now >= settled
