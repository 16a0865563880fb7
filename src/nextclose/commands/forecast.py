"""The commands that fit: demo, backtest, train."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextclose.commands.messages import say, say_findings
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
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.config import RunConfig
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
        if not as_json:
            _say_next_closes(bars)
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
    refuse_prices_folder(out_folder, prices, other="runs")
    command = f"nextclose backtest {names} --config config.toml"  # as written into the run folder
    with run_folder(out_folder) as place:
        bars = bars_of(prices, news, data=settings.data, config=settings.news)
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
    from nextclose.formatting import quantity
    from nextclose.serving.bundle import bundle_folder
    from nextclose.studies import chosen_settings, with_young_symbols
    from nextclose.terminal import data_lines, progress_on
    from nextclose.training import train_into

    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, horizons=horizons, data=data_options)
    refuse_prices_folder(out_folder, prices, other="bundles")
    with bundle_folder(out_folder) as place:
        bars = bars_of(prices, news, data=settings.data, config=settings.news)
        say_findings(with_young_symbols(bars, *chosen_settings(settings, models=("hybrid",))))
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


def refuse_prices_folder(out_folder: Path, prices: list[str], *, other: str) -> None:
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


def _run_and_report(
    bars: Bars, config: RunConfig, place: OpenFolder, workers: int, *, command: str, as_json: bool
) -> None:
    """Walk forward over the bars, leave a run folder, and print what came of it."""
    from nextclose.report.exports import json_text
    from nextclose.results import fill_run
    from nextclose.run import backtest as run_backtest
    from nextclose.runfolder import TASKS
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
    """Scoreboard, who leads and what is said of it, what hybrid and news are worth, the data."""
    from nextclose.evaluation.breakdowns.training import (
        borrowed_volatility,
        editions_used,
        overlaps,
    )
    from nextclose.evaluation.breakdowns.tutorial import CLASSIC
    from nextclose.evaluation.verdict.overlap import overlap_notice, silence_notice
    from nextclose.studies import untaught_horizons
    from nextclose.terminal import data_lines, hybrid_lines, scoreboard, sentences

    models = run.config.backtest.models
    out.print(scoreboard(run.verdict, models=models))
    out.print(f"\n{run.lead.sentence}", markup=False, highlight=False)
    for line in sentences(run.verdict, models=(run.lead.model, CLASSIC)):
        out.print(line, markup=False, highlight=False)
    walked = run.backtest
    for notice in (overlap_notice(overlaps(walked)), silence_notice(editions_used(walked))):
        if notice:
            out.print(f"\n{notice}", markup=False, highlight=False)
    for line in hybrid_lines(run.ablation):
        out.print(f"\n{line}", markup=False, highlight=False)
    if borrowed := borrowed_volatility(run.backtest):
        said = ", ".join(f"{name} ({n} refits)" for name, n in borrowed.items())
        out.print(
            f"\ngarch: no sound fit of their own, with the dynamics of others: {said}",
            markup=False,
            highlight=False,
        )
    if untaught := untaught_horizons(run.config):
        ahead = ", ".join(map(str, untaught))
        line = f"\nlstm: not taught {ahead} sessions ahead, where the others answer alone"
        out.print(line, markup=False, highlight=False)
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


def _say_next_closes(bars: Bars) -> None:
    """What the universal network says at once: nothing is trained."""
    from nextclose.serving.forecasts import price_table
    from nextclose.serving.zero_shot import edition_words, zero_shot_forecasts
    from nextclose.terminal import forecast_table

    forecasts = zero_shot_forecasts(bars)
    out.print(forecast_table(price_table(forecasts)))
    say(edition_words(forecasts))


def _forecasts_of_new_bundle(bars: Bars, config: RunConfig, folder: Path) -> Any:
    """Next closes from a new bundle; in this process, for others take longer to start than it."""
    from nextclose.serving.forecasts import price_table
    from nextclose.serving.predictor import forecasts_of, load_bundle
    from nextclose.training import train as train_bundle

    with err.status("training on all bars"):
        train_bundle(bars, folder, config=config)
        return price_table(forecasts_of(load_bundle(folder), bars))


def _public_name(source: str) -> str:
    """Prices as a run folder may name them: a file's name, or a database and a table."""
    from nextclose.data.sources.postgres_url import database_url, public_url

    url = database_url(source)
    return Path(source).name if url is None else public_url(url)
