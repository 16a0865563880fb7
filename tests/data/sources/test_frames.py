from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nextclose.data.sources.frames import frame_bars, polars_frame
from nextclose.errors import DataError


def pandas_prices() -> pd.DataFrame:
    days = pd.DatetimeIndex(["2019-03-04", "2019-03-05"], name="Date")
    return pd.DataFrame({"Close": [11.0, 12.0], "Volume": [100, 200]}, index=days)


def refused(frame, symbol="A") -> list[tuple[str, str, str]]:
    with pytest.raises(DataError) as raised:
        frame_bars(frame, symbol=symbol)
    return [(f.code, f.column, f.found) for f in raised.value.findings]


def test_a_pandas_frame_with_dates_in_its_index_is_read():
    bars = frame_bars(pandas_prices(), symbol="A")
    assert bars.frame["session"].to_list() == [date(2019, 3, 4), date(2019, 3, 5)]
    assert bars.frame["volume"].to_list() == [100.0, 200.0]


def test_pandas_columns_and_zoned_index_and_polars_give_the_same_bars():
    expected = frame_bars(pandas_prices(), symbol="A").fingerprint
    flat = pandas_prices().reset_index()
    assert frame_bars(flat, symbol="A").fingerprint == expected
    zoned = pandas_prices().tz_localize("America/New_York")
    assert frame_bars(zoned, symbol="A").fingerprint == expected
    unnamed = pandas_prices().rename_axis(index=None)
    assert frame_bars(unnamed, symbol="A").fingerprint == expected
    columns = {name: flat[name].to_numpy() for name in flat}
    assert frame_bars(pl.DataFrame(columns), symbol="A").fingerprint == expected


def test_a_pandas_frame_is_left_as_it_was():
    frame = pandas_prices()
    frame_bars(frame, symbol="A")
    pd.testing.assert_frame_equal(frame, pandas_prices())


ZONES = ["Asia/Tokyo", "UTC", "UTC+09:00", "America/New_York"]


@pytest.mark.parametrize("zone", ZONES)
def test_stamps_of_any_zone_are_dated_at_the_exchange(zone):
    tokyo = pandas_prices().tz_localize("Asia/Tokyo")
    bars = frame_bars(tokyo.tz_convert(zone), symbol="7203.T")
    assert bars.frame["session"].to_list() == [date(2019, 3, 4), date(2019, 3, 5)]


def test_symbols_and_dates_in_a_two_level_index_are_read():
    index = pd.MultiIndex.from_product(
        [["A", "B"], pd.DatetimeIndex(["2019-03-04", "2019-03-05"])], names=["Ticker", "Date"]
    )
    bars = frame_bars(pd.DataFrame({"Close": [11.0, 12.0, 21.0, 22.0]}, index=index))
    assert bars.frame.select("symbol", "close").rows() == [
        ("A", 11.0), ("A", 12.0), ("B", 21.0), ("B", 22.0),
    ]  # fmt: skip


@pytest.mark.parametrize("names", [["Ticker", "Price"], [None, None]])
@pytest.mark.parametrize("symbol_first", [False, True])
def test_two_level_columns_are_split_by_symbol(symbol_first, names):
    other = pandas_prices() * 2
    other.iloc[1] = np.nan  # one symbol without the second day
    wide = pd.concat({"A": pandas_prices(), "B": other}, axis=1, names=names)
    bars = frame_bars(wide if symbol_first else wide.swaplevel(axis=1))
    assert bars.frame.select("symbol", "close").rows() == [("A", 11.0), ("A", 12.0), ("B", 22.0)]
    (repair,) = (f for f in bars.findings if f.code == "R24")
    assert not any(f.code in ("W57", "W58") for f in bars.findings)  # it did not trade that day
    assert repair.found == "two-level columns of A, B"


def test_two_level_columns_from_a_csv_that_pandas_wrote_are_the_same(tmp_path):
    from nextclose.data.sources.loading import load_bars

    wide = pd.concat(
        {"A": pandas_prices(), "B": pandas_prices() * 2}, axis=1, names=["Ticker", "Price"]
    ).swaplevel(axis=1)
    wide.to_csv(tmp_path / "download.csv")
    polars_frame(wide).write_parquet(tmp_path / "download.parquet")
    expected = frame_bars(wide).fingerprint
    assert load_bars(tmp_path / "download.csv").fingerprint == expected
    assert load_bars(tmp_path / "download.parquet").fingerprint == expected


def test_a_name_that_comes_twice_is_refused_with_both_positions():
    frame = pandas_prices().reset_index()
    frame.columns = ["Date", "Close", "Close"]
    assert refused(frame) == [("E23", "close", "close in columns 2 and 3")]
    assert refused(pandas_prices().assign(Date="2019-03-04"))[0][:2] == ("E23", "date")


COLUMNS = [  # a pandas column, its cells in polars
    (pd.Series(["a", None]), ["a", None]),
    (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
    (pd.Series([1.5, "N/A"], dtype=object), ["1.5", "N/A"]),
    (pd.Series([Decimal("1.5"), None]), [Decimal("1.5"), None]),
    (pd.Series([True, None], dtype="boolean"), [True, None]),
    (pd.Series([date(2019, 3, 4), None]), [date(2019, 3, 4), None]),
    (pd.Series(pd.period_range("2019-03-04", periods=1)), ["2019-03-04"]),
    (pd.Series([2**63 + 1], dtype="uint64"), [2**63 + 1]),
    (pd.Series([10**40, 1], dtype=object), [str(10**40), "1"]),
]


@pytest.mark.parametrize(("column", "cells"), COLUMNS)
def test_columns_of_other_types_keep_what_their_cells_say(column, cells):
    assert polars_frame(pd.DataFrame({"x": column}))["x"].to_list() == cells


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_of_any_unit_are_read_and_gaps_stay_empty(unit):
    column = pd.Series([pd.Timestamp("2019-03-04"), pd.NaT]).astype(f"datetime64[{unit}]")
    read = polars_frame(pd.DataFrame({"x": column}))["x"]
    assert read.dt.date().to_list() == [date(2019, 3, 4), None]


def test_cells_that_are_no_numbers_are_named_not_crashed_on():
    frame = pandas_prices().astype({"Close": object})
    frame.iloc[1, 0] = "N/A"
    assert refused(frame) == [("E27", "close", "N/A")]
    complex_ = pandas_prices().astype({"Close": complex})
    assert refused(complex_) == [("E34", "Close", "type complex128")]
    assert refused(pandas_prices() > 0) == [
        ("E34", "Close", "type Boolean"),
        ("E34", "Volume", "type Boolean"),
    ]


def test_a_frame_without_symbols_asks_for_one():
    with pytest.raises(DataError, match="E21 frame, column symbol"):
        frame_bars(pandas_prices())
