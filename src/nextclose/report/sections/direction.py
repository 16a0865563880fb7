"""Direction: no hit rate without its base rate, its interval, what it would imply, and its test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import p_value, sessions, share, share_interval
from nextclose.report.elements import (
    Cell,
    ReportTable,
    VerdictColumn,
    cell_with_yardstick,
    verdict_table,
)


def _hit_rate(v: VerdictRow) -> Cell:
    return Cell(text=share(v.evidence.calls.hits.hit_rate, unit=""))


def _base_rate(v: VerdictRow) -> Cell:
    """The base rate, beside a hit rate only."""
    hits = v.evidence.calls.hits
    base = None if hits.hit_rate is None else hits.base_rate
    return cell_with_yardstick(share(base, unit=""), f"“{hits.side}”")


def _interval(v: VerdictRow) -> Cell:
    return Cell(text=share_interval(v.evidence.calls.interval, unit=""), look="beside")


def _conclusion(v: VerdictRow) -> Cell:
    """What the figures allow to be said; only a claim is more than a coin with drift."""
    calls = v.evidence.calls
    if calls.hits.hit_rate is None:
        return Cell(text="calls no direction", look="text")
    if v.direction_claim:
        return Cell(text="knows something of direction", look="text good")
    if calls.only:
        return Cell(text=f"always calls “{calls.only}”: nothing to test", look="text")
    if calls.p_value is None:
        return Cell(text="too little to test", look="text")
    return Cell(text="no sign that it knows", look="text")


COLUMNS = (
    VerdictColumn(title="% right", cell=_hit_rate, fields=("hit_rate",)),
    VerdictColumn(title="95% interval", cell=_interval, fields=("hit_interval",), term="interval"),
    VerdictColumn(
        title="% right if always one side", cell=_base_rate, fields=("base_rate", "base_side")
    ),
    VerdictColumn(
        title="R² it would imply",
        cell=lambda v: Cell(text=share(v.evidence.calls.implied_r2, decimals=2)),
        fields=("implied_r2",),
    ),
    VerdictColumn(
        title="p",
        cell=lambda v: Cell(text=p_value(v.evidence.calls.p_value)),
        fields=("direction_p",),
        term="p_value",
    ),
    VerdictColumn(title="What it says", cell=_conclusion, is_text=True),
)


def direction_table(verdicts: Iterable[VerdictRow], *, headline: str) -> ReportTable:
    """The headline's calls at each horizon, all symbols together."""
    return verdict_table(
        _pooled_rows(v for v in verdicts if v.model == headline),
        COLUMNS,
        by="Ahead",
        caption=f"Calls of {headline}, all symbols together",
    )


def direction_tables_by_horizon(
    verdicts: Iterable[VerdictRow], *, models: Sequence[str]
) -> tuple[ReportTable, ...]:
    """The calls of every model that makes any, a table per horizon."""
    calling = (v for v in verdicts if v.evidence.calls.hits.hit_rate is not None)
    pooled = _pooled_rows(v for v in calling if v.model in models)
    pooled.sort(key=lambda v: models.index(v.model))
    return tuple(
        verdict_table(
            [v for v in pooled if v.horizon_sessions == h],
            COLUMNS,
            by="Model",
            caption=f"{sessions(h)} ahead",
        )
        for h in sorted({v.horizon_sessions for v in pooled})
    )


def _pooled_rows(verdicts: Iterable[VerdictRow]) -> list[VerdictRow]:
    """Rows of all symbols together, shortest horizon first."""
    return sorted((v for v in verdicts if v.symbol == POOLED), key=lambda v: v.horizon_sessions)
