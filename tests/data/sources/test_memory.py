"""How much memory a file may take: measured in a process of its own."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from nextclose.data.sources import csvfiles

READ = """
import resource, sys
from nextclose.data.sources.loading import load_usable_bars
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
load_usable_bars(sys.argv[1])
before = peak()
findings = load_usable_bars(sys.argv[2]).findings
print(peak() - before, findings[0].line())
"""
SMALL = "date,close\n2019-03-04,1\n2019-03-05,1.1\n"
GIBIBYTE = 1 << 30


def growth(path: Path, folder: Path) -> tuple[int, str]:
    """Mebibytes that reading the file adds to the process, and what is said of it first."""
    (folder / "A.csv").write_text(SMALL)
    arguments = [sys.executable, "-c", READ, str(folder / "A.csv"), str(path)]
    printed = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    n, _, said = printed.partition(" ")
    return int(n), said


def sparse(path: Path, n_bytes: int, *, start: bytes = b"", end: bytes = b"") -> Path:
    """A file of that size which takes no room but for its two ends."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(n_bytes - len(end))
        file.seek(n_bytes - len(end))
        file.write(end)
    return path


SPARSE = [
    ("A.parquet", b"", b"", "E19", "no mark of Parquet at both ends"),
    ("B.parquet", b"PAR1", b"\x10\0\0\0PAR1", "E14", "more than 2 GiB"),
    ("A.csv", b"", b"", "E14", "more than 2 GiB"),
    ("B.csv", SMALL.encode(), b"2019-03-06,1.2\n", "E14", "more than 2 GiB"),
]


@pytest.mark.parametrize(("name", "start", "end", "code", "found"), SPARSE)
def test_a_file_of_20_gibibytes_is_refused_unread(tmp_path, name, start, end, code, found):
    path = sparse(tmp_path / name, 20 * GIBIBYTE, start=start, end=end)
    (tmp_path / "small").mkdir()
    n_mebibytes, said = growth(path, tmp_path / "small")
    assert said.startswith(code)
    assert found in said
    assert n_mebibytes < 64


def test_a_large_file_of_zeros_is_told_by_its_start(tmp_path):
    path = sparse(tmp_path / "A.csv", GIBIBYTE, start=SMALL.encode())
    (tmp_path / "small").mkdir()
    n_mebibytes, said = growth(path, tmp_path / "small")
    assert said.startswith(("E6", "E14"))
    assert n_mebibytes < 64


def test_a_packed_file_that_grows_beyond_what_is_read_by_cell_is_given_up(tmp_path):
    line = b'"2019-03-04",1\n'
    packed = gzip.compress(b"date,close\n", 1)
    block = gzip.compress(line * (4 << 20), 1)  # 60 MiB
    (tmp_path / "A.csv.gz").write_bytes(packed + block * 8)
    (tmp_path / "small").mkdir()
    n_mebibytes, said = growth(tmp_path / "A.csv.gz", tmp_path / "small")
    assert said.startswith("E14")
    assert "Parquet" in said
    assert n_mebibytes < 600


def test_more_rows_than_a_file_may_have_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csvfiles, "MAX_ROWS", 1000)
    (tmp_path / "A.csv").write_text("date,close\n" + "2019-03-04,1\n" * 400_000)
    from nextclose.config import DataConfig

    (part,) = csvfiles.csv_prices([tmp_path / "A.csv"], DataConfig())
    assert [(f.code, f.found) for f in part.findings] == [("E14", "more than 1,000 rows")]
