"""The verdict at each horizon as a card: its word, its sentence, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nextclose.evaluation.verdict.comparison import Comparison, interval_of, skill_of
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.pooled import Standing
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
class KeyFigure:
    """A key figure with what it has to be compared with."""

    label: str
    value: str
    beside: tuple[str, ...]  # lines; an empty one is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The verdict at one horizon: word, sentence and key figures."""

    horizon: str
    word: str
    look: str
    sentence: str
    facts: tuple[KeyFigure, ...]


def verdict_cards(verdicts: Iterable[VerdictRow], *, headline: str) -> tuple[Card, ...]:
    """The headline's pooled verdict at each horizon, rising; a figure that none has is left out.

    All cards have the same figures, so that they can stand in line.
    """
    rows = [v for v in verdicts if v.model == headline]
    pooled = sorted((v for v in rows if v.symbol == POOLED), key=lambda v: v.horizon_sessions)
    n_symbols = len({v.symbol for v in rows} - {POOLED})
    all_cards = [_card(row, n_symbols) for row in pooled]
    labels = {fact.label for card in all_cards for fact in card.facts if fact.value != NOTHING}
    return tuple(
        replace(card, facts=tuple(fact for fact in card.facts if fact.label in labels))
        for card in all_cards
    )


def _card(v: VerdictRow, n_symbols: int) -> Card:
    text, look = VERDICT_WORDS[v.verdict]
    facts = (
        *_comparison_figures(v, n_symbols),
        _coverage_figure(v),
        _worst_year_figure(v),
        _noise_figure(v),
    )
    return Card(
        horizon=sessions(v.horizon_sessions), word=text, look=look, sentence=v.sentence, facts=facts
    )


def _comparison_figures(v: VerdictRow, n_symbols: int) -> tuple[KeyFigure, KeyFigure, KeyFigure]:
    """The error against no change; the ranges against history and against garch."""
    evidence, ranges, garch = v.evidence, v.evidence.ranges, v.evidence.garch
    return (
        KeyFigure(
            label="Error against “no change”",
            value=number(evidence.relative_mae, decimals=3, unit=" \N{MULTIPLICATION SIGN}"),
            beside=(
                f"{number(evidence.mape_pct, decimals=2, unit='%')} of price; "
                f"no change {number(evidence.naive_mape_pct, decimals=2, unit='%')}",
                with_level(interval(evidence.relative_mae_interval, decimals=3)),
                _symbol_counts(v.standing, "naive", n_symbols),
            ),
        ),
        KeyFigure(
            label="Range skill against history",
            value=share(skill_of(ranges), decimals=2, signed=True),
            beside=(
                f"CRPS, against {ranges.reference if ranges else 'historical ranges'}",
                _skill_interval(ranges),
                _symbol_counts(v.standing, "hs", n_symbols),
            ),
        ),
        KeyFigure(
            label="Range skill against garch",
            value=share(skill_of(garch), decimals=2, signed=True),
            beside=(
                _skill_interval(garch),
                _symbol_counts(v.standing, "garch", n_symbols),
            ),
        ),
    )


def _skill_interval(comparison: Comparison | None) -> str:
    bounds = interval_of(comparison)
    return with_level(share_interval(bounds, decimals=2, signed=True))


def _symbol_counts(standing: Standing | None, reference: str, n_symbols: int) -> str:
    """For how many symbols a difference is significant; empty for one symbol or no comparison."""
    better = getattr(standing, f"symbols_better_than_{reference}", None)
    worse = getattr(standing, f"symbols_worse_than_{reference}", None)
    if better is None or worse is None or n_symbols < 2:
        return ""
    return f"Significantly better on {better} of {n_symbols} symbols, worse on {worse}"


def _coverage_figure(v: VerdictRow) -> KeyFigure:
    coverage = v.evidence.coverage
    others = ((50, coverage.coverage_50), (80, coverage.coverage_80), (95, coverage.coverage_95))
    shares = [f"{level}%: {share(x)}" for level, x in others if x is not None]
    return KeyFigure(
        label="The 90% range held",
        value=share(coverage.coverage_90),
        beside=(
            f"Other ranges, {', '.join(shares)}" if shares else "",
            f"Of {count(v.evidence.forecasts)} outcomes; mean width "
            f"{number(coverage.width_90_pct, decimals=1, unit='%')} of price",
        ),
    )


def _worst_year_figure(v: VerdictRow) -> KeyFigure:
    standing = v.standing
    year = standing.worst_year if standing else None
    return KeyFigure(
        label="Range skill in its worst year",
        value=share(standing.worst_year_skill if standing else None, decimals=2, signed=True),
        beside=(f"{year}, against {standing.worst_year_reference}" if standing and year else "",),
    )


def _noise_figure(v: VerdictRow) -> KeyFigure:
    against = "garch" if v.evidence.garch else "history"
    floor = share(v.evidence.noise_floor, decimals=2)
    return KeyFigure(
        label="Noise floor",
        value=floor,
        beside=()
        if floor == NOTHING
        else (f"Smaller differences of skill against {against} are none",),
    )
