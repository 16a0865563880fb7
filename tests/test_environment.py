"""Odd surroundings: streams, files, names and libraries that are not as one would like them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nextclose.config import RunConfig, parse_config
from nextclose.errors import ConfigError, LibraryError
from nextclose.libraries import pip_install
from nextclose.models.registry import model_named

ROOT = Path(__file__).parents[1]
PRICES = "Date,Close\n" + "".join(f"2020-01-{day:02},{10 + day % 3}\n" for day in range(6, 11))


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "AAPL.csv"
    path.write_text(PRICES)
    return path


def nextclose(*arguments: object, stdout: str = "", **more: str) -> tuple[int, bytes, bytes]:
    """The command line in a process of its own, its output in a file if that is named."""
    script = "from nextclose.cli import main; main()"
    with open(stdout or os.devnull, "wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", script, *map(os.fsencode, map(str, arguments))],
            stdout=file if stdout else subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **more},
            timeout=120,
        )
    return done.returncode, done.stdout or b"", done.stderr


# --- streams ---


def test_output_that_cannot_be_written_is_said_and_has_its_code():
    code, _, complaint = nextclose("--help", stdout="/dev/full")
    assert code == 6
    assert b"cannot write to standard output: No space left on device. Fix: " in complaint
    assert complaint.count(b"\n") == 1


def test_names_that_are_no_text_end_nothing_even_on_a_terminal_of_few_letters(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xff[/b]"))
    folder.mkdir(parents=True)
    (folder / "AAPL.csv").write_text(PRICES)
    code, printed, complaint = nextclose("check", folder, PYTHONIOENCODING="ascii")
    assert (code, complaint) == (3, b"")  # too short for a forecast
    assert b"d\\udcff[/b]/AAPL.csv: Date, Close" in b"".join(map(bytes.strip, printed.split(b"\n")))


def test_a_name_that_is_no_text_reaches_reports_escaped(command, tmp_path, monkeypatch):
    asked = {}
    home = "nextclose.commands.forecast"
    monkeypatch.setattr(f"{home}._run_into", lambda *_, **told: asked.update(told))
    monkeypatch.setattr(f"{home}.bars_of", lambda *_, **__: None)
    monkeypatch.setattr(f"{home}.say_findings", lambda *_, **__: None)
    command("backtest", os.fsdecode(b"p\xff[b]"), "--out", tmp_path / "run")
    assert asked["command"] == "nextclose backtest 'p\\udcff[b]' --config run/config.toml"
    asked["command"].encode()


# --- bugs ---


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """Loading prices is broken; the log of it goes to a folder of the test."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("for the test")

    (tmp_path / "logs").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "logs"))
    monkeypatch.setattr("nextclose.data.sources.loading.load_usable_bars", fail)
    return tmp_path / "logs"


@pytest.mark.parametrize("where", [("-v", "check", "sample"), ("check", "sample", "--verbose")])
def test_the_traceback_of_a_bug_is_shown_to_who_asks_for_it(command, broken, where):
    code, printed, complaint = command(*where)
    assert (code, printed) == (1, "")
    assert "ZeroDivisionError: for the test" in complaint
    (log,) = broken.iterdir()
    assert complaint.splitlines()[-1].endswith(log.name)
    code, _, complaint = command("check", "sample")
    assert (code, complaint.count("\n")) == (1, 1)
    code, _, complaint = command("--json-errors", *where)
    assert "ZeroDivisionError: for the test" in json.loads(complaint)["details"]


def test_a_bug_is_shown_where_there_is_no_place_for_its_log(command, broken, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    code, _, complaint = command("check", "sample")
    assert code == 1
    assert "ZeroDivisionError: for the test" in complaint
    assert "No file could be written (No usable temporary directory found)" in complaint


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EIO])
def test_what_a_system_lacks_is_no_bug(command, monkeypatch, number):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr("nextclose.data.sources.loading.load_usable_bars", refuse)
    code, _, complaint = command("check", "sample")
    assert (code, complaint.count("\n")) == (6, 1)
    assert f"{os.strerror(number)} (/some/file). Fix: " in complaint


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/']"),
        OSError(
            "Matplotlib requires access to a writable cache directory, but there was an issue "
            "with the default path (/root), and a temporary directory could not be created"
        ),
    ],
)
def test_a_system_without_a_place_for_temporary_files_is_no_bug(command, monkeypatch, error):
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("nextclose.data.sources.loading.load_usable_bars", refuse)
    code, _, complaint = command("check", "sample")
    assert (code, complaint.count("\n")) == (6, 1)
    assert "Fix: name one in TMPDIR" in complaint


# --- settings ---


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "large", "utf-16"])
def test_settings_that_are_no_file_of_toml_are_refused_at_once(command, tmp_path, kind):
    path = tmp_path / "run.toml"
    make = {
        "pipe": lambda: os.mkfifo(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "folder": path.mkdir,
        "large": lambda: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 40),
        "utf-16": lambda: path.write_text("[data]\n", encoding="utf-16"),
    }
    make[kind]()
    code, _, complaint = command("check", "sample", "--config", path)
    assert (code, complaint.count("\n")) == (2, 1)
    assert f"cannot read {path}: " in complaint
    assert "Fix: " in complaint


def test_settings_may_begin_as_editors_of_windows_have_them(command, prices, tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes(b'\xef\xbb\xbf[backtest]\r\nmodels = ["naive"]\r\n')
    code, printed, complaint = command("check", prices, "--config", path)
    assert (code, complaint) == (3, "")
    assert "at least 22" in printed or "E66" in printed


@pytest.mark.parametrize("digits", [5, 12, 20, 400, 5000])
def test_a_horizon_of_many_digits_is_refused_in_few_words(command, tmp_path, digits):
    horizon = "9" * digits
    code, _, complaint = command("backtest", "sample", "--horizons", horizon)
    assert (code, complaint.count("\n")) == (2, 1)
    assert "horizons" in complaint
    assert len(complaint) < 300
    for text in (f"[backtest]\nhorizons = [{horizon}]\n", "[" * digits):
        with pytest.raises(ConfigError) as caught:
            parse_config(text, path="run.toml")
        assert len(str(caught.value)) < 300


# --- libraries ---


def test_trees_without_xgboost_say_so_at_their_first_fit(monkeypatch, walked):
    for name in ("boosters", "training"):
        monkeypatch.delitem(sys.modules, f"nextclose.models.trees.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "xgboost", None)
    fold = walked.study.folds[0]
    with pytest.raises(LibraryError, match="trees needs xgboost, which is not installed"):
        model_named("trees", RunConfig()).fit(fold.train, fold.valid, 0)


def test_all_but_classic_and_teaching_goes_on_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "src")])
    code, printed, complaint = nextclose("check", "sample", PYTHONPATH=path)
    assert (code, b"Nothing is refused" in printed) == (0, True)
    assert b"torch" not in complaint
    settings = tmp_path / "run.toml"
    settings.write_text("[backtest]\nhorizons = [1]\ntest_from = 2012-06-01\n")
    options = ("--config", settings, "--workers", "1", "--out", tmp_path / "run")
    models = ("--models", "naive,hs_250,lstm")
    code, _, complaint = nextclose("backtest", "sample", *models, *options, PYTHONPATH=path)
    assert (code, b"torch" in complaint) == (0, False)
    models = ("--models", "naive,classic")
    code, _, complaint = nextclose("backtest", "sample", *models, *options, PYTHONPATH=path)
    assert code == 2
    cure = pip_install("train").encode()
    assert b"classic needs torch, which is not installed. Fix: " + cure in complaint
