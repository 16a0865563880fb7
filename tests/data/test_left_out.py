from pathlib import Path

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.finding_counts import first_of_each_code, policies_in_force
from nextclose.data.left_out import left_out_symbols
from nextclose.data.sources.loading import load_bars, load_usable_bars
from nextclose.errors import DataError
from tests.corpus.shapes import history

LEAVE_OUT = DataConfig(bad_symbols="leave out")


def written(folder: Path, name: str, frame: pl.DataFrame) -> None:
    frame.rename({"session": "date"}).write_csv(folder / name)


def lake(folder: Path) -> Path:
    """Two good symbols, and three files with something to refuse."""
    good = history(120)
    written(folder, "AAPL.csv", good)
    written(folder, "MSFT.csv", history(120, seed=1))
    bad = good.with_columns(
        close=pl.when(pl.int_range(pl.len()) == 7).then(-5.0).otherwise("close")
    )
    written(folder, "BAD.csv", bad)
    (folder / "CUT.csv").write_text("date,close\n2021-06-01,10\n2021-06-02\n2021-06-03,10\n")
    (folder / "TEXT.csv").write_text("date,close\n2021-06-01,x\n2021-06-02,y\n")
    return folder


def test_bad_symbols_are_left_out_and_each_is_named_with_its_first_refusal(tmp_path):
    bars = load_bars(lake(tmp_path), config=LEAVE_OUT)
    assert bars.symbols == ("AAPL", "MSFT")
    assert set(bars.exchanges) == {"AAPL", "MSFT"}
    assert left_out_symbols(bars.findings) == {
        "BAD": "E54 in row 9: -5.0",
        "CUT.csv": "E12 in row 3: 1 field",
        "TEXT": "E27 in row 2: x, and 1 place more",
    }
    (told,) = (f for f in first_of_each_code(bars.findings) if f.code == "P80")
    assert told.found == "CUT.csv (E12), TEXT (E27), BAD (E54)"
    assert told.count == 3
    assert policies_in_force(LEAVE_OUT)["bad_symbols"] == "leave out"


def test_the_good_symbols_are_as_if_the_others_had_never_been_there(tmp_path):
    folder = lake(tmp_path)
    alone = load_bars(folder / "AAPL.csv", folder / "MSFT.csv")
    assert load_bars(folder, config=LEAVE_OUT).fingerprint == alone.fingerprint


def test_without_the_setting_all_of_them_are_refused(tmp_path):
    codes = [f.code for f in load_usable_bars(lake(tmp_path)).findings if f.response == "E"]
    assert codes == ["E54", "E12", "E27", "E27"]


def test_symbols_beyond_those_that_findings_name_are_left_out_too(tmp_path):
    days = history(30)["session"]
    names = [f"S{k}" for k in range(150)]
    rows = pl.DataFrame({"symbol": names}).join(pl.DataFrame({"date": days}), how="cross")
    rows = rows.with_columns(close=pl.when(pl.col("date") == days[3]).then(-1.0).otherwise(10.0))
    good = history(30).select(symbol=pl.lit("GOOD"), date="session", close="close")
    pl.concat([rows, good]).write_csv(tmp_path / "all.csv")
    bars = load_bars(tmp_path / "all.csv", config=LEAVE_OUT)
    assert bars.symbols == ("GOOD",)
    assert set(left_out_symbols(bars.findings)) == set(names)


def test_where_nothing_would_be_left_everything_is_refused(tmp_path):
    (tmp_path / "TEXT.csv").write_text("date,close\n2021-06-01,x\n2021-06-02,y\n")
    with pytest.raises(DataError) as raised:
        load_bars(tmp_path, config=LEAVE_OUT)
    assert {finding.code for finding in raised.value.findings} == {"E27"}


def test_a_path_that_is_not_there_is_refused_all_the_same(tmp_path):
    written(tmp_path, "AAPL.csv", history(120))
    with pytest.raises(DataError) as raised:
        load_bars(tmp_path / "AAPL.csv", tmp_path / "MSFT.csv", config=LEAVE_OUT)
    assert [finding.code for finding in raised.value.findings] == ["E1"]


def holes(close: str, n: int) -> pl.DataFrame:
    """A history in which all but every `n`th close reads so."""
    frame = history(200).select("session", pl.col("close").cast(pl.String))
    is_kept = pl.int_range(pl.len()) % n == 0
    return frame.with_columns(close=pl.when(is_kept).then("close").otherwise(pl.lit(close)))


@pytest.mark.parametrize("n", [9, 1000])
@pytest.mark.parametrize(("text", "code"), [("x", "E27"), ("-1", "E54")])
def test_what_follows_from_rows_that_were_refused_is_not_told(tmp_path, text, code, n):
    written(tmp_path, "AAPL.csv", holes(text, n))
    findings = load_usable_bars(tmp_path / "AAPL.csv").findings
    assert {f.code for f in findings if f.response == "E"} == {code}


def test_what_is_wrong_with_another_symbol_is_told_all_the_same(tmp_path):
    written(tmp_path, "AAPL.csv", holes("x", 9))
    written(tmp_path, "WEEK.csv", history(200, seed=3).filter(pl.int_range(pl.len()) % 9 == 0))
    refused = [f for f in load_usable_bars(tmp_path).findings if f.response == "E"]
    assert {(f.code, f.symbol) for f in refused} >= {("E27", "AAPL"), ("E47", "WEEK")}
    assert not [f for f in refused if f.number == 47 and f.symbol == "AAPL"]
