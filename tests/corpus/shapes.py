"""What a shape of the corpus is: files as one tool writes them, and the closes that they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import sessions_after, zone_of

Write = Callable[[Path], list[Path]]
FIRST = date(2021, 5, 31)  # the day before a history's first session, unless said otherwise


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Files of one tool, who writes them so, and what they must be read as.

    `holds`: symbol -> its history (a frame of session and close, and what `history` has besides).
    A shape with one possible reading loads with no setting at all. One that has several `asks`:
    the codes of its refusals. Then the settings that the refusals print, with what only a person
    can say in `answers`, must load it: a test applies them; `holds` is empty where no setting can
    help. `codes`: findings that must be among those of the loaded bars. `exchanges`: symbol ->
    calendar, where that is the point. `broken` says why the shape fails today: it must go with the
    mend.
    """

    name: str
    source: str  # the tool, and where its format can be seen
    write: Write
    holds: Mapping[str, pl.DataFrame]
    asks: tuple[str, ...] = ()
    answers: Mapping[str, object] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    exchanges: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""


def history(
    n: int = 300,
    *,
    seed: int = 0,
    exchange: str = "XNYS",
    after: date = FIRST,
    price: float = 100.0,
    decimals: int = 2,
) -> pl.DataFrame:
    """A made-up history: session, open, high, low, close, volume, the ranges sound. Shape (n,).

    A seeded random walk of 1.5 % a session on the sessions of `exchange` that follow `after`;
    "" counts weekdays.
    """
    rng = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(0.015 * rng.standard_normal(n))), decimals)
    before = np.concatenate([[price], close[:-1]])
    opened = np.round(before * np.exp(0.004 * rng.standard_normal(n)), decimals)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    high = np.round(high * (1 + 0.004 * rng.random(n)) + 10.0**-decimals, decimals)
    low = np.round(low * (1 - 0.004 * rng.random(n)) - 10.0**-decimals, decimals)
    volume = rng.integers(500_000, 3_000_000, n)
    return pl.DataFrame(
        {
            "session": sessions_after(after, n, exchange=exchange),
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
        }
    )


def midnights(sessions: pl.Series, *, exchange: str) -> pl.Series:
    """The midnight that begins each session at its exchange, as an instant in UTC."""
    local = sessions.cast(pl.Datetime("us")).dt.replace_time_zone(zone_of(exchange))
    return local.dt.convert_time_zone("UTC")


def file(name: str, text: str | bytes) -> Write:
    """Writes one file of that name, folders on its way included."""
    return files({name: text})


def files(texts: Mapping[str, str | bytes], *, argument: str = "") -> Write:
    """Writes files by name; load gets `argument` (a folder in it), or each of them."""

    def write(folder: Path) -> list[Path]:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [folder / argument] if argument else [folder / name for name in texts]

    return write
