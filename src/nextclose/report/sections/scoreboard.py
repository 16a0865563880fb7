"""The scoreboard: pooled figures of every model, and those of each symbol."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

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
from nextclose.report.wording import VERDICT_WORDS

MAX_NAMED = 3  # symbols; more are only counted


def _verdict(v: VerdictRow) -> Cell:
    text, look = VERDICT_WORDS[v.verdict]
    return Cell(
        text=text,
        look=f"text {look}".strip(),
        values=(v.verdict,),
        rank=list(VERDICT_WORDS).index(v.verdict),
        term=v.verdict,
    )


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


VERDICT = VerdictColumn(title="Verdict", cell=_verdict, is_text=True, fields=("verdict",))
ERROR = VerdictColumn(
    title="Error ÷ no change",
    cell=lambda v: Cell(text=number(v.evidence.relative_mae, decimals=3)),
    fields=("relative_mae",),
)
PERCENT_ERROR = VerdictColumn(
    title="% error, no change",
    cell=lambda v: cell_with_yardstick(
        number(v.evidence.mape_pct, decimals=2), number(v.evidence.naive_mape_pct, decimals=2)
    ),
    fields=("mape_pct", "naive_mape_pct"),
)
SKILL = VerdictColumn(
    title="Range skill, history",
    cell=lambda v: Cell(text=share(skill_of(_ranges(v)), signed=True)),
    fields=("crps_skill_vs_hs",),
)
SKILL_INTERVAL = VerdictColumn(
    title="95% interval",
    cell=lambda v: _interval(_ranges(v), decimals=1),
    fields=("crps_skill_interval",),
    term="interval",
)
GARCH = VerdictColumn(
    title="Range skill, garch",
    cell=lambda v: Cell(text=share(skill_of(v.evidence.garch), decimals=2, signed=True)),
    fields=("crps_skill_vs_garch",),
)
GARCH_INTERVAL = VerdictColumn(
    title="95% interval",
    cell=lambda v: _interval(v.evidence.garch, decimals=2),
    fields=("crps_skill_vs_garch_interval",),
    term="interval",
)
MAY_BE_BEST = VerdictColumn(title="May be best", cell=_may_be_best, fields=("in_confidence_set",))
COVERAGE = VerdictColumn(
    title="90% range held, its width",
    cell=_coverage_and_width,
    fields=("coverage_90", "width_90_pct"),
)
P_VALUE = VerdictColumn(
    title="p", cell=lambda v: Cell(text=p_value(v.p_value)), fields=("p_value",)
)

POOLED_COLUMNS = (
    *(VERDICT, ERROR, PERCENT_ERROR, SKILL, SKILL_INTERVAL, GARCH, GARCH_INTERVAL),
    *(MAY_BE_BEST, COVERAGE, P_VALUE),
)


def scoreboard_tables(
    verdicts: Iterable[VerdictRow],
    *,
    models: Sequence[str],
    marks: Mapping[str, str] = MappingProxyType({}),
) -> tuple[ReportTable, ...]:
    """Pooled scores, one table per horizon; models in the given order, the first stands out.

    `marks` are warnings by model.
    """
    listed = sorted((v for v in verdicts if v.model in models), key=lambda v: models.index(v.model))
    pooled = [v for v in listed if v.symbol == POOLED]
    columns = without_empty_columns(POOLED_COLUMNS, pooled)
    tables = []
    for h in sorted({v.horizon_sessions for v in pooled}):
        rows = [v for v in pooled if v.horizon_sessions == h]
        most = max((v.evidence for v in rows), key=lambda evidence: evidence.forecasts)
        table = verdict_table(
            rows,
            columns,
            by="Model",
            caption=f"{sessions(h)} ahead: {quantity(most.forecasts, 'forecast')} from "
            f"{quantity(most.origins, 'origin')}, about {count(most.independent)} of them "
            "independent",
            headline=models[0],
            marks=marks,
        )
        note = _fewer_forecasts_note(rows, [v for v in listed if v.horizon_sessions == h])
        tables.append(replace(table, note=note))
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
