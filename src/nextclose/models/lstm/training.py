"""The dense training loop: every session of a chunk is a target, for all horizons at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from nextclose.config import LstmConfig
from nextclose.errors import NotEnoughDataError
from nextclose.models.lstm.network import Network, corrected_quantiles, grid_crps
from nextclose.models.lstm.optimizer import AdamW
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import Scaler
from nextclose.samples.windows import Chunks, training_chunks
from nextclose.schema import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedLstm:
    """Weights of the epoch with the largest usable gain, and the curves (1 + epoch,).

    The first entry of each curve is from before any training, which may be the best.
    """

    weights: dict[str, Tensor]
    train_crps: Sequence[float]
    valid_crps: Sequence[float]
    usable_gain: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Chunks gathered on the device: inputs (session, chunk, feature), targets (.., horizon)."""

    x: Tensor
    target: Tensor
    known: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceData:
    """Scaled features and targets of all rows on the device; batches are gathered by index."""

    x: Tensor  # (row, feature)
    target: Tensor  # (row, horizon), NaN where unknown

    def batch(self, chunks: Chunks) -> Batch:
        """The chunks, session first, with the mask of targets that count."""
        rows = torch.from_numpy(chunks.rows.T.copy()).to(self.x.device)  # (session, chunk)
        keep = torch.from_numpy(chunks.keep.T.copy()).to(self.x.device)
        target = self.target[rows]  # (session, chunk, horizon)
        known = keep.unsqueeze(-1) & target.isfinite()
        return Batch(x=self.x[rows], target=target.nan_to_num(0.0), known=known)


def device_data(samples: Samples, scaler: Scaler, *, device: str) -> DeviceData:
    """The samples on the device."""
    return DeviceData(
        x=torch.from_numpy(scaler.apply(samples)).to(device),
        target=torch.from_numpy(samples.target.astype(np.float32)).to(device),
    )


def mean_crps(network: Network, spread: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    """Mean score over known targets, then over horizons by `weights` (horizon,). Target units."""
    return (horizon_crps(network(batch.x), spread, batch) * weights).sum()


def horizon_weights(settings: LstmConfig, horizons: Sequence[int]) -> Tensor:
    """How much each horizon's score counts in the loss; they sum to 1. Shape (horizon,)."""
    weights = torch.tensor([float(h) ** -settings.horizon_power for h in horizons])
    return (weights / weights.sum()).to(settings.device)


def horizon_crps(corrections: Tensor, spread: Tensor, batch: Batch) -> Tensor:
    """Mean score of corrected forecasts over known targets. Shape (horizon,), target units."""
    scores = grid_crps(corrected_quantiles(spread, corrections), batch.target)
    return (scores * batch.known).sum((0, 1)) / batch.known.sum((0, 1)).clamp(min=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What a network learns from and is judged by: samples, and the same rows on the device."""

    train: Samples
    valid: Samples
    data: DeviceData
    held_out: DeviceData
    spread: Tensor  # (horizon, level)

    def of(self, segments: Ints) -> TrainingSet:
        """The lesson of these segments alone."""
        return replace(
            self,
            train=replace(self.train, segments=_inside(self.train.segments, segments)),
            valid=replace(self.valid, segments=_inside(self.valid.segments, segments)),
        )


def training_set(
    settings: LstmConfig, spread: Floats, *, train: Samples, valid: Samples, scaler: Scaler
) -> TrainingSet:
    """The lesson of `train`, judged by `valid`: to correct `spread` (horizon, level)."""
    return TrainingSet(
        train=train,
        valid=valid,
        data=device_data(train, scaler, device=settings.device),
        held_out=device_data(valid, scaler, device=settings.device),
        spread=torch.from_numpy(spread.astype(np.float32)).to(settings.device),
    )


def _inside(segments: Ints, chosen: Ints) -> Ints:
    """Those of `segments` that start where one of `chosen` does."""
    return segments[np.isin(segments[:, 0], chosen[:, 0])]


def train_network(settings: LstmConfig, network: Network, lesson: TrainingSet) -> TrainedLstm:
    """Train all of `network`; returns the best epoch's weights.

    Expects: the global torch generator seeded by the caller; one thread.
    Raises: NotEnoughDataError if no chunk of either part holds a known target.
    """
    return best_epoch(settings, network, list(network.parameters()), lesson)


def best_epoch(
    settings: LstmConfig, network: Network, parameters: Sequence[Tensor], lesson: TrainingSet
) -> TrainedLstm:
    """Move `parameters` of `network` epoch by epoch; returns its weights at the best of them.

    Raises: NotEnoughDataError if no chunk holds a known target.
    """
    optimizer = AdamW(
        parameters, learning_rate=settings.learning_rate, weight_decay=settings.weight_decay
    )
    base, train, data = lesson.spread, lesson.train, lesson.data
    loss_weights = horizon_weights(settings, train.horizons)
    everything = data.batch(target_chunks(settings, train, offset_sessions=0, what="training"))
    held_out = lesson.held_out.batch(
        target_chunks(settings, lesson.valid, offset_sessions=0, what="validation")
    )
    crps, gain = validation_scores(network, base, held_out)
    train_crps, valid_crps, usable_gain = (
        [validation_scores(network, base, everything)[0]],
        [crps],
        [gain],
    )
    weights, best = _weights_copy(network), 0
    for epoch in range(1, settings.max_epochs + 1):
        losses = [
            training_step(network, base, optimizer, batch, weights=loss_weights)
            for batch in _epoch(settings, train, data)
        ]
        crps, gain = validation_scores(network, base, held_out)
        train_crps.append(float(np.mean(losses)))
        valid_crps.append(crps)
        usable_gain.append(gain)
        if gain > usable_gain[best]:
            best, weights = epoch, _weights_copy(network)
        elif epoch - best >= settings.patience_epochs:
            break
    return TrainedLstm(
        weights=weights, train_crps=train_crps, valid_crps=valid_crps, usable_gain=usable_gain
    )


def validation_scores(network: Network, spread: Tensor, batch: Batch) -> tuple[float, float]:
    """Mean CRPS without dropout, and the gain over no correction of what gains, both >= 0.

    For the gain, shift and widths count apart at each horizon and only if they gain, so one that
    loses does not count against another: each will be used alone, as far as it is proven
    (`correction.proven_shares`). The epoch is chosen by it on the block that later proves it.
    """
    network.eval()
    with torch.no_grad():
        corrections = network(batch.x)
        none, shift, widths, both = (
            horizon_crps(corrections * corrections.new_tensor(part), spread, batch)
            for part in ((0, 0, 0), (1, 0, 0), (0, 1, 1), (1, 1, 1))
        )
    network.train()
    gains = torch.stack([none - shift, none - widths])
    return float(both.mean()), float(gains.clamp(min=0).sum())


def target_chunks(
    settings: LstmConfig, samples: Samples, *, offset_sessions: int, what: str
) -> Chunks:
    """The chunks that hold a known target, less the rows that no chunk needs.

    A short history fills its chunk in part only; what lies before the first burn-in and after the
    last target of all chunks would be computed for nothing.
    Raises: NotEnoughDataError naming `what`.
    """
    chunks = training_chunks(
        samples,
        family="stationary",
        chunk_sessions=settings.chunk_sessions,
        burn_in_sessions=settings.burn_in_sessions,
        offset_sessions=offset_sessions,
    )
    known: Bools = np.asarray(np.isfinite(samples.target).any(axis=1))
    counts = known[chunks.rows] & chunks.keep
    useful, position = np.flatnonzero(counts.any(axis=1)), np.flatnonzero(counts.any(axis=0))
    if not useful.size:
        raise NotEnoughDataError(
            f"no {what} target is known after warm-up and burn-in. Fix: give more history.",
            needed=1,
            found=0,
        )
    first, last = position[0] - settings.burn_in_sessions, position[-1]
    return chunks.chosen(useful).cut(first, last + 1)


def _epoch(settings: LstmConfig, train: Samples, data: DeviceData) -> Iterator[Batch]:
    """One pass over all chunks at a random offset, in random order."""
    stride = settings.chunk_sessions - settings.burn_in_sessions
    offset = int(torch.randint(stride, ()))
    chunks = target_chunks(settings, train, offset_sessions=offset, what="training")
    order = torch.randperm(len(chunks.rows)).numpy()
    for start in range(0, len(order), settings.batch_chunks):
        chosen = order[start : start + settings.batch_chunks]
        yield data.batch(chunks.chosen(chosen))


def training_step(
    network: Network, spread: Tensor, optimizer: AdamW, batch: Batch, *, weights: Tensor
) -> float:
    """One update of the network, horizons counting by `weights`; returns the loss before it."""
    loss = mean_crps(network, spread, batch, weights)
    optimizer.step(loss)
    return float(loss.detach())


def _weights_copy(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
