"""`nextclose samples`: what it prints, what it leaves, and what it refuses."""

from __future__ import annotations

import json

import polars as pl
import pytest

import nextclose
from nextclose.data.sources.loading import sample_bars


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """Two symbols of the sample as CSV; one of them is too short."""
    folder = tmp_path_factory.mktemp("prices")
    frame = sample_bars().frame
    for symbol in ("AAPL", "FB"):
        part = frame.filter(pl.col("symbol") == symbol).tail(1258).drop("symbol")
        part.select("session", "open", "high", "low", "close", "volume").write_csv(
            folder / f"{symbol}.csv"
        )
    return folder


def test_the_tutorials_files_from_one_command(command, prices, tmp_path):
    out = tmp_path / "windows"
    code, printed, said = command(
        *("samples", prices, "--out", out, "--form", "classic", "--horizons", "1,7")
    )
    assert code == 0
    said = " ".join(said.split())
    assert "W66 fewer sessions than a forecast reads: FB: 196 sessions" in said
    assert "kB, 9.8 MB in memory" in said
    assert "windows 1/1" in said
    assert "999 windows of 1 symbol: 60 sessions x 41 columns, classic" in printed
    rows = [line.split() for line in printed.splitlines()]
    assert ["699", "150", "150", "0"] in [row[-4:] for row in rows]
    assert ["693", "144", "144", "12"] in [row[-4:] for row in rows]
    assert "whose target is not in the prices: 1, 7" in " ".join(printed.split())
    assert f"windows  {out / 'windows.json'}" in printed
    loaded = nextclose.load_windows(out)
    assert loaded.of("AAPL", horizon=1).train.x.shape == (699, 60, 41)


def test_columns_left_out_are_named(command, tmp_path):
    frame = sample_bars().frame.filter(symbol="AAPL").select("session", "close").tail(700)
    frame.write_csv(tmp_path / "AAPL.csv")
    code, printed, _ = command("samples", tmp_path / "AAPL.csv", "--out", tmp_path / "w")
    assert code == 0
    assert "columns left out of stationary: the bars have no open: gap, open_to_close" in printed


def test_walk_forward_windows_in_parquet_for_machines(command, prices, tmp_path):
    out = tmp_path / "w"
    config = tmp_path / "run.toml"
    config.write_text("[backtest]\ntest_from = 2012-03-01\nrefit_sessions = 100\nhorizons = [1]\n")
    code, printed, _ = command(
        *("samples", prices, "--out", out, "--split", "walk-forward", "--format", "parquet"),
        *("--window", "20", "--config", config, "--json"),
    )
    assert code == 0
    document = json.loads(printed)
    assert [fold["fitted_at"] for fold in document["folds"]] == [
        *("2012-03-01", "2012-07-24", "2012-12-17")
    ]
    assert document["window_sessions"] == 20
    assert (out / "symbols" / "AAPL.parquet").exists()


def test_windows_do_not_go_among_the_prices(command, prices):
    before = sorted(prices.iterdir())
    code, _, complaint = command("samples", prices, "--out", prices)
    assert code == 2
    assert "is the folder of the prices" in complaint
    assert sorted(prices.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--form", "default"), 2, "stationary"),
        (("--format", "pickle"), 2, "npz"),
        (("--horizons", "x"), 2, "expected whole sessions"),
        (("--horizons", "1000"), 3, "take 1,316. Fix: give a longer"),
    ],
)
def test_a_wrong_call_is_told_and_leaves_nothing(command, prices, tmp_path, options, code, said):
    ended, _, complaint = command("samples", prices, "--out", tmp_path / "w", *options)
    assert ended == code
    assert said in complaint
    assert not (tmp_path / "w").exists()
