"""Made histories, a provider that tells them, and a clock that only its own waits move."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from nextclose.data.calendars.sessions import sessions_after
from nextclose.data.store.providers import History, NoHistoryError
from nextclose.data.store.retry import Clock

DAYS = sessions_after(date(2023, 12, 29), 40, exchange="XNYS")  # 2024-01-02 to 2024-02-28
EVENING = datetime(2024, 2, 29, 1, tzinfo=UTC)  # the last of DAYS is over in New York


def bars(n: int = 40, *, factor: float = 1.0, raw_factor: float = 1.0) -> pl.DataFrame:
    """The first `n` of DAYS; closes 10, 9.99, 10.02, 9.97, ... and half of each, adjusted.

    `factor` multiplies the adjusted close, as a dividend does; `raw_factor` all prices, as a split.
    """
    close = [raw_factor * (10 + (-1) ** k * 0.01 * k) for k in range(n)]
    return pl.DataFrame(
        {
            "session": DAYS[:n],
            "open": close,
            "high": [c * 1.01 for c in close],
            "low": [c * 0.99 for c in close],
            "close": close,
            "volume": [1000 + k for k in range(n)],
            "adj_close": [0.5 * factor * c for c in close],
        }
    )


class FakeProvider:
    """Tells `frames`; `faults` are raised first, one a try. `asked` holds (symbol, since)."""

    name = "made"

    def __init__(self, **frames: pl.DataFrame) -> None:
        self.frames = frames
        self.faults: list[NoHistoryError] = []
        self.asked: list[tuple[str, str]] = []
        self.currency = "USD"

    def history(self, symbol: str, *, since: date) -> History:
        self.asked.append((symbol, str(since)))
        if self.faults:
            raise self.faults.pop(0)
        frame = self.frames[symbol].filter(pl.col("session") >= since)
        if not frame.height:
            raise NoHistoryError("0 rows", number=72)
        is_adjusted = "adj_close" not in frame.columns
        return History(
            frame=frame, is_adjusted=is_adjusted, currency=self.currency, client="made 1"
        )


class FakeClock:
    """A clock set by clock; `waits` are the seconds slept."""

    def __init__(self, at: datetime = EVENING) -> None:
        self.at = at
        self.waits: list[float] = []
        self.clock = Clock(now=lambda: self.at, seconds=self.seconds, sleep=self.sleep)

    def seconds(self) -> float:
        return (self.at - EVENING).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += timedelta(seconds=seconds)
