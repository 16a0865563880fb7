"""What every script of this folder needs: the prices it forecasts, and where its files go.

The peer's own file lies in `tests/judging/peers`, as the peer wrote it. The same numbers in
nextclose's plain columns lie in its folder `plain`: a test judges both and wants one verdict.
"""

from datetime import date
from pathlib import Path

import polars as pl

import nextclose as nc

FOLDER = Path(__file__).parents[2] / "tests" / "judging" / "peers"
SYMBOLS = ("AAPL", "IBM")
TEST_FROM = date(2012, 1, 3)  # the first session that may be a target


def closes(*, since: date = date(2009, 1, 2)) -> pl.DataFrame:
    """Adjusted closes of the bundled sample: symbol, session, close; oldest first per symbol."""
    bars = nc.sample_bars().frame
    rows = bars.filter(pl.col("symbol").is_in(SYMBOLS), pl.col("session") >= since)
    return rows.select("symbol", "session", "close").sort("symbol", "session")


def write_plain(forecasts: pl.DataFrame, name: str) -> None:
    """Write `plain/NAME.parquet`; a model's missing columns are null.

    Expects: symbol, origin, model, target_date or horizon, and `point` and/or `q0.05`-like prices.
    What is missing of target_date and horizon is counted in sessions of the sample's own closes.
    """
    sessions = (
        closes()
        .select("symbol", "session")
        .with_columns(place=pl.int_range(pl.len()).over("symbol"))
    )
    frame = forecasts.join(
        sessions.rename({"session": "origin", "place": "from"}), on=["symbol", "origin"]
    )
    if "target_date" in frame.columns:
        targets = sessions.rename({"session": "target_date", "place": "to"})
        frame = frame.join(targets, on=["symbol", "target_date"])
        frame = frame.with_columns(horizon=pl.col("to") - pl.col("from"))
    else:
        frame = frame.with_columns(to=pl.col("from") + pl.col("horizon"))
        targets = sessions.rename({"session": "target_date", "place": "to"})
        frame = frame.join(targets, on=["symbol", "to"])
    if frame.height != forecasts.height:
        raise ValueError(f"{name}: {forecasts.height - frame.height} forecasts are of no session")
    values = sorted(c for c in frame.columns if c == "point" or c.startswith("q0."))
    keys = ["symbol", "origin", "target_date", "horizon", "model"]
    (FOLDER / "plain").mkdir(exist_ok=True)
    frame.select(*keys, *values).sort(*keys).write_parquet(FOLDER / "plain" / f"{name}.parquet")
