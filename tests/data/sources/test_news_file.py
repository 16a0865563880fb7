"""Headlines beside bars: which file, which scorer, and what is said of both."""

import gzip
import re
import sys

import polars as pl
import pytest

from nextclose.config import DataConfig, NewsConfig
from nextclose.data.sources.news_file import vader, with_news
from nextclose.errors import ConfigError, DataError
from nextclose.libraries import pip_install
from nextclose.schema import Bars
from tests.builders import walk_frame
from tests.newsfiles import news_frame

BARS = Bars(frame=pl.concat([walk_frame("AAA", seed=0, n=20), walk_frame("BBB", seed=1, n=20)]))
DAYS = ("2001-01-03", "2001-01-04", "2001-01-05")
BOTH = ("BBB", "AAA", "AAA")


def length(headline: str) -> float:
    return len(headline) / 100


def written(tmp_path, frame: pl.DataFrame, name: str = "news.csv"):
    path = tmp_path / name
    if name.endswith("csv"):
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


@pytest.mark.parametrize("name", ["news.csv", "news.parquet"])
def test_a_file_becomes_scores_by_symbol_and_session(tmp_path, name):
    frame = news_frame(*DAYS, symbols=BOTH, headline=["ab", "abc", "a, b"])
    bars = with_news(BARS, written(tmp_path, frame, name), scorer=length)
    assert bars.news is not None
    assert bars.news.frame.with_columns(pl.col("session").cast(pl.String)).rows() == [
        ("AAA", "2001-01-05", 0.03),
        ("AAA", "2001-01-08", 0.04),
        ("BBB", "2001-01-04", 0.02),
    ]
    assert (bars.news.scorer, bars.news.cutoff_minutes) == ("length", 30)
    assert bars.findings == ()
    assert bars.frame is BARS.frame


def test_scores_of_the_file_are_used_unless_a_scorer_is_given(tmp_path):
    path = written(tmp_path, news_frame(*DAYS, symbols=BOTH, score=[-1.0, 0.25, 1.0]))
    theirs, ours = with_news(BARS, path).news, with_news(BARS, path, scorer=length).news
    assert theirs is not None
    assert ours is not None
    assert (theirs.scorer, theirs.frame["score"].to_list()) == ("file", [0.25, 1.0, -1.0])
    assert (ours.scorer, ours.frame["score"].to_list()) == ("length", [0.1, 0.1, 0.1])


def test_without_scores_vader_tells_good_from_bad(tmp_path):
    headlines = ["profit soars, great win", "fraud and terrible loss", "board meets"]
    path = written(tmp_path, news_frame(*DAYS, symbols=("AAA",) * 3, headline=headlines))
    news = with_news(BARS, path).news
    assert news is not None
    good, bad, neutral = news.frame["score"]
    assert news.scorer == "vader"
    assert good > 0.5
    assert bad < -0.5
    assert neutral == 0


def test_without_vader_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    with pytest.raises(ConfigError, match=re.escape(pip_install("news"))):
        vader()


def test_a_score_outside_its_range_is_refused_with_its_headline(tmp_path):
    path = written(tmp_path, news_frame(*DAYS, symbols=BOTH))
    for wrong in (2.0, float("nan")):

        def loud(headline: str, score: float = wrong) -> float:
            return score

        with pytest.raises(ConfigError, match=r"scorer 'loud' gave .* for 'headline"):
            with_news(BARS, path, scorer=loud)


def test_each_headline_is_scored_once(tmp_path):
    asked = []

    def counting(headline: str) -> float:
        asked.append(headline)
        return 0.0

    frame = news_frame(*DAYS, symbols=("AAA", "BBB", "AAA"), headline=["same", "same", "other"])
    with_news(BARS, written(tmp_path, frame), scorer=counting)
    assert asked == ["other", "same"]


def test_a_symbol_without_news_is_named_and_none_at_all_is_refused(tmp_path):
    path = written(tmp_path, news_frame(*DAYS, symbols=("AAA", "AAA", "XXX")))
    (finding,) = with_news(BARS, path, scorer=length).findings
    assert finding.code == "W74"
    assert "found no news of BBB; rule" in finding.line()
    path = written(tmp_path, news_frame(*DAYS, symbols=("XXX",) * 3))
    with pytest.raises(DataError, match=r"E74 .* found no news of AAA, BBB"):
        with_news(BARS, path, scorer=length)


def test_all_bad_rows_are_named_at_once_with_their_lines(tmp_path):
    path = written(tmp_path, news_frame("2001-01-03", "soon", "2001-01-03 10:00", symbols=BOTH))
    with pytest.raises(DataError) as caught:
        with_news(BARS, path, scorer=length)
    assert [(one.code, one.row) for one in caught.value.findings] == [("E35", 3), ("E44", 4)]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("none.csv", None, "E1"),
        ("ragged.csv", b"symbol,first_seen,headline\nAAA,2001-01-03,wins, again\n", "E12"),
        ("bad.parquet", b"no", "E19"),
        ("latin.csv", b"symbol,first_seen,headline\nAAA,2001-01-03,caf\xe9\n", "E5"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, content, code):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        with_news(BARS, path)
    assert [one.code for one in caught.value.findings] == [code]


def test_news_are_part_of_the_fingerprint_and_of_it_only_where_there_are_any(tmp_path):
    path = written(tmp_path, news_frame(*DAYS, symbols=BOTH))
    half = NewsConfig(cutoff_minutes=15)
    other = written(
        tmp_path, news_frame("2001-01-03", "2001-01-04", "2001-01-08", symbols=BOTH), "b.csv"
    )
    made = [
        BARS,
        with_news(BARS, path, scorer=length),
        with_news(BARS, path, scorer=constant),
        with_news(BARS, path, config=half, scorer=length),
        with_news(BARS, other, scorer=length),
    ]
    assert len({bars.fingerprint for bars in made}) == len(made)


def constant(headline: str) -> float:
    return 0.1


def test_encoding_and_packing_are_read_as_those_of_prices(tmp_path):
    path = tmp_path / "news.csv.gz"
    text = "Ticker;first seen;headline\nAAA;2001-01-03;caf\xe9 wins; again\n".replace("; a", " a")
    path.write_bytes(gzip.compress(text.encode("latin-1")))
    data = DataConfig(encoding="latin-1", separator=",")  # the separator is that of the prices
    asked: list[str] = []

    def noting(headline: str) -> float:
        asked.append(headline)
        return 0.0

    news = with_news(BARS, path, data=data, scorer=noting).news
    assert news is not None
    assert asked == ["caf\xe9 wins again"]
