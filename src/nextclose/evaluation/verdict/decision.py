"""What the evidence allows to be said: significance over symbols, and the rules of the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nextclose.evaluation.hypothesis_tests.mean import benjamini_hochberg
from nextclose.evaluation.scores.panel import HISTORY_MODELS
from nextclose.evaluation.verdict.comparison import Comparison
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
    """More than this over that many forecasts looks like a leak."""

    n_forecasts: int
    r2: float
    hit_over_base: float


SUSPICION_SYMBOL = Suspicion(n_forecasts=250, r2=0.20, hit_over_base=0.10)
SUSPICION_POOLED = Suspicion(n_forecasts=5_000, r2=0.05, hit_over_base=0.05)
# further ahead, where drift counts for more and separate outcomes are few
SUSPICION_LATER = Suspicion(n_forecasts=250, r2=0.50, hit_over_base=0.25)


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


_COMPARISONS = {  # claim -> the comparison it is about, and the side of its test
    "error_better": ("error", "p_better"),
    "error_worse": ("error", "p_worse"),
    "error_above_drift": ("drift", "p_worse"),
    "ranges_better": ("ranges", "p_better"),
    "ranges_worse": ("ranges", "p_worse"),
    "garch_better": ("garch", "p_better"),
    "garch_worse": ("garch", "p_worse"),
}
_CLAIMS = (*_COMPARISONS, "direction", "miscalibrated")


def symbol_claims(symbols: Sequence[Evidence]) -> list[Claims]:
    """Claims of the symbols of a model and horizon, each kind held to one false-discovery rate."""
    flags = [dict.fromkeys(_CLAIMS, False) for _ in symbols]
    p_values = [_p_values(evidence) for evidence in symbols]
    for name in _CLAIMS:
        defined = [(i, p[name]) for i, p in enumerate(p_values) if name in p]
        rejected = benjamini_hochberg([p for _, p in defined])
        for (i, _), is_significant in zip(defined, rejected, strict=True):
            flags[i][name] = bool(is_significant)
    return [_material_claims(evidence, flag) for evidence, flag in zip(symbols, flags, strict=True)]


def pooled_claims(everything: Evidence) -> Claims:
    """Claims of the pooled record: one test of each kind, at 5 %."""
    p_values = _p_values(everything)
    significant = {name: p_values.get(name, 1.0) <= POOLED_LEVEL for name in _CLAIMS}
    return _material_claims(everything, significant)


def _p_values(evidence: Evidence) -> dict[str, float]:
    """The p-value of each claim that could be tested."""
    p_values = {
        "direction": evidence.calls.p_value,
        "miscalibrated": evidence.coverage.p_value,
    }
    for name, (comparison, side) in _COMPARISONS.items():
        p_values[name] = getattr(getattr(evidence, comparison), side, None)
    return {name: p for name, p in p_values.items() if p is not None}


def _material_claims(evidence: Evidence, significant: Mapping[str, bool]) -> Claims:
    """The significant claims, without those about a difference too small to matter."""
    coverage_90 = evidence.coverage.coverage_90
    matters = {
        "direction": evidence.calls.is_above_base,
        "miscalibrated": coverage_90 is not None and abs(coverage_90 - 0.9) > COVERAGE_TOLERANCE,
    }
    for name, (comparison, _) in _COMPARISONS.items():
        matters[name] = abs(getattr(getattr(evidence, comparison), "skill", 0.0)) > INDISTINCT
    return Claims(**{name: flag and matters[name] for name, flag in significant.items()})


def category_of(evidence: Evidence, claims: Claims) -> Category:
    """The first rule that applies, read top down."""
    if evidence.model in YARDSTICKS:
        return "YARDSTICK"
    if is_too_good(evidence):
        return "TOO GOOD"
    if evidence.is_short:
        return "TOO SHORT"
    if claims.error_worse or claims.ranges_worse or claims.garch_worse:
        return "WORSE"
    error, ranges = gains(evidence, claims)
    error_better = error is not None and error.is_beyond_seeds
    if ranges is not None and ranges.is_beyond_seeds:
        return "BETTER" if error_better else "SIZE ONLY"
    return "POINT ONLY" if error_better else "NO EVIDENCE"


def gains(evidence: Evidence, claims: Claims) -> tuple[Comparison | None, Comparison | None]:
    """The comparisons of error and of ranges with a significant gain, whatever the seeds."""
    error_better = claims.error_better and not claims.error_above_drift
    return (
        evidence.error if error_better else None,
        evidence.ranges if claims.ranges_better else None,
    )


def is_too_good(evidence: Evidence) -> bool:
    """Whether a figure is beyond what honest forecasts of returns have reached.

    What would be too good for one symbol is too good for many together.
    """
    limits = [SUSPICION_SYMBOL]
    if evidence.horizon_sessions > 1:
        limits = [] if evidence.is_short else [SUSPICION_LATER]
    elif evidence.symbol == POOLED:
        limits += [SUSPICION_POOLED]
    return any(_is_beyond(evidence, limit) for limit in limits)


def _is_beyond(evidence: Evidence, limit: Suspicion) -> bool:
    if evidence.forecasts < limit.n_forecasts:
        return False
    hits = evidence.calls.hits
    excess = 0.0
    if hits.hit_rate is not None and hits.base_rate is not None:
        excess = hits.hit_rate - hits.base_rate
    is_calling = hits.n_calls >= limit.n_forecasts and excess > limit.hit_over_base
    return is_calling or (evidence.r2_vs_zero is not None and evidence.r2_vs_zero > limit.r2)


def lost_comparison(evidence: Evidence, claims: Claims) -> Comparison | None:
    """The comparison behind WORSE: the error's before the ranges', history's before garch's."""
    if claims.error_worse:
        return evidence.error
    return evidence.ranges if claims.ranges_worse else evidence.garch


def deciding_p(evidence: Evidence, claims: Claims, category: Category) -> float | None:
    """The p-value behind the sentence, one-sided in the direction that the sentence claims."""
    if category == "VOID":
        return None
    if category == "WORSE":
        lost = lost_comparison(evidence, claims)
        return lost.p_worse if lost else None
    gain = evidence.ranges if category in ("BETTER", "SIZE ONLY") else evidence.error
    return gain.p_better if gain else None
