"""Bars of one symbol or more, as frames to be read, and what was found in them."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.calendars.sessions import sessions_after
from nextclose.schema import Bars, Finding
from tests.frames import collect_bars

AMBIENT = {"W21", "W25", "W26", "W68", "R22"}  # said of nearly every frame


@cache
def days(n: int, *, after: str = "2018-12-31", exchange: str = "XNYS") -> list[date]:
    """The n sessions that follow a date."""
    return sessions_after(date.fromisoformat(after), n, exchange=exchange)


def walk(n: int, *, seed: int = 0, sd: float = 0.01) -> np.ndarray:
    """Closes of a seeded random walk from 50 on. Shape (n,)."""
    steps = sd * np.random.default_rng(seed).standard_normal(n)
    return np.asarray(np.round(50 * np.exp(np.cumsum(steps)), 2))


def closes(
    values: Sequence[float] | np.ndarray,
    *,
    on: Sequence[date] | None = None,
    symbol: str = "AAPL",
    **columns: Any,
) -> pl.DataFrame:
    """Closes (and other columns) on consecutive sessions of New York, or on given days."""
    when = list(on) if on is not None else days(len(values))
    return pl.DataFrame(
        {"symbol": [symbol] * len(values), "date": when, "close": values, **columns}
    )


def read(*frames: pl.DataFrame, **settings: object) -> Bars:
    """The frames one below the other, as collected under these `[data]` settings."""
    config = DataConfig.model_validate(settings)
    return collect_bars(pl.concat(frames, how="diagonal"), path="prices.csv", config=config)


def codes(bars: Bars) -> dict[str, int]:
    """Findings by code, less what is said of nearly every frame."""
    found: dict[str, int] = {}
    for finding in bars.findings:
        if finding.code not in AMBIENT:
            found[finding.code] = found.get(finding.code, 0) + finding.count
    return found


def the(bars: Bars, code: str) -> Finding:
    """The one finding of that code."""
    (finding,) = (finding for finding in bars.findings if finding.code == code)
    return finding


def where(bars: Bars, mask: str) -> list[int]:
    """Rows at which a mask is set."""
    return np.flatnonzero(bars.frame[mask].to_numpy()).tolist()
