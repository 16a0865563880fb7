import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.suggestions import suggestion_toml, with_suggestion

TABLE = "date,open,close\n2019-03-04,40.12,41\n2019-03-05,41.3,42\n"


@pytest.mark.parametrize(("mark", "said"), [(",", ";"), (";", ","), ("\t", ","), (",", "|")])
def test_a_header_that_the_setting_does_not_part_is_refused_with_the_mark_that_does(mark, said):
    data = TABLE.replace(",", mark).encode()
    config = DataConfig(separator=said)
    with pytest.raises(UnusableFileError) as raised:
        csv_cells(data, path="A.csv", config=config)
    (finding,) = raised.value.refusal("A.csv").findings
    assert (finding.code, finding.row) == ("E8", 1)
    cured = with_suggestion(config, suggestion_toml([finding]))
    assert csv_cells(data, path="A.csv", config=cured).frame.columns == ["date", "open", "close"]
