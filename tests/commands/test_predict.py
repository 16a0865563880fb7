"""`nextclose predict` as a user types it, with a bundle and without."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from nextclose import train
from nextclose.commands import forecast
from nextclose.data.sources.loading import load_bars, sample_bars
from nextclose.models.lstm.editions import editions_at
from nextclose.schema import HORIZONS, Bars
from nextclose.serving.forecasts import price_table
from nextclose.serving.zero_shot import zero_shot_forecasts
from tests.builders import edition_file

COLUMNS = (
    *("symbol", "origin", "horizon_sessions", "date", "close", "median"),
    *("low_50", "high_50", "low_80", "high_80", "low_90", "high_90", "model", "notes"),
)


def prices_of(folder: Path, *symbols: str, n: int = 90) -> Path:
    """The last n sessions of these symbols of the sample, a file each."""
    folder.mkdir(exist_ok=True)
    for symbol in symbols:
        part = sample_bars().frame.filter(pl.col("symbol") == symbol).tail(n)
        part.select("session", "close").write_csv(folder / f"{symbol}.csv")
    return folder


@pytest.fixture
def prices(tmp_path):
    return prices_of(tmp_path / "prices", "AAPL", "IBM")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """A bundle of lstm for the same prices."""
    folder: Path = tmp_path_factory.mktemp("served")
    train(load_bars(prices_of(folder / "prices", "AAPL", "IBM")), folder / "mine", model="lstm")
    return folder / "mine"


# --- without a bundle ---


def test_editions_of_the_settings_stand_for_those_that_are_shipped(command, prices, tmp_path):
    own = tmp_path / "run.toml"
    file = edition_file("2010-12-31", seed=3)
    own.write_text(f"[lstm]\neditions = [{json.dumps(file)}]\n")
    code, printed, complaint = command("predict", prices, "--json", "--config", own)
    assert code == 0
    assert "up to 2010-12-31" in complaint
    made = zero_shot_forecasts(load_bars(prices), editions=editions_at([file]))
    assert [row["median"] for row in json.loads(printed)] == price_table(made)["median"].to_list()
    own.write_text('[lstm]\neditions = ["nope.safetensors"]\n')
    code, _, complaint = command("predict", prices, "--config", own)
    assert (code, "cannot use nope.safetensors" in complaint) == (2, True)


def test_prices_alone_are_enough(command, prices):
    code, printed, complaint = command("predict", prices, "--format", "json")
    assert code == 0
    rows = json.loads(printed)
    assert [(row["symbol"], row["date"]) for row in rows] == [
        (symbol, day)
        for symbol in ("AAPL", "IBM")
        for day in ("2013-03-04", "2013-03-12", "2013-04-15")  # Good Friday: 2013-03-29
    ]
    assert all(tuple(row) == COLUMNS for row in rows)
    assert {row["model"] for row in rows} == {"lstm"}
    assert {row["notes"] for row in rows} == {"stale"}
    expected = price_table(zero_shot_forecasts(load_bars(prices)))
    for name in ("median", "low_90", "high_90"):
        assert [row[name] for row in rows] == expected[name].to_list()
    assert json.loads(command("predict", prices, "--json")[1]) == rows
    assert "session: 2 symbols: AAPL 2013-03-01, IBM 2013-03-01\n    Fix: " in complaint
    assert "3 notes on the data (W21, W25, W68): -v shows them" in complaint


def test_all_that_was_found_is_told_to_whoever_asks(command, prices):
    _, _, complaint = command("predict", prices, "-v")
    assert "W81: found 2 symbols: AAPL 2013-03-01, IBM 2013-03-01; rule: " in complaint
    assert "W68: found all 2 symbols alive at the end; rule: " in complaint
    assert "Its medians hold an average reward for risk" in complaint
    assert "notes" not in complaint


@pytest.mark.parametrize("place", [0, 4])
def test_quiet_prints_the_forecasts_alone(command, prices, place):
    arguments = ["predict", prices, "--format", "csv"]
    arguments.insert(place, "-q")
    code, printed, complaint = command(*arguments)
    assert (code, complaint) == (0, "")
    assert printed.startswith("symbol,origin")
    code, printed, complaint = command("predict", "nowhere.csv", "-q")
    assert (code, printed, complaint[:14]) == (3, "", "E1 nowhere.csv")


def test_csv_has_the_same_columns(command, prices):
    _, printed, _ = command("predict", prices, "--format", "csv", "--horizons", "5")
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["symbol"], row["horizon_sessions"], row["model"]) for row in rows] == [
        ("AAPL", "5", "lstm"),
        ("IBM", "5", "lstm"),
    ]


@pytest.mark.parametrize("options", [(), ("--format", "csv"), ("--json",)])
def test_which_network_spoke_is_said_on_standard_error_alone(command, prices, options):
    code, printed, complaint = command("predict", prices, *options)
    assert code == 0
    said = "by the universal network alone (lstm), which has never seen these prices: taught"
    assert complaint.count(said) == 1
    assert "universal network" not in printed


def test_the_table_has_the_notes(command, prices):
    _, printed, _ = command("predict", prices)
    assert "Next closes" in printed
    assert printed.count("stale") == 2 * len(HORIZONS)


def test_a_symbol_that_is_too_short_is_named_and_the_others_are_forecast(command, prices):
    prices_of(prices, "MSFT", n=59)
    code, printed, complaint = command("predict", prices, "--json")
    assert code == 0
    assert {row["symbol"] for row in json.loads(printed)} == {"AAPL", "IBM"}
    assert "MSFT: no forecast; 59 bars, 60 needed\n" in complaint


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--horizons", "64"), 2, "64 sessions ahead: without training, 1 to 63"),
        (("--horizons", "0"), 2, "horizons are distinct whole sessions >= 1"),
        (("--horizons", ""), 2, "expected whole sessions"),
        (("--news", "news.csv"), 2, "--news without a bundle: the universal network reads no"),
        (("--format", "xml"), 2, "table, csv or json"),
    ],
)
def test_what_cannot_be_had_without_a_bundle_is_refused(command, prices, options, code, said):
    found, printed, complaint = command("predict", prices, *options)
    assert found == code
    assert printed == ""
    assert said in complaint
    assert "Fix: " in complaint or "as in" in complaint or "in rising order" in complaint


def test_too_short_a_history_says_how_much_is_needed(command, tmp_path):
    code, _, complaint = command("predict", prices_of(tmp_path / "few", "AAPL", n=59))
    assert code == 3
    assert "E66 AAPL: found 59 sessions" in complaint
    assert "at least 60" in complaint
    assert command("predict", prices_of(tmp_path / "few", "AAPL", n=60))[0] == 0


# --- with a bundle ---


def test_a_bundle_comes_first_and_speaks_for_itself(command, bundle, prices):
    code, printed, complaint = command("predict", bundle, prices, "--json")
    assert code == 0
    assert "universal network" not in complaint
    alone = json.loads(command("predict", prices, "--json")[1])
    assert json.loads(printed) == alone
    assert (
        json.loads(command("predict", bundle, prices, "--horizons", "1,7,30", "--json")[1]) == alone
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mine",), "mine is a bundle, and no prices come after it. Fix: nextclose predict mine P"),
        (("prices", "mine"), "mine is a bundle, and stands among the prices: the bundle comes f"),
        (("mine", "prices", "--horizons", "1,5"), "this bundle forecasts 1, 7, 30 sessions ahead"),
    ],
)
def test_a_bundle_that_is_called_wrongly_says_how(command, bundle, monkeypatch, arguments, said):
    monkeypatch.chdir(bundle.parent)
    code, printed, complaint = command("predict", *arguments)
    assert (code, printed) == (2, "")
    assert said in " ".join(complaint.split())


def test_a_part_of_a_bundle_is_no_price(command, tmp_path):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "model.safetensors").write_bytes(b"")
    code, _, complaint = command("predict", tmp_path / "half", "sample")
    assert code == 7
    assert "half/manifest.json" in complaint


# --- demo ---


@pytest.fixture
def quick_demo(monkeypatch):
    """A demo that is over after its first lines: all behind them has tests of its own."""
    monkeypatch.setattr(forecast, "_run_into", lambda *_, **__: sample_bars())
    monkeypatch.setattr(forecast, "_train_bundle", lambda *_: None)
    monkeypatch.setattr(forecast, "print_run", lambda *_: None)
    monkeypatch.setattr(forecast, "_print_document", lambda _: None)
    monkeypatch.setattr(Bars, "bars", property(lambda bars: bars), raising=False)


def test_the_demo_begins_with_the_next_closes(command, quick_demo, tmp_path):
    code, printed, complaint = command("demo", "--out", tmp_path / "run")
    assert code == 0
    title, _, table = printed.partition("\n")
    assert title == "Next closes: 90 % ranges by lstm, which has never seen these prices"
    assert [table.count(name) for name in sample_bars().symbols] == [1] * 5
    assert printed.count("Next closes") == 1
    assert complaint == "4 notes on the data (R22, R59, W26, W68): -v shows them\n"


def test_a_verbose_demo_says_whose_forecasts_they_are(command, quick_demo, tmp_path):
    code, printed, complaint = command("demo", "-v", "--out", tmp_path / "run")
    assert code == 0
    first, _, _ = printed.partition("low to high holds")
    assert [first.count(name) for name in sample_bars().symbols] == [len(HORIZONS)] * 5
    assert complaint.startswith("by the universal network alone (lstm)")


def test_the_demo_for_machines_says_none_of_it(command, quick_demo, tmp_path):
    code, printed, complaint = command("demo", "--json", "--out", tmp_path / "run")
    assert (code, printed) == (0, "")
    assert "universal network" not in complaint
