"""What a reader sees first: a plain sentence and three figures for each horizon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nextclose.evaluation.verdict.comparison import interval_of, skill_of
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.summary import plain_sentence
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import (
    NOTHING,
    count,
    interval,
    number,
    sessions,
    share,
    share_interval,
    with_level,
)
from nextclose.report.wording import VERDICT_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class MainFigure:
    """A figure, what stands beside it, and the word of the glossary that explains it."""

    label: str
    value: str
    beside: tuple[str, ...]
    term: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A horizon in short: word, plain sentence, three figures; `term` explains the word."""

    horizon: str
    word: str
    look: str
    term: str
    sentence: str
    figures: tuple[MainFigure, ...]


def summaries_by_horizon(verdicts: Iterable[VerdictRow], *, headline: str) -> tuple[Summary, ...]:
    """The headline's pooled verdicts in short, shortest horizon first."""
    rows = [v for v in verdicts if v.model == headline and v.symbol == POOLED]
    has_garch = any(v.evidence.garch for v in rows)
    return tuple(
        _summary(v, has_garch=has_garch) for v in sorted(rows, key=lambda v: v.horizon_sessions)
    )


def _summary(v: VerdictRow, *, has_garch: bool) -> Summary:
    word, look = VERDICT_WORDS[v.verdict]
    ranged = () if v.evidence.point_only else (_gain(v, has_garch=has_garch), _coverage(v))
    return Summary(
        horizon=sessions(v.horizon_sessions),
        word=word,
        look=look,
        term=v.verdict,
        sentence=plain_sentence(v),
        figures=(*ranged, _error(v)),
    )


def _gain(v: VerdictRow, *, has_garch: bool) -> MainFigure:
    """Of the ranges, over garch if it ran, else over history."""
    comparison = v.evidence.garch if has_garch else v.evidence.ranges
    return MainFigure(
        label=f"Ranges better than {'garch' if has_garch else 'history'} by",
        value=share(skill_of(comparison), decimals=2, signed=True),
        beside=_lines(with_level(share_interval(interval_of(comparison), decimals=2, signed=True))),
        term="crps_skill_vs_garch" if has_garch else "crps_skill_vs_hs",
    )


def _coverage(v: VerdictRow) -> MainFigure:
    coverage = v.evidence.coverage
    held = coverage.coverage_90
    fault = "narrow" if held is not None and held < 0.9 else "wide"
    width = number(coverage.width_90_pct, decimals=1, unit="%")
    return MainFigure(
        label="90% range held",
        value=share(held),
        beside=_lines(
            f"Of {count(v.evidence.forecasts)} outcomes"
            + ("" if width == NOTHING else f"; mean width {width} of price"),
            f"Too {fault}, and not by luck" if v.claims.miscalibrated else "",
        ),
        term="coverage_90",
    )


def _error(v: VerdictRow) -> MainFigure:
    evidence = v.evidence
    bounds = with_level(interval(evidence.relative_mae_interval, decimals=3))
    ratio = number(evidence.relative_mae, decimals=3)
    naive = number(evidence.naive_mape_pct, decimals=2, unit="%")
    return MainFigure(
        label="Price missed by",
        value=number(evidence.mape_pct, decimals=2, unit="%"),
        beside=_lines(
            f"“No change” missed by {naive}",
            f"Ratio {ratio}" + (f", {bounds}" if bounds else ""),
        ),
        term="relative_mae",
    )


def _lines(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)
