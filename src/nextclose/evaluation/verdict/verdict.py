"""Better than naive, or luck: a verdict per symbol, horizon and model, and a pooled one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import polars.selectors as cs

from nextclose.arguments import FORECASTS_FIX, named_arguments, refuse_other_frame
from nextclose.data.sources.frames import is_frame, polars_frame
from nextclose.errors import ConfigError
from nextclose.evaluation.hypothesis_tests.multiple_comparison import ConfidenceSet
from nextclose.evaluation.scores.foreign_metrics import NO_METRICS
from nextclose.evaluation.scores.panel import Panel
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.decision import (
    CLAIMLESS,
    Category,
    Claims,
    category_of,
    deciding_p,
    pooled_claims,
    symbol_claims,
)
from nextclose.evaluation.verdict.evidence import POOLED, Evidence, evidence_of
from nextclose.evaluation.verdict.pooled import Standing, confidence_set, standing
from nextclose.evaluation.verdict.sentences import sentence, void_sentence
from nextclose.formatting import quantity, sessions
from nextclose.metrics import Metric
from nextclose.schema import FORECAST_SCHEMA

N_SHOWN = 12  # rows of a text


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VerdictRow:
    """One row of the verdict: what a model did on a symbol, and what that allows to be said.

    `p_value` is the one behind the sentence: of the ranges for BETTER and SIZE ONLY, of what lost
    for WORSE, of the error otherwise. `symbol` "*" pools the model's symbols.
    """

    evidence: Evidence
    claims: Claims
    verdict: Category
    n_comparisons: int  # symbols whose claims were held to one false-discovery rate
    p_value: float | None
    sentence: str
    standing: Standing | None = None  # pooled rows only
    taught_until: str | None = None  # a day, where years of the test taught the model beforehand

    @property
    def symbol(self) -> str:
        """The symbol, or "*" for all of the model's together."""
        return self.evidence.symbol

    @property
    def horizon_sessions(self) -> int:
        """Sessions from origin to target."""
        return self.evidence.horizon_sessions

    @property
    def model(self) -> str:
        """The model that was judged."""
        return self.evidence.model

    @property
    def direction_claim(self) -> bool:
        """Whether its calls are significantly better than chance, and above the base rate."""
        return self.claims.direction and self.verdict not in CLAIMLESS

    def __repr__(self) -> str:
        names = ("symbol", "horizon_sessions", "model", "verdict")
        return f"VerdictRow({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


class Verdicts(tuple[VerdictRow, ...]):
    """Rows of a verdict: a tuple, but for its text, which is short."""

    __slots__ = ()

    def __repr__(self) -> str:
        pooled = [row for row in self if row.symbol == POOLED]
        lines = [
            f"{sessions(row.horizon_sessions)}, {row.model}: {row.verdict}"
            for row in pooled[:N_SHOWN]
        ]
        more = f", the first {N_SHOWN} of" if len(pooled) > N_SHOWN else ","
        head = (
            f"{quantity(len(self), 'verdict')}{more} those on all symbols together "
            "(each has .sentence, .evidence):"
        )
        return "\n".join([head, *lines])


@named_arguments()
def verdicts(
    forecasts: pl.DataFrame | Any,
    *,
    seeds: pl.DataFrame | None = None,
    metrics: Mapping[str, Metric] = NO_METRICS,
    unready: pl.DataFrame | None = None,
    failed_check: str = "",
) -> Verdicts:
    """A verdict per symbol, horizon and model, sorted by horizon, model, symbol ("*" comes first).

    Each model answers for the origins between its first and last forecast of a symbol; one it left
    out there is charged as "no change" and counted. It meets each reference on the forecasts both
    have. "No change" needs no rows. A reference that was not run is not met: without historical
    rows nothing can be BETTER or SIZE ONLY.
    `seeds`, in SEED_SCHEMA: a gain of a model with two seeds or more must be 3 SDs over them.
    `metrics` are foreign losses by name: they stand in `evidence.metrics`, and decide nothing.
    `unready`, of a run its `backtest.unready`, names what a model had too little history for: that
    is not charged.
    `failed_check` names a check of the run that failed: then every verdict is VOID.
    Expects: FORECAST_SCHEMA in any row order, of polars or pandas; rows without a known target
        are not judged.
    Significant: by the decisive test, one-sided, false discoveries among a model's symbols at one
        horizon held to 10 %, better and worse apart; the pooled row: p <= 5 %.
    Raises: DataError or ConfigError as `scores_of`.
    """
    frame = _forecast_frame(forecasts)
    scores = scores_of(frame, seeds=seeds, metrics=metrics, unready=unready)
    return verdict_rows(scores.panels, failed_check=failed_check)


def _forecast_frame(forecasts: Any) -> pl.DataFrame:
    """Forecasts as a polars frame in FORECAST_SCHEMA.

    Raises: ConfigError for what is none, lacks a column, or has one of another type.
    """
    is_foreign = is_frame(forecasts) and not isinstance(forecasts, pl.DataFrame)
    frame = polars_frame(forecasts) if is_foreign else forecasts
    columns = list(FORECAST_SCHEMA)
    refuse_other_frame(
        frame, pl.DataFrame, columns=columns, argument="forecasts", fix=FORECASTS_FIX
    )
    assert isinstance(frame, pl.DataFrame), "refused above"
    if not is_foreign:
        return frame
    try:  # pandas says by NaN what is not known, and has no days
        return frame.with_columns(cs.float().fill_nan(None)).cast(dict(FORECAST_SCHEMA.items()))
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"forecasts are of other types. Fix: {FORECASTS_FIX}.") from error


def verdict_rows(panels: Sequence[Panel], *, failed_check: str = "") -> Verdicts:
    """The rows of `verdicts`, from forecasts that were scored before."""
    rows: list[VerdictRow] = []
    for panel in panels:
        parts = [panel.of(i) for i in range(len(panel.symbols))]
        best_set = confidence_set(panel)
        for model in panel.models:
            rows += _model_rows(panel, parts, model, best_set)
    if failed_check:
        rows = [_void(row, failed_check) for row in rows]
    return Verdicts(sorted(rows, key=lambda row: (row.horizon_sessions, row.model, row.symbol)))


def _model_rows(
    panel: Panel, parts: Sequence[Panel], model: str, best_set: ConfidenceSet | None
) -> list[VerdictRow]:
    """The rows of one model at one horizon, the pooled one first; `parts` are single symbols."""
    everything = evidence_of(panel, model, symbol=POOLED)
    if everything is None:
        return []
    of_symbols = (evidence_of(part, model, symbol=part.symbols[0]) for part in parts)
    symbols = [evidence for evidence in of_symbols if evidence is not None]
    claims = symbol_claims(symbols)
    rows = [_row(*pair, len(symbols)) for pair in zip(symbols, claims, strict=True)]
    if len(rows) == 1:  # nothing to pool: say the same thing twice rather than two things
        pooled = replace(rows[0], evidence=replace(rows[0].evidence, symbol=POOLED))
    else:
        pooled = _row(everything, pooled_claims(everything), 1)
    return [replace(pooled, standing=standing(panel, model, symbols, claims, best_set)), *rows]


def _row(evidence: Evidence, claims: Claims, n_comparisons: int) -> VerdictRow:
    category = category_of(evidence, claims)
    return VerdictRow(
        evidence=evidence,
        claims=claims,
        verdict=category,
        n_comparisons=n_comparisons,
        p_value=deciding_p(evidence, claims, category),
        sentence=sentence(evidence, category, claims, n_comparisons),
    )


def _void(row: VerdictRow, failed_check: str) -> VerdictRow:
    """The same figures, claiming nothing."""
    return replace(row, verdict="VOID", p_value=None, sentence=void_sentence(failed_check))
