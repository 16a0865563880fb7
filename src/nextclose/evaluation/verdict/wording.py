"""Figures as people read them: rounded, with their interval and p-value beside them."""

from __future__ import annotations

from nextclose.evaluation.hypothesis_tests.mean import FALSE_DISCOVERIES
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.decision import POOLED_LEVEL

Bounds = tuple[float, float] | None


def comparison_text(comparison: Comparison, *, named: bool = True) -> str:
    """A difference that is no claim, with its two-sided 95 % interval."""
    is_better = comparison.skill >= 0
    bounds = comparison.interval if is_better else opposite_interval(comparison.interval)
    reference = f" than {comparison.reference}" if named else ""
    return (
        f"{percent(abs(comparison.skill))} {'better' if is_better else 'worse'}{reference}"
        f"{brackets(interval_text(bounds))}"
    )


def gain_text(comparison: Comparison, p: str) -> str:
    """A significant gain, with the interval of its claim and the p-value."""
    facts = brackets(interval_text(*claim_interval(comparison)), p)
    return f"{percent(comparison.skill)} better than {comparison.reference}{facts}"


def claim_interval(comparison: Comparison) -> tuple[tuple[float, float], float]:
    """Interval of a skill that is claimed, and its level: the claim's own one-sided test.

    90 % goes with p <= 5 %: it leaves 0 out, as the claim does. A single symbol's claim may rest
    on a p of up to 10 %: then 80 %.
    """
    assert comparison.test is not None
    p = min(comparison.test.p_better, comparison.test.p_worse)
    level = 1 - 2 * (POOLED_LEVEL if p <= POOLED_LEVEL else FALSE_DISCOVERIES)
    return comparison.test.interval(level), level


def p_value_text(p: float | None, n_comparisons: int) -> str:
    """A p-value, and of how many comparisons it is one; empty without."""
    if p is None:
        return ""
    text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return text + (f", {n_comparisons} comparisons" if n_comparisons > 1 else "")


def brackets(*facts: str) -> str:
    """The facts that there are, in brackets after a space; empty without."""
    text = "; ".join(fact for fact in facts if fact)
    return f" ({text})" if text else ""


def interval_text(bounds: Bounds, level: float = 0.95) -> str:
    """A confidence interval of a fraction, in percent; empty without."""
    if bounds is None:
        return ""
    return f"{level:.0%} interval {percent(bounds[0]).removesuffix('%')} to {percent(bounds[1])}"


def opposite_interval(bounds: Bounds) -> Bounds:
    """The interval of the figure with its sign turned."""
    return (-bounds[1], -bounds[0]) if bounds else None


def share(fraction: float) -> str:
    """A share of forecasts, in percent."""
    return f"{100 * fraction:.1f}%"


def percent(fraction: float) -> str:
    """In percent; two decimals below 1 %, for gains in markets are that small."""
    value = 100 * fraction
    text = f"{value:.2f}%" if abs(value) < 1 else f"{value:.1f}%"
    return "0.00%" if text == "-0.00%" else text


def times(ratio: float) -> str:
    """A ratio of errors; a decimal only where it says something."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


def signed_percent(fraction: float) -> str:
    """In percent, with its sign."""
    return ("+" if fraction >= 0 else "") + percent(fraction)


def sessions(n: int) -> str:
    """The horizon in words."""
    return f"{n} session{'s' if n > 1 else ''}"
