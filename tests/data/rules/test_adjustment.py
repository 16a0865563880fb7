from datetime import date
from typing import Any

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.reading.prices import unchecked_prices
from tests.data.bar_frames import closes, codes, days, the

DAYS = days(4)


def part(frame: pl.DataFrame, path: str = "prices.csv"):
    rows = pl.int_range(1, frame.height + 1, eager=True)
    return unchecked_prices(frame, path=path, rows=rows, config=DataConfig())


def table(*rows: tuple[str, date, float]) -> pl.DataFrame:
    schema = {"symbol": pl.String, "session": pl.Date, "ratio": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def prices() -> pl.DataFrame:
    """Raw bars over a 2:1 split before the third day."""
    close = [20.0, 22.0, 11.0, 12.0]
    bars: dict[str, Any] = {"open": [19.0, 21.0, 10.0, 11.0], "high": [21.0, 23.0, 12.0, 13.0]}
    return closes(close, **bars, low=[18.0, 20.0, 9.0, 10.0], volume=[50, 50, 100, 100])


def test_prices_before_a_given_split_are_divided_and_volume_multiplied():
    bars = assemble_bars([part(prices())], splits=table(("AAPL", DAYS[2], 2.0)))
    assert codes(bars) == {"R59": 1}
    assert bars.frame["close"].to_list() == [10.0, 11.0, 11.0, 12.0]
    assert bars.frame["open"].to_list() == [9.5, 10.5, 10.0, 11.0]
    assert bars.frame["high"].to_list() == [10.5, 11.5, 12.0, 13.0]
    assert bars.frame["low"].to_list() == [9.0, 10.0, 9.0, 10.0]
    assert bars.frame["volume"].to_list() == [100.0, 100.0, 100.0, 100.0]
    finding = the(bars, "R59")
    assert (finding.symbol, finding.session) == ("AAPL", str(DAYS[2]))
    assert codes(assemble_bars([part(prices())])) == {"E59": 1}


SPLITS = [  # table, closes, splits counted
    ([("AAPL", DAYS[2], 2.0), ("AAPL", DAYS[3], 4.0)], [2.5, 2.75, 2.75, 12.0], 2),
    ([("AAPL", DAYS[0], 2.0)], [20.0, 22.0, 11.0, 12.0], 0),  # nothing before it
    ([("AAPL", date(2030, 1, 2), 2.0)], [20.0, 22.0, 11.0, 12.0], 0),  # still to come
    ([("IBM", DAYS[2], 2.0)], [20.0, 22.0, 11.0, 12.0], 0),
    ([("AAPL", DAYS[2], 0.5)], [40.0, 44.0, 11.0, 12.0], 1),
    ([], [20.0, 22.0, 11.0, 12.0], 0),
]


@pytest.mark.parametrize(("rows", "expected", "counted"), SPLITS)
def test_only_splits_between_rows_of_the_symbol_count(rows, expected, counted):
    config = DataConfig(not_a_split=tuple(f"AAPL {day}" for day in DAYS))
    bars = assemble_bars([part(prices())], config=config, splits=table(*rows))
    assert bars.frame["close"].to_list() == expected
    expected = {"W59": 1} if rows and rows[0][0] == "IBM" else {}  # nobody of that name
    assert codes(bars) == ({"R59": counted} if counted else {}) | expected


def test_a_split_on_a_day_without_a_row_takes_effect_at_the_next():
    frame = prices().filter(pl.col("date") != DAYS[2])
    bars = assemble_bars([part(frame)], splits=table(("AAPL", DAYS[2], 2.0)))
    assert bars.frame["close"].to_list() == [10.0, 11.0, 12.0]


def test_an_adjusted_close_has_its_splits_already():
    adjusted = pl.Series("adj_close", [10.0, 11.0, 11.0, 12.0])
    one = assemble_bars([part(prices().with_columns(adjusted))])
    two = assemble_bars(
        [part(prices().with_columns(adjusted))], splits=table(("AAPL", DAYS[2], 2.0))
    )
    shared = ["open", "high", "low", "close", "volume"]
    assert two.frame.select(shared).equals(one.frame.select(shared))
    assert two.frame["close_raw"].to_list() == [10.0, 11.0, 11.0, 12.0]


def test_beside_a_file_with_both_closes_the_table_still_adjusts_the_one_without():
    known = prices().with_columns(
        pl.lit("IBM").alias("symbol"), pl.Series("adj_close", [10.0, 11.0, 11.0, 12.0])
    )
    splits = table(("AAPL", DAYS[2], 2.0))
    bars = assemble_bars([part(known, "ibm.csv"), part(prices(), "aapl.csv")], splits=splits)
    assert codes(bars) == {"R59": 2}
    for symbol in ("AAPL", "IBM"):
        assert bars.frame.filter(symbol=symbol)["close"].to_list() == [10.0, 11.0, 11.0, 12.0]
