"""The headline symbol by symbol: a heat map where there are many, and every figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from nextclose.evaluation.verdict.comparison import Comparison, skill_of
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import NOTHING, p_value, share
from nextclose.report.elements import (
    Cell,
    Column,
    ReportTable,
    TableRow,
    VerdictColumn,
    cell_with_yardstick,
    verdict_table,
    without_empty_columns,
)
from nextclose.report.sections.scoreboard import (
    COVERAGE,
    ERROR,
    GARCH,
    P_VALUE,
    PERCENT_ERROR,
    SKILL,
    VERDICT,
)
from nextclose.report.wording import SHORT_VERDICT_WORDS, VERDICT_WORDS, truncation_note

MAX_SYMBOLS = 600  # keeps the page below 5 MB
MANY_SYMBOLS = 12  # more than these are a heat map
SKILL_STEPS = (0.002, 0.01, 0.03)  # of range skill: where a colour gets stronger
COVERAGE_STEPS = (0.01, 0.03, 0.06)  # away from 90 %

DIRECTION = VerdictColumn(
    title="% right, base rate",
    cell=lambda v: cell_with_yardstick(
        share(v.evidence.calls.hits.hit_rate, unit=""),
        share(v.evidence.calls.hits.base_rate, unit=""),
    ),
    fields=("hit_rate", "base_rate"),
)
DIRECTION_P = VerdictColumn(
    title="p of direction",
    cell=lambda v: Cell(text=p_value(v.evidence.calls.p_value)),
    fields=("direction_p",),
    term="p_value",
)
SYMBOL_COLUMNS = (
    VerdictColumn(
        title="Ahead",
        cell=lambda v: Cell(text=str(v.horizon_sessions)),
        fields=("horizon_sessions",),
        term="horizon",
    ),
    *(VERDICT, ERROR, PERCENT_ERROR, SKILL, GARCH, DIRECTION, DIRECTION_P, COVERAGE, P_VALUE),
)


def symbol_scores_table(verdicts: Iterable[VerdictRow], *, headline: str) -> ReportTable:
    """The headline's scores for each symbol and horizon, of at most `MAX_SYMBOLS`."""
    listed, note = _listed(verdicts, headline)
    listed.sort(key=lambda v: (v.horizon_sessions, v.symbol))
    table = verdict_table(
        listed,
        without_empty_columns(SYMBOL_COLUMNS, listed),
        by="Symbol",
        caption="Each symbol on its own: far fewer forecasts, far more luck",
    )
    has_filter = len({v.symbol for v in listed}) > MANY_SYMBOLS
    return replace(table, note=note, has_filter=has_filter)


def symbol_heat_map(verdicts: Iterable[VerdictRow], *, headline: str) -> ReportTable | None:
    """A row per symbol: verdict, range skill and coverage at each horizon; None for few symbols.

    Skill is against garch where it ran, else against history. Colours repeat what figures say.
    """
    listed, note = _listed(verdicts, headline)
    rows = {(v.symbol, v.horizon_sessions): v for v in listed}
    symbols = sorted({v.symbol for v in listed})
    horizons = sorted({v.horizon_sessions for v in listed})
    if len(symbols) <= MANY_SYMBOLS:
        return None
    has_garch = any(v.evidence.garch for v in listed)
    reference = "garch" if has_garch else "history"
    kinds: tuple[tuple[str, str, str, Callable[[VerdictRow], Cell]], ...] = (
        ("Verdict", "verdict", "", _short_verdict),
        (
            f"Range skill against {reference}",
            f"skill_{reference}",
            "crps_skill_vs_garch" if has_garch else "crps_skill_vs_hs",
            _garch_heat if has_garch else _history_heat,
        ),
        ("90% range held", "coverage_90", "coverage_90", _coverage_heat),
    )
    columns = [
        Column(
            title=f"{h} ahead",
            group=title,
            fields=(f"{field}_{h}",),
            term=term,
            is_text=field == "verdict",
        )
        for title, field, term, _ in kinds
        for h in horizons
    ]

    def cells(symbol: str) -> tuple[Cell, ...]:
        return tuple(
            heat(rows[symbol, h]) if (symbol, h) in rows else Cell(text=NOTHING)
            for *_, heat in kinds
            for h in horizons
        )

    return ReportTable(
        caption="Verdict, range skill and coverage of each symbol, by sessions ahead",
        columns=(Column(title="Symbol", fields=("symbol",)), *columns),
        rows=tuple(TableRow(name=symbol, cells=cells(symbol)) for symbol in symbols),
        note=note,
        look="heat",
        has_filter=True,
    )


def _listed(verdicts: Iterable[VerdictRow], headline: str) -> tuple[list[VerdictRow], str]:
    """Rows of the headline's symbols, and what the limit left out of them."""
    rows = [v for v in verdicts if v.symbol != POOLED and v.model == headline]
    symbols = sorted({v.symbol for v in rows})
    kept = {*symbols[:MAX_SYMBOLS]}
    note = truncation_note(len(symbols), len(kept), "symbols; verdict.json has them all")
    return [v for v in rows if v.symbol in kept], note


def _short_verdict(v: VerdictRow) -> Cell:
    _, look = VERDICT_WORDS[v.verdict]
    step = {"good": "up-2", "bad": "down-2", "caution": "off-2"}.get(look, "")
    return Cell(
        text=SHORT_VERDICT_WORDS[v.verdict],
        look=f"text {step}".strip(),
        values=(v.verdict,),
        rank=list(VERDICT_WORDS).index(v.verdict),
    )


def _garch_heat(v: VerdictRow) -> Cell:
    is_sure = v.claims.garch_better or v.claims.garch_worse
    return _skill_heat(v.evidence.garch, is_sure=is_sure)


def _history_heat(v: VerdictRow) -> Cell:
    is_sure = v.claims.ranges_better or v.claims.ranges_worse
    return _skill_heat(v.evidence.ranges, is_sure=is_sure)


def _skill_heat(comparison: Comparison | None, *, is_sure: bool) -> Cell:
    skill = skill_of(comparison)
    side = "down" if skill is not None and skill < 0 else "up"
    return Cell(
        text=share(skill, signed=True),
        look=_heat(side, skill, SKILL_STEPS, is_sure=is_sure),
        values=(skill,),
    )


def _coverage_heat(v: VerdictRow) -> Cell:
    held = v.evidence.coverage.coverage_90
    off = None if held is None else held - 0.9
    return Cell(
        text=share(held),
        look=_heat("off", off, COVERAGE_STEPS, is_sure=v.claims.miscalibrated),
        values=(held,),
    )


def _heat(side: str, size: float | None, steps: Sequence[float], *, is_sure: bool) -> str:
    """Style classes: how strong the colour is, and bold for what is hardly luck."""
    level = 0 if size is None else sum(abs(size) >= step for step in steps)
    return " ".join(([f"{side}-{level}"] if level else []) + (["sure"] if is_sure else []))
