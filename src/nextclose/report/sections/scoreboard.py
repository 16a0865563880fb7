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
from nextclose.report.elements import (
    Cell,
    ReportTable,
    VerdictColumn,
    cell_with_yardstick,
    verdict_table,
    without_empty_columns,
)
from nextclose.report.wording import VERDICT_WORDS, truncation_note

MAX_SYMBOL_ROWS = 180
MAX_NAMED = 3  # symbols; more are only counted


def _verdict(v: VerdictRow) -> Cell:
    text, look = VERDICT_WORDS[v.verdict]
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


def _coverage_and_width(v: VerdictRow) -> Cell:
    coverage = v.evidence.coverage
    return cell_with_yardstick(
        share(coverage.coverage_90), number(coverage.width_90_pct, decimals=1, unit="%")
    )


VERDICT = VerdictColumn(title="Verdict", cell=_verdict, is_text=True)
ERROR = VerdictColumn(
    title="Error ÷ no change",
    cell=lambda v: Cell(text=number(v.evidence.relative_mae, decimals=3)),
)
PERCENT_ERROR = VerdictColumn(
    title="% error, no change",
    cell=lambda v: cell_with_yardstick(
        number(v.evidence.mape_pct, decimals=2), number(v.evidence.naive_mape_pct, decimals=2)
    ),
)
SKILL = VerdictColumn(
    title="Range skill, history",
    cell=lambda v: Cell(text=share(skill_of(_ranges(v)), signed=True)),
)
SKILL_INTERVAL = VerdictColumn(
    title="95% interval",
    cell=lambda v: _interval(_ranges(v), decimals=1),
)
GARCH = VerdictColumn(
    title="Range skill, garch",
    cell=lambda v: Cell(text=share(skill_of(v.evidence.garch), decimals=2, signed=True)),
)
GARCH_INTERVAL = VerdictColumn(
    title="95% interval", cell=lambda v: _interval(v.evidence.garch, decimals=2)
)
MAY_BE_BEST = VerdictColumn(title="May be best", cell=_may_be_best)
DIRECTION = VerdictColumn(
    title="% right, base rate",
    cell=lambda v: cell_with_yardstick(
        share(v.evidence.calls.hits.hit_rate, unit=""),
        share(v.evidence.calls.hits.base_rate, unit=""),
    ),
)
DIRECTION_P = VerdictColumn(
    title="p of direction", cell=lambda v: Cell(text=p_value(v.evidence.calls.p_value))
)
COVERAGE = VerdictColumn(title="90% range held, its width", cell=_coverage_and_width)
P_VALUE = VerdictColumn(title="p", cell=lambda v: Cell(text=p_value(v.p_value)))

POOLED_COLUMNS = (
    *(VERDICT, ERROR, PERCENT_ERROR, SKILL, SKILL_INTERVAL, GARCH, GARCH_INTERVAL),
    *(MAY_BE_BEST, COVERAGE, P_VALUE),
)
SYMBOL_COLUMNS = (
    VerdictColumn(title="Ahead", cell=lambda v: Cell(text=str(v.horizon_sessions))),
    *(VERDICT, ERROR, PERCENT_ERROR, SKILL, GARCH, DIRECTION, DIRECTION_P, COVERAGE, P_VALUE),
)


def scoreboard_tables(
    verdicts: Iterable[VerdictRow], *, models: Sequence[str]
) -> tuple[ReportTable, ...]:
    """Pooled scores, one table per horizon; models in the given order, the first stands out."""
    listed = sorted((v for v in verdicts if v.model in models), key=lambda v: models.index(v.model))
    pooled = [v for v in listed if v.symbol == POOLED]
    columns = without_empty_columns(POOLED_COLUMNS, pooled)
    tables = []
    for h in sorted({v.horizon_sessions for v in pooled}):
        rows = [v for v in pooled if v.horizon_sessions == h]
        most = max((v.evidence for v in rows), key=lambda evidence: evidence.forecasts)
        tables.append(
            verdict_table(
                rows,
                columns,
                by="Model",
                caption=f"{sessions(h)} ahead: {quantity(most.forecasts, 'forecast')} from "
                f"{quantity(most.origins, 'origin')}, about {count(most.independent)} of them "
                "independent",
                headline=models[0],
                note=_fewer_forecasts_note(rows, [v for v in listed if v.horizon_sessions == h]),
            )
        )
    return tuple(tables)


def _fewer_forecasts_note(pooled: Sequence[VerdictRow], rows: Sequence[VerdictRow]) -> str:
    """Which models of a table were scored on fewer forecasts than its caption says, and on which.

    Expects: `pooled` in the order of the table; `rows` of that horizon, single symbols among them.
    """
    symbols = {
        v.model: sorted(w.symbol for w in rows if w.model == v.model and w.symbol != POOLED)
        for v in pooled
    }
    most = max(v.evidence.forecasts for v in pooled)
    widest = max(len(own) for own in symbols.values())

    def forecasts_of(v: VerdictRow) -> str:
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
        for text, group in ((t, list(g)) for t, g in itertools.groupby(fewer, key=forecasts_of))
    ]
    beside = [
        f"{v.model} on {quantity(v.evidence.n_beside_garch, 'forecast')}"
        for v in pooled
        if v.evidence.n_beside_garch is not None
    ]
    notes = (("Scored on fewer forecasts", "; ".join(parts)), ("Beside garch", ", ".join(beside)))
    return " ".join(f"{what}: {text}." for what, text in notes if text)


def symbol_scores_table(verdicts: Iterable[VerdictRow], *, headline: str) -> ReportTable:
    """The headline's scores for each symbol and horizon, at most `MAX_SYMBOL_ROWS`."""
    rows = sorted(
        (v for v in verdicts if v.symbol != POOLED and v.model == headline),
        key=lambda v: (v.horizon_sessions, v.symbol),
    )
    listed = rows[:MAX_SYMBOL_ROWS]
    return verdict_table(
        listed,
        without_empty_columns(SYMBOL_COLUMNS, listed),
        by="Symbol",
        caption="Each symbol on its own: far fewer forecasts, far more luck",
        note=truncation_note(len(rows), len(listed), "rows; verdict.json has them all"),
    )
