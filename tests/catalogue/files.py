"""Catalogue 1-20: the file itself."""

import gzip
import io
import os
import socket
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

from tests.catalogue.cases import COLUMNS, Case, Write, base, csv, text_of
from tests.packed import zstd

PLAIN = text_of(base())
QUOTED = '"' + "x" * 70_000 + '"'


def nothing(name: str) -> Write:
    return lambda folder: [str(folder / name)]


def empty_folder(folder: Path) -> list[str]:
    (folder / "lake").mkdir()
    (folder / "lake" / "notes.md").write_text("no prices")
    return [str(folder / "lake")]


def last_line(text: str) -> Write:
    """The base with its last line replaced, without a line end."""
    return csv("".join(PLAIN.splitlines(keepends=True)[:-1]) + text)


def line(row: int, text: str) -> Write:
    """The base with one physical line (header is 1) replaced."""
    lines = PLAIN.splitlines()
    lines[row - 1] = text
    return csv("\n".join(lines) + "\n")


def zipped(*members: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return buffer.getvalue()


def bomb(n_mebibytes: int = 40) -> bytes:
    return PLAIN.encode() + b"\n" * (n_mebibytes << 20)


def parquet(frame: pl.DataFrame, name: str = "AAPL.parquet") -> Write:
    def write(folder: Path) -> list[str]:
        frame.write_parquet(folder / name)
        return [str(folder / name)]

    return write


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    typed().write_parquet(buffer)
    return buffer.getvalue()


def typed() -> pl.DataFrame:
    prices = [pl.col(name).cast(pl.Float64) for name in COLUMNS[1:-1]]
    volume = pl.col("volume").cast(pl.Int64)
    return pl.DataFrame(base()).with_columns(pl.col("date").str.to_date(), *prices, volume)


def link(folder: Path) -> list[str]:
    (folder / "real.csv").write_text(PLAIN)
    (folder / "AAPL.csv").symlink_to(folder / "real.csv")
    return [str(folder / "AAPL.csv")]


def pipe(folder: Path) -> list[str]:
    os.mkfifo(folder / "AAPL.csv")
    return [str(folder / "AAPL.csv")]


def socket_file(folder: Path) -> list[str]:
    here = os.getcwd()
    os.chdir(folder)  # a socket's path may be no longer than 107 characters
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("AAPL.csv")
    finally:
        os.chdir(here)
    return [str(folder / "AAPL.csv")]


def device(folder: Path) -> list[str]:
    (folder / "AAPL.csv").symlink_to("/dev/zero")
    return [str(folder / "AAPL.csv")]


MIXED_ENDS = "".join(row + ("\r\n" if k % 2 else "\n") for k, row in enumerate(PLAIN.splitlines()))
WIDE = ",".join([*COLUMNS, *(f"x{k}" for k in range(16_400))])
HUGE = pl.DataFrame({"date": np.zeros(4_000_000, np.int32), "close": np.ones(4_000_000)})


def one_bad_of_two(folder: Path) -> list[str]:
    """Good prices of AAPL, and of MSFT some with a text in place of a close."""
    (folder / "AAPL.csv").write_text(PLAIN)
    (folder / "MSFT.csv").write_text(text_of(base({(3, "close"): "x"})))
    return [str(folder / "AAPL.csv"), str(folder / "MSFT.csv")]


def mixed_folder(folder: Path) -> list[str]:
    lake = folder / "lake"
    lake.mkdir()
    (lake / "AAPL.csv").write_text(PLAIN)
    for name in ("MSFT.json", "IBM.xlsx", "README.md", ".DS_Store"):
        (lake / name).write_text("")
    return [str(lake)]


NO_HEADER = "".join(PLAIN.splitlines(keepends=True)[1:])

FILE_CASES = (
    Case(number=1, title="no such file", write=nothing("AAPL.csv"), codes={"E1": 1}, found="No such file", kept=()),
    Case(number=1, title="no such folder", write=nothing("lake"), codes={"E1": 1}, found="working directory", kept=()),
    Case(number=1, title="folder without prices", write=empty_folder, codes={"E1": 1}, found="no price files", kept=()),
    Case(number=2, title="0 bytes", write=csv(""), codes={"E2": 1}, found="empty file", kept=()),
    Case(number=2, title="0 bytes of gzip", write=csv(gzip.compress(b""), name="AAPL.csv.gz"), codes={"E2": 1}, found="empty file", kept=()),
    Case(number=2, title="0 bytes of Parquet", write=csv("", name="AAPL.parquet"), codes={"E2": 1}, found="empty file", kept=()),
    Case(number=3, title="header only", write=csv("date,close\n"), codes={"E3": 1}, found="0 data rows", kept=()),
    Case(number=3, title="header only, no line end", write=csv("date,close"), codes={"E3": 1}, found="0 data rows", kept=()),
    Case(number=3, title="header and blank lines", write=csv("date,close\n\n\n"), codes={"E3": 1}, found="0 data rows", kept=()),
    Case(number=3, title="Parquet without rows", write=parquet(typed().clear()), codes={"E3": 1}, found="0 data rows", kept=()),
    Case(number=4, title="byte-order mark", write=csv(b"\xef\xbb\xbf" + PLAIN.encode()), codes={"R4": 1}),
    Case(number=4, title="byte-order mark and CRLF", write=csv(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode()), codes={"R4": 1, "R7": 1}),
    Case(number=5, title="UTF-16 with a mark", write=csv(PLAIN.encode("utf-16")), codes={"E5": 1}, found="offset 0", fix="--encoding", kept=()),
    Case(number=5, title="UTF-16 without a mark", write=csv(PLAIN.encode("utf-16-le")), codes={"E5": 1}, fix="--encoding utf-16-le", kept=()),
    Case(number=5, title="Latin-1", write=csv(text_of([{**row, "note": "é"} for row in base()]).encode("latin-1")), codes={"E5": 1}, found="0xe9", fix="--encoding", kept=()),
    Case(number=5, title="Latin-1, said", write=csv(text_of([{**row, "note": "é"} for row in base()]).encode("latin-1")), data={"encoding": "latin-1"}),
    Case(number=5, title="UTF-16, said", write=csv(PLAIN.encode("utf-16")), data={"encoding": "utf-16"}),
    Case(number=6, title="NUL in a cell", write=csv(PLAIN.replace("10.4", "1\x00.4")), codes={"E6": 1}, found="offset", kept=()),
    Case(number=6, title="binary after the header", write=csv(b"date,close\n\x00\x01\x02\xff\xfe\n"), codes={"E6": 1}, found="offset 11", kept=()),
    Case(number=7, title="CR", write=csv(PLAIN.replace("\n", "\r")), codes={"R7": 1}),
    Case(number=7, title="CRLF", write=csv(PLAIN.replace("\n", "\r\n")), codes={"R7": 1}),
    Case(number=7, title="mixed line ends", write=csv(MIXED_ENDS), codes={"R7": 1}),
    Case(number=8, title="semicolon", write=csv(text_of(base(), separator=";")), codes={"R8": 1}),
    Case(number=8, title="tab", write=csv(text_of(base(), separator="\t")), codes={"R8": 1}),
    Case(number=8, title="pipe", write=csv(text_of(base(), separator="|")), codes={"R8": 1}),
    Case(number=8, title="tab, said", write=csv(text_of(base(), separator="\t")), data={"separator": "\t"}),
    Case(number=8, title="two candidates", write=csv("date,close;date,close\n2019-03-04,1;2019-03-04,1\n"), codes={"E8": 1}, fix="data.separator", kept=()),
    Case(number=8, title="no candidate", write=csv("date close\n2019-03-04 1\n"), codes={"E8": 1}, fix="data.separator", kept=()),
    Case(number=11, title="cut in the last line", write=last_line("2019-03-15,10.9,11.3"), codes={"E11": 1}, row=11, kept=None),
    Case(number=11, title="cut after the date", write=last_line("2019-03-15"), codes={"E11": 1}, row=11, kept=None),
    Case(number=11, title="whole last line without its end", write=csv(PLAIN[:-1])),
    Case(number=12, title="a field too many", write=line(5, "2019-03-07,10.3,10.7,10.1,10.4,1030,9"), codes={"E12": 1}, row=5, found="7 fields", kept=None),
    Case(number=12, title="a field too few", write=line(5, "2019-03-07,10.3,10.7,10.1,10.4"), codes={"E12": 1}, row=5, found="5 fields", kept=None),
    Case(number=12, title="a sentence amid the rows", write=line(5, "see the notes"), codes={"E12": 1}, row=5, found="1 field", kept=None),
    Case(number=12, title="a title above", write=csv("Prices of Apple\n\n" + PLAIN), codes={"R12": 1}, row=1, found="Prices of Apple"),
    Case(number=12, title="lines of comment", write=csv("# Apple, adjusted\n" + PLAIN + "# end\n"), codes={"R12": 2}, row=1, found="# Apple"),
    Case(number=12, title="a sentence below", write=csv(PLAIN + "Downloaded from Barchart.com as of 06-01-2024\n"), codes={"R12": 1}, row=12, found="Downloaded"),
    Case(number=12, title="a comma after each row", write=csv("\n".join(f"{row}," for row in PLAIN.splitlines())), codes={}),
    Case(number=13, title="a quote that stays open", write=line(5, '"2019-03-07,10.3,10.7,10.1,10.4,1030'), codes={"E13": 1}, row=5, kept=None),
    Case(number=13, title="a field of 70,000 characters", write=csv(PLAIN.replace("10.4", QUOTED)), codes={"E13": 1}, found="64 KiB", kept=None),
    Case(number=14, title="a line of 2 MiB", write=csv(PLAIN + "x" * (2 << 20)), codes={"E14": 1}, found="1 MiB", kept=None),
    Case(number=14, title="16,406 columns", write=csv(WIDE + "\n"), codes={"E14": 1}, found="16384", kept=()),
    Case(number=15, title="gzip", write=csv(gzip.compress(PLAIN.encode()), name="AAPL.csv.gz")),
    Case(number=15, title="zstd", write=csv(zstd.compress(PLAIN.encode()), name="AAPL.csv.zst")),
    Case(number=15, title="zip", write=csv(zipped(("AAPL.csv", PLAIN)), name="AAPL.zip")),
    Case(number=15, title="gzip bomb", write=csv(gzip.compress(bomb()), name="AAPL.csv.gz"), codes={"E15": 1}, kept=()),
    Case(number=15, title="zstd bomb", write=csv(zstd.compress(bomb()), name="AAPL.csv.zst"), codes={"E15": 1}, kept=()),
    Case(number=15, title="zip bomb", write=csv(zipped(("AAPL.csv", bomb().decode())), name="AAPL.zip"), codes={"E15": 1}, kept=()),
    Case(number=15, title="zip of two", write=csv(zipped(("A.csv", PLAIN), ("B.csv", PLAIN)), name="AAPL.zip"), codes={"E15": 1}, found="2", kept=()),
    Case(number=15, title="zip of none", write=csv(zipped(), name="AAPL.zip"), codes={"E15": 1}, found="0", kept=()),
    Case(number=15, title="zip of a folder", write=csv(zipped(("lake/", "")), name="AAPL.zip"), codes={"E15": 1}, kept=()),
    Case(number=15, title="gzip cut short", write=csv(gzip.compress(PLAIN.encode())[:-9], name="AAPL.csv.gz"), codes={"E15": 1}, kept=()),
    Case(number=15, title="zstd cut short", write=csv(zstd.compress(PLAIN.encode())[:-9], name="AAPL.csv.zst"), codes={"E15": 1}, kept=()),
    Case(number=15, title="text named zip", write=csv(PLAIN, name="AAPL.zip"), codes={"E15": 1}, kept=()),
    Case(number=16, title="Parquet named csv", write=csv(parquet_bytes()), codes={"E16": 1}, found="Parquet", kept=()),
    Case(number=16, title="HTML page", write=csv("<!DOCTYPE html><html><body>Please log in</body></html>"), codes={"E16": 1}, found="HTML", kept=()),
    Case(number=16, title="JSON", write=csv('{"chart": {"result": null}}'), codes={"E16": 1}, found="JSON", kept=()),
    Case(number=16, title="JSON list", write=csv('[{"date": "2019-03-04"}]'), codes={"E16": 1}, found="JSON", kept=()),
    Case(number=16, title="Git LFS pointer", write=csv("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), codes={"E16": 1}, found="Git LFS", kept=()),
    Case(number=16, title="gzip named csv", write=csv(gzip.compress(PLAIN.encode())), codes={"E16": 1}, found="gzip", kept=()),
    Case(number=17, title="pickle", write=csv(b"\x80\x04K\x01.", name="AAPL.pkl"), codes={"E17": 1}, fix="CSV or Parquet", kept=()),
    Case(number=17, title="HDF5", write=csv(b"\x89HDF\r\n\x1a\n", name="AAPL.h5"), codes={"E17": 1}, fix="CSV or Parquet", kept=()),
    Case(number=17, title="Excel", write=csv(b"PK\x03\x04", name="AAPL.xlsx"), codes={"E17": 1}, fix="CSV or Parquet", kept=()),
    Case(number=17, title="old Excel", write=csv(b"\xd0\xcf\x11\xe0", name="AAPL.xls"), codes={"E17": 1}, fix="CSV or Parquet", kept=()),
    Case(number=17, title="other formats in a folder", write=mixed_folder, codes={"W17": 1}, found="IBM.xlsx (a spreadsheet), MSFT.json (JSON)"),
    Case(number=18, title="symbolic link", write=link, codes={"E18": 1}, found="not a regular file", fix="data.follow_symlinks = true", kept=()),
    Case(number=18, title="symbolic link, followed", write=link, data={"follow_symlinks": True}),
    Case(number=18, title="pipe", write=pipe, codes={"E18": 1}, found="not a regular file", kept=()),
    Case(number=18, title="pipe, links followed", write=pipe, data={"follow_symlinks": True}, codes={"E18": 1}, kept=()),
    Case(number=18, title="socket", write=socket_file, codes={"E18": 1}, found="not a regular file", kept=()),
    Case(number=18, title="device behind a followed link", write=device, data={"follow_symlinks": True}, codes={"E18": 1}, kept=()),
    Case(number=19, title="Parquet", write=parquet(typed())),
    Case(number=19, title="no Parquet at all", write=csv("x" * 4096, name="AAPL.parquet"), codes={"E19": 1}, kept=()),
    Case(number=19, title="Parquet cut short", write=csv(parquet_bytes()[:-20], name="AAPL.parquet"), codes={"E19": 1}, kept=()),
    Case(number=19, title="Parquet footer overwritten", write=csv(parquet_bytes()[:-40] + b"\xff" * 32 + parquet_bytes()[-8:], name="AAPL.parquet"), codes={"E19": 1}, kept=()),
    Case(number=19, title="nested column", write=parquet(typed().with_columns(pl.concat_list("close").alias("close"))), codes={"E19": 1}, found="close", kept=()),
    Case(number=19, title="declared size 1,000 times the file", write=parquet(HUGE), codes={"E19": 1}, kept=()),
    Case(number=21, title="bars without a header", write=csv(NO_HEADER), codes={"E21": 1}, row=1, found="no header row", fix="data.header = NAMES", kept=()),
    Case(number=21, title="bars without a header, names said", write=csv(NO_HEADER), data={"header": ("date", "open", "high", "low", "close", "volume")}),
    Case(number=21, title="a file without a symbol in its name", write=csv(PLAIN, name="HistoricalData_170.csv"), codes={"E21": 1}, column="symbol", fix="data.symbols = {", kept=()),
    Case(number=21, title="a file without a symbol in its name, said", write=csv(PLAIN, name="HistoricalData_170.csv"), data={"symbols": {"HistoricalData_170.csv": "AAPL"}}),
    Case(number=80, title="one bad symbol of two", write=one_bad_of_two, data={"bad_symbols": "leave out"}, codes={"P80": 1, "W52": 1}, symbol="MSFT", found="E27 in row 5: x"),
)  # fmt: skip
