"""The LSTM of the usual Keras tutorial on one stock, its leak kept, and the CSV it leaves behind.

    pip install torch==2.13.0
    pip install nextclose keras==3.15.1 scikit-learn==1.9.1 pandas==3.1.1
    python examples/peers/keras_tutorial.py

Leaky as tutorials are: MinMaxScaler is fitted on all rows, so training is told the highest and
lowest price of the test years. Small and trained briefly, like them.
"""

import os
from datetime import date

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pandas as pd
import polars as pl
from exports import FOLDER, SYMBOLS, TEST_FROM, closes, write_plain
from sklearn.preprocessing import MinMaxScaler

WINDOW = 60
keras.utils.set_random_seed(0)


def tutorial(symbol: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Its `valid` frame, prices by date; and the scaled arrays that some save instead."""
    frame = closes(since=date(2009, 1, 2)).filter(symbol=symbol).to_pandas().set_index("session")
    data = frame[["close"]].rename(columns={"close": "Close"}).rename_axis("Date")
    n_train = int((data.index < pd.Timestamp(TEST_FROM)).sum())

    scaler = MinMaxScaler(feature_range=(0, 1))
    scaled = scaler.fit_transform(data.values)  # the leak: all rows
    windows = np.stack([scaled[i - WINDOW : i] for i in range(WINDOW, len(scaled))])
    targets = scaled[WINDOW:]
    n_windows = n_train - WINDOW

    model = keras.Sequential(
        [
            keras.Input((WINDOW, 1)),
            keras.layers.LSTM(32, return_sequences=True),
            keras.layers.LSTM(32),
            keras.layers.Dense(8),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(windows[:n_windows], targets[:n_windows], batch_size=16, epochs=20, verbose=0)
    predicted = model.predict(windows[n_windows:], verbose=0)

    valid = data[n_train:].copy()
    valid["Predictions"] = scaler.inverse_transform(predicted)
    arrays = {"actual": targets[n_windows:, 0], "predicted": predicted[:, 0]}
    return valid, pd.DataFrame(arrays)


plain = []
for symbol in SYMBOLS:
    valid, scaled = tutorial(symbol)
    path = FOLDER / f"keras_tutorial_leaky_scaler_{symbol}.csv"
    valid.to_csv(path)
    rows = pl.read_csv(path, try_parse_dates=True)
    sessions = closes().filter(symbol=symbol).select("session", origin=pl.col("session").shift(1))
    rows = rows.join(sessions, left_on="Date", right_on="session")
    plain.append(
        rows.select(
            "origin",
            symbol=pl.lit(symbol),
            target_date="Date",
            model=pl.lit("Predictions"),
            point="Predictions",
        )
    )
    if symbol == "AAPL":  # neither dates nor prices: nothing that could be judged
        scaled.to_csv(FOLDER / "keras_tutorial_scaled_undated_AAPL.csv", index=False)
write_plain(pl.concat(plain), "keras_tutorial_leaky_scaler")
