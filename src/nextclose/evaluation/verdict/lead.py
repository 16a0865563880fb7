"""Which model a run leads with: the simplest of those that may be the best, and why it is that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import quantity
from nextclose.models.registry import outsiders, simplest_first

Reason = Literal[
    "own model",  # whoever hands a model over asks about it
    "only model",  # that made ranges
    "no ranges",
    "best set",  # at every horizon that has one
    "best set at most horizons",
    "not in best set",
    "too little to compare",
]
CHOSEN_BY_RESULTS: tuple[Reason, ...] = ("best set", "best set at most horizons")


@dataclass(frozen=True, slots=True, kw_only=True)
class BestSet:
    """The models that may be the best at one horizon: the model confidence set, simplest first."""

    horizon_sessions: int
    models: tuple[str, ...]  # yardsticks that were not listed are among them
    n_compared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """The model that report and terminal are about. A choice of what to read first, no promise."""

    model: str
    reason: Reason
    best_sets: tuple[BestSet, ...]  # shortest horizon first; none where too little is comparable
    sentence: str


def lead_of(rows: Iterable[VerdictRow], *, listed: Sequence[str]) -> Lead:
    """The simplest listed model that is in the best set at every horizon that has one.

    Where none is at all of them, the simplest of those in it at the most. A model of the user's
    own goes before all; one without ranges leads only where no listed one made any. Without any
    best set, or a listed model in it, it is the simplest listed one with ranges.
    Expects: rows of every model of the run, yardsticks that were not listed too.
    Limits: chosen by the results that it then stands for, which may flatter it.
    """
    pooled = [row for row in rows if row.symbol == POOLED]
    best_sets = _best_sets(pooled)
    model, reason = _choice(pooled, best_sets, listed)
    why = _why(model, reason, best_sets, is_alone=len(listed) == 1)
    if reason == "no ranges" and not pooled and len(listed) > 1:  # nobody can tell who made some
        why = "no forecast has a known outcome yet"
    horizons = sorted({row.horizon_sessions for row in pooled})
    caveat = (
        " These results chose it, so they may flatter it; another period may choose another."
        if reason in CHOSEN_BY_RESULTS
        else ""
    )
    sentence = f"{model} leads: {why}. {_sets_text(best_sets, horizons, listed)}{caveat}"
    return Lead(model=model, reason=reason, best_sets=best_sets, sentence=sentence)


def _best_sets(pooled: Sequence[VerdictRow]) -> tuple[BestSet, ...]:
    """The best set of each horizon that has one; a VOID row can be trusted in nothing."""
    members: dict[int, dict[str, bool]] = {}
    for row in pooled:
        is_member = row.standing.in_confidence_set if row.standing else None
        if is_member is not None and row.verdict != "VOID":
            members.setdefault(row.horizon_sessions, {})[row.model] = is_member
    return tuple(
        BestSet(
            horizon_sessions=horizon,
            models=simplest_first(name for name, is_member in of_model.items() if is_member),
            n_compared=len(of_model),
        )
        for horizon, of_model in sorted(members.items())
    )


def _choice(
    pooled: Sequence[VerdictRow], best_sets: Sequence[BestSet], listed: Sequence[str]
) -> tuple[str, Reason]:
    """The model and why. What has no verdict leads only where none has one."""
    judged = {row.model for row in pooled}
    names = simplest_first(name for name in listed if name in judged) or simplest_first(listed)
    if own := outsiders(names):
        return own[0], "own model"
    makers = {row.model for row in pooled if not row.evidence.point_only}
    ranged = [name for name in names if name in makers]
    if not ranged:  # naive is what others are measured with
        return next((name for name in names if name != "naive"), names[0]), "no ranges"
    if len(ranged) == 1:
        return ranged[0], "only model"
    if not best_sets:
        return ranged[0], "too little to compare"
    n_sets = {name: _n_sets(name, best_sets) for name in ranged}
    model = max(ranged, key=n_sets.__getitem__)  # the first of those with the most
    if n_sets[model] == 0:
        return model, "not in best set"
    return model, "best set" if n_sets[model] == len(best_sets) else "best set at most horizons"


def _n_sets(model: str, best_sets: Sequence[BestSet]) -> int:
    """At how many horizons the model may be the best."""
    return sum(model in best.models for best in best_sets)


def _why(model: str, reason: Reason, best_sets: Sequence[BestSet], *, is_alone: bool) -> str:
    unbeaten = "the simplest of the listed models that no other is shown to beat"
    match reason:
        case "own model":
            return "it is a model of your own"
        case "only model" | "no ranges" if is_alone:
            return "it is the only listed model"
        case "only model":
            return "no other listed model made ranges"
        case "no ranges":
            return "no listed model made ranges"
        case "best set":
            return unbeaten + (" at any horizon" if len(best_sets) > 1 else "")
        case "best set at most horizons":
            n = _n_sets(model, best_sets)
            return f"{unbeaten} at {n} of {len(best_sets)} horizons, the most that any has"
        case "not in best set":
            return "the simplest listed model that made ranges, and none of them is in the best set"
        case "too little to compare":
            return "the simplest listed model that made ranges"


def _sets_text(best_sets: Sequence[BestSet], horizons: Sequence[int], listed: Sequence[str]) -> str:
    """Who may be the best at which horizons, and out of how many."""
    if not best_sets:
        return "There was too little to compare to tell which model may be the best."
    alike: dict[tuple[str, ...], list[int]] = {}
    for best in best_sets:
        alike.setdefault(best.models, []).append(best.horizon_sessions)
    parts = [
        f"at {_ahead(ahead)}: "
        + ", ".join(name if name in listed else f"{name} (not listed)" for name in models)
        for models, ahead in alike.items()
    ]
    told = {best.horizon_sessions for best in best_sets}
    if untold := [horizon for horizon in horizons if horizon not in told]:
        parts.append(f"at {_ahead(untold)}: too little to compare")
    counts = [best.n_compared for best in best_sets]
    few = f"{min(counts)} to " if min(counts) < max(counts) else ""
    return (
        f"Best set by CRPS of {few}{quantity(max(counts), 'model')} compared, {'; '.join(parts)}."
    )


def _ahead(horizons: Sequence[int]) -> str:
    """`1 session`, `1, 7, 30 sessions`."""
    numbers = ", ".join(f"{horizon:,}" for horizon in horizons)
    return f"{numbers} session" + ("" if [*horizons] == [1] else "s")
