"""mlforecast's cross-validation with conformal intervals: three ways to name a session.

    pip install nextclose mlforecast==1.1.0 scikit-learn==1.9.1
    python examples/peers/mlforecast_linear.py

With `freq="B"` mlforecast refuses prices that miss a weekday, as all exchanges' do. Its users
therefore give it the exchange's own calendar, count the rows, or fill the holidays.
"""

from datetime import date

import pandas as pd
import polars as pl
from exports import FOLDER, closes, write_plain
from mlforecast import MLForecast
from mlforecast.target_transforms import Differences
from mlforecast.utils import PredictionIntervals
from sklearn.linear_model import LinearRegression
from utilsforecast.preprocessing import fill_gaps

NAMES = {"symbol": "unique_id", "session": "ds", "close": "y"}


def cross_validated(prices: pd.DataFrame, freq, *, horizon: int, windows: int) -> pd.DataFrame:
    """mlforecast's own frame: unique_id, ds, cutoff, y, LinearRegression and its 90 % interval."""
    library = MLForecast(
        LinearRegression(), freq=freq, lags=[1, 5], target_transforms=[Differences([1])]
    )
    return library.cross_validation(
        prices,
        h=horizon,
        step_size=horizon,
        n_windows=windows,
        refit=20,
        level=[90],
        prediction_intervals=PredictionIntervals(n_windows=20, h=horizon),
    )


def plain(wide: pd.DataFrame) -> pl.DataFrame:
    """The same numbers; `ds` and `cutoff` are sessions."""
    return pl.from_pandas(wide).select(
        symbol="unique_id",
        origin=pl.col("cutoff").cast(pl.Date),
        target_date=pl.col("ds").cast(pl.Date),
        model=pl.lit("LinearRegression"),
        point="LinearRegression",
        **{"q0.05": "LinearRegression-lo-90", "q0.95": "LinearRegression-hi-90"},
    )


prices = closes(since=date(2010, 1, 4)).rename(NAMES).to_pandas()
prices["ds"] = pd.to_datetime(prices["ds"])
sessions = pd.DatetimeIndex(sorted(prices["ds"].unique()))

# 1. the exchange's calendar: ds and cutoff are sessions
holidays = pd.bdate_range(sessions[0], sessions[-1]).difference(sessions)
exchange = pd.offsets.CustomBusinessDay(holidays=list(holidays))
h1 = cross_validated(prices, exchange, horizon=1, windows=120)
h1.to_csv(FOLDER / "mlforecast_cross_validation_h1.csv", index=False)
write_plain(plain(h1), "mlforecast_cross_validation_h1")
h7 = cross_validated(prices, exchange, horizon=7, windows=17)
h7.to_parquet(FOLDER / "mlforecast_cross_validation_h7.parquet", index=False)
write_plain(plain(h7), "mlforecast_cross_validation_h7")

# 2. rows counted from 0: only y, the close itself, says which session a number is
counted = prices.assign(ds=prices.groupby("unique_id").cumcount())
numbered = cross_validated(counted, 1, horizon=1, windows=120)
numbered.to_csv(FOLDER / "mlforecast_integer_index.csv", index=False)
dated = numbered.assign(ds=sessions[numbered["ds"]], cutoff=sessions[numbered["cutoff"]])
write_plain(plain(dated), "mlforecast_integer_index")

# 3. holidays filled with the close before: some ds are no session, some cutoffs neither.
# A target on a holiday has no outcome; a cutoff on one knows the session before it and no more.
filled = fill_gaps(prices, freq="B")
filled["y"] = filled.groupby("unique_id")["y"].ffill()
weekdays = cross_validated(filled, "B", horizon=1, windows=120)
weekdays.to_csv(FOLDER / "mlforecast_filled_holidays.csv", index=False)
real = weekdays[weekdays["ds"].isin(sessions)]
known = sessions[sessions.searchsorted(real["cutoff"], side="right") - 1]
write_plain(plain(real.assign(cutoff=known)), "mlforecast_filled_holidays")
