"""The scoreboard: pooled figures of every model, and those of each symbol."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from nextclose.evaluation.verdict.comparison import Comparison, interval_of, skill_of
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import (
    count,
    number,
    p_value,
    quantity,
    sessions,
    share,
    share_interval,
    yes_or_no,
)
from nextclose.report.grid import Cell, Column, Grid, Row, cells, head, pair, speaking, words
from nextclose.report.wording import (
    WORDS,
    truncation_note,
)

MAX_SYMBOL_ROWS = 180
MAX_NAMED = 3  # symbols; more are only counted


def _verdict(v: VerdictRow) -> Cell:
    text, look = WORDS[v.verdict]
    return Cell(text=text, look=f"text {look}".strip())


def _ranges(v: VerdictRow) -> Comparison | None:
    """A yardstick's own figure is against the other one: not comparable down the column."""
    return None if v.verdict == "YARDSTICK" else v.evidence.ranges


def _may_be_best(v: VerdictRow) -> Cell:
    """Membership of the model confidence set; some models are not compared."""
    return Cell(text=yes_or_no(v.standing.in_confidence_set if v.standing else None))


def _interval(comparison: Comparison | None, *, decimals: int) -> Cell:
    """In per cent, as the figure before it is; without signs, for the table is wide."""
    bounds = interval_of(comparison)
    return Cell(text=share_interval(bounds, decimals=decimals, unit=""), look="beside")


def _held(v: VerdictRow) -> Cell:
    coverage = v.evidence.coverage
    return pair(share(coverage.coverage_90), number(coverage.width_90_pct, decimals=1, unit="%"))


VERDICT = Column(title="Verdict", cell=_verdict, is_text=True)
ERROR = Column(
    title="Error ÷ no change",
    cell=lambda v: Cell(text=number(v.evidence.relative_mae, decimals=3)),
)
PERCENT_ERROR = Column(
    title="% error, no change",
    cell=lambda v: pair(
        number(v.evidence.mape_pct, decimals=2), number(v.evidence.naive_mape_pct, decimals=2)
    ),
)
SKILL = Column(
    title="Range skill, history",
    cell=lambda v: Cell(text=share(skill_of(_ranges(v)), signed=True)),
)
SKILL_INTERVAL = Column(
    title="95% interval",
    cell=lambda v: _interval(_ranges(v), decimals=1),
)
GARCH = Column(
    title="Range skill, garch",
    cell=lambda v: Cell(text=share(skill_of(v.evidence.garch), decimals=2, signed=True)),
)
GARCH_INTERVAL = Column(
    title="95% interval", cell=lambda v: _interval(v.evidence.garch, decimals=2)
)
MAY_BE_BEST = Column(title="May be best", cell=_may_be_best)
DIRECTION = Column(
    title="% right, base rate",
    cell=lambda v: pair(
        share(v.evidence.calls.hits.hit_rate, unit=""),
        share(v.evidence.calls.hits.base_rate, unit=""),
    ),
)
DIRECTION_P = Column(
    title="p of direction", cell=lambda v: Cell(text=p_value(v.evidence.calls.p_value))
)
HELD = Column(title="90% range held, its width", cell=_held)
CHANCE = Column(title="p", cell=lambda v: Cell(text=p_value(v.p_value)))

POOLED_COLUMNS = (
    *(VERDICT, ERROR, PERCENT_ERROR, SKILL, SKILL_INTERVAL, GARCH, GARCH_INTERVAL),
    *(MAY_BE_BEST, HELD, CHANCE),
)
SYMBOL_COLUMNS = (
    *(VERDICT, ERROR, PERCENT_ERROR, SKILL, GARCH, DIRECTION, DIRECTION_P, HELD, CHANCE),
)


def scoreboard(verdicts: Iterable[VerdictRow], *, models: Sequence[str]) -> tuple[Grid, ...]:
    """Pooled scores, one table per horizon; models in the given order, the first stands out."""
    known = [v for v in verdicts if v.model in models]
    pooled = [v for v in known if v.symbol == POOLED]
    columns = speaking(POOLED_COLUMNS, pooled)
    grids = []
    for h in sorted({v.horizon_sessions for v in pooled}):
        rows = sorted(
            (v for v in pooled if v.horizon_sessions == h), key=lambda v: models.index(v.model)
        )
        most = max((v.evidence for v in rows), key=lambda evidence: evidence.forecasts)
        grids.append(
            Grid(
                caption=f"{sessions(h)} ahead: {quantity(most.forecasts, 'forecast')} from "
                f"{quantity(most.origins, 'origin')}, about {count(most.independent)} of them "
                "independent",
                head=head("Model", columns=columns),
                rows=tuple(
                    Row(
                        name=v.model,
                        cells=cells(v, columns),
                        model=v.model,
                        strong=v.model == models[0],
                    )
                    for v in rows
                ),
                text=words(columns),
                note=_fewer(rows, [v for v in known if v.horizon_sessions == h]),
            )
        )
    return tuple(grids)


def _fewer(pooled: Sequence[VerdictRow], rows: Sequence[VerdictRow]) -> str:
    """Which models of a table were scored on fewer forecasts than its caption says, and on which.

    Expects: `pooled` in the order of the table; `rows` of that horizon, single symbols among them.
    """
    symbols = {
        v.model: sorted(w.symbol for w in rows if w.model == v.model and w.symbol != POOLED)
        for v in pooled
    }
    most = max(v.evidence.forecasts for v in pooled)
    widest = max(len(own) for own in symbols.values())

    def scored(v: VerdictRow) -> str:
        own, evidence = symbols[v.model], v.evidence
        names = ", ".join(own) if len(own) <= MAX_NAMED else quantity(len(own), "symbol")
        origins = f" from {quantity(evidence.origins, 'origin')}"
        return (
            quantity(evidence.forecasts, "forecast")
            + (origins if evidence.origins < evidence.forecasts else "")
            + (f", {names}" if len(own) < widest else "")
        )

    fewer = [v for v in pooled if v.evidence.forecasts < most]
    parts = [
        f"{', '.join(v.model for v in group)} on {text}"
        for text, group in ((t, list(g)) for t, g in itertools.groupby(fewer, key=scored))
    ]
    return f"Scored on fewer forecasts: {'; '.join(parts)}." if parts else ""


def by_symbol(verdicts: Iterable[VerdictRow], *, headline: str) -> Grid:
    """The headline's scores for each symbol and horizon, at most `MAX_SYMBOL_ROWS`."""
    rows = sorted(
        (v for v in verdicts if v.symbol != POOLED and v.model == headline),
        key=lambda v: (v.horizon_sessions, v.symbol),
    )
    shown = rows[:MAX_SYMBOL_ROWS]
    columns = speaking(SYMBOL_COLUMNS, shown)
    return Grid(
        caption="Each symbol on its own: far fewer forecasts, far more luck",
        head=head("Symbol", "Ahead", columns=columns),
        rows=tuple(
            Row(name=v.symbol, cells=(Cell(text=str(v.horizon_sessions)), *cells(v, columns)))
            for v in shown
        ),
        text=words(columns),
        note=truncation_note(len(rows), len(shown), "rows; verdict.json has them all"),
    )
