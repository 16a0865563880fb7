import os
import socket
from pathlib import Path

import pytest

from nextclose.data.catalogue import Issue
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources import filenames
from nextclose.data.sources.files import open_file


def read(path: Path, *, follow_symlinks: bool = False) -> bytes:
    with open_file(path, follow_symlinks=follow_symlinks) as file:
        return file.read()


def refusal(path: Path, *, follow_symlinks: bool = False) -> tuple[int, str, str]:
    with pytest.raises(UnusableFileError) as raised:
        read(path, follow_symlinks=follow_symlinks)
    return raised.value.number, raised.value.found, raised.value.fix


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "A.csv"
    path.write_bytes(b"date,close\n")
    return path


def test_a_regular_file_is_read_whole(prices):
    assert read(prices) == b"date,close\n"


def test_a_link_is_followed_only_where_the_settings_say_so(prices, tmp_path):
    link = tmp_path / "B.csv"
    link.symlink_to(prices)
    number, found, fix = refusal(link)
    assert (number, found) == (18, "a symbolic link, not a regular file")
    assert fix.endswith("set data.follow_symlinks = true.")
    assert read(link, follow_symlinks=True) == b"date,close\n"


def test_a_link_in_the_path_above_is_no_matter(prices, tmp_path):
    (tmp_path / "lake").symlink_to(prices.parent)
    assert read(tmp_path / "lake" / "A.csv") == b"date,close\n"


@pytest.mark.parametrize("follow_symlinks", [False, True])
def test_a_pipe_is_refused_not_waited_for(tmp_path, follow_symlinks):
    os.mkfifo(tmp_path / "A.csv")
    number, found, fix = refusal(tmp_path / "A.csv", follow_symlinks=follow_symlinks)
    assert (number, found) == (18, "a pipe, not a regular file")
    assert fix == "copy the prices to a file."


def test_a_device_a_socket_and_a_folder_are_no_regular_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may be no longer than 107 characters
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("S.csv")
        assert refusal(tmp_path / "S.csv")[:2] == (
            18,
            "a socket or a device, not a regular file",
        )
    assert refusal(Path("/dev/null"))[:2] == (18, "a device, not a regular file")
    assert refusal(tmp_path)[:2] == (18, "a folder, not a regular file")


def test_a_file_without_permission_says_so(prices):
    prices.chmod(0)
    if os.access(prices, os.R_OK):
        pytest.skip("may read everything")
    number, found, fix = refusal(prices)
    assert number == 1
    assert found.startswith("Permission denied at ")
    assert fix == "correct the path."


def test_a_loop_of_links_is_told_as_the_system_tells_it(tmp_path):
    (tmp_path / "A.csv").symlink_to(tmp_path / "A.csv")
    number, found, _ = refusal(tmp_path / "A.csv", follow_symlinks=True)
    assert (number, found.split(" at ")[0]) == (18, "a symbolic link, not a regular file")


def rewritten(path: Path) -> None:
    path.write_bytes(b"date,close\n2019-03-04,1\n")


def touched(path: Path) -> None:
    os.utime(path, ns=(0, 0))


def replaced(path: Path) -> None:
    before = path.stat()
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def removed(path: Path) -> None:
    path.unlink()


CHANGES = [
    (rewritten, "another size and time"),
    (touched, "another time"),
    (replaced, "another inode"),
    (removed, "it is no longer there"),
]


@pytest.mark.parametrize(("change", "how"), CHANGES, ids=[c[0].__name__ for c in CHANGES])
def test_a_file_that_changes_while_it_is_read_is_refused(prices, change, how):
    os.utime(prices, ns=(10**18, 10**18))

    def read_and_change() -> None:
        with open_file(prices, follow_symlinks=False) as file:
            file.read(4)
            change(prices)

    with pytest.raises(UnusableFileError) as raised:
        read_and_change()
    assert (raised.value.number, raised.value.found) == (20, f"changed during read: {how}")
    assert raised.value.fix == "load again when nothing writes there."


def test_what_is_wrong_with_the_content_counts_before_a_change(prices):
    def refuse_after_change() -> None:
        with open_file(prices, follow_symlinks=False):
            touched(prices)
            raise UnusableFileError(Issue.UNEVEN_ROW, "a row", must="rows", fix="none.")

    with pytest.raises(UnusableFileError) as raised:
        refuse_after_change()
    assert raised.value.number is Issue.UNEVEN_ROW


NAMES = [
    # name, how it is read, its packing, its symbol
    ("AAPL.csv", "csv", "", "AAPL"),
    ("Aapl.CSV", "csv", "", "Aapl"),
    ("aapl.csv", "csv", "", "AAPL"),
    ("AAPL.tsv", "csv", "", "AAPL"),
    ("AAPL.txt", "csv", "", "AAPL"),
    ("AAPL.csv.gz", "csv", ".gz", "AAPL"),
    ("AAPL.csv.zst", "csv", ".zst", "AAPL"),
    ("AAPL.csv.zip", "csv", ".zip", "AAPL"),
    ("AAPL.zip", "csv", ".zip", "AAPL"),
    ("BRK.B.csv.gz", "csv", ".gz", "BRK.B"),
    ("AAPL.parquet", "parquet", "", "AAPL"),
    ("7203.T.pq", "parquet", "", "7203.T"),
    ("AAPL.gz", "", ".gz", "AAPL"),
    ("AAPL.xlsx", "", "", "AAPL.xlsx"),
    ("aapl.us.txt.gz", "csv", ".gz", "AAPL"),
    ("brk-b.us.parquet", "parquet", "", "BRK-B"),
    ("my prices.csv", "csv", "", ""),
    ("part-00000-1d2c.c000.snappy.parquet", "parquet", "", ""),
]


@pytest.mark.parametrize(("name", "kind", "packing", "symbol"), NAMES)
def test_what_a_name_says(name, kind, packing, symbol):
    path = Path("lake") / name
    assert filenames.format_of(path) == kind
    assert filenames.compression_of(path) == packing
    assert filenames.symbol_of(path, {}) == symbol


def test_what_a_person_says_of_a_file_wins_over_its_name():
    told = {"a/AAPL.csv": "MSFT", "HistoricalData.csv": "IBM"}
    assert filenames.symbol_of(Path("lake/a/AAPL.csv"), told) == "MSFT"
    assert filenames.symbol_of(Path("lake/b/AAPL.csv"), told) == "AAPL"
    assert filenames.symbol_of(Path("HistoricalData.csv"), told) == "IBM"


def test_folders_say_what_a_partition_is_of():
    path = Path("lake/symbol=BRK%2EB/year=2021/part-0.parquet")
    assert filenames.partitions_of(path) == {"symbol": "BRK.B", "year": "2021"}
    assert filenames.partitions_of(Path("lake/a=b.csv")) == {}
    assert filenames.is_partition(Path("lake/symbol=AAPL"))
    assert not filenames.is_partition(Path("lake/AAPL"))
