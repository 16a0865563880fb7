"""Bars on days without session that no market made, and dates of which a part is a day early."""

from __future__ import annotations

import numpy as np
import polars as pl

from tests.corpus.exchanges import plain
from tests.corpus.shapes import Shape, file, history

PRICES = ("open", "high", "low", "close", "volume")


def days_filled(frame: pl.DataFrame, share: float, *, way: str, last_day: int = 7) -> pl.DataFrame:
    """The history with a share of the days up to that of the week that it lacks filled in."""
    days = pl.date_range(frame["session"][0], frame["session"][-1], "1d", eager=True)
    whole = days.to_frame("session").join(frame, on="session", how="left")
    fill = pl.all().backward_fill() if way == "bfill" else pl.col(*PRICES).interpolate()
    whole = whole.with_columns(is_new=pl.col("close").is_null()).with_columns(fill)
    is_taken = np.random.default_rng(5).random(whole.height) < share
    is_day = pl.col("session").dt.weekday() <= last_day
    return whole.filter(~pl.col("is_new") | (pl.Series(is_taken) & is_day)).drop("is_new")


def early_tail(frame: pl.DataFrame, n: int) -> pl.DataFrame:
    """The history with its newest n dates a day early; of a day that is there twice the newer."""
    head, tail = frame[:-n], frame[-n:]
    whole = pl.concat([head, tail.with_columns(pl.col("session").dt.offset_by("-1d"))])
    return whole.unique("session", keep="last", maintain_order=True)


def refused(name: str, frame: pl.DataFrame, *, source: str, symbol: str = "AAPL") -> Shape:
    """A file that a person must mend: no setting makes it right."""
    return Shape(
        name=f"closed days: {name}",
        source=source,
        write=file(f"{symbol}.csv", plain(frame)),
        holds={},
        asks=("E51",),
    )


LONG, YEAR = history(700), history(300)
TEN_YEARS = history(2500, after=history(1)["session"][0].replace(year=2011))
FX = history(400, exchange="24/5")
FILLS = tuple(
    refused(
        f"{share:.0%} of days off, {way}",
        days_filled(LONG, share, way=way),
        source=f'pandas, a reindex and {way}, then some rows dropped',
    )
    for way in ("bfill", "interpolate")
    for share in (0.05, 0.2, 0.5)
)  # fmt: skip
HOLIDAYS = refused(
    "holidays alone, bfill",
    days_filled(LONG, 1.0, way="bfill", last_day=5),
    source='pandas, frame.asfreq("B").bfill()',
)
SUNDAYS = FX.filter(pl.col("session").dt.weekday() == 1).with_columns(
    pl.col("session").dt.offset_by("-1d"), *(pl.col(name) * 1.001 for name in PRICES[:4])
)
WITH_SUNDAYS = pl.concat([FX, SUNDAYS], how="vertical_relaxed").sort("session")
EVENINGS = Shape(
    name="closed days: short Sundays of currencies",
    source="MetaTrader, brokers whose day ends at midnight UTC",
    write=file("EURUSD.csv", plain(WITH_SUNDAYS)),
    holds={"EURUSD": WITH_SUNDAYS},
    exchanges={"EURUSD": "24/5"},
)
EURO = history(900, exchange="24/5")
TAILS = (
    refused("2500 rows, 125 early", early_tail(TEN_YEARS, 125), source="a feed that turned to UTC"),
    refused("300 rows, 25 early", early_tail(YEAR, 25), source="a feed that turned to UTC"),
    refused("300 rows, 28 early", early_tail(YEAR, 28), source="a feed that turned to UTC"),
    refused("currency, 60 early", early_tail(EURO, 60), source="a feed in UTC", symbol="EURUSD"),
    refused(
        "a stretch within, then sound again",
        pl.concat([early_tail(TEN_YEARS[:1000], 60), TEN_YEARS[1000:]]),
        source="two feeds joined",
    ),
)

SHAPES = (*FILLS, HOLIDAYS, EVENINGS, *TAILS)
