"""Prophet's cross-validation and its `predict` frame, exported as they come.

    pip install nextclose prophet==1.5.0 pandas==3.1.1
    python examples/peers/prophet_trend.py

Both speak of calendar days. A cutoff may be a Sunday; `predict` repeats the history it was fitted
on and then counts weekends too. The interval is 80 % unless told otherwise; no column says so.
"""

import logging
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
from exports import FOLDER, SYMBOLS, closes, write_plain
from prophet import Prophet
from prophet.diagnostics import cross_validation

logging.getLogger("cmdstanpy").setLevel(logging.WARNING)


def fitted(symbol: str, *, since: date, until: date) -> Prophet:
    """Prophet with its defaults on one symbol's closes."""
    prices = closes(since=since).filter(pl.col("session") <= until, symbol=symbol)
    np.random.seed(0)  # noqa: NPY002  Prophet draws its intervals from it
    return Prophet().fit(prices.select(ds="session", y="close").to_pandas())


def plain(symbol: str, frame: pd.DataFrame, cutoffs) -> pl.DataFrame:
    """Rows of sessions; a cutoff between sessions knows the session before it and no more."""
    sessions = closes().filter(symbol=symbol).select(origin="session")
    rows = pl.DataFrame(
        {
            "symbol": symbol,
            "cutoff": pl.Series(pd.to_datetime(cutoffs).to_list()).cast(pl.Date),
            "target_date": pl.Series(frame["ds"].to_list()).cast(pl.Date),
            "model": "Prophet",
            "point": frame["yhat"].to_numpy(),
            "q0.1": frame["yhat_lower"].to_numpy(),
            "q0.9": frame["yhat_upper"].to_numpy(),
        }
    )
    rows = rows.join(sessions.rename({"origin": "target_date"}), on="target_date", how="semi")
    return rows.sort("cutoff").join_asof(sessions, left_on="cutoff", right_on="origin")


everything = []
for symbol in SYMBOLS:
    model = fitted(symbol, since=date(2009, 1, 2), until=date(2013, 3, 1))
    folds = cross_validation(model, initial="1240 days", period="5 days", horizon="7 days")
    folds.to_csv(FOLDER / f"prophet_cross_validation_{symbol}.csv", index=False)
    everything.append(plain(symbol, folds, folds["cutoff"]))
write_plain(pl.concat(everything).drop("cutoff"), "prophet_cross_validation")

# one fit, 30 calendar days: the rows up to 2012-12-20 are the fit of its own past, not forecasts
last = pd.Timestamp(2012, 12, 20)
model = fitted("AAPL", since=date(2012, 6, 1), until=last.date())
frame = model.predict(model.make_future_dataframe(30))
frame.to_csv(FOLDER / "prophet_predict_AAPL.csv.gz", index=False)
ahead = frame[frame["ds"] > last]
write_plain(plain("AAPL", ahead, [last] * len(ahead)).drop("cutoff"), "prophet_predict")
