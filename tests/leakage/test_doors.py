"""Through every door that files have: no future in a file changes what was kept before it."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.reading import encoding
from nextclose.data.reading.prices import unchecked_prices
from nextclose.data.sources import compressed, csvfiles
from nextclose.data.sources.loading import load_usable_bars
from nextclose.schema import Bars
from tests.catalogue.test_catalogue import NOW
from tests.fuzz.harness import LENIENT
from tests.leakage.price_files import BASES
from tests.leakage.price_futures import LATE_ROWS, ROWS, futures, with_future
from tests.leakage.test_loader import assert_same_past
from tests.packed import zstd

Frame = pl.DataFrame
Door = Callable[[Frame, Path], Bars]


def read(*paths: Path, config: DataConfig = LENIENT) -> Bars:
    return load_usable_bars(*paths, config=config, now=NOW)


def text(frame: Frame, *, separator: str = ",") -> bytes:
    return frame.write_csv(separator=separator).encode()


def plain(frame: Frame, folder: Path) -> Bars:
    (folder / "prices.csv").write_bytes(text(frame))
    return read(folder / "prices.csv")


def separated(frame: Frame, folder: Path) -> Bars:
    (folder / "prices.csv").write_bytes(b"\xef\xbb\xbf" + text(frame, separator=";"))
    return read(folder / "prices.csv")


def gzipped(frame: Frame, folder: Path) -> Bars:
    (folder / "prices.csv.gz").write_bytes(gzip.compress(text(frame), compresslevel=1))
    return read(folder / "prices.csv.gz")


def zstd_packed(frame: Frame, folder: Path) -> Bars:
    (folder / "prices.csv.zst").write_bytes(zstd.compress(text(frame), 1))
    return read(folder / "prices.csv.zst")


def zipped(frame: Frame, folder: Path) -> Bars:
    with zipfile.ZipFile(folder / "prices.zip", "w") as archive:
        archive.writestr("prices.csv", text(frame))
    return read(folder / "prices.zip")


def parquet(frame: Frame, folder: Path) -> Bars:
    frame.write_parquet(folder / "prices.parquet")
    return read(folder / "prices.parquet")


def one_file_each(frame: Frame, folder: Path) -> Bars:
    """A folder; the files of a symbol that has no rows left hold their header alone."""
    for symbol in ("AAA", "BBB", "CCC.T"):
        own = frame.filter(pl.col("symbol") == symbol).drop("symbol")
        (folder / f"{symbol}.csv").write_bytes(text(own))
    return read(folder)


def of_two_vendors(frame: Frame, folder: Path) -> Bars:
    """One file with an adjusted close, one with closes alone."""
    is_first = pl.col("symbol") == "AAA"
    both = frame.filter(is_first).with_columns((pl.col("close") / 2).alias("adj_close"))
    (folder / "one.csv").write_bytes(text(both))
    lone = frame.filter(~is_first).select("symbol", "date", "close")
    (folder / "two.csv").write_bytes(text(lone))
    return read(folder / "one.csv", folder / "two.csv")


def raw_basis(frame: Frame, folder: Path) -> Bars:
    both = frame.with_columns((pl.col("close") / 4).alias("adj_close"))
    (folder / "prices.csv").write_bytes(text(both))
    return read(folder / "prices.csv", config=LENIENT.model_copy(update={"price_basis": "raw"}))


class Vendor:
    """A source of prices: a pandas frame that it was made with."""

    name = "vendor"

    def __init__(self, frame: Any) -> None:
        self.prices = lambda: frame


def stamped_frame(frame: Frame, folder: Path) -> Bars:
    """A source whose pandas frame has an index of midnights with a zone."""
    stamps = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York")
    theirs = frame.with_columns(stamps)
    columns = {name: theirs[name].to_list() for name in theirs.columns}
    import pandas as pd

    source = Vendor(pd.DataFrame(columns).set_index("date"))
    return load_usable_bars(source, config=LENIENT, now=NOW)


def in_latin(frame: Frame, folder: Path) -> Bars:
    """Another encoding, CRLF ends, a note in each line, and quotes around it."""
    noted = frame.with_columns(pl.lit("caf\xe9, closed").alias("note"))
    content = noted.write_csv(line_terminator="\r\n").encode("latin-1")
    (folder / "prices.csv").write_bytes(content)
    return read(folder / "prices.csv", config=LENIENT.model_copy(update={"encoding": "latin-1"}))


def in_blocks(frame: Frame, folder: Path) -> Bars:
    """A file read in blocks of 16 KiB, as a large one is."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (encoding, compressed, csvfiles):
            patch.setattr(module, "BLOCK", 1 << 14)
        return plain(frame, folder)


def of_other_markets(frame: Frame, folder: Path) -> Bars:
    """An index, a currency and a coin, whose calendars are told by their names."""
    names = {"AAA": "^N225", "BBB": "BTC-USD", "CCC.T": "EURUSD=X"}
    return plain(frame.with_columns(pl.col("symbol").replace(names)), folder)


def stamped_at_the_close(frame: Frame, folder: Path) -> Bars:
    """Stamps of the close, every fiftieth at an odd time before it."""
    odd = pl.col("date").dt.ordinal_day() % 50 == 0
    time = pl.when(odd).then(pl.lit(" 11:37:02")).otherwise(pl.lit(" 16:00:00"))
    return plain(frame.with_columns(pl.col("date").cast(pl.String) + time), folder)


def in_seconds_since_1970(frame: Frame, folder: Path) -> Bars:
    (folder / "prices.csv").write_bytes(text(frame.with_columns(pl.col("date").dt.epoch("s"))))
    config = LENIENT.model_copy(update={"date_format": "epoch-s"})
    return read(folder / "prices.csv", config=config)


def adjusted_alone(frame: Frame, folder: Path) -> Bars:
    return plain(frame.rename({"close": "adj_close"}).drop("open", "high", "low"), folder)


def of_a_source_that_knows(frame: Frame, folder: Path) -> Bars:
    rows = pl.int_range(1, frame.height + 1, eager=True)
    part = unchecked_prices(frame, path="source", rows=rows, config=LENIENT, basis="adjusted")
    return assemble_bars([part], config=LENIENT, now=NOW)


DOORS: dict[str, Door] = {
    door.__name__: door
    for door in (
        *(plain, separated, gzipped, zstd_packed, zipped, parquet),
        *(one_file_each, of_two_vendors, raw_basis, stamped_frame, in_latin, in_blocks),
        *(of_other_markets, stamped_at_the_close, in_seconds_since_1970, adjusted_alone),
        of_a_source_that_knows,
    )
}


@pytest.mark.parametrize("name", DOORS)
def test_no_future_in_a_file_changes_what_was_kept_before_it(name: str, tmp_path: Path) -> None:
    base, door = BASES["dirty"](), DOORS[name]
    made = door(base, tmp_path)
    assert made.frame.height > 1500
    for cut, world, scope in futures(ROWS + LATE_ROWS, step=127):
        if world != "cut" or name != "one_file_each":  # a file without rows is refused by itself
            other = door(with_future(base, cut, world, scope), tmp_path)
            assert_same_past(made, other, cut, f"{name}, after {cut}: {world}, {scope}")
