"""What commands share: their options, where they print, and how settings come together."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.config import DataConfig, NewsConfig, RunConfig
    from nextclose.schema import Bars
    from nextclose.serving.bundle import Bundle

out, err = Console(), Console(stderr=True)
CONFIG_BYTES = 1 << 20  # more than any settings take

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
        settings = parse_config(_text_of(config), path=str(config))
    settings = overridden(
        settings, models=models, horizons=horizons, data=data_settings(data or {})
    )
    for name in settings.backtest.models:  # before anything is written
        if not is_known(name):
            raise unknown_model(name)
    return settings


def bars_of(prices: list[str], news: Path | None, *, data: DataConfig, config: NewsConfig) -> Bars:
    """The bars of PRICES, with the headlines of a file if one is given."""
    from nextclose.data.sources.loading import load_bars
    from nextclose.data.sources.news_file import with_news

    bars = load_bars(*prices, config=data)
    return bars if news is None else with_news(bars, news, config=config, data=data)


def served_bars(
    bundle: Bundle,
    prices: list[str],
    news: Path | None,
    *,
    asked: RunConfig,
    data: Mapping[str, object],
) -> Bars:
    """The bars of PRICES, read as those of a bundle's training were.

    But for what a file of settings says of data (`asked`), and the options (`data`).
    """
    from nextclose.config import NewsConfig

    manifest = bundle.manifest
    own = asked.data.model_dump(exclude_unset=True) | data_settings(data)
    settings = manifest.data.model_copy(update=own)
    return bars_of(prices, news, data=settings, config=manifest.news or NewsConfig())


def _text_of(path: Path) -> str:
    """The text of a file of settings. Raises: ConfigError if it is none."""
    try:
        # a pipe that nobody writes would keep us waiting
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            is_file = stat.S_ISREG(os.fstat(handle).st_mode)
            content = file.read(CONFIG_BYTES + 1) if is_file else b""
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}. Fix: check the path.") from error
    if not is_file or len(content) > CONFIG_BYTES:
        kind = "larger than any settings" if is_file else "no file, but a folder, pipe or device"
        raise ConfigError(f"cannot read {path}: it is {kind}. Fix: name a file of TOML.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"cannot read {path}: byte {error.start} is not UTF-8. Fix: save it as UTF-8."
        ) from error
