"""The commands that forecast: demo, backtest, train, predict."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextclose.commands.messages import say, say_each, say_findings
from nextclose.commands.options import (
    N_CORES,
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    Horizons,
    Models,
    News,
    Prices,
    Workers,
    data_settings,
    err,
    out,
    print_lines,
    settings_of,
)
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.config import DataConfig, NewsConfig, RunConfig
    from nextclose.folders import OpenFolder
    from nextclose.run import Run
    from nextclose.schema import Bars


def demo(
    out_folder: Annotated[Path, typer.Option("--out", help="Where the run is written.")] = Path(
        "runs/demo"
    ),
    workers: Workers = N_CORES,
    as_json: AsJson = False,
) -> None:
    """Real bundled prices, the whole way once: backtest, verdict, report, forecasts. A minute."""
    from nextclose.data.sources.loading import sample_bars
    from nextclose.runfolder import BUNDLE, run_folder
    from nextclose.terminal import forecast_table

    started = time.monotonic()
    with run_folder(out_folder) as place:
        config, bars = _demo_settings(), sample_bars()
        say("demo: refitted every two years; a backtest refits yearly")
        _run_and_report(bars, config, place, workers, command="nextclose demo", as_json=as_json)
        forecasts = _forecasts_of_new_bundle(bars, config, out_folder / BUNDLE)
    if not as_json:
        out.print(forecast_table(forecasts))
        print_lines(f"bundle   {printable(str(out_folder / BUNDLE))}")
        out.print(f"[dim]{time.monotonic() - started:.0f} s[/dim]")


def backtest(
    prices: Prices,
    config: Config = None,
    models: Models = None,
    horizons: Horizons = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    news: News = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the run is written.")] = Path(
        "runs/backtest"
    ),
    workers: Workers = N_CORES,
    as_json: AsJson = False,
) -> None:
    """Walk forward through PRICES, judge every model, and write a report."""
    from nextclose.runfolder import run_folder

    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, models=models, horizons=horizons, data=data_options)
    names = " ".join(quote(printable(_public_name(source))) for source in prices)
    if news is not None:
        names += f" --news {quote(printable(news.name))}"
    _refuse_prices_folder(out_folder, prices, other="runs")
    command = f"nextclose backtest {names} --config config.toml"  # as written into the run folder
    with run_folder(out_folder) as place:
        bars = _bars_of(prices, news, data=settings.data, config=settings.news)
        _run_and_report(bars, settings, place, workers, command=command, as_json=as_json)


def train(
    prices: Prices,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the bundle is written.")],
    config: Config = None,
    horizons: Horizons = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    news: News = None,
    workers: Workers = N_CORES,
    as_json: AsJson = False,
) -> None:
    """Fit the hybrid on all of PRICES and save it as a bundle."""
    from nextclose.data.segments import with_short_symbols
    from nextclose.formatting import quantity
    from nextclose.serving.bundle import bundle_folder
    from nextclose.studies import served_rows
    from nextclose.terminal import data_lines, progress_on
    from nextclose.training import train_into

    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, horizons=horizons, data=data_options)
    _refuse_prices_folder(out_folder, prices, other="bundles")
    with bundle_folder(out_folder) as place:
        bars = _bars_of(prices, news, data=settings.data, config=settings.news)
        say_findings(with_short_symbols(bars, needed=served_rows(settings)))
        with progress_on(err) as progress:
            manifest = train_into(place, bars, config=settings, workers=workers, progress=progress)
    if as_json:
        print(manifest.model_dump_json())
    else:
        out.print(data_lines(bars, settings.data))
        print_lines(
            f"bundle   {printable(str(out_folder))}\n"
            f"{quantity(len(manifest.symbols), 'symbol')} up to {manifest.fitted_at}; "
            f"a forecast needs the last {manifest.min_rows} bars of a symbol"
        )


def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder that `nextclose train` wrote.")],
    prices: Prices,
    config: Config = None,
    calendar: Calendar = None,
    as_of: AsOf = None,
    news: News = None,
    as_format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    as_json: AsJson = False,
) -> None:
    """The next closes of PRICES: dates, prices and ranges from a bundle.

    Prices are read as those of its training were, but for what --config says of data. Old bars,
    symbols never learnt and symbols that are missing are told, and stand in the column "notes".
    """
    import polars as pl

    from nextclose.config import NewsConfig
    from nextclose.report.exports import csv_text, json_text
    from nextclose.serving.notices import notices_of
    from nextclose.serving.predictor import forecasts_of, load_bundle, price_table, reasons_without
    from nextclose.terminal import forecast_table

    as_format = "json" if as_json else as_format
    if as_format not in ("table", "csv", "json"):
        raise ConfigError(f"--format {as_format!r} is not known. Fix: table, csv or json.")
    _refuse_swapped(bundle, prices)
    checked = load_bundle(bundle)
    manifest = checked.manifest
    data = manifest.data.model_copy(
        update=settings_of(config).data.model_dump(exclude_unset=True)
        | data_settings({"calendar": calendar, "as_of": as_of})
    )
    bars = _bars_of(prices, news, data=data, config=manifest.news or NewsConfig())
    say_findings(bars)
    forecasts = forecasts_of(checked, bars)
    notices = notices_of(checked, bars, forecasts, now=datetime.now(UTC))
    say_each(notices.findings)
    notes = pl.col("symbol").replace_strict(notices.notes, return_dtype=pl.String)
    table = price_table(forecasts).with_columns(notes.alias("notes"))
    for symbol, reason in reasons_without(checked, bars, table).items():
        say(f"{symbol}: no forecast; {reason}")
    if as_format == "csv":
        print(csv_text(table), end="")
    elif as_format == "json":
        print(json_text([_json_row(row) for row in table.iter_rows(named=True)], what="forecasts"))
    else:
        out.print(forecast_table(table))


def _refuse_prices_folder(out_folder: Path, prices: list[str], *, other: str) -> None:
    """Raise ConfigError where results would lie among the prices, to be read as such."""
    from nextclose.data.sources.loading import SAMPLE

    place = out_folder.resolve()
    folders = [Path(source) for source in prices if source != SAMPLE]
    if place in [folder.resolve() for folder in folders if folder.is_dir()]:
        instead = quote(printable(f"{other}/{place.name}"))
        raise ConfigError(
            f"--out {quote(printable(str(out_folder)))} is the folder of the prices: results would "
            f"lie among them. Fix: name another, as --out {instead}."
        )


def _refuse_swapped(bundle: Path, prices: list[str]) -> None:
    """Raise ConfigError if it is the prices that come first, and a bundle after them."""
    from nextclose.serving.manifest import MANIFEST

    bundles = [source for source in prices if (Path(source) / MANIFEST).is_file()]
    if bundles and not (bundle / MANIFEST).is_file():
        call = f"nextclose predict {quote(printable(bundles[0]))} {quote(printable(str(bundle)))}"
        raise ConfigError(
            f"{printable(bundles[0])} is a bundle, and stands among the prices: the bundle comes "
            f"first. Fix: {call}"
        )


def _bars_of(prices: list[str], news: Path | None, *, data: DataConfig, config: NewsConfig) -> Bars:
    """The bars of PRICES, with the headlines of a file if one is given."""
    from nextclose.data.sources.loading import load_bars
    from nextclose.data.sources.news_file import with_news

    bars = load_bars(*prices, config=data)
    return bars if news is None else with_news(bars, news, config=config, data=data)


def _run_and_report(
    bars: Bars, config: RunConfig, place: OpenFolder, workers: int, *, command: str, as_json: bool
) -> None:
    """Walk forward over the bars, leave a run folder, and print what came of it."""
    from nextclose.report.exports import json_text
    from nextclose.run import backtest as run_backtest
    from nextclose.runfolder import TASKS, fill_run
    from nextclose.terminal import progress_on

    folder = place.path
    say_findings(bars)
    with progress_on(err) as progress:
        run = run_backtest(
            bars, config=config, workers=workers, progress=progress, memory=folder / TASKS
        )
        progress("report", 0, 1)
        fill_run(place, run, command=command)
        progress("report", 1, 1)
    say_findings(run.bars, besides=bars)
    if as_json:
        print(json_text(run.document, what="verdict"))
        return
    _print_run(run)
    for name in ("report.html", "verdict.json"):
        print_lines(f"{name.partition('.')[0]:<8} {printable(str(folder / name))}")


def _print_run(run: Run) -> None:
    """Scoreboard, sentences, what the hybrid and news are worth, and the data behind them."""
    from nextclose.evaluation.breakdowns.training import borrowed_volatility
    from nextclose.evaluation.breakdowns.tutorial import CLASSIC
    from nextclose.models.registry import headline
    from nextclose.terminal import data_lines, hybrid_lines, scoreboard, sentences

    models = run.config.backtest.models
    out.print(scoreboard(run.verdict, models=models))
    for line in sentences(run.verdict, models=(headline(models), CLASSIC)):
        out.print(line, markup=False, highlight=False)
    for line in hybrid_lines(run.backtest.weights, run.ablation):
        out.print(f"\n{line}", markup=False, highlight=False)
    if borrowed := borrowed_volatility(run.backtest):
        said = ", ".join(f"{name} ({n} refits)" for name, n in borrowed.items())
        out.print(
            f"\ngarch: no sound fit of their own, with the dynamics of others: {said}",
            markup=False,
            highlight=False,
        )
    for part in run.news:
        out.print(f"\n{part.sentence}", markup=False, highlight=False)
    out.print()
    out.print(data_lines(run.bars, run.config.data))


def _demo_settings() -> RunConfig:
    """The default settings with fewer refits, and the tutorial's network in small."""
    from nextclose.config import BacktestConfig, ClassicConfig, RunConfig

    plan = BacktestConfig(
        test_from=date(2008, 2, 29),  # the sample's last five years
        refit_sessions=504,
        rehearsal_sessions=1008,
        last_folds={"classic": 1},
    )
    return RunConfig(
        backtest=plan.model_copy(update={"models": (*plan.models, "classic")}),
        # the tutorial's network takes as long as all the rest: one symbol, one session, one fold
        classic=ClassicConfig(symbols=("AAPL",), horizons=(1,)),
    )


def _forecasts_of_new_bundle(bars: Bars, config: RunConfig, folder: Path) -> Any:
    """Next closes from a new bundle; in this process, for others take longer to start than it."""
    from nextclose.serving.predictor import forecasts_of, load_bundle, price_table
    from nextclose.training import train as train_bundle

    with err.status("training on all bars"):
        train_bundle(bars, folder, config=config)
        return price_table(forecasts_of(load_bundle(folder), bars))


def _public_name(source: str) -> str:
    """Prices as a run folder may name them: a file's name, or a database and a table."""
    from nextclose.data.sources.postgres_url import database_url, public_url

    url = database_url(source)
    return Path(source).name if url is None else public_url(url)


def _json_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its dates as text."""
    return {
        name: str(value) if hasattr(value, "isoformat") else value for name, value in row.items()
    }
