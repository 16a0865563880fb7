"""Both cures of a refused split, applied to files as vendors write them."""

from pathlib import Path

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.sources.loading import load_usable_bars
from tests.corpus.shapes import history
from tests.corpus.split_moves import AT, DAY, SHAPES, SOUND
from tests.corpus.test_corpus import NOW

REFUSED = {shape.name.split()[1]: shape for shape in SHAPES if shape.asks}


@pytest.mark.parametrize("ratio", REFUSED)
def test_a_table_divides_the_prices_that_were_refused(ratio, tmp_path: Path):
    paths = REFUSED[ratio].write(tmp_path)
    refusal = next(f for f in load_usable_bars(*paths, now=NOW).findings if f.code == "E59")
    assert f"as a {ratio} split" in refusal.found or "as a split of about" in refusal.found
    assert refusal.session == str(DAY)
    table = tmp_path / "splits"
    table.write_text(f"symbol,date,ratio\n{refusal.symbol},{refusal.session},{ratio}\n")
    bars = load_usable_bars(*paths, config=DataConfig(splits=str(table)), now=NOW)
    assert not [finding for finding in bars.findings if finding.response == "E"]
    assert [f.session for f in bars.findings if f.code == "R59"] == [str(DAY)]
    new, old = map(float, ratio.split(":"))
    close = SOUND["close"] * (old / new)  # all prices in units of the shares after
    assert bars.frame["close"].to_list() == pytest.approx(close.to_list(), rel=1e-5)
    volume = bars.frame["volume"]
    assert volume[:AT].to_list() == pytest.approx((SOUND["volume"][:AT] * (new / old)).to_list())
    assert not bars.frame["spiked"].any()


def test_a_vendors_list_of_all_splits_does_not_touch_what_is_adjusted(tmp_path: Path):
    """One symbol of two was not adjusted; the list has the splits of both."""
    sound = history(seed=1)
    names = {"session": "date"}
    sound.rename(names).write_csv(tmp_path / "IBM.csv")
    paths = [*REFUSED["2:1"].write(tmp_path), tmp_path / "IBM.csv"]
    table = tmp_path / "splits"
    table.write_text(f"symbol,date,ratio\nR,{DAY},2:1\nIBM,{DAY},2:1\n")
    bars = load_usable_bars(*paths, config=DataConfig(splits=str(table)), now=NOW)
    codes = {f.code: f.symbol for f in bars.findings if f.number == 59}
    assert codes == {"R59": "R", "W59": "IBM"}
    ibm = bars.frame.filter(pl.col("symbol") == "IBM")
    assert ibm["close"].to_list() == sound["close"].to_list()


def test_a_table_that_is_not_there_is_a_path_that_cannot_be_read(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = REFUSED["2:1"].write(tmp_path)
    found = load_usable_bars(*paths, config=DataConfig(splits="nowhere.csv"), now=NOW).findings
    refusal = next(finding for finding in found if finding.code == "E1")
    assert refusal.path == "nowhere.csv"
    assert f"{tmp_path}/nowhere.csv, working directory {tmp_path}" in refusal.found
    assert "data.splits" in refusal.fix
