"""[shell] What a backtest gives back: forecasts, the verdict on them, and ways to see both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from nextclose.arguments import refuse_other, sessions_ahead
from nextclose.backtesting import walk_forward as walk
from nextclose.config import RunConfig, config_hash
from nextclose.data.finding_counts import finding_counts, policies_in_force
from nextclose.data.inventory import symbol_summaries
from nextclose.data.left_out import left_out_symbols
from nextclose.errors import printable
from nextclose.evaluation.breakdowns.ablation import Ablation
from nextclose.evaluation.breakdowns.calibration import (
    coverage_by_level,
    pit_histogram,
    rolling_coverage,
)
from nextclose.evaluation.breakdowns.news import NewsWorth
from nextclose.evaluation.breakdowns.training import (
    borrowed_volatility,
    editions_used,
    learning_curves,
    overlaps,
    tree_importance,
)
from nextclose.evaluation.breakdowns.tutorial import CLASSIC, tutorial_table
from nextclose.evaluation.scores.scores import Scores
from nextclose.evaluation.verdict.document import plain, verdict_document, verdict_frame
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.lead import Lead
from nextclose.evaluation.verdict.periods import by_regime, by_year
from nextclose.evaluation.verdict.summary import plain_sentence, summary_line
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.folders import OpenFolder
from nextclose.formatting import quantity, sessions
from nextclose.report.content import ReportContent, RunFacts
from nextclose.report.exports import pandas_frame
from nextclose.report.issued import chosen_forecasts, shown_origin
from nextclose.report.notebook import Report, forecast_figure
from nextclose.report.run_card import run_card
from nextclose.runfolder import effective_toml, run_files, run_folder
from nextclose.schema import Bars
from nextclose.serving.versions import versions
from nextclose.studies import public_settings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CALL = "nextclose.backtest(...)"  # what a report quotes of a run from Python
N_SHOWN = 4  # horizons of a text


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Run:
    """A finished backtest: bars, settings, forecasts and the verdict on them.

    `config` names the first session of the test: with it a run on more bars keeps the borders.
    """

    bars: Bars
    config: RunConfig
    backtest: walk.Backtest
    scores: Scores  # of the forecasts, which everything about them reads
    verdict: tuple[VerdictRow, ...]
    lead: Lead  # the model that report and terminal are about, and why
    ablation: tuple[Ablation, ...] = ()  # what the hybrid gains over its variants, by horizon
    news: tuple[NewsWorth, ...] = ()  # what news were worth, by horizon; empty without any
    submitted: tuple[str, ...] = ()  # models whose forecasts came from elsewhere
    looks: int | None = None  # configurations scored on these prices, with this; None: not counted

    @property
    def forecasts(self) -> pl.DataFrame:
        """Every forecast with its outcome, in `FORECAST_SCHEMA`; those of yardsticks too."""
        return self.backtest.forecasts

    @property
    def document(self) -> dict[str, Any]:
        """What `verdict.json` holds: the verdict, and what the hybrid is made of and worth."""
        hybrid = {
            "ablation": [asdict(part) for part in self.ablation],
        }
        document = verdict_document(self.verdict, run=run_facts(self)) | {"hybrid": plain(hybrid)}
        return document | (
            {"news": plain([asdict(part) for part in self.news])} if self.news else {}
        )

    @property
    def summary(self) -> str:
        """What the model that leads is worth, a line of plain words for each horizon."""
        return "\n".join(map(plain_sentence, self._led()))

    @property
    def scoreboard(self) -> pl.DataFrame:
        """The verdict as a frame: a row per symbol ("*": all together), horizon and model."""
        return verdict_frame(self.verdict)

    def to_pandas(self) -> pd.DataFrame:
        """The forecasts as a pandas frame, dates as datetimes."""
        return pandas_frame(self.forecasts)

    def plot(
        self,
        symbol: str | None = None,
        *,
        horizon: int | Sequence[int] | None = None,
        origin: date | None = None,
        model: str | None = None,
        dark: bool = False,
    ) -> Figure:
        """The ranges that were issued for a symbol on one day, and what became of them.

        Of the first symbol, all horizons, and the model that leads, unless they are named.
        `origin`: that day, or the last session before it; the newest whose outcomes are all known
        unless it is given.
        Raises: ConfigError for what this run has not forecast.
        """
        name = next(iter(self._symbols()), "") if symbol is None else symbol
        ahead = sessions_ahead(horizon) or self.config.backtest.horizons
        asked = {"symbol": name, "model": model or self.lead.model}
        rows = chosen_forecasts(self.forecasts, asked, ahead)
        day = shown_origin(rows, origin)
        return forecast_figure(self.bars.frame, rows, symbol=name, origin=day, dark=dark)

    def report(self) -> Report:
        """The report as one page: a notebook shows it, `.save("report.html")` writes it."""
        from nextclose.report.page import render_page

        return Report(html=render_page(report_content(self)))

    def save(self, folder: str | Path, *, figures: bool = True) -> Path:
        """Write what the command line leaves into `folder`: report, forecasts, verdict, settings.

        It takes the place of an earlier run's as a whole; `figures`: with every picture as a PNG.
        Raises: LockedError while another process writes there; OutputError.
        """
        folder_fix = 'name the folder of the run, as "runs/mine"'
        refuse_other(folder, (str, Path), argument="folder", fix=folder_fix)
        with run_folder(Path(folder)) as place:
            fill_run(place, self, command=CALL, figures=figures)
        return Path(folder)

    def __repr__(self) -> str:
        rows = self._led()
        name = self.lead.model
        lines = [
            f"{name}, {sessions(row.horizon_sessions)}: {summary_line(row)}"
            for row in rows[:N_SHOWN]
        ]
        if more := len(rows) - N_SHOWN:
            lines += [f"... and {quantity(more, 'more horizon')}"] if more > 0 else []
        example = next(iter(self._symbols()), "AAPL").replace('"', '\\"')
        ways = (
            f'run.verdict, run.scoreboard, run.plot("{printable(example)}"), run.report(), '
            'run.save("runs/mine")'
        )
        return "\n".join([f"Run: {self._extent()}", *lines, ways])

    def _repr_html_(self) -> str:
        has_ranges = self.lead.reason != "no ranges" and self._symbols()
        return run_card(
            self.verdict,
            lead=self.lead,
            extent=self._extent(),
            models=self.config.backtest.models,
            figure=self.plot() if has_ranges else None,
        )

    def _symbols(self) -> list[str]:
        """Symbols that the model which leads has forecast, sorted."""
        return sorted(self.forecasts.filter(model=self.lead.model)["symbol"].unique())

    def _led(self) -> list[VerdictRow]:
        """The pooled rows of the model that leads, by horizon."""
        rows = (row for row in self.verdict if row.symbol == POOLED)
        return sorted(
            (row for row in rows if row.model == self.lead.model),
            key=lambda row: row.horizon_sessions,
        )

    def _extent(self) -> str:
        """How much was forecast, and from when to when."""
        plan, origins = self.config.backtest, self.forecasts["origin"].unique()
        return (
            f"{quantity(self.forecasts['symbol'].n_unique(), 'symbol')}, "
            f"{quantity(len(plan.horizons), 'horizon')}, {quantity(len(plan.models), 'model')}, "
            f"{min(origins)} to {max(origins)}; {self.lead.model} leads"
        )


def fill_run(place: OpenFolder, run: Run, *, command: str, figures: bool = True) -> None:
    """Write the run into a folder that is open, as `Run.save`; the report quotes `command`."""
    content = report_content(run, command=command)
    files = run_files(content, forecasts=run.forecasts, document=run.document, figures=figures)
    place.replace(files)


def report_content(run: Run, *, command: str = CALL) -> ReportContent:
    """Every number and frame the report shows, from the stages that compute them."""
    asked = pl.col("model").is_in(run.config.backtest.models)
    scored, panels = run.scores.frame, run.scores.panels
    drawn = pl.col("model").is_in([run.lead.model, "naive", CLASSIC])  # all: a copy of gigabytes
    return ReportContent(
        headline=run.lead.model,
        lead_sentence=run.lead.sentence,
        verdicts=run.verdict,
        bars=run.bars.frame,
        forecasts=run.forecasts.filter(asked & drawn),
        coverage=coverage_by_level(scored).filter(asked),
        rolling=rolling_coverage(scored).filter(asked),
        pit=pit_histogram(scored).filter(asked),
        by_year=by_year(panels).filter(asked),
        by_regime=by_regime(panels).filter(asked),
        curves=learning_curves(run.backtest),
        tutorial=tutorial_table(scored),
        ablation=run.ablation,
        news=run.news,
        importance=tree_importance(run.backtest),
        network=_network_table() if CLASSIC in run.config.backtest.models else "",
        basis=run.bars.basis,
        summaries=symbol_summaries(run.bars),
        policies=policies_in_force(run.config.data),
        findings=run.bars.findings,
        run=RunFacts(
            command=command,
            config=effective_toml(public_settings(run.config)),
            versions=versions(),
            data_fingerprint=run.bars.fingerprint,
            config_hash=config_hash(public_settings(run.config)),
        ),
        overlaps=overlaps(run.backtest),
        editions=editions_used(run.backtest),
        submitted=run.lead.model in run.submitted,
        colours={
            name: model.traits.colours
            for name, model in run.backtest.study.models.items()
            if model.traits.colours
        },
    )


def _network_table() -> str:
    """The tutorial's network; a run without it does without torch too."""
    from nextclose.models.classic.network import network_table

    return network_table()


def run_facts(run: Run) -> dict[str, Any]:
    """What somebody needs to do the run again, as JSON values."""
    study, news, config = run.backtest.study, run.bars.news, public_settings(run.config)
    news_facts = {} if news is None else {"news": {"items": len(news.frame), "scorer": news.scorer}}
    borrowed = borrowed_volatility(run.backtest)
    garch_facts = {"garch_borrowed": borrowed} if borrowed else {}  # symbol: refits
    overlapping = [asdict(each) for each in overlaps(run.backtest)]
    return (
        news_facts
        | garch_facts
        | ({"overlaps": overlapping} if overlapping else {})
        | ({"looks": run.looks} if run.looks is not None else {})
        | {
            "lead": plain(asdict(run.lead)),
            "config": config.model_dump(mode="json"),
            "config_hash": config_hash(config),
            "data_fingerprint": run.bars.fingerprint,
            "basis": run.bars.basis,
            "symbols": list(run.bars.symbols),
            "findings": finding_counts(run.bars.findings),
            "left_out": left_out_symbols(run.bars.findings),
            "policies": policies_in_force(run.config.data),
            "folds": [
                {"valid_from": str(fold.valid_from), "fitted_at": str(fold.fitted_at)}
                for fold in study.folds
            ],
            "crossings": dict(run.backtest.crossings),
            "versions": versions(),
        }
    )
