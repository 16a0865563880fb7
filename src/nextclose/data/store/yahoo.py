"""[I/O] Yahoo Finance as a provider, through yfinance (extra `yahoo`)."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.store.providers import NEEDED, History, NoHistoryError
from nextclose.libraries import library_errors

OURS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
    "Adj Close": "adj_close",
}


class YahooProvider:
    """Daily bars of Yahoo Finance: prices adjusted for splits, and the adjusted close beside them.

    A history takes at most `seconds`. `base`, as in "http://127.0.0.1:8000", is a server that
    stands in for all of Yahoo's.
    """

    name = "yahoo"

    def __init__(self, *, base: str = "", seconds: float = 30.0) -> None:
        _yfinance()  # if it is missing, that is said before anything is asked or written
        self._base = base
        self._seconds = seconds

    def history(self, symbol: str, *, since: date) -> History:
        """All daily bars from `since` on, dated in the exchange's zone.

        Raises: NoHistoryError; LibraryError without yfinance.
        """
        yfinance = _yfinance()
        client = f"yfinance {yfinance.__version__}"
        with _quiet(yfinance):
            try:
                return self._asked(yfinance, symbol, since, client=client)
            except NoHistoryError as error:
                found = f"{error.found} ({client})"
                raise NoHistoryError(
                    found, number=error.number, wait_seconds=error.wait_seconds
                ) from error
            except yfinance.exceptions.YFPricesMissingError as error:
                found = f"0 rows: {safe_text(str(error))}"
                raise NoHistoryError(found, number=Issue.NO_BARS) from error
            except Exception as error:  # whatever it is that the client stumbled over
                found = safe_text(f"{type(error).__name__}: {error}") + f" ({client})"
                raise NoHistoryError(found, number=Issue.OTHER_ANSWER) from error

    def _asked(self, yfinance: Any, symbol: str, since: date, *, client: str) -> History:
        self._session.begin()
        ticker = yfinance.Ticker(symbol, session=self._session)
        answer = ticker.history(
            start=since.isoformat(), auto_adjust=False, actions=False, keepna=True
        )
        frame = quotes(answer)
        if not frame.height:
            raise NoHistoryError("0 rows", number=Issue.NO_BARS)
        facts = ticker.history_metadata
        return History(
            frame=frame,
            is_adjusted="adj_close" not in frame.columns,
            currency=str(facts.get("currency") or ""),
            zone=str(facts.get("exchangeTimezoneName") or ""),
            client=client,
        )

    @cached_property
    def _session(self) -> Any:
        from nextclose.data.store.yahoo_session import BoundedSession

        return BoundedSession(base=self._base, seconds=self._seconds)


def quotes(answer: Any) -> pl.DataFrame:
    """What yfinance gives for one symbol, in our names and types, whatever the levels of its names.

    A stamp is dated where it was made: midnight at the exchange, not in UTC.
    Raises: NoHistoryError if a column is missing, or there are several symbols.
    """
    names = answer.columns
    if names.nlevels == 2:
        level = 0 if "Close" in names.get_level_values(0) else 1
        names = names.get_level_values(level)
    positions = {str(name): k for k, name in enumerate(names)}
    missing = [name for name, ours in OURS.items() if ours in NEEDED and name not in positions]
    if missing or len(positions) < len(names):
        found = f"columns {', '.join(map(str, names))}"
        lack = f"; no {', '.join(missing)}" if missing else "; more than one of a name"
        raise NoHistoryError(safe_text(found) + lack, number=Issue.OTHER_ANSWER)
    columns = {
        ours: answer.iloc[:, positions[name]].to_numpy(dtype=float)
        for name, ours in OURS.items()
        if name in positions
    }
    days = answer.index.tz_localize(None).to_numpy().astype("datetime64[D]")
    return (
        pl.DataFrame({"session": days, **columns})
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .with_columns(pl.col("volume").cast(pl.Int64))  # yfinance makes it whole
        .sort("session", maintain_order=True)
    )


def _yfinance() -> Any:
    """The library. Raises: LibraryError if it is not installed."""
    instead = "name another --provider"
    with (
        library_errors("yfinance", needed_by="a download from Yahoo", instead=instead),
        warnings.catch_warnings(),  # its import changes which warnings are shown
    ):
        import yfinance
        import yfinance.exceptions
    return yfinance


@contextmanager
def _quiet(yfinance: Any) -> Iterator[None]:
    """The library raising its errors, not printing them, and without its cache on disk."""
    log, debug = logging.getLogger("yfinance"), yfinance.config.debug
    was_disabled, was_hidden = log.disabled, debug.hide_exceptions
    log.disabled, debug.hide_exceptions = True, False
    # that cache keeps pickled cookies in the home folder; where it cannot be made it does without
    yfinance.set_tz_cache_location(os.devnull)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled, debug.hide_exceptions = was_disabled, was_hidden
