"""The verdict at each horizon as a card: its word, its sentence, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.pooled import Standing
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.report.wording import NOTHING, WORDS, number, sessions, share, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
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
    facts: tuple[Fact, ...]


def cards(verdicts: Iterable[VerdictRow], *, headline: str) -> tuple[Card, ...]:
    """The headline's pooled verdict at each horizon, rising; a figure that none has is left out.

    All cards have the same figures, so that they can stand in line.
    """
    rows = [v for v in verdicts if v.model == headline]
    pooled = sorted((v for v in rows if v.symbol == POOLED), key=lambda v: v.horizon_sessions)
    n_symbols = len({v.symbol for v in rows} - {POOLED})
    found = [_card(row, n_symbols) for row in pooled]
    shown = {fact.label for card in found for fact in card.facts if fact.value != NOTHING}
    return tuple(
        replace(card, facts=tuple(fact for fact in card.facts if fact.label in shown))
        for card in found
    )


def _card(v: VerdictRow, n_symbols: int) -> Card:
    text, look = WORDS[v.verdict]
    facts = (*_contests(v, n_symbols), _coverage(v), _worst_year(v), _noise(v))
    return Card(
        horizon=sessions(v.horizon_sessions), word=text, look=look, sentence=v.sentence, facts=facts
    )


def _contests(v: VerdictRow, n_symbols: int) -> tuple[Fact, Fact, Fact]:
    """The error against no change; the ranges against history and against garch."""
    return (
        Fact(
            label="Error against “no change”",
            value=number(v.relative_mae, decimals=3, unit=" \N{MULTIPLICATION SIGN}"),
            beside=(
                f"{number(v.mape_pct, decimals=2, unit='%')} of price; "
                f"no change {number(v.naive_mape_pct, decimals=2, unit='%')}",
                spread(v.relative_mae_interval, percent=False),
                _counts(v.standing, "naive", n_symbols),
            ),
        ),
        Fact(
            label="Range skill against history",
            value=share(v.crps_skill_vs_hs, decimals=2, signed=True),
            beside=(
                f"CRPS, against {v.hs_reference or 'historical ranges'}",
                spread(v.crps_skill_interval, percent=True, decimals=2),
                _counts(v.standing, "hs", n_symbols),
            ),
        ),
        Fact(
            label="Range skill against garch",
            value=share(v.crps_skill_vs_garch, decimals=2, signed=True),
            beside=(
                spread(v.crps_skill_vs_garch_interval, percent=True, decimals=2),
                _counts(v.standing, "garch", n_symbols),
            ),
        ),
    )


def _counts(place: Standing | None, reference: str, n_symbols: int) -> str:
    """For how many symbols a difference is significant; empty for one symbol or no contest."""
    better = getattr(place, f"symbols_better_than_{reference}", None)
    worse = getattr(place, f"symbols_worse_than_{reference}", None)
    if better is None or worse is None or n_symbols < 2:
        return ""
    return f"Significantly better on {better} of {n_symbols} symbols, worse on {worse}"


def _coverage(v: VerdictRow) -> Fact:
    others = ((50, v.coverage_50), (80, v.coverage_80), (95, v.coverage_95))
    held = [f"{level}%: {share(x)}" for level, x in others if x is not None]
    return Fact(
        label="The 90% range held",
        value=share(v.coverage_90),
        beside=(
            f"Other ranges, {', '.join(held)}" if held else "",
            f"Of {v.forecasts:,} outcomes; mean width "
            f"{number(v.width_90_pct, decimals=1, unit='%')} of price",
        ),
    )


def _worst_year(v: VerdictRow) -> Fact:
    place = v.standing
    year = place.worst_year if place else None
    return Fact(
        label="Range skill in its worst year",
        value=share(place.worst_year_skill if place else None, decimals=2, signed=True),
        beside=(f"{year}, against {place.worst_year_reference}" if place and year else "",),
    )


def _noise(v: VerdictRow) -> Fact:
    against = "garch" if v.crps_skill_vs_garch is not None else "history"
    floor = share(v.noise_floor, decimals=2)
    return Fact(
        label="Noise floor",
        value=floor,
        beside=()
        if floor == NOTHING
        else (f"Smaller differences of skill against {against} are none",),
    )
