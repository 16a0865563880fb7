"""darts' historical forecasts: quantiles and sampled paths, one file per symbol, no origin.

pip install nextclose u8darts==0.41.0 scikit-learn==1.9.1 pandas==3.1.1
python examples/peers/darts_linear.py
"""

from datetime import date

import pandas as pd
import polars as pl
from darts import TimeSeries
from darts.models import LinearRegressionModel
from darts.utils.missing_values import fill_missing_values
from exports import FOLDER, SYMBOLS, closes, write_plain

LEVELS = (0.05, 0.5, 0.95)
prices = closes(since=date(2010, 1, 4)).with_columns(pl.col("session").cast(pl.Datetime("us")))
sessions = pd.DatetimeIndex(prices["session"].unique().sort().to_list())
weekdays = pd.bdate_range(sessions[0], sessions[-1])
exchange = pd.offsets.CustomBusinessDay(holidays=list(weekdays.difference(sessions)))


def series(symbol: str, freq) -> TimeSeries:
    """Closes of one symbol; a holiday that `freq` does not know is filled in, as darts does it.

    darts draws a line to the next price: the forecast of the session after a holiday has seen it.
    """
    frame = prices.filter(symbol=symbol).select("session", "close").to_pandas()
    gaps = TimeSeries.from_dataframe(
        frame, time_col="session", value_cols="close", freq=freq, fill_missing_dates=True
    )
    return fill_missing_values(gaps)


def history(closes: TimeSeries, *, horizon: int, first: int, stride: int = 1, **output):
    """Forecasts `horizon` steps ahead of a quantile regression fitted once, on what came before."""
    model = LinearRegressionModel(
        lags=5,
        output_chunk_length=horizon,
        likelihood="quantile",
        quantiles=list(LEVELS),
        random_state=0,
    )
    model.fit(closes[: -first - horizon])
    return model.historical_forecasts(
        closes,
        start=-first - horizon + 1,
        start_format="position",
        forecast_horizon=horizon,
        stride=stride,
        retrain=False,
        last_points_only=True,
        **output,
    )


def plain(symbol: str, wide: pd.DataFrame, *, horizon: int) -> pl.DataFrame:
    """The rows whose date is a session; the origin lies `horizon` sessions before it."""
    wide = wide[wide.index.isin(sessions)]
    origins = sessions[sessions.get_indexer(wide.index) - horizon]
    if "close_s0" in wide.columns:
        levels = wide.quantile(LEVELS, axis=1).T.to_numpy()
    else:
        levels = wide[[f"close_q{level:.3f}" for level in LEVELS]].to_numpy()
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(wide),
            "origin": list(origins.date),
            "target_date": list(wide.index.date),
            "model": ["LinearRegressionModel"] * len(wide),
            **{f"q{level}": levels[:, i] for i, level in enumerate(LEVELS)},
        }
    )


def export(name: str, freq, *, symbols=SYMBOLS, horizon: int = 1, **output) -> None:
    """One CSV per symbol, as `to_dataframe().to_csv()` writes it, and one plain file for all."""
    frames = []
    for symbol in symbols:
        wide = history(series(symbol, freq), horizon=horizon, first=120, **output).to_dataframe()
        wide.to_csv(FOLDER / f"{name}_{symbol}.csv")
        frames.append(plain(symbol, wide, horizon=horizon))
    write_plain(pl.concat(frames), name)


export("darts_quantiles_h1", exchange, predict_likelihood_parameters=True)
export("darts_quantiles_h7", exchange, horizon=7, predict_likelihood_parameters=True)
export("darts_samples_h1", exchange, symbols=("AAPL",), num_samples=20)
export("darts_filled_holidays_h1", "B", symbols=("AAPL",), predict_likelihood_parameters=True)
