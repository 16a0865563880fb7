"""`nextclose check`: what is in prices, what is wrong with them, and what mends it."""

from __future__ import annotations

import json

import polars as pl
import pytest

from nextclose.commands.check import check_document
from nextclose.config import DataConfig
from nextclose.data.sources.loading import sample_bars
from nextclose.errors import DataError
from nextclose.report.exports import json_text
from nextclose.schema import Bars, Finding


@pytest.fixture
def sound(tmp_path):
    """900 good bars of one symbol."""
    frame = sample_bars().frame.filter(pl.col("symbol") == "IBM").tail(900)
    path = tmp_path / "IBM.csv"
    frame.select(pl.col("session").alias("date"), "close").write_csv(path)
    return path


@pytest.fixture
def bad(tmp_path):
    """Two symbols in one long file: a price below zero in row 3, a word in row 5."""
    path = tmp_path / "long.csv"
    rows = ("A,2020-01-02,10", "A,2020-01-03,-3", "B,2020-01-02,5", "B,2020-01-03,ten")
    path.write_text("\n".join(("symbol,date,close", *rows)) + "\n")
    return path


def any_history_is_enough(monkeypatch):
    for name in ("needed_sessions", "least_sessions"):
        monkeypatch.setattr(f"nextclose.studies.{name}", lambda settings: 1)


def test_prices_without_a_refusal_end_well_and_say_what_was_read(command, sound):
    code, printed, complaint = command("check", sound)
    assert (code, complaint) == (0, "")
    said = " ".join(printed.split())
    assert "1 symbol, 900 bars, 2009-08-04 to 2013-03-01" in said
    assert "XNYS (1 symbol)" in said
    assert "unknown whether adjusted" in said
    assert "Nothing is refused" in said


def test_refusals_are_shown_with_row_column_value_rule_and_cure(command, bad):
    code, printed, _ = command("check", bad)
    assert code == 3
    said = " ".join(printed.split())
    for part in ("E54 refused, 1 place: price > 0", "row 3, column close, A 2020-01-03: -3"):
        assert part in said
    for part in ("E27 refused", "row 5, column close, B 2020-01-03: ten", "Fix: correct the file"):
        assert part in said
    assert "E66 refused" in said
    assert "Refused: 3 places" in said


def test_symbols_with_too_little_history_are_named_before_a_run_is_tried(command, bad, sound):
    code, printed, _ = command("check", sound, bad.parent / "IBM.csv", "--json")
    assert "W66" not in json.loads(printed)["counts"]
    sound.write_text("".join(sound.read_text().splitlines(keepends=True)[:60]))
    code, printed, _ = command("check", sound, "--json")
    assert code == 3
    (finding,) = [item for item in json.loads(printed)["findings"] if item["code"] == "E66"]
    assert finding["found"] == "59 sessions in one piece, the most of any symbol"
    assert "at least 60" in finding["rule"]


def test_machines_get_one_document(command, bad):
    code, printed, complaint = command("check", bad, "--json")
    assert (code, complaint) == (3, "")
    report = json.loads(printed)
    assert (report["format"], report["ok"], report["basis"]) == (1, False, "unknown")
    assert report["counts"] == report["counts"] | {"E27": 1, "E54": 1, "E66": 1}
    first = next(item for item in report["findings"] if item["code"] == "E54")
    place = (first["path"], first["row"], first["column"], first["symbol"], first["session"])
    assert place == (str(bad), 3, "close", "A", "2020-01-03")
    assert float(first["found"]) == -3
    assert (first["rule"].split(";")[0], first["count"]) == ("price > 0", 1)
    assert [item["symbol"] for item in report["symbols"]] == ["A", "B"]
    assert report["symbols"][0] == {
        "symbol": "A",
        "exchange": "XNYS",
        "first": "2020-01-02",
        "last": "2020-01-02",
        "bars": 1,
        "segments": 1,
    }


def test_the_document_of_sound_prices_is_ok(command, sound):
    code, printed, _ = command("check", sound, "--json")
    report = json.loads(printed)
    assert (code, report["ok"], report["suggestion"]) == (0, True, "")


def test_the_document_suggests_the_settings_that_would_mend():
    refusal = Finding(
        number=52, response="E", found="9 missing", rule="r", fix='set data.gaps = "split".'
    )
    frame = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64})
    report = check_document(Bars(frame=frame, findings=(refusal,)), DataConfig())
    assert report["suggestion"] == '[data]\ngaps = "split"  # E52'
    assert json_text(report, what="check")


def test_prices_pass_with_the_settings_that_the_check_suggests(command, sound, tmp_path):
    lines = sound.read_text().splitlines()
    lines[5] = lines[5].partition(",")[0] + ",-1"
    del lines[700:720]
    sound.write_text("\n".join(lines) + "\n")
    code, printed, _ = command("check", sound, "--json")
    report = json.loads(printed)
    assert (code, report["counts"]["E54"]) == (3, 1)
    assert "E52" not in report["counts"]  # the row that is refused may be what is missing
    settings = tmp_path / "run.toml"
    settings.write_text(report["suggestion"])
    code, printed, _ = command("check", sound, "--config", settings, "--json")
    report = json.loads(printed)
    assert (code, report["counts"]["E52"]) == (3, 1)
    with settings.open("a") as file:
        file.write(report["suggestion"].partition("[data]")[2])
    code, printed, _ = command("check", sound, "--config", settings, "--json")
    report = json.loads(printed)
    assert (code, report["counts"]["P52"], report["counts"]["P54"]) == (0, 1, 1)
    policies = {"gaps": "split", "nonpositive": "drop"}
    assert report["policies"] == report["policies"] | policies
    assert report["symbols"][0]["segments"] == 2


LEAVE_OUT = '# bad_symbols = "leave out"  # goes on without these: BAD, CUT.csv'


def test_what_would_go_on_without_the_bad_symbols_is_said_last(command, sound):
    bad = sound.with_name("BAD.csv")
    bad.write_text("\n".join([*sound.read_text().splitlines()[:700], "2013-03-02,x9"]) + "\n")
    cut = sound.with_name("CUT.csv")
    cut.write_text("date,close\n2021-06-01,10\n2021-06-02\n2021-06-03,10\n")
    code, printed, _ = command("check", sound, bad, cut)
    assert code == 3
    assert printed.rstrip().endswith(LEAVE_OUT)
    assert json.loads(command("check", sound, bad, cut, "--json")[1])["suggestion"].endswith(
        LEAVE_OUT
    )
    assert "bad_symbols" not in json.loads(command("check", bad, "--json")[1])["suggestion"]


def test_a_symbol_refused_for_a_split_is_named_too(command, tmp_path, monkeypatch):
    any_history_is_enough(monkeypatch)
    sessions = [f"2019-03-{day:02}" for day in (*range(4, 9), *range(11, 16))]
    for name, after in (("AAPL", 100), ("MSFT", 47)):
        rows = [f"{day},{100 + k if k < 5 else after + k}" for k, day in enumerate(sessions)]
        (tmp_path / f"{name}.csv").write_text("\n".join(("date,close", *rows)) + "\n")
    code, printed, _ = command("check", tmp_path)
    assert code == 3
    assert printed.rstrip().endswith("goes on without these: MSFT")


def test_a_cure_of_one_file_that_changes_another_is_a_comment(command, tmp_path, monkeypatch):
    any_history_is_enough(monkeypatch)
    (tmp_path / "AAPL.csv").write_text("date;close\n2019-03-04;80.886\n2019-03-05;80.921\n")
    german = "date;close\n2019-03-04;1.716,68\n2019-03-05;1.721,35\n"
    (tmp_path / "GOOG.csv").write_text(german)
    settings = tmp_path / "run.toml"
    settings.write_text('[data]\ndecimal = "."\n')
    _, printed, _ = command("check", tmp_path, "--config", settings)
    assert GOES_ON not in printed
    assert '# decimal = ","  # E9: of GOOG.csv' in printed
    _, document, _ = command("check", tmp_path, "--config", settings, "--json")
    lines = json.loads(document)["suggestion"].splitlines()[1:]
    assert all(line.startswith("# ") for line in lines)
    assert '\ndecimal = ","' in command("check", tmp_path / "GOOG.csv", "--config", settings)[1]


HEAD = ("date,open,high,low,close", "2019-03-04,10,11,9,10", "2019-03-05,10,11,9,11")
GOES_ON = "A run would go on with these settings"
# rows after HEAD; the codes that the suggestion mends; what is said above it
SUGGESTIONS = {
    "one cure": (("2019-03-06,10,11,9,-10",), {"E54"}, GOES_ON),
    "two cures": (("2019-03-06,10,11,9,-10", "2019-03-05,10,11,9,9"), {"E43", "E54"}, GOES_ON),
    "one without a cure": (
        ("2019-03-06,10,11,9,-10", "2019-03-07,10,11,9,inf"),
        {"E54"},
        "E32 would be left",
    ),
    "another reason behind it": (
        ('2019-03-06,10,11,9,"1.000,5"', "2019-03-07,10,11,9,-10"),
        {"E54"},
        "E59 would be left",  # 1000.5, read now, is a move beyond ten-fold
    ),
    "only a choice": (("06.03.19,10,11,9,10",), set(), "Choose one of these settings"),
}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("date;close\n2019-03-04;1,180\n2019-03-05;1,195\n", "E10"),
        ("date,close,adj_px\n2019-03-04,10,9\n2019-03-05,11,10\n", "E25"),
        (
            "date,close,exchange\n2019-03-04,10,LSE\n2019-03-04,20,NYSE\n"
            "2019-03-05,11,LSE\n2019-03-05,21,NYSE\n",
            "E43",
        ),
    ],
)
def test_of_two_meanings_none_is_chosen(command, tmp_path, monkeypatch, text, code):
    any_history_is_enough(monkeypatch)
    path = tmp_path / "AAPL.csv"
    path.write_text(text)
    _, printed, _ = command("check", path)
    assert "Choose one of these settings" in printed
    report = json.loads(command("check", path, "--json")[1])
    assert code in report["counts"]
    lines = report["suggestion"].splitlines()[1:]
    assert lines
    assert all(line.startswith("# ") for line in lines)


@pytest.mark.parametrize(("rows", "mended", "said"), SUGGESTIONS.values(), ids=SUGGESTIONS)
def test_what_is_said_above_the_suggestion_comes_true(
    command, tmp_path, monkeypatch, rows, mended, said
):
    any_history_is_enough(monkeypatch)
    path = tmp_path / "AAPL.csv"
    path.write_text("\n".join((*HEAD, *rows)) + "\n")
    code, printed, _ = command("check", path)
    heading = " ".join(printed.split()).partition("besides, ")[2]
    assert code == 3
    assert said in heading
    before = json.loads(command("check", path, "--json")[1])
    settings = tmp_path / "run.toml"
    settings.write_text(before["suggestion"])
    code, printed, _ = command("check", path, "--config", settings, "--json")
    left = {code for code in json.loads(printed)["counts"] if code.startswith("E")}
    assert (code == 0) == (said == GOES_ON) == (not left)
    assert mended <= set(before["counts"])
    assert not mended & left


def test_errors_as_json_are_all_that_is_printed(command, bad):
    for arguments in (("check", bad, "--json-errors"), ("--json-errors", "check", bad)):
        code, printed, complaint = command(*arguments)
        assert (code, printed) == (3, "")
        codes = {json.loads(line)["code"] for line in complaint.splitlines()}
        assert codes == {"E27", "E54", "E66", "W21", "W25", "W68"}


def test_beside_a_document_errors_as_json_are_the_refusals_alone(command, bad):
    code, printed, complaint = command("check", bad, "--json", "--json-errors")
    assert (code, json.loads(printed)["ok"]) == (3, False)
    codes = {json.loads(line)["code"] for line in complaint.splitlines()}
    assert codes == {"E27", "E54", "E66"}


def test_a_missing_file_is_a_finding_too(command):
    code, printed, _ = command("check", "nowhere.csv", "--json")
    report = json.loads(printed)
    assert (code, report["symbols"], report["counts"]["E1"]) == (3, [], 1)


def test_settings_and_options_say_how_prices_are_read(command, sound, tmp_path):
    settings = tmp_path / "run.toml"
    settings.write_text('[data]\ncalendar = "XTKS"\n')
    _, printed, _ = command("check", sound, "--config", settings, "--json")
    assert json.loads(printed)["symbols"][0]["exchange"] == "XTKS"
    _, printed, _ = command("check", sound, "--calendar", "weekdays", "--json")
    assert json.loads(printed)["symbols"][0]["exchange"] == ""
    code, _, complaint = command("check", sound, "--calendar", "XNYZ")
    assert code == 2
    assert "XNYZ" in complaint


def test_nan_in_the_document_would_be_refused_not_printed():
    with pytest.raises(DataError, match="E79 check"):
        json_text({"symbols": [{"symbol": "A", "close": float("nan")}]}, what="check")


def test_a_young_symbol_is_a_warning_that_says_who_forecasts_it(command, sound):
    rows = sound.read_text().splitlines()
    young = sound.with_name("NEW.csv")
    young.write_text("\n".join([rows[0], *rows[-196:]]) + "\n")
    for prices in ((young,), (sound, young)):
        code, printed, _ = command("check", *prices)
        said = " ".join(printed.split())
        assert code == 0
        assert "NEW: 196 sessions, 257 needed by all models, 60 by lstm" in said
        assert "is forecast only by models that read less" in said
        report = json.loads(command("check", *prices, "--json")[1])
        assert (report["ok"], report["counts"]["W66"]) == (True, 1)
    young.write_text("\n".join([rows[0], *rows[-59:]]) + "\n")
    code, printed, _ = command("check", sound, young)
    assert (code, "NEW: 59 sessions, 60 needed" in " ".join(printed.split())) == (0, True)
    code, printed, _ = command("check", young)
    assert (code, "at least 60" in " ".join(printed.split())) == (3, True)
