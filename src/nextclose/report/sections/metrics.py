"""Metrics of the user's own, each mean beside those it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nextclose.evaluation.verdict.comparison import interval_of, skill_of
from nextclose.evaluation.verdict.evidence import POOLED, MetricEvidence
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import NOTHING, sessions, share, share_interval, significant
from nextclose.report.elements import (
    Cell,
    ReportTable,
    VerdictColumn,
    cell_with_yardstick,
    verdict_table,
    without_empty_columns,
)


def metric_tables(
    verdicts: Iterable[VerdictRow], *, models: Sequence[str]
) -> tuple[ReportTable, ...]:
    """Means and skills of all symbols together, a table per horizon; empty without such metrics.

    Models in the given order, the first stands out.
    """
    pooled = [v for v in verdicts if v.symbol == POOLED and v.model in models]
    pooled.sort(key=lambda v: models.index(v.model))
    names = dict.fromkeys(name for v in pooled for name in v.evidence.metrics)
    columns = [column for name in names for column in _columns(name)]
    return tuple(
        verdict_table(
            rows := [v for v in pooled if v.horizon_sessions == h],
            without_empty_columns(columns, rows),
            by="Model",
            caption=f"Your own metrics, {sessions(h)} ahead",
            headline=models[0],
        )
        for h in (sorted({v.horizon_sessions for v in pooled}) if columns else ())
    )


def _columns(name: str) -> tuple[VerdictColumn, ...]:
    """Mean beside that of no change, mean of history, and the skill that follows from it."""

    def means(v: VerdictRow) -> Cell:
        metric = v.evidence.metrics.get(name)
        if metric is None:
            return Cell(text=NOTHING)
        cell = cell_with_yardstick(significant(metric.mean), significant(metric.naive_mean))
        return replace(cell, values=(metric.mean, metric.naive_mean))

    def history(v: VerdictRow) -> Cell:
        metric = _against_history(v, name)
        mean = metric.reference_mean if metric else None
        return Cell(text=significant(mean), values=(mean,))

    def skill(v: VerdictRow) -> Cell:
        metric = _against_history(v, name)
        gain = skill_of(metric.comparison) if metric else None
        return Cell(text=share(gain, decimals=2, signed=True), values=(gain,))

    def interval(v: VerdictRow) -> Cell:
        metric = _against_history(v, name)
        bounds = interval_of(metric.comparison) if metric else None
        return Cell(
            text=share_interval(bounds, decimals=2, unit=""),
            look="beside",
            values=bounds or (None, None),
        )

    return (
        VerdictColumn(title=f"{name}, no change", cell=means, fields=(name, f"{name}_no_change")),
        VerdictColumn(title="Of history", cell=history, fields=(f"{name}_history",)),
        VerdictColumn(title="Skill, history", cell=skill, fields=(f"{name}_skill",)),
        VerdictColumn(
            title="95% interval",
            cell=interval,
            fields=(f"{name}_skill_interval",),
            term="interval",
        ),
    )


def _against_history(v: VerdictRow, name: str) -> MetricEvidence | None:
    """A yardstick's own figures are against the other one: not comparable down the column."""
    return None if v.verdict == "YARDSTICK" else v.evidence.metrics.get(name)
