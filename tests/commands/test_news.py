"""`--news` as a user types it: two runs in one, told everywhere, and a bundle that needs them."""

import json

import polars as pl
import pytest

from nextclose.data.sources.loading import sample_bars

TOML = """
[trees]
rounds = 25
[backtest]
test_sessions = 300
refit_sessions = 300
rehearsal_sessions = 0
[hybrid]
members = ["loghar", "trees"]
"""


@pytest.fixture
def files(tmp_path):
    """Two symbols of the sample, made headlines of one of them, and quick settings."""
    frame = sample_bars().frame.filter(pl.col("symbol").is_in(["AAPL", "IBM"]))
    frame = frame.select("symbol", "session", "close").filter(pl.col("session").dt.year() > 2008)
    frame.write_csv(tmp_path / "prices.csv")
    days = frame.filter(symbol="AAPL")["session"].cast(pl.String)[::3]
    words = [f"AAPL {'wins' if k % 2 else 'loses'} case {k}" for k in range(len(days))]
    news = pl.DataFrame({"symbol": "AAPL", "first_seen": days + "T14:00:00Z", "headline": words})
    news.write_csv(tmp_path / "news.csv")
    (tmp_path / "run.toml").write_text(TOML)
    return tmp_path


def arguments(files, name, *more):
    settings = ("--config", files / "run.toml", "--workers", 1, "--horizons", "1")
    return (name, files / "prices.csv", *settings, "--out", files / name, *more)


def test_a_backtest_with_news_says_what_they_are_worth(command, files):
    models = ("--models", "naive,loghar,trees")
    code, printed, complaint = command(
        *arguments(files, "backtest", *models, "--news", files / "news.csv")
    )
    assert code == 0, complaint
    said = " ".join(printed.split())
    assert "At 1 session nothing shows that news helped: with them the ranges of trees" in said
    assert "no news of IBM" in " ".join(complaint.split())
    document = json.loads((files / "backtest" / "verdict.json").read_text())
    (worth,) = document["news"]
    assert (worth["model"], worth["horizon_sessions"]) == ("trees", 1)
    assert worth["sentence"] in said
    assert "W74" in document["run"]["findings"]
    # every third of 252 + 252 + 252 + 250 + 40 sessions
    assert document["run"]["news"] == {"items": 349, "scorer": "vader"}
    page = (files / "backtest" / "report.html").read_text()
    assert "What the news are worth" in page
    assert worth["sentence"] in page
    assert "--news news.csv" in page


def test_without_news_nothing_is_said_of_them(command, files):
    code, printed, _ = command(*arguments(files, "backtest", "--models", "naive,loghar,trees"))
    assert code == 0
    assert "news helped" not in " ".join(printed.split())
    assert "news" not in json.loads((files / "backtest" / "verdict.json").read_text())
    assert "What the news are worth" not in (files / "backtest" / "report.html").read_text()


def test_a_bundle_trained_with_news_forecasts_with_news_only(command, files):
    code, _, complaint = command(*arguments(files, "train", "--news", files / "news.csv"))
    assert code == 0, complaint
    asked = ("predict", files / "train", files / "prices.csv", "--json")
    code, printed, complaint = command(*asked, "--news", files / "news.csv")
    assert code == 0, complaint
    assert [row["symbol"] for row in json.loads(printed)] == ["AAPL", "IBM"]
    code, _, complaint = command(*asked)
    assert code == 2
    assert "reads news scored by 'vader', and none are given. Fix:" in complaint
    assert "--news FILE" in complaint
