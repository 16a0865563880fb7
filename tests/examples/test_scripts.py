"""The scripts of the first minutes run as they are, and end with what their reader came for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import nextclose as nc

ROOT = Path(__file__).parents[2]
SCRIPTS = ("student.py", "analyst.py", "researcher.py", "team.sh")


def printed(script: str, *arguments: str, folder: Path) -> str:
    """What a script prints when it is run in a folder."""
    shell = [sys.executable, "-W", "ignore"] if script.endswith(".py") else ["sh"]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*shell, str(ROOT / "examples" / script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PATH": programs},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_of_the_first_minutes_is_short(name):
    assert len((ROOT / "examples" / name).read_text(encoding="utf-8").splitlines()) <= 30


def test_a_student_gets_a_verdict_in_words_and_a_report(tmp_path):
    text = printed("student.py", folder=tmp_path)
    assert "One session ahead, har could not tell whether prices would rise or fall" in text
    assert "7 sessions ahead, " in text
    assert "30 sessions ahead, " in text
    assert text.endswith("The whole of it: report.html\n")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_a_student_names_a_file(tmp_path):
    frame = nc.sample_bars().frame.filter(symbol="MSFT").select("session", "close").tail(900)
    frame.write_csv(tmp_path / "MINE.csv")
    text = printed("student.py", "MINE.csv", folder=tmp_path)
    assert text.startswith("Bars: 1 symbol (MINE), 900 bars")
    assert not (tmp_path / "IBM.csv").exists()


def test_an_analyst_gets_ranges_for_the_next_evening_and_a_table_of_all(tmp_path):
    for _ in range(2):  # the next evening the bundle is there
        text = printed("analyst.py", folder=tmp_path)
    ranges = pl.read_csv(tmp_path / "ranges.csv")
    assert ranges.group_by("symbol").len()["len"].to_list() == [3] * 5
    for low in ranges.filter(pl.col("horizon_sessions") == 1)["low_90"]:
        assert f"{low:.6f}" in text
    assert (tmp_path / "AAPL.png").read_bytes().startswith(b"\x89PNG")


def test_a_researcher_gets_a_sentence_on_a_column_beside_our_models(tmp_path):
    text = printed("researcher.py", folder=tmp_path)
    board, _, sentence = text.rpartition("┘")
    assert [name in board for name in ("har", "garch", "mine")] == [True] * 3
    assert sentence.startswith("\nmine knows how far 4 symbols together move in a session")


def test_a_team_gets_json_and_codes(tmp_path):
    text = printed("team.sh", folder=tmp_path)
    rows = json.loads((tmp_path / "forecasts.json").read_text())
    assert f"{len(rows)} forecasts in forecasts.json" in text
    assert {row["symbol"] for row in rows} == {"AAPL", "FB", "GOOG", "IBM", "MSFT"}
    assert "exit code 3: " in text
    assert json.loads((tmp_path / "error.json").read_text())["row"] == 3
