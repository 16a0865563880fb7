from pathlib import Path

import pytest

from nextclose.data.sources.folders import N_NAMED, folder_files
from nextclose.data.sources.loading import load_bars, load_usable_bars
from nextclose.errors import DataError

TEXT = "date,close\n2019-03-04,10\n2019-03-05,10.5\n2019-03-06,10.2\n"
OTHER = TEXT.replace("10.5", "10.7")


def lake(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / "lake" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)
    return folder / "lake"


def names_in(folder: Path) -> tuple[list[str], list[str]]:
    files = folder_files(folder, is_table=lambda _: True)
    return [str(path.relative_to(folder)) for path in files.paths], list(files.passed_over)


def test_documents_and_hidden_files_are_not_spoken_of(tmp_path):
    quiet = ("README", "readme.txt", "LICENSE", "notes.md", "fetch.py", ".DS_Store", "_SUCCESS")
    folder = lake(tmp_path, "AAPL.csv", "Thumbs.db", "desktop.ini", ".git/A.csv", *quiet)
    assert names_in(folder) == (["AAPL.csv"], [])


def test_what_may_be_prices_is_named_with_why_it_is_passed_over(tmp_path):
    folder = lake(tmp_path, "A.csv", "B.json", "C.xlsx", "D.csv.bz2", "E.csv.bak", "F", "G.abc")
    assert names_in(folder)[1] == [
        "B.json (JSON)",
        "C.xlsx (a spreadsheet)",
        "D.csv.bz2 (packed otherwise)",
        "E.csv.bak (a copy)",
        "F (without ending)",
        "G.abc (ending in .abc)",
    ]


def test_folders_of_partitions_are_gone_into_and_others_are_named(tmp_path):
    folder = lake(tmp_path, "symbol=A/year=2019/x.csv", "symbol=B/x.csv", "C/x.csv", "D/notes.md")
    paths, passed_over = names_in(folder)
    assert paths == ["symbol=A/year=2019/x.csv", "symbol=B/x.csv"]
    assert passed_over == ["C/ (a folder with 1 price file)"]


def test_a_partition_that_is_a_link_is_not_followed(tmp_path):
    folder = lake(tmp_path, "A.csv")
    (folder / "symbol=A").symlink_to(folder)
    assert names_in(folder)[0] == ["A.csv"]


def test_each_folder_has_its_own_finding_that_counts_what_it_does_not_name(tmp_path):
    first = lake(tmp_path / "1", "A.csv", *(f"{k}.json" for k in range(N_NAMED + 3)))
    second = lake(tmp_path / "2", "B.csv", "x.xlsx")
    (second / "B.csv").write_text(OTHER)
    bars = load_bars(first, second)
    told = [finding for finding in bars.findings if finding.code == "W17"]
    assert [finding.path for finding in told] == [str(first), str(second)]
    assert told[0].found.startswith("11 files passed over: 0.json (JSON), 1.json (JSON), ")
    assert told[0].found.endswith(" and 3 more")
    assert told[1].found == "1 file passed over: x.xlsx (a spreadsheet)"


def test_a_folder_of_nothing_but_other_formats_says_which(tmp_path):
    with pytest.raises(DataError) as raised:
        load_bars(lake(tmp_path, "A.xlsx", "B/x.csv"))
    (finding,) = raised.value.findings
    assert finding.code == "E1"
    assert "A.xlsx (a spreadsheet)" in finding.found
    assert finding.fix == "name the 1 folders in it that hold some, as lake/B."


def test_a_text_file_is_prices_if_it_holds_a_table_of_dates(tmp_path):
    folder = lake(tmp_path, "A.txt", "B.txt")
    (folder / "B.txt").write_text("date;close\n2019-03-04;9\n2019-03-05;9.5\n2019-03-06\n")
    (folder / "C.txt").write_text("bought in June, sold in July\n")
    (folder / "D.txt").write_text("")
    bars = load_usable_bars(folder)
    assert [f.code for f in bars.findings if f.path.endswith("B.txt")] == ["E12", "R8"]
    told = next(f for f in bars.findings if f.code == "W17")
    assert "C.txt (no table of prices), D.txt (no table of prices)" in told.found
    assert bars.symbols == ("A",)
