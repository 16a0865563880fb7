"""The command that judges forecasts made by anything: judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextclose.commands.forecast import refuse_prices_folder
from nextclose.commands.messages import say_findings
from nextclose.commands.options import (
    N_CORES,
    AsJson,
    Calendar,
    Config,
    Encoding,
    Workers,
    bars_of,
    err,
    out,
    print_lines,
    settings_of,
)
from nextclose.commands.summary import print_wrapped
from nextclose.commands.switches import SWITCHES
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.judgement import Judgement

SCALES = {"auto": "auto", "prices": "prices", "log": "log returns", "simple": "simple returns"}
Values = Annotated[str, typer.Option(help="What values are: auto, prices, log or simple returns.")]
Name = Annotated[str | None, typer.Option("--model", help="Name of forecasts that have none.")]

Symbol = Annotated[str | None, typer.Option(help="Symbol of forecasts that name none.")]


def judge(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FORECASTS... PRICES",
            help="Forecasts as CSV or Parquet, one file or several; last the prices.",
        ),
    ],
    model: Name = None,
    symbol: Symbol = None,
    values: Values = "auto",
    horizon: Annotated[
        int | None, typer.Option(min=1, help="Sessions ahead, where target dates alone are given.")
    ] = None,
    yardsticks: Annotated[
        str | None, typer.Option(help="Yardsticks, separated by commas; all but garch are fast.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many configurations were tried before.")
    ] = None,
    width: Annotated[float, typer.Option(help="Coverage of Prophet's ranges.")] = 0.8,
    tutorial_metrics: Annotated[
        bool, typer.Option("--tutorial-metrics", help="RMSE, MAPE, R2 beside those of no change.")
    ] = False,
    config: Config = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the run is written.")] = Path(
        "runs/judged"
    ),
    workers: Workers = N_CORES,
    as_json: AsJson = False,
) -> None:
    """The honest verdict on FORECASTS made by any tool, beside yardsticks on the same days."""
    from nextclose.commands.trials import counted_judgement
    from nextclose.referee import judge as judge_forecasts
    from nextclose.terminal import progress_on
    from nextclose.yardsticks import YARDSTICKS

    *forecasts, prices = files
    if not forecasts:
        raise ConfigError(
            f"{printable(prices)} stands alone. Fix: nextclose judge FORECASTS PRICES, or "
            "nextclose roast FILE where one file has both."
        )
    scale = scale_named(values)
    settings = settings_of(config, data={"calendar": calendar, "encoding": encoding})
    refuse_prices_folder(out_folder, [prices], other="runs")
    bars = bars_of([prices], None, data=settings.data, config=settings.news)
    say_findings(bars)
    with progress_on(err) as progress:
        judged = judge_forecasts(
            list(forecasts),
            bars,
            model=model,
            symbol=symbol,
            values=scale,
            horizon=horizon,
            yardsticks=YARDSTICKS if yardsticks is None else yardsticks.split(","),
            trials=trials,
            width=width,
            workers=workers,
            progress=progress,
        )
        judged = counted_judgement(judged, out_folder.parent)
        judged.save(out_folder, command="nextclose judge FORECASTS PRICES")
    if as_json:
        from nextclose.report.exports import json_text

        print(json_text(judged.document, what="verdict"))
        return
    _print(judged, out_folder, is_tutorial=tutorial_metrics)


def scale_named(values: str) -> str:
    """What --values says, in the words of `judge`."""
    if values not in SCALES:
        raise ConfigError(f"--values {values!r:.40} is not known. Fix: {', '.join(SCALES)}.")
    return SCALES[values]


def _print(judged: Judgement, folder: Path, *, is_tutorial: bool) -> None:
    from nextclose.commands.judge_tables import leaderboard_table, tutorial_metrics_table

    for finding in judged.findings:
        if finding.is_grave or SWITCHES.is_verbose:
            print_wrapped(("! " if finding.is_grave else "  ") + finding.sentence)
    for line in judged.verdict_sentences:
        print_wrapped(line)
    out.print(leaderboard_table(judged.leaderboard))
    if is_tutorial:
        out.print(tutorial_metrics_table(judged))
    print_lines(f"report   {printable(str(folder / 'report.html'))}")
