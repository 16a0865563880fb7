"""The tutorial's recipe in Keras, written from its description: the peer of `tutorial_job.py`.

One network for one symbol and horizon: windows of 60 sessions of 41 MinMax-scaled columns to the
scaled close; LSTM(128) - dropout - LSTM(128) - dropout - dense 64 - 32 - 1; Adam, MSE, batches of
32, 50 epochs at most. Its leaks are left out, which costs it no time, so that its test error can
stand beside ours: ranges fitted on training rows, a direct target, no target across a cut.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold
from nextclose.schema import Floats, Floats32, Ints

WINDOW_SESSIONS = 60
PRICE_FLOOR = 1e-3  # share of the origin's close, as in nextclose's own `classic`


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Log returns forecast at the rows asked for (row,), and the epochs that took."""

    log_returns: Floats
    n_epochs: int


def tutorial_network() -> keras.Model:
    """The compiled network: 228,993 parameters at 41 columns."""
    network = keras.Sequential(
        [
            keras.Input((WINDOW_SESSIONS, 41)),
            keras.layers.LSTM(128, return_sequences=True),
            keras.layers.Dropout(0.2),
            keras.layers.LSTM(128),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    network.compile(keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae"])
    return network


def train_and_forecast(
    fold: Fold, samples: Samples, *, symbol: str, horizon: int, epochs: int, seed: int
) -> Run:
    """Train on the fold's training samples of one symbol and horizon; forecast its test rows."""
    keras.utils.set_random_seed(seed)
    code, k = samples.table.symbols.index(symbol), samples.horizons.index(horizon)
    train, valid = (_known_rows(part, code=code, k=k) for part in (fold.train, fold.valid))
    low, span = _ranges(samples, train)
    close_low, close_span = low[3], span[3]  # open, high, low, close, volume, ...

    def scaled_close(rows: Ints) -> Floats32:
        price = samples.table.close[rows] * np.exp(samples.outcome[rows, k])
        return ((price - close_low) / close_span).astype(np.float32)

    network = tutorial_network()
    history = network.fit(
        _windows(samples, train, low, span),
        scaled_close(train),
        validation_data=(_windows(samples, valid, low, span), scaled_close(valid)),
        epochs=epochs,
        batch_size=32,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=10, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=5, min_lr=1e-6),
        ],
    )
    rows = fold.test_rows[samples.table.symbol[fold.test_rows] == code]
    scaled = network.predict(_windows(samples, rows, low, span), verbose=0)[:, 0]
    share = (scaled * close_span + close_low) / samples.table.close[rows]
    return Run(
        log_returns=np.log(np.maximum(share, PRICE_FLOOR)), n_epochs=len(history.history["loss"])
    )


def _known_rows(part: Samples, *, code: int, k: int) -> Ints:
    full = part.ready("classic", context_sessions=WINDOW_SESSIONS)
    return np.flatnonzero(full & np.isfinite(part.outcome[:, k]) & (part.table.symbol == code))


def _columns(samples: Samples) -> Floats32:
    family = samples.table.families["classic"]
    return samples.table.values[:, family.start : family.stop]


def _ranges(samples: Samples, rows: Ints) -> tuple[Floats, Floats]:
    """Lowest value and range of each column over the rows that training windows read."""
    read = _columns(samples)[rows[0] + 1 - WINDOW_SESSIONS : rows[-1] + 1].astype(np.float64)
    span = np.ptp(read, axis=0)
    return read.min(axis=0), np.where(span > 0, span, 1.0)


def _windows(samples: Samples, rows: Ints, low: Floats, span: Floats) -> Floats32:
    scaled = ((_columns(samples) - low) / span).astype(np.float32)
    return scaled[rows[:, None] + np.arange(1 - WINDOW_SESSIONS, 1)]  # (sample, session, feature)
