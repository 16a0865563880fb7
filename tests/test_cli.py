"""Commands as a user types them: what they print, what they leave behind, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest

from nextclose import cli
from nextclose.commands import forecast
from nextclose.config import BacktestConfig, RunConfig
from nextclose.data.calendars.sessions import sessions_after
from nextclose.data.finding_counts import policies_in_force
from nextclose.data.sources.loading import sample_bars
from nextclose.durable import folder_lock
from nextclose.errors import LockedError, SourceError
from nextclose.schema import Bars, Finding

QUICK = ("--models", "naive,hs_250,hs_expanding,ewma", "--workers", "1")
QUICK_SETTINGS = RunConfig(
    backtest=BacktestConfig(models=("naive", "hs_250", "ewma"), horizons=(1,), test_sessions=300)
)


@pytest.fixture
def prices(tmp_path):
    """Two symbols of the sample as CSV, the way people have them."""
    folder = tmp_path / "prices"
    folder.mkdir()
    frame = sample_bars().frame
    for symbol in ("AAPL", "IBM"):
        part = frame.filter(pl.col("symbol") == symbol).tail(900).drop("symbol")
        part.rename({"session": "Date", "close": "Close"}).write_csv(folder / f"{symbol}.csv")
    return folder


def test_backtest_prints_the_scoreboard_and_leaves_a_run_folder(command, prices, tmp_path):
    out = tmp_path / "run"
    code, printed, _ = command("backtest", prices, *QUICK, "-v", "--horizons", "1", "--out", out)
    assert code == 0
    assert "hs_expanding" in printed
    assert "All symbols together" in printed
    assert f"report   {out / 'report.html'}\n" in printed
    assert {path.name for path in out.iterdir()} >= {
        *("config.toml", "forecasts.parquet", "verdict.json", "report.html", "figures", "tasks")
    }
    document = json.loads((out / "verdict.json").read_text())
    assert document["format"] == 1
    assert {row["horizon_sessions"] for row in document["rows"]} == {1}
    assert {row["symbol"] for row in document["rows"]} == {"*", "AAPL", "IBM"}
    lead = document["run"]["lead"]
    assert lead["model"] in ("hs_250", "hs_expanding", "ewma")
    said = " ".join(printed.split())
    (first,) = (
        row["sentence"]
        for row in document["rows"]
        if (row["symbol"], row["model"]) == ("*", lead["model"])
    )
    assert f"{lead['sentence']} {first}" in said
    page = (out / "report.html").read_text()
    assert page.index(f"The verdict on {lead['model']}<") < page.index(lead["sentence"])


def test_a_run_can_be_repeated_from_the_settings_it_left(command, prices, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    command("backtest", prices, *QUICK, "--horizons", "1,5", "--out", first)
    settings = ("--config", first / "config.toml", "--workers", 1)
    code, _, _ = command("backtest", prices, *settings, "--out", again)
    assert code == 0
    assert (first / "verdict.json").read_bytes() == (again / "verdict.json").read_bytes()
    assert (first / "report.html").read_text().count("<svg") == (
        again / "report.html"
    ).read_text().count("<svg")


@pytest.mark.parametrize("name", ["backtest", "train", "demo"])
def test_a_folder_that_another_run_is_writing_is_refused_before_any_work(
    command, monkeypatch, tmp_path, name
):
    prices = () if name == "demo" else ("sample",)
    monkeypatch.setattr("nextclose.data.sources.loading.load_bars", lambda *_, **__: 1 / 0)
    with folder_lock(tmp_path / "out"):
        code, _, complaint = command(name, *prices, "--out", tmp_path / "out")
    assert (code, complaint.count("is being written by process")) == (4, 1)


@pytest.mark.parametrize("name", ["backtest", "train", "demo"])
def test_a_place_that_cannot_be_written_is_found_before_any_work(command, monkeypatch, name):
    monkeypatch.setattr("nextclose.data.sources.loading.load_bars", lambda *_, **__: 1 / 0)
    prices = () if name == "demo" else ("sample",)
    code, _, complaint = command(name, *prices, "--out", "/proc/nowhere")
    assert code == 6
    assert "cannot write /proc/nowhere" in complaint


def test_prices_that_are_refused_leave_no_folder_behind(command, tmp_path):
    for name in ("backtest", "train"):
        code, _, _ = command(name, tmp_path / "nowhere.csv", "--out", tmp_path / "runs" / "out")
        assert (code, list(tmp_path.iterdir())) == (3, [])


def test_json_is_the_only_thing_on_standard_output(command, prices, tmp_path):
    out = tmp_path / "run"
    code, printed, _ = command(
        "backtest", prices, *QUICK, "--horizons", "1", "--json", "--out", out
    )
    assert code == 0
    assert json.loads(printed) == json.loads((out / "verdict.json").read_text())


def test_a_backtest_of_the_hybrid_says_what_it_is_made_of_and_whether_that_paid(
    command, prices, tmp_path
):
    settings = tmp_path / "run.toml"
    settings.write_text('[hybrid]\nmembers = ["ewma", "har"]\n[backtest]\nrefit_sessions = 60\n')
    options = ("--config", settings, "--models", "naive,hybrid", "--horizons", "1", "--workers", 1)
    code, printed, _ = command("backtest", prices, *options, "-v", "--out", tmp_path / "run")
    assert code == 0
    said = " ".join(printed.split())
    assert "At 1 session the hybrid" in said
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What the hybrid is made of" in page
    document = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert set(document["hybrid"]) == {"ablation"}


def test_the_demo_is_smaller_than_the_full_run_in_refits_only():
    demo, full = forecast._demo_settings(), RunConfig()
    days = sample_bars().frame["session"].unique().sort()
    assert demo.backtest.models == (*full.backtest.models, "classic")
    assert demo.backtest.test_from == days[-full.backtest.test_sessions]
    assert demo.backtest.refit_sessions == 2 * full.backtest.refit_sessions
    assert (demo.hybrid, demo.trees, demo.lstm) == (full.hybrid, full.trees, full.lstm)


def test_train_then_predict_gives_dates_prices_and_ranges(command, prices, tmp_path):
    bundle = tmp_path / "bundle"
    code, printed, _ = command("train", prices, "--workers", 1, "--out", bundle)
    assert code == 0
    assert "257 bars" in printed
    code, printed, _ = command("predict", bundle, prices, "--format", "json")
    assert code == 0
    rows = json.loads(printed)
    assert [(row["symbol"], row["date"]) for row in rows] == [
        (symbol, date)
        for symbol in ("AAPL", "IBM")
        for date in ("2013-03-04", "2013-03-12", "2013-04-15")  # Good Friday: 2013-03-29
    ]
    for row in rows:
        assert row["low_90"] < row["low_50"] < row["median"] < row["high_50"] < row["high_90"]
    code, printed, _ = command("predict", bundle, prices, "--format", "csv")
    assert printed.startswith("symbol,origin,horizon_sessions,date,close,median,low_50,high_50")
    code, printed, _ = command("predict", bundle, prices)
    assert "Next closes" in printed


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("backtest", "nowhere.csv"), 3, "E1 nowhere.csv"),
        (("backtest", "sample", "--models", "lstmm"), 2, "the nearest is 'lstm'"),
        (("backtest", "sample", "--horizons", "soon"), 2, "as in 1,7,30"),
        (("backtest", "sample", "--config", "nowhere.toml"), 2, "cannot read nowhere.toml"),
        (("backtest", "sample", "--out", "/proc/nowhere"), 6, "cannot write /proc/nowhere"),
        (("predict", "nowhere", "sample"), 3, "E1 nowhere"),
        (("predict", "nowhere", "sample", "--format", "xml"), 2, "table, csv or json"),
        (("fly",), 2, "No such command"),
    ],
)
def test_a_mistake_is_one_clear_message_and_its_own_exit_code(command, arguments, code, said):
    found, printed, complaint = command(*arguments)
    assert found == code
    assert said in complaint
    assert "Traceback" not in complaint + printed


@pytest.mark.parametrize("subcommand", ["backtest", "train"])
@pytest.mark.parametrize("out", ["prices", "prices/", "./prices/../prices", "."])
def test_results_do_not_go_into_the_folder_of_the_prices(
    command, tmp_path, monkeypatch, subcommand, out
):
    (tmp_path / "prices").mkdir()
    monkeypatch.chdir(tmp_path)
    given = "." if out == "." else "prices"
    code, _, complaint = command(subcommand, given, "--out", out)
    assert code == 2
    assert "is the folder of the prices" in complaint
    assert "Fix: name another, as --out" in complaint
    assert [*(tmp_path / "prices").iterdir()] == []


def test_a_bundle_behind_the_prices_is_told_to_come_first(command, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text("{}")
    (tmp_path / "prices").mkdir()
    monkeypatch.chdir(tmp_path)
    code, _, complaint = command("predict", "prices", "mine")
    assert code == 2
    assert "Fix: nextclose predict mine prices" in " ".join(complaint.split())


def test_a_run_is_no_bundle_and_that_is_said(command, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "verdict.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    code, _, complaint = command("predict", "run", "sample")
    assert code == 7
    assert "found the run of a backtest" in complaint
    (tmp_path / "run" / "bundle").mkdir()
    (tmp_path / "run" / "bundle" / "manifest.json").write_text("{}")
    assert "Fix: give run/bundle." in command("predict", "run", "sample")[2]


def test_bad_cells_are_named_by_file_row_column_and_cure(command, tmp_path):
    path = tmp_path / "BAD.csv"
    path.write_text("Date,Close\n2020-01-02,10\n2020-01-03,ten\n2020-01-06,-3\n")
    code, _, complaint = command("backtest", path)
    assert code == 3
    for part in ("row 3, column close, BAD 2020-01-03: found ten", "Fix: correct the file"):
        assert part in complaint
    assert "E54" in complaint
    assert "row 4" in complaint


def test_too_short_a_history_says_how_much_is_needed(command, tmp_path):
    path = tmp_path / "NEW.csv"
    days = pl.Series(sessions_after(date(2020, 1, 1), 59))
    close = [10 + 0.1 * (k % 7) for k in range(len(days))]
    pl.DataFrame({"Date": days, "Close": close}).write_csv(path)
    for arguments in (("backtest", path), ("train", path, "--out", tmp_path / "bundle")):
        code, _, complaint = command(*arguments)
        assert code == 3
        assert f"at least {60 if arguments[0] == 'backtest' else 257}" in complaint
        assert "found 59" in complaint


def test_a_bug_becomes_a_log_file_not_a_dump(command, monkeypatch, tmp_path):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("for the test")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("nextclose.data.sources.loading.load_bars", broken)
    code, printed, complaint = command("backtest", "sample")
    assert code == 1
    assert "Traceback" not in printed + complaint
    (log,) = tmp_path.glob("nextclose-*.log")
    assert str(log.name) in complaint.replace("\n", "")
    assert "ZeroDivisionError: for the test" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "facts"),
    [
        (("backtest", "nowhere.csv"), 3, {"code": "E1", "path": "nowhere.csv"}),
        (("predict", "nowhere", "sample"), 3, {"code": "E1", "path": "nowhere"}),
        (("backtest", "sample", "--models", "lstmm"), 2, {"error": "ConfigError"}),
        (("fly",), 2, {"error": "usage", "message": "No such command 'fly'."}),
        (("backtest", "--fly"), 2, {"error": "usage", "exit_code": 2}),
    ],
)
def test_machines_get_each_error_as_one_json_object(command, arguments, code, facts):
    for whole in (("--json-errors", *arguments), (*arguments, "--json-errors")):
        found, printed, complaint = command(*whole)
        (said,) = map(json.loads, complaint.splitlines())
        assert (found, printed) == (code, "")
        assert said == said | facts
        assert all(name.isidentifier() and name[0] != "_" for name in said)
    _, _, complaint = command(*arguments)  # the next call speaks to people again
    assert not complaint.startswith("{")


def test_with_json_errors_nothing_but_json_is_on_standard_error(command, prices, tmp_path):
    options = (*QUICK, "--horizons", "1", "--out", tmp_path / "run", "--json-errors")
    code, _, complaint = command("backtest", prices, *options)
    assert code == 0
    assert {json.loads(line)["code"][0] for line in complaint.splitlines()} <= {"P", "R", "W"}
    assert "R22" in complaint


def test_a_backtest_says_what_data_it_rests_on(command, prices, tmp_path):
    out = tmp_path / "run"
    code, printed, _ = command("backtest", prices, *QUICK, "--horizons", "1", "-v", "--out", out)
    assert code == 0
    assert "2 symbols, 1,800 bars" in " ".join(printed.split())
    run = json.loads((out / "verdict.json").read_text())["run"]
    for code, count in run["findings"].items():
        assert f"{code} {count:,} place" in printed
    assert run["policies"] == policies_in_force(RunConfig().data)
    page = (out / "report.html").read_text()
    assert "Adjusted for splits and dividends" in page
    assert "Survivorship" in page


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_command_with_its_own_exit_code(command, monkeypatch, number, code):
    before = signal.signal(number, signal.SIG_DFL)  # whoever runs the tests may ignore it
    monkeypatch.setattr(
        "nextclose.data.sources.loading.load_bars", lambda *_, **__: signal.raise_signal(number)
    )
    try:
        found, _, complaint = command("backtest", "sample")
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert (found, complaint.strip()) == (code, cli.STOPPED)


def test_a_signal_that_is_ignored_stays_ignored(command, monkeypatch):
    bars = sample_bars()

    def signalled(*_: object, **__: object) -> Bars:
        signal.raise_signal(signal.SIGHUP)
        return bars

    monkeypatch.setattr("nextclose.data.sources.loading.load_bars", signalled)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        code, _, complaint = command("backtest", "sample", "--out", "/proc/nowhere")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert code == 6
    assert "cannot write" in complaint


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SourceError((Finding(number=72, response="E", found="0 rows", rule="rows"),)), 9),
        (LockedError(path="store", holder=7), 4),
        (MemoryError(), 6),
    ],
)
def test_other_ends_have_their_own_exit_codes_too(command, monkeypatch, error, code):
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("nextclose.data.sources.loading.load_usable_bars", broken)
    for options in ((), ("--json-errors",)):
        found, printed, complaint = command("check", "sample", *options)
        assert (found, printed, len(complaint.splitlines())) == (code, "", 1)
        assert complaint.startswith("{") == bool(options)


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(("name", "code"), [("sample", 0), ("nowhere.csv", 3)])
def test_a_reader_who_leaves_changes_neither_the_end_nor_what_is_said(name, code, options):
    script = "from nextclose.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", script, "check", name, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    running.stdout.close()  # before anything was written: every write meets a broken pipe
    _, complaint = running.communicate(timeout=120)
    assert (running.returncode, complaint) == (code, "")


def test_help_of_every_command_has_an_example(command):
    for named in cli.app.registered_commands:
        assert named.callback
        name = named.callback.__name__
        for option in ("--help", "-h"):
            code, printed, _ = command(name, option)
            assert code == 0
            assert f"Example: nextclose {name}" in " ".join(printed.split())


def test_a_backtest_ends_in_a_dozen_lines_that_say_what_it_comes_to(command, prices, tmp_path):
    out = tmp_path / "run"
    code, printed, complaint = command(
        "backtest", prices, *QUICK, "--horizons", "1,5", "--out", out
    )
    assert code == 0
    lines = printed.splitlines()
    assert len(lines) + len(complaint.splitlines()) <= 15
    document = json.loads((out / "verdict.json").read_text())
    lead = document["run"]["lead"]["model"]
    assert lines[0].startswith(f"{lead} leads, the simplest model that ")
    ahead = [line.split()[0] for line in lines if "90% range" in line]
    assert ahead == ["1", "5"]
    assert [line.split()[0] for line in lines[-3:]] == ["data", "report", lines[-1].split()[0]]
    assert lines[-1].endswith(" s")


def test_a_quiet_backtest_leaves_its_folder_without_a_word(command, prices, tmp_path):
    arguments = ("backtest", prices, *QUICK, "--horizons", "1", "--out", tmp_path / "run", "-q")
    assert command(*arguments) == (0, "", "")
    assert (tmp_path / "run" / "report.html").exists()
    code, printed, complaint = command(*arguments, "--json")
    assert (code, json.loads(printed)["format"], complaint) == (0, 1, "")


def test_quiet_and_verbose_are_a_choice(command):
    code, _, complaint = command("demo", "-q", "-v")
    assert code == 2
    assert "choose one of them" in complaint


@pytest.mark.parametrize("arguments", [("--version",), ("demo", "--version")])
def test_the_release_is_told_wherever_it_is_asked_for(command, arguments):
    code, printed, _ = command(*arguments)
    assert (code, printed) == (0, f"nextclose {version('nextclose')}\n")


def test_what_stands_behind_two_dashes_is_a_name(command):
    code, _, complaint = command("check", "--", "-q")
    assert (code, complaint) == (3, "")  # no such file: looked for, and said on standard output
    assert "E1" in command("check", "--", "-v")[1]


@pytest.mark.parametrize("name", ["backtest", "demo"])
def test_the_report_is_opened_in_the_browser_if_that_is_asked_for(
    command, monkeypatch, prices, tmp_path, name
):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)  # None: it could not
    out = tmp_path / "run"
    if name == "demo":
        monkeypatch.setattr(forecast, "_demo_settings", lambda: QUICK_SETTINGS)
        monkeypatch.setattr(forecast, "_train_bundle", lambda *_: None)
    call = ("demo",) if name == "demo" else ("backtest", prices, *QUICK, "--horizons", "1")
    code, _, complaint = command(*call, "--out", out)
    assert (code, opened) == (0, [])
    code, _, complaint = command(*call, "--out", out, "--open")
    assert (code, opened) == (0, [(out / "report.html").as_uri()])
    assert "No browser could be opened." in complaint


def test_the_command_in_a_report_does_the_run_again(command, prices, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = (*QUICK, "--horizons", "1")
    assert command("backtest", "prices", *options, "--out", "runs/mine")[0] == 0
    again = "nextclose backtest prices --config runs/mine/config.toml"
    assert again in (tmp_path / "runs" / "mine" / "report.html").read_text()
    assert command(*again.split()[1:], "--workers", 1, "--out", "runs/again")[0] == 0
    one, two = (
        (tmp_path / "runs" / name / "verdict.json").read_bytes() for name in ("mine", "again")
    )
    assert one == two


@pytest.mark.parametrize(
    ("out", "instead"), [("runs/mine", "runs/mine/config.toml"), ("/tmp/a b", "'a b/config.toml'")]
)
def test_no_full_path_is_in_the_command_of_a_report(out, instead):
    command = forecast._command_again(["/home/me/prices"], Path("/home/me/news.csv"), Path(out))
    assert command == f"nextclose backtest prices --news news.csv --config {instead}"


def test_results_do_not_go_into_a_folder_within_that_of_the_prices(command, tmp_path, monkeypatch):
    (tmp_path / "prices" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    code, _, complaint = command("backtest", "prices", "--out", "prices/x")
    assert code == 2
    assert "is in the folder of the prices" in complaint
    assert "Fix: name another, as --out runs/x" in complaint
    assert command("train", "prices", "--out", "prices/a/b")[0] == 2
    # who works among the prices has the usual place below them
    monkeypatch.chdir(tmp_path / "prices" / "deep")
    assert command("backtest", "..", "--out", "../runs/x")[0] == 3
    code, _, complaint = command("backtest", "..", "--out", "..")
    assert code == 2
    assert "Fix: name another, as --out ../../runs/prices." in complaint


def completions(words: str, *, shell: str) -> tuple[int, list[str]]:
    """What a shell is told when the user presses TAB behind these words."""
    script = "import sys; sys.argv = ['nextclose']; from nextclose.cli import main; main()"
    asked = {"_NEXTCLOSE_COMPLETE": f"complete_{shell}", "COMP_WORDS": words}
    asked |= {"COMP_CWORD": str(len(words.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": words}
    told = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | asked, capture_output=True, text=True
    )
    return told.returncode, told.stdout.split()


def test_a_shell_completes_commands_and_leaves_prices_to_its_own_files():
    code, told = completions("nextclose b", shell="bash")
    assert (code, told) == (0, ["backtest"])
    code, told = completions("nextclose predict pri", shell="bash")
    assert (code, told) == (0, [])
