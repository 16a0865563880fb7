"""What other stocks taught before 2005: the numbers behind `models/loghar/prior.py`.

Closes of 20 US stocks, 1990 to 2004 (data set of the package `skfolio`), and for the range daily
bars of two indices, 1999 to 2004 (`arch`), of MSFT, 1990 to 2004 (`pmdarima`), and of AAPL and IBM,
2000 to 2004 (the bundled sample). Nothing from 2005 on is read. `make choices` installs the two
packages without what they depend on; only their data files are used.

    python benchmarks/har_prior.py [--write]
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import io
import json
import sys
import tarfile
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from arch.data import nasdaq, sp500

from nextclose.data.sources.frames import frame_bars
from nextclose.data.sources.loading import sample_bars
from nextclose.features.table import make_table
from nextclose.models.loghar.loghar import available_inputs, design, gamma_weights, long_run
from nextclose.models.loghar.prior import HORIZONS, ROWS_PER_SESSION
from nextclose.models.volatility.har import HAR_CAP_LEVEL, year_move
from nextclose.samples.samples import Samples, make_samples
from nextclose.schema import LEVELS, MEDIAN, Bars, Floats

RESULT = Path(__file__).parent / "results" / "har_prior.json"
FIRST, LAST = date(1990, 1, 1), date(2004, 12, 31)
PRICES = ("open", "high", "low", "close")


def packaged(package: str, name: str) -> bytes:
    """A data file of an installed package, without importing the package."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the package {package} is not installed. Fix: make choices")
    return (Path(found.submodule_search_locations[0]) / "datasets" / "data" / name).read_bytes()


def stocks(*, first: date = FIRST, last: date = LAST) -> Bars:
    """Closes of 20 US stocks."""
    text = gzip.decompress(packaged("skfolio", "sp500_dataset.csv.gz"))
    wide = pl.read_csv(text, try_parse_dates=True).rename({"Date": "session"})
    long = wide.unpivot(index="session", variable_name="symbol", value_name="close")
    return frame_bars(long.filter(pl.col("session").is_between(first, last)))


def ranged(*, first: date = FIRST, last: date = LAST) -> Bars:
    """Daily bars with a range of two indices and three stocks."""
    with tarfile.open(fileobj=io.BytesIO(packaged("pmdarima", "msft.tar.gz"))) as archive:
        file = archive.extractfile("msft.csv")
        assert file is not None
        text = file.read()
    parts = [_lower(pl.read_csv(text, try_parse_dates=True), "MSFT")]
    for name, loaded in (("SPX", sp500.load()), ("IXIC", nasdaq.load())):
        parts.append(_lower(pl.from_pandas(loaded.reset_index()), name))
    sample = sample_bars().frame.filter(pl.col("symbol").is_in(["AAPL", "IBM"]))
    parts.append(sample.select("symbol", "session", *PRICES))
    frame = pl.concat(parts).filter(pl.col("session").is_between(first, last))
    # old prices are rounded to fractions: a close may stand a hair outside its range
    frame = frame.with_columns(high=pl.max_horizontal(*PRICES), low=pl.min_horizontal(*PRICES))
    return frame_bars(frame)


def _lower(frame: pl.DataFrame, symbol: str) -> pl.DataFrame:
    named = frame.rename({name: name.lower() for name in frame.columns})
    return named.select(
        pl.lit(symbol).alias("symbol"), pl.col("date").cast(pl.Date).alias("session"), *PRICES
    )


def weights_of(samples: Samples) -> tuple[Floats, list[int]]:
    """Unblended weights (horizon, 1 + input) and the rows behind each horizon."""
    rows = np.arange(len(samples.origin))
    inputs = design(samples, available_inputs(samples), levels=long_run(samples), rows=rows)
    inputs = np.column_stack([np.ones(len(inputs)), inputs])
    movement = samples.movement / year_move(samples)[:, None]
    weights, counts = [], []
    for k in range(len(samples.horizons)):
        known = np.isfinite(inputs).all(axis=1) & np.isfinite(movement[:, k])
        aim = movement[known, k]
        cap = np.quantile(aim, HAR_CAP_LEVEL)
        weights.append(gamma_weights(inputs[known], np.minimum(aim, cap)))
        counts.append(int(known.sum()))
    return np.array(weights), counts


def spread_of(samples: Samples, weights: Floats) -> Floats:
    """Quantiles of targets over the expected move. Shape (horizon, level)."""
    rows = np.arange(len(samples.origin))
    inputs = design(samples, available_inputs(samples), levels=long_run(samples), rows=rows)
    inputs = np.column_stack([np.ones(len(inputs)), inputs])
    ratio = np.exp(inputs @ weights.T) * year_move(samples)[:, None]
    over = samples.target / ratio
    return np.array([np.quantile(column[np.isfinite(column)], LEVELS) for column in over.T])


def main() -> None:
    """Fit, print, and compare with what the package holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    closes = make_samples(make_table(stocks()), horizons=HORIZONS)
    close_weights, close_rows = weights_of(closes)
    spread = spread_of(closes, close_weights)
    with_market = make_samples(make_table(stocks(), market=True), horizons=HORIZONS)
    market_weights, _ = weights_of(with_market)
    range_weights, range_rows = weights_of(make_samples(make_table(ranged()), horizons=HORIZONS))
    # few series with a range: theirs are in turn blended with the weights of the closes
    n_range = range_weights.shape[1] - close_weights.shape[1]
    alone = np.insert(close_weights, [close_weights.shape[1] - 1] * n_range, 0.0, axis=1)
    share = np.array(range_rows) / (np.array(range_rows) + ROWS_PER_SESSION * np.array(HORIZONS))
    blended = share[:, None] * range_weights + (1 - share[:, None]) * alone
    result = {
        "bench": "har_prior",
        "rows": {"close": close_rows, "range": range_rows},
        "close_weights": close_weights.round(3).tolist(),
        "market_weights": market_weights.round(3).tolist(),
        "range_weights": blended.round(3).tolist(),
        "shape": (spread - spread[:, MEDIAN : MEDIAN + 1]).round(3).tolist(),
        "median_over_root_horizon": (spread[:, MEDIAN] / np.sqrt(HORIZONS)).round(4).tolist(),
    }
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
