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
    bars: dict[str, Any] = {"open": [19.0, 21.0, 10.5, 11.0], "high": [21.0, 23.0, 12.0, 13.0]}
    return closes(close, **bars, low=[18.0, 20.0, 9.0, 10.0], volume=[50, 50, 100, 100])


def test_prices_before_a_given_split_are_divided_and_volume_multiplied():
    bars = assemble_bars([part(prices())], splits=table(("AAPL", DAYS[2], 2.0)))
    assert codes(bars) == {"R59": 1}
    assert bars.frame["close"].to_list() == [10.0, 11.0, 11.0, 12.0]
    assert bars.frame["open"].to_list() == [9.5, 10.5, 10.5, 11.0]
    assert bars.frame["high"].to_list() == [10.5, 11.5, 12.0, 13.0]
    assert bars.frame["low"].to_list() == [9.0, 10.0, 9.0, 10.0]
    assert bars.frame["volume"].to_list() == [100.0, 100.0, 100.0, 100.0]
    finding = the(bars, "R59")
    assert (finding.symbol, finding.session) == ("AAPL", str(DAYS[2]))
    assert codes(assemble_bars([part(prices())])) == {"E59": 1}


SPLITS = [  # table, closes, splits divided, splits that no close moves by
    ([("AAPL", DAYS[2], 2.0)], [10.0, 11.0, 11.0, 12.0], 1, 0),
    ([("AAPL", DAYS[2], 2.0), ("AAPL", DAYS[2], 2.0)], [10.0, 11.0, 11.0, 12.0], 1, 0),  # twice
    ([("AAPL", DAYS[2], 2.0), ("AAPL", DAYS[3], 4.0)], [10.0, 11.0, 11.0, 12.0], 1, 1),
    ([("AAPL", DAYS[2], 1.6)], [12.5, 13.75, 11.0, 12.0], 1, 0),  # nearer to 1.6 than to none
    ([("AAPL", DAYS[2], 5.0)], [20.0, 22.0, 11.0, 12.0], 0, 1),  # not by that much
    ([("AAPL", DAYS[2], 0.5)], [20.0, 22.0, 11.0, 12.0], 0, 1),  # the other way round
    ([("AAPL", DAYS[1], 2.0)], [20.0, 22.0, 11.0, 12.0], 0, 1),  # a day early
    ([("AAPL", DAYS[3], 1.05)], [20 / 1.05, 22 / 1.05, 11 / 1.05, 12.0], 1, 0),  # too small to see
    ([("AAPL", DAYS[0], 2.0)], [20.0, 22.0, 11.0, 12.0], 0, 0),  # nothing before it
    ([("AAPL", date(2030, 1, 2), 2.0)], [20.0, 22.0, 11.0, 12.0], 0, 0),  # still to come
    ([("IBM", DAYS[2], 2.0)], [20.0, 22.0, 11.0, 12.0], 0, 1),  # nobody of that name
    ([], [20.0, 22.0, 11.0, 12.0], 0, 0),
]


@pytest.mark.parametrize(("rows", "expected", "divided", "told"), SPLITS)
def test_a_split_divides_the_closes_that_move_by_it(rows, expected, divided, told):
    config = DataConfig(not_a_split=tuple(f"AAPL {day}" for day in DAYS))
    bars = assemble_bars([part(prices())], config=config, splits=table(*rows))
    assert bars.frame["close"].to_list() == expected
    left = {"W64": 1} if expected[2] / expected[1] < 0.6 else {}  # a real move, early
    assert codes(bars) == {k: n for k, n in {"R59": divided, "W59": told}.items() if n} | left


def test_a_table_of_all_splits_leaves_prices_that_have_them_as_they_are():
    """As a vendor's whole list beside prices of which one symbol alone was not adjusted."""
    close = [10.0, 11.0, 11.0, 12.0]
    splits = table(("AAPL", DAYS[2], 2.0), ("IBM", DAYS[2], 2.0))
    frame = pl.concat([prices(), closes(close, symbol="IBM")], how="diagonal")
    bars = assemble_bars([part(frame.select("symbol", "date", "close"))], splits=splits)
    assert codes(bars) == {"R59": 1, "W59": 1}
    for symbol in ("AAPL", "IBM"):
        assert bars.frame.filter(symbol=symbol)["close"].to_list() == close


def test_an_adjusted_close_that_lacks_a_split_is_divided_as_well():
    adjusted = pl.Series("adj_close", [19.0, 20.9, 10.45, 11.4])  # a dividend taken off, no split
    frame = prices().with_columns(adjusted)
    bars = assemble_bars([part(frame)], splits=table(("AAPL", DAYS[2], 2.0)))
    assert bars.frame["close"].to_list() == [9.5, 10.45, 10.45, 11.4]
    assert bars.frame["close_raw"].to_list() == [10.0, 11.0, 11.0, 12.0]


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
