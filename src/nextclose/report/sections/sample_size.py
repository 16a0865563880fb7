"""What the sample of this run could show: how small an edge or a difference drowns in noise."""

from __future__ import annotations

from collections.abc import Iterable

from nextclose.evaluation.hypothesis_tests.power import direction_origins_needed
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import count, sessions, share
from nextclose.report.grid import Cell, Column, Grid, Row, cells, head, speaking

POINT = 0.01  # an edge in direction that would be worth having


def _edge(v: VerdictRow) -> Cell:
    edge = v.evidence.smallest_visible_edge
    return Cell(text="none" if edge > 0.5 else share(edge, unit=" points"))


def _needed(v: VerdictRow) -> Cell:
    return Cell(text=count(direction_origins_needed(POINT, horizon_sessions=v.horizon_sessions)))


def _seed_sd(comparison: Comparison | None) -> float | None:
    return comparison.seed_sd if comparison else None


COLUMNS = (
    Column(title="Origins", cell=lambda v: Cell(text=count(v.evidence.origins))),
    Column(title="Of them independent", cell=lambda v: Cell(text=count(v.evidence.independent))),
    Column(title="Smallest direction edge it shows", cell=_edge),
    Column(title="Origins that a one-point edge needs", cell=_needed),
    Column(
        title="Noise floor of range skill",
        cell=lambda v: Cell(text=share(v.evidence.noise_floor, decimals=2)),
    ),
    Column(
        title="Seeds differ, range skill",
        cell=lambda v: Cell(text=share(_seed_sd(v.evidence.ranges), decimals=3)),
    ),
    Column(
        title="Seeds differ, error",
        cell=lambda v: Cell(text=share(_seed_sd(v.evidence.error), decimals=3)),
    ),
)


def sample_size(verdicts: Iterable[VerdictRow], *, headline: str) -> Grid:
    """What the headline's own forecasts could show at each horizon."""
    rows = sorted(
        (v for v in verdicts if v.symbol == POOLED and v.model == headline),
        key=lambda v: v.horizon_sessions,
    )
    columns = speaking(COLUMNS, rows)
    return Grid(
        caption=f"What the forecasts of {headline} could show",
        head=head("Ahead", columns=columns),
        rows=tuple(Row(name=sessions(v.horizon_sessions), cells=cells(v, columns)) for v in rows),
    )
