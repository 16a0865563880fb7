"""What a provider of prices is: one small class, and the one error it raises.

`docs/providers.md` writes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.schema import PRICE_COLUMNS

NEEDED = ("session", *PRICE_COLUMNS, "volume")  # of a history; adj_close too, where there is one

REASONS = (Issue.NO_ANSWER, Issue.NO_BARS, Issue.OTHER_ANSWER)  # why there is no history


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Daily bars of one symbol as a provider gave them, and what it says they are.

    `frame` has session (Date, of the exchange's own zone, rising), open, high, low, close, volume
    and, unless `is_adjusted`, adj_close; null where the provider has none. Prices are Float64,
    volume Int64, or Float64 where it has fractions.
    `is_adjusted`: close itself is adjusted for splits and dividends. `currency` is a code as the
    provider spells it, `zone` the exchange's, `client` what read them; "" where not said.
    """

    frame: pl.DataFrame
    is_adjusted: bool = False
    currency: str = ""
    zone: str = ""
    client: str = ""


class NoHistoryError(Exception):
    """A provider has no history to give. `number` says why, as in the catalogue of bad input.

    NO_ANSWER (71): none, or "not now": worth another try, after `wait_seconds` where the provider
    says. NO_BARS (72): no rows of that symbol. OTHER_ANSWER (73): one of another shape.
    """

    def __init__(self, found: str, *, number: int, wait_seconds: float | None = None) -> None:
        if number not in REASONS:
            raise ValueError(f"number {number} is none of {tuple(map(int, REASONS))}")
        super().__init__(found)
        self.found = found
        self.number = Issue(number)
        self.wait_seconds = wait_seconds


class Provider(Protocol):
    """Where prices are downloaded from."""

    @property
    def name(self) -> str:
        """The word that `--provider` takes."""

    def history(self, symbol: str, *, since: date) -> History:
        """All daily bars from `since` on, today's included even if it is not over; whole, or none.

        One try, of bounded time and size. Raises: NoHistoryError; ConfigError if a part of the
        installation is missing.
        """


def shape_fault(history: History) -> str:
    """What is wrong with the shape of a history's frame; "" for one as `History` describes.

    Of foreign code: it may be no history at all.
    """
    if not isinstance(history, History):
        return f"a {type(history).__name__} in place of a History"
    if not isinstance(history.frame, pl.DataFrame):
        return f"a frame of type {type(history.frame).__name__}, not of polars"
    schema = history.frame.schema
    needed = NEEDED if history.is_adjusted else (*NEEDED, "adj_close")
    missing = [name for name in needed if name not in schema]
    if missing:
        return f"no {', '.join(missing)}"
    kinds = {"session": (pl.Date,), "volume": (pl.Int64, pl.Float64)}
    for name in needed:
        if schema[name] not in kinds.get(name, (pl.Float64,)):
            return f"{name} of type {schema[name]}"
    steps = history.frame["session"].diff().drop_nulls().dt.total_days()
    is_rising = len(steps) == max(history.frame.height - 1, 0) and (steps > 0).all()
    return "" if is_rising else "dates that do not rise"
