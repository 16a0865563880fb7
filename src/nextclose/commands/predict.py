"""The command that says the next closes, from a bundle or without any training."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextclose.commands.messages import say, say_each, say_findings
from nextclose.commands.options import (
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    Horizons,
    News,
    bars_of,
    data_settings,
    out,
    served_bars,
    settings_of,
)
from nextclose.commands.switches import SWITCHES
from nextclose.errors import ConfigError, printable
from nextclose.folders import current_place

if TYPE_CHECKING:
    import polars as pl

    from nextclose.schema import Bars
    from nextclose.serving.bundle import Bundle


def predict(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[BUNDLE] PRICES...",
            help="A folder that `nextclose train` wrote, or none; then prices as elsewhere.",
        ),
    ],
    config: Config = None,
    horizons: Horizons = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    news: News = None,
    as_format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    as_json: AsJson = False,
) -> None:
    """The next closes of PRICES: dates, prices and ranges.

    Without a bundle they come from the universal network, which needs no training: 60 sessions of a
    symbol are enough. From a bundle, prices are read as those of its training were, but for what
    --config says of data. Old bars, symbols never learnt and symbols that are missing are told, and
    stand in the column "notes".
    """
    import polars as pl

    from nextclose.serving.forecasts import price_table
    from nextclose.serving.notices import notices_of

    as_format = "json" if as_json else as_format
    if as_format not in ("table", "csv", "json"):
        raise ConfigError(f"--format {as_format!r} is not known. Fix: table, csv or json.")
    data = data_settings({"calendar": calendar, "encoding": encoding, "as_of": as_of})
    if _is_bundle(Path(sources[0])):
        bundle, bars, forecasts = _of_bundle(sources, news, config, horizons, data)
    else:
        _refuse_swapped(sources)
        bundle, bars, forecasts = None, *_zero_shot(sources, news, config, horizons, data)
    notices = notices_of(bundle, bars, forecasts, now=datetime.now(UTC))
    say_each(notices.findings)
    notes = pl.col("symbol").replace_strict(notices.notes, return_dtype=pl.String)
    table = price_table(forecasts).with_columns(notes.alias("notes"))
    _print_forecasts(table, as_format)


def _is_bundle(folder: Path) -> bool:
    """Whether it is a bundle, or what is taken for one: part of one, or the run of a backtest."""
    from nextclose.serving.bundle import RUN
    from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL

    return any(current_place(folder / name).is_file() for name in (MANIFEST, MODEL, GOLDEN, RUN))


def _of_bundle(
    sources: list[str],
    news: Path | None,
    config: Path | None,
    horizons: str | None,
    data: dict[str, object],
) -> tuple[Bundle, Bars, pl.DataFrame]:
    """The bundle, the bars behind it, and its forecasts of them; what has none is told."""
    from nextclose.serving.predictor import (
        forecasts_of,
        load_bundle,
        reasons_without,
        refuse_other_horizons,
    )

    folder, *prices = sources
    if not prices:
        raise ConfigError(
            f"{printable(folder)} is a bundle, and no prices come after it. "
            f"Fix: nextclose predict {quote(printable(folder))} PRICES"
        )
    bundle = load_bundle(Path(folder))
    asked = settings_of(config, horizons=horizons)
    refuse_other_horizons(bundle, asked.backtest.horizons if horizons else None)
    bars = served_bars(bundle, prices, news, asked=asked, data=data)
    say_findings(bars)
    forecasts = forecasts_of(bundle, bars)
    _say_reasons(reasons_without(bundle, bars, forecasts))
    return bundle, bars, forecasts


def _zero_shot(
    prices: list[str],
    news: Path | None,
    config: Path | None,
    horizons: str | None,
    data: dict[str, object],
) -> tuple[Bars, pl.DataFrame]:
    """The bars and the universal network's forecasts of them; what has none is told."""
    from nextclose.models.lstm.editions import editions_at, shipped_editions
    from nextclose.serving.zero_shot import (
        edition_words,
        reasons_unforecast,
        zero_shot_forecasts,
    )

    if news is not None:
        raise ConfigError(
            "--news without a bundle: the universal network reads no headlines. "
            "Fix: leave them out, or train a bundle with them."
        )
    settings = settings_of(config, horizons=horizons, data=data)
    bars = bars_of(prices, None, data=settings.data, config=settings.news)
    say_findings(bars)
    files = settings.lstm.editions
    editions = editions_at(files) if files else shipped_editions()
    forecasts = zero_shot_forecasts(bars, horizons=settings.backtest.horizons, editions=editions)
    words = edition_words(forecasts, editions)
    say(words if SWITCHES.is_verbose else f"{words.partition('. ')[0]}.")
    _say_reasons(reasons_unforecast(bars, forecasts, editions))
    return bars, forecasts


def _say_reasons(reasons: Mapping[str, str]) -> None:
    for symbol, reason in reasons.items():
        say(f"{symbol}: no forecast; {reason}")


def _print_forecasts(table: pl.DataFrame, as_format: str) -> None:
    from nextclose.report.exports import csv_text, json_text
    from nextclose.terminal import forecast_table

    if as_format == "csv":
        print(csv_text(table), end="")
    elif as_format == "json":
        print(json_text([_json_row(row) for row in table.iter_rows(named=True)], what="forecasts"))
    else:
        out.print(forecast_table(table, width=out.width))


def _refuse_swapped(sources: list[str]) -> None:
    """Raise ConfigError if a bundle stands among the prices."""
    from nextclose.serving.manifest import MANIFEST

    bundles = [name for name in sources if (Path(name) / MANIFEST).is_file()]
    if bundles:
        prices = " ".join(quote(printable(name)) for name in sources if name not in bundles)
        call = f"nextclose predict {quote(printable(bundles[0]))} {prices}"
        raise ConfigError(
            f"{printable(bundles[0])} is a bundle, and stands among the prices: the bundle comes "
            f"first. Fix: {call}"
        )


def _json_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its dates as text."""
    return {
        name: str(value) if hasattr(value, "isoformat") else value for name, value in row.items()
    }
