"""Five good bars as a vendor's text, with cells changed at will, and what is said of them."""

from datetime import date

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.reading.prices import unchecked_prices
from nextclose.errors import DataError
from nextclose.schema import Bars, Finding
from tests.frames import validate_bars

HEADER = ["date", "open", "high", "low", "close", "volume"]
DAYS = [date(2019, 3, 4), date(2019, 3, 5), date(2019, 3, 6), date(2019, 3, 7), date(2019, 3, 8)]
GOOD = [  # open, high, low, close, volume
    ["10", "12", "9", "11", "100"],
    ["11", "13", "10", "12", "200"],
    ["12", "14", "11", "13", "300"],
    ["13", "15", "12", "14", "400"],
    ["14", "16", "13", "15", "500"],
]
ALWAYS = {"W25", "W68"}  # nothing adjusted, and every symbol alive at the end


def texts(changes=(), *, header=HEADER) -> pl.DataFrame:
    """Five good bars as text, less the changes (row from 0, column, new text)."""
    rows = [[day.isoformat(), *values] for day, values in zip(DAYS, GOOD, strict=True)]
    for row, column, value in changes:
        rows[row][HEADER.index(column)] = value
    return pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")


def rows_of(*rows) -> pl.DataFrame:
    return pl.DataFrame(
        list(rows),
        schema={"symbol": pl.String, "date": pl.String, "close": pl.Float64},
        orient="row",
    )


def dated(*days) -> pl.DataFrame:
    """A frame of dates with closes 11, 12, ..., too quiet for any rule of moves."""
    return pl.DataFrame({"date": list(days), "close": [11.0 + k for k in range(len(days))]})


def part(frame, **settings):
    """The frame as a part of prices.csv, of AAPL unless it says otherwise."""
    symbol = settings.pop("symbol", "AAPL")
    basis = settings.pop("basis", None)
    rows = pl.int_range(1, frame.height + 1, eager=True)
    config = DataConfig(**settings)
    return unchecked_prices(
        frame, path="prices.csv", rows=rows, symbol=symbol, config=config, basis=basis
    )


def bars(frame, **settings) -> Bars:
    """The frame's bars, with what must be refused left out and named."""
    config = DataConfig(**{k: v for k, v in settings.items() if k not in ("symbol", "basis")})
    return assemble_bars([part(frame, **settings)], config=config)


def refusals(frame, **named) -> tuple[Finding, ...]:
    with pytest.raises(DataError) as raised:
        validate_bars(frame, path="prices.csv", **named)
    return raised.value.findings


def codes(bars: Bars) -> dict[str, int]:
    """Code -> count, less what is said of every such file."""
    return {f.code: f.count for f in bars.findings if f.code not in ALWAYS}


def findings_of(bars: Bars, code: str) -> list[Finding]:
    return [finding for finding in bars.findings if finding.code == code]
