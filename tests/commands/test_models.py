"""`nextclose models`: what forecasts can be made with."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest
from rich.console import Console

from nextclose.commands import models
from nextclose.config import BacktestConfig, ClassicConfig
from nextclose.features.table import lookback_sessions
from nextclose.glossary import MODELS
from nextclose.libraries import pip_install
from nextclose.models.registry import OURS
from nextclose.studies import NEEDED_LIBRARIES


def test_every_model_is_listed_with_what_it_is_and_needs(command):
    code, printed, complaint = command("models")
    assert (code, complaint) == (0, "")
    said = " ".join(printed.split())
    for name in OURS:
        assert name in printed
        assert MODELS[name].short.split()[0] in said
    rows = {row["model"]: row for row in json.loads(command("models", "--json")[1])["models"]}
    assert list(rows) == [*OURS]
    assert rows["lstm"]["sessions"] == 60
    assert all(rows[name]["sessions"] > 60 for name in OURS if name != "lstm")
    assert {name for name, row in rows.items() if row["is_default"]} == {*BacktestConfig().models}
    assert {name for name, row in rows.items() if row["extra"]} == {*NEEDED_LIBRARIES}
    assert {rows["classic"]["extra"], rows["trees"]["extra"]} == {"train", "trees"}


def test_what_classic_needs_is_what_its_traits_say():
    from nextclose.models.classic.classic import Classic

    traits = Classic(settings=ClassicConfig()).traits
    (row,) = [row for row in models.model_rows() if row["model"] == "classic"]
    assert row["sessions"] == lookback_sessions(traits.family) + traits.context_sessions


@pytest.mark.parametrize(("library", "extra"), [("torch", "train"), ("talib", "indicators")])
def test_a_model_whose_library_is_missing_says_what_to_install(
    command, monkeypatch, library, extra
):
    find = importlib.util.find_spec
    monkeypatch.setattr(models, "find_spec", lambda name: None if name == library else find(name))
    _, printed, _ = command("models")
    assert f"Needs {pip_install(extra)}." in " ".join(printed.split())
    rows = json.loads(command("models", "--json")[1])["models"]
    assert [row["model"] for row in rows if not row["is_installed"]] == ["classic"]


def test_a_model_of_an_installed_package_is_listed_too(command, monkeypatch):
    monkeypatch.setattr("nextclose.models.registry.installed_names", lambda: ("mine",))
    assert "Of an installed package." in " ".join(command("models")[1].split())


def test_the_list_fits_forty_columns(capsys):
    console = Console(width=40)
    with console.capture() as captured:
        console.print(models.model_table(models.model_rows()))
    lines = captured.get().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 40
    assert any("hs_expanding" in line for line in lines)


def test_no_library_of_seconds_is_loaded_for_it():
    code = (
        "import sys; from nextclose.commands.models import model_rows; model_rows(); "
        "print({'torch', 'xgboost'} & {*sys.modules})"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
