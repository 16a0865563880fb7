import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.reading.plain_csv import plain_lines

CUT = "date,close\n2019-03-04,40.12\n2019-03-05,41.3\n2019-03-06,40."


def cells(text, **settings):
    return csv_cells(text.encode(), path="A.csv", config=DataConfig(**settings))


@pytest.mark.parametrize(
    "text", [CUT, CUT.replace(",", ";").replace(".", ","), CUT.replace("\n", "\r\n")]
)
def test_a_last_number_that_stops_at_its_mark_is_a_row_cut_short(text):
    *_, finding = cells(text).findings
    assert (finding.code, finding.row, finding.column) == ("E11", 4, "close")
    assert finding.found == f"{text.splitlines()[-1][-3:]} and no line end"


WHOLE = [
    CUT + "\n",
    CUT + "5",
    CUT.replace("40.12", "40."),  # as the file writes whole numbers
    CUT + "5\nDownloaded from a page on 6 March 2019.",
]


@pytest.mark.parametrize("text", WHOLE)
def test_a_number_that_others_are_like_and_a_line_of_its_own_are_whole(text):
    assert not [f for f in cells(text).findings if f.response == "E"]


def test_such_a_file_is_never_parsed_in_one_go():
    assert plain_lines(CUT.encode()) is None
    assert plain_lines((CUT + "\n").encode()) is not None
