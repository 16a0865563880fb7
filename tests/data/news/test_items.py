"""What may be wrong with headlines, and which version of one is kept."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from nextclose.data.news.items import news_items
from tests.newsfiles import items, news_frame


def found(frame: pl.DataFrame):
    rows = pl.int_range(2, frame.height + 2, eager=True)
    return news_items(frame, path="news.csv", rows=rows)


SOUND = "2013-01-03T10:00:00-05:00"
BAD = [  # first-seen, symbol, headline, score -> code, column, words of the message
    (SOUND, "../x", "a", "0", "E30", "symbol", "U+002E"),
    ("2013-01-03 10:00:00", "IBM", "a", "0", "E44", "first_seen", "with its zone"),
    ("2013-01-03T10:00", "IBM", "a", "0", "E44", "first_seen", "or only 2013-02-28"),
    ("03/01/2013", "IBM", "a", "0", "E35", "first_seen", "found 03/01/2013"),
    ("2013-02-30", "IBM", "a", "0", "E35", "first_seen", "a time with its zone, or a date"),
    ("2013-01-03T25:00:00Z", "IBM", "a", "0", "E35", "first_seen", "found 2013-01-03T25"),
    ("", "IBM", "a", "0", "E35", "first_seen", "an empty cell"),
    (SOUND, "IBM", "a", "good", "E27", "score", "found good"),
    (SOUND, "IBM", "a", "1.01", "E32", "score", "a score from -1 to 1"),
    (SOUND, "IBM", "a", "nan", "E32", "score", "found nan"),
    (SOUND, "IBM", "", "0", "W58", "", "an empty cell"),
    (SOUND, "IBM", "a", "", "W58", "", "left out"),
]


@pytest.mark.parametrize(("seen", "symbol", "headline", "score", "code", "column", "said"), BAD)
def test_a_bad_row_is_named_and_left_out(seen, symbol, headline, score, code, column, said):
    good = {"symbol": "IBM", "first_seen": "2013-01-02", "headline": "good", "score": "0.5"}
    bad = {"symbol": symbol, "first_seen": seen, "headline": headline, "score": score}
    kept, (finding,) = found(pl.DataFrame([good, bad]))
    assert kept["headline"].to_list() == ["good"]
    assert (finding.code, finding.row, finding.column) == (code, 3, column)
    assert finding.path == "news.csv"
    assert said in finding.line()
    assert ("Fix: " in finding.line()) == code.startswith("E")


def test_a_missing_column_is_named_with_the_nearest():
    frame = news_frame(SOUND).rename({"first_seen": "first seen on"})
    kept, (finding,) = found(frame)
    assert kept.is_empty()
    assert finding.code == "E21"
    assert (
        "found only symbol, first seen on, headline; rule: a column 'first_seen'" in finding.line()
    )
    assert "rename 'first_seen_on'" not in finding.line()
    assert "rename 'first seen on' to 'first_seen'" in finding.line()


def test_when_it_was_published_is_not_taken_for_when_it_was_first_seen():
    _, (finding,) = found(news_frame(SOUND).rename({"first_seen": "published_at"}))
    assert (finding.code, finding.column) == ("E21", "first_seen")


def test_other_spellings_of_columns_are_read():
    frame = news_frame(SOUND).rename(
        {"symbol": "Ticker", "first_seen": "First Seen", "headline": "TITLE"}
    )
    kept, findings = found(frame)
    assert (kept.height, findings) == (1, ())


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2013-01-03T15:30:00-05:00", datetime(2013, 1, 3, 20, 30, tzinfo=UTC)),
        ("2013-01-03 15:30:00 -0500", datetime(2013, 1, 3, 20, 30, tzinfo=UTC)),
        ("2013-01-03T15:30-05:00", datetime(2013, 1, 3, 20, 30, tzinfo=UTC)),
        ("2013-01-04T02:30:00.250Z", datetime(2013, 1, 4, 2, 30, 0, 250000, tzinfo=UTC)),
        ("2013-01-04T02:30:00+09:00", datetime(2013, 1, 3, 17, 30, tzinfo=UTC)),
    ],
)
def test_a_stamp_is_an_instant(text, instant):
    stamps = items(text)
    assert (stamps["seen_at"][0], stamps["day"][0]) == (instant, instant.date())


def test_stamps_and_dates_of_a_parquet_file_are_read_by_their_type():
    zoned = pl.Series([datetime(2013, 1, 3, 15, 30)]).dt.replace_time_zone("America/New_York")
    kept, _ = found(news_frame("").with_columns(zoned.alias("first_seen")))
    assert kept["seen_at"].to_list() == [datetime(2013, 1, 3, 20, 30, tzinfo=UTC)]
    kept, _ = found(news_frame("").with_columns(pl.Series("first_seen", [date(2013, 1, 3)])))
    assert kept.select("seen_at", "day").rows() == [(None, date(2013, 1, 3))]
    naive = pl.Series("first_seen", [datetime(2013, 1, 3, 15, 30)])
    _, (finding,) = found(news_frame("").with_columns(naive))
    assert finding.code == "E44"


def versions(*rows: tuple[str, str, str]):
    """Symbol, first-seen, headline; scores 0, 0.1, 0.2 ... tell the rows apart."""
    frame = pl.DataFrame(rows, schema=["symbol", "first_seen", "headline"], orient="row")
    frame = frame.with_columns(pl.Series("score", [k / 10 for k in range(len(rows))]))
    kept, findings = found(frame)
    return kept["score"].to_list(), [(one.code, one.count) for one in findings]


def test_of_a_repeated_headline_the_first_version_and_time_are_kept():
    assert versions(
        ("IBM", "2013-01-04T10:00:00Z", "IBM beats, again!"),
        ("IBM", "2013-01-03T10:00:00Z", "IBM BEATS again"),  # earlier, though later in the file
        ("IBM", "2013-01-09T10:00:00Z", "ibm  beats - again"),
        ("AAPL", "2013-01-04T10:00:00Z", "IBM beats, again!"),
        ("IBM", "2013-01-05T10:00:00Z", "IBM misses"),
    ) == ([0.1, 0.3, 0.4], [("R42", 2)])


def test_seven_days_after_it_last_came_a_headline_is_news_again():
    assert versions(
        ("IBM", "2013-01-03T10:00:00Z", "IBM reports"),
        ("IBM", "2013-01-10T10:00:00Z", "IBM reports"),  # seven days: a repeat
        ("IBM", "2013-01-17T10:00:01Z", "IBM reports"),  # a second more
    ) == ([0.0, 0.2], [("R42", 1)])


def test_a_date_alone_counts_from_its_end_so_a_stamp_of_that_day_is_the_first_version():
    assert versions(
        ("IBM", "2013-01-03", "IBM reports"),
        ("IBM", "2013-01-03T23:59:59Z", "IBM reports"),
        ("IBM", "2013-01-04T00:00:01Z", "IBM reports"),
    ) == ([0.1], [("R42", 2)])
