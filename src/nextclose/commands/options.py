"""What commands share: their options, where they print, and how settings come together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.config import RunConfig

out, err = Console(), Console(stderr=True)

Prices = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders, postgresql:// URLs, or the word [b]sample[/b] for the bundled data."
    ),
]
Config = Annotated[Path | None, typer.Option("--config", help="Settings as TOML.")]
Calendar = Annotated[
    str | None,
    typer.Option(help="Exchange of the prices, as XNYS, or weekdays; else told by each suffix."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="A store as it stood at the end of that day, UTC."),
]
Encoding = Annotated[str | None, typer.Option(help="Encoding of the files, as latin-1.")]
News = Annotated[
    Path | None,
    typer.Option(
        "--news", help="Headlines as CSV or Parquet: symbol, first_seen with its zone, headline."
    ),
]
Models = Annotated[str | None, typer.Option(help="Models, separated by commas.")]
Horizons = Annotated[str | None, typer.Option(help="Trading sessions ahead, as in 1,7,30.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes, of one thread each.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]
N_CORES = os.cpu_count() or 1


def print_lines(text: str) -> None:
    """Print lines as they are: no path is broken at the edge or taken for markup."""
    text = "\n".join(map(printable, text.split("\n")))
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def data_settings(options: Mapping[str, object]) -> dict[str, object]:
    """Options that stand for `[data]` settings: those in use, instants as dates."""
    return {
        name: value.date() if isinstance(value, datetime) else value
        for name, value in options.items()
        if value is not None
    }


def settings_of(
    config: Path | None,
    *,
    models: str | None = None,
    horizons: str | None = None,
    data: Mapping[str, object] | None = None,
) -> RunConfig:
    """The settings of a file, with what the options say in place of its own.

    `data` holds options that stand for `[data]` settings; those that are None change nothing.
    Raises: ConfigError.
    """
    from nextclose.config import RunConfig, overridden, parse_config
    from nextclose.models.registry import is_known, unknown_model

    settings = RunConfig()
    if config is not None:
        try:
            text = config.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {config}: {error}. Fix: check the path.") from error
        settings = parse_config(text, path=str(config))
    settings = overridden(
        settings, models=models, horizons=horizons, data=data_settings(data or {})
    )
    for name in settings.backtest.models:  # before anything is written
        if not is_known(name):
            raise unknown_model(name)
    return settings
