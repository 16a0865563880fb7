"""[shell] What commands print: scoreboard, sentences, the next forecasts, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from nextclose.config import DataConfig
from nextclose.data.finding_counts import finding_counts, policies_in_force
from nextclose.data.inventory import BASES, extent_text, symbol_summaries
from nextclose.data.left_out import left_out_symbols
from nextclose.data.suggestions import assignments
from nextclose.errors import printable
from nextclose.execution.in_turn import Progress
from nextclose.formatting import count, terminal_number
from nextclose.schema import Bars

if TYPE_CHECKING:
    from nextclose.evaluation.breakdowns.ablation import Ablation
    from nextclose.evaluation.verdict.evidence import Evidence
    from nextclose.evaluation.verdict.verdict import VerdictRow

STYLES = {
    "VOID": "bold red",
    "BETTER": "green",
    "SIZE ONLY": "green",
    "POINT ONLY": "green",
    "WORSE": "red",
    "TOO GOOD": "red",
}
RANGE = 90
LOOK: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "title_justify": "left",
    "caption_justify": "left",
    "padding": (0, 0, 0, 1),  # fits 80 columns
    "pad_edge": False,
    "show_edge": False,
}


def scoreboard(rows: Sequence[VerdictRow], *, models: Sequence[str]) -> Table:
    """Pooled figures of every horizon and model, in the order of `models`.

    Each error stands beside that of "no change" on the same forecasts.
    """
    # a command that only forecasts does without what judges
    from nextclose.evaluation.verdict.comparison import skill_of
    from nextclose.evaluation.verdict.evidence import POOLED

    table = Table(title="All symbols together", **LOOK)
    table.add_column("ahead", justify="right", no_wrap=True)
    table.add_column("model", no_wrap=True)
    names = ("error\n%", "no\nchange", "ratio", "vs\nhistory", "vs\ngarch", "in\n90 %")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.caption = (
        "\nerror in % of price; ratio below 1 beats no change; vs: CRPS gain of the ranges over "
        "history and over garch; * on fewer forecasts"
    )
    previous = None
    pooled = [row for row in rows if row.symbol == POOLED]
    most = {row.horizon_sessions: 0 for row in pooled}
    for row in pooled:
        most[row.horizon_sessions] = max(most[row.horizon_sessions], row.evidence.forecasts)
    for row in sorted(pooled, key=lambda row: (row.horizon_sessions, models.index(row.model))):
        if previous not in (None, row.horizon_sessions):
            table.add_section()
        previous = row.horizon_sessions
        evidence, relative_mae = row.evidence, row.evidence.relative_mae
        table.add_row(
            str(row.horizon_sessions),
            row.model if evidence.forecasts == most[row.horizon_sessions] else f"{row.model}*",
            terminal_number(evidence.mape_pct, ".2f"),
            terminal_number(evidence.naive_mape_pct, ".2f"),
            terminal_number(relative_mae, ".4f" if (relative_mae or 0) < 10 else ".2f"),
            # a yardstick's skill would be against the other yardstick
            terminal_number(
                None if row.verdict == "YARDSTICK" else skill_of(evidence.ranges), "+.1%"
            ),
            terminal_number(skill_of(evidence.garch), "+.2%") + _fewer_mark(evidence),
            terminal_number(evidence.coverage.coverage_90, ".1%"),
            row.verdict,
            style=STYLES.get(row.verdict, ""),
        )
    return table


def _fewer_mark(evidence: Evidence) -> str:
    """A mark where garch has fewer forecasts than the model that is compared with it."""
    return "" if evidence.n_beside_garch is None else "*"


def sentences(rows: Sequence[VerdictRow], *, models: Sequence[str]) -> Iterator[str]:
    """The pooled sentences of `models` at each horizon."""
    from nextclose.evaluation.verdict.evidence import POOLED

    for model in dict.fromkeys(models):
        for row in rows:
            if row.symbol == POOLED and row.model == model:
                yield f"\n{row.sentence}"


def hybrid_lines(ablation: Sequence[Ablation]) -> Iterator[str]:
    """Whether combining paid, horizon by horizon; none without a hybrid."""
    yield from (part.sentence for part in ablation if part.sentence)


def forecast_table(prices: pl.DataFrame) -> Table:
    """The next closes: median and the 90 % range of each symbol and horizon, and their notes."""
    table = Table(title="Next closes", **LOOK)
    for name in ("symbol", "last close", "date", "sessions", "median", "low", "high"):
        table.add_column(name, justify="left" if name in ("symbol", "date") else "right")
    has_notes = "notes" in prices.columns and (prices["notes"] != "").any()
    if has_notes:
        table.add_column("notes")
    for row in prices.iter_rows(named=True):
        table.add_row(
            row["symbol"],
            _price_text(row["close"]),
            str(row["date"]),
            str(row["horizon_sessions"]),
            *(_price_text(row[name]) for name in ("median", f"low_{RANGE}", f"high_{RANGE}")),
            *([row["notes"]] if has_notes else []),
        )
    table.caption = f"\nlow to high holds {RANGE} % of outcomes if the future is like the past"
    return table


def _price_text(price: float) -> str:
    """A price in cents, of less than 1 in four digits."""
    return terminal_number(price, ".2f" if price >= 1 else ".4g")


def data_lines(bars: Bars, config: DataConfig) -> Table:
    """What a result rests on: how much was read, the counts of findings, the policies in force."""
    counts = finding_counts(bars.findings)
    facts = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    facts.add_row("data", f"{extent_text(symbol_summaries(bars))}, prices {BASES[bars.basis]}")
    facts.add_row(
        "found", ", ".join(f"{code}: {count(n)}" for code, n in counts.items()) or "nothing"
    )
    facts.add_row("allowed", Text(assignments(policies_in_force(config)) or "no lossy repair"))
    left_out = left_out_symbols(bars.findings)
    if left_out:
        facts.add_row("left out", Text(printable(", ".join(left_out))))
    return facts


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """How far a command is: a bar if the console is a terminal, plain lines otherwise."""
    if not console.is_terminal:

        def print_quarters(stage: str, done: int, total: int) -> None:
            if done % max(total // 4, 1) == 0 or done == total:
                console.print(f"{stage} {done}/{total}", markup=False, highlight=False)

        yield print_quarters
        return
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn())
    with ProgressBar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def move_bar(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield move_bar
