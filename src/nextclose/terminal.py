"""[shell] What commands print: the next closes, the scoreboard, and how far a command is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from nextclose.config import DataConfig
from nextclose.data.finding_counts import counted_words, policies_in_force
from nextclose.data.inventory import BASES, extent_text, symbol_summaries
from nextclose.data.left_out import left_out_symbols
from nextclose.data.suggestions import assignments
from nextclose.errors import printable
from nextclose.execution.in_turn import Progress
from nextclose.formatting import count, quantity, sessions, terminal_number
from nextclose.schema import Bars

if TYPE_CHECKING:
    from nextclose.evaluation.breakdowns.ablation import Ablation
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
WIDE = 10_000  # columns: more than any terminal has
NOTES_WIDTH = 8
MAX_SYMBOLS = 10  # of a table in short
PLAIN_SECONDS = 10  # between lines of progress
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
    table.add_column("model", no_wrap=True)
    names = (
        "fore-\ncasts",
        "error\n%",
        "no\nchange",
        "ratio",
        "vs\nhistory",
        "vs\ngarch",
        "in\n90%",
    )
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.caption = (
        "\nerror in % of price; ratio below 1 beats no change; vs: CRPS gain of the ranges over "
        "history and over garch, on the forecasts that both made"
    )
    previous = None
    pooled = [row for row in rows if row.symbol == POOLED]
    for row in sorted(pooled, key=lambda row: (row.horizon_sessions, models.index(row.model))):
        if previous != row.horizon_sessions:
            if previous is not None:
                table.add_section()
            table.add_row(Text(sessions(row.horizon_sessions), "bold"))
        previous = row.horizon_sessions
        evidence, relative_mae = row.evidence, row.evidence.relative_mae
        table.add_row(
            f" {row.model}",
            count(evidence.forecasts),
            terminal_number(evidence.mape_pct, ".2f"),
            terminal_number(evidence.naive_mape_pct, ".2f"),
            terminal_number(relative_mae, ".4f" if (relative_mae or 0) < 10 else ".2f"),
            # a yardstick's skill would be against the other yardstick
            terminal_number(
                None if row.verdict == "YARDSTICK" else skill_of(evidence.ranges), "+.1%"
            ),
            terminal_number(skill_of(evidence.garch), "+.2%"),
            terminal_number(evidence.coverage.coverage_90, ".1%"),
            row.verdict,
            style=STYLES.get(row.verdict, ""),
        )
    return table


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


def closes_table(prices: pl.DataFrame, *, width: int) -> Table:
    """The next closes in short: of each symbol a line, with its 90 % range at each horizon.

    Where that is wider than `width`, a line for each of these. `MAX_SYMBOLS` are shown.
    """
    shown = prices["symbol"].unique(maintain_order=True).head(MAX_SYMBOLS)
    n_more = prices["symbol"].n_unique() - len(shown)
    rows = prices.filter(pl.col("symbol").is_in(shown.to_list()))
    table = _one_line_each(rows)
    if _width(table) > width:
        table = Table(**LOOK | {"box": None})
        for name in ("symbol", "ahead", f"{RANGE} % range"):
            table.add_column(name, justify="left" if name == "symbol" else "right", no_wrap=True)
        for row in rows.iter_rows(named=True):
            table.add_row(Text(row["symbol"]), str(row["horizon_sessions"]), _range_text(row))
    if n_more:
        table.caption = f"and {quantity(n_more, 'symbol')} more"
    return table


def _one_line_each(rows: pl.DataFrame) -> Table:
    """A line a symbol, a column a horizon; the dates on top where all symbols have the same."""
    table = Table(**LOOK | {"box": None, "padding": (0, 0, 0, 2)})
    table.add_column("symbol", no_wrap=True)
    table.add_column("close", justify="right", no_wrap=True)
    horizons = [*rows["horizon_sessions"].unique().sort()]
    for horizon in horizons:
        days = rows.filter(horizon_sessions=horizon)["date"].unique()
        on = f"\n{days[0]}" if len(days) == 1 else ""
        table.add_column(f"{sessions(horizon)}{on}", justify="right", no_wrap=True)
    for (symbol,), part in rows.group_by(["symbol"], maintain_order=True):
        ranges = {row["horizon_sessions"]: _range_text(row) for row in part.iter_rows(named=True)}
        cells = (ranges.get(horizon, "") for horizon in horizons)
        table.add_row(Text(str(symbol)), _short_price(part["close"][0]), *cells)
    return table


def _range_text(row: dict[str, Any]) -> str:
    return f"{_short_price(row[f'low_{RANGE}'])} to {_short_price(row[f'high_{RANGE}'])}"


def _short_price(price: float) -> str:
    """As `_price_text`, from 10,000 on without cents."""
    return _price_text(price) if price < 10_000 else terminal_number(price, ".0f")


def forecast_table(prices: pl.DataFrame, *, width: int = WIDE) -> Table:
    """The next closes: median and the 90 % range of each symbol and horizon, and their notes.

    What is wider than `width` goes without last closes, then notes, then dates.
    """
    has_notes = "notes" in prices.columns and (prices["notes"] != "").any()
    left_out: list[str] = [] if has_notes else ["notes"]
    for name in ("last close", "notes", "date"):
        # notes may be broken between words, figures not
        needed = _width(_all_forecasts(prices, without=[*left_out, "notes"]))
        if needed + (0 if "notes" in left_out else NOTES_WIDTH) > width:
            left_out.append(name)
    return _all_forecasts(prices, without=left_out)


def _all_forecasts(prices: pl.DataFrame, *, without: Sequence[str]) -> Table:
    """Every forecast in a line of its own, without some of the columns."""
    table = Table(title="Next closes", **LOOK)
    names = ("symbol", "last close", "date", "sessions", "median", "low", "high", "notes")
    shown = [name for name in names if name not in without]
    for name in shown:
        is_text = name in ("symbol", "date", "notes")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=name != "notes")
    for row in prices.iter_rows(named=True):
        cells = {
            "symbol": Text(row["symbol"]),
            "last close": _price_text(row["close"]),
            "date": str(row["date"]),
            "sessions": str(row["horizon_sessions"]),
            "median": _price_text(row["median"]),
            "low": _price_text(row[f"low_{RANGE}"]),
            "high": _price_text(row[f"high_{RANGE}"]),
            "notes": row.get("notes", ""),
        }
        table.add_row(*(cells[name] for name in shown))
    table.caption = f"\nlow to high holds {RANGE} % of outcomes if the future is like the past"
    return table


def _width(table: Table) -> int:
    """Columns of a terminal that show it whole."""
    return Console(width=WIDE).measure(table).maximum


def _price_text(price: float) -> str:
    """A price in cents, of less than 1 in four digits."""
    return terminal_number(price, ".2f" if price >= 1 else ".4g")


def data_lines(bars: Bars, config: DataConfig) -> Table:
    """What a result rests on: how much was read, every kind of finding, the policies in force."""
    facts = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    facts.add_row("data", f"{extent_text(symbol_summaries(bars))}, prices {BASES[bars.basis]}")
    words = counted_words(bars.findings) or {"nothing": ""}
    for k, (code, text) in enumerate(words.items()):
        facts.add_row("" if k else "found", Text(f"{code} {text}".rstrip()))
    facts.add_row("allowed", Text(assignments(policies_in_force(config)) or "no lossy repair"))
    left_out = left_out_symbols(bars.findings)
    if left_out:
        facts.add_row("left out", Text(printable(", ".join(left_out))))
    return facts


def data_text(bars: Bars) -> str:
    """How much was read, and whether prices are adjusted, in short."""
    basis = BASES[bars.basis].removesuffix(" for splits and dividends")
    return f"{extent_text(symbol_summaries(bars))}, {basis}"


@contextmanager
def progress_on(
    console: Console, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """How far a command is, and how long it will take: a bar if the console is a terminal.

    Else a plain line where a stage ends, and every `PLAIN_SECONDS` of a long one.
    """
    if not console.is_terminal:
        yield _plain_progress(console, clock)
        return
    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=None if console.width < 60 else 40),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with ProgressBar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def move_bar(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield move_bar


def _plain_progress(console: Console, clock: Callable[[], float]) -> Progress:
    """Progress in lines, each when it is due."""
    begun: dict[str, float] = {}
    told: dict[str, float] = {}

    def print_if_due(stage: str, done: int, total: int) -> None:
        now = clock()
        if stage not in begun or not done:
            begun[stage] = told[stage] = now
        if done < total and now - told[stage] < PLAIN_SECONDS:
            return
        told[stage] = now
        left = (now - begun[stage]) / done * (total - done) if done else 0.0
        is_told = left > 0 and done * 8 >= total  # what comes first starts processes too
        more = f", {left:.0f} s left" if is_told else ""
        console.print(f"{stage} {done}/{total}{more}", markup=False, highlight=False)

    return print_if_due
