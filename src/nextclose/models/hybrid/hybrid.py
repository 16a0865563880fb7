"""The hybrid: the mean of its members' quantiles, as wide as each symbol's past forecasts ask for.

Every member counts alike. Weights learnt from past forecasts, members picked by them and more
members were measured and gained nothing that was not noise (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from nextclose.config import HybridConfig
from nextclose.errors import LeakError
from nextclose.models.hybrid.record import Record, stretched
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Fitted, Model, Traits
from nextclose.models.state import State, decode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import outsider_view
from nextclose.schema import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedHybrid:
    """The fitted members, and the record of what was forecast before: of older fits, too.

    `fitted_at` is a day number: the session after which the members may be used.
    """

    members: Mapping[str, Fitted]
    record: Record
    fitted_at: int
    family: str
    context_sessions: int
    outsiders: tuple[str, ...] = ()  # members of the user's own, which are shown less

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles in target units, as wide as the record asks for. Shape (row, horizon, level).

        The record is that of the fit, or of the last `moved_on`: forecasts since are not replayed.
        Raises: LeakError for rows older than the fit.
        """
        return stretched(self.raw(samples, rows), self.record.factors(samples, rows))

    def raw(self, samples: Samples, rows: Ints) -> Floats:
        """The mean of the members' quantiles. Shape (row, horizon, level); raises the same."""
        self._refuse_older(samples, rows)
        views = dict.fromkeys(self.members, samples)
        if self.outsiders:  # as in a backtest
            shown = outsider_view(samples, known_at=np.datetime64(self.fitted_at, "D"))
            views |= dict.fromkeys(self.outsiders, shown)
        members = [member.quantiles(views[name], rows) for name, member in self.members.items()]
        return mean_quantiles(np.sort(np.stack(members), axis=3))

    def moved_on(self, samples: Samples, *, but: Collection[str] = ()) -> FittedHybrid:
        """The same with a record that holds every forecast up to the end of `samples`.

        Forecasts are made from all sessions since each symbol's newest in the record, or since the
        fit; what waits and has resolved is counted. Symbols in `but` stay as they stand.
        Expects: bars that hold a full forecast at each of these sessions.
        """
        rows = self._rows_to_come(samples)
        is_kept = np.array([name not in but for name in samples.table.symbols])
        rows = rows[is_kept[samples.table.symbol[rows]]]
        if not len(rows):  # which a member of the user's own may not know what to do with
            return self
        _, record = self.record.moved(samples, rows, self.raw(samples, rows))
        return replace(self, record=record)

    def _rows_to_come(self, samples: Samples) -> Ints:
        """Rows that can be forecast and are not in the record, from the session of the fit on."""
        day = samples.origin.astype(np.int64)
        last = dict(zip(self.record.symbols, self.record.last.tolist(), strict=True))
        newest = np.array([last.get(name, self.fitted_at - 1) for name in samples.table.symbols])
        newest = np.maximum(newest, self.fitted_at - 1)
        ready = samples.ready(self.family, context_sessions=self.context_sessions)
        return np.flatnonzero(ready & (day > newest[samples.table.symbol]))

    def _refuse_older(self, samples: Samples, rows: Ints) -> None:
        older = samples.origin[rows][samples.origin[rows].astype(np.int64) < self.fitted_at]
        if len(older):
            known_at = str(np.datetime64(self.fitted_at, "D"))
            raise LeakError(what="this hybrid", known_at=known_at, used_at=str(older.min()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """How the hybrid is made of its members; a `Forecaster` that is made of other models' fits."""

    settings: HybridConfig
    models: Mapping[str, Model]
    name: str = "hybrid"
    outsiders: tuple[str, ...] = ()  # members of the user's own

    @property
    def traits(self) -> Traits:
        """It reads as many rows as its hungriest member; the settings are its and its members'."""
        members = {name: dict(model.traits.settings) for name, model in self.models.items()}
        return Traits(
            fitted=FittedHybrid,
            settings={"hybrid": self.settings.model_dump(mode="json"), "members": members},
            context_sessions=max(m.traits.context_sessions for m in self.models.values()),
            reach_sessions=max(m.traits.reach_sessions for m in self.models.values()),
            replays=any(m.traits.replays for m in self.models.values()),
            is_member=False,
            taught_until=max(m.traits.taught_until for m in self.models.values()),
        )

    def of_members(
        self, members: Mapping[str, Fitted], record: Record, known: Samples
    ) -> FittedHybrid:
        """The hybrid of these fits, in the order of `models`; `known`: the samples at the fit."""
        return FittedHybrid(
            members=members,
            record=record,
            fitted_at=int(known.origin[known.readable()].max().astype(np.int64)),
            family=self.traits.family,
            context_sessions=self.traits.context_sessions,
            outsiders=self.outsiders,
        )

    def restore(self, state: State) -> Fitted:
        """The FittedHybrid that gave this state.

        Raises: ValueError saying what is not that of one.
        """
        fitted = decode_state(
            FittedHybrid,
            state,
            build_part=lambda name, part: restore_forecaster(self.models[name], part),
        )
        needed = (self.traits.family, self.traits.context_sessions)
        if (fitted.family, fitted.context_sessions) != needed:
            raise ValueError(f"context_sessions are not the {needed[1]} of its members")
        if fitted.outsiders != self.outsiders:
            raise ValueError(f"members of the user's own are {self.outsiders!r:.60}")
        return fitted


def mean_quantiles(members: Floats) -> Floats:
    """Mean of the members' quantiles, level by level. Shape (row, horizon, level).

    `members`: (member, row, horizon, level). Where a member makes no forecast the others make it
    alone; NaN where nobody makes one. Each row is computed alone, in the members' order.
    Source: Lichtendahl, Grushka-Cockayne & Winkler (2013), Is it better to average probabilities
        or quantiles?, Management Science 59.
    """
    is_forecast: Bools = np.asarray(np.isfinite(members).all(axis=3))  # (member, row, horizon)
    total = np.zeros(members.shape[1:])
    for grid, speaks in zip(members, is_forecast, strict=True):
        total = total + np.where(speaks[..., None], grid, 0.0)
    n_speaking = is_forecast.sum(axis=0)
    return np.asarray(total / np.where(n_speaking > 0, n_speaking, np.nan)[..., None])
