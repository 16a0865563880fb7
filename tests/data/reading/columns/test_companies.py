import polars as pl
import pytest

from nextclose.data.suggestions import suggestion_toml
from tests.data.bar_texts import findings_of, part, texts


def in_parts(name, first, second, *, jump=False):
    """Five bars, the last two with another cell in a column; with a jump tenfold as well."""
    frame = texts([(k, "close", f"{k}50") for k in (3, 4)] if jump else ())
    return frame.with_columns(pl.Series(name, [first] * 3 + [second] * 2))


@pytest.mark.parametrize("name", ["NCUSIP", "permco", "isinCode", "LEI", "CompanyName", "contract"])
def test_what_a_company_keeps_is_known_however_its_words_are_joined(name):
    (finding,) = part(in_parts(name, "ABC1", "XYZ2")).findings
    assert (finding.code, finding.found) == ("E67", f"{name} ABC1, XYZ2")
    read = part(in_parts(name, "ABC1", "XYZ2"), columns={name: "symbol"}).frame
    assert read["symbol"].to_list() == ["ABC1"] * 3 + ["XYZ2"] * 2


def test_codes_of_eight_digits_are_no_dates_and_names_are_a_choice():
    (finding,) = part(in_parts("NCUSIP", "03783310", "45920010")).findings
    assert finding.fix.startswith('set data.columns = { "NCUSIP" = "symbol" } and data.numeric')
    (finding,) = part(in_parts("Company", "Old Metals Corp.", "MetLife, Inc.")).findings
    assert suggestion_toml([finding]).splitlines()[1:] == [
        '# only = { "Company" = "Old Metals Corp." }  # E67',
        '# only = { "Company" = "MetLife, Inc." }  # E67',
        '# columns = { "Company" = "" }  # E67',
    ]


@pytest.mark.parametrize("name", ["units", "share_class", "interval", "adj_flag", "expiry", "Type"])
def test_another_kind_of_series_in_a_part_is_a_choice_of_which_to_read(name):
    frame = in_parts(name, "a1", "b2")
    (finding,) = part(frame).findings
    assert (finding.code, finding.rule) == ("E67", "one series under one symbol")
    assert suggestion_toml([finding]).splitlines()[1:] == [
        f'# only = {{ "{name}" = "a1" }}  # E67',
        f'# only = {{ "{name}" = "b2" }}  # E67',
        f'# columns = {{ "{name}" = "" }}  # E67',
    ]
    assert part(frame, only={name: "b2"}).frame.height == 2
    assert part(frame, columns={name: ""}).frame.height == 5


def test_a_kind_that_comes_back_or_has_gaps_says_something_of_days():
    for cells in (["a", "a", "b", "a", "a"], [None, "a", "a", "b", "b"], ["a", "a", "a", "a", "b"]):
        read = part(texts().with_columns(pl.Series("type", cells)))
        assert read.frame.height == 5
        assert not [f for f in read.findings if f.number == 67]


def test_another_exchange_is_told_unless_the_price_jumps_there():
    (note,) = [f for f in part(in_parts("exchange", "NYSE", "ASE")).findings if f.number == 67]
    assert (note.code, note.session) == ("W67", "2019-03-07")
    (finding,) = part(in_parts("exchange", "NYSE", "LSE", jump=True)).findings
    assert finding.code == "E67"


def test_another_paper_of_a_company_that_keeps_its_number_is_told():
    frame = in_parts("CUSIP", "037833100", "037833AB1")
    (note,) = [f for f in part(frame.with_columns(permno=pl.lit(7))).findings if f.number == 67]
    assert note.code == "W67"
    number = pl.Series("permno", [7, 7, 7, 8, 8])
    assert [f.code for f in part(frame.with_columns(number)).findings] == ["E67"]


def test_a_flag_that_says_both_of_one_symbol_is_refused_and_says_what_it_found():
    frame = in_parts("adjusted", "true", "false")
    (finding,) = part(frame).findings
    assert (finding.code, finding.found) == ("E26", "true in 3 rows and false in 2 rows")
    assert len(suggestion_toml([finding]).splitlines()) == 4
    assert part(frame, only={"adjusted": "false"}).frame.height == 2
    assert part(frame, columns={"adjusted": ""}).frame.height == 5
    apart = frame.with_columns(pl.Series("symbol", ["A"] * 3 + ["B"] * 2))
    assert findings_of(part(apart), "W21")[0].found == "false, true in each row"
