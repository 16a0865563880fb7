"""What is left of a p-value when it is the best of many tries. Pure."""

from __future__ import annotations


def deflated_p(p_value: float | None, *, trials: int) -> float | None:
    """The chance that the best of so many tries without skill looks as good: Sidak's 1-(1-p)^n.

    Assumes: independent tries; those of one model on one history are alike, so it errs on the
        careful side. None stays None.
    Source: Sidak (1967), Rectangular confidence regions, JASA 62.
    """
    return None if p_value is None else 1.0 - (1.0 - p_value) ** trials
