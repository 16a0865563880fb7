"""Where a model stands over all symbols: for how many it is better, its worst year, its rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.multiple_comparison import (
    ConfidenceSet,
    model_confidence_set,
    superior_ability,
)
from nextclose.evaluation.scores.panel import Panel
from nextclose.evaluation.verdict.decision import Claims
from nextclose.evaluation.verdict.evidence import Evidence
from nextclose.evaluation.verdict.periods import worst_year
from nextclose.schema import Floats

REFERENCES = ("garch", "hs_expanding")  # whose losses make symbols comparable, the first that ran
TWINS = 1e-9  # relative: losses that differ by rounding alone
NEARLY_ALL = 0.9  # of the most complete model's forecasts: fewer, and a model is not compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What only a pooled row can say. Counts are of symbols, significant at BH 10 %.

    None: no such figure, as against a reference that did not run or is the model itself.
    `hs` is the better historical density of each symbol.
    """

    symbols_better_than_garch: int | None
    symbols_worse_than_garch: int | None
    symbols_better_than_hs: int | None
    symbols_worse_than_hs: int | None
    symbols_better_than_naive: int | None  # by the error of the median
    symbols_worse_than_naive: int | None
    worst_year: str | None
    worst_year_skill: float | None  # CRPS, against `worst_year_reference`
    worst_year_reference: str | None  # garch, else that year's better historical density
    mcs_p: float | None  # the size at which the model confidence set would leave it out
    in_confidence_set: bool | None  # at 10 %; None: a point forecast, or too little to compare
    spa_p: float | None = None  # of garch: that none of the others beats it, however many tried


def standing(
    panel: Panel,
    model: str,
    symbols: Sequence[Evidence],
    claims: Sequence[Claims],
    best_set: ConfidenceSet | None,
) -> Standing:
    """The standing of one model, from its symbols' evidence and claims, in the same order."""

    def count(comparison: str, claim: str) -> int | None:
        if (comparison, model) == ("error", "naive"):
            return None
        if all(getattr(evidence, comparison) is None for evidence in symbols):
            return None
        return sum(bool(getattr(of_symbol, claim)) for of_symbol in claims)

    year = worst_year(panel, model) or {}
    reference, skill = "garch", year.get("crps_skill_vs_garch")
    if skill is None:
        reference, skill = year.get("hs_reference", ""), year.get("crps_skill_vs_hs")
    mcs_p = best_set.p_values.get(model) if best_set else None
    return Standing(
        symbols_better_than_garch=count("garch", "garch_better"),
        symbols_worse_than_garch=count("garch", "garch_worse"),
        symbols_better_than_hs=count("ranges", "ranges_better"),
        symbols_worse_than_hs=count("ranges", "ranges_worse"),
        symbols_better_than_naive=count("error", "error_better"),
        symbols_worse_than_naive=count("error", "error_worse"),
        worst_year=None if skill is None else year["slice"],
        worst_year_skill=skill,
        worst_year_reference=None if skill is None else reference,
        spa_p=garch_spa_p(panel) if model == "garch" else None,
        mcs_p=mcs_p,
        in_confidence_set=model in best_set.included if best_set and mcs_p is not None else None,
    )


def confidence_set(panel: Panel) -> ConfidenceSet | None:
    """Which of the panel's densities may be the best by CRPS; None if that cannot be told.

    Models that lose the same everywhere count as one, and share its p-value.
    """
    losses = comparable_losses(panel)
    first = {
        name: next(
            o for o, theirs in losses.items() if np.allclose(theirs, ours, rtol=TWINS, atol=0)
        )
        for name, ours in losses.items()
    }
    distinct = {name: losses[name] for name in dict.fromkeys(first.values())}
    try:
        best_set = model_confidence_set(distinct, horizon_sessions=panel.horizon_sessions)
    except NotEnoughDataError:
        return None
    p_values = {name: best_set.p_values[other] for name, other in first.items()}
    return replace(best_set, p_values=p_values)


def garch_spa_p(panel: Panel) -> float | None:
    """The p-value of SPA that no density of the panel beats garch by CRPS; None: not to be told."""
    losses = dict(comparable_losses(panel))
    garch = losses.pop("garch", None)
    if garch is None or not losses:
        return None
    try:
        return superior_ability(garch, losses, horizon_sessions=panel.horizon_sessions).consistent
    except NotEnoughDataError:
        return None


def comparable_losses(panel: Panel) -> Mapping[str, Floats]:
    """CRPS of each density model over its symbol's mean reference CRPS, averaged over symbols.

    Shape (origin,) each, of the origins where all of them forecast some symbol; on the same cells.
    The reference is garch, without it hs_expanding, without both the first model.
    Left out: point forecasts, and models on under nine tenths of the forecasts of the fullest.
    """
    cells = {
        name: losses.judged & np.isfinite(losses["crps"])
        for name, losses in panel.models.items()
        if not losses.point_only
    }
    most = max((int(known.sum()) for known in cells.values()), default=0)
    cells = {name: known for name, known in cells.items() if known.sum() >= NEARLY_ALL * most}
    if not cells:
        return {}
    shared = np.logical_and.reduce(list(cells.values()))  # (origin, symbol)
    n_of_origin = shared.sum(axis=1)
    reference = next((name for name in REFERENCES if name in cells), next(iter(cells)))
    unit = np.where(shared, panel.models[reference]["crps"], 0.0).sum(axis=0)
    unit = np.where(unit > 0, unit, 1.0) / np.maximum(shared.sum(axis=0), 1)  # (symbol,)
    series = {}
    for name in cells:
        total = (np.where(shared, panel.models[name]["crps"], 0.0) / unit).sum(axis=1)
        series[name] = np.asarray(total[n_of_origin > 0] / n_of_origin[n_of_origin > 0])
    return series
