"""Examples of the pages run, and their figures are those of committed results."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from docs import scoreboard

from nextclose.errors import ServingWarning

ROOT = Path(__file__).parents[1]
PAGES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
)
FIGURE = r"-?\d+\.\d+"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def run_page(name: str) -> None:
    """Run every block of Python of a page, one after the other."""
    names: dict[str, object] = {}
    for block in BLOCK.findall((ROOT / "docs" / name).read_text(encoding="utf-8")):
        exec(compile(block, name, "exec", dont_inherit=True), names)  # noqa: S102 -- our own page


def test_the_guide_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_page("guide.md")
    printed = capsys.readouterr().out
    assert "The next closes of 5 symbols from 2013-03-01 on, by lstm." in printed
    assert "Run: 4 symbols, 2 horizons, 4 models, " in printed
    assert "One session ahead, har could not tell whether prices would rise or fall" in printed
    assert "har knows how far 4 symbols together move in a session" in printed
    assert "by hybrid and lstm" in printed  # FB is too young for the hybrid
    settings = "RunConfig(backtest=BacktestConfig(horizons=(1, 5), refit_sessions=126), "
    assert f"{settings}trees=TreesConfig(rounds=300))" in printed
    assert (tmp_path / "runs/mine/report.html").exists()


def test_the_researchers_model_is_judged(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_page("researcher.md")
    printed = capsys.readouterr().out
    page = (ROOT / "docs" / "researcher.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?) \.\.\.\n```", page)
    assert shown in printed
    assert (tmp_path / "runs" / "mine" / "report.html").exists()


def test_the_lines_of_the_readme_run_on_a_folder_of_prices(tmp_path, monkeypatch, capsys):
    """They run on the sample; here on fewer bars of it, from where the line says to put yours."""
    import polars as pl

    import nextclose

    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices").mkdir()
    apple = nextclose.sample_bars().frame.filter(pl.col("symbol") == "AAPL").tail(900)
    apple.select("session", "open", "high", "low", "close", "volume").write_csv("prices/AAPL.csv")
    (yours,) = re.findall(
        r"# yours: (nc\.[^,]+),", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    bars = eval(yours, {"nc": nextclose})  # noqa: S307 -- our own page
    monkeypatch.setattr(nextclose, "sample_bars", lambda: bars)
    with pytest.warns(ServingWarning, match="W81"):  # prices that ended years ago
        run_page("../README.md")
    printed = capsys.readouterr().out
    assert "AAPL" in printed
    assert "thirty sessions" in printed.lower() or "30 sessions" in printed
    assert (tmp_path / "report.html").exists()


def test_the_source_of_the_providers_page_is_read_and_its_provider_fetches_twice(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    run_page("providers.md")
    symbols, slip, new, revised, n_rows = capsys.readouterr().out.splitlines()
    assert symbols == "('ACME',)"
    assert slip.startswith("E54 warehouse row 2, column close, ACME 2024-01-03: found -10.3; rule:")
    assert new == "ACME new 3"
    assert revised.startswith("W75 text, ACME 2024-01-04: found other values than were stored")
    assert n_rows == "4"


def test_parts_of_your_own_run_through_backtest_bundle_and_forecast(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_page("extending.md")
    printed = capsys.readouterr().out
    assert "pooled" in printed
    assert "MetricEvidence(mean=" in printed
    assert "(8, 13)" in printed  # four symbols, two horizons


def test_the_page_of_the_judge_ends_with_a_table_to_cite(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_page("judge.md")
    printed = capsys.readouterr().out
    page = (ROOT / "docs" / "judge.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)\n```", page)
    assert shown in printed
    assert "| mine | 1 | 1.000 | " in printed
    assert (tmp_path / "runs/judged/report.html").exists()


def test_the_page_of_windows_ends_with_the_honest_verdict(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_page("samples.md")
    printed = capsys.readouterr().out
    assert "Windows(classic, holdout: 10,922 of 60 sessions x 41 columns, 4 symbols" in printed
    assert "(2107, 60, 41) (2107,)" in printed
    classic, stationary = re.findall(r"^(.*): off by (.*) %, no change by (.*) %$", printed, re.M)
    assert classic[0] == "WORSE"
    assert float(classic[1]) > 10 * float(classic[2])  # some 40 %, a chaotic fit
    assert "Do not use ten_lines for AAPL at 1 session" in printed
    assert stationary[0] in ("NO EVIDENCE", "WORSE")
    assert float(stationary[1]) < 1.1 * float(stationary[2])
    assert "(2107, 60, 41) 0.0 1.0" in printed


def test_the_page_on_teaching_runs_with_an_edition_of_ones_own(tmp_path, monkeypatch, capsys):
    import numpy as np

    from nextclose.models.lstm.editions import edition_bytes
    from nextclose.pretraining.card import edition_of
    from nextclose.pretraining.pretrain import pretrain
    from tests.pretraining.panels import TINY, panel

    until = np.datetime64("2003-03-31")
    taught = pretrain(panel(), until=until, work=tmp_path / "work", course=TINY)
    (tmp_path / "mine.safetensors").write_bytes(edition_bytes(edition_of(taught)))
    monkeypatch.chdir(tmp_path)
    run_page("pretraining.md")
    parts, card, *losses = capsys.readouterr().out.splitlines()
    assert "'FB': 'stop', 'GOOG': 'test'" in parts
    assert card == "2003-03-31 10 5"
    assert len(losses) == 11  # horizons


@pytest.mark.parametrize("name", ["catalogue", "commands", "formats", "glossary"])
def test_a_page_written_from_a_table_is_up_to_date(name):
    """Else: `make pages`."""
    page = import_module(f"docs.{name}").page()
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("page", ["extending.md", "providers.md"])
def test_examples_of_plug_ins_are_short(page):
    blocks = BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert max(block.count("\n") for block in blocks) < 30


def test_every_vendors_file_of_the_data_page_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_page("data.md")
    printed = capsys.readouterr().out
    for shown in (
        "('AAPL',)",
        "('IBM',) {'IBM': 'XNYS'}",
        "[112.3, 111.7, 111.9]",
        "('AAPL', 'IBM', 'MSFT') ['1 file passed over: GOOG.xlsx (a spreadsheet)']",
        "adjusted ['R22', 'W26', 'R41',",
        "[datetime.date(2019, 3, 4), datetime.date(2019, 3, 5), datetime.date(2019, 3, 6)]",
        "{'AAPL.US': 'XNYS'} 2019-03-04",
        "[datetime.date(2019, 3, 14), datetime.date(2019, 3, 15)]",
        "('AAPL', 'IBM')",
        "{'SAP.DE': 'XETR'}",
        "[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]",
        "shape: (3, 3)",
    ):
        assert shown in printed


@pytest.mark.parametrize("page", PAGES)
def test_no_page_waits_for_its_figures(page):
    assert re.findall(r"@[A-Z0-9]+@", (ROOT / page).read_text(encoding="utf-8")) == []


# --- the command line ---


def shell_lines() -> list[tuple[str, str]]:
    """Page and line of every command in a block of shell, prompts and comments left off."""
    lines = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for kind, block in re.findall(r"```(sh|console)\n(.*?)```", text, re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if kind == "sh" or line.startswith("$ "):
                    lines += [(page, part) for part in line.removeprefix("$ ").split("&&")]
    return [(page, line.strip()) for page, line in lines if line.strip()]


def call(arguments: Sequence[str]) -> None:
    """Parse a call of the command line as typer does; nothing is run."""
    import typer

    from nextclose.cli import app

    group: Any = typer.main.get_command(app)
    with group.make_context("nextclose", list(arguments)) as context:
        name, command, rest = group.resolve_command(context, context._protected_args)
        command.make_context(name, [*rest, *context.args], parent=context)


def called(line: str) -> list[str]:
    """The arguments of a call of nextclose; redirections left off."""
    words = shlex.split(line, comments=True)
    return words[1 : words.index(">") if ">" in words else None]


def test_every_call_in_a_block_of_shell_could_be_made():
    lines = shell_lines()
    calls = [(page, line) for page, line in lines if re.match(r"(\.venv/bin/)?nextclose ", line)]
    assert len(calls) > 15
    for page, line in calls:
        try:
            call(called(line))
        except Exception as refusal:
            raise AssertionError(f"{page}: {line}: {refusal}") from refusal
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = [(page, line.split()[1]) for page, line in lines if line.startswith("make ")]
    assert [(page, target) for page, target in made if target not in targets] == []


@pytest.mark.parametrize("line", ["nextclose forecats prices/", "nextclose predict --hrizons 1 x"])
def test_a_call_that_could_not_be_made_is_refused(line):
    with pytest.raises(Exception, match="No such"):
        call(called(line))


def test_commands_and_options_named_in_a_sentence_exist():
    """`nextclose NAME` and `nextclose NAME ... --option`, in backticks or blocks of text."""
    import typer

    from nextclose.cli import app

    group: Any = typer.main.get_command(app)
    for page in PAGES:
        if page in ("CHANGELOG.md", "docs/log.md"):  # they speak of their day
            continue
        text = (ROOT / page).read_text(encoding="utf-8")
        for name, rest in re.findall(r"[`\n]nextclose ([a-z]+)\b([^`\n]*)", text):
            assert name in group.commands, (page, name)
            known = {word for option in group.commands[name].params for word in option.opts}
            used = set(re.findall(r"(?<![\w-])--[a-z-]+", rest.split("#")[0]))
            assert used <= known | {"--help", "--json-errors", "--verbose"}, (page, name)


def test_outputs_shown_are_those_of_the_command(command):
    """Every line below a `$` of a block of console, but for `...` and for white space."""
    shown = 0
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
            first, *rest = block.splitlines()
            code, printed, _ = command(*called(first.removeprefix("$ ")))
            assert code == 0
            lines = {" ".join(line.split()) for line in printed.splitlines()}
            missing = [line for line in rest if " ".join(line.split()) not in {"...", *lines}]
            assert missing == [], page
            shown += len(rest)
    assert shown > 3


# --- pages ---


def test_the_readme_is_one_page():
    """A word is what white space parts; marks of tables are none."""
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert sum(any(map(str.isalnum, word)) for word in words) <= 600


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_a_page_outside_the_site_links_to_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)
    assert [link for link in links if not (ROOT / link).exists()] == []


# --- figures ---


def benchmark(name: str) -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of all tables below a heading, up to the next."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    section = text.split(f"# {heading}\n")[1].split("\n## ")[0]
    return [cells(line) for line in section.splitlines() if re.match(r"\|[^-]*[a-z0-9]", line)]


def test_the_twenty_stocks_of_the_results_are_those_of_the_benchmark():
    found = {(row["horizon"], row["model"]): row for row in benchmark("twenty_stocks")["rows"]}
    for shown in rows_of("results.md", "Twenty US stocks")[1:]:
        horizon = int(shown[0])
        hybrid, lstm, loghar = (found[horizon, name] for name in ("hybrid", "lstm", "loghar"))
        low, high = hybrid["crps_skill_vs_garch_interval"]
        assert shown[1:] == [
            f"{100 * hybrid['crps_skill_vs_garch']:+.2f} ({100 * low:.2f} to {100 * high:.2f})",
            f"{hybrid['symbols_better_than_garch']} / {hybrid['symbols_worse_than_garch']}",
            f"{100 * hybrid['coverage_90']:.1f}",
            f"{100 * lstm['crps_skill_vs_garch']:+.2f}",
            f"{100 * loghar['crps_skill_vs_garch']:+.2f}",
        ]
    assert not any(found[h, "hybrid"]["symbols_worse_than_hs"] for h in (1, 7, 30))
    assert not any(found[h, "hybrid"]["symbols_worse_than_naive"] for h in (1, 7, 30))


def test_the_companies_never_seen_are_those_of_the_benchmark():
    result = benchmark("universal_companies")
    whole = {(row["model"], row["horizon"]): row for row in result["whole"]}
    cut = {(row["sessions"], row["horizon"]): row for row in result["cut"]}
    rows = rows_of("results.md", "155 companies never seen")
    ours = [row for row in rows if not row[0].startswith(("from every", "the LSTM, from"))]
    models, sessions = ("lstm", "loghar", "hybrid"), (60, 120, 250, "all")
    assert len(ours) == len(models) + len(sessions)
    for shown, name in zip(ours, models, strict=False):
        gains = " / ".join(f"{whole[name, h]['gain_pct']:+.2f}" for h in (1, 7, 30))
        held = " / ".join(f"{100 * whole[name, h]['coverage_90']:.1f}" for h in (1, 7, 30))
        assert [text.strip("*") for text in shown[1:]] == [gains, held]
    for shown, given in zip(ours[3:], sessions, strict=True):
        gains = " / ".join(f"{cut[given, h]['gain_over_garch_pct']:+.2f}" for h in (1, 7, 30))
        assert shown[1] == gains


def test_the_speeds_are_those_of_the_benchmarks():
    speed, loading = benchmark("zero_shot_speed"), benchmark("csv_loading")
    runs = {row["symbols"]: row for row in benchmark("backtest_time")["rows"]}
    measured = [
        f"{speed['cold_seconds']:.1f} s",
        f"{1000 * speed['seconds']:.0f} ms",
        f"{speed['symbols_seconds']:.1f} s",
        *(f"{row['seconds']:.0f} s" for row in benchmark("demo_time")["rows"]),
        f"{runs[20]['seconds']:.0f} s",
        f"{runs[100]['peak_bytes'] / 1e9:.1f} GB",
        f"{loading['seconds']:.1f} s",
        f"{loading['ratio']:.2f}",
    ]
    assert [row[1] for row in rows_of("speed.md", "How fast")[1:]] == measured


def test_the_readme_says_how_long_its_first_command_takes_and_how_much_it_installs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"some {benchmark('demo_time')['rows'][0]['seconds']:.0f} s" in text
    size = rows_of("install.md", "Extras")[1][-1]
    assert f"installs {size} MB" in text
    assert f"# {size} MB" in (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def test_what_the_tutorials_network_gave_is_said_alike_everywhere():
    (network,) = (row for row in rows_of("results.md", "Four large companies") if "classic" in row)
    ours, nothing = float(network[3]), float(network[4])
    for page in ("README.md", "docs/student.md", "docs/results.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"{ours:.0f} %" in text
        assert f"{nothing:.1f} %" in text


def test_every_exit_code_is_explained_to_whoever_runs_jobs():
    from nextclose import errors

    codes = {
        str(value.exit_code)
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.NextcloseError)
    }
    explained = {code for row in rows_of("team.md", "Exit codes") for code in row[0].split(", ")}
    assert codes | {"0", "129", "130", "143"} <= explained


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def number(cell: str) -> float:
    """The figure in a cell, its unit left off; 0 for an empty one."""
    return float(cell.strip(" %") or 0)


def figures(text: str) -> list[float]:
    return [float(figure) for figure in re.findall(FIGURE, text)]


@pytest.mark.slow
def test_readme_and_results_show_what_the_published_run_found(tmp_path):
    out = tmp_path / "full"
    command = [sys.executable, "-m", "nextclose", "backtest", "sample", "--out", str(out)]
    subprocess.run([*command, "--config", str(ROOT / "examples/full.toml")], check=True)
    document = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    results = scoreboard.shown((ROOT / "docs" / "results.md").read_text(encoding="utf-8"))
    fresh = scoreboard.table(document)
    assert len(results.splitlines()) == len(fresh.splitlines())
    for ours, theirs in zip(results.splitlines()[2:], fresh.splitlines()[2:], strict=True):
        mine, new = cells(ours), cells(theirs)
        assert mine[:2] == new[:2]
        assert mine[9] == new[9]
        if mine[1] != "classic":  # a chaotic fit: other processors find another network
            assert mine[2] == new[2]
            columns = (3, 4, 5, 6, 7, 8)
            for column, tolerance in zip(columns, (0.02, 0.02, 0.002, 0.2, 0.1, 0.5), strict=True):
                assert number(mine[column]) == pytest.approx(number(new[column]), abs=tolerance)
    readme = scoreboard.shown((ROOT / "README.md").read_text(encoding="utf-8"))
    for ours, theirs in zip(
        readme.splitlines(), scoreboard.short_table(document).splitlines(), strict=True
    ):
        if ours.startswith("|"):  # the rest is about classic
            mine, new = cells(ours), cells(theirs)
            assert mine[:2] == new[:2]
            for text, again in zip(mine[2:], new[2:], strict=True):
                assert figures(text) == pytest.approx(figures(again), abs=0.5)
                assert re.sub(FIGURE, "", text) == re.sub(FIGURE, "", again)
    assert document["format"] == 1
    assert (out / "report.html").stat().st_size < 3_000_000


def test_the_readmes_rows_are_those_of_the_scoreboard():
    """Cheap: the long proof above makes the run anew."""
    full = {(row[0], row[1]): row for row in rows_of("results.md", "Four large companies")}
    readme = scoreboard.shown((ROOT / "README.md").read_text(encoding="utf-8"))
    rows = [cells(line) for line in readme.splitlines() if re.match(r"\| \d", line)]
    assert [row[0] for row in rows] == ["1", "7", "30"]
    for ahead, _, gain, held in rows:
        assert f"{number(full[ahead, 'hybrid'][7]):.2f} % better than GARCH" in gain
        assert number(held) == number(full[ahead, "hybrid"][8])


def test_a_model_that_knows_the_direction_is_named():
    row = {"symbol": "*", "horizon_sessions": 1, "coverage_90": 0.9, "direction_claim": False}
    hybrid = {
        "model": "hybrid",
        "crps_skill_vs_garch": -0.02,
        "crps_skill_vs_garch_interval": [-0.03, 0.01],
    }
    seer = {"model": "seer", "direction_claim": True}
    classic = {"model": "classic", "mape_pct": 24.0, "naive_mape_pct": 1.4}
    table = scoreboard.short_table({"rows": [row | hybrid, row | seer, row | classic]})
    assert "| 1 | seer | 2.00 % worse than GARCH (-3.00 to 1.00) | 90.0 % |" in table
    assert "**24 %**" in table


@pytest.mark.slow
def test_the_demo_leaves_a_report_and_a_bundle(tmp_path):
    command = [sys.executable, "-m", "nextclose", "demo", "--out", str(tmp_path / "demo")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "Next closes" in printed.stdout
    assert len((printed.stdout + printed.stderr).splitlines()) <= 25
    document = json.loads((tmp_path / "demo" / "verdict.json").read_text(encoding="utf-8"))
    assert {row["model"] for row in document["rows"]} >= {"hybrid", "classic"}
    assert (tmp_path / "demo" / "report.html").stat().st_size < 3_000_000
    assert (tmp_path / "demo" / "bundle" / "manifest.json").exists()
