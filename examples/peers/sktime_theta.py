"""sktime's quantile frames, session after session, joined and exported: a header of two rows.

pip install nextclose sktime==1.2.0 statsmodels==0.15.0 pandas==3.0.6
python examples/peers/sktime_theta.py
"""

import warnings
from datetime import date

import pandas as pd
import polars as pl
from exports import FOLDER, SYMBOLS, closes, write_plain
from sktime.forecasting.theta import ThetaForecaster

warnings.filterwarnings("ignore", category=FutureWarning)
LEVELS = [0.05, 0.5, 0.95]

plain = []
for symbol in SYMBOLS:
    frame = closes(since=date(2011, 1, 3)).filter(symbol=symbol).to_pandas()
    sessions = pd.PeriodIndex(frame["session"], freq="B")
    # sktime takes "B" and no calendar of an exchange: holidays get the close before
    y = pd.Series(frame["close"].to_numpy(), sessions, name="close")
    y = y.reindex(pd.period_range(sessions[0], sessions[-1], freq="B")).ffill()
    forecasts = []
    for cutoff in range(len(y) - 121, len(y) - 1):
        forecaster = ThetaForecaster(sp=1).fit(y[: cutoff + 1], fh=[1])
        forecasts.append(forecaster.predict_quantiles(alpha=LEVELS))
    wide = pd.concat(forecasts)
    wide.to_csv(FOLDER / f"sktime_quantiles_h1_{symbol}.csv")

    real = wide[wide.index.isin(sessions)]  # a holiday has no outcome
    origins = sessions[sessions.get_indexer(real.index) - 1]
    keys = {
        "symbol": symbol,
        "origin": list(origins.to_timestamp().date),
        "target_date": list(real.index.to_timestamp().date),
        "model": "ThetaForecaster",
    }
    levels = {f"q{level}": real[("close", level)].to_numpy() for level in LEVELS}
    plain.append(pl.DataFrame({**keys, **levels}))
write_plain(pl.concat(plain), "sktime_quantiles_h1")
