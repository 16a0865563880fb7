"""statsforecast's own cross-validation, exported as it comes.

pip install nextclose statsforecast==2.1.1
python examples/peers/statsforecast_arima.py
"""

from datetime import date

import pandas as pd
import polars as pl
from exports import FOLDER, closes, write_plain
from statsforecast import StatsForecast
from statsforecast.models import AutoARIMA, HistoricAverage, Naive

MODELS = ("AutoARIMA", "HistoricAverage", "Naive")


def plain(wide: pd.DataFrame) -> pl.DataFrame:
    """One row per model: `NAME` is its mean, `NAME-lo-90` and `NAME-hi-90` the levels .05, .95."""
    keys = dict(symbol="unique_id", origin=pl.col("cutoff").cast(pl.Date))
    frame = pl.from_pandas(wide)
    return pl.concat(
        frame.select(
            **keys,
            target_date=pl.col("ds").cast(pl.Date),
            model=pl.lit(model),
            point=model,
            **{"q0.05": f"{model}-lo-90", "q0.95": f"{model}-hi-90"},
        )
        for model in MODELS
    )


prices = closes(since=date(2010, 1, 4)).rename(
    {"symbol": "unique_id", "session": "ds", "close": "y"}
)
library = StatsForecast([AutoARIMA(), HistoricAverage(), Naive()], freq="B")
for horizon, windows in ((1, 120), (7, 17)):
    wide = library.cross_validation(
        df=prices.to_pandas(), h=horizon, step_size=horizon, n_windows=windows, level=[90]
    )
    name = f"statsforecast_cross_validation_h{horizon}"
    wide.to_csv(FOLDER / f"{name}.csv", index=False)
    write_plain(plain(wide), name)

# what `forecast` writes after the last price: no origin, no outcome, and the calendar of "B",
# which knows no holiday: 2012-12-25 gets a forecast
until = prices.filter(pl.col("ds") <= date(2012, 12, 20))
ahead = library.forecast(df=until.to_pandas(), h=7, level=[90])
ahead.to_csv(FOLDER / "statsforecast_forecast_business_days.csv", index=False)
