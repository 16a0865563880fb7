"""`make frozen BASE=commit`: has anything that the program computes moved by a bit since BASE?

Both trees do the same work on this machine, through the command line alone: a backtest of every
model with news and masks on five symbols, one of a symbol alone, bundles of both and their
forecasts, and `check --json` on every file of `tests/catalogue`. What they leave behind and print
is compared byte by byte. Left out: echoes of the settings and their hash, fit caches, pictures that
stand in the report as well, and the version of a bundle's format.
"""

from __future__ import annotations

import html
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")
SESSIONS = 860
FIRST = 1040  # weekday of the first, the end of 2004: the networks that are shipped may forecast
SETTINGS = """
[data]
calendar = "weekdays"
[backtest]
models = ["naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "garch", "loghar", "trees",
          "lstm", "hybrid", "classic"]
test_from = 2007-12-10  # 90 sessions
refit_sessions = 45
rehearsal_sessions = 90
last_folds = { classic = 1 }
[features]
masks = true
[trees]
rounds = 30
[classic]
symbols = ["AAA"]
horizons = [1]
train_origins = 200
max_epochs = 2
"""
BACKTEST = ("--config", "run.toml", "--workers", "1")
# what each tree is asked, in a folder of its own that holds the same files
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("backtest", "five.csv", "--news", "news.csv", *BACKTEST, "--out", "five"),
    ("backtest", "alone.csv", *BACKTEST, "--out", "alone", "--json"),
    ("train", "five.csv", "--news", "news.csv", *BACKTEST, "--out", "bundle-five"),
    ("train", "alone.csv", *BACKTEST, "--out", "bundle-alone", "--json"),
    ("predict", "bundle-five", "five.csv", "--news", "news.csv", "--format", "csv"),
    ("predict", "bundle-alone", "alone.csv", "--json"),
)


def write_inputs(folder: Path) -> list[list[str]]:
    """The files of the fixed work, and its commands."""
    import numpy as np
    import polars as pl

    from tests.builders import walk_frame

    frames = [
        walk_frame(symbol, seed=k, n=SESSIONS - 30 * k, first=FIRST + 30 * k, phi=0.3)
        for k, symbol in enumerate(SYMBOLS)
    ]
    pl.concat(frames).write_csv(folder / "five.csv")
    walk_frame("AAA", seed=9, n=SESSIONS, first=FIRST).write_csv(folder / "alone.csv")
    days = frames[0]["session"][5::4]
    score = np.random.default_rng(3).uniform(-1, 1, len(days)).round(3)
    stamps = days.cast(pl.String) + "T14:00:00Z"
    words = [f"headline {k}" for k in range(len(days))]
    news = {"symbol": "AAA", "first_seen": stamps, "headline": words, "score": score}
    pl.DataFrame(news).write_csv(folder / "news.csv")
    (folder / "run.toml").write_text(SETTINGS, encoding="utf-8")
    return [*map(list, COMMANDS), *catalogue_commands(folder)]


def catalogue_commands(folder: Path) -> Iterable[list[str]]:
    """`check --json` on the files of each case, which are written below `folder`."""
    import tomli_w

    from tests.catalogue.test_catalogue import CASES, data_of

    for number, case in enumerate(CASES):
        place = folder / "cases" / str(number)
        place.mkdir(parents=True)
        prices = [os.path.relpath(path, folder) for path in case.write(place)]
        data = data_of(case).model_dump(exclude_unset=True, exclude_none=True)
        settings = place / "settings.toml"
        settings.write_text(tomli_w.dumps({"data": data}), encoding="utf-8")
        yield ["check", *prices, "--config", os.path.relpath(settings, folder), "--json"]


def obey(commands: list[list[str]]) -> None:
    """Run commands in this process; what each printed and its exit code go into `said.json`."""
    from nextclose import cli

    said = []
    for command in commands:
        sys.argv = ["nextclose", *command]
        output, code = io.StringIO(), 0
        with redirect_stdout(output), redirect_stderr(io.StringIO()):
            try:
                cli.main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        if code and command[0] != "check":
            raise SystemExit(f"frozen: nextclose {' '.join(command)} ended with {code}")
        text = output.getvalue().replace(str(Path.cwd()), "HERE")
        said.append({"command": command, "code": code, "output": text})
    Path("said.json").write_text(json.dumps(said), encoding="utf-8")


def compared(before: Path, after: Path) -> list[str]:
    """The names of all that differs between two folders of finished work."""
    names = {
        str(path.relative_to(folder))
        for folder in (before, after)
        for path in folder.rglob("*")
        if path.is_file() and not {"tasks", "figures", "cases"} & set(path.parts)
    }
    differing = [
        name
        for name in sorted(names - {"said.json"})
        if _essence(before, name) != _essence(after, name)
    ]
    return differing + _said_otherwise(before, after)


def _essence(folder: Path, name: str) -> Any:
    """What a file holds, less the echoes of settings; None where there is none."""
    path = folder / name
    if not path.exists():
        return None
    kind = KINDS.get(path.name)
    return kind(path) if kind else path.read_bytes()


def _verdict(path: Path) -> Any:
    return _without_settings(json.loads(path.read_text(encoding="utf-8")))


def _without_settings(document: Any) -> Any:
    """A verdict document without the settings and their hash; all else as it is."""
    with suppress(TypeError, KeyError):
        document["run"].pop("config")
        document["run"].pop("config_hash")
    return document


def _report(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    settings = (path.parent / "config.toml").read_text(encoding="utf-8")
    verdict = json.loads((path.parent / "verdict.json").read_text(encoding="utf-8"))
    for echo in (html.escape(settings).replace("&quot;", "&#34;"), verdict["run"]["config_hash"]):
        assert echo in text, f"{path} does not hold its settings as expected"
        text = text.replace(echo, "")
    return text


def _manifest(path: Path) -> Any:
    document = json.loads(path.read_text(encoding="utf-8"))
    left_out = ("format", "own", "data", "exchanges", "left_out", "files", "checksum")
    return {key: value for key, value in document.items() if key not in left_out}


KINDS: dict[str, Callable[[Path], Any]] = {
    "verdict.json": _verdict,
    "report.html": _report,
    "manifest.json": _manifest,
    "config.toml": lambda path: None,
}


def _said_otherwise(before: Path, after: Path) -> list[str]:
    """Commands whose exit code or output differ."""
    ours, theirs = (
        json.loads((folder / "said.json").read_text(encoding="utf-8")) for folder in (after, before)
    )
    return [
        " ".join(new["command"])
        for new, old in zip(ours, theirs, strict=True)
        if (new["code"], _answer(new)) != (old["code"], _answer(old))
    ]


def _answer(said: dict[str, Any]) -> Any:
    output = said["output"]
    if "--json" in said["command"]:
        with suppress(json.JSONDecodeError):
            answer = _without_settings(json.loads(output))
            if "checksum" in answer and "data" in answer:  # a manifest
                answer = {k: v for k, v in answer.items() if k in ("model", "symbols", "fitted_at")}
            return answer
    return output


def start(tree: Path, folder: Path, commands: list[list[str]]) -> subprocess.Popen[bytes]:
    """The work begun in `folder` with the source of `tree`."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    paths = os.pathsep.join([str(tree / "src"), str(ROOT)])
    environment = os.environ | dict.fromkeys(threads, "1") | {"PYTHONPATH": paths, "COLUMNS": "160"}
    (folder / "commands.json").write_text(json.dumps(commands), encoding="utf-8")
    program = [sys.executable, str(Path(__file__).resolve()), "--obey", "commands.json"]
    return subprocess.Popen(program, cwd=folder, env=environment)


def main(base: str) -> int:
    """Compare this working tree with the commit `base`; the exit code is 1 if anything differs."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        tree = place / "tree"
        tree.mkdir()
        archive = subprocess.run(
            ["git", "archive", base, "src"], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)
        folders = [place / "before", place / "after"]
        work = []
        for folder, source in zip(folders, (tree, ROOT), strict=True):
            folder.mkdir()
            work.append(start(source, folder, write_inputs(folder)))
        if any([process.wait() for process in work]):  # all of them are waited for
            print("frozen: the work could not be done", file=sys.stderr)
            return 2
        differing = compared(*folders)
        if keep := os.environ.get("FROZEN_KEEP"):
            place.rename(keep)
            place.mkdir()
    n_commands = len(COMMANDS)
    for name in differing:
        print(f"differs: {name}")
    print(f"frozen against {base}: {len(differing)} differences; {n_commands} runs and all cases")
    return 1 if differing else 0


if __name__ == "__main__":
    if sys.argv[1] == "--obey":
        obey(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    else:
        sys.exit(main(sys.argv[1]))
