"""Where each row stands in time: its place among the sessions of its exchange, and the clock's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import closing_instants, session_table, zone_of
from nextclose.data.rules.steps import day_numbers, is_first, session_dates
from nextclose.errors import ConfigError
from nextclose.schema import Bools, Dates, Ints

FINAL_AFTER = timedelta(minutes=30)  # after its close a bar is taken for final
HOUR = 3600  # seconds


def with_sessions(
    frame: pl.DataFrame,
    exchanges: Mapping[str, str],
    *,
    now: datetime | None,
    real_moves: Sequence[str] = (),
) -> pl.DataFrame:
    """The rows placed among the sessions of their exchange, in columns that later rules read.

    `series` (UInt32): the symbol's number, for comparing rows fast; `ordinal` (Int32): sessions of
    the exchange up to and including the row's date; `is_session`: whether the date is one;
    `has_calendar`: whether that is published or weekdays alone. `today` (Date): the date at the
    exchange, null without `now`; `is_unfinished`: the row was taken before its session was over,
    as the clock or a stamp of an odd time of day says. `is_real_move`: `real_moves` has the row as
    "SYMBOL DATE": a move there is no split. `breaks` is false everywhere: a rule that finds the end
    of a segment sets it at the first row of the next.
    Expects: rows sorted by symbol and session, no null in either. `now` aware of its zone.
    Causal: a stamp is odd against rows before it, wherever it stands in the file.
    Raises: ConfigError for an exchange without a calendar, or an entry of `real_moves` that names
        no symbol and date.
    """
    frame = frame.with_columns(frame["symbol"].rle_id().alias("series"))
    session, code = session_dates(frame), _exchange_numbers(frame, exchanges)
    n = frame.height
    ordinal, today = np.zeros((2, n), dtype=np.int32)
    is_session, has_calendar, is_unfinished = np.zeros((3, n), dtype=np.bool_)
    for k, exchange in enumerate(sorted(set(exchanges.values()))):
        rows = slice(None) if isinstance(code, int) else np.flatnonzero(code == k)
        table = session_table(exchange)
        ordinal[rows], is_session[rows] = table.at(session[rows])
        has_calendar[rows] = table.is_published
        if now is not None:
            day, is_over = _exchange_today(exchange, now)
            today[rows] = day.astype(np.int32)
            is_unfinished[rows] = (session[rows] == day) & (not is_over)
        if "second_of_day" in frame.columns:
            of_exchange = frame if isinstance(code, int) else frame[rows]
            is_unfinished[rows] |= _is_cut_short(of_exchange, exchange)
    dates = pl.Series("today", today).cast(pl.Date)
    return frame.with_columns(
        pl.Series("ordinal", ordinal),
        pl.Series("is_session", is_session),
        pl.Series("has_calendar", has_calendar),
        dates if now is not None else pl.lit(None, dtype=pl.Date).alias("today"),
        pl.Series("is_unfinished", is_unfinished),
        _is_real_move(real_moves).alias("is_real_move"),
        pl.lit(value=False).alias("breaks"),
    )


def _exchange_numbers(frame: pl.DataFrame, exchanges: Mapping[str, str]) -> Ints | int:
    """Each row's exchange, as its place in the sorted names; one number where there is but one."""
    names = sorted(set(exchanges.values()))
    if len(names) < 2:
        return 0
    runs = frame["symbol"].rle().struct.unnest()
    numbers = [names.index(exchanges[symbol]) for symbol in runs["value"]]
    return np.repeat(np.array(numbers), runs["len"].to_numpy())


def last_finished_session(exchange: str, now: datetime) -> date:
    """The newest session of the exchange whose bar is final at `now`; a weekday for ""."""
    day, is_over = _exchange_today(exchange, now)
    days = day - np.arange(not is_over, 31 + (not is_over))  # no exchange rests for a month
    _, is_session = session_table(exchange).at(days)
    newest: date = days[int(is_session.argmax())].astype(object)
    return newest


def _exchange_today(exchange: str, now: datetime) -> tuple[np.datetime64, bool]:
    """Today's date at the exchange, and whether its bar is final."""
    today = np.datetime64(now.astimezone(ZoneInfo(zone_of(exchange))).date(), "D")
    sessions: Dates = np.array([today])
    close = closing_instants(exchange, sessions)[0]
    if np.isnat(close):
        return today, True  # no session today: nothing of it is still to come
    final_at = close.astype(datetime).replace(tzinfo=UTC) + FINAL_AFTER
    return today, now >= final_at


def _is_cut_short(frame: pl.DataFrame, exchange: str) -> Bools:
    """Whether each row's time of day is an odd one, of a session that was not over. Shape (row,).

    Odd: neither midnight, nor that of the row before, nor that of the symbol's first row, nor an
    hour from it, as clocks change. Bars of half days, stamped at their early close, are whole. An
    odd row beside the session's own bar is a price of that moment, at whatever time.
    """
    second = frame["second_of_day"].fill_null(0).to_numpy()
    first = is_first(frame)
    usual = np.repeat(second[first], np.diff(np.flatnonzero(first), append=len(second)))
    is_odd = (second != 0) & (second != usual) & (np.abs(second - usual) != HOUR)
    is_odd[1:] &= second[1:] != second[:-1]
    rows = np.flatnonzero(is_odd)
    if len(rows):
        is_beside = _has_bar_beside(frame, is_odd)
        is_early = second[rows] < _closing_seconds(exchange, session_dates(frame)[rows])
        is_odd[rows] = is_early | is_beside[rows]
    return np.asarray(is_odd)


def _has_bar_beside(frame: pl.DataFrame, is_odd: Bools) -> Bools:
    """Whether a neighbouring row of the same symbol and session is not odd. Shape (row,)."""
    day, series = day_numbers(frame), frame["series"].to_numpy()
    is_same = (day[1:] == day[:-1]) & (series[1:] == series[:-1])
    is_beside = np.zeros(frame.height, dtype=np.bool_)
    is_beside[1:] |= is_same & ~is_odd[:-1]
    is_beside[:-1] |= is_same & ~is_odd[1:]
    return is_beside


def _closing_seconds(exchange: str, sessions: Dates) -> Ints:
    """Local time of each close, in seconds after midnight; a whole day where it is not known."""
    seconds = np.full(len(sessions), 24 * HOUR)
    if not exchange:
        return seconds
    zone = ZoneInfo(zone_of(exchange))
    for k, close in enumerate(closing_instants(exchange, sessions)):
        if not np.isnat(close):
            local = close.astype(datetime).replace(tzinfo=UTC).astimezone(zone)
            seconds[k] = local.hour * HOUR + local.minute * 60 + local.second
    return seconds


def _is_real_move(real_moves: Iterable[str]) -> pl.Expr:
    """Whether a row is one of those named "SYMBOL DATE". Raises: ConfigError."""
    is_named = pl.lit(value=False)
    for entry in real_moves:
        symbol, _, day = entry.rpartition(" ")
        try:
            session = date.fromisoformat(day)
        except ValueError:
            session = None
        if not symbol or session is None:
            raise ConfigError(
                f"data.not_a_split {entry!r}: expected a symbol and a date. "
                "Fix: write it as in 'AAPL 2000-09-29'.",
                section="data",
                key="not_a_split",
            )
        is_named = is_named | ((pl.col("symbol") == symbol) & (pl.col("session") == session))
    return is_named
