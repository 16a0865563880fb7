"""[shell] The honest verdict on forecasts of anybody: files in, the same Run as a backtest out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from nextclose.arguments import named_arguments, refuse_other
from nextclose.backtesting import walk_forward as walk
from nextclose.backtesting.study import Study
from nextclose.data.sources.frames import given_bars
from nextclose.errors import ConfigError
from nextclose.evaluation.breakdowns.training import overlaps
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.lead import lead_of
from nextclose.evaluation.verdict.overlap import with_overlaps
from nextclose.evaluation.verdict.verdict import Verdicts, verdict_rows
from nextclose.execution.in_turn import Progress, silent
from nextclose.judgement import Judgement
from nextclose.judging.aligning import aligned
from nextclose.judging.bar_positions import calendar_of
from nextclose.judging.basis import SCALES
from nextclose.judging.checks import diagnoses_of
from nextclose.judging.keys import distinctly_named, gap_diagnoses, unready_of_ours
from nextclose.judging.reading import PROPHET_WIDTH, Reading
from nextclose.judging.submission import Diagnosis
from nextclose.models.protocol import Fitted, Traits
from nextclose.models.registry import BASELINES, OURS
from nextclose.results import Run
from nextclose.samples.samples import Samples
from nextclose.schema import SEED_SCHEMA, Bars
from nextclose.submitting import all_submissions
from nextclose.yardsticks import YARDSTICKS, missing_yardsticks, with_yardsticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What stands for a model whose forecasts were handed in: it cannot be fitted."""

    name: str
    traits: Traits = field(default_factory=Traits)

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Raises: ConfigError, always."""
        raise ConfigError(f"{self.name} was submitted as forecasts and cannot be fitted.")


@named_arguments()
def judge(
    forecasts: Any,
    bars: Bars | Any,
    *,
    model: str | None = None,
    symbol: str | None = None,
    values: str = "auto",
    horizon: int | None = None,
    yardsticks: Sequence[str] = YARDSTICKS,
    trials: int | None = None,
    width: float = PROPHET_WIDTH,
    workers: int = 1,
    progress: Progress = silent,
) -> Judgement:
    """The honest verdict on forecasts made by any tool: the same as `backtest` gives on models.

    `forecasts` is a data frame, or the path of a CSV or Parquet file, in any format of
    docs/judge.md; or several of them, as a list or by name. Outcomes come from `bars`, which should
    reach back further than the forecasts: `yardsticks` are fitted on what was known before them,
    and measured on the same symbols, origins and horizons. Forecasts of a run of ours bring
    their own.
    `model` and `symbol` name forecasts that name none. `values` says what they are: "prices", "log
    returns", "simple returns", or "auto". `horizon` counts sessions where the forecasts say
    target dates alone. `trials` says how many configurations were tried. `width` is the
    coverage of Prophet's ranges.
    Raises: ForecastsError for what cannot be judged; ConfigError, DataError, NotEnoughDataError.
    """
    bars = given_bars(bars)
    _refuse_other(model, symbol, values, horizon, trials, width, yardsticks)
    told = Reading(
        symbol=symbol or (bars.symbols[0] if len(bars.symbols) == 1 else ""),
        model=model or "",
        scale=values,
        width=width,
    )
    given = distinctly_named(all_submissions(forecasts, told))
    frame, notes = aligned(given, bars, horizon=horizon)
    bars = _of_symbols(bars, frame)
    names = {one.model: one.form for one in given}
    frame, study, lacking = with_yardsticks(
        frame, bars, missing_yardsticks(names, yardsticks), workers=workers, progress=progress
    )
    run = _run(frame, study, bars, submitted=tuple(names))
    calendar = calendar_of(bars)
    submitted = run.scores.frame.filter(
        pl.col("model").is_in([name for name, form in names.items() if name not in BASELINES])
    )
    findings = (
        *diagnoses_of(submitted, calendar),
        *notes,
        *gap_diagnoses(submitted, calendar),
        *lacking,
    )
    return Judgement(
        run=_with_findings(run, findings),
        submitted=tuple(names),
        formats=names,
        findings=findings,
        trials=trials,
    )


def _refuse_other(
    model: object,
    symbol: object,
    values: object,
    horizon: object,
    trials: object,
    width: object,
    yardsticks: object,
) -> None:
    refuse_other(model, str, argument="model", fix='give a name, as model="mine"', is_optional=True)
    symbol_fix = 'give a text, as symbol="AAPL"'
    refuse_other(symbol, str, argument="symbol", fix=symbol_fix, is_optional=True)
    if values not in SCALES:
        raise ConfigError(f"values is {values!r:.40}. Fix: one of {', '.join(SCALES)}.")
    for name, value in (("horizon", horizon), ("trials", trials)):
        refuse_other(value, int, argument=name, fix=f"give a count, as {name}=1", is_optional=True)
        if isinstance(value, int) and value < 1:
            raise ConfigError(f"{name} is {value}. Fix: give a count from 1 on.")
    if not isinstance(width, float) or not 0.0 < width < 1.0:
        raise ConfigError(f"width is {width!r:.40}. Fix: a share between 0 and 1, as width=0.8.")
    known = {*YARDSTICKS, *BASELINES}
    if isinstance(yardsticks, str) or not {*yardsticks} <= known:  # type: ignore[misc]
        raise ConfigError(
            f"yardsticks is {yardsticks!r:.60}. Fix: some of {', '.join(YARDSTICKS)}, as a list."
        )


def _of_symbols(bars: Bars, frame: pl.DataFrame) -> Bars:
    """The bars of the symbols that are forecast."""
    names = frame["symbol"].unique()
    return replace(bars, frame=bars.frame.filter(pl.col("symbol").is_in(names.implode())))


def _run(frame: pl.DataFrame, study: Study, bars: Bars, *, submitted: Sequence[str]) -> Run:
    """The Run of all forecasts: scores, verdict and lead, as `backtest` makes them."""
    listed = tuple(dict.fromkeys([*submitted, *frame["model"].unique().sort()]))
    plan = study.config.backtest.model_copy(update={"models": listed})
    config = study.config.model_copy(update={"backtest": plan})
    plugins = tuple(Submitted(name=name) for name in listed if name not in OURS)
    unready = unready_of_ours(frame)
    walked = walk.Backtest(
        study=replace(study, config=config, plugins=plugins, yardsticks=()),
        forecasts=frame,
        fits={},
        issued={},
        crossings={},
        seeds=pl.DataFrame(schema=SEED_SCHEMA),
        ablation=pl.DataFrame(),
        unready=unready,
    )
    scores = scores_of(frame, unready=unready)
    rows = verdict_rows(scores.panels)
    return Run(
        bars=bars,
        config=config,
        backtest=walk.released(walked),
        scores=scores,
        verdict=Verdicts(with_overlaps(rows, overlaps(walked))),
        lead=lead_of(rows, listed=tuple(submitted)),
        submitted=tuple(name for name in submitted if name not in OURS),
    )


def _with_findings(run: Run, findings: Sequence[Diagnosis]) -> Run:
    """The run, whose first sentence warns of what is grave."""
    grave = " ".join(each.sentence for each in findings if each.is_grave)
    if not grave:
        return run
    return replace(run, lead=replace(run.lead, sentence=f"{grave} {run.lead.sentence}"))
