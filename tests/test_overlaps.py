"""A backtest of years that taught a model beforehand says so wherever its verdict is read."""

import html
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.builders import walk_bars

QUICK = ("--models", "loghar,har", "--horizons", "1", "--workers", 1)
PLAN = '[backtest]\ntest_sessions = 120\nrefit_sessions = 45\n[data]\ncalendar = "weekdays"\n'


@pytest.fixture(params=[1991, 2000, 1993])
def judged(request, command, tmp_path) -> tuple[int, str, str, dict[str, Any]]:
    """First year, output, page and document of a backtest of prices from that year on."""
    frame = walk_bars((560, 540)).frame
    later = pl.col("session").cast(pl.Date) + pl.duration(weeks=52 * (request.param - 2001))
    prices, folder = tmp_path / "prices.csv", tmp_path / "run"
    frame.with_columns(later).rename({"session": "date"}).write_csv(prices)
    settings = tmp_path / "run.toml"
    settings.write_text(PLAN)
    code, printed, _ = command("backtest", prices, *QUICK, "--config", settings, "--out", folder)
    assert code == 0
    document = json.loads((folder / "verdict.json").read_text())
    page = html.unescape(Path(folder / "report.html").read_text())
    return request.param, " ".join(printed.split()), page, document


def test_a_verdict_is_flagged_where_its_model_was_taught_by_the_years_of_its_test(judged):
    first, printed, page, document = judged
    fitted = [fold["fitted_at"] for fold in document["run"]["folds"]]
    n_seen = sum(day <= "1994-12-31" for day in fitted)
    assert (n_seen == 0, n_seen == len(fitted)) == (first == 2000, first == 1991)
    sentences = {row["sentence"] for row in document["rows"] if row["model"] == "loghar"}
    others = {row["sentence"] for row in document["rows"] if row["model"] == "har"}
    assert sentences
    assert others
    until = {row["model"]: row["taught_until"] for row in document["rows"]}
    assert until == {"loghar": None if first == 2000 else "1994-12-31", "har": None}
    assert not any("taught" in sentence for sentence in others)
    if first == 2000:
        assert "overlaps" not in document["run"]
        for text in (printed, page, *sentences):
            assert "taught" not in text
        return
    overlap = {"model": "loghar", "taught_until": "1994-12-31", "refits": n_seen, "of": len(fitted)}
    assert document["run"]["overlaps"] == [overlap]
    many = f"{n_seen} of {len(fitted)} refits"
    notice = (
        f"Not a clean test: loghar (up to 1994-12-31, {many}) was taught beforehand by "
        "years that it is tested in."
    )
    assert notice in printed
    assert notice in page[page.index('id="verdict"') : page.index('id="scoreboard"')]
    for sentence in sentences:
        assert sentence.endswith("in years that taught it beforehand, up to 1994-12-31.")
