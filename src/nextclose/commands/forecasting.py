"""The commands that forecast: demo, backtest, train, predict."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextclose.commands.options import (
    N_CORES,
    AsJson,
    Calendar,
    Config,
    Encoding,
    Horizons,
    Models,
    Prices,
    Workers,
    err,
    out,
    say_findings,
    settings_of,
)
from nextclose.errors import ConfigError

if TYPE_CHECKING:
    from nextclose.config import RunConfig
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
    from nextclose.terminal import forecast_table

    started = time.monotonic()
    config, bars = _demo_settings(), sample_bars()
    err.print(
        "demo: refitted every two years, with two seeds; a backtest refits yearly, with five",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    _backtest(bars, config, out_folder, workers, command="nextclose demo", as_json=as_json)
    forecasts = _trained(bars, config, out_folder / "bundle")
    if not as_json:
        out.print(forecast_table(forecasts))
        out.print(f"bundle   {out_folder / 'bundle'}")
        out.print(f"[dim]{time.monotonic() - started:.0f} s[/dim]")


def backtest(
    prices: Prices,
    config: Config = None,
    models: Models = None,
    horizons: Horizons = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the run is written.")] = Path(
        "runs/backtest"
    ),
    workers: Workers = N_CORES,
    as_json: AsJson = False,
) -> None:
    """Walk forward through PRICES, judge every model, and write a report."""
    from nextclose.data.sources.loading import load_bars

    read = {"calendar": calendar, "encoding": encoding}
    settings = settings_of(config, models=models, horizons=horizons, data=read)
    names = " ".join(Path(given).name for given in prices)
    command = f"nextclose backtest {names} --config config.toml"  # as written into the run folder
    bars = load_bars(*prices, config=settings.data)
    _backtest(bars, settings, out_folder, workers, command=command, as_json=as_json)


def train(
    prices: Prices,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the bundle is written.")],
    config: Config = None,
    horizons: Horizons = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    workers: Workers = N_CORES,
    as_json: AsJson = False,
) -> None:
    """Fit the hybrid on all of PRICES and save it as a bundle."""
    from nextclose.data.bars import with_short_symbols_named
    from nextclose.data.sources.loading import load_bars
    from nextclose.run import served_rows
    from nextclose.run import train as trained
    from nextclose.terminal import progress_on

    read = {"calendar": calendar, "encoding": encoding}
    settings = settings_of(config, horizons=horizons, data=read)
    bars = load_bars(*prices, config=settings.data)
    say_findings(with_short_symbols_named(bars, needed=served_rows(settings)))
    with progress_on(err) as progress:
        manifest = trained(
            bars,
            out_folder,
            config=settings,
            workers=workers,
            progress=progress,
        )
    if as_json:
        print(manifest.model_dump_json())
    else:
        out.print(
            f"bundle   {out_folder}\n{len(manifest.symbols)} symbols up to {manifest.fitted_at}; "
            f"a forecast needs the last {manifest.min_rows} bars of a symbol"
        )


def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder that `nextclose train` wrote.")],
    prices: Prices,
    as_format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    as_json: AsJson = False,
) -> None:
    """The next closes of PRICES: dates, prices and ranges from a bundle."""
    from nextclose.data.sources.loading import load_bars
    from nextclose.serving.predictor import load_bundle, price_table, reasons_without
    from nextclose.serving.predictor import predict as predicted
    from nextclose.terminal import forecast_table

    as_format = "json" if as_json else as_format
    if as_format not in ("table", "csv", "json"):
        raise ConfigError(f"--format {as_format!r} is not known. Fix: table, csv or json.")
    trusted = load_bundle(bundle)
    bars = load_bars(*prices, config=trusted.manifest.data)
    say_findings(bars)
    table = price_table(predicted(trusted, bars))
    for symbol, reason in reasons_without(trusted, bars, table).items():
        err.print(f"{symbol}: no forecast; {reason}", markup=False, highlight=False)
    if as_format == "csv":
        print(table.write_csv(), end="")
    elif as_format == "json":
        print(json.dumps([_plain(row) for row in table.iter_rows(named=True)]))
    else:
        out.print(forecast_table(table))


def _backtest(
    bars: Bars, config: RunConfig, folder: Path, workers: int, *, command: str, as_json: bool
) -> Run:
    from nextclose.run import backtest as walked
    from nextclose.runfolder import CLASSIC, headline, start_run, write_run
    from nextclose.terminal import hybrid_lines, progress_on, scoreboard, sentences

    say_findings(bars)
    start_run(folder, config)
    with progress_on(err) as progress:
        run = walked(
            bars, config=config, workers=workers, progress=progress, memory=folder / "tasks"
        )
        progress("report", 0, 1)
        write_run(run, folder, command=command)
        progress("report", 1, 1)
    say_findings(run.bars, besides=bars)
    if as_json:
        print(json.dumps(run.document, allow_nan=False))
        return run
    out.print(scoreboard(run.verdict, models=config.backtest.models))
    for line in sentences(run.verdict, models=(headline(run), CLASSIC)):
        out.print(line, markup=False, highlight=False)
    for line in hybrid_lines(run.backtest.weights, run.ablation):
        out.print(f"\n{line}", markup=False, highlight=False)
    out.print(f"\nreport   {folder / 'report.html'}\nverdict  {folder / 'verdict.json'}")
    return run


def _demo_settings() -> RunConfig:
    """The default settings with fewer refits and seeds, and the tutorial's network in small."""
    from nextclose.config import BacktestConfig, ClassicConfig, LstmConfig, RunConfig

    plan = BacktestConfig(refit_sessions=504, rehearsal_sessions=1008, last_folds={"classic": 1})
    return RunConfig(
        backtest=plan.model_copy(update={"models": (*plan.models, "classic")}),
        lstm=LstmConfig(n_seeds=2),
        # the tutorial's network takes as long as all the rest: one symbol, one session, one fold
        classic=ClassicConfig(symbols=("AAPL",), horizons=(1,)),
    )


def _trained(bars: Bars, config: RunConfig, folder: Path) -> Any:
    """Next closes from a new bundle; in this process, for others take longer to start than it."""
    from nextclose.run import train as trained
    from nextclose.serving.predictor import load_bundle, predict, price_table

    with err.status("training on all bars"):
        trained(bars, folder, config=config)
        return price_table(predict(load_bundle(folder), bars))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if hasattr(value, "isoformat") else value for name, value in row.items()
    }
