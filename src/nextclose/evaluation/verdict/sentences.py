"""A verdict in plain words: no figure without its reference, its count and its uncertainty."""

from __future__ import annotations

from nextclose.evaluation.verdict.comparison import (
    MIN_INDEPENDENT,
    MIN_ORIGINS,
    SEED_SPREADS,
    Contest,
)
from nextclose.evaluation.verdict.decision import (
    CLAIMLESS,
    Category,
    Claims,
    deciding_p,
    gains,
    lost_contest,
)
from nextclose.evaluation.verdict.evidence import POOLED, Evidence
from nextclose.evaluation.verdict.wording import (
    brackets,
    claimed,
    compared,
    interval,
    negated,
    percent,
    probability,
    sessions,
    share,
    signed,
    times,
    won,
)
from nextclose.metrics import implied_r2

SEVERAL = 2.0  # from this many times the reference's error on, a percentage misleads


def sentence(found: Evidence, category: Category, claims: Claims, comparisons: int) -> str:
    """The verdict for people, figures rounded, with a warning each about ranges and gaps.

    Not for VOID, which says nothing about the model: see `void_sentence`.
    """
    assert category != "VOID", found.model
    p = probability(deciding_p(found, claims, category), comparisons)
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
            text = _better(found, comparisons, p)
        case "SIZE ONLY":
            text = _size_only(found, claims, comparisons, p)
        case "POINT ONLY":
            text = _point_only(found, p)
        case "NO EVIDENCE":
            text = _no_evidence(found, claims, comparisons, p)
    if claims.direction and category not in CLAIMLESS and "direction" not in text.lower():
        text += f" Beside that, {_direction(found, claims, comparisons)} ({_count(found)})."
    return (
        text
        + _within_seeds(found, category, claims)
        + _miscalibrated(found, claims, said=text)
        + _filled(found)
    )


def void_sentence(failed_check: str) -> str:
    """What every verdict says after a check of the run failed."""
    return (
        f"No verdict: the check '{failed_check}' failed, so none of these figures can be trusted."
    )


def _yardstick(found: Evidence) -> str:
    if found.point_only:
        return (
            f"{found.model} is the yardstick: an unchanged price missed {_who(found)} by "
            f"{found.naive_mape_pct:.2f}% on average {_at(found)} ({_count(found)})."
        )
    beside = f"; ranges {compared(found.ranges)}" if found.ranges else ""
    return (
        f"{found.model} is a yardstick for ranges on {_who(found)} {_at(found)} "
        f"({_count(found)}): {_band(found)}{beside}."
    )


def _too_good(found: Evidence) -> str:
    hits, right = found.calls.hits, "no direction called"
    if hits.hit_rate is not None and hits.base_rate is not None:
        right = (
            f"{share(hits.hit_rate)} right, against {share(hits.base_rate)} for always "
            f"'{hits.side}', would mean an R2 of {percent(implied_r2(hits.hit_rate))} a day"
        )
    facts = brackets(interval(found.calls.interval), _count(found))
    return (
        f"Too good to be true, {found.model} on {_who(found)}: {right}; its measured R2 against "
        f"'no change' is {percent(found.r2_vs_zero or 0.0)}{facts}. Look for a leak before "
        "reading on."
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
    bounds, level = claimed(lost)
    if 1 - lost.skill >= SEVERAL:
        excess = f"has {times(1 - lost.skill)} times the error of"
        span = f"{level:.0%} interval {times(1 - bounds[1])} to {times(1 - bounds[0])} times"
    else:
        excess = f"is {percent(-lost.skill)} worse than"
        span = interval(negated(bounds), level)
    return (
        f"Do not use {found.model} for {_who(found)} {_at(found)}: its {what} {excess} "
        f"{reference}{brackets(span, p, _count(found))}."
    )


def _better(found: Evidence, comparisons: int, p: str) -> str:
    assert found.error is not None
    luck = found.error.p_better
    chance = probability(luck, comparisons) if luck is not None else ""
    return (
        f"{found.model} beat 'no change' on {_who(found)} {_at(found)} ({_count(found)}): error "
        f"{percent(found.error.skill)} lower{brackets(interval(*claimed(found.error)), chance)}"
        f"{_drift(found)}, ranges {_won_ranges(found, p)}. "
        "The edge is small, and trading costs are not counted."
    )


def _drift(found: Evidence) -> str:
    """What a rule without any skill but drift gains; empty where it was not run."""
    if found.drift_skill is None:
        return ""
    return f"; the drift rule alone gives {signed(found.drift_skill)}"


def _size_only(found: Evidence, claims: Claims, comparisons: int, p: str) -> str:
    moves = f"{_who(found)} {'moves' if len(found.symbols) == 1 else 'move'}"
    h = found.horizon_sessions
    span = "in a session" if h == 1 else f"in {sessions(h)}"
    limit = "but its error is no lower" if claims.direction else "not which way"
    return (
        f"{found.model} knows how far {moves} {span}, {limit}: ranges {_won_ranges(found, p)}; "
        f"{_direction(found, claims, comparisons)}; {_band(found)} ({_count(found)})."
    )


def _point_only(found: Evidence, p: str) -> str:
    assert found.error is not None
    ranges = "there was no range forecast to compare its own with"
    if found.point_only:
        ranges = "it states no range"
    elif found.ranges is not None:
        gain = signed(found.ranges.skill)
        ranges = f"its ranges are no better than those of {found.ranges.reference} ({gain})"
    facts = brackets(interval(*claimed(found.error)), p, _count(found))
    return (
        f"{found.model}'s median was {percent(found.error.skill)} closer than 'no change' on "
        f"{_who(found)} {_at(found)}{facts}{_drift(found)}, and {ranges}."
    )


def _no_evidence(found: Evidence, claims: Claims, comparisons: int, p: str) -> str:
    rivals = "'no change'" + (f" or {found.ranges.reference}" if found.ranges else "")
    error = "no price moved"
    if found.error is not None:
        bounds, span = found.error.interval, ""
        if bounds is not None:
            span = f"95% interval {1 - bounds[1]:.3f} to {1 - bounds[0]:.3f}"
        error = f"error {1 - found.error.skill:.3f} times that of 'no change'{brackets(span, p)}"
    ranges = f"; ranges {compared(found.ranges, named=False)}" if found.ranges else ""
    return (
        f"No evidence that {found.model} beats {rivals} on {_who(found)} {_at(found)}: {error}"
        f"{ranges}{_beside_garch(found)}{_noise(found)}; {_direction(found, claims, comparisons)} "
        f"({_count(found)})."
    )


def _won_ranges(found: Evidence, p: str) -> str:
    assert found.ranges is not None
    return won(found.ranges, p) + _beside_garch(found)


def _beside_garch(found: Evidence) -> str:
    return f", {compared(found.garch)}" if found.garch else ""


def _noise(found: Evidence) -> str:
    floor = found.noise_floor
    return f"; range differences below {percent(floor)} are noise" if floor is not None else ""


def _within_seeds(found: Evidence, category: Category, claims: Claims) -> str:
    """Why a significant gain is not claimed: single seeds of the model differ as much."""
    if category in CLAIMLESS or category == "WORSE":
        return ""
    for gain, what in zip(gains(found, claims), ("error", "ranges"), strict=True):
        if gain is not None and gain.seed_sd is not None and not gain.is_beyond_seeds:
            return (
                f" The gain of {percent(gain.skill)} in its {what} does not count: it is under "
                f"{SEED_SPREADS:.0f} times the spread over its seeds, {percent(gain.seed_sd)}."
            )
    return ""


def _miscalibrated(found: Evidence, claims: Claims, *, said: str) -> str:
    held = found.coverage.coverage_90 if found.coverage else None
    if not claims.miscalibrated or held is None:
        return ""
    side = "narrow" if held < 0.9 else "wide"
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
    return f"at {sessions(found.horizon_sessions)}"


def _count(found: Evidence) -> str:
    """How many forecasts, days and independent outcomes; a number said once is not repeated."""
    if found.forecasts == round(found.independent):
        return f"about {found.forecasts:,} independent forecasts"
    has_days = found.origins not in (found.forecasts, round(found.independent))
    days = f" from {found.origins:,} days" if has_days else ""
    return f"{found.forecasts:,} forecasts{days}, about {found.independent:,.0f} independent"


def _direction(found: Evidence, claims: Claims, comparisons: int) -> str:
    """The hit rate, never without its base rate and what it would mean if it were skill."""
    calls, hits = found.calls, found.calls.hits
    if hits.hit_rate is None or hits.base_rate is None:
        return "it calls no direction"
    kind, p = f" always '{calls.only}'," if calls.only else "", ""
    if claims.direction:
        kind, p = " better than chance:", probability(calls.p_value, comparisons)
    worth = f"would imply R2 {percent(implied_r2(hits.hit_rate))}"
    facts = brackets(interval(calls.interval), p, worth)
    return (
        f"direction{kind} {share(hits.hit_rate)} right{facts} "
        f"against {share(hits.base_rate)} for always '{hits.side}'"
    )


def _band(found: Evidence) -> str:
    coverage = found.coverage
    if coverage is None or coverage.coverage_90 is None or coverage.width_90_pct is None:
        return "it states no range"
    return (
        f"its 90% band held {share(coverage.coverage_90)} at a width of "
        f"{coverage.width_90_pct:.1f}% of price"
    )
