"""What a comparison says: its gain or loss, with interval and p-value in brackets."""

from __future__ import annotations

from nextclose.evaluation.hypothesis_tests.mean import FALSE_DISCOVERIES
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.decision import POOLED_LEVEL
from nextclose.formatting import Bounds, interval_text, percent


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


def brackets(*facts: str) -> str:
    """The facts that there are, in brackets after a space; empty without."""
    text = "; ".join(fact for fact in facts if fact)
    return f" ({text})" if text else ""


def opposite_interval(bounds: Bounds) -> Bounds:
    """The interval of the figure with its sign turned."""
    return (-bounds[1], -bounds[0]) if bounds else None
