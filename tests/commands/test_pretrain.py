"""Teaching an edition from the command line: what it leaves, says and refuses."""

from __future__ import annotations

import json
import sys
from datetime import date

import pytest

from nextclose.config import parse_config
from nextclose.durable import folder_lock
from nextclose.libraries import pip_install
from nextclose.models.lstm.editions import editions_at
from tests.pretraining.panels import TINY, panel

UNTIL = "2003-03-31"


@pytest.fixture
def prices(tmp_path):
    """Ten companies that teach, five that say when to stop and two others, in one file."""
    path = tmp_path / "panel.parquet"
    panel().frame.write_parquet(path)
    return path


@pytest.fixture
def pretrain(command, prices, tmp_path, monkeypatch):
    """The command in a course of seconds, with these options in the place of the usual ones."""
    monkeypatch.setattr("nextclose.pretraining.pretrain.Course", lambda: TINY)

    def run(*more: object, until: str = UNTIL, out: object = tmp_path / "mine.safetensors"):
        options = ("--calendar", "weekdays", "--until", until, "--out", out)
        return command("pretrain", prices, *options, *more)

    return run


@pytest.fixture
def no_work(monkeypatch):
    monkeypatch.setattr("nextclose.data.sources.loading.load_bars", lambda *_, **__: 1 / 0)


def test_an_edition_is_taught_written_and_ready_for_the_settings_that_are_printed(
    pretrain, tmp_path
):
    weights = tmp_path / "mine.safetensors"
    code, printed, told = pretrain()
    assert (code, "simulated 2/2" in told, f"tuning-{UNTIL}-2 2/2" in told) == (0, True, True)
    (edition,) = editions_at([str(weights)])
    assert (edition.until, edition.card["teach"]["last"]) == (UNTIL, UNTIL)
    settings = parse_config(printed[printed.index("[lstm]") :], path="printed")
    assert settings.lstm.editions == (str(weights),)
    assert "10 symbols, 5,860 sessions from 2001-01-01 to 2003-03-31" in printed
    assert "stopped  by 5 symbols that taught nothing: CRPS 0." in printed
    assert f"kept     {weights}.work: " in printed
    # again: nothing is left to do, and an edition may be replaced
    before = weights.read_bytes()
    code, printed, told = pretrain("--json")
    card = json.loads(printed)
    assert (code, card.pop("until")) == (0, UNTIL)
    assert card == edition.card
    assert weights.read_bytes() == before
    assert "0/2" not in told
    kept = {path.name for path in (tmp_path / "mine.safetensors.work").iterdir()}
    stages = ("simulated", f"tuning-{UNTIL}-1", f"tuning-{UNTIL}-2")
    assert kept == {f"{stage}.safetensors" for stage in stages}


def test_prices_after_the_day_are_not_read(pretrain, prices, tmp_path):
    assert pretrain()[0] == 0
    panel().frame.filter(panel().frame["session"] <= date(2003, 3, 31)).write_parquet(prices)
    other = tmp_path / "other.safetensors"
    code, _, _ = pretrain("--work", tmp_path / "mine.safetensors.work", out=other)
    assert code == 0
    assert other.read_bytes() == (tmp_path / "mine.safetensors").read_bytes()


def test_a_day_that_has_not_come_is_refused_before_any_work(pretrain, no_work):
    code, _, complaint = pretrain(until="2999-01-01")
    assert (code, complaint.count("\n")) == (2, 1)
    assert (
        "--until 2999-01-01 has not come: such an edition would never be used. Fix: " in complaint
    )


def test_a_day_after_the_last_session_is_refused_with_that_session(pretrain, tmp_path):
    code, _, complaint = pretrain(until="2003-09-08")
    assert (code, complaint.count("\n")) == (2, 1)
    assert "lies after the last session of the prices" in complaint
    assert "Fix: --until 2003-09-05, or give later prices." in complaint
    assert [path.name for path in tmp_path.iterdir()] == ["panel.parquet"]


def test_a_folder_is_no_place_for_an_edition(pretrain, no_work, tmp_path):
    code, _, complaint = pretrain(out=tmp_path)
    assert (code, complaint.count("\n")) == (2, 1)
    assert f"is a folder. Fix: name a file, as --out {tmp_path}/edition.safetensors" in complaint


def test_a_file_that_is_no_edition_is_not_replaced(pretrain, no_work, prices):
    before = prices.read_bytes()
    code, _, complaint = pretrain(out=prices)
    assert (code, complaint.count("\n")) == (2, 1)
    assert "is there and no edition; it is not replaced. Fix: " in complaint
    assert prices.read_bytes() == before


def test_places_that_cannot_be_written_are_found_before_any_work(pretrain, no_work, tmp_path):
    code, _, complaint = pretrain(out="/proc/nowhere/mine.safetensors")
    assert (code, "cannot write /proc/nowhere" in complaint) == (6, True)
    code, _, complaint = pretrain("--work", "/proc/nowhere")
    assert code == 6
    assert "cannot write /proc/nowhere" in complaint
    assert "choose another --work" in complaint
    with folder_lock(tmp_path / "work"):
        code, _, complaint = pretrain("--work", tmp_path / "work")
    assert (code, "work is being written by process" in complaint) == (4, True)


def test_too_few_symbols_are_refused_and_leave_nothing(command, prices, tmp_path):
    few = panel(n_teach=10, n_stop=4, n_test=2).frame
    few.write_parquet(prices)
    options = ("--calendar", "weekdays", "--until", UNTIL, "--out", tmp_path / "a" / "mine")
    code, _, complaint = command("pretrain", prices, *options)
    assert code == 3
    (said,) = [line for line in complaint.splitlines() if "symbols of 250 sessions" in line]
    assert said.startswith("4 symbols of 250 sessions or more up to 2003-03-31 may say when to")
    assert [path.name for path in tmp_path.iterdir()] == ["panel.parquet"]


def test_without_torch_it_says_which_extra_has_it(pretrain, no_work, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, complaint = pretrain()
    assert (code, complaint.count("\n")) == (2, 1)
    assert "pretrain needs torch, which is not installed" in complaint
    assert pip_install("train") in complaint
