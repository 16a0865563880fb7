"""Futures of the price files: those of every leak test, and what only a loader could fall for."""

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from tests.leakage.price_files import sessions
from tests.leakage.worlds import SCOPES, WORLDS, perturbed

Frame = pl.DataFrame
# even ones; the first rows of a halt, its sixtieth; borders of gaps; spikes and the day before
ROWS = (
    40,
    120,
    199,
    200,
    259,
    260,
    280,
    299,
    303,
    304,
    305,
    309,
    349,
    352,
    359,
    365,
    399,
    409,
    410,
)
LATE_ROWS = (419, 424, 451, 499, 519, 560, 600, 680)


def day(row: int) -> date:
    found: date = sessions("XNYS")[row].astype(object)
    return found


def futures(rows: tuple[int, ...], *, step: int) -> Iterator[tuple[date, str, str]]:
    """Cut, world and scope: one in `step` of all."""
    number = 0
    for row in rows:
        for world in FUTURES:
            for scope in SCOPES:
                number += 1
                if number % step == 0:
                    yield day(row), world, scope


def split(later: Frame) -> Frame:
    """Twice the shares from the fifth session on."""
    prices = [c for c in ("open", "high", "low", "close") if c in later.columns]
    is_after = pl.int_range(pl.len()) >= 5
    return later.with_columns(
        pl.when(is_after).then(pl.col(c) / 2).otherwise(c).alias(c) for c in prices
    )


def dividend(later: Frame) -> Frame:
    """Adjusted closes that a later dividend pulled down."""
    names = [c for c in ("adj_close",) if c in later.columns]
    return later.with_columns(pl.col(names) * 0.9731)


def outlier(later: Frame) -> Frame:
    first = pl.int_range(pl.len()) == 0
    names = ("open", "high", "low", "close")
    return later.with_columns(
        pl.when(first).then(pl.col(n) * 40).otherwise(n).alias(n) for n in names
    )


def quiet(later: Frame) -> Frame:
    """Seventy flat sessions, then life."""
    row = pl.int_range(pl.len())
    names = ("open", "high", "low", "close")
    still = [pl.when(row < 70).then(pl.col("close").first()).otherwise(n).alias(n) for n in names]
    return later.with_columns(
        *still, pl.when(row < 70).then(0.0).otherwise("volume").alias("volume")
    )


def vanished(later: Frame) -> Frame:
    """Nothing for forty sessions."""
    return later[40:]


def twice(later: Frame) -> Frame:
    """Each row again with another close."""
    return pl.concat([later, later.with_columns(pl.col("close") * 1.001)])


OWN: dict[str, Callable[[Frame], Frame]] = {
    "split": split,
    "dividend": dividend,
    "outlier": outlier,
    "quiet": quiet,
    "vanished": vanished,
    "twice": twice,
}
FUTURES = (*WORLDS, *OWN)


def with_future(frame: Frame, after: date, world: str, scope: str) -> Frame:
    if world in WORLDS:
        return perturbed(frame, after, world, scope)
    chosen = SCOPES[scope](sorted(frame["symbol"].unique()))
    is_hit = (pl.col("date") > after) & pl.col("symbol").is_in(chosen)
    parts = [frame.filter(~is_hit)]
    for symbol in chosen:
        later = frame.filter(is_hit & (pl.col("symbol") == symbol)).sort("date")
        if later.height:
            parts.append(OWN[world](later))
    return pl.concat(parts)
