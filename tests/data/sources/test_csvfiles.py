import gzip
from pathlib import Path

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.encoding import BLOCK
from nextclose.data.reading.prices import UncheckedPrices
from nextclose.data.sources.csvfiles import csv_prices

HEADER = "date,close,volume\n"
N_ROWS = 2 * BLOCK // 20


def large(n: int = N_ROWS) -> str:
    """Some 10 MB of plain rows."""
    return HEADER + "".join(
        f"2019-03-{k % 28 + 1:02d},{k % 28 + 1}.5,{k}\n" for k in range(1, n + 1)
    )


@pytest.fixture(scope="module")
def text() -> str:
    return large()


def parts(*paths: Path, **settings) -> list[UncheckedPrices]:
    return list(csv_prices(paths, DataConfig(**settings)))


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def rows(part: UncheckedPrices) -> pl.DataFrame:
    assert part.frame is not None
    return part.frame.select("row", "symbol", "session", "close", "volume")


def test_a_large_file_is_read_in_blocks_as_if_at_once(tmp_path, text):
    (part,) = parts(written(tmp_path / "A.csv", text))
    frame = rows(part)
    assert frame.height == N_ROWS
    assert frame["row"].to_list() == list(range(2, N_ROWS + 2))
    assert frame["close"].to_list() == [k % 28 + 1.5 for k in range(1, N_ROWS + 1)]
    assert frame["symbol"].unique().to_list() == ["A"]


@pytest.mark.parametrize("change", ["CRLF", "gzip"])
def test_a_large_file_written_otherwise_gives_the_same_rows(tmp_path, text, change):
    plain = rows(parts(written(tmp_path / "A.csv", text))[0])
    if change == "CRLF":
        (tmp_path / "1").mkdir()
        path = written(tmp_path / "1" / "A.csv", text.replace("\n", "\r\n"))
    else:
        path = tmp_path / "A.csv.gz"
        path.write_bytes(gzip.compress(text.encode(), 1))
    (part,) = parts(path)
    assert rows(part).equals(plain)
    told = [(f.code, f.found) for f in part.findings if f.number == 7]
    assert told == ([("R7", "CRLF line ends")] if change == "CRLF" else [])


ODD_ENDS = [
    ("2019-04-01,nope,1\n", "close_text", "nope"),
    ("1/4/2019,1,1\n", "session_text", "1/4/2019"),
]


@pytest.mark.parametrize(("line", "column", "cell"), ODD_ENDS)
def test_an_odd_cell_in_the_last_block_of_a_large_file_is_kept_with_its_line(
    tmp_path, text, line, column, cell
):
    (part,) = parts(written(tmp_path / "A.csv", text + line))
    assert part.frame is not None
    last = part.frame.row(-1, named=True)
    assert (last["row"], last[column]) == (N_ROWS + 2, cell)


def test_a_blank_line_in_a_large_file_is_counted(tmp_path, text):
    (part,) = parts(written(tmp_path / "A.csv", text + "\n2019-04-01,1,1\n"))
    assert rows(part).row(-1)[0] == N_ROWS + 3


def test_a_line_break_that_falls_between_blocks_and_is_blank_is_counted(tmp_path, text):
    head = text[: text.rindex("\n", 0, BLOCK) + 1]
    (part,) = parts(written(tmp_path / "A.csv", head + "\n\n" + text[len(head) :]))
    n_before = head.count("\n")
    assert rows(part)["row"].to_list() == [
        *range(2, n_before + 1),
        *range(n_before + 3, N_ROWS + 4),
    ]


def test_a_ragged_row_in_a_large_file_is_refused_with_its_line(tmp_path, text):
    (part,) = parts(written(tmp_path / "A.csv", text + "2019-04-01,1\n2019-04-02,1,1\n"))
    assert part.frame is None
    assert [(f.code, f.row, f.path) for f in part.findings] == [
        ("E12", N_ROWS + 2, str(tmp_path / "A.csv"))
    ]


def small(k: int, *, header: str = HEADER) -> str:
    return f"{header}2019-03-04,{k}.5,{k}\n2019-03-05,{k}.6,{k}\n"


def test_neighbours_with_one_header_are_one_part_with_the_files_told_apart(tmp_path):
    paths = [written(tmp_path / f"{name}.csv", small(k)) for k, name in enumerate("ABC", 1)]
    (part,) = parts(*paths)
    assert part.frame is not None
    assert part.files == tuple(str(path) for path in paths)
    assert part.frame.select("file", "row", "symbol", "close").rows() == [
        *((0, 2, "A", 1.5), (0, 3, "A", 1.6)),
        *((1, 2, "B", 2.5), (1, 3, "B", 2.6)),
        *((2, 2, "C", 3.5), (2, 3, "C", 3.6)),
    ]
    assert {f.count for f in part.findings} == {3}


APART = [
    ("another header", small(2, header="Date,Close,Volume\n")),
    ("a text in a number", small(2).replace("2.5", "N/A")),
    ("a date of another form", small(2).replace("2019-03-04", "2019/03/04")),
    ("an empty column", small(2).replace("2.5,2", "2.5,").replace("2.6,2", "2.6,")),
    ("quotes", small(2).replace("2.5", '"2.5"')),
    ("a broken row", small(2).replace("2.5,2", "2.5")),
    ("nothing", ""),
]


@pytest.mark.parametrize("odd", [case[1] for case in APART], ids=[case[0] for case in APART])
def test_an_odd_file_among_others_is_read_alone_and_as_if_it_were(tmp_path, odd):
    paths = [
        written(tmp_path / f"{name}.csv", text)
        for name, text in (("A", small(1)), ("B", odd), ("C", small(3)))
    ]
    together = parts(*paths)
    alone = [part for path in paths for part in parts(path)]
    assert [part.path for part in together] == [part.path for part in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.findings == other.findings
        assert (one.frame is None) == (other.frame is None)
        assert one.frame is None or (other.frame is not None and one.frame.equals(other.frame))


def test_settings_that_change_what_a_cell_means_are_heeded(tmp_path):
    path = written(tmp_path / "A.csv", "date,close\n04.03.2019,1.234\n05.03.2019,1.235\n")
    (part,) = parts(path, decimal=",", thousands=".", date_format="%d.%m.%Y", separator=",")
    assert part.frame is not None
    assert part.frame["close"].to_list() == [1234.0, 1235.0]


def test_a_name_that_the_settings_map_is_a_symbol_column(tmp_path):
    path = written(tmp_path / "prices.csv", "isin,date,close\nX,2019-03-04,1\nY,2019-03-04,2\n")
    (part,) = parts(path, columns={"isin": "symbol"})
    assert part.frame is not None
    assert part.frame["symbol"].to_list() == ["X", "Y"]
