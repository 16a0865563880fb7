"""A verdict in plain words: no figure without its reference, its count and its uncertainty."""

from __future__ import annotations

from nextclose.evaluation.verdict.comparison import (
    MIN_INDEPENDENT,
    MIN_ORIGINS,
    SEED_SPREADS,
    SEVERAL,
    Comparison,
)
from nextclose.evaluation.verdict.decision import (
    CLAIMLESS,
    Category,
    Claims,
    deciding_p,
    gains,
    lost_comparison,
)
from nextclose.evaluation.verdict.evidence import POOLED, Evidence
from nextclose.evaluation.verdict.wording import (
    brackets,
    comparison_text,
    gain_text,
    opposite_interval,
    p_text,
)
from nextclose.formatting import (
    interval_text,
    p_value_text,
    percent,
    sessions,
    share,
    signed_percent,
    times,
)
from nextclose.metrics import implied_r2

SMALL = 0.05  # of an error: more is not called small


def sentence(evidence: Evidence, category: Category, claims: Claims, n_comparisons: int) -> str:
    """The verdict for people, figures rounded, with a warning each about ranges and gaps.

    Not for VOID, which says nothing about the model: see `void_sentence`.
    """
    assert category != "VOID", evidence.model
    p = p_value_text(deciding_p(evidence, claims, category), n_comparisons)
    match category:
        case "YARDSTICK":
            text = _yardstick(evidence)
        case "TOO GOOD":
            text = _too_good(evidence)
        case "TOO SHORT":
            text = _too_short(evidence)
        case "WORSE":
            text = _worse(evidence, lost_comparison(evidence, claims), p)
        case "BETTER":
            text = _better(evidence, n_comparisons, p)
        case "SIZE ONLY":
            text = _size_only(evidence, claims, n_comparisons, p)
        case "POINT ONLY":
            text = _point_only(evidence, p)
        case "NO EVIDENCE":
            text = _no_evidence(evidence, claims, n_comparisons, p)
    if claims.direction and category not in CLAIMLESS and "direction" not in text.lower():
        text += f" Beside that, {_direction(evidence, claims, n_comparisons)} ({_count(evidence)})."
    return (
        text
        + _seed_warning(evidence, category, claims)
        + _width_warning(evidence, claims, text=text)
        + _gap_note(evidence)
    )


def void_sentence(failed_check: str) -> str:
    """What every verdict says after a check of the run failed."""
    return (
        f"No verdict: the check '{failed_check}' failed, so none of these figures can be trusted."
    )


def _yardstick(evidence: Evidence) -> str:
    if evidence.point_only:
        return (
            f"{evidence.model} is the yardstick: an unchanged price missed {_who(evidence)} by "
            f"{evidence.naive_mape_pct:.2f}% on average {_at(evidence)} ({_count(evidence)})."
        )
    beside = f"; ranges {comparison_text(evidence.ranges)}" if evidence.ranges else ""
    return (
        f"{evidence.model} is a yardstick for ranges on {_who(evidence)} {_at(evidence)} "
        f"({_count(evidence)}): {_band(evidence)}{beside}."
    )


def _too_good(evidence: Evidence) -> str:
    hits, right = evidence.calls.hits, "no direction called"
    a_day = " a day" if evidence.horizon_sessions == 1 else ""
    if hits.hit_rate is not None and hits.base_rate is not None:
        right = (
            f"{share(hits.hit_rate)} right, against {share(hits.base_rate)} for always "
            f"'{hits.side}', would mean an R2 of {percent(implied_r2(hits.hit_rate))}{a_day}"
        )
    facts = brackets(interval_text(evidence.calls.interval), _count(evidence))
    return (
        f"Too good to be true, {evidence.model} on {_who(evidence)}: {right}; its measured R2 "
        f"against 'no change' is {percent(evidence.r2_vs_zero or 0.0)}{facts}. Look for a leak "
        "before reading on."
    )


def _too_short(evidence: Evidence) -> str:
    return (
        f"Too little data: forecasts of {evidence.origins:,} sessions for {_who(evidence)} "
        f"{_at(evidence)} are about {evidence.independent:,.0f} independent ones; those of at "
        f"least {MIN_ORIGINS} sessions and {MIN_INDEPENDENT} independent ones are needed."
    )


def _worse(evidence: Evidence, lost: Comparison | None, p: str) -> str:
    assert lost is not None, (evidence.symbol, evidence.model)
    reference = "'no change'" if lost is evidence.error else lost.reference
    what = "median" if lost is evidence.error else "range forecast"
    bounds = lost.loss_ratio_interval
    if lost.loss_ratio >= SEVERAL:
        excess = f"has {times(lost.loss_ratio)} times the error of"
        span = f"95% interval {times(bounds[0])} to {times(bounds[1])} times" if bounds else ""
    else:
        excess = f"is {percent(-lost.skill)} worse than"
        span = interval_text(opposite_interval(lost.interval))
    return (
        f"Do not use {evidence.model} for {_who(evidence)} {_at(evidence)}: its {what} {excess} "
        f"{reference}{brackets(span, p_text(lost, p), _count(evidence))}."
    )


def _better(evidence: Evidence, n_comparisons: int, p: str) -> str:
    error = evidence.error
    assert error is not None, (evidence.symbol, evidence.model)
    p_of_error = p_text(error, p_value_text(error.p_better, n_comparisons))
    facts = brackets(interval_text(error.interval), p_of_error)
    costs = "trading costs are not counted"
    costs = f"The edge is small, and {costs}" if error.skill < SMALL else costs.capitalize()
    return (
        f"{evidence.model} beat 'no change' on {_who(evidence)} {_at(evidence)} "
        f"({_count(evidence)}): error {percent(error.skill)} lower{facts}"
        f"{_drift(evidence)}, ranges {_ranges_gain(evidence, p)}. "
        f"{costs}."
    )


def _drift(evidence: Evidence) -> str:
    """What a rule without any skill but drift gains; empty where it was not run."""
    if evidence.drift_skill is None:
        return ""
    return f"; the drift rule alone gives {signed_percent(evidence.drift_skill)}"


def _size_only(evidence: Evidence, claims: Claims, n_comparisons: int, p: str) -> str:
    moves = f"{_who(evidence)} {'moves' if len(evidence.symbols) == 1 else 'move'}"
    h = evidence.horizon_sessions
    span = "in a session" if h == 1 else f"in {sessions(h)}"
    limit = "but its error is no lower" if claims.direction else "not which way"
    return (
        f"{evidence.model} knows how far {moves} {span}, {limit}: "
        f"ranges {_ranges_gain(evidence, p)}; "
        f"{_direction(evidence, claims, n_comparisons)}; {_band(evidence)} ({_count(evidence)})."
    )


def _point_only(evidence: Evidence, p: str) -> str:
    assert evidence.error is not None
    ranges = "there was no range forecast to compare its own with"
    if evidence.point_only:
        ranges = "it states no range"
    elif evidence.ranges is not None:
        gain = signed_percent(evidence.ranges.skill)
        ranges = f"its ranges are no better than those of {evidence.ranges.reference} ({gain})"
    p = p_text(evidence.error, p)
    facts = brackets(interval_text(evidence.error.interval), p, _count(evidence))
    return (
        f"{evidence.model}'s median was {percent(evidence.error.skill)} closer than 'no change' on "
        f"{_who(evidence)} {_at(evidence)}{facts}{_drift(evidence)}, and {ranges}."
    )


def _no_evidence(evidence: Evidence, claims: Claims, n_comparisons: int, p: str) -> str:
    rivals = "'no change'" + (f" or {evidence.ranges.reference}" if evidence.ranges else "")
    error = "no price moved"
    if evidence.error is not None:
        bounds = evidence.relative_mae_interval
        span = f"95% interval {bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
        error = (
            f"error {evidence.error.loss_ratio:.3f} times that of 'no change'{brackets(span, p)}"
        )
    ranges = f"; ranges {comparison_text(evidence.ranges, named=False)}" if evidence.ranges else ""
    return (
        f"No evidence that {evidence.model} beats {rivals} on {_who(evidence)} {_at(evidence)}: "
        f"{error}{ranges}{_beside_garch(evidence)}{_noise(evidence)}; "
        f"{_direction(evidence, claims, n_comparisons)} ({_count(evidence)})."
    )


def _ranges_gain(evidence: Evidence, p: str) -> str:
    assert evidence.ranges is not None
    return gain_text(evidence.ranges, p) + _beside_garch(evidence)


def _beside_garch(evidence: Evidence) -> str:
    """The ranges against garch, and on how many forecasts where garch has not all of them."""
    if evidence.garch is None:
        return ""
    n = evidence.n_beside_garch
    part = f" on {n:,} of {evidence.forecasts:,} forecasts" if n is not None else ""
    return f", {comparison_text(evidence.garch)}{part}"


def _noise(evidence: Evidence) -> str:
    floor = evidence.noise_floor
    return f"; range differences below {percent(floor)} are noise" if floor is not None else ""


def _seed_warning(evidence: Evidence, category: Category, claims: Claims) -> str:
    """Why a significant gain is not claimed: single seeds of the model differ as much."""
    if category in CLAIMLESS or category == "WORSE":
        return ""
    for gain, what in zip(gains(evidence, claims), ("error", "ranges"), strict=True):
        if gain is not None and gain.seed_sd is not None and not gain.is_beyond_seeds:
            return (
                f" The gain of {percent(gain.skill)} in its {what} does not count: it is under "
                f"{SEED_SPREADS:.0f} times the spread over its seeds, {percent(gain.seed_sd)}."
            )
    return ""


def _width_warning(evidence: Evidence, claims: Claims, *, text: str) -> str:
    coverage_90 = evidence.coverage.coverage_90
    if not claims.miscalibrated or coverage_90 is None:
        return ""
    side = "narrow" if coverage_90 < 0.9 else "wide"
    band = _band(evidence)
    if band in text:
        return f" Treat the ranges as too {side}."
    return f" {band[0].upper()}{band[1:]}: treat the ranges as too {side}."


def _gap_note(evidence: Evidence) -> str:
    if not evidence.filled:
        return ""
    n = "1 forecast" if evidence.filled == 1 else f"{evidence.filled:,} forecasts"
    return f" It left out {n} in between, charged as 'no change'."


def _who(evidence: Evidence) -> str:
    if evidence.symbol != POOLED:
        return evidence.symbol
    return f"{len(evidence.symbols)} symbols together"


def _at(evidence: Evidence) -> str:
    return f"at {sessions(evidence.horizon_sessions)}"


def _count(evidence: Evidence) -> str:
    """How many forecasts, days and independent outcomes; a number said once is not repeated."""
    if evidence.forecasts == round(evidence.independent):
        return f"about {evidence.forecasts:,} independent forecasts"
    has_days = evidence.origins not in (evidence.forecasts, round(evidence.independent))
    days = f" from {evidence.origins:,} days" if has_days else ""
    return f"{evidence.forecasts:,} forecasts{days}, about {evidence.independent:,.0f} independent"


def _direction(evidence: Evidence, claims: Claims, n_comparisons: int) -> str:
    """The hit rate, never without its base rate and what it would mean if it were skill."""
    calls, hits = evidence.calls, evidence.calls.hits
    if hits.hit_rate is None or hits.base_rate is None:
        return "it calls no direction"
    kind, p = f" always '{calls.only}'," if calls.only else "", ""
    if claims.direction:
        kind, p = " better than chance:", p_value_text(calls.p_value, n_comparisons)
    worth = f"would imply R2 {percent(implied_r2(hits.hit_rate))}"
    facts = brackets(interval_text(calls.interval), p, worth)
    return (
        f"direction{kind} {share(hits.hit_rate)} right{facts} "
        f"against {share(hits.base_rate)} for always '{hits.side}'"
    )


def _band(evidence: Evidence) -> str:
    coverage = evidence.coverage
    if coverage.coverage_90 is None or coverage.width_90_pct is None:
        return "it states no range"
    return (
        f"its 90% band held {share(coverage.coverage_90)} at a width of "
        f"{coverage.width_90_pct:.1f}% of price"
    )
