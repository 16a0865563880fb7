"""A verdict in plain words: no figure without its reference, its count and its uncertainty."""

from __future__ import annotations

from nextclose.evaluation.claims import (
    POOLED_LEVEL,
    Category,
    Claims,
    deciding_p,
    lost_contest,
)
from nextclose.evaluation.evidence import (
    MIN_INDEPENDENT,
    MIN_ORIGINS,
    POOLED,
    Contest,
    Evidence,
)
from nextclose.evaluation.metrics import implied_r2
from nextclose.evaluation.significance import FALSE_DISCOVERIES

Bounds = tuple[float, float] | None
SEVERAL = 2.0  # from this many times the reference's error on, a percentage misleads


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
    beside = f"; ranges {_compared(found.ranges)}" if found.ranges else ""
    return (
        f"{found.model} is a yardstick for ranges on {_who(found)} {_at(found)} "
        f"({_count(found)}): {_band(found)}{beside}."
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
    bounds, level = _claimed(lost)
    if 1 - lost.skill >= SEVERAL:
        excess = f"has {_times(1 - lost.skill)} times the error of"
        span = f"{level:.0%} interval {_times(1 - bounds[1])} to {_times(1 - bounds[0])} times"
    else:
        excess = f"is {_pct(-lost.skill)} worse than"
        span = _interval(_negated(bounds), level)
    return (
        f"Do not use {found.model} for {_who(found)} {_at(found)}: its {what} {excess} "
        f"{reference}{_brackets(span, p, _count(found))}."
    )


def _better(found: Evidence, p: str) -> str:
    assert found.error is not None
    return (
        f"{found.model} beat 'no change' on {_who(found)} {_at(found)} ({_count(found)}): error "
        f"{_pct(found.error.skill)} lower{_brackets(_interval(*_claimed(found.error)))}, ranges "
        f"{_won(found.ranges, p)}. The edge is small, and trading costs are not counted."
    )


def _size_only(found: Evidence, p: str) -> str:
    moves = f"{_who(found)} {'moves' if len(found.symbols) == 1 else 'move'}"
    span = (
        "in a session" if found.horizon_sessions == 1 else f"in {found.horizon_sessions} sessions"
    )
    return (
        f"{found.model} knows how far {moves} {span}, not which way: ranges "
        f"{_won(found.ranges, p)}; {_direction(found)}; {_band(found)} ({_count(found)})."
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
    facts = _brackets(_interval(*_claimed(found.error)), p, _count(found))
    return (
        f"{found.model}'s median was {_pct(found.error.skill)} closer than 'no change' on "
        f"{_who(found)} {_at(found)}{facts}{drift}, and {ranges}."
    )


def _no_evidence(found: Evidence, p: str) -> str:
    rivals = "'no change'" + (f" or {found.ranges.reference}" if found.ranges else "")
    error = "no price moved"
    if found.error is not None:
        bounds, span = found.error.interval, ""
        if bounds is not None:
            span = f"95% interval {1 - bounds[1]:.3f} to {1 - bounds[0]:.3f}"
        error = f"error {1 - found.error.skill:.3f} times that of 'no change'{_brackets(span, p)}"
    ranges = f"; ranges {_compared(found.ranges, named=False)}" if found.ranges else ""
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
    return f"{len(found.symbols)} symbols together"


def _at(found: Evidence) -> str:
    return f"at {found.horizon_sessions} session{'s' if found.horizon_sessions > 1 else ''}"


def _count(found: Evidence) -> str:
    """How many forecasts, days and independent outcomes; a number said once is not repeated."""
    if found.forecasts == round(found.independent):
        return f"about {found.forecasts:,} independent forecasts"
    has_days = found.origins not in (found.forecasts, round(found.independent))
    days = f" from {found.origins:,} days" if has_days else ""
    return f"{found.forecasts:,} forecasts{days}, about {found.independent:,.0f} independent"


def _direction(found: Evidence) -> str:
    hits = found.hits
    if hits.hit_rate is None or hits.base_rate is None:
        return "it calls no direction"
    return (
        f"direction {_share(hits.hit_rate)} right{_brackets(_interval(found.hit_interval))} "
        f"against {_share(hits.base_rate)} for always '{hits.side}'"
    )


def _band(found: Evidence) -> str:
    if found.coverage_90 is None or found.width_90_pct is None:
        return "it states no range"
    return (
        f"its 90% band held {_share(found.coverage_90)} at a width of "
        f"{found.width_90_pct:.1f}% of price"
    )


def _compared(contest: Contest, *, named: bool = True) -> str:
    """A difference that is no claim, with its two-sided 95 % interval."""
    is_better = contest.skill >= 0
    bounds = contest.interval if is_better else _negated(contest.interval)
    reference = f" than {contest.reference}" if named else ""
    return (
        f"{_pct(abs(contest.skill))} {'better' if is_better else 'worse'}{reference}"
        f"{_brackets(_interval(bounds))}"
    )


def _won(contest: Contest | None, p: str) -> str:
    """A significant gain, with the interval of its claim and the p-value."""
    assert contest is not None
    facts = _brackets(_interval(*_claimed(contest)), p)
    return f"{_pct(contest.skill)} better than {contest.reference}{facts}"


def _claimed(contest: Contest) -> tuple[tuple[float, float], float]:
    """Interval of a skill that is claimed, and its level: the claim's own one-sided test.

    90 % goes with p <= 5 %: it leaves 0 out, as the claim does. A single symbol's claim may rest
    on a p of up to 10 %: then 80 %.
    """
    assert contest.test is not None
    p = min(contest.test.p_better, contest.test.p_worse)
    level = 1 - 2 * (POOLED_LEVEL if p <= POOLED_LEVEL else FALSE_DISCOVERIES)
    return contest.test.interval(level), level


def _p(p: float | None, comparisons: int) -> str:
    if p is None:
        return ""
    text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return text + (f", {comparisons} comparisons" if comparisons > 1 else "")


def _brackets(*facts: str) -> str:
    said = "; ".join(fact for fact in facts if fact)
    return f" ({said})" if said else ""


def _interval(bounds: Bounds, level: float = 0.95) -> str:
    if bounds is None:
        return ""
    return f"{level:.0%} interval {_pct(bounds[0]).removesuffix('%')} to {_pct(bounds[1])}"


def _negated(bounds: Bounds) -> Bounds:
    return (-bounds[1], -bounds[0]) if bounds else None


def _share(fraction: float) -> str:
    return f"{100 * fraction:.1f}%"


def _pct(fraction: float) -> str:
    """In percent; two decimals below 1 %, for gains in markets are that small."""
    value = 100 * fraction
    text = f"{value:.2f}%" if abs(value) < 1 else f"{value:.1f}%"
    return "0.00%" if text == "-0.00%" else text


def _times(ratio: float) -> str:
    """A ratio of errors; a decimal only where it says something."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


def _signed(fraction: float) -> str:
    return ("+" if fraction >= 0 else "") + _pct(fraction)
