"""neuralforecast's cross-validation: quantile and distribution losses, and a point loss.

    pip install torch==2.13.0
    pip install nextclose neuralforecast==3.3.0 pandas==3.1.1
    python examples/peers/neuralforecast_mlp.py

Tiny networks, trained for seconds: they show a format, not what the library can do.
"""

from datetime import date

import polars as pl
from exports import FOLDER, closes, write_plain
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import DistributionLoss, MQLoss
from neuralforecast.models import LSTM, MLP


def models(horizon: int) -> list:
    """`MLP` gives quantiles, `MLP_Normal` a mean and quantiles, `LSTM` a point alone."""
    small = dict(
        h=horizon,
        input_size=20,
        max_steps=200,
        scaler_type="standard",
        random_seed=0,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_checkpointing=False,
        logger=False,
    )
    normal = DistributionLoss("Normal", level=[90])
    return [
        MLP(loss=MQLoss(level=[90]), hidden_size=16, **small),
        MLP(loss=normal, hidden_size=16, alias="MLP_Normal", **small),
        LSTM(encoder_hidden_size=8, decoder_hidden_size=8, **small),
    ]


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per model; `NAME` is a mean or point, `-median`, `-lo-90`, `-hi-90` are quantiles."""
    parts = []
    for model in ("MLP", "MLP_Normal", "LSTM"):
        columns = {
            "point": model,
            "q0.05": f"{model}-lo-90",
            "q0.5": f"{model}-median",
            "q0.95": f"{model}-hi-90",
        }
        part = frame.select(
            symbol="unique_id",
            origin=pl.col("cutoff").cast(pl.Date),
            target_date=pl.col("ds").cast(pl.Date),
            model=pl.lit(model),
            **{
                name: pl.col(c).cast(pl.Float64)
                for name, c in columns.items()
                if c in frame.columns
            },
        )
        parts.append(part)
    return pl.concat(parts, how="diagonal")


names = {"symbol": "unique_id", "session": "ds", "close": "y"}
prices = closes(since=date(2010, 1, 4)).rename(names).to_pandas()
wide = {}
for horizon, windows in ((1, 120), (7, 17)):
    library = NeuralForecast(models(horizon), freq="B")
    wide[horizon] = library.cross_validation(prices, n_windows=windows, step_size=horizon)

# its numbers are single precision: eight digits in a CSV, all of them in Parquet; the plain twin
# holds what a reader of the file gets
h1 = FOLDER / "neuralforecast_cross_validation_h1.csv"
wide[1].to_csv(h1, index=False)
write_plain(plain(pl.read_csv(h1, try_parse_dates=True)), h1.stem)
h7 = FOLDER / "neuralforecast_cross_validation_h7.parquet"
wide[7].to_parquet(h7, index=False)
write_plain(plain(pl.read_parquet(h7)), h7.stem)
