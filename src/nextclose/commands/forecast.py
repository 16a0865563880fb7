"""The commands that fit: demo, backtest, train."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from nextclose.commands.messages import STYLES, say, say_findings, say_notes
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
    bars_of,
    err,
    out,
    print_lines,
    settings_of,
)
from nextclose.commands.summary import print_run, print_wrapped
from nextclose.commands.switches import SWITCHES
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.config import RunConfig
    from nextclose.folders import OpenFolder
    from nextclose.run import Run
    from nextclose.schema import Bars

OpenReport = Annotated[bool, typer.Option("--open", help="Show the report in the browser.")]


def demo(
    out_folder: Annotated[Path, typer.Option("--out", help="Where the run is written.")] = Path(
        "runs/demo"
    ),
    workers: Workers = N_CORES,
    open_report: OpenReport = False,
    as_json: AsJson = False,
) -> None:
    """Real bundled prices, the whole way once: forecasts, backtest, verdict, report. A minute."""
    from nextclose.data.sources.loading import sample_bars
    from nextclose.runfolder import BUNDLE, run_folder

    started = time.monotonic()
    with run_folder(out_folder) as place:
        config, bars = _demo_settings(), sample_bars()
        if not as_json:
            _print_next_closes(bars)
        if is_full := SWITCHES.is_verbose or SWITCHES.is_json:
            say("demo: refitted every two years; a backtest refits yearly")
            say_findings(bars)
        if lack := _lack_of(config):
            config = _without_classic(config)
        run = _run_into(place, bars, config, workers, command="nextclose demo")
        _train_bundle(bars, config, out_folder / BUNDLE)
    if is_full:
        say_findings(run.bars, besides=bars)
    if as_json:
        _print_document(run)
    else:
        print_run(run, out_folder)
        if lack:
            print_lines(f"without classic, the tutorial's network: {lack}")
        print_lines(f"bundle   {printable(str(out_folder / BUNDLE))}")
        _print_seconds(started)
        say_notes([] if is_full else run.bars.findings)  # the sample asks for no decision
    if open_report:
        _open_report(out_folder)


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
    open_report: OpenReport = False,
    as_json: AsJson = False,
) -> None:
    """Walk forward through PRICES, judge every model, and write a report."""
    from nextclose.runfolder import run_folder
    from nextclose.studies import check_libraries

    started = time.monotonic()
    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, models=models, horizons=horizons, data=data_options)
    refuse_prices_folder(out_folder, prices, other="runs")
    check_libraries(settings)
    command = _command_again(prices, news, out_folder)
    with run_folder(out_folder) as place:
        bars = bars_of(prices, news, data=settings.data, config=settings.news)
        say_findings(bars)
        run = _run_into(place, bars, settings, workers, command=command, is_counted=True)
    say_findings(run.bars, besides=bars)
    if as_json:
        _print_document(run)
    else:
        print_run(run, out_folder)
        _print_seconds(started)
    if open_report:
        _open_report(out_folder)


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
    from nextclose.formatting import quantity
    from nextclose.serving.bundle import bundle_folder
    from nextclose.studies import chosen_settings, with_young_symbols
    from nextclose.terminal import data_lines, data_text, progress_on
    from nextclose.training import train_into

    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, horizons=horizons, data=data_options)
    refuse_prices_folder(out_folder, prices, other="bundles")
    chosen = chosen_settings(settings, models=("hybrid",))  # what cannot be fitted is said first
    with bundle_folder(out_folder) as place:
        bars = bars_of(prices, news, data=settings.data, config=settings.news)
        say_findings(with_young_symbols(bars, *chosen))
        with progress_on(err) as progress:
            manifest = train_into(place, bars, config=settings, workers=workers, progress=progress)
    if as_json:
        print(manifest.model_dump_json())
    else:
        if SWITCHES.is_verbose:
            out.print(data_lines(bars, settings.data))
        else:
            print_lines(f"data     {data_text(bars)}")
        print_lines(
            f"bundle   {printable(str(out_folder))}\n"
            f"{quantity(len(manifest.symbols), 'symbol')} up to {manifest.fitted_at}; "
            f"a forecast needs the last {manifest.min_rows} bars of a symbol"
        )


def refuse_prices_folder(out_folder: Path, prices: list[str], *, other: str) -> None:
    """Raise ConfigError where results would lie among the prices, to be read as such."""
    from nextclose.data.sources.loading import SAMPLE

    place, here = out_folder.resolve(), Path.cwd().resolve()
    folders = (Path(source).resolve() for source in prices if source != SAMPLE)
    for folder in filter(Path.is_dir, folders):
        # whoever works among the prices has all results below them: folders there are not read
        is_within = folder in place.parents and folder not in (here, *here.parents)
        if place == folder or is_within:
            instead = Path(other, place.name)
            if folder in (here, *here.parents):
                instead = Path(os.path.relpath(folder.parent, here)) / instead
            where = "the folder of the prices" if place == folder else "in the folder of the prices"
            raise ConfigError(
                f"--out {quote(printable(str(out_folder)))} is {where}: results would lie among "
                f"them. Fix: name another, as --out {quote(printable(str(instead)))}."
            )


def _run_into(
    place: OpenFolder,
    bars: Bars,
    config: RunConfig,
    workers: int,
    *,
    command: str,
    is_counted: bool = False,
) -> Run:
    """Walk forward over the bars and leave a run folder; `command` is what the report quotes.

    `is_counted`: the ledger beside the folder counts it as a trial.
    """
    from nextclose.commands.trials import counted_run
    from nextclose.results import fill_run
    from nextclose.run import backtest as run_backtest
    from nextclose.runfolder import TASKS
    from nextclose.terminal import progress_on

    with progress_on(err) as progress:
        memory = place.path / TASKS
        run = run_backtest(bars, config=config, workers=workers, progress=progress, memory=memory)
        progress("report", 0, 1)
        run = counted_run(run, place.path.parent) if is_counted else run
        fill_run(place, run, command=command)
        progress("report", 1, 1)
    return run


def _print_document(run: Run) -> None:
    from nextclose.report.exports import json_text

    print(json_text(run.document, what="verdict"))


def _print_seconds(started: float) -> None:
    out.print(f"[dim]{time.monotonic() - started:.0f} s[/dim]", highlight=False)


def _open_report(folder: Path) -> None:
    """Show the report in the user's browser; where there is none, say so."""
    import webbrowser

    if not webbrowser.open((folder / "report.html").resolve().as_uri()):
        say("No browser could be opened.", style=STYLES["W"])


def _command_again(prices: list[str], news: Path | None, out_folder: Path) -> str:
    """The call that does a run again with the settings that it left; no full path is in it."""
    names = [_public_name(source) for source in prices]
    news_option = [] if news is None else ["--news", news.name]
    is_full = out_folder.is_absolute() or str(out_folder).startswith("~")
    folder = Path(out_folder.name) if is_full else out_folder
    parts = [*names, *news_option, "--config", str(folder / "config.toml")]
    return f"nextclose backtest {' '.join(quote(printable(part)) for part in parts)}"


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


def _lack_of(config: RunConfig) -> str:
    """What the models of the settings lack here, and how to have it; "" for nothing."""
    from nextclose.errors import LibraryError
    from nextclose.studies import check_libraries

    try:
        check_libraries(config)
    except LibraryError as error:
        return f"{error.library} {error.reason}. To have it: {error.cure}"
    return ""


def _without_classic(config: RunConfig) -> RunConfig:
    """The settings with the models that need no more than the package itself."""
    plan = config.backtest
    models = tuple(name for name in plan.models if name != "classic")
    plan = plan.model_copy(update={"models": models, "last_folds": {}})
    return config.model_copy(update={"backtest": plan})


def _print_next_closes(bars: Bars) -> None:
    """What the universal network says at once: nothing is trained."""
    from nextclose.serving.forecasts import price_table
    from nextclose.serving.zero_shot import edition_words, zero_shot_forecasts
    from nextclose.terminal import closes_table, forecast_table

    forecasts = zero_shot_forecasts(bars)
    prices = price_table(forecasts)
    if SWITCHES.is_verbose:
        out.print(forecast_table(prices, width=out.width))
        say(edition_words(forecasts))
        return
    print_wrapped("Next closes: 90 % ranges by lstm, which has never seen these prices")
    out.print(closes_table(prices, width=out.width))
    out.print()


def _train_bundle(bars: Bars, config: RunConfig, folder: Path) -> None:
    """A bundle of all bars; in this process, for others take longer to start than it."""
    from nextclose.training import train as train_bundle

    with err.status("training on all bars"):
        train_bundle(bars, folder, config=config)


def _public_name(source: str) -> str:
    """Prices as a run folder may name them: a file's name, or a database and a table."""
    from nextclose.data.sources.postgres_url import database_url, public_url

    url = database_url(source)
    return Path(source).name if url is None else public_url(url)
