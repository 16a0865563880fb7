"""`nextclose update` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from nextclose import train
from nextclose.config import FeaturesConfig, RunConfig
from nextclose.data.sources.loading import load_bars, sample_bars
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import load_bundle
from nextclose.serving.updating import updated
from tests.serving.updates import record_bytes

SYMBOLS = ("AAPL", "IBM")
LAST = "2013-03-01"


def prices_of(folder: Path, *, n_left_out: int, n: int = 700) -> Path:
    """The sample's prices of two symbols but for the last `n_left_out` sessions, a file each."""
    folder.mkdir()
    for symbol in SYMBOLS:
        part = sample_bars().frame.filter(pl.col("symbol") == symbol)
        part = part.head(part.height - n_left_out).tail(n)
        part.select("session", "close").write_csv(folder / f"{symbol}.csv")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A bundle of prices that end 30 sessions before the sample's."""
    folder: Path = tmp_path_factory.mktemp("served")
    config = RunConfig(features=FeaturesConfig(market=False))
    train(load_bars(prices_of(folder / "prices", n_left_out=30)), folder / "mine", config=config)
    return folder / "mine"


@pytest.fixture
def bundle(trained, tmp_path) -> Path:
    folder: Path = tmp_path / "mine"
    folder.mkdir()
    for name in (MODEL, GOLDEN, MANIFEST):
        (folder / name).write_bytes((trained / name).read_bytes())
    return folder


@pytest.fixture
def prices(tmp_path) -> Path:
    return prices_of(tmp_path / "prices", n_left_out=0)


def test_the_record_is_moved_on_to_the_end_of_the_prices(command, trained, bundle, prices):
    code, printed, complaint = command("update", bundle, prices)
    assert (code, "Fix" in complaint) == (0, False), complaint
    assert "3 notes on the data (W21, W25, W68): -v shows them" in complaint
    assert f"past forecasts up to {LAST}; 2 symbols of 2 moved on" in printed
    assert str(bundle) in printed.replace("\n", "")
    expected = updated(load_bundle(trained), load_bars(prices))
    assert record_bytes(load_bundle(bundle)) == record_bytes(expected)
    before = {name: (bundle / name).read_bytes() for name in (MODEL, GOLDEN, MANIFEST)}
    code, printed, _ = command("update", bundle, prices)
    assert (code, "0 symbols of 2 moved on" in printed) == (0, True)
    assert {name: (bundle / name).read_bytes() for name in before} == before


def test_predict_says_when_it_is_time_and_no_longer_afterwards(command, bundle, prices):
    told = command("predict", bundle, prices)[2]
    assert "W89" in told
    assert "`nextclose update BUNDLE PRICES`" in told
    rows = json.loads(command("predict", bundle, prices, "--json")[1])
    assert all("old record" in row["notes"] for row in rows)
    assert command("update", bundle, prices)[0] == 0
    assert "W89" not in command("predict", bundle, prices)[2]


def test_machines_are_told_how_far_each_symbol_is(command, bundle, prices):
    code, printed, _ = command("update", bundle, prices, "--json")
    assert code == 0
    assert json.loads(printed) == {
        "bundle": str(bundle),
        "recorded": dict.fromkeys(SYMBOLS, LAST),
    }


def test_prices_are_read_as_those_of_the_training_but_for_the_settings_given(
    command, bundle, prices, tmp_path
):
    for file in prices.iterdir():
        file.write_text(file.read_text().replace("session,close", "session,price"))
    settings = tmp_path / "run.toml"
    settings.write_text('[data]\ncolumns = {price = "open"}\n')
    assert command("update", bundle, prices, "--config", settings)[0] == 3
    settings.write_text('[data]\ncolumns = {price = "close"}\n')
    assert command("update", bundle, prices, "--config", settings)[0] == 0


def test_a_symbol_that_brings_nothing_new_is_told(command, bundle, prices):
    assert command("update", bundle, prices)[0] == 0
    rows = (prices / "IBM.csv").read_text().splitlines()
    (prices / "IBM.csv").write_text("\n".join(rows[:-4]) + "\n")
    code, _, complaint = command("update", bundle, prices)
    assert code == 0
    assert (
        f"IBM: not moved on; its bars end 2013-02-25, its past forecasts are known up to {LAST}"
        in (complaint)
    )


REFUSED = {
    "no bundle": (lambda bundle, prices: ("nowhere", prices), 7, "expected"),
    "prices for the bundle": (lambda bundle, prices: (prices, prices), 7, "manifest.json"),
    "news": (
        lambda bundle, prices: (bundle, prices, "--news", bundle.parent / "news.csv"),
        2,
        "reads no news",
    ),
    "another calendar": (lambda bundle, prices: (bundle, prices, "--calendar", "XTKS"), 3, "E51"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_and_the_bundle_stays(command, bundle, prices, case):
    news = bundle.parent / "news.csv"
    news.write_text("symbol,first_seen,headline\nAAPL,2012-05-03T14:00:00Z,AAPL wins\n")
    before = (bundle / MODEL).read_bytes()
    arguments, exit_code, said = REFUSED[case]
    code, _, complaint = command("update", *arguments(bundle, prices))
    assert (code, said in complaint) == (exit_code, True), complaint
    assert "Fix:" in complaint
    assert (bundle / MODEL).read_bytes() == before
    assert not Path("nowhere").exists()
    assert {path.name for path in prices.iterdir()} == {f"{name}.csv" for name in SYMBOLS}
