"""What the sample of this run could show: how small an edge or a difference drowns in noise."""

from __future__ import annotations

from collections.abc import Iterable

from nextclose.evaluation.hypothesis_tests.power import direction_origins_needed
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import count, share
from nextclose.report.elements import (
    Cell,
    ReportTable,
    VerdictColumn,
    verdict_table,
    without_empty_columns,
)

POINT = 0.01  # an edge in direction that would be worth having


def _smallest_edge(v: VerdictRow) -> Cell:
    edge = v.evidence.smallest_visible_edge
    return Cell(text="none" if edge > 0.5 else share(edge, unit=" points"))


def _origins_for_one_point(v: VerdictRow) -> Cell:
    return Cell(text=count(direction_origins_needed(POINT, horizon_sessions=v.horizon_sessions)))


def _seed_sd(comparison: Comparison | None) -> float | None:
    return comparison.seed_sd if comparison else None


COLUMNS = (
    VerdictColumn(
        title="Origins",
        cell=lambda v: Cell(text=count(v.evidence.origins)),
        fields=("origins",),
        term="origin",
    ),
    VerdictColumn(
        title="Of them independent",
        cell=lambda v: Cell(text=count(v.evidence.independent)),
        fields=("independent",),
    ),
    VerdictColumn(
        title="Smallest direction edge it shows",
        cell=_smallest_edge,
        fields=("smallest_visible_edge",),
    ),
    VerdictColumn(title="Origins that a one-point edge needs", cell=_origins_for_one_point),
    VerdictColumn(
        title="Noise floor of range skill",
        cell=lambda v: Cell(text=share(v.evidence.noise_floor, decimals=2)),
        fields=("noise_floor",),
    ),
    VerdictColumn(
        title="Seeds differ, range skill",
        cell=lambda v: Cell(text=share(_seed_sd(v.evidence.ranges), decimals=3)),
        fields=("crps_skill_seed_sd",),
    ),
    VerdictColumn(
        title="Seeds differ, error",
        cell=lambda v: Cell(text=share(_seed_sd(v.evidence.error), decimals=3)),
        fields=("relative_mae_seed_sd",),
    ),
)


def sample_size_table(verdicts: Iterable[VerdictRow], *, headline: str) -> ReportTable:
    """What the headline's own forecasts could show at each horizon."""
    rows = sorted(
        (v for v in verdicts if v.symbol == POOLED and v.model == headline),
        key=lambda v: v.horizon_sessions,
    )
    return verdict_table(
        rows,
        without_empty_columns(COLUMNS, rows),
        by="Ahead",
        caption=f"What the forecasts of {headline} could show",
    )
