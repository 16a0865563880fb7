"""What a finished run comes to, on a terminal: who leads, what it is worth, where the report is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from nextclose.commands.options import out, print_lines
from nextclose.commands.switches import SWITCHES
from nextclose.errors import printable

if TYPE_CHECKING:
    from nextclose.evaluation.verdict.lead import Reason
    from nextclose.evaluation.verdict.verdict import VerdictRow
    from nextclose.run import Run

WHY: Mapping[Reason, str] = {
    "own model": "your own model",
    "only model": "the only model that made ranges",
    "no ranges": "for no model made ranges",
    "best set": "the simplest model that no other is shown to beat",
    "best set at most horizons": "the simplest model that is mostly not shown to be beaten",
    "not in best set": "the simplest model that made ranges, and none is among the best",
    "too little to compare": "the simplest model that made ranges; too little to compare",
}


def print_run(run: Run, folder: Path) -> None:
    """Who leads and what it is worth at each horizon; all there is to say before it, if asked."""
    from nextclose.terminal import data_text

    if SWITCHES.is_verbose:
        _print_details(run)
    rows = _pooled_rows(run, run.lead.model)
    if rows:
        print_wrapped(f"{run.lead.model} leads, {WHY[run.lead.reason]}. Sessions ahead:")
        out.print(_horizon_lines(rows))
    else:
        print_wrapped(run.lead.sentence)
    for line in (*_tutorial_lines(run), *_caveats(run)):
        print_wrapped(line)
    print_lines(
        f"data     {data_text(run.bars)}\nreport   {printable(str(folder / 'report.html'))}"
    )


def print_wrapped(text: str) -> None:
    """Print a paragraph, broken between words where the terminal ends."""
    out.print(text, markup=False, highlight=False)


def _pooled_rows(run: Run, model: str) -> list[VerdictRow]:
    """The verdicts on a model for all symbols together, shortest horizon first."""
    from nextclose.evaluation.verdict.evidence import POOLED

    rows = [row for row in run.verdict if (row.symbol, row.model) == (POOLED, model)]
    return sorted(rows, key=lambda row: row.horizon_sessions)


def _horizon_lines(rows: list[VerdictRow]) -> Table:
    from nextclose.evaluation.verdict.summary import summary_line
    from nextclose.terminal import STYLES

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", min_width=4)
    grid.add_column(overflow="fold")
    for row in rows:
        style = STYLES.get(row.verdict, "")
        grid.add_row(str(row.horizon_sessions), Text(summary_line(row), style))
    return grid


def _tutorial_lines(run: Run) -> Iterator[str]:
    """What became of the tutorial's network at the shortest horizon, unless it leads itself."""
    from nextclose.evaluation.breakdowns.tutorial import CLASSIC
    from nextclose.evaluation.verdict.summary import summary_line
    from nextclose.formatting import sessions

    rows = [] if run.lead.model == CLASSIC else _pooled_rows(run, CLASSIC)
    for row in rows[:1]:
        line = summary_line(row).removeprefix("do not use it: ")
        yield f"{CLASSIC}, the tutorial's network, at {sessions(row.horizon_sessions)}: {line}"


def _caveats(run: Run) -> Iterator[str]:
    """What a reader must know of the figures, and what news were worth; often nothing."""
    from nextclose.evaluation.breakdowns.training import editions_used, overlaps
    from nextclose.evaluation.verdict.overlap import overlap_notice, silence_notice
    from nextclose.ledger import looks_sentence
    from nextclose.studies import untaught_horizons

    walked = run.backtest
    notices = (
        overlap_notice(overlaps(walked)),
        silence_notice(editions_used(walked)),
        looks_sentence(run.looks or 0),
    )
    yield from filter(None, notices)
    if untaught := untaught_horizons(run.config):
        ahead = ", ".join(map(str, untaught))
        yield f"lstm: not taught {ahead} sessions ahead, where the others answer alone"
    yield from (part.sentence for part in run.news)


def _print_details(run: Run) -> None:
    """Scoreboard, sentences in full, what the hybrid is worth, and what the run rests on."""
    from nextclose.evaluation.breakdowns.training import borrowed_volatility
    from nextclose.evaluation.breakdowns.tutorial import CLASSIC
    from nextclose.terminal import data_lines, hybrid_lines, scoreboard, sentences

    models = run.config.backtest.models
    out.print(scoreboard(run.verdict, models=models))
    print_wrapped(f"\n{run.lead.sentence}")
    for line in sentences(run.verdict, models=(run.lead.model, CLASSIC)):
        print_wrapped(line)
    for line in hybrid_lines(run.ablation):
        print_wrapped(f"\n{line}")
    if borrowed := borrowed_volatility(run.backtest):
        said = ", ".join(f"{name} ({n} refits)" for name, n in borrowed.items())
        print_wrapped(f"\ngarch: no sound fit of their own, with the dynamics of others: {said}")
    out.print()
    out.print(data_lines(run.bars, run.config.data))
    out.print()
