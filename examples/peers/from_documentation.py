"""Files in the documented form of models that need weights: no model has made these numbers.

    python examples/peers/from_documentation.py

Each forecast is the close before, with normal quantiles of the last 60 log returns. What is the
peers' own is the columns; addresses of the pages are in `tests/judging/peers/README.md`. One step
ahead, session after session, frames joined: a single call of theirs covers one origin.
"""

import json
from statistics import NormalDist

import polars as pl
from exports import FOLDER, SYMBOLS, closes, write_plain

OUT = FOLDER / "from_documentation"
LEVELS = [round(0.1 * i, 1) for i in range(1, 10)]
OUT.mkdir(exist_ok=True)

returns = pl.col("close").log().diff().over("symbol")
spread = returns.rolling_std(60).over("symbol")
known = pl.col("close", "session", "spread").shift(1).over("symbol").name.suffix("_before")
rows = closes().with_columns(spread=spread).with_columns(known)
rows = rows.group_by("symbol", maintain_order=True).tail(120)
rows = rows.with_columns(
    (pl.col("close_before") * (pl.col("spread_before") * NormalDist().inv_cdf(level)).exp()).alias(
        str(level)
    )
    for level in LEVELS
)
quantiles = {f"q{level}": str(level) for level in LEVELS}
keys = {"symbol": "symbol", "origin": "session_before", "target_date": "session"}


def plain(name: str, model: str, values: dict[str, str]) -> None:
    """The twin of one file in plain columns."""
    write_plain(rows.select(**keys, model=pl.lit(model), **values), f"from_documentation_{name}")


# Chronos: predict_df
chronos = rows.select(
    item_id="symbol",
    timestamp="session",
    target_name=pl.lit("target"),
    predictions="close_before",
    **{str(level): str(level) for level in LEVELS},
)
chronos.write_csv(OUT / "chronos_predict_df.csv.gz", compression="gzip")
plain("chronos_predict_df", "predictions", {"point": "close_before", **quantiles})

# AutoGluon: predict, its index written as two columns
autogluon = chronos.drop("target_name").rename({"predictions": "mean"})
autogluon.write_parquet(OUT / "autogluon_predict.parquet")
plain("autogluon_predict", "mean", {"point": "close_before", **quantiles})

# TimesFM 1 and 2: forecast_on_df
timesfm = rows.select(
    unique_id="symbol",
    ds="session",
    timesfm="close_before",
    **{f"timesfm-q-{level}": str(level) for level in LEVELS},
)
timesfm.write_parquet(OUT / "timesfm_forecast_on_df.parquet")
plain("timesfm_forecast_on_df", "timesfm", {"point": "close_before", **quantiles})

# Kronos: predict, one frame per symbol, indexed by the time stamps it was given; its `close`
# is the mean of the sampled paths
for symbol in SYMBOLS:
    bars = rows.filter(symbol=symbol)
    same = dict.fromkeys(("open", "high", "low", "close"), "close_before")
    frame = bars.select(timestamps="session", **same, volume=pl.lit(0.0), amount=pl.lit(0.0))
    frame.write_csv(OUT / f"kronos_predict_{symbol}.csv")
plain("kronos_predict", "close", {"point": "close_before"})

# fev: per window, per item in the data set's order, lists over the horizon; no date, no name
windows = [
    [
        {"predictions": [row["close_before"]], **{str(v): [row[str(v)]] for v in LEVELS}}
        for row in window.sort("symbol").iter_rows(named=True)
    ]
    for _, window in rows.group_by("session", maintain_order=True)
]
(OUT / "fev_predictions.json").write_text(json.dumps(windows[-24:]) + "\n")
