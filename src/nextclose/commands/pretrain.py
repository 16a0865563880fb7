"""The command that teaches the universal LSTM: pretrain."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from nextclose.commands.messages import say_findings
from nextclose.commands.options import (
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    Prices,
    err,
    print_lines,
    settings_of,
)
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.models.lstm.editions import Edition
    from nextclose.pretraining.blocks import Mapper
    from nextclose.schema import Bars

WORK = ".work"  # suffix of the folder that rounds are kept in


def pretrain(
    panel: Prices,
    until: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="Last day of which anything is read."),
    ],
    weights: Annotated[Path, typer.Option("--out", help="File that the edition is written to.")],
    work: Annotated[
        Path | None,
        typer.Option(help="Folder that rounds are kept in; else beside the file, as FILE.work."),
    ] = None,
    note: Annotated[
        str, typer.Option(help="What a reader of its card must know of PANEL: how it was chosen.")
    ] = "",
    config: Config = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Teach the universal LSTM with simulated markets and PANEL: an edition of it. Hours.

    It may forecast from the session after --until on. Of 100 companies some 62 teach and 15 say
    when to stop, chosen by the letters of their names. A run that was stopped goes on where it was.
    """
    import numpy as np

    from nextclose.data.sources.loading import load_bars
    from nextclose.durable import folder_lock, save, sweep
    from nextclose.libraries import require
    from nextclose.models.lstm.editions import edition_bytes

    require("torch", needed_by="pretrain")  # before hours of reading and simulating

    from nextclose.execution.processes import Processes
    from nextclose.pretraining.card import edition_of
    from nextclose.pretraining.pretrain import pretrain as pretrained
    from nextclose.terminal import progress_on

    data = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, data=data).data
    day = until.date()
    _refuse_future(day)
    _refuse_other_files(weights)
    folder = work or weights.with_name(weights.name + WORK)
    with folder_lock(weights.absolute().parent):
        pass  # it can be written: found before any work
    with folder_lock(folder, option="--work"):
        sweep(folder)
        bars = load_bars(*panel, config=settings)
        _refuse_late(day, bars)
        say_findings(bars)
        with progress_on(err) as progress, Processes(1) as processes:
            taught = pretrained(
                bars,
                until=np.datetime64(day, "D"),
                work=folder,
                # it shares whatever dataclass with its processes, not a study alone
                mapper=cast("Mapper", processes),
                progress=progress,
            )
        edition = edition_of(taught, note=note)
        save(weights, edition_bytes(edition))
    if as_json:
        print(json.dumps({"until": edition.until, **edition.card}))
    else:
        _print_edition(edition, weights, folder)


def _refuse_future(day: date) -> None:
    today = datetime.now(UTC).date()
    if day > today:
        raise ConfigError(
            f"--until {day} has not come: such an edition would never be used. Fix: name the last "
            f"day whose prices it may read, {today} at the latest."
        )


def _refuse_late(day: date, bars: Bars) -> None:
    """Raise ConfigError for a day that the prices do not reach."""
    last = bars.frame["session"].max()
    if isinstance(last, date) and day > last:
        raise ConfigError(
            f"--until {day} lies after the last session of the prices: nothing was read of the "
            f"days between, but the edition would wait for them. Fix: --until {last}, or give "
            "later prices."
        )


def _refuse_other_files(weights: Path) -> None:
    """Raise ConfigError for a place that is taken by anything but an edition."""
    from nextclose.durable import content_of, output_errors
    from nextclose.models.lstm.editions import EDITION_BYTES, edition_of

    name = printable(str(weights))
    if weights.is_dir():
        instead = printable(str(weights / "edition.safetensors"))
        raise ConfigError(f"--out {name} is a folder. Fix: name a file, as --out {instead}.")
    if not weights.exists():
        return
    try:
        with output_errors(weights):
            edition_of(content_of(weights, limit=EDITION_BYTES) if weights.is_file() else b"")
    except ValueError as error:
        raise ConfigError(
            f"--out {name} is there and no edition; it is not replaced. Fix: name another file."
        ) from error


def _print_edition(edition: Edition, weights: Path, work: Path) -> None:
    """What it was taught with, what came of it, and how to use it."""
    import numpy as np

    from nextclose.formatting import quantity
    from nextclose.pretraining.card import overall

    teach, stop = edition.card["teach"], edition.card["stop"]
    before, after = (
        overall(np.array(edition.card[name])) for name in ("stop_crps_untuned", "stop_crps")
    )
    print_lines(
        f"edition  {weights}\n"
        f"taught   simulated markets; {quantity(teach['symbols'], 'symbol')}, {teach['rows']:,} "
        f"sessions from {teach['first']} to {teach['last']}\n"
        f"stopped  by {quantity(stop['symbols'], 'symbol')} that taught nothing: CRPS "
        f"{before:.4f} after simulated markets, {after:.4f} at the end\n"
        f"kept     {work}: all rounds, for editions of other days; it may be removed\n"
        f"usable   by fits after {edition.until}, with these settings:\n\n"
        f"[lstm]\neditions = [{json.dumps(str(weights), ensure_ascii=False)}]"
    )
