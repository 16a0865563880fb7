"""A verdict in short: a line beside others, and a sentence for people who know no statistics.

Both say less than `VerdictRow.sentence`, and nothing else: no claim that is not significant there.
"""

from __future__ import annotations

from nextclose.evaluation.verdict.comparison import (
    MIN_INDEPENDENT,
    MIN_ORIGINS,
    SEVERAL,
    Comparison,
)
from nextclose.evaluation.verdict.decision import lost_comparison
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import count, percent, sessions, share, times

PLAIN_NAMES = {
    "garch": "garch, the usual model for that",
    "history": "the range of past moves",
}


def summary_line(row: VerdictRow) -> str:
    """What a model is worth at one horizon, in some 70 characters; neither model nor horizon named.

    As `direction unknown; sizes 1.2% better than garch; 90% range held 90.4%`.
    """
    evidence = row.evidence
    match row.verdict:
        case "VOID":
            return "no verdict: a check of the run failed"
        case "TOO GOOD":
            return "too good to be true: look for a leak"
        case "TOO SHORT":
            return f"too little to tell: about {count(evidence.independent)} separate outcomes"
        case "YARDSTICK":
            parts = ["a yardstick: it claims no skill"]
        case "WORSE":
            parts = [f"do not use it: {_loss(row)}"]
        case "BETTER":
            parts = [f"price {_gain(evidence.error)}", f"sizes {_size(row)}"]
        case "SIZE ONLY":
            parts = ["direction unknown", f"sizes {_size(row)}"]
        case "POINT ONLY":
            parts = [f"price {_gain(evidence.error)} than no change", "sizes unknown"]
        case "NO EVIDENCE":
            parts = ["no evidence that it is better than no change"]
    return "; ".join([*parts, *_held(row)])


def plain_sentence(row: VerdictRow) -> str:
    """The same for a reader who knows neither CRPS nor p-values: one to three sentences."""
    evidence, model, ahead = row.evidence, row.model, _ahead(row)
    match row.verdict:
        case "VOID":
            return row.sentence
        case "TOO GOOD":
            return (
                f"{ahead} {model} is too good to be true. Nobody has ever been that right about "
                "prices: something it read must have come from the future."
            )
        case "TOO SHORT":
            return (
                f"{ahead} there is too little to tell what {model} is worth: about "
                f"{count(evidence.independent)} separate outcomes from {count(evidence.origins)} "
                f"days, where {MIN_INDEPENDENT} and {MIN_ORIGINS} are the least."
            )
        case "YARDSTICK":
            text = (
                f"{ahead} {model} is a yardstick that others are measured with: it claims no skill "
                "beyond the prices of before."
            )
        case "WORSE":
            text = f"{ahead} do not use {model}: {_plain_loss(row)}."
        case "BETTER":
            text = (
                f"{ahead} {model} came {_gain(evidence.error)} to the price than "
                f"saying that it stays{_by_drift(row)}. Its ranges of how far prices may move were "
                f"{_plain_size(row)}."
            )
        case "SIZE ONLY":
            text = (
                f"{ahead} {model} could not tell whether prices would rise or fall, but it could "
                f"tell how far they would move: {_plain_size(row)}."
            )
        case "POINT ONLY":
            text = (
                f"{ahead} {model} came {_gain(evidence.error)} to the price than saying that it "
                f"stays{_by_drift(row)}. It could not tell how far prices would move."
            )
        case "NO EVIDENCE":
            text = (
                f"{ahead} nothing shows that {model} knew more than saying that the price stays, "
                f"give or take the range of past moves; about {count(evidence.independent)} "
                "separate outcomes are all there is to go by."
            )
    return text + _inside(row)


def _ahead(row: VerdictRow) -> str:
    h = row.horizon_sessions
    return "One session ahead," if h == 1 else f"{sessions(h)} ahead,"


def _gain(comparison: Comparison | None) -> str:
    assert comparison is not None
    return f"{percent(comparison.skill)} closer"


def _size(row: VerdictRow) -> str:
    """How much better the ranges are: than garch's if that is sure, else than those of history."""
    garch, ranges = row.evidence.garch, row.evidence.ranges
    if garch is not None and row.claims.garch_better:
        return f"{percent(garch.skill)} better than garch"
    assert ranges is not None
    return f"{percent(ranges.skill)} better than history"


def _plain_size(row: VerdictRow) -> str:
    text, _, reference = _size(row).partition(" than ")
    return f"{text} than {PLAIN_NAMES[reference].rstrip(',')}"


def _loss(row: VerdictRow) -> str:
    """What the model lost, and to what."""
    lost = lost_comparison(row.evidence, row.claims)
    assert lost is not None
    if lost is not row.evidence.error:
        return f"sizes {percent(-lost.skill)} worse than {_who(lost)}"
    if lost.loss_ratio >= SEVERAL:
        return f"{times(lost.loss_ratio)} times as far off as no change"
    return f"price {percent(-lost.skill)} further off than no change"


def _plain_loss(row: VerdictRow) -> str:
    evidence, lost = row.evidence, lost_comparison(row.evidence, row.claims)
    assert lost is not None
    if lost is evidence.error:
        return (
            f"on average it missed the price by {evidence.mape_pct:.2f}%, where saying that it "
            f"stays missed by {evidence.naive_mape_pct:.2f}%"
        )
    return (
        f"it told how far prices move {percent(-lost.skill)} worse than {PLAIN_NAMES[_who(lost)]}"
    )


def _who(comparison: Comparison) -> str:
    return "garch" if comparison.reference == "garch" else "history"


def _by_drift(row: VerdictRow) -> str:
    """How a gain came about where it took no knowledge: every call was the same."""
    only = row.evidence.calls.only
    return f", by always saying '{only}'" if only else ""


def _held(row: VerdictRow) -> list[str]:
    """What share of outcomes the 90 % range held; nothing for a forecast without ranges."""
    held = row.evidence.coverage.coverage_90
    if held is None:
        return []
    fault = _fault(row)
    return [f"90% range {fault}: {share(held)}" if fault else f"90% range held {share(held)}"]


def _inside(row: VerdictRow) -> str:
    held = row.evidence.coverage.coverage_90
    if held is None:
        return ""
    fault = _fault(row)
    judged = f": they are {fault}" if fault else ""
    return f" {share(held)} of the closes fell inside its 90% ranges{judged}."


def _fault(row: VerdictRow) -> str:
    """`too narrow` or `too wide` where the ranges are surely that; else empty."""
    held = row.evidence.coverage.coverage_90
    if not row.claims.miscalibrated or held is None:
        return ""
    return "too narrow" if held < 0.9 else "too wide"
