"""Leaks of what has not resolved: one in the place of each part that keeps it out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from nextclose.backtesting import study as studies
from nextclose.backtesting import walk_forward
from nextclose.backtesting.study import Study
from nextclose.features import columns, indicators
from nextclose.models import baselines, regressors
from nextclose.models.classic import classic
from nextclose.models.hybrid.hybrid import Hybrid, mean_quantiles
from nextclose.models.hybrid.record import Record
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


def recorded_as_if(patch: Patch, told: Callable[[Samples], Any]) -> None:
    """A record that takes outcomes for resolved on the days that `told` gives. (row, horizon)."""

    def leaky(self: Record, samples: Samples, rows: Any, raw: Any) -> Any:
        days = np.where(np.isnat(samples.resolved), samples.resolved, told(samples))
        return honest(self, replace(samples, resolved=days), rows, raw)

    honest = Record.moved
    patch.setattr(Record, "moved", leaky)


def outcomes_when_issued(patch: Patch) -> None:
    """M56: ranges at t know what the forecasts before t will come to, at t + h."""
    recorded_as_if(patch, lambda samples: samples.origin[:, None])


def outcomes_a_day_early(patch: Patch) -> None:
    """M56: outcomes count on the day before they resolve."""
    recorded_as_if(patch, lambda samples: samples.resolved - np.timedelta64(1, "D"))


def recorded_on_test(patch: Patch) -> None:
    """M55 and M60: the record of a fit counts forecasts of the very fold it is used in."""

    def leaky(self: Hybrid, members: Any, record: Record, known: Samples) -> Any:
        days, everything = known.origin.astype(np.int64), whole(known)
        begins = days[known.readable()].max()
        is_soon = (days >= begins) & (days < begins + 40)
        rows = np.flatnonzero(everything.ready("stationary") & is_soon)
        grids = np.stack([fit.quantiles(everything, rows) for fit in members.values()])
        _, ahead = record.moved(everything, rows, mean_quantiles(grids))
        return honest(self, members, ahead, known)

    honest = Hybrid.of_members
    patch.setattr(Hybrid, "of_members", leaky)


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
STACK_FOLD = (Mutant(recorded_on_test, ("fit hybrid record.misses",), STACKED),)
STACK_MID_FOLD = (
    Mutant(outcomes_when_issued, ("forecast hybrid 7",), STACKED),
    Mutant(outcomes_a_day_early, ("forecast hybrid 7",), STACKED),
)
