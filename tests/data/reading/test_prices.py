import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.prices import parsing_types
from nextclose.errors import ConfigError
from tests.data.bar_texts import DAYS, bars, codes, dated, findings_of, part, refusals, texts


def adjusted(*closes: str) -> pl.DataFrame:
    return texts().with_columns(pl.Series("Adj Close", closes))


def test_both_closes_give_adjusted_prices_and_a_warning():
    read = part(adjusted("5.5", "6", "6.5", "14", "15"))
    assert read.basis == "adjusted"
    assert [f.code for f in read.findings] == ["R22", "W26"]


def test_raw_prices_leave_the_adjusted_close_out():
    read = bars(adjusted("11", "12", "13", "14", "15"), price_basis="raw")
    assert read.basis == "raw"
    assert "close_raw" not in read.frame.columns
    (note,) = findings_of(read, "W26")
    assert note.rule == 'close stays as traded; data.price_basis = "raw"'


@pytest.mark.parametrize("names", [{"close": "adj_close"}, {"open": "close_raw"}])
def test_raw_prices_cannot_be_made_of_adjusted_ones(names):
    (refusal,) = (f for f in part(texts().rename(names), price_basis="raw").findings if f.fix)
    assert (refusal.code, refusal.column) == ("E26", "close")
    assert 'data.price_basis = "adjusted"' in refusal.fix


def test_without_an_adjusted_close_the_basis_is_unknown_unless_the_source_knows():
    unknown = part(texts())
    assert (unknown.basis, [f.code for f in unknown.findings]) == ("unknown", ["W25"])
    told = part(texts(), basis="adjusted")
    assert (told.basis, [f.code for f in told.findings]) == ("adjusted", ["R25"])
    assert part(texts(), basis="raw").findings[0].rule == "prices are raw, as their source says"


def test_an_adjusted_close_alone_is_the_close():
    read = bars(texts().rename({"close": "Adj Close"}))
    assert read.frame["close"].to_list() == [11.0, 12.0, 13.0, 14.0, 15.0]
    assert read.basis == "adjusted"
    assert "close_raw" not in read.frame.columns


def test_one_mark_for_fractions_and_thousands_is_a_mistake_in_the_settings():
    with pytest.raises(ConfigError, match=r"both '\.'") as raised:
        part(texts(), decimal=".", thousands=".")
    assert (raised.value.section, raised.value.key) == ("data", "thousands")


def test_whole_volumes_written_as_fractions_are_counted():
    read = part(texts([(1, "volume", "200.0"), (3, "volume", "4e2")]))
    assert read.frame["volume"].to_list() == [100, 200, 300, 400, 500]
    assert read.frame["volume"].dtype == pl.Int64
    (repair,) = (f for f in read.findings if f.code == "R31")
    assert (repair.row, repair.column, repair.count) == (2, "volume", 2)
    assert (repair.found, repair.symbol, repair.session) == ("200.0", "AAPL", "2019-03-05")


@pytest.mark.parametrize("basis", ["adjusted", None])
def test_volumes_that_came_adjusted_may_be_fractional(basis):
    frame = texts([(1, "volume", "200.5")])
    if basis is None:
        frame = frame.with_columns(pl.col("close").alias("close_raw"))
    read = part(frame, basis=basis)
    assert read.frame["volume"].to_list() == [100.0, 200.5, 300.0, 400.0, 500.0]
    assert "E31" not in codes(bars(frame, basis=basis))


def test_bars_hold_volumes_as_floats_whatever_the_files_held():
    assert bars(texts()).frame["volume"].dtype == pl.Float64


def test_stamps_leave_the_time_of_day_and_what_was_settled_in_the_part():
    read = part(dated("04/03/2019 16:00", "15/03/2019 16:00:30"))
    assert read.frame["session"].to_list() == [DAYS[0], DAYS[0].replace(day=15)]
    assert read.frame["second_of_day"].to_list() == [57_600, 57_630]
    assert read.settled == {"date_format": "%d/%m/%Y"}
    assert "second_of_day" not in part(dated("2019-03-04 00:00", "2019-03-05")).frame.columns


def test_stamps_dated_at_their_exchange_are_counted():
    read = part(
        dated("2019-03-04", "2019-03-04T15:00:00Z", "2019-03-05T15:00:00Z"), symbol="7203.T"
    )
    assert read.frame["session"].to_list() == [DAYS[0], DAYS[1], DAYS[2]]
    (repair,) = (f for f in read.findings if f.code == "R44")
    assert (repair.row, repair.session, repair.count) == (2, "2019-03-05", 2)
    assert repair.found == "2019-03-04T15:00:00Z"


def test_integers_with_one_reading_are_dates_and_it_is_settled():
    read = part(dated(20190304, 20190305, 20190306))
    assert read.frame["session"].to_list() == DAYS[:3]
    assert read.settled == {"date_format": "yyyymmdd"}
    (repair,) = (f for f in read.findings if f.code == "R38")
    assert (repair.row, repair.count, repair.found) == (1, 3, "20190304")
    assert repair.rule == "dates; read as yyyymmdd"


def test_integers_without_one_reading_are_refused_once_with_the_readings():
    (finding,) = refusals(dated(1, 2, 3), symbol="A")
    assert (finding.code, finding.row, finding.count) == ("E38", 1, 3)
    assert "epoch-s, epoch-ms, epoch-us, epoch-ns, yyyymmdd" in finding.rule
    assert "data.date_format" in finding.fix


def test_spreadsheet_serials_are_refused_and_read_by_the_setting():
    (finding,) = refusals(dated("43528", "43529"), symbol="A")
    assert (finding.code, finding.count) == ("E39", 2)
    read = part(dated("43528", "43529"), date_format="excel")
    assert read.frame["session"].to_list() == DAYS[:2]
    assert read.settled == {}


def test_an_order_of_day_and_month_that_nothing_settles_is_refused_once_a_file():
    (finding,) = refusals(dated("03/04/2019", "04/04/2019"), symbol="A")
    assert (finding.code, finding.row, finding.count) == ("E36", 1, 2)
    (finding,) = refusals(dated("13/04/2019", "04/15/2019"), symbol="A")
    assert (finding.code, finding.row, finding.count) == ("E36", 1, 2)


def test_stamps_of_an_exchange_that_is_not_known_are_refused_with_the_setting():
    (finding,) = refusals(dated("2019-03-04T15:00:00Z", "2019-03-05T15:00Z"), symbol="SONY.ZZ")
    assert (finding.code, finding.row, finding.count) == ("E44", 1, 2)
    assert 'data.calendar = {"SONY.ZZ" = EXCHANGE}' in finding.fix
    tokyo = part(dated("2019-03-04T15:00:00Z"), symbol="SONY.ZZ", calendar="XTKS")
    assert tokyo.frame["session"].to_list() == [DAYS[1]]


def test_currency_is_carried_along_as_text():
    frame = texts().with_columns(pl.lit(" USD ").alias("CCY"))
    assert part(frame).frame["currency"].to_list() == ["USD"] * 5
    assert "currency" not in part(texts()).frame.columns


def test_spaces_around_symbols_are_no_part_of_them():
    frame = texts().with_columns(pl.Series("symbol", ["A ", "A", " A", "A", "A"]))
    assert part(frame).frame["symbol"].unique().to_list() == ["A"]


def test_a_csv_may_be_parsed_to_numbers_at_once_unless_settings_ask_for_text():
    names = ["Date", "Close", "Volume", "Other", "Ticker"]
    assert parsing_types(names, DataConfig()) == {
        "Date": pl.String,
        "Close": pl.Float64,
        "Volume": pl.Int64,
        "Ticker": pl.String,
    }
    for settings in ({"decimal": ","}, {"missing": ("", "N/A")}):
        types = parsing_types(names, DataConfig(**settings))
        assert set(types.values()) == {pl.String()}
    more = DataConfig(missing=("", "nan", "NaN", "null", "N/A"))
    assert parsing_types(names, more)["Close"] == pl.Float64
