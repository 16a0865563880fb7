"""The next closes as people see them: a table, a picture, a frame of pandas, a few lines."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nextclose as nc
from nextclose.serving.forecasts import price_table

PRICES = nc.sample_bars()


@pytest.fixture(scope="module")
def forecasts() -> nc.Forecasts:
    """Of five symbols at three horizons, from bars that are years old."""
    return nc.predict(PRICES)


def test_forecasts_are_shown_as_a_table_in_a_few_lines(forecasts):
    first, titles, *rows, notes, last = repr(forecasts).splitlines()
    assert first == "The next closes of 5 symbols from 2013-03-01 on, by lstm."
    assert " ".join(titles.split()) == "symbol last close sessions date median 90% range"
    assert len(rows) == 9
    top = forecasts.prices.row(0, named=True)
    assert rows[0].split() == [
        *("AAPL", f"{top['close']:.2f}", "1", "2013-03-04", f"{top['median']:.2f}"),
        *(f"{top['low_90']:.2f}", "to", f"{top['high_90']:.2f}"),
    ]
    assert notes == "notes: stale AAPL, FB, GOOG, IBM, MSFT"
    assert last.startswith('... and 6 more rows; .prices is the table, .plot("AAPL") draws it')
    assert {len(row) for row in rows} == {len(titles)}  # one below the other


def test_notes_name_the_symbols_that_they_concern(forecasts):
    notes = {f"S{k}": "stale; old record" if k == 3 else "stale" for k in range(7)} | {"IBM": ""}
    said = repr(replace(forecasts, notes=notes)).splitlines()[-2]
    assert said == "notes: stale S0, S1, S2, S3, S4, ...; old record S3"


def test_a_short_table_is_shown_whole(forecasts):
    one = replace(forecasts, frame=forecasts.frame.filter(symbol="IBM"), notes={"IBM": ""})
    lines = repr(one).splitlines()
    assert len(lines) == 6
    assert lines[-1].startswith('.prices is the table, .plot("IBM")')


def test_a_notebook_shows_every_row_with_its_notes_and_loads_nothing(forecasts):
    html = forecasts._repr_html_()
    assert html.count("<tr>") == 1 + forecasts.frame.height
    assert html.count(">stale</td>") == forecasts.frame.height
    assert not re.search(r"<script|<img|(src|href)=", html)
    plain = replace(forecasts, notes=dict.fromkeys(PRICES.symbols, ""))
    assert "notes" not in plain._repr_html_()


def test_forecasts_of_nobody_say_so(forecasts):
    none = replace(forecasts, frame=forecasts.frame.clear(), notes={})
    assert repr(none) == "No forecast of any symbol."
    assert "No forecast of any symbol." in none._repr_html_()
    assert none.to_pandas().empty
    with pytest.raises(nc.ConfigError, match="there is no forecast of any symbol"):
        none.plot()


def test_a_symbol_that_is_markup_is_text(forecasts):
    odd = forecasts.frame.with_columns(symbol=pl.lit("<img src=x>"))
    html = replace(forecasts, frame=odd, notes={})._repr_html_()
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_many_symbols_are_cut_and_that_is_said(forecasts):
    many = pl.concat([forecasts.frame.with_columns(symbol=pl.lit(f"S{k:03}")) for k in range(20)])
    html = replace(forecasts, frame=many, notes={})._repr_html_()
    assert html.count("<tr>") == 61
    assert "The first 60 rows of 300." in html


def test_pandas_gets_the_prices_with_days_as_datetimes(forecasts):
    frame = forecasts.to_pandas()
    assert list(frame.columns) == forecasts.prices.columns
    assert frame["date"].iloc[0] == pd.Timestamp(2013, 3, 4)
    assert frame["horizon_sessions"].dtype.kind == "i"
    assert frame["low_90"].tolist() == forecasts.prices["low_90"].to_list()
    assert_frame_equal(price_table(forecasts.frame), forecasts.prices)


def test_a_plot_is_of_the_symbol_that_is_named_or_the_first(forecasts):
    assert "IBM" in text_of(forecasts.plot("IBM"))
    assert "AAPL" in text_of(forecasts.plot())
    figure = forecasts.plot(dark=True)
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(nc.ConfigError, match=r"'XXX'. Fix: name one of AAPL, FB, GOOG, IBM, MSFT"):
        forecasts.plot("XXX")


def text_of(figure) -> str:
    """All that is written in a figure."""
    from matplotlib.text import Text

    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_warnings_and_notes_are_kept_with_the_forecasts():
    with pytest.warns(nc.ServingWarning, match="W81"):
        old = nc.predict(PRICES)
    assert [finding.code for finding in old.findings] == ["W81"]
    assert old.notes == dict.fromkeys(PRICES.symbols, "stale")


# --- data frames in the place of bars ---

CLOSES = (
    PRICES.frame.filter(symbol="IBM").select("session", "open", "high", "low", "close").tail(600)
)
PANDAS = pd.DataFrame(
    {name: CLOSES[name].to_numpy() for name in CLOSES.columns if name != "session"},
    index=pd.DatetimeIndex(CLOSES["session"].to_list(), name="Date"),
)


def same(one: nc.Forecasts, other: nc.Forecasts) -> None:
    assert_frame_equal(one.frame, other.frame, check_exact=True)


SHORT = nc.RunConfig(backtest=nc.BacktestConfig(horizons=(1,), rehearsal_sessions=60))


@pytest.mark.parametrize(
    "given",
    [{"IBM": PANDAS}, PANDAS.assign(symbol="IBM"), CLOSES.with_columns(symbol=pl.lit("IBM"))],
    ids=["a dict", "pandas", "polars"],
)
def test_a_data_frame_may_stand_for_bars_anywhere(given, tmp_path):
    bars = nc.frame_bars(given)
    same(nc.predict(given), nc.predict(bars))
    run = nc.backtest(given, models=["naive", "ewma"], horizons=1)
    assert run.bars.fingerprint == bars.fingerprint
    nc.train(given, tmp_path / "bundle", config=SHORT)
    bundle = nc.load_bundle(tmp_path / "bundle")
    same(nc.predict(bundle, given), nc.predict(bundle, bars))
    assert nc.update(tmp_path / "bundle", given) == nc.update(tmp_path / "bundle", bars)


def test_a_frame_is_read_as_the_settings_say():
    config = nc.RunConfig(data=nc.DataConfig(since={"IBM": date(2012, 1, 3)}))
    run = nc.backtest({"IBM": PANDAS}, models=["naive", "lstm"], horizons=1, config=config)
    assert run.bars.frame["session"].min() == date(2012, 1, 3)


def test_a_frame_that_names_no_symbol_is_refused_by_a_call_that_works_when_pasted():
    with pytest.raises(nc.DataError) as raised:
        nc.predict(PANDAS)
    call = re.search(r"Fix: say whose they are, as (frame_bars\(.*?\))", str(raised.value))
    assert call
    read = eval(call[1], {"frame_bars": nc.frame_bars, "FRAME": PANDAS})  # noqa: S307 -- ours
    assert nc.predict(read).frame["symbol"].unique().to_list() == ["AAPL"]


def test_a_path_in_the_place_of_bars_is_refused_by_a_call_that_works_when_pasted(tmp_path):
    path = tmp_path / "IBM.csv"
    CLOSES.write_csv(path)
    with pytest.raises(nc.ConfigError) as raised:
        nc.backtest(path)
    call = re.search(r"Fix: read prices with (load_bars\(.*?\)) first", str(raised.value))
    assert call
    read = eval(call[1], {"load_bars": nc.load_bars})  # noqa: S307 -- ours
    assert read.symbols == ("IBM",)
