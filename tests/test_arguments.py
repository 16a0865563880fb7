"""What callers from Python pass: read where it has one reading, refused in our words elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import nextclose as nc

DAYS = pd.bdate_range("2024-01-02", periods=8)
CLOSES = np.array([10.0, 10.2, 10.1, 10.4, 10.3, 10.6, 10.5, 10.9])
FRAME = pd.DataFrame({"Close": CLOSES}, index=DAYS)
SERIES = FRAME["Close"]
POLARS = pl.DataFrame({"date": DAYS.to_numpy(), "close": CLOSES})
BARS = nc.frame_bars(FRAME, symbol="AAPL")

TAKEN = {  # what is given, and the symbols that it holds
    "a dict of frames": ({"AAPL": FRAME, "MSFT": FRAME + np.arange(8)[:, None]}, ("AAPL", "MSFT")),
    "a dict of series": ({"AAPL": SERIES}, ("AAPL",)),
    "a series under a symbol": (SERIES.rename("AAPL"), ("AAPL",)),
    "a wide frame": (
        pd.DataFrame({"AAPL": CLOSES, "MSFT": CLOSES[::-1]}, index=DAYS),
        ("AAPL", "MSFT"),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_has_one_reading_is_read(name):
    given, symbols = TAKEN[name]
    read = nc.frame_bars(given)
    assert read.symbols == symbols
    assert read.frame.filter(pl.col("symbol") == "AAPL")["close"].to_list() == CLOSES.tolist()


@pytest.mark.parametrize("given", [SERIES, SERIES.rename(None), POLARS, POLARS.lazy()])
def test_a_series_and_a_lazy_frame_are_frames(given):
    assert nc.frame_bars(given, symbol="AAPL").fingerprint == BARS.fingerprint


WIDE = pd.DataFrame({"AAPL": CLOSES, "MSFT": CLOSES[::-1]}, index=DAYS)
NAMED = {  # each says another symbol itself; the caller's wins
    "a series": SERIES.rename("MSFT"),
    "a frame with a ticker": FRAME.assign(ticker="MSFT"),
    "a wide frame of one": FRAME.rename(columns={"Close": "MSFT"}),
    "two levels": pd.concat({"MSFT": FRAME}, axis=1),
    "polars with a symbol": POLARS.with_columns(symbol=pl.lit("MSFT")),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_symbol_that_a_caller_says_wins(name):
    for read in (nc.frame_bars(NAMED[name], symbol="AAPL"), nc.frame_bars({"AAPL": NAMED[name]})):
        assert read.symbols == ("AAPL",)
        assert read.frame["close"].to_list() == CLOSES.tolist()
        (told,) = [f for f in read.findings if f.code == "W67"]
        assert "MSFT" in told.found
        assert "read as AAPL" in told.found


@pytest.mark.parametrize("held", ["AAPL", "AAPL.US", "aapl"])
def test_the_same_symbol_said_twice_is_no_matter(held):
    frame = POLARS.with_columns(symbol=pl.lit(held))
    assert not any(f.code == "W67" for f in nc.frame_bars(frame, symbol="AAPL").findings)


def test_a_frame_without_rows_is_named():
    with pytest.raises(nc.DataError, match="E3 frame MSFT: found 0 data rows"):
        nc.frame_bars({"AAPL": FRAME, "MSFT": FRAME[:0]})


@pytest.mark.parametrize("frame", [FRAME, SERIES.rename(None), POLARS])
def test_a_frame_without_a_symbol_is_asked_for_it_by_the_argument(frame):
    with pytest.raises(nc.DataError, match=r'E21 .* Fix: say whose .* symbol="AAPL"'):
        nc.frame_bars(frame)


@pytest.mark.parametrize("given", [{"X": WIDE}, WIDE])
def test_one_symbol_for_a_frame_of_several_is_refused(given):
    symbol = "" if isinstance(given, dict) else "X"
    with pytest.raises(nc.DataError) as raised:
        nc.frame_bars(given, symbol=symbol)
    (finding,) = [f for f in raised.value.findings if f.response == "E"]
    assert "AAPL, MSFT" in finding.found


def test_paths_come_one_by_one_or_in_lists(tmp_path):
    for name in ("AAPL", "MSFT"):
        POLARS.with_columns(pl.col("close") + len(name)).write_csv(tmp_path / f"{name}.csv")
    paths = [tmp_path / "AAPL.csv", str(tmp_path / "MSFT.csv")]
    expected = nc.load_bars(tmp_path).symbols
    assert nc.load_bars(paths).symbols == nc.load_bars(*paths).symbols == expected


nextclose: Any = nc  # calls that no type checker lets pass
WRONG = {
    "no frame": lambda: nextclose.frame_bars(None),
    "a path for a frame": lambda: nextclose.frame_bars("AAPL.csv"),
    "an array": lambda: nextclose.frame_bars(CLOSES),
    "a series without dates": lambda: nextclose.frame_bars(pl.Series("AAPL", CLOSES)),
    "no frames": lambda: nextclose.frame_bars({}),
    "a symbol beside a dict": lambda: nextclose.frame_bars({"AAPL": FRAME}, symbol="MSFT"),
    "a dict of columns": lambda: nextclose.frame_bars({"date": [*DAYS], "close": [*CLOSES]}),
    "a dict of arrays": lambda: nextclose.frame_bars({"close": CLOSES}),
    "a number for a frame": lambda: nextclose.frame_bars({"AAPL": 3}),
    "a number for a symbol": lambda: nextclose.frame_bars({1: FRAME}),
    "a number as the symbol": lambda: nextclose.frame_bars(FRAME, symbol=3),
    "a dict of settings": lambda: nextclose.frame_bars(FRAME, symbol="A", config={"decimal": ","}),
    "settings of a run": lambda: nextclose.load_bars("x.csv", config=nc.RunConfig()),
    "no path": lambda: nextclose.load_bars(None),
    "a number for a path": lambda: nextclose.load_bars(3),
    "no paths": lambda: nextclose.load_bars([]),
    "no bars": lambda: nextclose.backtest(None),
    "a frame of nobody": lambda: nextclose.backtest(FRAME),
    "a path for bars": lambda: nextclose.backtest("prices/"),
    "a number for bars": lambda: nextclose.train(3, "bundle"),
    "no models": lambda: nextclose.backtest(BARS, models=[]),
    "a number for a model": lambda: nextclose.backtest(BARS, models=[3]),
    "a text for horizons": lambda: nextclose.backtest(BARS, models="har", horizons="1,7"),
    "half a horizon": lambda: nextclose.backtest(BARS, models="har", horizons=5.5),
    "no number for a horizon": lambda: nextclose.backtest(BARS, models="har", horizons=["a"]),
    "a dict for a run": lambda: nextclose.backtest(BARS, models="har", config={"a": 1}),
    "a word for workers": lambda: nextclose.backtest(BARS, models="har", workers="two"),
    "a number for a folder": lambda: nextclose.backtest(BARS, models="har", memory=3),
    "nothing to train on": lambda: nextclose.train(None, "bundle"),
    "nowhere to write": lambda: nextclose.train(BARS, None),
    "no bundle": lambda: nextclose.predict(None),
    "a path for a bundle": lambda: nextclose.predict("bundle", BARS),
    "bars to be judged": lambda: nextclose.verdicts(BARS),
    "a frame and a symbol by place": lambda: nextclose.frame_bars(FRAME, "AAPL"),
    "no folder": lambda: nextclose.load_bundle(None),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_refused_with_a_cure(name):
    with pytest.raises((nc.ConfigError, nc.DataError), match=r"Fix: |as in|expected|at least one"):
        WRONG[name]()


UNKNOWN = [  # a call, and where what it says belongs
    (lambda: nextclose.frame_bars(FRAME, ticker="AAPL"), "give symbol=..."),
    (lambda: nextclose.frame_bars(FRAME, symbols="AAPL"), "give symbol=..."),
    (lambda: nextclose.frame_bars(FRAME, calendar="XNYS"), "give config=DataConfig(calendar=...)"),
    (lambda: nextclose.load_bars("hive", calendar="XNYS"), "give config=DataConfig(calendar=...)"),
    (lambda: nextclose.load_bars("x.csv", ticker="A"), "give config=DataConfig(symbols=...)"),
    (lambda: nextclose.train(BARS, "b", models="har"), "give model=..."),
    (
        lambda: nextclose.train(BARS, "b", horizons=[1]),
        "give config=RunConfig(backtest=BacktestConfig(horizons=...))",
    ),
    (lambda: nextclose.backtest(BARS, model="har"), "give models=..."),
    (
        lambda: nextclose.backtest(BARS, xyzzy=1),
        "call it as backtest(bars, models=..., features=..., metrics=..., horizons=...",
    ),
]


@pytest.mark.parametrize(("call", "cure"), UNKNOWN, ids=[cure for _, cure in UNKNOWN])
def test_an_argument_that_is_none_is_told_where_it_belongs(call, cure):
    with pytest.raises(nc.ConfigError) as raised:
        call()
    assert f"Fix: {cure}" in str(raised.value)
