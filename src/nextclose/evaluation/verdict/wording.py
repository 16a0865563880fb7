"""What a comparison says: its gain or loss, with interval and p-value in brackets."""

from __future__ import annotations

from nextclose.evaluation.verdict.comparison import Comparison
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
    """A significant gain, with its 95 % interval and p-value."""
    facts = brackets(interval_text(comparison.interval), p_text(comparison, p))
    return f"{percent(comparison.skill)} better than {comparison.reference}{facts}"


def p_text(comparison: Comparison, p: str) -> str:
    """The p-value of a claim, called one-sided where the two-sided interval beside it holds 0."""
    bounds = comparison.interval
    return f"one-sided {p}" if p and bounds and bounds[0] < 0 < bounds[1] else p


def brackets(*facts: str) -> str:
    """The facts that there are, in brackets after a space; empty without."""
    text = "; ".join(fact for fact in facts if fact)
    return f" ({text})" if text else ""


def opposite_interval(bounds: Bounds) -> Bounds:
    """The interval of the figure with its sign turned."""
    return (-bounds[1], -bounds[0]) if bounds else None
