"""A last layer of the user's own beside the network's: where news and own columns enter.

It adds to the outputs of each horizon what is linear in the network's last hidden layer and in
those columns. Simulated markets are among what it learns from, so that it stays sober; and of what
it learns as much is used as the validation block proves, horizon by horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import polars as pl

from nextclose.features.news import NEWS_NAMES
from nextclose.features.table import make_table, own_names
from nextclose.features.universal import FAMILY
from nextclose.libraries import library_errors
from nextclose.metrics import grid_crps
from nextclose.models.location import risk_premium
from nextclose.models.lstm.network import Network, hidden_at, outputs_of
from nextclose.models.lstm.shape import OUTPUTS, outputs_between, shape_quantiles
from nextclose.models.lstm.shrinkage import proven_share
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import Scaler, available_names, family_columns, fit_scaler
from nextclose.samples.windows import chain_starts
from nextclose.schema import MASK_COLUMNS, Bars, Floats, Floats32, Ints
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import simulate

if TYPE_CHECKING:
    from torch import Tensor

MOST_ROWS = 30_000  # that are learnt from, and as many of simulated markets
MARKETS, MARKET_SESSIONS = 48, 700
STEPS, LEARNING_RATE = 150, 0.05
SOME_ROWS = 1024  # at once
RIDGE = 1e-3  # on squared weights, in units of the loss


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLayer:
    """What is added to the network's outputs. `scaler` names the columns of the user's own.

    `weights` are of the last hidden layer, these columns and a constant; `shares` in [0, 1).
    """

    scaler: Scaler
    weights: Annotated[Floats, "float64 horizon shape_output addition"]
    shares: Annotated[Floats, "float64 horizon"]

    def refuse_unfit(self, *, units: int) -> None:
        """Raise ValueError unless it reads a hidden layer of so many units, and shares are some."""
        shape = (len(self.shares), OUTPUTS, units + len(self.scaler.names) + 1)
        if self.weights.shape != shape:
            raise ValueError(f"weights of shape {self.weights.shape}, expected {shape}")
        if not ((self.shares >= 0) & (self.shares <= 1)).all():
            raise ValueError("a share is not between 0 and 1")

    def added(self, read: Floats) -> Floats:
        """What it adds at each row (row, addition) by itself. Shape (row, horizon, output)."""
        added = np.empty((len(read), *self.weights.shape[:2]))
        for first in range(0, len(read), SOME_ROWS):
            some = slice(first, first + SOME_ROWS)
            # no matrix product: the bits of a row must not depend on how many there are
            added[some] = (self.weights * read[some, None, None, :]).sum(axis=3)
        return added


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What the last layer reads at rows, and what the network said there by itself.

    `read` (row, hidden unit + own column + 1); `outputs` (row, horizon, output) and `drift` (row,
    horizon) at the horizons of the samples.
    """

    read: Floats
    outputs: Floats
    drift: Floats


def readings(network: Network, scaler: Scaler | None, samples: Samples, rows: Ints) -> Readings:
    """The readings at ready rows; without a scaler of the network alone."""
    inputs = family_columns(samples, FAMILY)
    hidden = hidden_at(network, inputs, rows, starts=chain_starts(samples, rows, family=FAMILY))
    outputs = outputs_of(network, hidden).astype(np.float64)
    own = np.zeros((len(rows), 0)) if scaler is None else scaler.apply(samples)[rows]
    return Readings(
        read=np.column_stack([hidden, own, np.ones(len(rows))]).astype(np.float64),
        outputs=np.stack([outputs_between(outputs, h) for h in samples.horizons], axis=1),
        drift=risk_premium(samples, rows),
    )


def own_columns(samples: Samples) -> tuple[str, ...]:
    """The columns that only a last layer of one's own reads: masks, news, own features."""
    names = (*MASK_COLUMNS, *NEWS_NAMES, *own_names(samples.table))
    return available_names(samples, names)


def tuned_layer(network: Network, train: Samples, valid: Samples, *, seed: int) -> LastLayer:
    """The last layer that `train` and simulated markets teach, used as far as `valid` proves it.

    Raises: NotEnoughDataError with fewer than two rows to learn from; LibraryError without torch.
    """
    rng = np.random.default_rng(seed)
    names = own_columns(train)
    scaler = fit_scaler(train, names=names, family=FAMILY)
    rows = train.learnable(FAMILY)
    rows = np.sort(rng.choice(rows, min(len(rows), MOST_ROWS), replace=False))
    lessons = [(readings(network, scaler, train, rows), train.target[rows])]
    markets = _simulated(train.horizons, rng)
    drawn = markets.learnable(FAMILY)
    drawn = np.sort(rng.choice(drawn, min(len(drawn), len(rows)), replace=False))
    of_markets = readings(network, None, markets, drawn)
    silent = np.zeros((len(drawn), len(scaler.names)))  # their training mean: markets have none
    hidden, constant = of_markets.read[:, :-1], of_markets.read[:, -1:]
    read = np.concatenate([hidden, silent, constant], axis=1)
    of_markets = Readings(read=read, outputs=of_markets.outputs, drift=of_markets.drift)
    lessons.append((of_markets, markets.target[drawn]))
    weights = _least_crps(lessons)
    layer = LastLayer(scaler=scaler, weights=weights, shares=np.ones(len(train.horizons)))
    return LastLayer(scaler=scaler, weights=weights, shares=_proven_shares(network, layer, valid))


def _proven_shares(network: Network, layer: LastLayer, valid: Samples) -> Floats:
    """How much of what the layer adds the validation block proves. Shape (horizon,)."""
    rows = valid.learnable(FAMILY)
    shares = np.zeros(len(valid.horizons))
    if not len(rows):
        return shares
    own = readings(network, layer.scaler, valid, rows)
    target = valid.target[rows]
    alone = grid_crps(shape_quantiles(own.outputs, drift=own.drift), target)
    added = own.outputs + layer.added(own.read)
    gain = alone - grid_crps(shape_quantiles(added, drift=own.drift), target)
    for k, horizon in enumerate(valid.horizons):
        known = np.isfinite(gain[:, k])
        days = valid.origin[rows[known]]
        if known.any():
            shares[k] = proven_share(gain[known, k], days, horizon_sessions=horizon)
    return shares


def _simulated(horizons: tuple[int, ...], rng: np.random.Generator) -> Samples:
    """Samples of freshly drawn markets, each from its beginning."""
    paths = simulate(draw_markets(MARKETS, rng), MARKET_SESSIONS, rng)
    before = np.cumsum(paths.close, axis=1) - paths.close
    week, weekday = np.divmod(np.arange(MARKET_SESSIONS), 5)  # chains as long as real ones
    day = np.datetime64("2000-01-03") + 7 * week + weekday
    columns = {
        name: np.exp(before + getattr(paths, name)).ravel()
        for name in ("open", "high", "low", "close")
    }
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"M{k:03d}" for k in range(MARKETS)], MARKET_SESSIONS),
            "session": np.tile(day, MARKETS),
            **columns,
        }
    )
    return make_samples(make_table(Bars(frame=frame), families=(FAMILY,)), horizons=horizons)


def _least_crps(lessons: list[tuple[Readings, Floats]]) -> Floats:
    """Weights of least mean CRPS, each lesson counting alike. (horizon, output, read)."""
    with library_errors("torch", needed_by="lstm, fine-tuned"):
        import torch

        from nextclose.models.lstm.torch_shape import capped_crps, quantiles
    first, _ = lessons[0]
    n_horizons = first.outputs.shape[1]
    weights = torch.zeros(n_horizons, OUTPUTS, first.read.shape[1], requires_grad=True)
    tensors = [
        tuple(
            torch.from_numpy(np.asarray(part, dtype=np.float32))
            for part in (own.read, own.outputs, own.drift, target)
        )
        for own, target in lessons
    ]

    def mean_loss(read: Tensor, outputs: Tensor, drift: Tensor, target: Tensor) -> Tensor:
        grid = quantiles(outputs + torch.einsum("hok,rk->rho", weights, read), drift)
        is_known = torch.isfinite(target)
        losses = capped_crps(grid, torch.where(is_known, target, 0.0)) * is_known
        return (losses.sum(dim=0) / is_known.sum(dim=0).clamp(min=1)).mean()

    optimizer = torch.optim.Adam([weights], lr=LEARNING_RATE)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / STEPS)
        parts = [mean_loss(*each) for each in tensors]
        loss = torch.stack(parts).mean() + RIDGE * (weights**2).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own is untyped
        optimizer.step()
    found: Floats32 = weights.detach().numpy()
    return found.astype(np.float64)
