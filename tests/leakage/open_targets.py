"""Leaks of what has not resolved: one in the place of each part that keeps it out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from nextclose.backtesting import stacking, walk_forward
from nextclose.backtesting import study as studies
from nextclose.backtesting.forecasts import rising_quantiles
from nextclose.backtesting.study import Study
from nextclose.features import columns, indicators
from nextclose.models import baselines, regressors
from nextclose.models.classic import classic
from nextclose.models.hybrid import adaptive_tails, conformal
from nextclose.models.hybrid.hybrid import Hybrid, Issued, weighted_quantiles
from nextclose.models.loghar.loghar import fit_loghar_scale
from nextclose.models.lstm import finetune
from nextclose.models.lstm.network import hidden_at
from nextclose.models.trees import training
from nextclose.models.trees.training import boosting_data
from nextclose.models.volatility import har
from nextclose.samples import splits
from nextclose.samples.samples import Samples, make_samples, with_targets
from nextclose.samples.scaling import fit_scaler
from nextclose.samples.splits import (
    ResolvedOutcomes,
    first_origin,
    known_at,
    originating_from,
)
from nextclose.samples.splits import walk_forward as folds_of
from nextclose.samples.windows import windows
from tests.leakage.artefacts import STACKED

Patch = pytest.MonkeyPatch
Leak = Callable[[Patch], None]
Rule = Callable[[Samples, np.datetime64], Samples]


def whole(samples: Samples) -> Samples:
    """The samples that know everything: `known_at` without its cut and its mask."""
    return make_samples(samples.table, horizons=samples.horizons)


def unmasked_at(samples: Samples, date: np.datetime64) -> Samples:
    """`known_at` that cuts rows but leaves the targets of those before the cut as they were."""
    honest = known_at(samples, date)
    early = np.broadcast_to((samples.origin <= date)[:, None], samples.target.shape)
    return replace(with_targets(samples, early), segments=honest.segments)


def known_otherwise(patch: Patch, *, first: Rule = known_at, second: Rule = known_at) -> None:
    """A fold calls `known_at` twice: for what it knows, then for what it trains on."""
    calls = cycle((first, second))
    patch.setattr(splits, "known_at", lambda samples, date: next(calls)(samples, date))


def train_unpurged(patch: Patch) -> None:
    """M43: targets of the training block that resolve in the validation block."""
    known_otherwise(patch, second=unmasked_at)


def valid_unpurged(patch: Patch) -> None:
    """Targets that resolve in the test block."""
    known_otherwise(patch, first=unmasked_at)


def one_session_late(patch: Patch) -> None:
    """M42: what resolves at the session after the cut-off counts as known."""

    def leaky(samples: Samples, date: np.datetime64) -> Samples:
        sessions = np.unique(samples.origin)
        after = sessions[min(int(np.searchsorted(sessions, date)) + 1, len(sessions) - 1)]
        return replace(known_at(samples, after), segments=known_at(samples, date).segments)

    known_otherwise(patch, first=leaky)


def calendar_days(patch: Patch) -> None:
    """M44: a horizon of 7 sessions taken for 7 days."""

    def leaky(samples: Samples, date: np.datetime64) -> Samples:
        days = np.array(samples.horizons).astype("timedelta64[D]")
        keep = (samples.origin[:, None] + days <= date) & ~np.isnat(samples.resolved)
        return replace(with_targets(samples, keep), segments=known_at(samples, date).segments)

    known_otherwise(patch, first=leaky)


def borders_by_share(patch: Patch) -> None:
    """M48: the test block begins after 82 % of all sessions."""

    def leaky(samples: Samples, **plan: Any) -> Any:
        sessions = splits.sessions_of(samples)
        return folds_of(samples, **{**plan, "test_from": sessions[int(0.82 * len(sessions))]})

    patch.setattr(studies, "walk_forward", leaky)


def open_spread(patch: Patch) -> None:
    def leaky(train: Samples, valid: Samples, **options: Any) -> Any:
        return pooled(train, replace(valid, target=whole(valid).target), **options)

    pooled = har.pooled_quantiles
    patch.setattr(har, "pooled_quantiles", leaky)
    patch.setattr(baselines, "pooled_quantiles", leaky)


def open_har(patch: Patch) -> None:
    def leaky(train: Samples, valid: Samples) -> Any:
        return honest(train, replace(valid, movement=whole(valid).movement))

    honest = har.fit_har_scale
    patch.setattr(har, "fit_har_scale", leaky)


def unguarded(patch: Patch) -> None:
    """A plug-in that is shown what ours are."""
    patch.setattr(walk_forward, "outsider_view", lambda samples, **known: samples)


def scaler_of_all_rows(patch: Patch) -> None:
    """M38."""
    unguarded(patch)
    patch.setattr(
        regressors, "fit_scaler", lambda train, **options: fit_scaler(whole(train), **options)
    )


def scaler_of_fit_and_valid(patch: Patch) -> None:
    """M40: as if the scaler were fitted on all that the fold knows."""
    seen: list[Samples] = []

    def remembering(train: Samples, valid: Samples) -> Any:
        seen.append(valid)
        return fit_loghar_scale(train, valid)

    patch.setattr(regressors, "fit_loghar_scale", remembering)
    patch.setattr(
        regressors, "fit_scaler", lambda train, **options: fit_scaler(seen[-1], **options)
    )


def stopping_on_test(patch: Patch) -> None:
    """M49."""

    def leaky(har: Any, train: Samples, valid: Samples, **more: Any) -> Any:
        late = originating_from(whole(valid), first_origin(valid))
        return boosting_data(har, train, late, **more)

    patch.setattr(training, "boosting_data", leaky)


def training_on_test(patch: Patch) -> None:
    def leaky(har: Any, train: Samples, valid: Samples, **more: Any) -> Any:
        return boosting_data(har, whole(train), valid, **more)

    patch.setattr(training, "boosting_data", leaky)


def open_outcomes(patch: Patch) -> None:
    """Outcomes of all earlier origins, resolved or not."""

    def leaky(samples: Samples, rows: Any, *, horizon: int) -> Any:
        for position, row in enumerate(rows):
            start = samples.segments[samples.segments[:, 0] <= row, 0].max()
            past = samples.outcome[start:row, horizon]
            past = past[np.isfinite(past)]
            known = np.array([position]), np.array([len(past)])
            yield ResolvedOutcomes(positions=known[0], outcome=past, n_resolved=known[1])

    patch.setattr(baselines, "resolved_outcomes", leaky)


def open_outcomes_of_the_file(patch: Patch) -> None:
    """The same, and nothing cut off at the fold's last origin."""
    open_outcomes(patch)
    patch.setattr(walk_forward, "known_at", lambda samples, date: samples)


def window_to_tomorrow(patch: Patch) -> None:
    def leaky(columns: Any, rows: Any, *, sessions: int) -> Any:
        return windows(columns, np.minimum(rows + 1, rows.max()), sessions=sessions)

    patch.setattr(classic, "windows", leaky)


def chain_to_tomorrow(patch: Patch) -> None:
    """The network reads on to the session after the origin."""

    def leaky(network: Any, inputs: Any, rows: Any, *, starts: Any) -> Any:
        return hidden_at(network, inputs, np.minimum(rows + 1, rows.max()), starts=starts)

    patch.setattr(finetune, "hidden_at", leaky)


def volatility_to_tomorrow(patch: Patch) -> None:
    """M30 in the unit that targets are measured in."""
    for name in ("volatility", "recent_volatility"):
        honest = getattr(indicators, name)
        patch.setattr(
            columns, name, lambda close, honest=honest: np.append(honest(close)[1:], 0.01)
        )


def last_fit_for_all(patch: Patch) -> None:
    """M53: the final model forecasts the past folds as well."""
    honest = walk_forward.fit

    def leaky(study: Study, task: walk_forward.FitTask) -> Any:
        return honest(study, replace(task, fold=len(study.folds) - 1))

    patch.setattr(walk_forward, "fit", leaky)


def chance_when_served(patch: Patch) -> None:
    """M54: the same bars give another forecast each time."""
    chance = np.random.default_rng(0)

    def leaky(*read: Any, **starts: Any) -> Any:
        hidden = hidden_at(*read, **starts)
        return hidden * chance.uniform(0.9, 1.1, hidden.shape)

    patch.setattr(finetune, "hidden_at", leaky)


def outcomes_when_issued(patch: Patch) -> None:
    """M56: the tails at t know what the forecasts before t will come to, at t + h."""

    def leaky(*parts: Any) -> Any:
        course = honest(*parts)
        course.resolved = np.where(
            course.resolved < adaptive_tails.NEVER, course.origin, course.resolved
        )
        return course

    honest = adaptive_tails.new_course
    patch.setattr(conformal, "new_course", leaky)


def open_record(patch: Patch) -> None:
    """M55 and M59: weights and scores of past forecasts that have not resolved by the refit."""
    patch.setattr(stacking, "known_at", lambda samples, date: unmasked_at(whole(samples), date))


def stacked_on_test(patch: Patch) -> None:
    """M60: weights learnt on the forecasts of the very fold they are used in."""

    def leaky(self: Hybrid, members: Any, past: Any, known: Samples) -> Any:
        days = known.origin.astype(np.int64)
        begins = days[known.readable()].max()
        rows = np.flatnonzero(self_ready(known) & (days >= begins) & (days < begins + 40))
        grids = np.stack([fit.quantiles(whole(known), rows) for fit in members.values()])
        equal = np.full((len(known.horizons), len(members)), 1.0)
        trackers = past[-1].trackers if past else adaptive_tails.no_trackers(len(known.horizons))
        mine = Issued(
            rows=rows, members=grids, raw=weighted_quantiles(grids, equal), trackers=trackers
        )
        told = replace(whole(known), segments=known.segments)
        return honest(self, members, [*past, mine], told)

    def self_ready(known: Samples) -> Any:
        return whole(known).ready("stationary")

    honest = Hybrid.learnt
    patch.setattr(Hybrid, "learnt", leaky)


def stacked_on_fitted(patch: Patch) -> None:
    """M58: weights learnt on what the newest fits say of the rows they were fitted on."""

    def leaky(self: Hybrid, members: Any, past: Any, known: Samples) -> Any:
        seen = [
            replace(fold, members=np.stack([rising_quantiles(fit, known, fold.rows)[0]
                                            for fit in members.values()]))
            for fold in past
        ]  # fmt: skip
        return honest(self, members, seen, known)

    honest = Hybrid.learnt
    patch.setattr(Hybrid, "learnt", leaky)


@dataclass(frozen=True)
class Mutant:
    leak: Leak
    named: tuple[str, ...]  # artefacts that the harness must name
    models: tuple[str, ...] = ("har",)


LSTM, TREES, CLASSIC = ("lstm",), ("trees",), ("naive", "classic")
GROWN = ("fit trees curves", "fit trees forests.0.arrays.condition")
SCALED = ("fit ridge scaler.center", "fit ridge scaler.width")
SPREADS = tuple(f"fit {model} spread" for model in ("drift", "ewma", "har"))
OWN_PAST = tuple(f"forecast {m} 7" for m in ("drift", "hs_250", "hs_expanding"))
FIRST_FOLD = (
    Mutant(valid_unpurged, ("valid targets", "fit har scale.weights", "fit har spread")),
    Mutant(one_session_late, ("valid targets", "fit har scale.weights")),
    Mutant(calendar_days, ("valid targets", "fit har scale.weights")),
    Mutant(borders_by_share, ("fold dates",)),
    Mutant(open_spread, SPREADS, ("drift", "ewma", "har")),
    Mutant(open_har, ("fit har scale.weights",)),
    Mutant(stopping_on_test, GROWN[:1], TREES),
    Mutant(training_on_test, GROWN, TREES),
    Mutant(last_fit_for_all, ("fit har scale.weights",)),
)
MID_FOLD = (
    Mutant(open_outcomes, OWN_PAST, ("drift", "hs_250", "hs_expanding")),
    Mutant(open_outcomes_of_the_file, OWN_PAST, ("drift", "hs_250", "hs_expanding")),
    Mutant(window_to_tomorrow, ("forecast classic 7",), CLASSIC),
    Mutant(chain_to_tomorrow, ("forecast lstm 1",), LSTM),
    Mutant(volatility_to_tomorrow, ("scale", "feature log_scale", "forecast har 1")),
    Mutant(chance_when_served, ("forecast lstm 7",), LSTM),
)
STACK_FOLD = (
    Mutant(open_record, ("fit hybrid weights", "fit hybrid calibration.tails"), STACKED),
    Mutant(stacked_on_test, ("fit hybrid weights", "fit hybrid calibration.tails"), STACKED),
)
STACK_MID_FOLD = (Mutant(outcomes_when_issued, ("forecast hybrid 7",), STACKED),)
