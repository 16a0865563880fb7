"""Direction: no hit rate without its base rate, its interval, what it would imply, and its test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import p_value, sessions, share, share_interval
from nextclose.report.grid import Cell, Column, Grid, Row, cells, head, pair, words


def _right(v: VerdictRow) -> Cell:
    return Cell(text=share(v.evidence.calls.hits.hit_rate, unit=""))


def _always(v: VerdictRow) -> Cell:
    """The base rate, beside a hit rate only."""
    hits = v.evidence.calls.hits
    base = None if hits.hit_rate is None else hits.base_rate
    return pair(share(base, unit=""), f"“{hits.side}”")


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
    Column(title="% right", cell=_right),
    Column(title="95% interval", cell=_interval),
    Column(
        title="% right if always one side",
        cell=_always,
    ),
    Column(
        title="R² it would imply",
        cell=lambda v: Cell(text=share(v.evidence.calls.implied_r2, decimals=2)),
    ),
    Column(title="p", cell=lambda v: Cell(text=p_value(v.evidence.calls.p_value))),
    Column(title="What it says", cell=_conclusion, is_text=True),
)


def calls(verdicts: Iterable[VerdictRow], *, headline: str) -> Grid:
    """The headline's calls at each horizon, all symbols together."""
    rows = _pooled(v for v in verdicts if v.model == headline)
    return Grid(
        caption=f"Calls of {headline}, all symbols together",
        head=head("Ahead", columns=COLUMNS),
        rows=tuple(Row(name=sessions(v.horizon_sessions), cells=cells(v, COLUMNS)) for v in rows),
        text=words(COLUMNS),
    )


def calls_of_all(verdicts: Iterable[VerdictRow], *, models: Sequence[str]) -> tuple[Grid, ...]:
    """The calls of every model that makes any, a table per horizon."""
    calling = (v for v in verdicts if v.evidence.calls.hits.hit_rate is not None)
    rows = _pooled(v for v in calling if v.model in models)
    return tuple(
        Grid(
            caption=f"{sessions(h)} ahead",
            head=head("Model", columns=COLUMNS),
            rows=tuple(
                Row(name=v.model, cells=cells(v, COLUMNS), model=v.model)
                for v in sorted(rows, key=lambda v: models.index(v.model))
                if v.horizon_sessions == h
            ),
            text=words(COLUMNS),
        )
        for h in sorted({v.horizon_sessions for v in rows})
    )


def _pooled(verdicts: Iterable[VerdictRow]) -> list[VerdictRow]:
    """Pooled rows, shortest horizon first."""
    return sorted((v for v in verdicts if v.symbol == POOLED), key=lambda v: v.horizon_sessions)
