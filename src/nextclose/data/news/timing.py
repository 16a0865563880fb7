"""From which session on a headline may be used: what was seen too late belongs to the next."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import FIRST_DAY, closing_instants, session_table
from nextclose.schema import Dates


def first_usable_sessions(items: pl.DataFrame, *, exchange: str, cutoff_minutes: int) -> Dates:
    """The first session of the exchange at whose close each item may be used. Shape (item,).

    Seen by `cutoff_minutes` before a close, half days included: that session; a second later: the
    next. A date alone, taken for the exchange's own: the session after it. Where the close of a
    session is not known, an item must have been seen before its date began in UTC.
    Expects: seen_at and day as `news_items` gives them.
    Raises: ConfigError if the exchange is unknown.
    """
    table = session_table(exchange)
    sessions = np.datetime64(FIRST_DAY, "D") + np.flatnonzero(table.is_session)
    deadline = sessions.astype("datetime64[us]")
    if exchange:
        closes = closing_instants(exchange, sessions) - np.timedelta64(cutoff_minutes, "m")
        deadline = np.where(np.isnat(closes), deadline, closes)
    seen_at = items["seen_at"].dt.replace_time_zone(None).to_numpy()
    next_session, _ = table.at(items["day"].to_numpy())  # counted up to the day: the one after it
    in_time = np.searchsorted(deadline, seen_at, side="left")
    return np.asarray(sessions[np.where(np.isnat(seen_at), next_session, in_time)])


def items_by_session(
    items: pl.DataFrame, exchanges: Mapping[str, str], *, cutoff_minutes: int
) -> pl.DataFrame:
    """The items of the symbols of `exchanges` with the session from which each may be used.

    Columns: symbol, session, headline, and score where the items have it; sorted by the first two,
    those of a session as they were.
    """
    parts = [items.clear().with_columns(pl.col("day").alias("session"))]
    for exchange in sorted(set(exchanges.values())):
        symbols = [symbol for symbol, code in exchanges.items() if code == exchange]
        part = items.filter(pl.col("symbol").is_in(symbols))
        session = first_usable_sessions(part, exchange=exchange, cutoff_minutes=cutoff_minutes)
        parts.append(part.with_columns(pl.Series("session", session, dtype=pl.Date)))
    dated = pl.concat(parts).sort("symbol", "session", maintain_order=True)
    return dated.select("symbol", "session", pl.exclude("symbol", "session", "seen_at", "day"))
