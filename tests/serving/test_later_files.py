"""Later files are read as those of the training were, each by what it says itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl
import pytest

import nextclose as nc
from nextclose.config import FeaturesConfig, RunConfig
from nextclose.data.calendars.sessions import sessions_after
from nextclose.serving.bundle import Bundle
from tests.builders import walk_frame

N = 420
QUICK = RunConfig(features=FeaturesConfig(market=False))
NOW = datetime(2016, 1, 4, tzinfo=UTC)


def closes(symbol: str, *, exchange: str, seed: int, start: float) -> pl.DataFrame:
    """A walk of date and close on the sessions of an exchange, three decimals."""
    walk = walk_frame(symbol, seed=seed, n=N)["close"] * (start / 50)
    days = sessions_after(date(2010, 3, 1), N, exchange=exchange)
    return pl.DataFrame({"date": days, "close": walk.round(3)})


AMERICAN = closes("AAPL", exchange="XNYS", seed=1, start=80.0)
GERMAN = closes("SAP.DE", exchange="XETR", seed=2, start=1700.0)


def german(value: float) -> str:
    """1716.68 as 1.716,68."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def text_of(
    frame: pl.DataFrame, *, names: str, form: Callable[[float], str], mark: str = ";"
) -> str:
    lines = [f"{day}{mark}{form(close)}" for day, close in frame.iter_rows()]
    return "\n".join([names, *lines, ""])


MIXED = {
    "numbers of two countries": {
        "AAPL.csv": text_of(AMERICAN, names="date;close", form=lambda x: f"{x:.3f}"),
        "SAP.DE.csv": text_of(GERMAN, names="Datum;Schluss", form=german),
    },
    "separators of two kinds": {
        "AAPL.csv": text_of(AMERICAN, names="date,close", form=str, mark=","),
        "SAP.DE.csv": text_of(GERMAN, names="Datum;Schluss", form=str),
    },
}


@pytest.mark.parametrize("name", MIXED)
def test_a_folder_of_several_forms_is_read_alike_when_it_is_served(name, tmp_path):
    prices = tmp_path / "prices"
    prices.mkdir()
    for file, text in MIXED[name].items():
        (prices / file).write_text(text, encoding="utf-8")
    bars = nc.load_bars(prices)
    manifest = nc.train(bars, tmp_path / "bundle", model="loghar", config=QUICK)
    later = nc.load_bars(prices, config=manifest.data)
    assert later.fingerprint == bars.fingerprint
    assert later.frame["close"][N - 1] == AMERICAN["close"][-1]


def test_what_all_files_say_alike_is_kept_for_later_ones(tmp_path):
    for name in ("SAP.DE", "BMW.DE"):
        text = text_of(GERMAN, names="Datum;Schluss", form=german)
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    kept = {"separator": ";", "decimal": ",", "thousands": "."}
    assert nc.load_bars(tmp_path).settled == kept


def traded(exchange: str) -> pl.DataFrame:
    return closes("MSFT", exchange=exchange, seed=3, start=30.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    nc.train(nc.frame_bars(traded("XNYS"), symbol="MSFT"), folder, model="loghar", config=QUICK)
    return nc.load_bundle(folder)


def test_the_calendar_of_each_symbol_is_kept(bundle):
    assert bundle.manifest.exchanges == {"MSFT": "XNYS"}


def test_later_bars_of_another_exchange_are_refused(bundle):
    later = nc.frame_bars(traded("XLON"), symbol="MSFT", config=bundle.manifest.data)
    assert later.exchanges == {"MSFT": "XLON"}  # as its first 250 bars prove
    with pytest.raises(
        nc.DataError, match=r"E51 MSFT: .* XLON.* XNYS.* Fix: .*train again"
    ) as told:
        nc.predict(bundle, later, now=NOW)
    assert told.value.exit_code == 3


@pytest.mark.parametrize("calendar", [None, "weekdays", "XNYS"])
def test_bars_that_fit_the_calendar_of_then_are_forecast_as_before(bundle, calendar):
    expected = nc.predict(bundle, nc.frame_bars(traded("XNYS"), symbol="MSFT"), now=NOW).frame
    config = nc.DataConfig(calendar=calendar)
    later = nc.frame_bars(traded("XNYS"), symbol="MSFT", config=config)
    made = nc.predict(bundle, later, now=NOW).frame
    assert made.drop("resolved").equals(expected.drop("resolved"))


def test_a_symbol_never_seen_goes_by_its_own_calendar(bundle):
    london = closes("VOD.L", exchange="XLON", seed=4, start=90.0)
    bars = nc.frame_bars({"MSFT": traded("XNYS"), "VOD.L": london}, config=bundle.manifest.data)
    assert set(nc.predict(bundle, bars, now=NOW).frame["symbol"]) == {"MSFT", "VOD.L"}
