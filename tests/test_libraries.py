"""Every extra missing in turn: one line names it, before any work; what needs none goes on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement

from nextclose import libraries
from nextclose.commands import forecast
from nextclose.config import BacktestConfig, HybridConfig, LstmConfig, RunConfig
from nextclose.errors import LibraryError
from nextclose.features.classic import CLASSIC
from nextclose.libraries import EXTRAS, library_errors, pip_install
from nextclose.studies import check_libraries
from tests.features.random_bars import random_frame, symbol_bars

ROOT = Path(__file__).parents[1]
PACKAGES = {"talib": "ta-lib"}  # a library -> the package that has it, where they differ
FINE_TUNED = "[lstm]\nfine_tune = true\n[backtest]\nmodels = ['naive', 'lstm']\n"
WITH_TREES = "[hybrid]\nmembers = ['loghar', 'trees']\n"
NEWS = "symbol,first_seen,headline\nAAPL,2012-06-01T09:00:00-04:00,Apple rises\n"


def without(*libraries: str, folder: Path) -> str:
    """A folder for the front of the path in which these libraries are not installed."""
    folder.mkdir()
    for name in libraries:
        text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n"
        (folder / f"{name}.py").write_text(text)
    return os.pathsep.join([str(folder), str(ROOT / "src"), *filter(None, sys.path)])


CASES = [
    ("torch", ("backtest", "sample", "--models", "naive,classic"), "classic needs torch"),
    ("talib", ("backtest", "sample", "--models", "naive,classic"), "classic needs TA-Lib"),
    ("talib", ("samples", "sample", "--form", "classic"), "--form classic needs TA-Lib"),
    ("torch", ("backtest", "sample", "--config", FINE_TUNED), "lstm, fine-tuned needs torch"),
    ("torch", ("pretrain", "sample", "--until", "2010-12-31"), "pretrain needs torch"),
    ("xgboost", ("backtest", "sample", "--models", "trees"), "trees needs xgboost"),
    ("xgboost", ("train", "sample", "--config", WITH_TREES), "trees needs xgboost"),
    ("psycopg", ("backtest", "postgresql://u@h/db"), "postgresql:///db needs psycopg"),
    ("vaderSentiment", ("backtest", "sample", "--news", NEWS), "a headline without a score needs "),
    ("yfinance", ("fetch", "AAPL"), "a download from Yahoo needs yfinance"),
]


@pytest.mark.parametrize(("library", "arguments", "said"), CASES)
def test_a_missing_library_is_one_line_that_names_its_extra(tmp_path, library, arguments, said):
    words = []
    for text in arguments:  # what has lines stands for a file of them
        if "\n" in text:
            (tmp_path / "given").mkdir()
            path = tmp_path / "given" / ("news.csv" if text == NEWS else "run.toml")
            path.write_text(text)
            text = str(path)
        words.append(text)
    out = tmp_path / "out"
    option = "--store" if arguments[0] == "fetch" else "--out"
    done = subprocess.run(
        [sys.executable, "-m", "nextclose", *words, option, str(out)],
        env={**os.environ, "PYTHONPATH": without(library, folder=tmp_path / "blocked")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr
    assert f"which is not installed. Fix: {pip_install(EXTRAS[library])}" in done.stderr
    assert not [path for path in out.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (None, "'nextclose[trees]'"),
        ('{"url": "file:///a/b", "dir_info": {"editable": true}}', "-e '/a/b[trees]'"),
        ('{"url": "file:///a/b", "dir_info": {}}', "'/a/b[trees]'"),
        ('{"url": "file:///a%20b/n.whl", "archive_info": {}}', "'file:///a%20b/n.whl[trees]'"),
        (
            '{"url": "https://x.example/n.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}',
            "'nextclose[trees] @ git+https://x.example/n.git'",
        ),
        (
            '{"url": "https://x.example/n.whl", "archive_info": {}}',
            "'nextclose[trees] @ https://x.example/n.whl'",
        ),
    ],
)
def test_an_extra_is_added_from_where_the_package_came(monkeypatch, origin, named):
    """PEP 610: an index may not have the package, or have another of its name."""
    installed = SimpleNamespace(read_text=lambda _name: origin)
    monkeypatch.setattr(libraries, "distributions", lambda name: [installed])
    assert pip_install.__wrapped__("trees") == f"pip install {named}"


@pytest.fixture
def walked_by_demo(monkeypatch) -> list[RunConfig]:
    """The settings that `nextclose demo` walks with, which then does nothing else."""
    walked: list[RunConfig] = []

    def keep(_place: object, _bars: object, config: RunConfig, *_: object, **__: object) -> Any:
        walked.append(config)
        return SimpleNamespace(bars=SimpleNamespace(findings=()))

    monkeypatch.setattr(forecast, "_run_into", keep)
    for silenced in ("_print_next_closes", "_train_bundle", "print_run"):
        monkeypatch.setattr(forecast, silenced, lambda *_: None)
    return walked


@pytest.mark.parametrize("library", ["torch", "talib"])
def test_the_demo_leaves_out_the_tutorials_network_and_says_how_to_have_it(
    command, walked_by_demo, tmp_path, monkeypatch, library
):
    monkeypatch.setitem(sys.modules, library, None)
    code, said, _ = command("demo", "--out", tmp_path / "demo")
    assert code == 0
    (line,) = [line for line in said.splitlines() if "classic" in line]
    assert line.startswith("without classic, the tutorial's network: ")
    cure = pip_install(EXTRAS[library])
    assert line.endswith(f"is not installed. To have it: {cure}")
    (config,) = walked_by_demo
    check_libraries(config)
    assert config.backtest.models == RunConfig().backtest.models


def test_the_demo_has_the_tutorials_network_where_it_can_be_fitted(
    command, walked_by_demo, tmp_path
):
    code, said, _ = command("demo", "--out", tmp_path / "demo")
    assert (code, "classic" in said) == (0, False)
    assert walked_by_demo[0].backtest.models[-1] == "classic"


def test_what_is_asked_for_decides_what_is_needed(monkeypatch):
    for library in EXTRAS:
        monkeypatch.setitem(sys.modules, library, None)
    check_libraries(RunConfig())
    idle = HybridConfig(members=("loghar", "trees"))  # of a hybrid that is not asked for
    check_libraries(RunConfig(hybrid=idle, backtest=BacktestConfig(models=("naive",))))
    check_libraries(
        RunConfig(lstm=LstmConfig(fine_tune=True), backtest=BacktestConfig(models=("naive",)))
    )
    with pytest.raises(LibraryError, match="trees needs xgboost"):
        check_libraries(RunConfig(hybrid=idle))


def test_the_tutorials_columns_without_talib_are_no_bug(monkeypatch):
    monkeypatch.setitem(sys.modules, "talib", None)
    bars = symbol_bars(random_frame(seed=7))
    column = next(column for column in CLASSIC.columns if column.name == "rsi_14")
    with pytest.raises(LibraryError, match="a column of the tutorial needs TA-Lib"):
        column.values(bars)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            "classic needs torch, which is not installed. "
            f"Fix: {re.escape(pip_install('train'))}, ",
        ),
        (OSError("libgomp.so.1: cannot open shared object file"), "OpenMP. Fix: install it .apt "),
        (
            ValueError("XGBoost Library (libxgboost.so) could not be loaded.\n * OpenMP runtime"),
            "without OpenMP. Fix: ",
        ),
        (
            ImportError("libtorch_cpu.so: undefined symbol: x" + 300 * "y"),
            "which cannot be loaded: libtorch_cpu.so: undefined symbol.*Fix: install it anew",
        ),
    ],
)
def test_a_library_that_cannot_be_had_is_named_with_its_cure(error, said):
    with (
        pytest.raises(LibraryError, match=said) as caught,
        library_errors("torch", needed_by="classic"),
    ):
        raise error
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) <= 300


def test_the_extra_that_a_message_names_installs_the_library_and_is_part_of_all():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    (everything,) = map(Requirement, extras["all"])
    for library, extra in EXTRAS.items():
        assert extra in everything.extras
        packages = {Requirement(text).name.removesuffix("-cpu") for text in extras[extra]}
        assert PACKAGES.get(library, library) in packages
    assert any(text.startswith("nextclose[all") for text in extras["dev"])


def test_of_two_packages_with_one_import_name_exactly_one_is_installed():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for platform in ("linux", "darwin", "win32"):
        chosen = [
            wanted.name
            for wanted in map(Requirement, extras["trees"])
            if wanted.marker is None or wanted.marker.evaluate({"sys_platform": platform})
        ]
        assert chosen == (["xgboost"] if platform == "darwin" else ["xgboost-cpu"])
