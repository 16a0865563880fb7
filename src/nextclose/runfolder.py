"""[shell] The run folder: settings, forecasts, verdict, report and figures of a backtest."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from nextclose.arguments import named_arguments, refuse_other
from nextclose.config import RunConfig, config_hash
from nextclose.data.finding_counts import policies_in_force
from nextclose.data.inventory import symbol_summaries
from nextclose.evaluation.breakdowns.calibration import (
    coverage_by_level,
    pit_histogram,
    rolling_coverage,
)
from nextclose.evaluation.breakdowns.training import (
    editions_used,
    learning_curves,
    overlaps,
    tree_importance,
)
from nextclose.evaluation.breakdowns.tutorial import CLASSIC, tutorial_table
from nextclose.evaluation.verdict.periods import by_regime, by_year
from nextclose.folders import OpenFolder, open_folder
from nextclose.report.exports import json_text
from nextclose.report.page import ReportContent, RunFacts, figure_files, render_page
from nextclose.run import Run
from nextclose.serving.versions import versions
from nextclose.studies import public_settings

ROWS_AT_ONCE = 1 << 17  # of a Parquet file, while it is made
PARTS = ("config.toml", "forecasts.parquet", "figures", "report.html", "verdict.json")
TASKS, BUNDLE = "tasks", "bundle"  # finished fits, and what `nextclose demo` trains


def run_folder(path: Path) -> AbstractContextManager[OpenFolder]:
    """The run folder at `path` for this process alone: one that cannot be written is found now.

    Raises: LockedError while another process has it; OutputError.
    """
    return open_folder(path, parts=PARTS, beside=(TASKS, BUNDLE))


@named_arguments()
def write_run(
    run: Run, folder: str | Path, *, command: str = "nextclose.backtest(...)", figures: bool = True
) -> None:
    """Write everything a run leaves behind into `folder`; `command` is what the report quotes.

    It takes the place of an earlier run's as a whole.
    Raises: LockedError while another process writes there; OutputError if a file cannot be written.
    """
    refuse_other(run, Run, argument="run", fix="make it with backtest(BARS)")
    folder_fix = 'name the folder of the run, as "runs/mine"'
    refuse_other(folder, (str, Path), argument="folder", fix=folder_fix)
    with run_folder(Path(folder)) as place:
        fill_run(place, run, command=command, figures=figures)


def fill_run(place: OpenFolder, run: Run, *, command: str, figures: bool = True) -> None:
    """As `write_run`, into a folder that is open."""
    place.replace(_files(run, command=command, figures=figures))


def _files(run: Run, *, command: str, figures: bool) -> Iterator[tuple[str, bytes]]:
    content = report_content(run, command=command)
    yield "config.toml", effective_toml(public_settings(run.config)).encode()
    yield "forecasts.parquet", _parquet(run.forecasts)
    yield "verdict.json", json_text(run.document, what="verdict.json", indent=1).encode()
    yield "report.html", render_page(content).encode()
    for name, picture in figure_files(content).items() if figures else ():
        yield f"figures/{name}", picture


def effective_toml(config: RunConfig) -> str:
    """All settings in force as TOML; settings that are None have no line.

    What no reader sees, as U+202E, stands as an escape.
    """
    text = tomli_w.dumps(_without_none(config.model_dump()))
    return "".join(c if c.isprintable() or c == "\n" else _toml_escape(c) for c in text)


def _toml_escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def report_content(run: Run, *, command: str) -> ReportContent:
    """Every number and frame the report shows, from the stages that compute them."""
    asked = pl.col("model").is_in(run.config.backtest.models)
    scored, panels = run.scores.frame, run.scores.panels
    drawn = pl.col("model").is_in([run.lead.model, "naive", CLASSIC])  # all: a copy of gigabytes
    return ReportContent(
        headline=run.lead.model,
        lead_sentence=run.lead.sentence,
        verdicts=run.verdict,
        bars=run.bars.frame,
        forecasts=run.forecasts.filter(asked & drawn),
        coverage=coverage_by_level(scored).filter(asked),
        rolling=rolling_coverage(scored).filter(asked),
        pit=pit_histogram(scored).filter(asked),
        by_year=by_year(panels).filter(asked),
        by_regime=by_regime(panels).filter(asked),
        curves=learning_curves(run.backtest),
        tutorial=tutorial_table(scored),
        ablation=run.ablation,
        news=run.news,
        importance=tree_importance(run.backtest),
        network=_network_table() if CLASSIC in run.config.backtest.models else "",
        basis=run.bars.basis,
        summaries=symbol_summaries(run.bars),
        policies=policies_in_force(run.config.data),
        findings=run.bars.findings,
        run=RunFacts(
            command=command,
            config=effective_toml(public_settings(run.config)),
            versions=versions(),
            data_fingerprint=run.bars.fingerprint,
            config_hash=config_hash(public_settings(run.config)),
        ),
        overlaps=overlaps(run.backtest),
        editions=editions_used(run.backtest),
        colours={
            name: model.traits.colours
            for name, model in run.backtest.study.models.items()
            if model.traits.colours
        },
    )


def _network_table() -> str:
    """The tutorial's network; a run without it does without torch too."""
    from nextclose.models.classic.network import network_table

    return network_table()


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, row_group_size=ROWS_AT_ONCE)
    return buffer.getvalue()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
