"""A verdict in plain words: no figure without its reference, its count and its uncertainty."""

from __future__ import annotations

from nextclose.evaluation.claims import Category, Claims, deciding_p, lost_contest
from nextclose.evaluation.evidence import (
    MIN_INDEPENDENT,
    MIN_ORIGINS,
    POOLED,
    Contest,
    Evidence,
)
from nextclose.evaluation.metrics import implied_r2

Bounds = tuple[float, float] | None


def sentence(found: Evidence, category: Category, claims: Claims, comparisons: int) -> str:
    """The verdict for people, figures rounded, with a warning each about ranges and gaps."""
    p = _p(deciding_p(found, claims, category), comparisons)
    match category:
        case "YARDSTICK":
            text = _yardstick(found)
        case "TOO GOOD":
            text = _too_good(found)
        case "TOO SHORT":
            text = _too_short(found)
        case "WORSE":
            text = _worse(found, lost_contest(found, claims), p)
        case "BETTER":
            text = _better(found, p)
        case "SIZE ONLY":
            text = _size_only(found, p)
        case "POINT ONLY":
            text = _point_only(found, p)
        case "NO EVIDENCE":
            text = _no_evidence(found, p)
    return text + _miscalibrated(found, claims, said=text) + _filled(found)


def _yardstick(found: Evidence) -> str:
    if found.point_only:
        return (
            f"{found.model} is the yardstick: an unchanged price missed {_who(found)} by "
            f"{found.naive_mape_pct:.2f}% on average {_at(found)} ({_count(found)})."
        )
    beside = f"; its range forecast was {_compared(found.ranges)}" if found.ranges else ""
    return (
        f"{found.model} is a yardstick for ranges on {_who(found)} {_at(found)}: "
        f"{_band(found)}{beside} ({_count(found)})."
    )


def _too_good(found: Evidence) -> str:
    hits, right = found.hits, "no direction called"
    if hits.hit_rate is not None and hits.base_rate is not None:
        right = (
            f"{_share(hits.hit_rate)} right, against {_share(hits.base_rate)} for always "
            f"'{hits.side}', would mean an R2 of {_pct(implied_r2(hits.hit_rate))} a day"
        )
    facts = _brackets(_interval(found.hit_interval), _count(found))
    return (
        f"Too good to be true, {found.model} on {_who(found)}: {right}; its measured R2 against "
        f"'no change' is {_pct(found.r2_vs_zero or 0.0)}{facts}. Look for a leak before reading on."
    )


def _too_short(found: Evidence) -> str:
    return (
        f"Too little data: {found.origins:,} forecasts of {_who(found)} {_at(found)} are about "
        f"{found.independent:,.0f} independent ones; at least {MIN_ORIGINS} forecasts and "
        f"{MIN_INDEPENDENT} independent ones are needed."
    )


def _worse(found: Evidence, lost: Contest | None, p: str) -> str:
    assert lost is not None, (found.symbol, found.model)
    reference = "'no change'" if lost is found.error else lost.reference
    what = "median" if lost is found.error else "range forecast"
    facts = _brackets(_interval(_negated(lost.interval)), p, _count(found))
    return (
        f"Do not use {found.model} for {_who(found)} {_at(found)}: its {what} is "
        f"{_pct(-lost.skill)} worse than {reference}{facts}."
    )


def _better(found: Evidence, p: str) -> str:
    assert found.error is not None
    facts = _brackets(p, _count(found))
    return (
        f"{found.model} beat 'no change' on {_who(found)} {_at(found)}: error "
        f"{_pct(found.error.skill)} lower{_brackets(_interval(found.error.interval))}, range "
        f"forecast {_compared(found.ranges)}{facts}. The edge is small, and trading costs are not "
        f"counted."
    )


def _size_only(found: Evidence, p: str) -> str:
    moves = f"{_who(found)} {'moves' if len(found.symbols) == 1 else 'move'}"
    span = (
        "in a session" if found.horizon_sessions == 1 else f"in {found.horizon_sessions} sessions"
    )
    facts = _brackets(p, _count(found))
    return (
        f"{found.model} knows how far {moves} {span}, not which way: ranges "
        f"{_compared(found.ranges)}; {_direction(found)}; {_band(found)}{facts}."
    )


def _point_only(found: Evidence, p: str) -> str:
    assert found.error is not None
    drift, ranges = "", "there was no range forecast to compare its own with"
    if found.drift_skill is not None:
        drift = f"; the drift rule alone gives {_signed(found.drift_skill)}"
    if found.point_only:
        ranges = "it states no range"
    elif found.ranges is not None:
        gain = _signed(found.ranges.skill)
        ranges = f"its ranges are no better than those of {found.ranges.reference} ({gain})"
    facts = _brackets(_interval(found.error.interval), p, _count(found))
    return (
        f"{found.model}'s median was {_pct(found.error.skill)} closer than 'no change' on "
        f"{_who(found)} {_at(found)}{facts}{drift}, and {ranges}."
    )


def _no_evidence(found: Evidence, p: str) -> str:
    rivals = "'no change'" + (f" or {found.ranges.reference}" if found.ranges else "")
    error = "no price moved"
    if found.error is not None:
        low, high = found.error.interval or (None, None)
        span = f"95% interval {1 - high:.3f} to {1 - low:.3f}" if low is not None and high else ""
        error = f"error {1 - found.error.skill:.3f} times that of 'no change'{_brackets(span, p)}"
    ranges = f"; ranges {_compared(found.ranges)}" if found.ranges else ""
    return (
        f"No evidence that {found.model} beats {rivals} on {_who(found)} {_at(found)}: {error}"
        f"{ranges}; {_direction(found)} ({_count(found)})."
    )


def _miscalibrated(found: Evidence, claims: Claims, *, said: str) -> str:
    if not claims.miscalibrated or found.coverage_90 is None:
        return ""
    side = "narrow" if found.coverage_90 < 0.9 else "wide"
    band = _band(found)
    if band in said:
        return f" Treat the ranges as too {side}."
    return f" {band[0].upper()}{band[1:]}: treat the ranges as too {side}."


def _filled(found: Evidence) -> str:
    if not found.filled:
        return ""
    n = "1 forecast" if found.filled == 1 else f"{found.filled:,} forecasts"
    return f" It left out {n} in between, charged as 'no change'."


def _who(found: Evidence) -> str:
    if found.symbol != POOLED:
        return found.symbol
    return f"all {len(found.symbols)} symbols together"


def _at(found: Evidence) -> str:
    return f"at {found.horizon_sessions} session{'s' if found.horizon_sessions > 1 else ''}"


def _count(found: Evidence) -> str:
    origins = f" from {found.origins:,} days" if found.forecasts > found.origins else ""
    return f"{found.forecasts:,} forecasts{origins}, about {found.independent:,.0f} independent"


def _direction(found: Evidence) -> str:
    hits = found.hits
    if hits.hit_rate is None or hits.base_rate is None:
        return "it calls no direction"
    return (
        f"direction {_share(hits.hit_rate)} right{_brackets(_interval(found.hit_interval))} "
        f"against {_share(hits.base_rate)} for always '{hits.side}', worth an R2 of "
        f"{_pct(implied_r2(hits.hit_rate))} at most"
    )


def _band(found: Evidence) -> str:
    if found.coverage_90 is None or found.width_90_pct is None:
        return "it states no range"
    return (
        f"its 90% band held {_share(found.coverage_90)} of outcomes at a width of "
        f"{found.width_90_pct:.1f}% of the price"
    )


def _compared(contest: Contest | None) -> str:
    assert contest is not None
    is_better = contest.skill >= 0
    bounds = contest.interval if is_better else _negated(contest.interval)
    return (
        f"{_pct(abs(contest.skill))} {'better' if is_better else 'worse'} than "
        f"{contest.reference}{_brackets(_interval(bounds))}"
    )


def _p(p: float | None, comparisons: int) -> str:
    if p is None:
        return ""
    text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return text + (f", {comparisons} comparisons" if comparisons > 1 else "")


def _brackets(*facts: str) -> str:
    said = "; ".join(fact for fact in facts if fact)
    return f" ({said})" if said else ""


def _interval(bounds: Bounds) -> str:
    return f"95% interval {_pct(bounds[0])} to {_pct(bounds[1])}" if bounds else ""


def _negated(bounds: Bounds) -> Bounds:
    return (-bounds[1], -bounds[0]) if bounds else None


def _share(fraction: float) -> str:
    return f"{100 * fraction:.1f}%"


def _pct(fraction: float) -> str:
    """In percent; two decimals below 1 %, for gains in markets are that small."""
    value = 100 * fraction
    text = f"{value:.2f}%" if abs(value) < 1 else f"{value:.1f}%"
    return "0.00%" if text == "-0.00%" else text


def _signed(fraction: float) -> str:
    return ("+" if fraction >= 0 else "") + _pct(fraction)
