"""What the evidence allows to be said: significance over symbols, and the rules of the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nextclose.evaluation.hypothesis_tests.mean import benjamini_hochberg
from nextclose.evaluation.scores.panel import HISTORY_MODELS
from nextclose.evaluation.verdict.comparison import Contest
from nextclose.evaluation.verdict.evidence import POOLED, Evidence

Category = Literal[
    "VOID",
    "YARDSTICK",
    "TOO GOOD",
    "TOO SHORT",
    "WORSE",
    "BETTER",
    "SIZE ONLY",
    "POINT ONLY",
    "NO EVIDENCE",
]
YARDSTICKS = ("naive", *HISTORY_MODELS)  # what others are measured with; they claim nothing
CLAIMLESS: tuple[Category, ...] = ("VOID", "YARDSTICK", "TOO GOOD", "TOO SHORT")
POOLED_LEVEL = 0.05  # one pooled test stands alone: one-sided, no other symbols to allow for
COVERAGE_TOLERANCE = 0.02
INDISTINCT = 5e-5  # a skill that prints as 0.00 %: neither better nor worse, however significant


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """At one session, more than this over that many forecasts looks like a leak."""

    n_forecasts: int
    r2: float
    hit_over_base: float


SUSPICION_SYMBOL = Suspicion(n_forecasts=250, r2=0.20, hit_over_base=0.10)
SUSPICION_POOLED = Suspicion(n_forecasts=5_000, r2=0.05, hit_over_base=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What is significant about one record of evidence, other symbols allowed for."""

    error_better: bool
    error_worse: bool
    error_above_drift: bool
    ranges_better: bool
    ranges_worse: bool
    garch_better: bool  # ranges better than garch's
    garch_worse: bool
    direction: bool  # calls better than chance, and than always calling one side
    miscalibrated: bool


_CONTESTS = {  # claim -> the contest it is about, and the side of its test
    "error_better": ("error", "p_better"),
    "error_worse": ("error", "p_worse"),
    "error_above_drift": ("drift", "p_worse"),
    "ranges_better": ("ranges", "p_better"),
    "ranges_worse": ("ranges", "p_worse"),
    "garch_better": ("garch", "p_better"),
    "garch_worse": ("garch", "p_worse"),
}
_NAMES = (*_CONTESTS, "direction", "miscalibrated")


def symbol_claims(symbols: Sequence[Evidence]) -> list[Claims]:
    """Claims of the symbols of a model and horizon, each kind held to one false-discovery rate."""
    flags = [dict.fromkeys(_NAMES, False) for _ in symbols]
    p_values = [_p_values(one) for one in symbols]
    for name in _NAMES:
        defined = [(i, p[name]) for i, p in enumerate(p_values) if name in p]
        rejected = benjamini_hochberg([p for _, p in defined])
        for (i, _), is_significant in zip(defined, rejected, strict=True):
            flags[i][name] = bool(is_significant)
    return [_material(one, flag) for one, flag in zip(symbols, flags, strict=True)]


def pooled_claims(everything: Evidence) -> Claims:
    """Claims of the pooled record: one test of each kind, at 5 %."""
    p_values = _p_values(everything)
    significant = {name: p_values.get(name, 1.0) <= POOLED_LEVEL for name in _NAMES}
    return _material(everything, significant)


def _p_values(found: Evidence) -> dict[str, float]:
    """The p-value of each claim that could be tested."""
    p_values = {
        "direction": found.calls.p_value,
        "miscalibrated": found.coverage.p_value if found.coverage else None,
    }
    for name, (contest, side) in _CONTESTS.items():
        p_values[name] = getattr(getattr(found, contest), side, None)
    return {name: p for name, p in p_values.items() if p is not None}


def _material(found: Evidence, significant: Mapping[str, bool]) -> Claims:
    """The significant claims, without those about a difference too small to matter."""
    held = found.coverage.coverage_90 if found.coverage else None
    matters = {
        "direction": found.calls.is_above_base,
        "miscalibrated": held is not None and abs(held - 0.9) > COVERAGE_TOLERANCE,
    }
    for name, (contest, _) in _CONTESTS.items():
        matters[name] = abs(getattr(getattr(found, contest), "skill", 0.0)) > INDISTINCT
    return Claims(**{name: flag and matters[name] for name, flag in significant.items()})


def category_of(found: Evidence, claims: Claims) -> Category:
    """The first rule that applies, read top down."""
    if found.model in YARDSTICKS:
        return "YARDSTICK"
    if is_too_good(found):
        return "TOO GOOD"
    if found.is_short:
        return "TOO SHORT"
    if claims.error_worse or claims.ranges_worse or claims.garch_worse:
        return "WORSE"
    error, ranges = gains(found, claims)
    error_better = error is not None and error.is_beyond_seeds
    if ranges is not None and ranges.is_beyond_seeds:
        return "BETTER" if error_better else "SIZE ONLY"
    return "POINT ONLY" if error_better else "NO EVIDENCE"


def gains(found: Evidence, claims: Claims) -> tuple[Contest | None, Contest | None]:
    """The contests of error and of ranges that were won significantly, whatever the seeds."""
    error_better = claims.error_better and not claims.error_above_drift
    return found.error if error_better else None, found.ranges if claims.ranges_better else None


def is_too_good(found: Evidence) -> bool:
    """Whether a figure at one session is beyond what honest forecasts of returns have reached.

    What would be too good for one symbol is too good for many together.
    """
    limits = (SUSPICION_SYMBOL, SUSPICION_POOLED) if found.symbol == POOLED else (SUSPICION_SYMBOL,)
    return any(_is_beyond(found, limit) for limit in limits)


def _is_beyond(found: Evidence, limit: Suspicion) -> bool:
    if found.horizon_sessions != 1 or found.forecasts < limit.n_forecasts:
        return False
    hits = found.calls.hits
    excess = 0.0
    if hits.hit_rate is not None and hits.base_rate is not None:
        excess = hits.hit_rate - hits.base_rate
    is_calling = hits.n_calls >= limit.n_forecasts and excess > limit.hit_over_base
    return is_calling or (found.r2_vs_zero is not None and found.r2_vs_zero > limit.r2)


def lost_contest(found: Evidence, claims: Claims) -> Contest | None:
    """The contest behind WORSE: the error's before the ranges', history's before garch's."""
    if claims.error_worse:
        return found.error
    return found.ranges if claims.ranges_worse else found.garch


def deciding_p(found: Evidence, claims: Claims, category: Category) -> float | None:
    """The p-value behind the sentence, one-sided in the direction that the sentence claims."""
    if category == "WORSE":
        lost = lost_contest(found, claims)
        return lost.p_worse if lost else None
    won = found.ranges if category in ("BETTER", "SIZE ONLY") else found.error
    return won.p_better if won else None
