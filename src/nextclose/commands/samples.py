"""The command that writes windows to train on: samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nextclose.commands.forecast import refuse_prices_folder
from nextclose.commands.messages import say, say_each
from nextclose.commands.options import (
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    Horizons,
    Prices,
    err,
    out,
    print_lines,
    settings_of,
)
from nextclose.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

    from nextclose.samples.window_facts import WindowFacts

COUNTED = ("train", "valid", "test", "purged")


def samples(
    prices: Prices,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the windows are written.")],
    form: Annotated[
        Literal["stationary", "classic"],
        typer.Option(help="Our columns and returns, or the tutorial's 41 and the close to come."),
    ] = "stationary",
    split: Annotated[
        Literal["holdout", "walk-forward"],
        typer.Option(help="70/15/15 of the origins in order, or the folds of a backtest."),
    ] = "holdout",
    horizons: Horizons = None,
    window_sessions: Annotated[
        int, typer.Option("--window", min=1, help="Sessions of a window.")
    ] = 60,
    file_format: Annotated[
        Literal["npz", "parquet"], typer.Option("--format", help="What the arrays are kept in.")
    ] = "npz",
    config: Config = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Windows of PRICES to train a model of your own on, with targets, dates and a purged split.

    A file of arrays and one of scalers for each symbol, and windows.json over all of them. Each
    window is kept once, unscaled: it serves every horizon and fold. nextclose.load_windows reads
    them; so does numpy.load.
    """
    from nextclose.data.sources.loading import load_bars
    from nextclose.formatting import data_size
    from nextclose.libraries import require
    from nextclose.terminal import data_lines, progress_on
    from nextclose.windowfiles import MANIFEST, fill_windows, size_on_disk, windows_folder
    from nextclose.windowing import make_windows

    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, horizons=horizons, data=data_options)
    refuse_prices_folder(out_folder, prices, other="windows")
    if form == "classic":
        require("talib", needed_by="--form classic")
    with windows_folder(out_folder) as place:
        bars = load_bars(*prices, config=settings.data)
        windows = make_windows(
            bars, form=form, split=split, window_sessions=window_sessions, config=settings
        )
        say_each(windows.findings)
        facts = windows.facts
        needed = data_size(size_on_disk(facts, windows.read, file_format=file_format))
        say(f"writing about {needed}, {data_size(facts.n_bytes)} in memory")
        with progress_on(err) as progress:
            fill_windows(place, facts, windows.read, file_format=file_format, progress=progress)
    if as_json:
        print(facts.model_dump_json())
        return
    out.print(split_table(facts))
    if facts.left_out:
        print_lines(left_out_lines(facts))
    out.print(data_lines(replace(bars, findings=windows.findings), settings.data))
    print_lines(f"windows  {printable(str(out_folder / MANIFEST))}")


def split_table(facts: WindowFacts) -> Table:
    """Borders of each fold, and how many windows of all symbols are in its parts."""
    from rich.table import Table

    from nextclose.formatting import count, quantity
    from nextclose.terminal import LOOK

    title = (
        f"{quantity(facts.n_windows, 'window')} of {quantity(len(facts.symbols), 'symbol')}: "
        f"{facts.window_sessions} sessions x {len(facts.columns)} columns, {facts.form}"
    )
    table = Table(title=title, **LOOK)
    for name in ("ahead", "validation\nfrom", "test\nfrom", "to", *COUNTED):
        table.add_column(name, justify="right", no_wrap=True)
    unknown = zip(*(own.unresolved for own in facts.symbols.values()), strict=True)
    further = ", ".join(count(sum(each)) for each in unknown)
    table.caption = (
        "\nahead in sessions; purged: before the test, but the target resolves after its part ends"
        f"\nfurther windows, whose target is not in the prices: {further}"
    )
    totals = [facts.total(name) for name in COUNTED]
    for i, fold in enumerate(facts.folds):
        for k, horizon in enumerate(facts.horizons):
            days = (fold.valid_from, fold.fitted_at, fold.tested_until) if k == 0 else ("",) * 3
            table.add_row(str(horizon), *days, *(count(total[i, k]) for total in totals))
        table.add_section()
    return table


def left_out_lines(facts: WindowFacts) -> str:
    """Columns that could not be built, by reason."""
    names: dict[str, list[str]] = {}
    for name, reason in facts.left_out.items():
        names.setdefault(reason, []).append(name)
    return "\n".join(
        f"{len(columns)} columns left out of {reason}: {', '.join(columns)}"
        for reason, columns in names.items()
    )
