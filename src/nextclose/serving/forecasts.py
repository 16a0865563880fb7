"""The next closes as a value: a table of prices, a picture, or the quantiles behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from nextclose.errors import ConfigError, Finding, printable
from nextclose.formatting import quantity
from nextclose.report.exports import pandas_frame
from nextclose.report.notebook import columns_text, forecast_figure, price_text, table_html
from nextclose.schema import Bars

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RANGES = (50, 80, 90)  # per cent; central ranges shown to people
N_SHOWN = 9, 60  # rows of a text, and of a table in a notebook
N_NAMED = 5  # symbols of a note


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Forecasts:
    """Forecasts from the newest bar of each symbol.

    `frame` has the quantiles, in `FORECAST_SCHEMA`; targets are null. `notes` say in a word or two
    what concerns a symbol's own forecast, "" if nothing; `findings` are the warnings about all.
    """

    frame: pl.DataFrame
    bars: Bars
    notes: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def prices(self) -> pl.DataFrame:
        """What people read: one row per symbol and horizon, as `price_table` gives it."""
        return price_table(self.frame)

    def to_pandas(self) -> pd.DataFrame:
        """The prices as a pandas frame, dates as datetimes."""
        return pandas_frame(self.prices)

    def plot(self, symbol: str | None = None, *, dark: bool = False) -> Figure:
        """The last bars of a symbol, the first one unless it is named, and the ranges ahead.

        Raises: ConfigError for a symbol that has no forecast.
        """
        symbols = sorted(self.frame["symbol"].unique())
        name = next(iter(symbols), "any symbol") if symbol is None else symbol
        if name not in symbols:
            asked = name if symbol is None else f"{name!r:.40}"
            named = ", ".join(symbols[:12]) or "those that have some"
            raise ConfigError(f"there is no forecast of {asked}. Fix: name one of {named}.")
        return forecast_figure(self.bars.frame, self.frame, symbol=name, dark=dark)

    def __repr__(self) -> str:
        prices, n_shown = self.prices, N_SHOWN[0]
        if prices.is_empty():
            return self._extent()
        rows = _cells(prices.head(n_shown))
        more = prices.height - len(rows)
        ways = '.prices is the table, .plot("AAPL") draws it, .to_pandas()'
        ways = ways.replace("AAPL", printable(prices["symbol"][0]))
        said = [f"... and {more:,} more rows; {ways}" if more else ways]
        if any(self.notes.values()):
            said.insert(0, f"notes: {self._noted()}")
        return "\n".join([self._extent(), *columns_text(TITLES, rows, left=1), *said])

    def _noted(self) -> str:
        """The notes, each with the symbols that it concerns."""
        concerned: dict[str, list[str]] = {}
        for name, text in self.notes.items():
            for note in filter(None, text.split("; ")):
                concerned.setdefault(note, []).append(printable(name))
        return "; ".join(
            f"{note} {', '.join(names[:N_NAMED])}{', ...' if len(names) > N_NAMED else ''}"
            for note, names in concerned.items()
        )

    def _repr_html_(self) -> str:
        prices, n_shown = self.prices, N_SHOWN[1]
        rows, titles = _cells(prices.head(n_shown)), TITLES
        if any(self.notes.values()):
            notes = [self.notes.get(name, "") for name in prices["symbol"]]
            titles = (*TITLES, "notes")
            rows = [(*cells, note) for cells, note in zip(rows, notes, strict=False)]
        more = prices.height > len(rows)
        caption = f" The first {len(rows)} rows of {prices.height:,}." if more else ""
        return table_html(titles, rows, caption=self._extent() + caption, words=("symbol", "notes"))

    def _extent(self) -> str:
        frame = self.frame
        if frame.is_empty():
            return "No forecast of any symbol."
        models = " and ".join(sorted(frame["model"].unique()))
        newest = max(frame["origin"])
        n_symbols = quantity(frame["symbol"].n_unique(), "symbol")
        return f"The next closes of {n_symbols} from {newest} on, by {models}."


TITLES: tuple[str, ...] = ("symbol", "last close", "sessions", "date", "median", "90% range")


def _cells(prices: pl.DataFrame) -> list[tuple[str, ...]]:
    """The rows as texts below `TITLES`."""
    return [
        (
            printable(row["symbol"]),
            price_text(row["close"]),
            f"{row['horizon_sessions']:,}",
            str(row["date"]),
            price_text(row["median"]),
            f"{price_text(row['low_90'])} to {price_text(row['high_90'])}",
        )
        for row in prices.iter_rows(named=True)
    ]


def price_table(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Forecasts as people read them: prices and ranges, one row per symbol and horizon.

    Columns: symbol, origin, horizon_sessions, date, close, median, then low and high of each
    range, and the model.
    """

    def price(level: float) -> pl.Expr:
        return pl.col("close") * pl.col(f"q{level:.3f}").exp()

    ranges = [
        price(0.5 + side * share / 200).alias(f"{name}_{share}")
        for share in RANGES
        for side, name in ((-1, "low"), (1, "high"))
    ]
    return forecasts.select(
        "symbol",
        "origin",
        "horizon_sessions",
        pl.col("resolved").alias("date"),
        "close",
        price(0.5).alias("median"),
        *ranges,
        "model",
    )
