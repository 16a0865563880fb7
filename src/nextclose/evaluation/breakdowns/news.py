"""What news are worth: a model beside itself without them, all else equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from nextclose.backtesting.forecasts import Forecast, known_losses
from nextclose.backtesting.stacking import walk_hybrid
from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import Backtest, Mapper, fit_tasks, run_tasks, serial
from nextclose.evaluation.breakdowns.ablation import (
    HYBRID,
    RAW,
    WITHOUT_NEWS,
    Variant,
    difference_and_facts,
    variant_of,
)
from nextclose.evaluation.verdict.decision import INDISTINCT, POOLED_LEVEL
from nextclose.formatting import sessions
from nextclose.models.registry import members_of, news_readers, outsiders, simplest_first


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsWorth:
    """One horizon: `model` with news against itself without, before calibration, all symbols.

    Both CRPS (log return) are means over the forecasts that both have.
    """

    horizon_sessions: int
    model: str
    crps_with: float
    crps_without: float
    gain: Variant  # `crps_skill` above 0: news made it better
    sentence: str


def shown_reader(study: Study) -> str:
    """The model whose gain by news is shown: the hybrid, if a member of it reads any.

    Else a reader of the user's own or ours; of several of ours the least simple. Nothing is scored
    yet: no result chooses it.
    """
    readers = news_readers(study.models)
    if {*members_of(study.models)} & {*readers}:
        return HYBRID
    own = outsiders(readers)
    return own[0] if own else simplest_first(readers)[-1]


def with_news_ablation(walked: Backtest, *, mapper: Mapper = serial) -> Backtest:
    """The same backtest whose `ablation` also has what `shown_reader` loses without news.

    What reads news is fitted anew without their columns, on the same targets with the same seeds;
    all other fits are kept. Where no hybrid runs its own losses are "raw".
    Expects: a study whose table has news, and a model that reads them.
    """
    study, model = walked.study, shown_reader(walked.study)
    readers = news_readers(study.models)
    blind = [replace(task, reads_news=False) for task in fit_tasks(study) if task.model in readers]
    fits, issued = run_tasks(study, blind, mapper)
    if model != HYBRID:
        own = _losses(walked, walked.issued, model, variant=RAW)
        return replace(walked, ablation=own.vstack(_losses(walked, issued, model)))
    stack = walk_hybrid(
        study.samples,
        study.hybrid,
        study.folds,
        fits={**walked.fits, **fits},
        issued={**walked.issued, **issued},
        n_rehearsals=study.n_rehearsals,
    )
    without = stack.ablation.filter(pl.col("variant") == RAW)
    without = without.with_columns(pl.lit(WITHOUT_NEWS).alias("variant"))
    return replace(walked, ablation=walked.ablation.vstack(without))


def _losses(
    walked: Backtest,
    issued: Mapping[tuple[str, int], Forecast],
    model: str,
    *,
    variant: str = WITHOUT_NEWS,
) -> pl.DataFrame:
    """Losses of one model in the tested folds, in `ABLATION_SCHEMA`."""
    study = walked.study
    return pl.concat(
        known_losses(study.samples, forecast.rows, forecast.grid, variant=variant)
        for (name, fold), forecast in issued.items()
        if name == model and fold >= study.n_rehearsals
    )


def news_worth(ablation: pl.DataFrame, *, model: str) -> tuple[NewsWorth, ...]:
    """What news were worth to `model`, shortest horizon first; empty where none were read.

    Expects: `ablation` as `with_news_ablation` makes it.
    """
    worths = []
    for horizon in ablation["horizon_sessions"].unique().sort():
        rows = ablation.filter(pl.col("horizon_sessions") == horizon, pl.col("crps").is_finite())
        raw, without = (rows.filter(pl.col("variant") == name) for name in (RAW, WITHOUT_NEWS))
        gain = variant_of(WITHOUT_NEWS, raw, without, int(horizon))
        if gain is not None:
            worths.append(_worth(raw, without, gain, horizon=int(horizon), model=model))
    return tuple(worths)


def _worth(
    raw: pl.DataFrame, without: pl.DataFrame, gain: Variant, *, horizon: int, model: str
) -> NewsWorth:
    both = raw.join(without, on=["symbol", "origin"]).sort("symbol", "origin")
    conclusion = "news helped" if gain.is_beaten else "nothing shows that news helped"
    if gain.p_worse is not None and gain.p_worse <= POOLED_LEVEL and gain.crps_skill < -INDISTINCT:
        conclusion = "news did harm"
    difference, facts = difference_and_facts(gain, horizon)
    whose = "the hybrid, before calibration," if model == HYBRID else model
    return NewsWorth(
        horizon_sessions=horizon,
        model=model,
        crps_with=float(both["crps"].to_numpy().mean()),
        crps_without=float(both["crps_right"].to_numpy().mean()),
        gain=gain,
        sentence=f"At {sessions(horizon)} {conclusion}: with them the ranges of {whose} were "
        f"{difference} than without{facts}.",
    )
