"""ReportContent: every number, frame and fact that a report shows, computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from nextclose.data.inventory import SymbolSummary
from nextclose.evaluation.breakdowns.ablation import Ablation
from nextclose.evaluation.breakdowns.news import NewsWorth
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.overlap import Overlap
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.report.figures.palette import model_order
from nextclose.schema import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What somebody needs to do the run again. Expects: no secrets, no absolute paths."""

    command: str
    config: str  # the effective TOML text
    versions: Mapping[str, str]  # package -> version
    data_fingerprint: str
    config_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """Everything a report says; a frame without rows leaves its section out. Shares are fractions.

    `verdicts`   one per symbol, horizon and model; symbol `*` is the pooled row
    `bars`       `Bars.frame`; open, high and low may be missing
    `forecasts`  `FORECAST_SCHEMA`; the headline model, naive and, where it ran, classic
    `coverage`   `calibration.coverage_by_level`
    `rolling`    `calibration.rolling_coverage`
    `pit`        `calibration.pit_histogram`
    `by_year`    `periods.by_year`
    `by_regime`  `periods.by_regime`
    `curves`     model, label (a picture each, as "Fitted 2012-02-29"), seed, epoch or tree (0 =
                 before any training, where there is one), train, valid (the losses), kept (this
                 is what was used); oldest fit first
    `tutorial`   horizon_sessions, metric, classic, naive: on equal origins, in price units. Metrics
                 are mse, mae, mape_pct, r2; consecutive_direction, a fraction, from one forecast to
                 the next; direction, a fraction, against the last close, its naive the base rate. A
                 metric without a row is left out
    `ablation`   `ablation.ablations`; empty without a hybrid
    `importance` horizon_sessions, feature, share: of what moved the trees' forecasts, mean of the
                 refits; a horizon without trees has no rows
    `news`       `news.news_worth`; empty where the run was given none
    `overlaps`   models that were taught beforehand by years that they are tested in
    `editions`   of the LSTM: the day each was taught up to, and how many refits used it; "" none
    `submitted`  whether the headline's forecasts came from elsewhere: nobody saw how they were made
    `colours`    light and dark, as #rrggbb, of models that bring their own
    `network`    layers of the tutorial's network as plain text, shown as it is; "" leaves it out
    """

    headline: str  # the model under judgement ...
    lead_sentence: str  # ... and why it is this one, as `Lead.sentence`
    verdicts: tuple[VerdictRow, ...]
    bars: pl.DataFrame
    forecasts: pl.DataFrame
    coverage: pl.DataFrame
    rolling: pl.DataFrame
    pit: pl.DataFrame
    by_year: pl.DataFrame
    by_regime: pl.DataFrame
    curves: pl.DataFrame
    tutorial: pl.DataFrame
    ablation: tuple[Ablation, ...]
    importance: pl.DataFrame
    basis: str  # of the prices, as `Bars.basis`
    summaries: tuple[SymbolSummary, ...]
    policies: Mapping[str, str]  # lossy repairs that were allowed: setting -> value
    findings: tuple[Finding, ...]
    run: RunFacts
    network: str = ""
    news: tuple[NewsWorth, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    editions: Mapping[str, int] = field(default_factory=dict)
    submitted: bool = False
    colours: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons with a pooled verdict on the headline, rising."""
        rows = (v for v in self.verdicts if v.symbol == POOLED and v.model == self.headline)
        return tuple(sorted({row.horizon_sessions for row in rows}))

    @property
    def models(self) -> tuple[str, ...]:
        """All models with a verdict, a forecast or a learning curve, in the order of the report."""
        names = {row.model for row in self.verdicts} | set(self.forecasts["model"].unique())
        names |= set(self.curves["model"]) if len(self.curves) else set()
        return model_order(names, headline=self.headline)
